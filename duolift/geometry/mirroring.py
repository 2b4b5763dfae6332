"""Mirroring: a pose as it would look from the other side of a mirror."""

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.constants import constant


def mirrored(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Mirror centred 2D poses: x is negated, and left and right joints change places.

    Args:
        poses: (..., joint, 2), any unit.

    Returns:
        (..., joint, 2). Mirroring twice gives the poses again.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> pose = torch.zeros(19, 2)
    >>> pose[PAPER19.index("left_wrist")] = torch.tensor([0.5, 0.2])
    >>> mirrored(pose, PAPER19)[PAPER19.index("right_wrist")]
    tensor([-0.5000,  0.2000])
    """
    flip = constant((-1.0, 1.0), poses.device, poses.dtype)
    return poses[..., mirror_order(skeleton, poses.device), :] * flip


def mirror_order(skeleton: Skeleton, device: torch.device) -> Tensor:
    """Positions (joint,) for which `pose[order]` swaps left and right, on a device.

    >>> from duolift.body.skeleton import PAPER19
    >>> mirror_order(PAPER19, torch.device("cpu")).tolist() == PAPER19.mirror
    True
    """
    return constant(tuple(skeleton.mirror), device)
