"""What archives of pickled dictionaries hold, checked as it is taken out: shared by the readers of such data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files.npz import read_objects
from duolift.files.reading import regular
from duolift.inputs.pixels import short

LARGEST = 1e6
"""A coordinate of that many pixels, millimetres or metres is none."""


def archive(path: Path, keys: Sequence[str], written_by: str) -> dict[str, Any]:
    """What a `.npz` holds under some keys; nothing that is pickled in it is run.

    Raises:
        InputError: there is no such file, it is damaged, lacks a key, or holds what is no array, text or number.
    """
    content = read_objects(regular(path), str(path), written_by)
    for key in keys:
        if key not in content:
            raise InputError(f"{path}: has no {key}, but {', '.join(content) or 'nothing'}; expected {written_by}")
    return content


def dictionary(value: Any, where: str, of: str) -> dict[str, Any]:
    """A dictionary by names, or by numbers as names, that holds something. Raises InputError.

    >>> dictionary([], "a.npz: positions_3d", "poses by subject")
    Traceback (most recent call last):
    duolift.errors.InputError: a.npz: positions_3d is []; expected poses by subject
    """
    if not isinstance(value, dict) or not value or not all(isinstance(key, str | int) for key in value):
        raise InputError(f"{where} is {short(value)}; expected {of}")
    return {str(key): one for key, one in value.items()}


def entry(values: dict[str, Any], key: str, where: str) -> Any:
    """What a dictionary holds under a key. Raises InputError that says what is there."""
    if key not in values:
        raise InputError(f"{where} has no {key}; expected it among {', '.join(list(values)[:12])}")
    return values[key]


def numbers(value: Any, shape: tuple[int | None, ...], where: str, axes: str) -> NDArray[np.float32]:
    """An array of finite numbers of some shape, None for any length but 0.

    Args:
        where: the file and the key, for messages.
        axes: the shape in words.

    Raises:
        InputError: it is something else.

    >>> numbers(np.zeros((2, 3)), (None, 2), "a.npz: part", "(joint, 2)")
    Traceback (most recent call last):
    duolift.errors.InputError: a.npz: part has shape (2, 3); expected (joint, 2)
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise InputError(f"{where} is {short(value)}; expected an array of numbers {axes}")
    fits = value.ndim == len(shape) and all(
        found > 0 if length is None else found == length for found, length in zip(value.shape, shape, strict=True)
    )
    if not fits:
        raise InputError(f"{where} has shape {value.shape}; expected {axes}")
    finite = np.abs(value) < LARGEST
    if not finite.all():
        at = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InputError(f"{where} holds {value[at]} at {at}; expected finite coordinates")
    return value.astype(np.float32)
