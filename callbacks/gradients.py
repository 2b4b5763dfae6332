"""The size of a stage's gradients, and an end to training that has diverged."""

import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

PATIENCE = 10
"""Training ends after this many steps in a row without finite gradients."""

ASTRAY = 100.0
"""Training has diverged when the loss exceeds its best value by this many times that value's size, at least 1."""


class TrainingError(Exception):
    """Training has diverged; the last good checkpoint is kept."""


class Gradients(pl.Callback):
    """Logs the norm of all gradients together, before clipping: its mean and its maximum over the steps of an epoch.

    A step whose norm is not finite is skipped, and counted in `train/steps_left_out`. Sums stay on the training's
    device, and are read every few steps, so that the device is not made to wait.

    Args:
        checkpoint: of the stage, for the message.
        every: steps between two reads.

    Raises:
        TrainingError: `PATIENCE` steps in a row were left out, or an epoch's mean loss has diverged (`ASTRAY`).
    """

    def __init__(self, checkpoint: Path, every: int = 50) -> None:
        self.checkpoint, self.every, self.best = checkpoint, every, float("inf")

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = state_dict["best"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        sums = torch.zeros(6, device=pl_module.device)
        self._sums = sums
        self._loss, self._sum, self._max, self._left_out, self._row, self._longest = (sums[i] for i in range(len(sums)))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._sums.zero_()
        self._steps = 0

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        # of the optimiser's parameters: those of frozen flows beside them are many, and take longer to list than to add
        trained = (p for group in optimizer.param_groups for p in group["params"])
        norm = torch.nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
        spoilt = ~norm.isfinite()
        norm = torch.where(spoilt, 0.0, norm)
        # A fused Adam skips a step where this is set. Meant for overflowing gradients, it needs no synchronisation.
        optimizer.found_inf = spoilt.float()  # type: ignore[attr-defined]
        # in place, as a CUDA graph of the step adds up without coming here
        self._sum.add_(norm)
        self._max.copy_(torch.maximum(self._max, norm))
        self._left_out.add_(spoilt)
        self._row.add_(1).mul_(spoilt)
        self._longest.copy_(torch.maximum(self._longest, self._row))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._steps += 1
        self._loss.add_(outputs["loss"].nan_to_num(0.0, 0.0, 0.0))
        looked_at = (batch_idx + 1) % self.every == 0 or trainer.is_last_batch
        if looked_at and self._longest.item() >= PATIENCE:
            raise self._astray(trainer, f"{PATIENCE} steps in a row had no finite gradients")
        if trainer.is_last_batch:
            logged = {
                "train/gradient_norm": self._sum / (self._steps - self._left_out),
                "train/gradient_norm_max": self._max,
                "train/steps_left_out": self._left_out,
            }
            pl_module.log_dict(logged, on_step=False, on_epoch=True, sync_dist=True)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if (left_out := int(self._left_out)) and trainer.is_global_zero:
            message = f"epoch {trainer.current_epoch + 1}: {left_out} steps without finite gradients, left out"
            print(message, file=sys.stderr, flush=True)
        loss = (self._loss / (self._steps - self._left_out)).item()
        self.best = min(self.best, loss)
        if not loss - self.best <= ASTRAY * max(1.0, abs(self.best)):
            raise self._astray(trainer, f"the loss is {loss:.3g}, and was {self.best:.3g} at its best")

    def _astray(self, trainer: pl.Trainer, why: str) -> TrainingError:
        kept = f"{self.checkpoint} holds the last good epoch" if self.checkpoint.exists() else "no epoch was good"
        return TrainingError(
            f"training went astray in epoch {trainer.current_epoch + 1}: {why}; {kept}; a lower learning rate, or a "
            "lower lifting.gradient_clip, may help"
        )
