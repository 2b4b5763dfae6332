"""Checks of what a detector's JSON holds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files.json_stream import JsonObject
from duolift.inputs.pixels import short

KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a text", int: "a whole number", float: "a number"}
"""What messages call the types of JSON's values."""


def member(entry: Any, key: str, where: str, *kinds: type, default: Any = None) -> Any:
    """The value that an object of a file has under a key.

    Args:
        entry: what should be the object.
        where: the file and the object's path, for messages.
        kinds: allowed types, keys of `KINDS`; any where none are named.
        default: stands for a missing key or null; None requires the key.

    Raises:
        InputError: `entry` is no object, has a key twice, lacks this one, or has a value of another type.

    >>> member({"image_id": 7}, "image_id", "a.json: [0]", int, str)
    7
    >>> member({"image_id": [7]}, "image_id", "a.json: [0]", int, str)
    Traceback (most recent call last):
    duolift.errors.InputError: a.json: [0].image_id is [7]; expected a whole number or a text
    """
    if not isinstance(entry, dict):
        raise InputError(f"{where} is {short(entry)}; expected an object with {key}")
    if isinstance(entry, JsonObject) and entry.repeated is not None:
        raise InputError(f"{where} has the key {entry.repeated} twice; expected it once")
    value = entry.get(key)
    if value is None:
        if default is None:
            raise InputError(f"{where} has no {key}, only {', '.join(entry) or 'nothing'}")
        return default
    if kinds and (not isinstance(value, kinds) or isinstance(value, bool)):
        raise InputError(f"{where}.{key} is {short(value)}; expected {' or '.join(KINDS[kind] for kind in kinds)}")
    return value


def numbers(value: Any, where: str, expected: str) -> NDArray[np.float64]:
    """A list of numbers as an array, NaN where the list has null.

    Args:
        expected: what the list should hold, for messages.

    Raises:
        InputError: no list, or one with anything else in it.

    >>> numbers([1, 2.5, None], "a.json: keypoints", "x, y and confidence of every joint")
    array([1. , 2.5, nan])
    """
    if not isinstance(value, list):
        raise InputError(f"{where} is {short(value)}; expected {expected}")
    if not {*map(type, value)} <= {int, float, type(None)}:  # type(True) is bool: it is no number here
        wrong = next(item for item in value if type(item) not in {int, float, type(None)})
        raise InputError(f"{where} holds {short(wrong)}; expected {expected}")
    return np.array(value, dtype=np.float64)
