"""Norms of gradients as they are before they are bounded; steps without any are left out; who goes astray is ended."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader

from callbacks.gradients import PATIENCE, Gradients, TrainingError
from tests.conftest import trainer

NAN = float("nan")


class Slopes(LightningModule):
    """A loss that is linear in two weights, by what a batch says."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.frozen = (nn.Parameter(torch.zeros(1)) for _ in range(3))
        self.frozen.requires_grad_(False)
        self.losses = 0.0

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        return (batch * (0.6 * self.first + 0.8 * self.second)).sum() + self.losses

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam([self.first, self.second], 0.1, fused=True)


def fitted(
    tmp_path: Path, steps: list[float], module: Slopes | None = None, epochs: int = 1, every: int = 50
) -> tuple[Slopes, Trainer]:
    module, path = module or Slopes(), tmp_path / "last.ckpt"
    run = trainer(epochs, [Gradients(path, every)])
    run.gradient_clip_val = 1.0
    run.fit(module, DataLoader(steps, 1))  # type: ignore[arg-type]
    return module, run


def test_norms_are_logged_as_they_are_before_the_bound(tmp_path: Path) -> None:
    _, run = fitted(tmp_path, [30.0, 40.0, 50.0, 10.0, 20.0], epochs=2)
    logged = {name: value.item() for name, value in run.callback_metrics.items()}
    expected = {"train/gradient_norm": 30.0, "train/gradient_norm_max": 50.0, "train/steps_left_out": 0.0}
    assert logged == pytest.approx(expected)


@pytest.mark.parametrize("spoilt", [NAN, float("inf")])
def test_a_step_without_finite_gradients_is_as_if_it_had_not_been(
    tmp_path: Path, spoilt: float, capsys: pytest.CaptureFixture[str]
) -> None:
    without, _ = fitted(tmp_path, [3.0, -2.0, 5.0])
    module, run = fitted(tmp_path, [3.0, spoilt, -2.0, spoilt, spoilt, 5.0])
    for name, value in without.state_dict().items():
        torch.testing.assert_close(module.state_dict()[name], value, rtol=0, atol=0)
    assert run.callback_metrics["train/steps_left_out"] == 3
    assert run.callback_metrics["train/gradient_norm"].item() == pytest.approx(10 / 3)
    assert "epoch 1: 3 steps without finite gradients, left out" in capsys.readouterr().err


@pytest.mark.parametrize("every", [1, 3, 50])
def test_several_in_a_row_end_the_training_and_keep_the_last_good_checkpoint(tmp_path: Path, every: int) -> None:
    class Spoilt(Slopes):
        def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
            loss = super().training_step(batch, batch_index)
            return loss * NAN if self.current_epoch == 2 and batch_index >= 2 else loss

    module, path = Spoilt(), tmp_path / "last.ckpt"
    keeper = ModelCheckpoint(tmp_path, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    run = Trainer(max_epochs=5, accelerator="cpu", logger=False, callbacks=[Gradients(path, every), keeper])
    with pytest.raises(TrainingError, match=rf"epoch 3: {PATIENCE} steps in a row .*{path} holds the last good epoch"):
        run.fit(module, DataLoader([1.0] * (PATIENCE + 4), 1))  # type: ignore[arg-type]
    assert torch.load(path, weights_only=True)["epoch"] == 1
    assert all(value.isfinite().all() for value in module.state_dict().values())


def test_a_loss_far_above_its_best_ends_the_training(tmp_path: Path) -> None:
    class Exploding(Slopes):
        def on_train_epoch_start(self) -> None:
            self.losses = 2.0 if self.current_epoch < 2 else 500.0

    with pytest.raises(TrainingError, match=r"epoch 3: the loss is 500, and was .* at its best; no epoch was good"):
        fitted(tmp_path, [0.1] * 3, Exploding(), epochs=5)


def test_an_epoch_of_nothing_but_spoilt_steps_ends_the_training(tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        fitted(tmp_path, [NAN] * 3)
