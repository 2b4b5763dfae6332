"""A run of seconds, on a tiny embedded set: its settings, and what tests look at of it."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from datamodules.synthetic.writer import SyntheticConfig
from experiments.runs import command
from lightning_modules.lifter import LifterModule

DATA = SyntheticConfig(takes=1, frames=6)
SMALL = [
    "experiment=quick",
    "run=small",
    *(f"data.synthetic.{key}={value}" for key, value in asdict(DATA).items()),
    "data.held_out=64",
    *("flows.parts=[whole,legs]", "flows.blocks=2", "flows.width=8", "flows.epochs=1", "flows.batch_size=64"),
    *("lifting.width=8", "lifting.blocks=1", "lifting.epochs=2", "lifting.batch_size=64", "evaluation.every=1"),
    "lifting.likelihoods=[whole,legs]",
]


def arguments(folder: Path, *more: str) -> list[str]:
    places = [f"runs={folder}/runs", f"data.root={folder}/data", f"data.cache={folder}/cache"]
    return [*SMALL, *places, "wandb.mode=disabled", *more]


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def files(folder: Path) -> dict[Path, int]:
    """Every file and its time of change."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def epochs_trained(monkeypatch: pytest.MonkeyPatch, kind: type = LifterModule) -> list[int]:
    """A list that grows by the number of every epoch that is trained."""
    epochs: list[int] = []
    monkeypatch.setattr(kind, "on_train_epoch_start", lambda module: epochs.append(module.current_epoch))
    return epochs


def run_command(main: Callable[..., None], given: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["duolift", *given])
    try:
        command(main)
    except SystemExit as error:
        return int(error.code or 0)
    return 0
