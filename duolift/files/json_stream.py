"""JSON read item by item, so that a long file is never in memory whole."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from duolift.errors import InputError
from duolift.files.bounded_json import JSON_LIMITS, BoundedJson, JsonLimits

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some editors write it before UTF-8; JSON does not allow it."""


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
        limits: of what the file may make the parser hold.

    Raises:
        InputError: of all methods: the file is not JSON, ends early, or is beyond the limits.

    >>> import io
    >>> stream = JsonStream(io.BytesIO(b'{"images": [{"id": 7}, {"id": 9}]}'), "a.json")
    >>> list(stream.items("images.item.id")), stream.root()
    ([7, 9], 'start_map')
    """

    def __init__(self, file: BinaryIO, where: str, limits: JsonLimits = JSON_LIMITS) -> None:
        self.file, self.where, self.limits = file, where, limits
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
        return BoundedJson(self.file, self.where, whole_below, self.limits)

    def _checked(self, values: Iterator[Any]) -> Iterator[Any]:
        from ijson import JSONError

        try:
            yield from values
        except (JSONError, UnicodeDecodeError) as error:
            raise InputError(f"{self.where}: not valid JSON {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What a parser has against a file, in brackets, and where; nowhere is the file's end.

    yajl says it in a line, and quotes the place in the next one. Half of a surrogate pair is no text: of a first half
    yajl makes a question mark, of a second one nothing that can be decoded.

    >>> _reason(ValueError("lexical error: invalid char in json text.\\n      [NaN]\\n   (right here) --^"))
    "(lexical error: invalid char in json text, near '[NaN]')"
    >>> _reason(ValueError(b"parse error: premature EOF\\n      \\n   (right here) --^"))
    '(parse error: premature EOF); is the file cut off?'
    >>> _reason(UnicodeDecodeError("utf-8", bytes.fromhex("61ff"), 1, 2, "invalid start byte"))
    "(text that is not UTF-8, near 'a�')"
    """
    if isinstance(error, UnicodeDecodeError):
        return f"(text that is not UTF-8, near {error.object.decode('utf-8', 'replace')!r})"
    content = error.args[0] if error.args else ""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    reason, quoted, *_ = [*(" ".join(line.split()) for line in text.split("\n")), "", ""]
    reason = reason.rstrip(".")
    return f"({reason}, near {quoted!r})" if quoted else f"({reason}); is the file cut off?"


def _depth(path: str) -> int:
    """In how many brackets a path's values are."""
    return len(path.split(".")) if path else 0
