"""One person over a sequence, for formats that hold a person each and know no gaps."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.scene import Scene

ALONE = 1.0
"""Frames a second of images that stand alone, where a format wants a rate."""


def rate_of(reconstruction: Scene) -> float:
    """Frames a second."""
    return reconstruction.rate or ALONE


def people_there(reconstruction: Scene, path: Path) -> list[int]:
    """Indices of those who are in any frame. Raises InputError where nobody is, for a format that needs somebody."""
    there = np.flatnonzero(reconstruction.present.any(0)).tolist()
    if not there:
        raise InputError(f"{path}: people is empty; expected somebody, since {path.suffix} holds nothing else")
    return there


def path_of(path: Path, identity: int) -> Path:
    """`scene.bvh` of one person: `scene-1.bvh`."""
    return path.with_name(f"{path.stem}-{identity}{path.suffix}")


def without_gaps(person: NDArray[np.floating]) -> NDArray[np.float64]:
    """A person (frame, joint, 3) who is NaN in some frames: led straight across gaps, and still before and after."""
    frames = np.arange(len(person))
    there = np.isfinite(person).all((-1, -2))
    flat = person.reshape(len(person), -1)
    tracks = [np.interp(frames, frames[there], track[there]) for track in flat.T]
    return np.stack(tracks, axis=-1).reshape(person.shape)
