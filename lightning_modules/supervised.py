"""The bound: the same lifter taught with 3D labels. A reference for the unsupervised one, and nothing else."""

import torch
from torch import Tensor

from duolift.geometry.mirroring import mirrored
from duolift.geometry.projection import lift
from duolift.learning import losses
from lightning_modules.lifter import LifterModule


class SupervisedLifterModule(LifterModule):
    """A `LifterModule` whose batches are poses with their true depths and elevations.

    Batches are (poses (batch, joint, 2), offsets (batch, joint), theta (batch,)), as
    `PoseDataModule(labels=True)` serves them. Weights and everything after training are `LifterModule`'s.
    """

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> Tensor:  # type: ignore[override]
        loss, terms = self.supervised_loss(*(self._mirrored(*batch) if self.mirror else batch))
        self.averaged({f"train/{name}": value for name, value in (terms | {"loss": loss}).items()})
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> None:  # type: ignore[override]
        loss, terms = self.supervised_loss(*batch)
        self.log_dict({f"val/{name}": value for name, value in (terms | {"loss": loss}).items()}, sync_dist=True)

    def supervised_loss(self, poses: Tensor, offsets: Tensor, theta: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of predicted depths and elevations, and its terms."""
        c = self.normalisation.c
        found, found_theta = self.lifter(self._noisy(poses, self.noise))
        terms = losses.known(lift(poses, found, c), lift(poses, offsets, c), found_theta, theta)
        return torch.stack(list(terms.values())).sum(), terms

    def _mirrored(self, poses: Tensor, offsets: Tensor, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each pose mirrored with probability one half, its depths with it."""
        chosen = torch.rand(len(poses), 1, device=poses.device) < 0.5
        flipped = mirrored(poses, self.skeleton)
        offsets = torch.where(chosen, offsets[:, self.skeleton.mirror], offsets)
        return torch.where(chosen.unsqueeze(-1), flipped, poses), offsets, theta
