"""Arrays of data sets' JSON files, which are taken for nothing before they are looked at."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError


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
