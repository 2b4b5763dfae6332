"""NumPy's archives of arrays, read with nothing taken on trust."""

from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError

LARGEST = 2 * 2**30
"""Bytes that all arrays of a file take, at most: archives of a few kilobytes can unpack to any number."""

MOST_OF_NOTHING = 100_000
"""Rows of an array that has no numbers, at most: they take no bytes, so that a file can have any number of them."""


def read_arrays(file: BinaryIO | Path, where: str, written_by: str = "numpy.savez") -> dict[str, NDArray[Any]]:
    """The arrays of an npz by name.

    Args:
        where: its name, for messages.
        written_by: what should have written it.

    Raises:
        InputError: no such file, no archive of arrays, or one that takes more than `LARGEST`.
    """
    try:
        with ZipFile(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > LARGEST:
            raise InputError(f"{where}: unpacks to {unpacked} bytes; expected at most {LARGEST}")
        if not isinstance(file, Path):
            file.seek(0)
        with np.load(file, allow_pickle=False) as content:
            arrays = {key: content[key] for key in content.files}
            repeated = len(arrays) < len(content.files)
    except InputError:
        raise
    except Exception as error:  # a damaged archive may raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{where}: cannot be read as npz ({reason}); expected what {written_by} writes") from error
    if repeated:
        raise InputError(f"{where}: holds an array twice; expected every array once")
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InputError(f"{where}: {key} is no array; expected a file written by {written_by}")
        if array.dtype.kind == "U" and not _is_text(array):
            raise InputError(f"{where}: {key} holds what is no text; expected Unicode")
        if not array.nbytes and array.shape and max(array.shape) > MOST_OF_NOTHING:
            raise InputError(
                f"{where}: {key} has shape {array.shape} with nothing in it; expected at most {MOST_OF_NOTHING} of that"
            )
    return arrays


def _is_text(array: NDArray[np.str_]) -> bool:
    """Whether numbers that stand for characters do: NumPy takes any, and fails where one is looked at."""
    codes = np.frombuffer(array.tobytes(), np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
    return not ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any()
