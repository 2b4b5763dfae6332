"""What a W&B run has beside the numbers that Lightning logs: the axis of epochs, histograms, tables and scenes."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import wandb
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from callbacks.figures import turning_scenes
from callbacks.history import SPEEDS
from duolift.body.skeleton import Skeleton
from lightning_modules.lifter import LifterModule

ELEVATIONS, ROWS, SCENES, TURNING = "val/elevations_deg", "tables/rows", "tables/scenes", "scenes/turning"
"""Names in the log of a histogram, of tables, and of a page."""

HISTOGRAM_POSES = 1024
"""Held-out poses in the histogram of elevations, evenly spaced."""

LONGEST_NAME = 128
"""Characters that W&B allows in an artifact's name."""


class WandbRun(pl.Callback):
    """Makes W&B draw everything over epochs, and logs a histogram of the elevations of held-out poses every epoch.

    For a trainer whose logger is W&B's.
    """

    def __init__(self) -> None:
        self._defined: set[str] = set()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        logger = trainer.logger
        assert isinstance(logger, WandbLogger)
        names = {*trainer.callback_metrics, *SPEEDS, ELEVATIONS}
        for name in sorted(names - self._defined):
            logger.experiment.define_metric(name, step_metric="epoch")
        self._defined |= names
        if isinstance(pl_module, LifterModule):
            poses: Tensor = trainer.datamodule.validation_poses  # type: ignore[attr-defined]
            histogram = wandb.Histogram(elevations(pl_module, poses).tolist())
            logger.log_metrics({ELEVATIONS: histogram, "epoch": trainer.current_epoch}, trainer.global_step)  # type: ignore[dict-item]


@torch.no_grad()
def elevations(module: LifterModule, poses: Tensor) -> Tensor:
    """The elevations in degrees of some of the poses (pose, joint, 2), lifted as in use."""
    some = poses[:: -(-len(poses) // HISTOGRAM_POSES)]
    _, theta = module(some.to(module.device))
    return theta.rad2deg().cpu()


def table(lines: Sequence[Mapping[str, Any]]) -> wandb.Table:
    """Lines of named values as a table; a value that a line lacks is empty."""
    columns: list[Any] = list(dict.fromkeys(name for line in lines for name in line))
    return wandb.Table(columns=columns, data=[[line.get(name) for name in columns] for line in lines])


def rows_table(rows: Sequence[Mapping[str, Any]]) -> wandb.Table:
    """The evaluation's rows: settings, metrics, and the paper's values where it has some."""
    lines = []
    for row in rows:
        settings = {name: value for name, value in row.items() if name not in ("metrics", "published")}
        paper = {f"paper_chi3d_{name}": value for name, value in (row["published"] or {}).items()}
        lines.append(settings | row["metrics"] | paper)
    return table(lines)


def turning(predicted: Tensor, truth: Tensor, skeleton: Skeleton, titles: Sequence[str]) -> wandb.Html:
    """Scenes over their ground truth, to be turned with the mouse, as one page that needs no network."""
    figure = turning_scenes(predicted, truth, skeleton, titles)
    return wandb.Html(figure.to_html(include_plotlyjs=True, default_height="96vh"), inject=False)


def model_artifact(name: str, checkpoint: Path, settings: Mapping[str, Any]) -> wandb.Artifact:
    """A trained checkpoint, and the settings that decided it, the data's fingerprint among them."""
    artifact = wandb.Artifact(artifact_name(name), "model", metadata=dict(settings))
    artifact.add_file(str(checkpoint))
    return artifact


def data_artifact(data: Mapping[str, Any]) -> wandb.Artifact:
    """The data that decided a stage, by the fingerprint of its `content` and how it is read: no copy of it."""
    artifact = wandb.Artifact(artifact_name(f"data-{data['content']}"), "dataset", metadata=dict(data))
    with artifact.new_file("data.json") as file:
        json.dump(data, file, indent=1)
    return artifact


def artifact_name(text: str) -> str:
    """A text in the characters that W&B allows in an artifact's name."""
    return re.sub(r"[^a-zA-Z0-9_.\-]+", "-", text)[:LONGEST_NAME]
