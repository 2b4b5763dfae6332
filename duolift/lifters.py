"""Lifting networks: a 2D pose in, depth offsets and the camera's elevation out.

`whole` is ElePose's: one network for the whole pose. `left_right` and `legs_torso` are LInKs': one
network a part, each lifting its joints without seeing the others.
"""

from itertools import permutations
from typing import cast

import torch
from torch import Tensor, nn

from duolift.skeleton import WHOLE, Skeleton

SPLITS: dict[str, tuple[str, ...]] = {
    WHOLE: (WHOLE,),
    "left_right": ("left", "right"),
    "legs_torso": ("legs", "torso"),
}
"""Lifter -> the skeleton's parts that are lifted independently."""


class ResidualBlock(nn.Module):
    """Linear, LeakyReLU, twice, plus the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(), nn.Linear(width, width), nn.LeakyReLU())

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
        self.trunk = nn.Sequential(nn.Linear(2 * joints, width), nn.LeakyReLU(), ResidualBlock(width))
        self.depth = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Linear(width, joints))
        self.angle = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Linear(width, 1))

    def forward(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """(..., joint, 2) -> depth offsets (..., joint) and a raw angle (...)."""
        features = self.trunk(part.flatten(-2))
        return self.depth(features), self.angle(features).squeeze(-1)

    def offsets(self, part: Tensor) -> Tensor:
        """The depth offsets alone, without the cost of the angle's branch."""
        offsets: Tensor = self.depth(self.trunk(part.flatten(-2)))
        return offsets


class Lifter(nn.Module):
    """Part networks and how a whole pose is assembled from them.

    Where parts overlap (left and right share the spine), every order of preference is a *way* to
    assemble a pose: training sums its losses over all ways, prediction takes their mean.

    Args:
        skeleton: of the poses.
        split: a key of `SPLITS`.
        width, blocks: see `PartLifter`.
        elevation_bound: the angle is `bound * tanh(raw)`, radians; None leaves it unbounded.
        half: run the networks' matrix products in bfloat16; geometry stays in full precision.
    """

    ways: Tensor
    free: Tensor

    def __init__(
        self,
        skeleton: Skeleton,
        split: str,
        width: int,
        blocks: int,
        elevation_bound: float | None = None,
        half: bool = False,
    ) -> None:
        super().__init__()
        parts = [skeleton.part(name) for name in SPLITS[split]]
        self.elevation_bound, self.low_precision = elevation_bound, half
        self.networks = nn.ModuleList(PartLifter(len(part), width, blocks) for part in parts)
        for number, part in enumerate(parts):
            self.register_buffer(f"part{number}", torch.tensor(part), persistent=False)
        self.register_buffer("ways", _ways(parts, len(skeleton)), persistent=False)
        free = torch.ones(len(skeleton))
        free[skeleton.root_index] = 0
        self.register_buffer("free", free, persistent=False)

    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Poses (..., joint, 2) -> offsets (way, ..., joint), 0 at the root, and theta (...) in radians."""
        with self._precision(poses):
            lifted = [network(part) for network, part in self._parts(poses)]
        angle = torch.stack([angle.float() for _, angle in lifted]).mean(0)
        theta = angle if self.elevation_bound is None else self.elevation_bound * angle.tanh()
        return self._assemble([offsets for offsets, _ in lifted]), theta

    def relift(self, poses: Tensor) -> Tensor:
        """Offsets (way, ..., joint) of poses (way, ..., joint, 2), each assembled in its own way."""
        with self._precision(poses):
            lifted = [network.offsets(part) for network, part in self._parts(poses)]
        return torch.stack([offsets[way] for way, offsets in enumerate(self._assemble(lifted).unbind(1))])

    def predict(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Poses (..., joint, 2) -> offsets (..., joint), the mean over the ways, and theta (...)."""
        offsets, theta = self(poses)
        return offsets.mean(0), theta

    def _parts(self, poses: Tensor) -> list[tuple[PartLifter, Tensor]]:
        return [
            (cast(PartLifter, network), poses[..., self.get_buffer(f"part{i}"), :])
            for i, network in enumerate(self.networks)
        ]

    def _assemble(self, offsets: list[Tensor]) -> Tensor:
        """The parts' outputs, (..., joint of the part) each, as whole poses (way, ..., joint)."""
        everything = torch.cat([part.float() for part in offsets], dim=-1)
        return (everything[..., self.ways] * self.free).movedim(-2, 0)

    def _precision(self, poses: Tensor) -> torch.autocast:
        return torch.autocast(poses.device.type, torch.bfloat16, enabled=self.low_precision)


def _ways(parts: list[list[int]], joints: int) -> Tensor:
    """(way, joint): where, in the parts' concatenated outputs, each way finds each joint's depth."""
    starts = [sum(len(part) for part in parts[:i]) for i in range(len(parts))]
    place = [{joint: start + i for i, joint in enumerate(part)} for start, part in zip(starts, parts, strict=True)]
    ways = []
    for preferred in permutations(place):
        way = [next((part[j] for part in preferred if j in part), 0) for j in range(joints)]
        if way not in ways:
            ways.append(way)
    return torch.tensor(ways)
