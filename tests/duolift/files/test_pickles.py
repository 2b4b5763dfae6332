"""Pickles are taken apart and never run: what programs save comes out, and what an attacker writes is refused."""

import collections
import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duolift.errors import InputError
from duolift.files.npz import read_arrays, read_objects
from duolift.files.pickles import PICKLE_LIMITS, read_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
EXPECTED = "expected arrays, dictionaries, lists, texts and numbers"


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, arrays in them included, and of the same types."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return [*one] == [*other] and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and type(one) is type(other)


VALUES: dict[str, Any] = {
    "a dictionary": {"a": 1, 2: "b", "c": None, "d": True, "e": 1.5, "f": 10**30, "g": b"\x00\xff"},
    "lists in lists": [[], [1, [2.5, "three"]], ()],
    "an array": np.arange(6.0).reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "another byte order": np.arange(3, dtype=">f4"),
    "texts": np.array(["left", "right"]),
    "no rows": np.zeros((0, 4, 17), np.float32),
    "ordered": collections.OrderedDict(a=[1], b={}),
    "with a default": collections.defaultdict(list, a=[1]),
    "one twice": [np.ones(2)] * 2,
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", VALUES)
def test_what_programs_save_comes_out(name: str, protocol: int) -> None:
    assert same(VALUES[name], read_pickle(pickle.dumps(VALUES[name], protocol), "a.npy"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_objects_are_lists(protocol: int) -> None:
    rows = np.empty((2, 2), object)
    rows[0, 0], rows[0, 1], rows[1, 0], rows[1, 1] = [], np.ones(2), {"a": 1}, None
    found = read_pickle(pickle.dumps(rows, protocol), "a.npy")
    assert same([[[], np.ones(2)], [{"a": 1}, None]], found)
    assert read_pickle(pickle.dumps(np.array({"w": 5}, object), protocol), "a.npy") == {"w": 5}
    assert read_pickle(pickle.dumps([np.float64(2.5), np.int32(7)], protocol), "a.npy") == [2.5, 7]


def test_a_pickle_of_python_2_is_read() -> None:
    """Its bytes are texts, and NumPy's modules have other names: `cPickle.dumps(numpy.ones(2, "<f4"), 2)`."""
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03"
        b"(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02f4K\x00K\x01\x87Rq\x05(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x80?tb."
    )
    assert same(np.ones(2, np.float32), read_pickle(content, "a.npy"))


# What is refused ------------------------------------------------------------------------------------------------------


class Evil:
    """Writes a file as soon as somebody loads it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_malicious_file_is_not_run(protocol: int, tmp_path: Path) -> None:
    target = tmp_path / "ran"
    content = pickle.dumps({"positions_2d": [Evil(target)]}, protocol)
    with pytest.raises(InputError, match=rf"bad\.npz: holds a pickle with \w+\.system, .*{EXPECTED}"):
        read_pickle(content, "bad.npz")
    assert not target.exists()
    pickle.loads(content)
    assert target.exists()  # it would have been


def test_a_malicious_npz_is_not_run(tmp_path: Path) -> None:
    target, path = tmp_path / "ran", tmp_path / "poses.npz"
    np.savez(path, positions_2d=np.array(Evil(target), object), metadata=np.array({}, object))
    for read in (read_objects, read_arrays):
        with pytest.raises(InputError, match=r"poses\.npz"):
            read(path, str(path))
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"),
        (b"cnumpy\nload\n(S'a.npy'\ntR.", "numpy.load"),
        (b"cnumpy\ndtype\n.", "a function"),
        (b"cnumpy\nndarray\n(I3\ntR.", "a class"),
        (b"]q\x00(ctypes\nFunctionType\nb.", "types.FunctionType"),
        (b"}}(S'__class__'\nS'x'\nub.", "an object with a state"),
        (b"cnumpy\ndtype\n}S'__doc__'\nS'x'\nsb.", "an object with a state"),
        (b"S'f4'\n(tR.", "a call of what is no function"),
        (pickle.dumps({1, 2}, 2), "__builtin__.set"),
        (pickle.dumps(np.zeros(2, [("a", "f4")])), "an array"),
        (pickle.dumps(np.array(["2020-01-01"], "M8[D]")), "an array"),
    ],
)
def test_what_is_none_of_these_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(InputError, match=f"a.npy: holds a pickle with {found}.*{EXPECTED}"):
        read_pickle(content, "a.npy")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80",
        b"N",
        pickle.dumps({1, 2}, 4),  # an operation that is not known
        pickle.dumps(object, 0)[:-1] + b"o.",
        b"\x80\x04\x82\x01.",  # a number for a class of a registry
        b"P1\n.",  # an object that somebody else has
        b"\x8e\xff\xff\xff\xff\xff\xff\x00\x00.",  # more bytes than there are
        pickle.dumps(np.ones(9))[:-30],
    ],
)
def test_what_is_damaged_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^a\.npy: holds a pickle"):
        read_pickle(content, "a.npy")


def test_a_memo_of_any_number_takes_no_memory() -> None:
    """Python's own reader makes a list as long as the number that is written here: 16 GiB."""
    assert read_pickle(b"Nr\xff\xff\xff\x7f.", "a.npy") is None


def test_lists_of_lists_of_lists_are_bounded() -> None:
    """What is there several times is made once, and what holds itself is too deep."""
    value: Any = [0]
    for _ in range(30):
        value = [value, value]
    found = read_pickle(pickle.dumps(value), "a.npy")
    assert found[0] is found[1]
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InputError, match=f"containers more than {PICKLE_LIMITS.depth} deep"):
        read_pickle(pickle.dumps(loop), "a.npy")


def test_an_array_has_as_many_numbers_as_it_says() -> None:
    """A head may claim any shape."""
    content = pickle.dumps(np.arange(4.0), 2).replace(b"K\x04\x85", b"J\x00\x00\x00\x10\x85")
    with pytest.raises(InputError, match="an array of too few numbers"):
        read_pickle(content, "a.npy")


def test_plain_arrays_of_an_npz_are_read_beside_objects() -> None:
    file = io.BytesIO()
    np.savez(file, plain=np.arange(3.0), about=np.array({"w": 640}, object))
    found = read_objects(file, "a.npz")
    assert found["plain"].tolist() == [0, 1, 2] and found["about"] == {"w": 640}
    with pytest.raises(InputError, match="cannot be read as npz"):
        read_arrays(file, "a.npz")
    with pytest.raises(InputError, match=r"a\.npz: cannot be read as npz"):
        read_objects(io.BytesIO(b"PK\x03\x04"), "a.npz")
