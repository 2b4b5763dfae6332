"""How large a stage's gradients are."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import grad_norm
from torch import Tensor

NORM = 2.0


class GradientNorms(pl.Callback):
    """Logs the norm of all gradients together, before any bound: `train/gradient_norm`, the mean over an epoch's looks,
    and `train/gradient_norm_max`.

    Args:
        every: so many steps from one look to the next; the first of an epoch is looked at.
    """

    def __init__(self, every: int = 50) -> None:
        self.every = every

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._norms: list[Tensor] = []

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        if trainer.fit_loop.batch_idx % self.every == 0:
            self._norms.append(torch.as_tensor(grad_norm(pl_module, NORM)[f"grad_{NORM}_norm_total"]))

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if trainer.is_last_batch:
            norms = torch.stack(self._norms)
            logged = {"train/gradient_norm": norms.mean(), "train/gradient_norm_max": norms.max()}
            pl_module.log_dict(logged, on_step=False, on_epoch=True, sync_dist=True)
