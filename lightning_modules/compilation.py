"""How the losses of training steps run: as they are written, replayed as CUDA graphs, or compiled."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

Losses = Callable[[Any], tuple[Tensor, dict[str, Tensor]]]
"""A batch's loss, and the values that are logged, by name."""

AUTO, OFF = "auto", "off"
COMPILED = ("default", "reduce-overhead")
"""Modes of `torch.compile`."""

COMPILATIONS = (AUTO, OFF, *COMPILED)
"""Ways to run losses: `auto` replays CUDA graphs on a GPU, `off` never does, the others compile them."""


class Step(nn.Module):
    """A module's losses as its forward pass, of which the loss alone has gradients.

    Args:
        module: has the parameters.
        losses: of a batch.
    """

    def __init__(self, module: nn.Module, losses: Losses) -> None:
        super().__init__()
        self.module, self.losses = module, losses

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        loss, values = self.losses(batch)
        return loss, {name: value.detach() for name, value in values.items()}


def losses_run_as(compilation: str, module: nn.Module, losses: Losses) -> Losses:
    """The losses of a module's batches, run in one of the ways of `COMPILATIONS`.

    What they return may be overwritten by the next call.

    >>> def losses(batch):
    ...     return batch.sum(), {}
    >>> losses_run_as("auto", nn.Identity(), losses)(torch.ones(3))  # there is no CUDA graph of a CPU's work
    (tensor(3.), {})
    """
    if compilation == OFF:
        return losses
    if compilation == AUTO:
        return _captured_at_first(module, losses)
    compiled = torch.compile(losses, mode=compilation, dynamic=False)

    def run(batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        torch.compiler.cudagraph_mark_step_begin()  # what the last step gave may be overwritten now
        found: tuple[Tensor, dict[str, Tensor]] = compiled(batch)
        return found

    return run


def _captured_at_first(module: nn.Module, losses: Losses) -> Losses:
    """The losses, captured with the first batch where that is on a GPU which this process has for itself.

    Several processes exchange values within the losses, which is nothing that a graph of one of them could hold. They
    are captured anew where the module has been on another device since.
    """
    step, place = losses, None

    def run(batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        nonlocal step, place
        several = torch.distributed.is_available() and torch.distributed.is_initialized()
        if device_of(batch).type != "cuda" or several:
            return losses(batch)
        now = next(module.parameters()).data_ptr()
        if place != now:
            step, place = captured(module, losses, batch), now
        return step(batch)

    return run


def captured(module: nn.Module, losses: Losses, batch: Any) -> Losses:
    """The losses and their gradients as CUDA graphs: a step, which is a thousand small operations, is two launches.

    Args:
        module: has the parameters, which keep their places in memory from here on.
        losses: wait for nothing on the device, and do not depend on anything but batch, parameters and random numbers.
        batch: an example, of the size of all batches that follow.
    """
    with torch.random.fork_rng([device_of(batch)]):  # trying the losses draws numbers, and is no part of the training
        graphs = torch.cuda.make_graphed_callables(Step(module, losses), (batch,), allow_unused_input=True)
    return cast(Losses, graphs)


def device_of(batch: Any) -> torch.device:
    """Where a batch is, a tensor or several."""
    return (batch if isinstance(batch, Tensor) else batch[0]).device
