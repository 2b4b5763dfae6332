"""Lifting networks: a 2D pose in, depth offsets and the camera's elevation out.

`whole` is ElePose's: one network for the whole pose. `left_right` and `legs_torso` are LInKs': one
network a part, each lifting its joints without seeing the others. `links` is both splits at once.
"""

import math
from itertools import permutations
from typing import cast

import torch
from torch import Tensor, nn

from duolift.body.skeleton import WHOLE, Skeleton
from duolift.geometry.mirroring import mirrored

SPLITS: dict[str, tuple[tuple[str, ...], ...]] = {
    WHOLE: ((WHOLE,),),
    "left_right": (("left", "right"),),
    "legs_torso": (("legs", "torso"),),
    "links": (("left", "right"), ("legs", "torso")),
}
"""Lifter -> its splits, each a choice of the skeleton's parts that are lifted independently and make up a pose."""


def parts_of(lifter: str) -> tuple[str, ...]:
    """The parts that a lifter has a network for."""
    return tuple(part for split in SPLITS[lifter] for part in split)


class ResidualBlock(nn.Module):
    """Linear, LeakyReLU, twice, plus the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(inplace=True), nn.Linear(width, width), nn.LeakyReLU(inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class PartLifter(nn.Module):
    """One part's network: a stem, a common block, and a branch each for depth and elevation.

    Args:
        joints: of the part.
        width: of every hidden layer.
        blocks: in each branch.
    """

    def __init__(self, joints: int, width: int, blocks: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(2 * joints, width), nn.LeakyReLU(inplace=True), ResidualBlock(width))
        self.depth = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Linear(width, joints))
        self.angle = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Linear(width, 1))

    @property
    def angle_bias(self) -> Tensor:
        """The bias of the angle's last layer."""
        return cast(nn.Linear, self.angle[-1]).bias

    def forward(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """(..., joint, 2) -> depth offsets (..., joint) and a raw angle (...)."""
        features = self.trunk(part.flatten(-2))
        return self.depth(features), self.angle(features).squeeze(-1)

    def offsets(self, part: Tensor) -> Tensor:
        """The depth offsets alone, without the cost of the angle's branch."""
        offsets: Tensor = self.depth(self.trunk(part.flatten(-2)))
        return offsets


class LiftingNetwork(nn.Module):
    """Part networks and how a whole pose is assembled from them.

    Where the parts of a split overlap (left and right share the spine), every order of preference is a *way* to
    assemble a pose, and so is every split: training sums its losses over all ways, prediction takes the splits' mean.

    Args:
        skeleton: of the poses.
        split: a key of `SPLITS`.
        width, blocks: see `PartLifter`.
        elevation_bound: the angle is `bound * tanh(raw)`, radians; None leaves it unbounded.
        half: run the networks' matrix products in bfloat16; geometry stays in full precision.
        initial_elevation: the angle that an untrained network is near, radians. Far away, a body and its reversal in
            depth look alike, with elevations of opposite signs; the side that training starts on decides.
    """

    free: Tensor
    share: Tensor

    def __init__(
        self,
        skeleton: Skeleton,
        split: str,
        width: int,
        blocks: int,
        elevation_bound: float | None = None,
        half: bool = False,
        initial_elevation: float = 0.0,
    ) -> None:
        super().__init__()
        self.skeleton, self.elevation_bound, self.low_precision = skeleton, elevation_bound, half
        self.networks = nn.ModuleDict(
            {part: PartLifter(len(skeleton.parts[part]), width, blocks) for part in parts_of(split)}
        )
        start = initial_elevation if elevation_bound is None else math.atanh(initial_elevation / elevation_bound)
        for part in parts_of(split):
            nn.init.constant_(self._network(part).angle_bias, start)
            self.register_buffer(f"joints_{part}", torch.tensor(skeleton.part(part)), persistent=False)
        ways = [_ways(skeleton, parts) for parts in SPLITS[split]]
        self.ways = [way for of_split in ways for way in of_split]
        for number, way in enumerate(self.ways):
            self.register_buffer(f"way_{number}", torch.tensor(_sources(skeleton, way)), persistent=False)
        share = torch.tensor([1 / len(of_split) / len(ways) for of_split in ways for _ in of_split])
        self.register_buffer("share", share, persistent=False)
        free = torch.ones(len(skeleton))
        free[skeleton.root_index] = 0
        self.register_buffer("free", free, persistent=False)

    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Poses (..., joint, 2) -> offsets (way, ..., joint), 0 at the root, and theta (...) in radians."""
        with self.precision(poses):
            lifted = {part: self._network(part)(self._joints(poses, part)) for part in self.networks}
        angle = torch.stack([angle.float() for _, angle in lifted.values()]).mean(0)
        theta = angle if self.elevation_bound is None else self.elevation_bound * angle.tanh()
        offsets = {part: offsets for part, (offsets, _) in lifted.items()}
        return torch.stack([self._assemble(number, offsets) for number in range(len(self.ways))]), theta

    def relift(self, poses: Tensor) -> Tensor:
        """Offsets (way, ..., joint) of poses (way, ..., joint, 2), each assembled in its own way."""
        assembled = []
        for number, way in enumerate(self.ways):
            with self.precision(poses):
                offsets = {part: self._network(part).offsets(self._joints(poses[number], part)) for part in way}
            assembled.append(self._assemble(number, offsets))
        return torch.stack(assembled)

    def predict(self, poses: Tensor, flip: bool = False) -> tuple[Tensor, Tensor]:
        """Poses (..., joint, 2) -> offsets (..., joint), the mean over the splits, and theta (...).

        Args:
            flip: take the mean with what the mirrored pose gives (the field's flip test).
        """
        both = torch.stack([poses, mirrored(poses, self.skeleton)]) if flip else poses.unsqueeze(0)
        offsets, theta = self(both)
        offsets = torch.einsum("w,w...->...", self.share, offsets)
        if not flip:
            return offsets[0], theta[0]
        return (offsets[0] + offsets[1][..., self.skeleton.mirror]) / 2, theta.mean(0)

    def _network(self, part: str) -> PartLifter:
        return cast(PartLifter, self.networks[part])

    def _joints(self, poses: Tensor, part: str) -> Tensor:
        return poses[..., self.get_buffer(f"joints_{part}"), :]

    def _assemble(self, number: int, offsets: dict[str, Tensor]) -> Tensor:
        """The parts' outputs, (..., joint of the part) each, as a whole pose (..., joint) of one way."""
        everything = torch.cat([offsets[part].float() for part in self.ways[number]], dim=-1)
        return everything[..., self.get_buffer(f"way_{number}")] * self.free

    def precision(self, poses: Tensor) -> torch.autocast:
        """The precision of the networks' matrix products."""
        return torch.autocast(poses.device.type, torch.bfloat16, enabled=self.low_precision)

    @staticmethod
    def shared_casts(poses: Tensor) -> torch.autocast:
        """While it lasts, `precision` brings each weight to low precision once, however often networks are used."""
        return torch.autocast(poses.device.type, enabled=False)


def fast_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 matrices in hardware."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check is not None and check() for check in checks)


def _ways(skeleton: Skeleton, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Orders of preference among the parts of a split that lead to different poses."""
    overlap = sum(len(skeleton.parts[part]) for part in parts) > len(skeleton)
    return list(permutations(parts)) if overlap else [parts]


def _sources(skeleton: Skeleton, way: tuple[str, ...]) -> list[int]:
    """Where, in a way's concatenated outputs, each joint's depth is found: in the first part that has the joint."""
    everything = [joint for part in way for joint in skeleton.parts[part]]
    return [everything.index(joint) for joint in skeleton.joints]
