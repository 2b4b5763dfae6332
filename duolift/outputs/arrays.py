"""A scene as NumPy arrays (`.npz`) in camera coordinates. `duolift.outputs.schema` has the fields."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files import npz, regular, whole_file
from duolift.outputs.fields import expect
from duolift.outputs.schema import ARRAY_FIELDS, VALUE_FIELDS, check_version, scene_of
from duolift.scene import Scene


def write_arrays(scene: Scene, path: Path) -> list[Path]:
    """Write an `.npz`: arrays as arrays, and everything else as JSON in `about`."""
    about = {value.key: value.written(scene) for value in VALUE_FIELDS if not value.json_only}
    arrays = {array.key: getattr(scene, array.key) for array in ARRAY_FIELDS}
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    return [path]


def read_arrays(path: Path) -> Scene:
    """Read an `.npz`. Raises InputError for anything that docs/scene.md does not allow."""
    arrays: dict[str, Any] = npz.read_arrays(regular(path), str(path), "duolift")
    try:
        about = json.loads(str(arrays.pop("about")))
    except (KeyError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a scene's arrays ({error}); expected an .npz that duolift has written"
        ) from error
    expect(isinstance(about, dict), str(path), "about", about, "a JSON object")
    check_version(about, str(path))
    found = {value.key: about[value.key] for value in VALUE_FIELDS if value.key in about}
    found |= {array.key: arrays[array.key] for array in ARRAY_FIELDS if array.key in arrays}
    return scene_of(found, str(path), as_json=False)
