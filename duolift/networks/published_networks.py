"""The part networks with their activations where the published code of ElePose and LInKs has them."""

from torch import nn

from duolift.networks.part_networks import PartLifter, PartNetworks
from duolift.networks.residual_block import ResidualBlock


class PublishedPartLifter(PartLifter):
    """One part's network as published: nothing after the stem, a LeakyReLU after every residual block.

    `PartLifter` has a LeakyReLU after the stem instead, and none after a block's sum. Each residual block ends in a
    LeakyReLU before its input is added, in both.

    >>> [type(layer).__name__ for layer in PublishedPartLifter(joints=7, width=16, blocks=1).depth]
    ['ResidualBlock', 'LeakyReLU', 'Linear']
    """

    def __init__(self, joints: int, width: int, blocks: int) -> None:
        super().__init__(joints, width, blocks)
        self.trunk = nn.Sequential(nn.Linear(2 * joints, width), *_activated_block(width))
        self.depth = nn.Sequential(*_branch(width, blocks), nn.Linear(width, joints))
        self.angle = nn.Sequential(*_branch(width, blocks), nn.Linear(width, 1))


class PublishedNetworks(PartNetworks):
    """`PartNetworks` of `PublishedPartLifter`s: the lifters of ElePose (`whole`) and LInKs (the other splits).

    >>> from duolift.body.skeleton import PAPER19
    >>> from duolift.networks.architecture import Architecture
    >>> network = PublishedNetworks(PAPER19, Architecture(network="published", split="legs_torso", width=8, blocks=3))
    >>> [*network.networks]
    ['legs', 'torso']
    """

    part_lifter = PublishedPartLifter


def _branch(width: int, blocks: int) -> list[nn.Module]:
    return [layer for _ in range(blocks) for layer in _activated_block(width)]


def _activated_block(width: int) -> list[nn.Module]:
    return [ResidualBlock(width), nn.LeakyReLU()]
