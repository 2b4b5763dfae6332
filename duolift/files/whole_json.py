"""JSON of a small file, read whole. `duolift.files.json_stream` reads long ones."""

import json
from pathlib import Path
from typing import Any

from duolift.errors import InputError


def json_value(path: Path, content: bytes) -> Any:
    """What a JSON file holds. Raises InputError where it holds no JSON.

    >>> json_value(Path("a.json"), b"[1, 2]")
    [1, 2]
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); is the file cut off?") from error


def json_object(path: Path, content: bytes, expected: str = "a JSON object") -> dict[str, Any]:
    """The same of a file that holds values by name.

    >>> json_object(Path("a.json"), b"[]")
    Traceback (most recent call last):
    duolift.errors.InputError: a.json: holds a list; expected a JSON object
    """
    parsed = json_value(path, content)
    if not isinstance(parsed, dict):
        raise InputError(f"{path}: holds a {type(parsed).__name__}; expected {expected}")
    return parsed
