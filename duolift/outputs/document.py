"""A scene as JSON: everything, in world coordinates and metres. `duolift.outputs.schema` has the fields."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from duolift.errors import InputError
from duolift.files import read_bytes, whole_file
from duolift.outputs.fields import expect
from duolift.outputs.schema import FIELDS, SCENE_FORMAT, check_version, scene_of
from duolift.scene import Scene

LARGEST_JSON = 256 * 2**20
"""Bytes of a file that is read; an `.npz` holds a longer video."""


def to_document(scene: Scene) -> dict[str, Any]:
    """A scene as plain lists, numbers and text, as the JSON holds them; None for null.

    >>> document = to_document(Scene.example())
    >>> document["identities"], document["focal"]
    ([1, 2], 1000.0)
    >>> document["people"][1][1] is None  # the second person is not in the second frame
    True
    """
    return {field.key: field.written(scene) for field in FIELDS}


def to_json(scene: Scene) -> str:
    """A scene as JSON text, without NaN and infinity."""
    return "".join(json_parts(scene))


def json_parts(scene: Scene) -> Iterator[str]:
    """The same text key by key: of a long video, the numbers of one key alone are there as Python's, which are large.

    >>> json.loads("".join(json_parts(Scene.example()))) == to_document(Scene.example())
    True
    """
    for number, field in enumerate(FIELDS):
        value = json.dumps(field.written(scene), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        yield f"{',' if number else '{'}{json.dumps(field.key)}:{value}"
    yield "}"


def write_document(scene: Scene, path: Path) -> list[Path]:
    """Write a `.json`."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(chain(json_parts(scene), ["\n"]))
    return [path]


def read_document(path: Path) -> Scene:
    """Read a `.json`. Raises InputError for anything that docs/scene.md does not allow."""
    return from_json(read_bytes(path, LARGEST_JSON), str(path))


def from_json(content: bytes | str, source: str) -> Scene:
    """A scene from JSON text.

    Args:
        source: what messages call the file.

    Raises:
        InputError: anything that docs/scene.md does not allow.

    >>> from_json(to_json(Scene.example()), "scene.json")
    Scene(4 frames, 2 people, paper19, focal 1000 px (default), 25 frames/s)
    """
    try:
        found = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid JSON ({error}); is the file cut off?") from error
    return from_document(found, source)


def from_document(found: Any, source: str) -> Scene:
    """A scene from what its JSON holds. Arguments and errors as of `from_json`.

    >>> from_document(to_document(Scene.example()), "scene.json").identities
    (1, 2)
    """
    expect(isinstance(found, dict), source, "the content", found, "a JSON object")
    expect(found.get("format") == SCENE_FORMAT, source, "format", found.get("format"), repr(SCENE_FORMAT))
    check_version(found, source)
    return scene_of(found, source, as_json=True)


def _refuse_constant(name: str) -> None:
    """Python's reader takes NaN and Infinity, which are no JSON."""
    raise ValueError(f"{name} is no JSON")
