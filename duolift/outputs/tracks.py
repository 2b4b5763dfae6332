"""What formats share that hold one person a file, or that cannot do without a frame rate."""

from pathlib import Path

import numpy as np

from duolift.errors import InputError
from duolift.scene import Scene

RATE_OF_IMAGES = 1.0
"""Frames a second for images that stand alone, where a format must have a rate."""


def rate_of(scene: Scene) -> float:
    """Frames a second, `RATE_OF_IMAGES` for images that stand alone.

    >>> rate_of(Scene.example())
    25.0
    """
    return scene.rate or RATE_OF_IMAGES


def ever_valid(scene: Scene, path: Path) -> list[int]:
    """The people who are in any frame, by their position on the person axis.

    Raises:
        InputError: there is nobody, and the format of `path` holds nothing else.

    >>> ever_valid(Scene.example(), Path("scene.bvh"))
    [0, 1]
    """
    people = np.flatnonzero(scene.valid.any(0)).tolist()
    if not people:
        raise InputError(f"{path}: people is empty; expected somebody, since {path.suffix} holds nothing else")
    return people


def path_of(path: Path, identity: int) -> Path:
    """The file of one person.

    >>> path_of(Path("scene.bvh"), 1).name
    'scene-1.bvh'
    """
    return path.with_name(f"{path.stem}-{identity}{path.suffix}")
