"""Files that others wrote, opened with care: never a pipe that does not end, never more than was agreed to."""

import stat
from pathlib import Path

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


def read_bytes(path: Path, largest: int) -> bytes:
    """The content of a file of at most `largest` bytes.

    Raises:
        InputError: as `regular` does, and where the file is larger.
    """
    try:
        with regular(path).open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > largest:
        raise InputError(f"{path}: is larger than {largest // 2**20} MB; expected less")
    return content
