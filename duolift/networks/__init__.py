"""Neural networks: lifting networks, flows, and what completes poses.

`NETWORKS` has every lifting network by name. To add one: a file with a subclass of
`duolift.networks.lifting_network.LiftingNetwork`, and an entry here. Training (`lifting.network=name`), packing, export
and `Lifter.load` then know it.
"""

from duolift.body.skeleton import Skeleton
from duolift.networks.architecture import Architecture
from duolift.networks.lifting_network import LiftingNetwork
from duolift.networks.part_networks import PartNetworks
from duolift.networks.published_networks import PublishedNetworks

NETWORKS: dict[str, type[LiftingNetwork]] = {"parts": PartNetworks, "published": PublishedNetworks}
"""Name -> class of a lifting network, which is built from a skeleton and an `Architecture`."""


def build_network(skeleton: Skeleton, architecture: Architecture) -> LiftingNetwork:
    """An untrained lifting network.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> network = build_network(PAPER19, Architecture(split="left_right", width=8, blocks=1))
    >>> offsets, elevation = network(torch.zeros(5, 19, 2))
    >>> offsets.shape, elevation.shape  # two ways to lift five poses: the spine from the left, or from the right
    (torch.Size([2, 5, 19]), torch.Size([5]))

    Raises:
        ValueError: a network that is not in `NETWORKS`, or one that the architecture does not suit.
    """
    if architecture.network not in NETWORKS:
        raise ValueError(f"network is {architecture.network!r}; expected one of {', '.join(NETWORKS)}")
    return NETWORKS[architecture.network](skeleton, architecture)
