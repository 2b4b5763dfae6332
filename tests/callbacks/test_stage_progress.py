"""A stage's progress: its epochs with what is watched, on a terminal and elsewhere; its display ends with the stage."""

import io

import pytest
import pytorch_lightning as pl
from conftest import fit, some_poses, trainer
from rich.console import Console

from callbacks.progress import StageProgress
from duolift.body.skeleton import PAPER19
from duolift.progress import Bars, Lines, shown
from lightning_modules.flow_prior import FlowPriorModule

WATCHED = {"train/nll_whole_nats": "loss", "train/nothing": "nothing"}


def trained(*more: pl.Callback) -> pl.Trainer:
    module = FlowPriorModule(PAPER19.name, blocks=1, width=4)
    module.standardise(poses := some_poses(PAPER19, 64))
    return fit(module, poses, trainer(20, [StageProgress("flows", WATCHED), *more]))


def terminal() -> Bars:
    return Bars(Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None))


def test_a_terminal_shows_epochs_and_what_is_watched() -> None:
    with shown(bars := terminal()):
        trained()
    assert bars.console and isinstance(bars.console.file, io.StringIO)
    seen = bars.console.file.getvalue()
    assert "flows" in seen and "20/20" in seen and "loss " in seen and "nothing" not in seen
    assert not bars.tasks and bars.bars is None


def test_elsewhere_there_is_a_line_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(Lines()):
        trained()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("flows: ")]
    assert len(lines) == 10 and lines[0].startswith("flows: 2 of 20, ") and lines[-1].startswith("flows: 20 of 20, ")
    assert all("loss " in line for line in lines) and "left" in lines[0] and "left" not in lines[-1]


def test_a_stage_that_fails_leaves_the_terminal() -> None:
    class Failing(pl.Callback):
        def on_train_epoch_end(self, *_: object) -> None:
            raise ZeroDivisionError

    with shown(bars := terminal()), pytest.raises(ZeroDivisionError):
        trained(Failing())
    assert not bars.tasks and bars.bars is None
