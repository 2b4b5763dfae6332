"""A scene as NumPy arrays: the fields of `Scene` under their own names, in the camera's coordinates."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files import npz, regular, whole_file
from duolift.outputs.checks import VERSION, build, expect
from duolift.scene import Scene

ARRAYS = ("people", "by_paper", "seen", "confidence", "up", "height", "keypoints")


def write_arrays(reconstruction: Scene, path: Path) -> list[Path]:
    """Write an `.npz`: arrays as arrays, and everything else as JSON in `about`."""
    about = {
        "version": VERSION,
        "skeleton": reconstruction.skeleton.name,
        "joints": reconstruction.skeleton.joints,
        "names": reconstruction.names,
        "identities": reconstruction.identities,
        "image": reconstruction.image,
        "focal": reconstruction.focal,
        "focal_source": reconstruction.focal_source,
        "rate": reconstruction.rate,
        "notes": reconstruction.notes,
    }
    arrays = {key: getattr(reconstruction, key) for key in ARRAYS}
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    return [path]


def read_arrays(path: Path) -> Scene:
    """Read an `.npz`. Raises InputError for anything that is not as it should be."""
    arrays: dict[str, Any] = npz.read_arrays(regular(path), str(path), "duolift")
    try:
        about = json.loads(str(arrays.pop("about")))
    except (KeyError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a scene's arrays ({error}); expected an .npz that duolift has written"
        ) from error
    expect(isinstance(about, dict), str(path), "about", about, "a JSON object")
    expect(about.get("version") == VERSION, str(path), "version", about.get("version"), str(VERSION))
    return build({**arrays, **about}, str(path))
