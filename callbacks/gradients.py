"""How large a stage's gradients are, and whether its training is going anywhere."""

import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

PATIENCE = 10
"""So many steps in a row without finite gradients end a training."""

ASTRAY = 100.0
"""A training has gone astray whose loss is above its best by this many times the best one's size, or 1."""


class TrainingError(Exception):
    """A training that leads nowhere; its last good checkpoint is kept."""


class Gradients(pl.Callback):
    """Logs the norm of all gradients together, before any bound, over the steps of an epoch: `train/gradient_norm`, its
    mean, and `train/gradient_norm_max`. Steps of which it is not finite are left out, and counted by
    `train/steps_left_out`.

    Everything stays on the training's device; the processor looks at it every so many steps.

    Args:
        checkpoint: the stage's, to be told of.
        every: steps from one look to the next.

    Raises:
        TrainingError: `PATIENCE` steps in a row were left out, or an epoch's mean loss is `ASTRAY`.
    """

    def __init__(self, checkpoint: Path, every: int = 50) -> None:
        self.checkpoint, self.every, self.best = checkpoint, every, float("inf")

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = state_dict["best"]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        nothing = torch.zeros(6, device=pl_module.device).unbind()
        self._loss, self._sum, self._max, self._left_out, self._row, self._longest = nothing
        self._steps = 0

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        norm = torch.nn.utils.get_total_norm([p.grad for p in pl_module.parameters() if p.grad is not None])
        spoilt = ~norm.isfinite()
        norm = torch.where(spoilt, 0.0, norm)
        # What a fused Adam leaves a step out by: made for gradients that overflowed, with no word to the processor.
        optimizer.found_inf = spoilt.float()  # type: ignore[attr-defined]
        self._sum, self._max = self._sum + norm, torch.maximum(self._max, norm)
        self._steps, self._left_out = self._steps + 1, self._left_out + spoilt
        self._row = (self._row + 1) * spoilt
        self._longest = torch.maximum(self._longest, self._row)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._loss = self._loss + outputs["loss"].nan_to_num(0.0, 0.0, 0.0)
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
            told = f"epoch {trainer.current_epoch + 1}: {left_out} steps without finite gradients, left out"
            print(told, file=sys.stderr, flush=True)
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
