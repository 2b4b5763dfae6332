"""HDF5 by an optional library: without it a message says what to install."""

import io
import sys

import pytest

from duolift.errors import InputError
from duolift.files.hdf5 import HDF5, names_in


def test_without_the_library_a_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"a\.h5: is HDF5, which needs h5py, .*pip install -e '\.\[hdf5\]'"):
        names_in(io.BytesIO(HDF5), "a.h5")


def test_a_damaged_file_is_refused() -> None:
    pytest.importorskip("h5py")
    with pytest.raises(InputError, match=r"a\.h5: cannot be read as HDF5"):
        names_in(io.BytesIO(HDF5 + b"\x00" * 100), "a.h5")


def test_what_is_in_it_is_named() -> None:
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as content:
        content["tracks"], content["node_names"] = [1.0], [b"a"]
    assert sorted(names_in(file, "a.h5")) == ["node_names", "tracks"]
