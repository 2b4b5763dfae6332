"""What the stages of training share: the step, the optimiser and its learning rate over time, means over an epoch,
mirrored poses, and batches that several processes share.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton
from duolift.geometry.mirroring import mirrored
from lightning_modules.compilation import AUTO, OFF, Losses, losses_run_as
from lightning_modules.step_graph import StepGraph, at_home

WARM_UP = 0.05
"""Share of the steps in which `one_cycle` warms up. No study varies it."""

SCHEDULES = ("exponential", "one_cycle")


@dataclass(frozen=True)
class OptimiserSettings:
    """Adam and its learning rate over time.

    >>> OptimiserSettings(schedule="cosine")
    Traceback (most recent call last):
    ValueError: schedule is 'cosine'; expected one of exponential, one_cycle

    Attributes:
        learning_rate: the highest.
        schedule: `exponential` multiplies the rate by `decay` after every epoch; `one_cycle` warms up to
            `learning_rate` and follows a cosine down to nothing, a step at a time.
        decay: of `exponential`.
        weight_decay: L2 penalty on the weights.

    Raises:
        ValueError: a schedule that is not in `SCHEDULES`.
    """

    learning_rate: float = 2e-4
    schedule: str = "exponential"
    decay: float = 0.95
    weight_decay: float = 1e-5

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule is {self.schedule!r}; expected one of {', '.join(SCHEDULES)}")


class StageModule(pl.LightningModule):
    """What learns in a stage: a step's loss, and the means over an epoch of what is logged beside it.

    A stage writes `losses`. Means are logged once an epoch, as logging every value at every step costs a tenth of a
    step; values that are not finite are left out of them.

    On a GPU that a training has for itself, everything that Lightning does in a step is captured as a CUDA graph, from
    the losses to the optimiser with what callbacks do before it, and replayed; see `StepGraph`.
    """

    _compilation = OFF
    _run: Losses | None = None
    _graph: StepGraph | None = None
    _loss: Tensor
    _names: tuple[str, ...] = ()
    _sum: Tensor
    _finite: Tensor

    def losses(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a training batch, and what is logged, by name: the same names at every step."""
        raise NotImplementedError

    def compiled(self, compilation: str) -> Self:
        """The module, whose training steps are made in one of the ways of `COMPILATIONS`.

        Names of parameters, checkpoints and everything but training steps stay as they are.
        """
        self._compilation, self._run = compilation, losses_run_as(compilation, self.losses)
        return self

    # A step -----------------------------------------------------------------------------------------------------------

    def on_train_start(self) -> None:
        at_home(cast(torch.optim.Optimizer, self.optimizers(use_pl_optimizer=False)), self.device)
        replayed = self._compilation == AUTO and self.device.type == "cuda" and self.trainer.world_size == 1
        self._graph = StepGraph() if replayed else None  # processes exchange gradients, which no graph of one holds

    def on_train_end(self) -> None:
        self._graph = None

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        if self._graph is not None:
            self._graph.take(batch)

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        if self._replayed:
            return self._loss
        loss, values = (self._run or self.losses)(batch if self._graph is None else self._graph.batch)
        self.averaged(values)
        self._loss = loss.detach()
        return loss

    def optimizer_zero_grad(self, *arguments: Any) -> None:
        if not self._replayed:
            super().optimizer_zero_grad(*arguments)

    def backward(self, loss: Tensor, *arguments: Any, **named: Any) -> None:
        if not self._replayed:
            super().backward(loss, *arguments, **named)

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        step = partial(super().optimizer_step, epoch, batch_idx, optimizer, optimizer_closure)
        if self._graph is None:
            step()
        else:
            replayed = self._replayed
            self._graph.run(step)
            if replayed:
                optimizer_closure()  # Lightning asks it for the loss

    @property
    def _replayed(self) -> bool:
        """Whether the device makes whole steps by itself."""
        return self._graph is not None and self._graph.captured

    # What is logged ---------------------------------------------------------------------------------------------------

    def on_train_epoch_start(self) -> None:
        if self._names:
            self._sum.zero_()
            self._finite.zero_()

    def averaged(self, values: Mapping[str, Tensor]) -> None:
        """Add the values of a training step, the same names at every step, to the epoch's means."""
        latest = torch.stack(list(values.values())).detach()
        finite = latest.isfinite()
        if self._names != tuple(values) or self._sum.device != latest.device:
            self._names = tuple(values)
            self._sum, self._finite = torch.zeros_like(latest), torch.zeros_like(finite, dtype=torch.int32)
        self._sum.add_(torch.where(finite, latest, 0.0))
        self._finite.add_(finite)

    def on_train_batch_end(self, *_: object) -> None:
        if self.trainer.is_last_batch:
            means = self._sum / self._finite
            logged = dict(zip(self._names, means, strict=True))
            self.log_dict(logged, on_step=False, on_epoch=True, sync_dist=True)


def adam(
    module: pl.LightningModule,
    parameters: Iterable[nn.Parameter],
    settings: OptimiserSettings,
) -> Any:
    """Adam (https://arxiv.org/abs/1412.6980) and its schedule, as Lightning takes them.

    Args:
        module: whose training it is; `one_cycle` asks its trainer how many steps there will be.
        parameters: what is trained.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    optimiser = torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=True)
    if settings.schedule == "exponential":
        exponential = torch.optim.lr_scheduler.ExponentialLR(optimiser, settings.decay)
        return {"optimizer": optimiser, "lr_scheduler": exponential}
    steps = int(module.trainer.estimated_stepping_batches)
    cycle = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: one_cycle(step, steps))
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


def one_cycle(step: int, steps: int) -> float:
    """The share of the highest learning rate at a step: a linear warm-up, then a cosine that ends at 0.

    >>> [round(one_cycle(step, steps=100), 3) for step in (0, 4, 52, 99)]
    [0.2, 1.0, 0.492, 0.0]
    """
    peak = max(1, round(WARM_UP * steps)) - 1
    if step <= peak:
        return (step + 1) / (peak + 1)
    return 0.5 + 0.5 * math.cos(math.pi * (step - peak) / max(1, steps - 1 - peak))


def randomly_mirrored(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Mirror each entry of a batch (batch, ..., joint, 2), a pose or several seen together, with probability one half.

    >>> from duolift.body.skeleton import PAPER19
    >>> randomly_mirrored(torch.zeros(5, 19, 2), PAPER19).shape
    torch.Size([5, 19, 2])
    """
    chosen = torch.rand(len(poses), *(1 for _ in poses.shape[1:]), device=poses.device) < 0.5
    return torch.where(chosen, mirrored(poses, skeleton), poses)


def gather_processes(module: pl.LightningModule, values: Tensor) -> Tensor:
    """The values of a whole batch, in its order and with gradients, from those (batch,) of this process's share."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    return cast(Tensor, module.all_gather(values, sync_grads=values.requires_grad)).flatten()
