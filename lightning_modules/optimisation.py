"""What the stages share: Adam and its learning rate over time, means over an epoch, mirrored poses, and a batch on
several processes."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton
from duolift.geometry.mirroring import mirrored

WARM_UP = 0.05
"""Share of the steps in which `one_cycle` warms up."""

SCHEDULES = ("exponential", "one_cycle")


class Averaging(pl.LightningModule):
    """Logs means over an epoch's steps once an epoch: to log every value every step takes a tenth of a step.

    Values that are not finite are left out of their means.
    """

    _sum: Tensor
    _finite: Tensor

    def on_train_epoch_start(self) -> None:
        self._names: tuple[str, ...] = ()

    def averaged(self, values: Mapping[str, Tensor]) -> None:
        """Count a training step's values, the same names every time, in the epoch's means."""
        latest = torch.stack(list(values.values())).detach()
        finite = latest.isfinite()
        latest = torch.where(finite, latest, 0.0)
        first = not getattr(self, "_names", ())
        self._sum, self._finite = (latest, finite.int()) if first else (self._sum + latest, self._finite + finite)
        self._names = tuple(values)

    def on_train_batch_end(self, *_: object) -> None:
        if self.trainer.is_last_batch:
            means = self._sum / self._finite
            logged = dict(zip(self._names, means, strict=True))
            self.log_dict(logged, on_step=False, on_epoch=True, sync_dist=True)


def adam(
    module: pl.LightningModule,
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    schedule: str,
    decay: float,
    weight_decay: float = 0.0,
) -> Any:
    """Adam and its schedule, as Lightning wants them.

    Args:
        module: whose training it is; `one_cycle` asks its trainer how many steps there will be.
        schedule: `exponential` multiplies the rate by `decay` after every epoch; `one_cycle` warms up to
            `learning_rate` and follows a cosine down to nothing, a step at a time.
    """
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True)
    if schedule == "exponential":
        return {"optimizer": optimiser, "lr_scheduler": torch.optim.lr_scheduler.ExponentialLR(optimiser, decay)}
    steps = int(module.trainer.estimated_stepping_batches)
    cycle = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: one_cycle(step, steps))
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


def one_cycle(step: int, steps: int) -> float:
    """The share of the learning rate at a step: a straight warm-up, then a cosine that ends at nothing."""
    peak = max(1, round(WARM_UP * steps)) - 1
    if step <= peak:
        return (step + 1) / (peak + 1)
    return 0.5 + 0.5 * math.cos(math.pi * (step - peak) / max(1, steps - 1 - peak))


def randomly_mirrored(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Each entry of a batch (batch, ..., joint, 2), a pose or several seen together, mirrored with probability half."""
    chosen = torch.rand(len(poses), *(1 for _ in poses.shape[1:]), device=poses.device) < 0.5
    return torch.where(chosen, mirrored(poses, skeleton), poses)


def of_all_processes(module: pl.LightningModule, values: Tensor) -> Tensor:
    """Values (batch,) of this process's share of a batch -> those of the whole batch, in its order, with gradients."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    return cast(Tensor, module.all_gather(values, sync_grads=values.requires_grad)).flatten()
