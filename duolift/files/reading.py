"""Files that others wrote, opened with care: never a pipe that does not end, never more than was agreed to."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from duolift.errors import InputError


def regular(path: Path) -> Path:
    """The path itself if it is a regular file, or a link to one.

    Opening a pipe or a device may block forever, so that both are refused before they are opened.

    Raises:
        InputError: nothing is there, or it is a folder, a pipe or a device.

    >>> regular(Path("nowhere.json"))
    Traceback (most recent call last):
    duolift.errors.InputError: nowhere.json: cannot be read (No such file or directory)
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or device"
        raise InputError(f"{path}: cannot be read (it is {kind}); expected a file")
    return path


@contextmanager
def opened(path: Path, largest: int) -> Iterator[BinaryIO]:
    """A file of at most `largest` bytes, open for reading.

    Raises:
        InputError: as `regular` does, where the file is larger, and where it cannot be read to its end.
    """
    try:
        with regular(path).open("rb") as file:
            _refuse_larger(path, os.fstat(file.fileno()).st_size, largest)
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def read_bytes(path: Path, largest: int) -> bytes:
    """The content of a file of at most `largest` bytes. Errors as of `opened`."""
    with opened(path, largest) as file:
        content = file.read(largest + 1)  # it may have grown since it was opened
    _refuse_larger(path, len(content), largest)
    return content


def _refuse_larger(path: Path, size: int, largest: int) -> None:
    if size > largest:
        raise InputError(f"{path}: is larger than {largest // 2**20} MB; expected less")
