"""How large people are by the ground: scaled about the camera until the lowest joint is as high above it as an ankle.

Of who stands that is their size, up to an error of the lifted feet; who is in the air comes out too large
(`duolift.placement.standing`).

Head lengths; logarithms of sizes are relative errors: 0.02 is 2 %. `tilt` is any number of further axes, for what is
tried.
"""

from dataclasses import dataclass

from torch import Tensor

from duolift.body.anthropometry import mean_bone_length, sole
from duolift.body.skeleton import Skeleton

APPARENT = 0.03
"""Deviation of how large somebody looks in one frame (logarithm). On s02, s03 and s04 of the motion capture, with
COCO's joints 3 pixels off: 0.042, 0.025 and 0.025 about a sequence's mean."""

FOOT = 0.055
"""Deviation of a lifted body's lowest joint, head lengths. There: 0.10 (people are carried), 0.052 and 0.058."""

LOWEST_DROP = 0.1
"""Nobody's lowest joint counts as less than this below the camera, head lengths: the camera is above the ground."""


@dataclass(frozen=True)
class GroundSizes:
    """People's sizes by the ground, and how well it tells them.

    Attributes:
        sizes: (scene, *tilt, person), logarithms.
        feet: as sizes, their variances by how far off lifted feet are.
        looks: deviation of how large somebody looks in one frame (logarithm).
        above: as sizes, how far the lowest joint is above where any ground can be, which is below the camera, in
            deviations.

    >>> import torch
    >>> GroundSizes(torch.zeros(1, 2), torch.tensor([[0.0, 0.0016]]), looks=0.03, above=torch.zeros(1, 2)).variance
    tensor([[0.0009, 0.0025]])
    """

    sizes: Tensor
    feet: Tensor
    looks: float
    above: Tensor

    @property
    def variance(self) -> Tensor:
        """As sizes, their variances about a person's own size."""
        return self.looks**2 + self.feet


def by_ground(
    lowest: Tensor, size: Tensor, skeleton: Skeleton, foot: float, looks: float, ground: Tensor | float = 1.0
) -> GroundSizes:
    """How large people are if they stand.

    Args:
        lowest: (scene, *tilt, person), how high the lowest joint is above the camera, anywhere along the person's rays.
        size: as lowest, logarithms of how large people are there.
        skeleton: of the people.
        foot: deviation of a lifted body's lowest joint, head lengths.
        looks: as of `GroundSizes`.
        ground: how far it is below the camera; broadcasts with lowest.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> size = torch.tensor([[0.25, 0.25]]).log()
    >>> found = by_ground(torch.tensor([[-1.5, -3.0675]]), size, PAPER19, FOOT, APPARENT)  # one is twice as near
    >>> found.sizes.diff().exp()
    tensor([[0.5000]])
    """
    ankles = above_ground(size, skeleton)
    lower = below(lowest) + ankles
    return GroundSizes(
        sizes=size - (lower / ground).log(),
        feet=(foot / lower).square(),
        looks=looks,
        # with the horizon at people's feet anybody would be of any size: but nobody stands above the camera
        above=above_all_ground(lowest) / foot,
    )


def above_ground(size: Tensor, skeleton: Skeleton) -> Tensor:
    """How high above the ground the lowest joint of people who stand is, by the logarithms of their sizes (...).

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> above_ground(torch.tensor(0.25).log(), PAPER19)  # an ankle, of bones of 25 cm on the mean
    tensor(0.0675)
    """
    return size.exp() * (sole(skeleton) / mean_bone_length(skeleton))


def above_all_ground(height: Tensor) -> Tensor:
    """How far joints of some height above the camera are above the highest ground that there can be, 0 below that.

    >>> import torch
    >>> above_all_ground(torch.tensor([-1.5, 0.3]))
    tensor([0.0000, 0.4000])
    """
    return height + below(height)


def below(height: Tensor) -> Tensor:
    """How far below the camera joints of some height above it are, within reason.

    >>> import torch
    >>> below(torch.tensor([-1.5, 0.3]))
    tensor([1.5000, 0.1000])
    """
    return -height.clamp(max=-LOWEST_DROP)
