"""A stage's progress: its epochs with what is watched, on a terminal and elsewhere; its display ends with the stage."""

import io

import pytest
import pytorch_lightning as pl
from conftest import fit, some_poses, trainer
from rich.console import Console

from callbacks.progress import StageProgress
from duolift import progress
from duolift.body.skeleton import PAPER19
from lightning_modules.flow_prior import FlowPriorModule

WATCHED = {"train/nll_whole_nats": "loss", "train/nothing": "nothing"}


def trained(*more: pl.Callback) -> pl.Trainer:
    module = FlowPriorModule(PAPER19.name, blocks=1, width=4)
    module.standardise(poses := some_poses(PAPER19, 64))
    return fit(module, poses, trainer(20, [StageProgress("flows", WATCHED), *more]))


def test_a_terminal_shows_epochs_and_what_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(progress, "console", lambda: console)
    trained()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "flows" in shown and "20/20" in shown and "loss " in shown and "nothing" not in shown
    assert progress._display == [] == progress._open


def test_elsewhere_there_is_a_line_every_tenth(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    trained()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("flows: ")]
    assert len(lines) == 10 and lines[0].startswith("flows: 2 of 20, ") and lines[-1].startswith("flows: 20 of 20, ")
    assert all("loss " in line for line in lines) and "left" in lines[0] and "left" not in lines[-1]


def test_a_stage_that_fails_leaves_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(pl.Callback):
        def on_train_epoch_end(self, *_: object) -> None:
            raise ZeroDivisionError

    monkeypatch.delenv("CI", raising=False)
    console = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(progress, "console", lambda: console)
    with pytest.raises(ZeroDivisionError):
        trained(Failing())
    assert progress._display == [] == progress._open
