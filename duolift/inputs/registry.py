"""File formats: each is a reader together with what recognises its files.

A format is one module with one decorated function. Those in `duolift.inputs.formats` are found by themselves; any other
is known once its module has been imported:

    @file_format("lines", "a person a line", suffix=".txt", recognises=lambda peek: peek.start.startswith(b"# people"))
    def read_lines(file: DetectionFile) -> Iterator[RawFrame]:
        ...

From then on `duolift.inputs.read` recognises such files, also in folders, `Options(format="lines")` names the format,
and messages list it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from duolift.errors import InputError
from duolift.files.hdf5 import HDF5, names_in
from duolift.files.json_stream import BYTE_ORDER_MARK, JsonStream
from duolift.files.npz import ZIP, array_names
from duolift.inputs.mistaken import mistake
from duolift.inputs.people import DetectionFile, RawFrame

PEEKED = 256
"""Bytes of a file that are looked at before it is parsed."""

KEYS_PEEKED = 1000
"""Keys of a JSON file that are looked at; if none of them tells the format, no later one will."""

EVENTS_PEEKED = 20_000
"""The parser's events that are looked at, for files of numbers without keys."""

ITEM, NUMBERED = "[]", "#"
"""In a path, the items of a list, and a key that is a number or the name of a picture: 7, 0007, 7.jpg."""

_NUMBERED_KEY = re.compile(r"-?\d+(\.\w+)?|.+\.(jpe?g|png|bmp|webp|tiff?)", re.IGNORECASE)

Place = tuple[str, ...]
"""The path of a value: the keys that lead to it, with `ITEM` for any item of a list and `NUMBERED` for any number."""


@dataclass
class Peek:
    """The beginning of a file, by which formats recognise their own.

    Formats are asked again as a peek grows: first with the first bytes alone; then, where they begin an object, at each
    key and whenever something in it is complete; where they begin a list, at the end of each item.

    Attributes:
        start: the first bytes, `PEEKED` of them.
        root: `object` or `list`, `arrays` of an npz, `hdf5`; empty for anything else, and as long as it has not been
            looked at.
        keys: keys so far of the root object, or of the first object of the list -> keys of the object under each; of an
            npz or HDF5 the names of what is in it.
        objects: path of a complete object -> its keys; all objects of one path together.
        lists: path of a list -> kinds of its items so far: `object`, `list`, `number`, or ijson's name of another.
        empty: the root is a list without items.
    """

    start: bytes
    root: str = ""
    keys: dict[str, list[str]] = field(default_factory=dict)
    objects: dict[Place, set[str]] = field(default_factory=dict)
    lists: dict[Place, set[str]] = field(default_factory=dict)
    empty: bool = False

    @property
    def is_json(self) -> bool:
        """Whether the first bytes can begin an object or a list."""
        return self.start.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"[", b"")

    def begins_with(self, text: bytes) -> bool:
        """Whether the file begins with a text, after a mark of the byte order or without."""
        return self.start.removeprefix(BYTE_ORDER_MARK).startswith(text)

    @property
    def is_hdf5(self) -> bool:
        return self.start.startswith(HDF5)

    def has(self, root: str, *keys: str) -> bool:
        """Whether the root is of this kind, with at least one of these keys."""
        return self.root == root and any(key in self.keys for key in keys)

    def object_at(self, *place: str) -> set[str]:
        """Keys of the complete objects at a path; empty where there is none."""
        return self.objects.get(place, set())

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
        title: whose it is, in words.
        suffix: of its files' names; in a folder, files with a registered suffix are read.
        recognises: whether a file that begins like this is of the format.
        read: gives the file's frames.
        together: files of a folder whose names without the suffix match this, with the same `video`, are read as one:
            the reader gets the first, and the others as `DetectionFile.beside`.
    """

    name: str
    title: str
    suffix: str
    recognises: Callable[[Peek], bool]
    read: Reader
    together: re.Pattern[str] | None = None


FILE_FORMATS: dict[str, FileFormat] = {}
"""Name -> registered file format."""


def file_format(
    name: str,
    title: str,
    *,
    recognises: Callable[[Peek], bool],
    suffix: str = ".json",
    together: re.Pattern[str] | None = None,
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
        FILE_FORMATS[name] = FileFormat(name, title, suffix, recognises, read, together)
        return read

    return register


def format_names() -> str:
    """The names of all formats, as part of a message."""
    return ", ".join(sorted(FILE_FORMATS))


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
    raise InputError(f"{where}: {peek}; expected a detector's file; the option format names one of {format_names()}")


def _peeks(file: BinaryIO, where: str) -> Iterator[Peek]:
    """The beginning of a file as it is read: the same object, which knows more each time."""
    file.seek(0)
    peek = Peek(file.read(PEEKED))
    for kind, begins, names in (("arrays", ZIP, array_names), ("hdf5", HDF5, names_in)):
        if peek.start.startswith(begins):
            peek.root, peek.keys = kind, {name: [] for name in names(file, where)}
    yield peek
    if not peek.start or not peek.is_json:
        return
    yield from _grown(peek, JsonStream(file, where))


def _grown(peek: Peek, stream: JsonStream) -> Iterator[Peek]:
    """A peek at JSON, each time that it may tell more."""
    place: list[str] = []  # of the current value
    open_objects: list[set[str] | None] = []  # keys of each open object; None for an open list
    keys = items = 0
    for number, (_, event, value) in enumerate(stream.events(several=True)):
        if event == "map_key":
            place[-1] = NUMBERED if _NUMBERED_KEY.fullmatch(value) else value
            if (open_keys := open_objects[-1]) is not None:
                open_keys.add(value)
            keys += 1
            if items <= 1:
                _note_key(peek, open_objects, value)
            if peek.root == "object" or keys > KEYS_PEEKED:
                yield peek
        elif event in {"end_map", "end_array"}:
            place.pop()
            complete = open_objects.pop()
            if complete is not None:
                peek.objects.setdefault(tuple(place), set()).update(complete)
            peek.empty = peek.root == "list" and not place and not items
            if not place and not peek.empty:
                yield peek
                return
            if (len(place) == 1 and peek.root == "list") or peek.root == "object":
                yield peek
        else:
            kind = {"start_map": "object", "start_array": "list"}.get(event, event)
            if place and place[-1] == ITEM:
                peek.lists.setdefault(tuple(place[:-1]), set()).add(kind)
            items += len(place) == 1 and peek.root == "list"
            if kind in {"object", "list"}:
                peek.root = peek.root or kind
                place.append(ITEM if kind == "list" else "")
                open_objects.append(set() if kind == "object" else None)
        if keys > KEYS_PEEKED or number > EVENTS_PEEKED:
            return
    yield peek  # an empty list that nothing follows


def _note_key(peek: Peek, open_objects: list[set[str] | None], key: str) -> None:
    """Add a key to `Peek.keys` where it is one of the first object, or of an object right in it."""
    at_keys = 2 if peek.root == "list" else 1  # so many brackets deep are the keys that tell
    if any(one is None for one in open_objects[at_keys - 1 :]):
        return
    if len(open_objects) == at_keys:
        peek.keys.setdefault(key, [])
    elif len(open_objects) == at_keys + 1:
        [*peek.keys.values()][-1].append(key)
