"""Checkpoints say what they are, are refused by name where they do not fit, and run nothing."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from duolift.body.skeleton import PAPER19
from duolift.errors import InputError
from experiments.checkpoints import KINDS, STAMP, WholeCheckpoints, load_completion, load_flows, load_lifter
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule
from tests.conftest import full_disk, trainer


def module() -> LifterModule:
    return LifterModule(PAPER19.name, scale=0.1, c=5.0, bone_ratios=[1.0] * len(PAPER19.bones), width=8, blocks=1)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """`checkpoint(**stamp)`: a lifter's file, with a stamp that says this of it besides; `STAMP=None` for none."""

    def make(change: Callable[[dict[str, Any]], None] = lambda content: None, **stamp: Any) -> Path:
        path, run = tmp_path / "last.ckpt", trainer(0)
        run.strategy.connect(module())
        run.save_checkpoint(path)
        content = torch.load(path, weights_only=True)
        content[STAMP] = {"format": 1, "version": "0.1.0", "kind": "a lifter", "settings": {}} | stamp
        change(content)
        torch.save(content, path)
        return path

    return make


def test_what_is_stamped_is_read_again(checkpoint: Callable[..., Path]) -> None:
    loaded = load_lifter(checkpoint(), PAPER19.name)
    assert not loaded.training and loaded.skeleton == PAPER19


def test_a_checkpoint_without_a_stamp_loads_where_it_fits(checkpoint: Callable[..., Path]) -> None:
    load_lifter(checkpoint(lambda content: content.pop(STAMP)), PAPER19.name)


def test_an_older_one_that_does_not_fit_says_who_made_it_and_what_to_do(checkpoint: Callable[..., Path]) -> None:
    path = checkpoint(lambda content: content["hyper_parameters"].update(OLDER), version="0.0.3")
    with pytest.raises(InputError, match=r"last\.ckpt: .*'noise'.*made by duolift 0\.0\.3: train it again"):
        load_lifter(path, PAPER19.name)
    path = checkpoint(lambda content: (content["hyper_parameters"].update(OLDER), content.pop(STAMP)))
    with pytest.raises(InputError, match=r"made by an early duolift, or by something else: train it again"):
        load_lifter(path, PAPER19.name)


OLDER = {"augmentation": {"noise": 0.05}}
"""A setting that once was."""

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a newer format": ({"format": 9, "version": "7.0"}, r"has format 9, of duolift 7\.0; expected 1"),
    "another kind": ({"kind": "flows"}, r"not a checkpoint of a lifter, but of flows"),
}


@pytest.mark.parametrize(("stamp", "fragment"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_by_name(
    checkpoint: Callable[..., Path], stamp: dict[str, Any], fragment: str
) -> None:
    with pytest.raises(InputError, match=rf"last\.ckpt: {fragment}"):
        load_lifter(checkpoint(**stamp), PAPER19.name)


class Malicious:
    """Unpickling this makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("inside", [False, True], ids=["the whole file", "in a hyper-parameter"])
@pytest.mark.parametrize("kind", ["flows", "lifter", "completion"])
def test_a_checkpoint_runs_no_code(checkpoint: Callable[..., Path], tmp_path: Path, inside: bool, kind: str) -> None:
    made, path = tmp_path / "made", checkpoint()
    content = torch.load(path, weights_only=True)
    content["hyper_parameters"]["split"] = Malicious(made)
    torch.save(content if inside else Malicious(made), path)
    readers: dict[str, Callable[[], object]] = {
        "flows": lambda: load_flows(path),
        "lifter": lambda: load_lifter(path, PAPER19.name),
        "completion": lambda: load_completion(path, module()),
    }
    with pytest.raises(InputError, match=r"last\.ckpt: not a checkpoint of .*UnpicklingError"):
        readers[kind]()
    assert not made.exists()
    torch.load(path, weights_only=False)
    assert made.exists()  # the file is what it claims to be


def test_every_module_that_is_trained_has_a_kind() -> None:
    assert KINDS[FlowPriorModule] != KINDS[LifterModule]
    assert set(KINDS.values()) == {"flows", "a lifter", "a completion"}


def test_a_full_disk_is_told_of_and_leaves_the_checkpoint_before_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, elsewhere = tmp_path / "runs" / "last.ckpt", tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    writer = WholeCheckpoints()
    writer.save_checkpoint({"epoch": 1}, path)
    with full_disk(1000), pytest.raises(InputError, match=r"last\.ckpt: cannot be written \(File too large\)"):
        writer.save_checkpoint({"epoch": 2, "weights": torch.zeros(1000)}, path)
    assert list(elsewhere.iterdir()) == []  # which may be another disk
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert list(path.parent.iterdir()) == [path]
