"""A scene as JSON: all there is to know of it, in the scene's coordinates and metres. docs/scene.md has the schema."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files import read_bytes, write_text
from duolift.outputs.checks import VERSION, build, expect, listed
from duolift.scene import Scene, to_camera

FORMAT = "duolift scene"

LARGEST = 256 * 2**20
"""Bytes of a file that is read; an `.npz` holds a longer video."""

METRES, PIXELS, SHARES, DIRECTIONS = 4, 2, 3, 7
"""Decimals that are written."""


def to_document(reconstruction: Scene) -> dict[str, Any]:
    """A reconstruction as plain lists, numbers and text: what the JSON holds. None stands for what is absent."""
    skeleton = reconstruction.skeleton
    return {
        "format": FORMAT,
        "version": VERSION,
        "skeleton": skeleton.name,
        "joints": list(skeleton.joints),
        "bones": [list(bone) for bone in skeleton.bones],
        "names": list(reconstruction.names),
        "identities": list(reconstruction.identities),
        "people": _people(reconstruction.scene()),
        "by_paper": _people(reconstruction.scene(reconstruction.by_paper)),
        "seen": reconstruction.seen.tolist(),
        "confidence": _rounded(reconstruction.confidence, SHARES),
        "up": _rounded(reconstruction.up, DIRECTIONS),
        "height": _rounded(reconstruction.height, METRES),
        "keypoints": _points(reconstruction.keypoints),
        "image": list(reconstruction.image),
        "focal": reconstruction.focal,
        "focal_source": reconstruction.focal_source,
        "rate": reconstruction.rate,
        "notes": list(reconstruction.notes),
    }


def to_json(reconstruction: Scene) -> str:
    """The JSON's text; no NaN is in it."""
    return json.dumps(to_document(reconstruction), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def write_document(reconstruction: Scene, path: Path) -> list[Path]:
    """Write a `.json`."""
    write_text(path, to_json(reconstruction) + "\n")
    return [path]


def read_document(path: Path) -> Scene:
    """Read a `.json`. Raises InputError for anything that is not as it should be."""
    return from_json(read_bytes(path, LARGEST), str(path))


def from_json(content: bytes | str, source: str) -> Scene:
    """A reconstruction from a JSON's text.

    Args:
        source: what errors call the file.

    Raises:
        InputError: anything that is not as it should be.
    """
    try:
        found = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid JSON ({error}); is the file cut off?") from error
    expect(isinstance(found, dict), source, "the content", found, "a JSON object")
    expect(found.get("format") == FORMAT, source, "format", found.get("format"), repr(FORMAT))
    expect(found.get("version") == VERSION, source, "version", found.get("version"), str(VERSION))
    fields = dict(found)
    shape = tuple(len(listed(found.get(key, []), source, key)) for key in ("names", "identities", "joints"))
    empty = {
        "people": (*shape, 3),
        "by_paper": (*shape, 3),
        "keypoints": (*shape, 2),
        "seen": shape,
        "confidence": shape[:2],
        "up": (shape[0], 3),
        "height": shape[:1],
    }
    for key, whole in empty.items():
        if key in fields:
            missing = whole[-2:] if key in ("people", "by_paper") else whole[-1:]
            fields[key] = _array(fields[key], whole, missing, key, source)
    return build(fields, source, to_camera)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _array(value: Any, shape: tuple[int, ...], missing: tuple[int, ...], key: str, source: str) -> NDArray[Any]:
    """Nested lists as an array; null stands for NaN of the shape `missing`."""
    try:
        found = np.array(_filled(value, len(shape) - len(missing), np.full(missing, np.nan).tolist()))
    except ValueError as error:
        raise InputError(f"{source}: {key} is a ragged list; expected lists as long as one another") from error
    return found.reshape(shape) if not found.size and 0 in shape else found


def _filled(value: Any, levels: int, missing: list[Any]) -> Any:
    if levels and isinstance(value, list):
        return [_filled(item, levels - 1, missing) for item in value]
    return missing if value is None and not levels else value


def _rounded(values: NDArray[np.floating], decimals: int) -> list[Any]:
    """Numbers as lists, with few decimals: float64 first, since a float32 has too many."""
    return np.round(values.astype(np.float64), decimals).tolist()


def _people(people: NDArray[np.float32]) -> list[Any]:
    """(frame, person, joint, 3) as lists, None for a person who is not there."""
    there = np.asarray(np.isfinite(people).all((-1, -2)))
    return [
        [person if here else None for person, here in zip(frame, present, strict=True)]
        for frame, present in zip(_rounded(people, METRES), there, strict=True)
    ]


def _points(points: NDArray[np.float32]) -> list[Any]:
    """(frame, person, joint, 2) as lists, None for a joint that is not there."""
    flat = _rounded(points.reshape(-1, 2), PIXELS)
    there = np.isfinite(points).all(-1).ravel()
    cells = np.empty(there.shape, dtype=object)
    cells[:] = [point if here else None for point, here in zip(flat, there, strict=True)]
    return cells.reshape(points.shape[:-1]).tolist()
