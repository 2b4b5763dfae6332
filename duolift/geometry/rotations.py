"""Rotations of the camera's frame.

Camera frame: x right, y down, z forward. Rotations are `(..., 3, 3)`, points `(..., 3)`, angles radians.
"""

import torch
from torch import Tensor

from duolift.geometry.level import level_axes


def rotation_x(angle: Tensor) -> Tensor:
    """Rx(angle), equation 3 of the paper: (...) radians -> (..., 3, 3).

    With y down and z forward, a negative angle levels a pose seen by a camera that looks down.
    """
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], dim=-1).unflatten(-1, (3, 3))


def rotation_y(angle: Tensor) -> Tensor:
    """Ry(angle), about the vertical: (...) radians -> (..., 3, 3)."""
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], dim=-1).unflatten(-1, (3, 3))


def rotate(rotation: Tensor, points: Tensor) -> Tensor:
    """Turn poses `(..., joint, 3)` by rotations `(..., 3, 3)`."""
    return points @ rotation.mT


def levelling(up: Tensor) -> Tensor:
    """The rotation that turns `up` to -y and keeps the camera's heading, so that a level camera is left as it is.

    A camera that looks straight up or down keeps its x axis, see `duolift.geometry.level`.

    Args:
        up: (..., 3), unit vectors in camera coordinates.

    Returns:
        (..., 3, 3)

    >>> import torch
    >>> levelling(torch.tensor([0.0, -1.0, 0.0])) @ torch.tensor([1.0, 2.0, 3.0])
    tensor([1., 2., 3.])
    """
    return level_axes(up, torch)


def facing(rays: Tensor) -> Tensor:
    """The rotation (..., 3, 3) of a camera turned to face `rays` (..., 2): right or left first, then up or down."""
    right = rays[..., 0].atan()
    down = (rays[..., 1] * right.cos()).atan()
    return rotation_x(down) @ rotation_y(-right)
