"""JSON as a stream: what a file holds item by item, so that a long one never is in memory whole; its values checked."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError

MARK = b"\xef\xbb\xbf"
"""What some editors put before UTF-8."""

DEEPEST = 64
"""Objects and lists in each other that are read."""

LISTED = 2
"""Steps to an item of a list in an object, which is how long files are laid out."""

LARGEST = 16 * 2**20
"""Bytes of what is in memory at once, at most: a value that is asked for, or one text or number."""

WORDS: dict[type, str] = {dict: "an object", list: "a list", str: "a text", int: "a whole number", float: "a number"}


class JsonObject(dict[str, Any]):
    """An object of a file; it remembers a key that was there twice, of which a plain dictionary keeps the last."""

    repeated: str | None = None

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            self.repeated = key
        super().__setitem__(key, value)


class JsonStream:
    """A JSON file that can be gone through several times.

    Args:
        file: can seek.
        where: its name, for messages.
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.file, self.where = file, where
        file.seek(0)
        self._start = len(MARK) if file.read(len(MARK)) == MARK else 0

    def items(self, prefix: str) -> Iterator[Any]:
        """Every value at a path such as `annotations.item.image_id`; the path `""` is the whole.

        Raises:
            InputError: the file is not JSON, or ends early.
        """
        import ijson

        return self._checked(ijson.items(self._rewound(_steps(prefix)), prefix, use_float=True, map_type=JsonObject))

    def members(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Every key and value of the object at a path. Raises as `items` does."""
        import ijson

        return self._checked(
            ijson.kvitems(self._rewound(_steps(prefix) + 1), prefix, use_float=True, map_type=JsonObject)
        )

    def events(self) -> Iterator[tuple[str, str, Any]]:
        """What begins, is and ends, with the path where it does; items in lists in the whole are read piece by piece.

        Raises as `items` does.
        """
        import ijson

        return self._checked(ijson.parse(self._rewound(LISTED), use_float=True))

    def root(self) -> str:
        """`start_map`, `start_array`, or the kind of the single value that the file is. Raises as `items` does."""
        return next(self.events(), ("", "nothing", None))[1]

    def _rewound(self, level: int) -> "_Bounded":
        self.file.seek(self._start)
        return _Bounded(self.file, self.where, level)

    def _checked(self, found: Iterator[Any]) -> Iterator[Any]:
        from ijson import JSONError

        try:
            yield from found
        except (JSONError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split("\n")[0].split()).removeprefix("b'")
            raise InputError(f"{self.where}: not valid JSON ({reason}); is the file cut off?") from error


class _Bounded:
    """A JSON file that is refused as it is read where it nests too deep, or what is read at once is too long.

    Parsers take memory for every level, and keep a value until it ends.

    Args:
        level: what is in so many objects and lists is read piece by piece, what is in more of them at once.
    """

    _ESCAPED = re.compile(rb"\\.", re.DOTALL)
    _STEPS = np.zeros(256, np.int64)
    _STEPS[[*b"[{"]], _STEPS[[*b"]}"]] = 1, -1
    _MARKS = _STEPS != 0
    _MARKS[ord('"')] = True

    def __init__(self, file: BinaryIO, where: str, level: int) -> None:
        self.file, self.where, self.level = file, where, level
        self.depth, self.length, self.quoted, self.escape = 0, 0, False, b""

    def read(self, size: int = -1) -> bytes:
        chunk = self.file.read(size)
        if chunk:
            self._measure(chunk)
        return chunk

    def _measure(self, chunk: bytes) -> None:
        text = self.escape + chunk
        if b"\\" in text:
            text = self._ESCAPED.sub(b"", text)
        self.escape = b"\\" if text.endswith(b"\\") else b""
        codes = np.frombuffer(text, np.uint8)
        places = np.flatnonzero(self._MARKS[codes])
        marks = codes[places]
        quoted = (self.quoted + np.cumsum(marks == ord('"'))) % 2 == 1
        depth = self.depth + np.cumsum(np.where(quoted, 0, self._STEPS[marks]))
        ends = places[~quoted & (depth <= self.level)]
        end, rest = int(ends[-1]) if len(ends) else -1, 0
        if len(places):
            self.depth, self.quoted, rest = int(depth[-1]), bool(quoted[-1]), int(places[-1]) + 1
        if self.depth <= self.level and not self.quoted:
            end = max(end, text.rfind(b",", rest))
        self.length = len(text) - end if end >= 0 else self.length + len(chunk)
        if len(places) and depth.max() > DEEPEST:
            raise InputError(f"{self.where}: nests objects and lists more than {DEEPEST} deep; expected fewer")
        if self.length > LARGEST:
            raise InputError(
                f"{self.where}: a single value, or image, takes more than {LARGEST // 2**20} MB; expected less"
            )


def _steps(prefix: str) -> int:
    """Of a path."""
    return len(prefix.split(".")) if prefix else 0


def member(entry: Any, key: str, where: str, *kinds: type, default: Any = None) -> Any:
    """The value that an object of a file has under a key, or `default`, where one is given, for none.

    Args:
        where: the file and the path of the object, for messages.
        kinds: what it may be; anything where none are named.

    Raises:
        InputError: no object, no such key and no default, the key twice, or a value of another kind.
    """
    if not isinstance(entry, dict):
        raise InputError(f"{where} is {short(entry)}; expected an object with {key}")
    if isinstance(entry, JsonObject) and entry.repeated is not None:
        raise InputError(f"{where} has the key {entry.repeated} twice; expected it once")
    value = entry.get(key)
    if value is None:
        if default is None:
            raise InputError(f"{where} has no {key}, only {', '.join(entry) or 'nothing'}")
        return default
    if kinds and (not isinstance(value, kinds) or isinstance(value, bool)):
        raise InputError(f"{where}.{key} is {short(value)}; expected {' or '.join(WORDS[kind] for kind in kinds)}")
    return value


def numbers(value: Any, where: str, expected: str) -> NDArray[np.float64]:
    """A list of numbers and nulls as an array, NaN where null. Raises InputError for anything else."""
    if not isinstance(value, list):
        raise InputError(f"{where} is {short(value)}; expected {expected}")
    if not {*map(type, value)} <= {int, float, type(None)}:
        wrong = next(item for item in value if type(item) not in {int, float, type(None)})
        raise InputError(f"{where} holds {short(wrong)}; expected {expected}")
    return np.array(value, dtype=np.float64)


def short(value: object) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
