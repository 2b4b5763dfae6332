"""File formats: each is a reader together with what recognises its files.

A format is one module with one decorated function. Those in `duolift.inputs.formats` are found by themselves; any other
is known once its module has been imported:

    @file_format("lines", "a person a line", suffix=".txt", recognises=lambda peek: peek.start.startswith(b"# people"))
    def read_lines(file: DetectionFile) -> Iterator[RawFrame]:
        ...

From then on `duolift.inputs.read` recognises such files, also in folders, `Options(format="lines")` names the format,
and messages list it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from duolift.errors import InputError
from duolift.inputs.json_stream import BYTE_ORDER_MARK, JsonStream
from duolift.inputs.mistaken import mistake
from duolift.inputs.people import DetectionFile, RawFrame

PEEKED = 256
"""Bytes of a file that are looked at before it is parsed."""

KEYS_PEEKED = 1000
"""Keys of a JSON file that are looked at; if none of them tells the format, no later one will."""


@dataclass
class Peek:
    """The beginning of a file, by which formats recognise their own.

    Formats are asked again as a peek grows: first with the first bytes alone; then, where they begin an object, at each
    key; where they begin a list, once its first item is complete.

    Attributes:
        start: the first bytes, `PEEKED` of them.
        root: `object` or `list`; empty for what is not JSON, and as long as it has not been looked at.
        keys: keys so far of the root object, or of the first object of the list -> keys of the object under each.
        empty: the root is a list without items.
    """

    start: bytes
    root: str = ""
    keys: dict[str, list[str]] = field(default_factory=dict)
    empty: bool = False

    @property
    def is_json(self) -> bool:
        """Whether the first bytes can begin an object or a list."""
        return self.start.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"[", b"")

    def has(self, root: str, *keys: str) -> bool:
        """Whether the root is of this kind, with at least one of these keys."""
        return self.root == root and any(key in self.keys for key in keys)

    def __str__(self) -> str:
        """What was found, as part of a message."""
        if not self.start:
            return "empty"
        if not self.is_json:
            return f"begins with {self.start[:20]!r}, which is no JSON"
        kind = "a list of objects" if self.root == "list" else "an object"
        return f"holds {kind} with {', '.join([*self.keys][:12])}" if self.keys else "holds nothing with keys"


Reader = Callable[[DetectionFile], Iterator[RawFrame]]


@dataclass(frozen=True)
class FileFormat:
    """A file format.

    Attributes:
        name: what `Options.format` calls it.
        title: what messages call it.
        suffix: of its files' names; in a folder, files with a registered suffix are read.
        recognises: whether a file that begins like this is of the format.
        read: gives the file's frames.
    """

    name: str
    title: str
    suffix: str
    recognises: Callable[[Peek], bool]
    read: Reader


FILE_FORMATS: dict[str, FileFormat] = {}
"""Name -> registered file format."""


def file_format(
    name: str, title: str, *, recognises: Callable[[Peek], bool], suffix: str = ".json"
) -> Callable[[Reader], Reader]:
    """Register the decorated function as the reader of a file format; attributes of `FileFormat`.

    Raises:
        ValueError: the name is taken.

    >>> @file_format("toy", "a toy", suffix=".toy", recognises=lambda peek: peek.start.startswith(b"TOY"))
    ... def read_toy(file):
    ...     yield from ()
    >>> FILE_FORMATS.pop("toy").title  # it was registered
    'a toy'
    """

    def register(read: Reader) -> Reader:
        if name in FILE_FORMATS:
            raise ValueError(f"file format {name!r} is registered twice; expected a name of its own")
        FILE_FORMATS[name] = FileFormat(name, title, suffix, recognises, read)
        return read

    return register


def format_names() -> str:
    """The names of all formats, as part of a message."""
    return ", ".join(sorted(FILE_FORMATS))


def _known_formats() -> str:
    *titles, last = [FILE_FORMATS[name].title for name in sorted(FILE_FORMATS)]
    return f"{', '.join(titles)} or {last}; the option format names one of {format_names()}"


def recognised(file: BinaryIO, where: str) -> FileFormat:
    """The first format that recognises a file.

    Args:
        file: able to seek.
        where: its name, for messages.

    Raises:
        InputError: no format does, or the file is damaged before one can; where it is a picture, a video or a scene,
            the message says what to do.

    >>> import io, duolift.inputs
    >>> recognised(io.BytesIO(b'{"people": []}'), "a.json").name
    'openpose'
    """
    file.seek(0)
    if (mistaken := mistake(file.read(PEEKED))) is not None:
        raise InputError(f"{where}: {mistaken}")
    for peek in _peeks(file, where):
        for known in FILE_FORMATS.values():
            if known.recognises(peek):
                return known
    raise InputError(f"{where}: {peek}; expected {_known_formats()}")


def _peeks(file: BinaryIO, where: str) -> Iterator[Peek]:
    """The beginning of a file as it is read: the same object, which knows more each time."""
    file.seek(0)
    peek = Peek(file.read(PEEKED))
    yield peek
    if not peek.start or not peek.is_json:
        return
    depth = keys = 0
    for _, event, value in JsonStream(file, where).events():
        at_keys = 2 if peek.root == "list" else 1  # so many brackets deep are the keys that tell
        if event in {"start_map", "start_array"}:
            depth += 1
            if depth == 1:
                peek.root = "object" if event == "start_map" else "list"
            elif depth == at_keys and event == "start_array":
                return  # a list of lists
        elif event in {"end_map", "end_array"}:
            depth -= 1
            if depth < at_keys:  # the first item, or the whole, has ended
                peek.empty = peek.root == "list" and depth == 0
                yield peek
                return
        elif event == "map_key" and depth in {at_keys, at_keys + 1}:
            keys += 1
            if depth == at_keys:
                peek.keys.setdefault(value, [])
            else:
                [*peek.keys.values()][-1].append(value)
            if peek.root == "object" or keys > KEYS_PEEKED:
                yield peek
            if keys > KEYS_PEEKED:
                return
        elif peek.root == "list" and depth == 1:
            return  # a list of numbers or texts
