"""HDF5 files, by the library h5py, which is only imported where there is one to be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from duolift.errors import InputError, install

HDF5 = b"\x89HDF\r\n\x1a\n"
"""First bytes of an HDF5 file."""


@contextmanager
def opened(file: BinaryIO, where: str) -> Iterator[Any]:
    """The file as `h5py.File`, for reading; whatever goes wrong in the block is an InputError.

    Args:
        file: able to seek.
        where: its name, for messages.

    Raises:
        InputError: h5py is not installed, or the file is damaged.
    """
    try:
        import h5py
    except ImportError as error:
        how = install("hdf5")
        raise InputError(f"{where}: is HDF5, which needs h5py, which is not installed; expected: {how}") from error
    try:
        with h5py.File(file, "r") as content:
            yield content
    except InputError:
        raise
    except Exception as error:  # h5py raises anything on a damaged file
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{where}: cannot be read as HDF5 ({reason}); expected a whole file") from error


def names_in(file: BinaryIO, where: str) -> list[str]:
    """Names of what is in a file's root. Raises InputError as `opened` does."""
    with opened(file, where) as content:
        return [*content]
