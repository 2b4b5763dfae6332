"""The gradients' norm is that of all of them together, of every so many steps, before they are bounded."""

from typing import Any

import pytest
import torch
from conftest import trainer
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn

from callbacks.gradients import GradientNorms

SIZES = [30.0, 40.0, 50.0, 10.0, 20.0]
"""The norm of each step's gradient, over both weights."""


class Slopes(LightningModule):
    """A loss that is linear in two weights, by what a batch says."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.frozen = (nn.Parameter(torch.zeros(1)) for _ in range(3))
        self.frozen.requires_grad_(False)

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        return (batch * (0.6 * self.first + 0.8 * self.second)).sum()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.parametrize(
    ("every", "mean", "largest"), [(1, 30.0, 50.0), (2, 100 / 3, 50.0), (3, 20.0, 30.0), (50, 30.0, 30.0)]
)
def test_norms_are_logged_as_they_are_before_the_bound(every: int, mean: float, largest: float) -> None:
    run: Trainer = trainer(2, [GradientNorms(every)])
    run.gradient_clip_val = 1.0
    run.fit(Slopes(), torch.utils.data.DataLoader(SIZES, 1))  # type: ignore[arg-type]
    logged = {name: value.item() for name, value in run.callback_metrics.items()}
    assert logged == pytest.approx({"train/gradient_norm": mean, "train/gradient_norm_max": largest})
