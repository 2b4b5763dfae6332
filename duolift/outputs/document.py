"""A scene as JSON: everything, in world coordinates and metres. `duolift.outputs.schema` has the fields."""

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from duolift.errors import InputError
from duolift.files import opened, whole_file
from duolift.files.bounded_json import JsonLimits
from duolift.files.json_stream import JsonStream
from duolift.outputs.fields import Array, expect
from duolift.outputs.schema import ARRAYS, FIELDS, SCENE_FORMAT, check_version, scene_of
from duolift.scene import Scene

LARGEST_JSON = 2**30
"""Bytes of a file that is read: three hours of two people at 30 frames a second. An `.npz` holds longer videos."""

SCENE_LIMITS = JsonLimits(held=LARGEST_JSON)
"""All frames of a key are one value."""

ROOTS = {"start_array": "a list", "string": "a text", "number": "a number", "boolean": "true or false"}
"""ijson's names of what a file may be instead of an object -> what messages call it."""


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
    """The same text part by part: of a long video, few numbers are there as Python's at a time, which are large.

    >>> json.loads("".join(json_parts(Scene.example()))) == to_document(Scene.example())
    True
    """
    for number, field in enumerate(FIELDS):
        yield f"{',' if number else '{'}{json.dumps(field.key)}:"
        if isinstance(field, Array):
            yield from _listed(field.parts(scene))
        else:
            yield _text(field.written(scene))
    yield "}"


def _listed(parts: Iterable[list[Any]]) -> Iterator[str]:
    """Parts of one list as its text."""
    yield "["
    for number, part in enumerate(parts):
        yield "," * (number > 0) + _text(part)[1:-1]
    yield "]"


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def write_document(scene: Scene, path: Path) -> list[Path]:
    """Write a `.json`."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(chain(json_parts(scene), ["\n"]))
    return [path]


def read_document(path: Path) -> Scene:
    """Read a `.json`. Raises InputError for anything that docs/scene.md does not allow."""
    with opened(path, LARGEST_JSON) as file:
        return from_document(members_of(file, str(path)), str(path))


def from_json(content: bytes | str, source: str) -> Scene:
    """A scene from JSON text.

    Args:
        source: what messages call the file.

    Raises:
        InputError: anything that docs/scene.md does not allow.

    >>> from_json(to_json(Scene.example()), "scene.json")
    Scene(4 frames, 2 people, paper19, focal 1000 px (default), 25 frames/s)
    """
    file = BytesIO(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    return from_document(members_of(file, source), source)


def members_of(file: BinaryIO, source: str, path: str = "") -> dict[str, Any]:
    """What an object of a file holds, lists of a scene's numbers as arrays: Python's take five times as much.

    Args:
        file: of JSON, open and able to seek.
        source: what messages call the file.
        path: of the object, as `duolift.files.json_stream.JsonStream` has paths.

    Returns:
        Its values by their keys; none where something else, or nothing, is there.

    Raises:
        InputError: the file is no JSON, is not an object, or has a key twice.

    >>> members_of(BytesIO(b'{"height": [1.5, 1.25], "people": [[null], [null]]}'), "scene.json")
    {'height': array([1.5 , 1.25]), 'people': [[None], [None]]}
    """
    stream = JsonStream(file, source, SCENE_LIMITS)
    root = stream.root()
    if root != "start_map":
        raise InputError(f"{source}: holds {ROOTS.get(root, root)}; expected a JSON object")
    found: dict[str, Any] = {}
    with _uncollected():
        for key, value in stream.members(path):
            if key in found:
                raise InputError(f"{source}: has the key {key} twice; expected it once")
            found[key] = _compact(key, value)
            del value  # before the next one is read
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for cycles: JSON has none, and of a long video's lists it takes 40 % of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compact(key: str, value: Any) -> Any:
    """A list of an array's numbers as an array; anything else as it is, for whoever checks it."""
    field = ARRAYS.get(key)
    return field.compact(value) if field is not None and isinstance(value, list) else value


def from_document(found: Mapping[str, Any], source: str) -> Scene:
    """A scene from what its JSON holds. Arguments and errors as of `from_json`.

    >>> from_document(to_document(Scene.example()), "scene.json").identities
    (1, 2)
    """
    expect(found.get("format") == SCENE_FORMAT, source, "format", found.get("format"), repr(SCENE_FORMAT))
    check_version(found, source)
    return scene_of(found, source, as_json=True)
