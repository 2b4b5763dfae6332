"""Batches that processes share out: whatever their number, a step learns from the same poses."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler


class DistributedBatchSampler(Sampler[Tensor]):
    """Indices of one process's share of every batch.

    Every process draws the same order, from the seed and the epoch's number alone, cuts it into the same batches and
    takes as many neighbours of each: laid side by side, the shares are what a process alone would take.

    Args:
        count: of what is served.
        batch_size: of all processes together.
        process, processes: this one's number, and how many there are.
        seed: of the order, in which whole batches alone are served; None keeps the data's own order, and the rest as a
            smaller batch, but for fewer than there are processes.
    """

    def __init__(
        self, count: int, batch_size: int, process: int = 0, processes: int = 1, seed: int | None = None
    ) -> None:
        if batch_size % processes:
            raise ValueError(f"a batch of {batch_size} does not share out among {processes} processes")
        self.count, self.batch_size, self.process, self.processes = count, batch_size, process, processes
        self.seed, self.epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; Lightning does."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self._served // self.batch_size + (self._served % self.batch_size > 0)

    def __iter__(self) -> Iterator[Tensor]:
        for batch in self._order()[: self._served].split(self.batch_size):
            yield batch.chunk(self.processes)[self.process]

    @property
    def _served(self) -> int:
        """How many are served: all that shares out evenly."""
        return self.count - self.count % (self.batch_size if self.seed is not None else self.processes)

    def _order(self) -> Tensor:
        if self.seed is None:
            return torch.arange(self.count)
        drawn = np.random.SeedSequence((self.seed, self.epoch)).generate_state(1)
        return torch.randperm(self.count, generator=torch.Generator().manual_seed(int(drawn[0])))
