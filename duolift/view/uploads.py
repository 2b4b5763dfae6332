"""Files that the page sends: a line that names them, and their contents one after the other.

[{"name": "keypoints/000.json", "size": 1234}, ...]
<1234 bytes> ...
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from duolift.errors import InputError

LARGEST_HEAD = 8 * 2**20
"""Bytes of the line that names the files."""

LONGEST_NAME = 200
"""Bytes of a file's name that are kept, its last ones: file systems allow 255."""


def file_name(text: str) -> str:
    """A file's name as a browser sent it, without folders and characters that cannot be printed.

    >>> file_name("../../poses.json")
    'poses.json'
    """
    name = text.replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c.isprintable()).encode()[-LONGEST_NAME:].decode(errors="ignore")
    return name if name.strip(". ") else "the file"


def pack(files: Mapping[str, bytes]) -> bytes:
    """The body of a request with files, by their names, as the page sends it.

    >>> pack({"a.json": b"[]"})
    b'[{"name": "a.json", "size": 2}]\\n[]'
    """
    head = [{"name": name, "size": len(content)} for name, content in files.items()]
    return json.dumps(head).encode() + b"\n" + b"".join(files.values())


def unpack(body: BinaryIO, size: int, folder: Path) -> Path:
    """Write the files of a request into a folder.

    Args:
        body: the request's, from its beginning.
        size: its bytes.
        folder: an empty one.

    Returns:
        The file, or the folder of the files within `folder` where there are several, called as the browser's.

    Raises:
        InputError: the line is not as the page writes it, or names more or less than follows.

    >>> import io, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     body = b'[{"name": "poses/a.json", "size": 2}, {"name": "poses/b.json", "size": 3}]\\n{}[1]'
    ...     found = unpack(io.BytesIO(body), len(body), Path(folder))
    ...     found.name, sorted(file.name for file in found.iterdir()), (found / "b.json").read_text()
    ('poses', ['a.json', 'b.json'], '[1]')
    """
    head = body.readline(LARGEST_HEAD)
    named = _named(head)
    if len(head) + sum(length for _, length in named) != size:
        raise InputError("the files are not as long as the request says")
    several = len(named) > 1
    first = named[0][0].replace("\\", "/").partition("/")
    place = folder / (file_name(first[0]) if first[1] else "the files") if several else folder
    place.mkdir(exist_ok=True)
    for name, length in named:
        path = _free(place / file_name(name))
        with path.open("wb") as file:
            while length:
                part = body.read(min(length, 2**20))
                if not part:
                    raise InputError("the files were cut off on their way")
                file.write(part)
                length -= len(part)
    return place if several else path


def _named(head: bytes) -> list[tuple[str, int]]:
    """The names and lengths of the files."""
    try:
        found = [(file["name"], file["size"]) for file in json.loads(head)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError("expected a line that names the files") from error
    sound = all(isinstance(name, str) and type(length) is int and length >= 0 for name, length in found)
    if not found or not sound:
        raise InputError("expected a line that names the files")
    return found


def _free(path: Path) -> Path:
    """A name that is not taken: files of several folders may be called alike."""
    number = 2
    while path.exists():
        path, number = path.with_name(f"{number}-{path.name}"), number + 1
    return path
