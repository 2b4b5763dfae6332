"""A whole training step as one CUDA graph, and an optimiser that can be part of it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP = 2
"""Steps before the one that is captured: what is set up at first use is no part of a graph."""


class StepGraph:
    """Replays a training step on a GPU: a thousand small operations are launched as one.

    The first steps run as they are written, the next is captured, and all that follow do on the device what that one
    did. So a step reads its batch from `batch`, adds up in place whatever it adds up, and waits for nothing. What it
    does on the host is done when it is captured, and not again.

    Attributes:
        batch: the tensors of the latest batch that was taken, always in the same memory.
        captured: whether steps are replays by now.
    """

    def __init__(self) -> None:
        self.batch: Any = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._stream, self._steps = torch.cuda.Stream(), 0

    @property
    def captured(self) -> bool:
        return self._graph is not None

    def take(self, batch: Any) -> None:
        """Copy a batch, a tensor or several, of the size of the one before, to where steps read it."""
        if self.batch is None:
            self.batch = batch.clone() if isinstance(batch, Tensor) else tuple(tensor.clone() for tensor in batch)
        elif isinstance(batch, Tensor):
            self.batch.copy_(batch)
        else:
            torch._foreach_copy_(self.batch, batch)

    def run(self, step: Callable[[], object]) -> None:
        """Make a step with the batch that was taken."""
        if self._graph is None and self._steps < WARM_UP:
            self._aside(step)
        elif self._graph is None:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=self._stream):
                step()
            self._graph = graph
        if self._graph is not None:
            self._graph.replay()  # capturing by itself computes nothing
        self._steps += 1

    def _aside(self, step: Callable[[], object]) -> None:
        """Run a step on the stream on which it will be captured."""
        around = torch.cuda.current_stream()
        self._stream.wait_stream(around)
        with torch.cuda.stream(self._stream):
            step()
        around.wait_stream(self._stream)


def at_home(optimiser: torch.optim.Optimizer, device: torch.device) -> None:
    """Have an optimiser keep what a step depends on where it is used: on a GPU, its learning rate as well.

    It may come from a checkpoint that was written on another device.
    """
    on_gpu = device.type == "cuda"
    for group in optimiser.param_groups:
        rate = group["lr"]
        if on_gpu:
            group["lr"] = torch.as_tensor(rate, dtype=torch.float32, device=device).clone()
        elif isinstance(rate, Tensor):
            group["lr"] = rate.item()
        group["capturable"] = on_gpu
