"""Stage one: learn how likely 2D poses are, the prior of the lifter."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from duolift.body.skeleton import WHOLE, skeleton_named
from duolift.networks.flows import PoseFlow
from lightning_modules.optimisation import OptimiserSettings, StageModule, adam, randomly_mirrored


class FlowPriorModule(StageModule):
    """One flow for each part of the body, all trained in one run on the same batches.

    >>> module = FlowPriorModule("paper19", ["whole", "legs"], blocks=1, width=8)
    >>> {part: nll.shape for part, nll in module.nll(torch.zeros(5, 19, 2)).items()}
    {'whole': torch.Size([]), 'legs': torch.Size([])}

    Args:
        skeleton: name of the skeleton of the poses.
        parts: parts of the skeleton to learn, `whole` among them where sampling is used.
        blocks, width, clamp: see `duolift.networks.flows.PoseFlow`.
        noise: standard deviation of the Gaussian noise on training poses, in units of each coordinate's own standard
            deviation; 0 trains on the poses as they are.
        mirror: each pose is mirrored with probability one half.
        sampling: strength of LInKs' generative sampling: the flows of parts also learn neighbours of the batch, drawn
            with the flow of the whole pose. That one learns real poses alone: it diverges on its own samples. 0 leaves
            the neighbours out.
        learning_rate, schedule, decay, weight_decay: see `lightning_modules.optimisation.OptimiserSettings`.
    """

    def __init__(
        self,
        skeleton: str,
        parts: Sequence[str] = ("whole",),
        blocks: int = 8,
        width: int = 1024,
        clamp: float = 2.0,
        noise: float = 0.0,
        mirror: bool = False,
        sampling: float = 0.0,
        learning_rate: float = 2e-4,
        schedule: str = "exponential",
        decay: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.skeleton = skeleton_named(skeleton)
        self.flows = nn.ModuleDict({part: PoseFlow(self.skeleton, part, blocks, width, clamp) for part in parts})
        self.register_buffer("deviation", torch.zeros(len(self.skeleton), 2))
        self.noise, self.mirror, self.sampling = noise, mirror, sampling
        self.optimiser = OptimiserSettings(learning_rate, schedule, decay, weight_decay)

    def flow(self, part: str) -> PoseFlow:
        """The flow of one part."""
        return cast(PoseFlow, self.flows[part])

    def standardise(self, poses: Tensor) -> None:
        """Fit the flows' fixed first maps, and the noise, to the training poses (pose, joint, 2)."""
        self.get_buffer("deviation").copy_(poses.std(0))
        for part in self.flows:
            self.flow(part).standardise(poses)

    def nll(self, poses: Tensor, parts: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Mean negative log-likelihood in nats of poses (..., joint, 2), for each part or for some."""
        return {part: -self.flow(part).log_prob(poses).mean() for part in (self.flows if parts is None else parts)}

    def losses(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        poses = randomly_mirrored(batch, self.skeleton) if self.mirror else batch
        seen = poses + self.noise * self.get_buffer("deviation") * torch.randn_like(poses)
        nll = self.nll(seen)
        if self.sampling:
            neighbours = self.flow(WHOLE).perturb(poses, self.sampling)
            drawn = self.nll(neighbours, [part for part in nll if part != WHOLE])
            nll |= {part: (nll[part] + value) / 2 for part, value in drawn.items()}
        loss = torch.stack(list(nll.values())).sum()
        return loss, {f"train/nll_{part}_nats": value for part, value in nll.items()}

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        for part, value in self.nll(batch).items():
            self.log(f"val/nll_{part}_nats", value, sync_dist=True)
            bits = value / math.log(2) / self.flow(part).dimensions
            self.log(f"val/bits_per_dimension_{part}", bits, sync_dist=True)

    def configure_optimizers(self) -> Any:
        return adam(self, self.flows.parameters(), self.optimiser)
