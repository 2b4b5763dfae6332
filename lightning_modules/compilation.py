"""How the losses of training steps run: as they are written, or compiled; and whether whole steps are replayed."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Losses = Callable[[Any], tuple[Tensor, dict[str, Tensor]]]
"""A batch's loss, and the values that are logged, by name."""

AUTO, OFF = "auto", "off"
COMPILED = ("default", "reduce-overhead")
"""Modes of `torch.compile`."""

COMPILATIONS = (AUTO, OFF, *COMPILED)
"""Ways to make training steps: `auto` replays them as CUDA graphs on a GPU, `off` runs them as they are written
everywhere, the others compile their losses."""


def losses_run_as(compilation: str, losses: Losses) -> Losses:
    """The losses of batches, compiled in one of the ways of `COMPILATIONS`, or as they are.

    What compiled ones return may be overwritten by the next call.

    >>> losses_run_as("auto", print) is print
    True
    """
    if compilation not in COMPILED:
        return losses
    compiled = torch.compile(losses, mode=compilation, dynamic=False)

    def run(batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        torch.compiler.cudagraph_mark_step_begin()  # what the last step gave may be overwritten now
        found: tuple[Tensor, dict[str, Tensor]] = compiled(batch)
        return found

    return run
