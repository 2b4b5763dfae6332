"""Arrays, dictionaries, lists, texts and numbers out of pickles, of which nothing is run.

Many programs save dictionaries and lists of arrays by `numpy.save`, which pickles them. A pickle is a program: whoever
loads it the usual way runs whatever its author wrote. Here it is only taken apart. Of the pickle machine's operations
those are known that make or fill containers, texts and numbers; and of all functions that a pickle may name, the few
that NumPy names for its arrays stand for code here, which checks what it is given. Anything else is an error.

https://docs.python.org/3/library/pickle.html#restricting-globals
"""

import io
import math
import pickle
import pickletools
import struct
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError


@dataclass(frozen=True)
class PickleLimits:
    """What a pickle may hold.

    Attributes:
        depth: containers in each other.
        dimensions: of an array.
    """

    depth: int = 32
    dimensions: int = 8


PICKLE_LIMITS = PickleLimits()


class _RefusedError(Exception):
    """What a pickle holds is none of what is read here; the message says what."""


@dataclass
class _DataType:
    """A NumPy data type on its way: its name, then its byte order."""

    name: str
    order: str = "="

    def build(self, state: Any) -> None:
        if not (isinstance(state, tuple) and len(state) >= 2 and state[1] in {"<", ">", "|", "="}):
            raise _RefusedError("an array of an odd type")
        if len(state) > 4 and any(one is not None for one in state[2:5]):
            raise _RefusedError("an array of records")
        self.order = state[1]

    def plain(self) -> np.dtype[Any]:
        found = np.dtype(self.name)
        if found.kind not in "fiubUSO":
            raise _RefusedError(f"an array of {found}")
        return found.newbyteorder(">") if self.order == ">" else found


@dataclass
class _Array:
    """A NumPy array on its way: nothing, then its content."""

    state: Any = None

    def build(self, state: Any) -> None:
        if not (isinstance(state, tuple) and len(state) == 5):
            raise _RefusedError("an array without content")
        self.state = state[1:]

    def plain(self) -> tuple[tuple[int, ...], np.dtype[Any], bool, Any]:
        """Shape, type, whether columns come first, and bytes, or a list of objects."""
        if self.state is None:
            raise _RefusedError("an array without content")
        shape, kind, fortran, content = self.state
        if not isinstance(kind, _DataType) or not isinstance(shape, tuple) or len(shape) > PICKLE_LIMITS.dimensions:
            raise _RefusedError("an array of an odd shape or type")
        if not all(isinstance(length, int) and length >= 0 for length in shape):
            raise _RefusedError("an array of an odd shape")
        if isinstance(content, str):  # of Python 2, which has no bytes
            content = content.encode("latin1")
        return shape, kind.plain(), bool(fortran), content


def _data_type(name: Any, *_: Any) -> _DataType:
    if not isinstance(name, str):
        raise _RefusedError("an array of an odd type")
    return _DataType(name)


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    return _Array((shape, kind, order == "F", content))


def _scalar(kind: Any, content: Any = b"") -> _Array:
    return _Array(((), kind, False, content))


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise _RefusedError("a text in an odd encoding")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _dictionary(*_: Any) -> dict[Hashable, Any]:
    return {}


def _is_class(*_: Any) -> None:
    raise _RefusedError("a class")


_CORES = ("numpy.core", "numpy._core")
KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _is_class,  # `_reconstruct` is given it, nothing calls it
    ("numpy", "dtype"): _data_type,
    **{(f"{core}.multiarray", "_reconstruct"): _reconstruct for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): _from_buffer for core in _CORES},
    ("_codecs", "encode"): _encoded,
    **{(module, "bytes"): _no_bytes for module in ("builtins", "__builtin__")},
    ("collections", "OrderedDict"): _dictionary,
    ("collections", "defaultdict"): _dictionary,
    **{(module, "dict"): _is_class for module in ("builtins", "__builtin__")},  # a defaultdict is given one of these
    **{(module, "list"): _is_class for module in ("builtins", "__builtin__")},
}
"""Module and name that a pickle may name -> what stands for it."""

