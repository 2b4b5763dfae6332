"""Properties of a stage's history: every epoch once, with what was logged in it and nothing of earlier ones."""

import json
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn

from callbacks.history import History


class Line(pl.LightningModule):
    """Learns a slope; logs its loss, and its slope after every other epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Linear(1, 1)

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        loss = (self.slope(batch) - batch).square().mean()
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        self.log("val/epoch", float(self.current_epoch + 1))

    def on_validation_epoch_end(self) -> None:
        if self.current_epoch % 2:
            self.log("eval/slope", self.slope.weight.sum())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


class CutOff(pl.Callback):
    """Ends a training when an epoch begins."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            raise RuntimeError("cut off")


def train(folder: Path, *more: pl.Callback) -> list[dict[str, float]]:
    """What the file says after a training, from its checkpoint where there is one."""
    checkpoint, path = ModelCheckpoint(folder, "last", save_on_train_epoch_end=True), folder / "last.ckpt"
    run = pl.Trainer(
        max_epochs=4,
        accelerator="cpu",
        logger=False,
        callbacks=[History(folder / "history.json"), *more, checkpoint],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    data: Any = torch.randn(64, 1)
    loader: Any = torch.utils.data.DataLoader(data, 16)
    run.fit(Line(), loader, loader, ckpt_path=path if path.exists() else None, weights_only=True)
    return json.loads((folder / "history.json").read_text())


def test_a_record_an_epoch_holds_what_that_epoch_logged(tmp_path: Path) -> None:
    records = train(tmp_path)
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    assert [record["val/epoch"] for record in records] == [1, 2, 3, 4]
    assert ["eval/slope" in record for record in records] == [False, True, False, True]
    always = {"epoch", "seconds", "poses_per_second", "train/loss", "val/epoch"}
    assert all(record.keys() - {"eval/slope"} == always for record in records)
    losses = [record["train/loss"] for record in records]
    assert losses == sorted(losses, reverse=True) and len(set(losses)) == 4


def test_rates_are_of_all_poses_and_of_training_alone(tmp_path: Path) -> None:
    for record in train(tmp_path):
        assert 0 < 64 / record["seconds"] <= record["poses_per_second"]


def test_a_stage_that_goes_on_continues_its_history_without_doubling(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cut off"):
        train(tmp_path, CutOff(2))
    before = json.loads((tmp_path / "history.json").read_text())
    assert [record["epoch"] for record in before] == [1, 2]
    after = train(tmp_path)
    assert [record["epoch"] for record in after] == [1, 2, 3, 4] and after[:2] == before


def test_a_lost_file_comes_back_from_the_checkpoint(tmp_path: Path) -> None:
    before = train(tmp_path)
    (tmp_path / "history.json").unlink()
    assert train(tmp_path) == before
