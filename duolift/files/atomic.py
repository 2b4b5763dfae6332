"""Files that appear whole or not at all: written beside their place under another name, and renamed when complete."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duolift.errors import InputError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError in the block, such as a folder without permission or a full disk, into an InputError.

    >>> with writing(Path("scene.json")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    duolift.errors.InputError: scene.json: cannot be written (No space left on device)
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block succeeds and removed when it raises.

    Missing parent folders are made. Readers see the old file or the new one, never a part of either.

    Raises:
        InputError: the place cannot be written to, or the disk is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "poses.txt"
    ...     with whole_file(path) as part:
    ...         _ = part.write_text("done")
    ...         print(path.exists())
    ...     print(path.read_text())
    False
    done
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o644)  # mkstemp lets nobody but the owner read it
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole. Raises InputError as `whole_file` does; many a library that writes files itself does not."""
    with whole_file(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, as UTF-8. Raises InputError as `whole_file` does."""
    write_bytes(path, text.encode())
