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
from duolift.geometry.normalisation import Normalisation
from duolift.learning.augmentation import Augmentation
from duolift.learning.objective import LossWeights, Objective
from duolift.networks.architecture import Architecture
from experiments.checkpoints import KINDS, STAMP, WholeCheckpoints, load_completion, load_flows, load_lifter
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import OptimiserSettings
from tests.conftest import full_disk, lifter_module, trainer


def module() -> LifterModule:
    return lifter_module(scale=0.1, c=5.0, width=8, blocks=1, sampling=0.2, learning_rate=1e-3, flip_test=True)


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
    path = checkpoint(lambda content: content["hyper_parameters"]["objective"].update(OLDER), version="0.0.3")
    with pytest.raises(InputError, match=r"last\.ckpt: .*'noise'.*made by duolift 0\.0\.3: train it again"):
        load_lifter(path, PAPER19.name)
    path = checkpoint(lambda content: (content["hyper_parameters"]["objective"].update(OLDER), content.pop(STAMP)))
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
    content["hyper_parameters"]["skeleton"] = Malicious(made)
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
    assert set(KINDS.values()) == {"flows", "a lifter", "a completion", "a distillation"}


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


# Checkpoints of version 0.1.0 -----------------------------------------------------------------------------------------

FLAT: dict[str, Any] = {
    "skeleton": "paper19",
    "scale": 0.1,
    "c": 5.0,
    "bone_ratios": [1.0] * len(PAPER19.bones),
    "split": "whole",
    "centring": "shift",
    "width": 8,
    "blocks": 1,
    "elevation_bound": 1.0,
    "initial_elevation": -0.2,
    "half": False,
    "weights": {"likelihood": 1.0, "bone": 2.0, "augmentation": 0.5},
    "azimuth": 3.0,
    "attached": False,
    "mirror": True,
    "sampling": 0.2,
    "noise": 0.01,
    "augmentation": {"lean": 30.0},
    "likelihoods": ["whole", "legs"],
    "flip_test": True,
    "learning_rate": 1e-3,
    "schedule": "one_cycle",
    "decay": 0.9,
    "weight_decay": 0.0,
}
"""Hyper-parameters as they were: 24 arguments in one list."""


def test_a_lifter_of_before_is_the_same_lifter(checkpoint: Callable[..., Path]) -> None:
    path = checkpoint(lambda content: content.update(hyper_parameters=FLAT))
    loaded, weights = load_lifter(path, PAPER19.name), torch.load(path, weights_only=True)["state_dict"]
    assert loaded.normalisation == Normalisation(0.1, 5.0, "shift")
    assert loaded.architecture == Architecture("parts", "whole", 8, 1, 1.0, -0.2)
    assert loaded.objective == Objective(
        bone_ratios=(1.0,) * len(PAPER19.bones),
        weights=LossWeights(likelihood=1.0, bone=2.0, augmentation=0.5),
        parts=("whole", "legs"),
        azimuth=3.0,
        attached=False,
        mirror=True,
        sampling=0.2,
        noise=0.01,
        augmentation=Augmentation(lean=30.0),
    )
    assert loaded.optimiser == OptimiserSettings(1e-3, "one_cycle", 0.9, 0.0)
    assert loaded.flip_test and not loaded.lifter.low_precision
    assert all(torch.equal(value, weights[name]) for name, value in loaded.state_dict().items())


def test_a_lifter_of_before_with_other_settings_says_what_to_do(checkpoint: Callable[..., Path]) -> None:
    path = checkpoint(lambda content: content.update(hyper_parameters=FLAT | {"curvature": 1.0}), version="0.0.3")
    with pytest.raises(InputError, match=r"last\.ckpt: .*'curvature'.*made by duolift 0\.0\.3: train it again"):
        load_lifter(path, PAPER19.name)


def test_weights_that_are_missing_are_told(checkpoint: Callable[..., Path]) -> None:
    path = checkpoint(lambda content: content["state_dict"].popitem())
    with pytest.raises(InputError, match=r"last\.ckpt: not a checkpoint of a lifter that .* reads \(RuntimeError"):
        load_lifter(path, PAPER19.name)
