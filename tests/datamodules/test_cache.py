"""Properties of parsed copies: equal to what was parsed, never of other files, never half written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_tree import SUBJECTS, write_tree

from datamodules.cache import fingerprint_of
from datamodules.sources import chi3d
from datamodules.sources.chi3d import CAMERAS, read
from datamodules.takes import CAMERA_SHAPES


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def test_a_second_read_is_equal_and_parses_nothing(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "not" / "there"
    first = read(tree, SUBJECTS, cache=cache)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(chi3d, "_parse", fail)
    second = read(tree, SUBJECTS, cache=cache)
    assert torch.equal(first.world, second.world) and torch.equal(first.start, second.start)
    for name in ("names", "joints", "cameras", "fingerprint", "image"):
        assert getattr(first, name) == getattr(second, name)
    for name in CAMERA_SHAPES:
        assert torch.equal(getattr(first.views, name), getattr(second.views, name))


def test_the_key_is_the_content_of_every_file_and_what_is_read_of_it(tree: Path, tmp_path: Path) -> None:
    keys = [read(tree, ["s02"]).fingerprint, read(tree, ["s03"]).fingerprint, read(tree, SUBJECTS).fingerprint]
    keys.append(read(tree, ["s02"], cameras=CAMERAS[:1]).fingerprint)
    for path in sorted((tree / "train" / "s02").rglob("*.json")):
        path.write_text(path.read_text().replace(", ", " ,", 1))  # as long as before, and the same numbers
        keys.append(read(tree, ["s02"]).fingerprint)
    assert len(set(keys)) == len(keys) == 4 + 2 * 3
    tree.rename(tmp_path / "elsewhere")
    assert read(tmp_path / "elsewhere", ["s02"]).fingerprint == keys[-1]


def test_an_interrupted_write_leaves_nothing(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(file: Any, **_: object) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", half)
        with pytest.raises(KeyboardInterrupt):
            read(tree, ["s02"], cache=tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
    assert read(tree, ["s02"], cache=tmp_path / "cache").names == ("s02/Grab 1", "s02/Hug 2")


def test_a_spoilt_cache_is_read_anew(tree: Path, tmp_path: Path) -> None:
    first = read(tree, ["s02"], cache=tmp_path)
    (copy,) = tmp_path.glob("*.npz")
    for spoilt in (b"", copy.read_bytes()[:1000]):
        copy.write_bytes(spoilt)
        assert torch.equal(read(tree, ["s02"], cache=tmp_path).world, first.world)


def test_a_copy_that_an_earlier_version_wrote_is_made_anew(tree: Path, tmp_path: Path) -> None:
    first = read(tree, ["s02"], cache=tmp_path)
    (copy,) = tmp_path.glob("*.npz")
    new = copy.read_bytes()
    arrays = {name: array for name, array in np.load(copy).items() if name not in ("joints", "image", "checksum")}
    np.savez(copy, **arrays)
    assert torch.equal(read(tree, ["s02"], cache=tmp_path).world, first.world)
    assert len(copy.read_bytes()) == len(new), "and kept"


def test_the_fingerprint_of_files_is_what_it_was_when_the_first_runs_were_made() -> None:
    """Finished runs are read again only beside the data with the fingerprint that they keep."""
    files = {"train/s02/joints3d_25/Grab 1.json": b"joints", "train/s02/camera_parameters/1/Grab 1.json": b"camera"}
    assert fingerprint_of(files, ("1",)) == "a5c1ca221a1fac61aa369234c4c8e238"
