"""Files appear whole or not at all, and one process at a time works in a folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from duolift.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not."""
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


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


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
