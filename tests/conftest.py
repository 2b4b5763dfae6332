"""Fixtures for every test: a fixed seed, and random people."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from duolift.skeleton import Skeleton

torch.set_num_threads(1)  # small tensors: threads cost more than they gain, and one gives the same sums everywhere


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def random_bodies() -> Callable[..., Tensor]:
    """`random_bodies(skeleton, *batch)`: bodies (*batch, joint, 3) about a head length in size, centred on the root."""

    def make(skeleton: Skeleton, *batch: int, dtype: torch.dtype = torch.float32) -> Tensor:
        bodies = 0.5 * torch.randn(*batch, len(skeleton), 3, dtype=dtype)
        return bodies - bodies[..., skeleton.root_index, None, :]

    return make
