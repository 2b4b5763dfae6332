"""The baselines of the benchmarks: the same results by the arithmetic that others publish.

They are FrEIA's flows (https://github.com/vislearn/FrEIA), nflows' (https://github.com/bayesiains/nflows), the training
step of LInKs (https://arxiv.org/abs/2309.07243) and a loop over frames. Nothing here is part of the library. Where a
baseline needs something that is neither the point nor costly, such as turning a body or a loss term, it uses the
library's own, which can only flatter the baseline.
"""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from FrEIA.framework import SequenceINN
from FrEIA.modules import AllInOneBlock
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import ActNorm, AffineCouplingTransform, CompositeTransform, RandomPermutation
from numpy.typing import NDArray
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton
from duolift.learning import losses
from duolift.learning.cycle import cycle, random_views
from duolift.networks.residual_block import ResidualBlock

LEARNING_RATE, WEIGHT_DECAY = 2e-4, 1e-5
BONE_WEIGHT = 50.0
SIDES = ("left", "right")


class FreiaFlow(nn.Module):
    """LInKs' flow by FrEIA: affine couplings, each with a global affine map and a fixed random rotation."""

    def __init__(self, dimensions: int, blocks: int, width: int, clamp: float) -> None:
        super().__init__()
        self.dimensions = dimensions
        self.couplings = SequenceINN(dimensions)
        for _ in range(blocks):
            self.couplings.append(
                AllInOneBlock,
                subnet_constructor=lambda kept, out: one_hidden_layer(kept, out, width),
                affine_clamping=clamp,
                permute_soft=True,
            )

    def log_prob(self, flat: Tensor) -> Tensor:
        """Poses (batch, dimensions) -> nats (batch,)."""
        z, log_det = self.couplings(flat)
        return -0.5 * z.square().sum(-1) - 0.5 * self.dimensions * np.log(2 * np.pi) + log_det

    @torch.no_grad()
    def perturb(self, flat: Tensor, strength: float) -> Tensor:
        """Neighbours of poses (batch, dimensions), as LInKs draws them."""
        z, _ = self.couplings(flat)
        neighbours: Tensor = self.couplings(z + strength * torch.randn_like(z) * z, rev=True)[0]
        return neighbours


def one_hidden_layer(inputs: int, outputs: int, width: int) -> nn.Sequential:
    last = nn.Linear(width, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), last)


class Conditioner(nn.Sequential):
    """A subnet with the signature that nflows expects; the context is not used."""

    def forward(self, inputs: Tensor, context: Tensor | None = None) -> Tensor:
        outputs: Tensor = super().forward(inputs)
        return outputs


