"""A distributed batch sampler: a step learns from the same poses, whatever the number of processes."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler


class DistributedBatchSampler(Sampler[Tensor]):
    """Indices of one process's share of every batch.

    Every process draws the same order, from the seed and the epoch's number alone, cuts it into the same batches and
    takes its own slice of each. The slices of all processes, one after the other, are the batch of a single process.

    Args:
        count: the number of poses.
        batch_size: of all processes together.
        process, processes: this one's number, and how many there are.
        seed: of the random order, in which a last batch that is not full is left out. None keeps the data's own order
            and a smaller last batch, without the few poses that do not divide among the processes.
        device: of the indices. They are drawn on the CPU, the same for every device, and brought there once an epoch.

    Raises:
        ValueError: the batch does not divide evenly among the processes.

    >>> [batch.tolist() for batch in DistributedBatchSampler(10, batch_size=4, process=1, processes=2)]
    [[2, 3], [6, 7], [9]]
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        process: int = 0,
        processes: int = 1,
        seed: int | None = None,
        device: torch.device | None = None,
    ) -> None:
        if batch_size % processes:
            raise ValueError(f"a batch of {batch_size} does not divide evenly among {processes} processes")
        self.count, self.batch_size, self.process, self.processes = count, batch_size, process, processes
        self.seed, self.device, self.epoch = seed, device, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the epoch that comes next; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self._served // self.batch_size + (self._served % self.batch_size > 0)

    def __iter__(self) -> Iterator[Tensor]:
        for batch in self._order()[: self._served].to(self.device).split(self.batch_size):
            yield batch.chunk(self.processes)[self.process]

    @property
    def _served(self) -> int:
        """The number of poses that are served, by all processes together."""
        return self.count - self.count % (self.batch_size if self.seed is not None else self.processes)

    def _order(self) -> Tensor:
        if self.seed is None:
            return torch.arange(self.count)
        drawn = np.random.SeedSequence((self.seed, self.epoch)).generate_state(1)
        return torch.randperm(self.count, generator=torch.Generator().manual_seed(int(drawn[0])))
