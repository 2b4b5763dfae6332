"""A scene as JSON: everything, in world coordinates and metres. `duolift.outputs.schema` has the fields."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from duolift.errors import InputError
from duolift.files import read_bytes, whole_file
from duolift.outputs.fields import expect
from duolift.outputs.schema import ARRAYS, FIELDS, SCENE_FORMAT, check_version, scene_of
from duolift.scene import Scene

LARGEST_JSON = 2**30
"""Bytes of a file that is read: three hours of two people at 30 frames a second. An `.npz` holds longer videos."""

_BLANKS = re.compile(r"[ \t\n\r]*")


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
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    del content  # of a long video it is as large as the text
    try:
        found = members_of(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid JSON ({error}); is the file cut off?") from error
    return from_document(found, source)


def members_of(text: str, inside: str | None = None) -> Any:
    """JSON's value; of an object key by key, lists of a scene's numbers as arrays: Python's take five times as much.

    Args:
        text: of the JSON.
        inside: a key whose value is read in the same way, if it is an object.

    Raises:
        ValueError: it is no JSON.

    >>> members_of('{"height": [1.5, 1.25], "people": [[null], [null]]}')
    {'height': array([1.5 , 1.25]), 'people': [[None], [None]]}
    """
    decoder, start = json.JSONDecoder(parse_constant=_refuse_constant), _after_blanks(text, 0)
    if text[start : start + 1] != "{":
        return json.loads(text, parse_constant=_refuse_constant)
    found, end = _members(decoder, text, start, inside)
    if _after_blanks(text, end) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return found


def _members(decoder: json.JSONDecoder, text: str, start: int, inside: str | None) -> tuple[dict[str, Any], int]:
    """The object that begins at a place of a text, and where it ends."""
    found: dict[str, Any] = {}
    at = _after_blanks(text, start + 1)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        key, at = _text_at(decoder, text, at)
        at = _after_blanks(text, _expected(text, at, ":"))
        if key == inside and text[at : at + 1] == "{":
            found[key], at = _members(decoder, text, at, None)
        else:
            value, at = decoder.raw_decode(text, at)
            found[key] = _compact(key, value)
            del value  # before the next one is read
        at = _after_blanks(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        at = _after_blanks(text, _expected(text, at, ","))


def _text_at(decoder: json.JSONDecoder, text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    key, end = decoder.raw_decode(text, at)
    return key, end


def _expected(text: str, at: int, mark: str) -> int:
    at = _after_blanks(text, at)
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"Expecting '{mark}' delimiter", text, at)
    return at + 1


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _compact(key: str, value: Any) -> Any:
    """A list of an array's numbers as an array; anything else as it is, for whoever checks it."""
    field = ARRAYS.get(key)
    return field.compact(value) if field is not None and isinstance(value, list) else value


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