def stock_flow(dimensions: int, blocks: int, width: int) -> Flow:
    """The same flow by nflows' own layers: coupling, ActNorm, permutation."""
    mask = (torch.arange(dimensions) >= dimensions // 2).float()
    layers: list[nn.Module] = []
    for _ in range(blocks):
        layers += [
            AffineCouplingTransform(mask, lambda kept, out: Conditioner(*one_hidden_layer(kept, out, width))),
            ActNorm(dimensions),
            RandomPermutation(dimensions),
        ]
    return Flow(CompositeTransform(layers), StandardNormal([dimensions]))


class PublishedLifter(nn.Module):
    """A part's network as LInKs publishes it, which always computes both depth and angle."""

    def __init__(self, joints: int, width: int, blocks: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2 * joints, width), *self._blocks(1, width))
        self.depth = nn.Sequential(*self._blocks(blocks, width), nn.Linear(width, joints))
        self.angle = nn.Sequential(*self._blocks(blocks, width), nn.Linear(width, 1))

    @staticmethod
    def _blocks(count: int, width: int) -> list[nn.Module]:
        return [layer for _ in range(count) for layer in (ResidualBlock(width), nn.LeakyReLU())]

    def forward(self, part: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(part.flatten(1))
        return self.depth(features), self.angle(features)


class PublishedTraining(nn.Module):
    """The training step of LInKs' left and right lifters: float32, one network after the other, FrEIA's flows.

    Args:
        skeleton: of the poses.
        width, blocks: of the lifters.
        flow_blocks, flow_width: of the flows.
        ratios: (bone,), the bone prior's lengths over their mean; the networks are made on their device.
        c: distance from the camera to every root, head lengths.
        sampling: strength of generative sampling, which doubles the batch.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        width: int,
        blocks: int,
        flow_blocks: int,
        flow_width: int,
        ratios: Tensor,
        c: float,
        sampling: float,
    ) -> None:
        super().__init__()
        self.skeleton, self.ratios, self.c, self.sampling = skeleton, ratios, c, sampling
        self.bones = torch.tensor([skeleton.indices(bone) for bone in skeleton.bones], device=ratios.device)
        self.joints = {side: skeleton.part(side) for side in SIDES}
        self.indices = {side: torch.tensor(joints, device=ratios.device) for side, joints in self.joints.items()}
        self.root = torch.tensor([skeleton.root_index], device=ratios.device)
        self.lifters = nn.ModuleDict({side: PublishedLifter(len(self.joints[side]), width, blocks) for side in SIDES})
        sizes = {"whole": len(skeleton)} | {side: len(joints) for side, joints in self.joints.items()}
        self.flows = nn.ModuleDict(
            {part: FreiaFlow(2 * joints, flow_blocks, flow_width, 2.0) for part, joints in sizes.items()}
        )
        self.flows.eval().requires_grad_(False)
        self.to(ratios.device)
        self.optimiser = torch.optim.Adam(self.lifters.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    def step(self, poses: Tensor) -> Tensor:
        """One step on poses (batch, joint, 2): the loss before it."""
        drawn = self.flows["whole"].perturb(poses.flatten(1), self.sampling).view_as(poses)  # type: ignore[operator]
        drawn[:, self.skeleton.root_index] = 0
        loss = torch.stack(list(self.terms(torch.cat([poses, drawn])).values())).sum()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def terms(self, poses: Tensor) -> dict[str, Tensor]:
        """The weighted terms of the loss, each summed over the two ways to assemble a pose from its sides."""
        lifted = {side: self.lifters[side](poses[:, joints]) for side, joints in self.indices.items()}
        theta = torch.cat([angle for _, angle in lifted.values()], dim=1).mean(1)
        views = random_views(theta)
        depths = {side: depth for side, (depth, _) in lifted.items()}
        first, second = (self._terms(poses, depths, views, order) for order in (SIDES, SIDES[::-1]))
        return {name: first[name] + second[name] for name in first}

    def _terms(
        self, poses: Tensor, depths: dict[str, Tensor], views: Tensor, order: Iterable[str]
    ) -> dict[str, Tensor]:
        """The terms for one order of the sides: where both have a joint, the later side's is taken."""

        def relift(seen: Tensor) -> Tensor:
            lifted = {side: self.lifters[side](seen[0][:, joints])[0] for side, joints in self.indices.items()}
            return self._assemble(lifted, order).unsqueeze(0)

        seen = cycle(relift, poses, self._assemble(depths, order).unsqueeze(0), views, self.c)
        likely = [self.flows[side].log_prob(seen.seen[0][:, self.indices[side]].flatten(1)) for side in SIDES]  # type: ignore[operator]
        return {
            "likelihood": -torch.stack(likely).mean(1).sum(),
            "reprojection": losses.reprojection(poses, seen.back),
            "consistency": losses.consistency(seen.turned, seen.relifted),
            "deformation": losses.deformation(seen.body, seen.returned),
            "bone": BONE_WEIGHT * losses.bone_prior(seen.body, self.bones, self.ratios),
        }

    def _assemble(self, depths: dict[str, Tensor], order: Iterable[str]) -> Tensor:
        whole = next(iter(depths.values())).new_zeros(len(next(iter(depths.values()))), len(self.skeleton))
        for side in order:
            whole = whole.index_copy(1, self.indices[side], depths[side])
        return whole.index_fill(1, self.root, 0)


def procrustes_loop(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float]:
    """PA-MPJPE of scenes (scene, person, joint, 3) and of each person, aligned one frame after the other."""
    scenes, people = [], []
    for people_of, true_people in zip(predicted, truth, strict=True):
        true_points = true_people.reshape(-1, 3)
        aligned = procrustes(people_of.reshape(-1, 3), true_points)
        scenes.append(np.linalg.norm(aligned - true_points, axis=-1).mean())
        for person, true_person in zip(people_of, true_people, strict=True):
            people.append(np.linalg.norm(procrustes(person, true_person) - true_person, axis=-1).mean())
    return float(np.mean(scenes)), float(np.mean(people))


def procrustes(points: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (point, 3) aligned with a target by the best similarity without reflection (Umeyama, 1991)."""
    centre, target_centre = points.mean(0), target.mean(0)
    centred, target_centred = points - centre, target - target_centre
    u, s, vt = np.linalg.svd(target_centred.T @ centred)
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (s * sign).sum() / (centred**2).sum()
    return scale * centred @ (u * sign @ vt).T + target_centre


def training_step(log_prob: Callable[[Tensor], Tensor], optimiser: torch.optim.Optimizer) -> Callable[[Tensor], Tensor]:
    """A flow's training step: poses -> the negative log-likelihood before it."""

    def step(poses: Tensor) -> Tensor:
        loss = -log_prob(poses).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step
