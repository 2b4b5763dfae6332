"""JSON files of data sets, whose arrays are taken for nothing before they are looked at."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def json_object(path: Path, content: bytes) -> dict[str, Any]:
    """The same of a file that holds values by name.

    >>> json_object(Path("a.json"), b"[]")
    Traceback (most recent call last):
    duolift.errors.InputError: a.json: holds a list; expected a JSON object
    """
    parsed = json_value(path, content)
    if not isinstance(parsed, dict):
        raise InputError(f"{path}: holds a {type(parsed).__name__}; expected a JSON object")
    return parsed


def finite_array(path: Path, key: str, value: object) -> NDArray[np.float64]:
    """A regular array of finite numbers, or an InputError that names the key.

    >>> finite_array(Path("a.json"), "K", [[1, 2], [3, None]])
    Traceback (most recent call last):
    duolift.errors.InputError: a.json: K holds nan at (1, 1); expected finite numbers
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: {key} is not a regular array of numbers ({error})") from error
    finite = np.abs(array) <= np.finfo(np.float32).max
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InputError(f"{path}: {key} holds {array[where]} at {where}; expected finite numbers")
    return array


def shaped_array(path: Path, key: str, value: object, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The same, of as many numbers as a shape has, however they are nested.

    >>> shaped_array(Path("a.json"), "t", [[1.0], [2.0], [3.0]], (3,))
    array([1., 2., 3.])
    """
    array = finite_array(path, key, value)
    if array.size != np.prod(shape):
        raise InputError(f"{path}: {key} has shape {array.shape}; expected {shape}")
    return array.reshape(shape)


def refuse_other_than_rotation(path: Path, key: str, rotation: NDArray[np.float64]) -> None:
    """Raise InputError for a matrix (3, 3) that is no rotation.

    >>> refuse_other_than_rotation(Path("a.json"), "R", np.diag([1.0, 1.0, -1.0]))
    Traceback (most recent call last):
    duolift.errors.InputError: a.json: R is not a rotation
    """
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise InputError(f"{path}: {key} is not a rotation")
