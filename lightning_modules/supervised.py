"""The bound: the same lifter taught with 3D labels. A reference for the unsupervised one, and nothing else."""

import torch
from torch import Tensor

from duolift import losses
from duolift.lifting import lift
from duolift.normalisation import mirrored
from lightning_modules.lifter import LifterModule

ELEVATION_WEIGHT = 10.0
"""A radian of elevation weighs as much as so many head lengths of the whole pose."""


class SupervisedLifterModule(LifterModule):
    """A `LifterModule` whose batches are poses with their true depths and elevations.

    Batches are (poses (batch, joint, 2), offsets (batch, joint), theta (batch,)), as
    `CHI3DDataModule(labels=True)` serves them. Weights and everything after training are `LifterModule`'s.
    """

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> Tensor:  # type: ignore[override]
        loss, terms = self.supervised_loss(*(self._mirrored(*batch) if self.mirror else batch))
        averaged = {f"train/{name}": value for name, value in (terms | {"loss": loss}).items()}
        self.log_dict(averaged, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> None:  # type: ignore[override]
        loss, terms = self.supervised_loss(*batch)
        self.log_dict({f"val/{name}": value for name, value in (terms | {"loss": loss}).items()})

    def held_out(self, poses: Tensor) -> dict[str, float]:
        """Nothing: without flows there is no criterion that is without 3D."""
        return {}

    def supervised_loss(self, poses: Tensor, offsets: Tensor, theta: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of predicted depths and elevations, and its terms."""
        c = self.normalisation.c
        found, found_theta = self.lifter(self._noisy(poses))
        terms = {
            "pose": losses.consistency(lift(poses, found, c), lift(poses, offsets, c)),
            "elevation": (found_theta - theta).square().mean(),
        }
        return terms["pose"] + ELEVATION_WEIGHT * terms["elevation"], terms

    def _mirrored(self, poses: Tensor, offsets: Tensor, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each pose mirrored with probability one half, its depths with it."""
        chosen = torch.rand(len(poses), 1, device=poses.device) < 0.5
        flipped = mirrored(poses, self.skeleton)
        offsets = torch.where(chosen, offsets[:, self.skeleton.mirror], offsets)
        return torch.where(chosen.unsqueeze(-1), flipped, poses), offsets, theta
