"""What tests share: a fixed seed, random people, Lightning's trainer without its trappings, and no advice from it."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from duolift.camera import rotate, rotation_x, rotation_y
from duolift.lifting import project
from duolift.skeleton import Skeleton

C = 5.0
"""Head lengths from the camera to the root of the poses that tests make up."""

ADVICE = (
    "exists and is not empty",
    "smaller than the logging interval",
    "in eval mode",
    "LeafSpec",
    "dirpath has changed",
    "self.log",
)
"""What Lightning warns of in small and short runs."""

torch.set_num_threads(1)  # small tensors: threads cost more than they gain, and one gives the same sums everywhere


def pytest_configure(config: pytest.Config) -> None:
    for advice in ADVICE:
        config.addinivalue_line("filterwarnings", f"ignore:.*{advice}.*")


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


def some_bodies(skeleton: Skeleton, count: int) -> Tensor:
    """One lopsided body seen from all round and a little above: (count, joint, 3)."""
    body = 0.4 * torch.randn(len(skeleton), 3)
    views = rotation_x(torch.full((count,), 0.2)) @ rotation_y(6.28 * torch.rand(count))
    bodies = rotate(views, body + 0.02 * torch.randn(count, len(skeleton), 3))
    return bodies - bodies[:, skeleton.root_index, None]


def some_poses(skeleton: Skeleton, count: int) -> Tensor:
    """The same as poses (count, joint, 2)."""
    return project(some_bodies(skeleton, count), C)


def trainer(epochs: int = 1, callbacks: Sequence[pl.Callback] = ()) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        callbacks=[*callbacks],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def fit(module: pl.LightningModule, data: Any, run: pl.Trainer) -> pl.Trainer:
    """Train, and validate on the same, in batches of 32."""
    loader: DataLoader[Any] = DataLoader(data, 32)
    run.fit(module, loader, loader)
    return run
