"""The lifting network of ElePose and LInKs: one fully connected network for every part of the body.

ElePose (https://arxiv.org/abs/2112.07088) has one network for the whole pose; LInKs has one a part, which lifts its own
joints without seeing the others. Which parts there are is the architecture's `split`.
"""

import math
from collections.abc import Sequence
from itertools import permutations
from typing import cast

import torch
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton
from duolift.networks.architecture import Architecture
from duolift.networks.lifting_network import LiftingNetwork
from duolift.networks.residual_block import ResidualBlock
from duolift.networks.splits import SPLITS, parts_of


class PartLifter(nn.Module):
    """One part's network: a trunk, and from it a branch for depths and one for the elevation.

    >>> import torch
    >>> offsets, angle = PartLifter(joints=7, width=16, blocks=1)(torch.zeros(5, 7, 2))
    >>> offsets.shape, angle.shape
    (torch.Size([5, 7]), torch.Size([5]))

    Args:
        joints: of the part.
        width: of every hidden layer.
        blocks: residual blocks in each branch.
    """

    def __init__(self, joints: int, width: int, blocks: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2 * joints, width), nn.LeakyReLU(inplace=True), ResidualBlock(width))
        self.depth = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Linear(width, joints))
        self.angle = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Linear(width, 1))

    @property
    def angle_bias(self) -> Tensor:
        """The bias of the last layer of the elevation's branch."""
        return cast(nn.Linear, self.angle[-1]).bias

    def forward(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Joints (..., joint, 2) -> depth offsets (..., joint) and a raw angle (...)."""
        features = self.trunk(part.flatten(-2))  # (..., width)
        return self.depth(features), self.angle(features).squeeze(-1)

    def offsets(self, part: Tensor) -> Tensor:
        """The depth offsets alone, without the cost of the angle's branch."""
        offsets: Tensor = self.depth(self.trunk(part.flatten(-2)))
        return offsets


class PartNetworks(LiftingNetwork):
    """A network for every part, and how a whole pose is put together from what they say.

    Where the parts of a split overlap (left and right share the spine), each order of preference among them is a way
    to lift a pose; the ways of both splits of `links` follow each other. Splits have equal shares in a prediction.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> network = PartNetworks(PAPER19, Architecture(split="links", width=8, blocks=1))
    >>> network.preferences
    [('left', 'right'), ('right', 'left'), ('legs', 'torso')]
    >>> network.share
    tensor([0.2500, 0.2500, 0.5000])
    >>> offsets, elevation = network.predict(torch.zeros(5, 19, 2), flip=True)
    >>> offsets.shape, elevation.shape
    (torch.Size([5, 19]), torch.Size([5]))

    Attributes:
        networks: part -> its `PartLifter`.
        preferences: for every way, its parts; a joint of several parts is taken from the first that has it.
    """

    part_lifter: type[PartLifter] = PartLifter

    def __init__(self, skeleton: Skeleton, architecture: Architecture) -> None:
        splits = [_preferences(skeleton, parts) for parts in SPLITS[architecture.split]]
        share = [1 / len(ways) / len(splits) for ways in splits for _ in ways]
        super().__init__(skeleton, architecture, share)
        self.preferences = [way for ways in splits for way in ways]
        parts, a = parts_of(architecture.split), architecture
        self.networks = nn.ModuleDict(
            {part: self.part_lifter(len(skeleton.parts[part]), a.width, a.blocks) for part in parts}
        )
        bound = a.elevation_bound
        initial = a.initial_elevation if bound is None else math.atanh(a.initial_elevation / bound)
        for part in parts:
            nn.init.constant_(self.network(part).angle_bias, initial)
            self.register_buffer(f"joints_{part}", torch.tensor(skeleton.part(part)), persistent=False)
        for way, preference in enumerate(self.preferences):
            self.register_buffer(f"way_{way}", torch.tensor(_sources(skeleton, preference)), persistent=False)
        for part, shares in self._part_shares(share).items():
            self.register_buffer(f"shares_{part}", torch.tensor(shares), persistent=False)

    def network(self, part: str) -> PartLifter:
        """The network of one part."""
        return cast(PartLifter, self.networks[part])

    def joints(self, part: str) -> Tensor:
        """Positions (joint of the part,) of a part's joints in a pose."""
        return self.get_buffer(f"joints_{part}")

    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Poses (..., joint, 2) -> offsets (way, ..., joint) and elevations (...), the mean over the parts' angles."""
        with self.precision(poses):
            lifted = {part: self.network(part)(self._joints(poses, part)) for part in self.networks}
        angle = torch.stack([angle.float() for _, angle in lifted.values()]).mean(0)
        offsets = {part: offsets for part, (offsets, _) in lifted.items()}
        return torch.stack([self._assemble(way, offsets) for way in range(self.ways)]), self.bounded(angle)

    def relift(self, poses: Tensor) -> Tensor:
        """Poses (way, ..., joint, 2) -> offsets (way, ..., joint), without the cost of what a way does not need."""
        assembled = []
        for way, parts in enumerate(self.preferences):
            with self.precision(poses):
                offsets = {part: self.network(part).offsets(self._joints(poses[way], part)) for part in parts}
            assembled.append(self._assemble(way, offsets))
        return torch.stack(assembled)

    def part_shares(self) -> dict[str, Tensor]:
        """Part -> how much its network weighs in every joint's predicted depth, (joint,); they sum to 1.

        >>> from duolift.body.skeleton import PAPER19
        >>> shares = PartNetworks(PAPER19, Architecture(split="left_right", width=8, blocks=1)).part_shares()
        >>> shares["left"][PAPER19.indices(["left_wrist", "right_wrist", "head_top"])]
        tensor([1.0000, 0.0000, 0.5000])
        """
        return {part: self.get_buffer(f"shares_{part}") for part in self.networks}

    def _part_shares(self, of_ways: Sequence[float]) -> dict[str, list[float]]:
        shares = {part: [0.0] * len(self.skeleton) for part in self.networks}
        for parts, share in zip(self.preferences, of_ways, strict=True):
            for index, joint in enumerate(self.skeleton.joints):
                shares[next(part for part in parts if joint in self.skeleton.parts[part])][index] += share
        return shares

    def _joints(self, poses: Tensor, part: str) -> Tensor:
        return poses[..., self.joints(part), :]

    def _assemble(self, way: int, offsets: dict[str, Tensor]) -> Tensor:
        """The parts' outputs, (..., joint of the part) each, as a whole pose (..., joint) of one way."""
        everything = torch.cat([offsets[part].float() for part in self.preferences[way]], dim=-1)
        return everything[..., self.get_buffer(f"way_{way}")] * self.free


def _preferences(skeleton: Skeleton, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The orders of preference among the parts of a split that lead to different poses."""
    overlap = sum(len(skeleton.parts[part]) for part in parts) > len(skeleton)
    return list(permutations(parts)) if overlap else [parts]


def _sources(skeleton: Skeleton, preference: tuple[str, ...]) -> list[int]:
    """For every joint its index in the concatenated outputs of a way's parts: in the first part that has it."""
    everything = [joint for part in preference for joint in skeleton.parts[part]]
    return [everything.index(joint) for joint in skeleton.joints]