OPERATIONS: tuple[str, ...] = (
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP"),
    *("GET", "BINGET", "LONG_BINGET", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
    *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
)
"""The operations that are known, as `pickletools` calls them. None of them makes objects of classes."""


def _codes_of(*names: str) -> list[int]:
    """The bytes that stand for operations."""
    codes = {operation.name: ord(operation.code) for operation in pickletools.opcodes}
    return [codes[name] for name in names]


class _Reader(pickle._Unpickler):
    """The pickle machine of Python's own library, with fewer operations."""

    stack: list[Any]
    read: Callable[[int], bytes]
    append: Callable[[Any], None]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise _RefusedError(f"{module}.{name}")
        return KNOWN[module, name]

    def _bytes_of_array(self) -> None:
        """Bytes that can be changed, here as others; Python's own reader makes room for as many as the file claims."""
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(min(length, sys.maxsize)))

    def _reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not isinstance(arguments, tuple) or function not in KNOWN.values():
            raise _RefusedError("a call of what is no function")
        self.stack[-1] = function(*arguments)

    def _build(self) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        if not isinstance(built, _Array | _DataType):
            raise _RefusedError("an object with a state")
        built.build(state)

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **{code: pickle._Unpickler.dispatch[code] for code in _codes_of(*OPERATIONS)},
        **dict(zip(_codes_of("REDUCE", "BUILD", "BYTEARRAY8"), (_reduce, _build, _bytes_of_array), strict=True)),
    }


def read_pickle(content: bytes, where: str) -> Any:
    """What a pickle holds: dictionaries, lists, texts, bytes, numbers, None, and arrays of numbers or texts.

    Tuples and arrays of objects become lists, an array of a single object without dimensions that object.

    Args:
        where: the file and what is read of it, for messages.

    Raises:
        InputError: it holds anything else, such as a function that its author wants to be run, or is damaged.

    >>> read_pickle(pickle.dumps({"places": np.ones((2, 2)), "names": ("a", "b")}), "a.npy")
    {'places': array([[1., 1.],
           [1., 1.]]), 'names': ['a', 'b']}
    >>> read_pickle(b"cos\\nsystem\\n(S'echo me'\\ntR.", "bad.npy")
    Traceback (most recent call last):
    duolift.errors.InputError: bad.npy: holds a pickle with os.system, which is not read; expected arrays, \
dictionaries, lists, texts and numbers
    """
    try:
        return _Plain().of(_Reader(io.BytesIO(content), encoding="latin1").load())
    except _RefusedError as error:
        raise InputError(
            f"{where}: holds a pickle with {error}, which is not read; expected arrays, dictionaries, lists, texts "
            "and numbers"
        ) from error
    except Exception as error:  # a damaged pickle ends in anything
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise InputError(f"{where}: holds a pickle that cannot be read ({reason}); expected a whole one") from error


class _Plain:
    """Values without stand-ins for arrays; what is there several times is made once."""

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self.kept: list[Any] = []  # so that no two values have one id

    def of(self, value: Any, depth: int = 0) -> Any:
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        if depth > PICKLE_LIMITS.depth:
            raise _RefusedError(f"containers more than {PICKLE_LIMITS.depth} deep")
        if id(value) not in self.made:
            self.kept.append(value)
            self.made[id(value)] = self._made(value, depth)
        return self.made[id(value)]

    def _made(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return {self._key(key): self.of(one, depth + 1) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(one, depth + 1) for one in value]
        if isinstance(value, _Array):
            return self._array(value, depth)
        raise _RefusedError(f"a {type(value).__name__}" if not callable(value) else "a function")

    def _key(self, key: Any) -> Any:
        if not isinstance(key, str | int | float | bool | bytes | None | tuple):
            raise _RefusedError(f"a key that is a {type(key).__name__}")
        return key

    def _array(self, value: _Array, depth: int) -> Any:
        shape, kind, fortran, content = value.plain()
        if kind.kind == "O":
            if not isinstance(content, list) or len(content) != math.prod(shape):
                raise _RefusedError("an array of too few objects")
            items = [self.of(one, depth + 1) for one in content]
            return _nested(items, shape, fortran)
        if not isinstance(content, bytes) or len(content) != math.prod(shape) * kind.itemsize:
            raise _RefusedError("an array of too few numbers")
        if not kind.itemsize:
            raise _RefusedError("an array of nothing")
        array: NDArray[Any] = np.frombuffer(content, kind).reshape(shape, order="F" if fortran else "C")
        return array if shape else array.item()


def _nested(items: list[Any], shape: tuple[int, ...], fortran: bool) -> Any:
    """Objects of an array as lists in lists; the single one of an array without dimensions."""
    if not shape:
        return items[0]
    if not math.prod(shape):
        return []
    order = np.arange(len(items)).reshape(shape, order="F" if fortran else "C")

    def lists(numbers: Any) -> Any:
        return [lists(one) for one in numbers] if isinstance(numbers, list) else items[numbers]

    return lists(order.tolist())
