"""Two people as one body: the paper's figure 1 lifts them so, as a baseline, https://arxiv.org/abs/2309.14865.

The joints of the joint body are those of `Skeleton.pair`.
"""

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton


def join_pair(points: Tensor, skeleton: Skeleton) -> Tensor:
    """Two people as one body, whose root is the middle of theirs.

    Args:
        points: (scene, 2, joint, 2).
        skeleton: of one person.

    Returns:
        (scene, 1, 1 + 2 joint, 2).

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> people = torch.rand(4, 2, 19, 2)
    >>> pair = join_pair(people, PAPER19)
    >>> pair.shape
    torch.Size([4, 1, 39, 2])
    >>> torch.equal(split_pair(pair), people)
    True
    """
    middle = points[:, :, skeleton.root_index].mean(dim=1, keepdim=True)  # (scene, 1, 2)
    return torch.cat([middle, points.flatten(1, 2)], dim=1).unsqueeze(1)


def split_pair(points: Tensor) -> Tensor:
    """One body as two people again: (scene, 1, 1 + 2 joint, 2|3) -> (scene, 2, joint, 2|3)."""
    return points[:, 0, 1:].unflatten(1, (2, -1))
