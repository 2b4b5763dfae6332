"""The supervised reference: the same lifter trained with 3D labels, a bound for the unsupervised one."""

import torch
from torch import Tensor

from duolift.geometry.mirroring import mirror_order, mirrored
from duolift.geometry.projection import lift
from duolift.learning import losses
from lightning_modules.lifter import LifterModule


class SupervisedLifterModule(LifterModule):
    """A `LifterModule` whose batches are poses with their true depths and elevations.

    A batch is (poses (batch, joint, 2), offsets (batch, joint), theta (batch,)), as a `PoseDataModule` with `labels`
    serves it.

    >>> from duolift.body.skeleton import PAPER19
    >>> from duolift.geometry.normalisation import Normalisation
    >>> from duolift.learning.objective import Objective
    >>> from duolift.networks.architecture import Architecture
    >>> objective = Objective(bone_ratios=(1.0,) * len(PAPER19.bones))
    >>> architecture = Architecture(width=8, blocks=1)
    >>> module = SupervisedLifterModule("paper19", Normalisation(scale=0.1, c=10.0), architecture, objective)
    >>> loss, terms = module.supervised_loss(torch.zeros(5, 19, 2), torch.zeros(5, 19), torch.zeros(5))
    >>> list(terms)
    ['pose', 'elevation']

    Of the objective, only `mirror` and `noise` are used. Checkpoints are those of a `LifterModule`.
    """

    def losses(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        loss, terms = self.supervised_loss(*(self._mirrored(*batch) if self.objective.mirror else batch))
        return loss, {f"train/{name}": value for name, value in (terms | {"loss": loss}).items()}

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> None:  # type: ignore[override]
        loss, terms = self.supervised_loss(*batch)
        self.log_dict({f"val/{name}": value for name, value in (terms | {"loss": loss}).items()}, sync_dist=True)

    def supervised_loss(self, poses: Tensor, offsets: Tensor, theta: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of predicted depths and elevations, and its terms.

        Args:
            poses: (batch, joint, 2).
            offsets: (batch, joint), true depth offsets from the root, head lengths.
            theta: (batch,), true elevations, radians.
        """
        c = self.normalisation.c
        predicted, predicted_theta = self.lifter(self._noisy(poses))
        terms = losses.known(lift(poses, predicted, c), lift(poses, offsets, c), predicted_theta, theta)
        return torch.stack(list(terms.values())).sum(), terms

    def _mirrored(self, poses: Tensor, offsets: Tensor, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each pose mirrored with probability one half, its depths with it."""
        chosen = torch.rand(len(poses), 1, device=poses.device) < 0.5
        flipped = mirrored(poses, self.skeleton)
        offsets = torch.where(chosen, offsets[:, mirror_order(self.skeleton, offsets.device)], offsets)
        return torch.where(chosen.unsqueeze(-1), flipped, poses), offsets, theta
