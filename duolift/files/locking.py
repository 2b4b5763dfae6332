"""One process at a time works in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from duolift.errors import InputError


@contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Keep every other process out of such a block with the same folder, or file.

    The lock ends with the process that holds it, however that ends. Half-written files (`*.part`) that a killed
    process left in the folder are removed on entry.

    Args:
        wait: wait until the other process is done, instead of raising.

    Raises:
        InputError: another process holds the lock, and `wait` is False.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{folder}: another process is at work in it; expected nobody (wait for it, or give another RUN=name)"
        ) from error
    try:
        for part in (*folder.parent.glob(f".{folder.name}-*.part"), *folder.glob(".*.part")):
            part.unlink(missing_ok=True)
        yield
    finally:
        lock.release()
