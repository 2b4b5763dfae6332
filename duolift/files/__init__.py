"""Files appear whole or not at all, one process at a time works in a folder, and what is read is a file."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from duolift.errors import InputError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """An OSError in the block is an InputError: a place that cannot be written to, or a disk that is full."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    Raises:
        InputError: as of `writing`.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole. Raises InputError as `whole_file` does; many a library that writes files itself does not."""
    with whole_file(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole. Raises InputError as `whole_file` does."""
    write_bytes(path, text.encode())


@contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """No other process is in such a block with the same folder, or file; however a process ends, so does its block.

    What a process that was killed left half-written there is removed.

    Args:
        wait: for whoever is there.

    Raises:
        InputError: somebody is there, and is not waited for.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout as error:
        told = f"{folder}: another process is at work in it; expected nobody (wait for it, or give another RUN=name)"
        raise InputError(told) from error
    try:
        for part in (*folder.parent.glob(f".{folder.name}-*.part"), *folder.glob(".*.part")):
            part.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def regular(path: Path) -> Path:
    """The path itself, of a file: pipes and devices may never end, or never begin.

    Raises:
        InputError: nothing is there, or no file.
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
    """What a file holds. Raises InputError as `regular` does, and for one of more than `largest` bytes."""
    try:
        with regular(path).open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > largest:
        raise InputError(f"{path}: is larger than {largest // 2**20} MB; expected less")
    return content
