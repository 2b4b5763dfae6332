"""JSON read item by item, so that a long file is never in memory whole, and checks of the values in it."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.inputs.bounded import BoundedJson
from duolift.inputs.pixels import short

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some editors write it before UTF-8; JSON does not allow it."""

KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a text", int: "a whole number", float: "a number"}
"""What messages call the types of JSON's values."""


class JsonObject(dict[str, Any]):
    """An object of a file. It remembers a key that the file has twice, of which a plain dictionary keeps the last."""

    repeated: str | None = None

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            self.repeated = key
        super().__setitem__(key, value)


class JsonStream:
    """A JSON file that can be gone through several times, each time from its beginning.

    Paths are ijson's: `annotations.item.image_id` are the values of `image_id` in the items of the list `annotations`;
    the path `""` is the whole file.

    Args:
        file: open, and able to seek.
        where: its name, for messages.

    Raises:
        InputError: of all methods: the file is not JSON, ends early, or is beyond `duolift.inputs.bounded.JSON_LIMITS`.

    >>> import io
    >>> stream = JsonStream(io.BytesIO(b'{"images": [{"id": 7}, {"id": 9}]}'), "a.json")
    >>> list(stream.items("images.item.id")), stream.root()
    ([7, 9], 'start_map')
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.file, self.where = file, where
        file.seek(0)
        self._start = len(BYTE_ORDER_MARK) if file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else 0

    def items(self, path: str) -> Iterator[Any]:
        """Every value at a path, each built whole."""
        import ijson

        values = ijson.items(self._rewound(_depth(path)), path, use_float=True, map_type=JsonObject)
        return self._checked(values)

    def members(self, path: str) -> Iterator[tuple[str, Any]]:
        """Every key and value of the object at a path, each value built whole."""
        import ijson

        pairs = ijson.kvitems(self._rewound(_depth(path) + 1), path, use_float=True, map_type=JsonObject)
        return self._checked(pairs)

    def documents(self) -> Iterator[Any]:
        """Every JSON of a file that has one after the other, such as one a line, each built whole."""
        import ijson

        values = ijson.items(self._rewound(0), "", use_float=True, map_type=JsonObject, multiple_values=True)
        return self._checked(values)

    def events(self, several: bool = False) -> Iterator[tuple[str, str, Any]]:
        """The parser's events (path, kind, value), such as `("item", "start_map", None)`; nothing is built.

        Args:
            several: the file may hold one JSON after the other.
        """
        import ijson

        # In an object of lists of items, as long files are, items are 2 brackets deep.
        file = self._rewound(whole_below=2)
        return self._checked(ijson.parse(file, use_float=True, multiple_values=several))

    def root(self) -> str:
        """The first event: `start_map`, `start_array`, or the kind of the only value."""
        return next(self.events(), ("", "nothing", None))[1]

    def _rewound(self, whole_below: int) -> BoundedJson:
        self.file.seek(self._start)
        return BoundedJson(self.file, self.where, whole_below)

    def _checked(self, values: Iterator[Any]) -> Iterator[Any]:
        from ijson import JSONError

        try:
            yield from values
        except (JSONError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split("\n")[0].split()).removeprefix("b'")
            raise InputError(f"{self.where}: not valid JSON ({reason}); is the file cut off?") from error


def _depth(path: str) -> int:
    """In how many brackets a path's values are."""
    return len(path.split(".")) if path else 0


def member(entry: Any, key: str, where: str, *kinds: type, default: Any = None) -> Any:
    """The value that an object of a file has under a key.

    Args:
        entry: what should be the object.
        where: the file and the object's path, for messages.
        kinds: allowed types, keys of `KINDS`; any where none are named.
        default: stands for a missing key or null; None requires the key.

    Raises:
        InputError: `entry` is no object, has a key twice, lacks this one, or has a value of another type.

    >>> member({"image_id": 7}, "image_id", "a.json: [0]", int, str)
    7
    >>> member({"image_id": [7]}, "image_id", "a.json: [0]", int, str)
    Traceback (most recent call last):
    duolift.errors.InputError: a.json: [0].image_id is [7]; expected a whole number or a text
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
        raise InputError(f"{where}.{key} is {short(value)}; expected {' or '.join(KINDS[kind] for kind in kinds)}")
    return value


def numbers(value: Any, where: str, expected: str) -> NDArray[np.float64]:
    """A list of numbers as an array, NaN where the list has null.

    Args:
        expected: what the list should hold, for messages.

    Raises:
        InputError: no list, or one with anything else in it.

    >>> numbers([1, 2.5, None], "a.json: keypoints", "x, y and confidence of every joint")
    array([1. , 2.5, nan])
    """
    if not isinstance(value, list):
        raise InputError(f"{where} is {short(value)}; expected {expected}")
    if not {*map(type, value)} <= {int, float, type(None)}:  # type(True) is bool: it is no number here
        wrong = next(item for item in value if type(item) not in {int, float, type(None)})
        raise InputError(f"{where} holds {short(wrong)}; expected {expected}")
    return np.array(value, dtype=np.float64)
