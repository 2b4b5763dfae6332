"""Rotations of the camera's frame.

Camera frame: x right, y down, z forward. Rotations are `(..., 3, 3)`, points `(..., 3)`, angles radians.
"""

import torch
from torch import Tensor


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
    """The rotation (..., 3, 3) that turns `up` (..., 3), a unit vector in the camera frame, to -y, and nothing more.

    The camera's forward axis keeps its heading, so a level camera is left as it is.
    """
    forward = torch.zeros_like(up)
    forward[..., 2] = 1
    ahead = torch.nn.functional.normalize(forward - (forward * up).sum(-1, keepdim=True) * up, dim=-1)
    return torch.stack([torch.linalg.cross(-up, ahead), -up, ahead], dim=-2)


def facing(rays: Tensor) -> Tensor:
    """The rotation (..., 3, 3) of a camera turned to face `rays` (..., 2): right or left first, then up or down."""
    right = rays[..., 0].atan()
    down = (rays[..., 1] * right.cos()).atan()
    return rotation_x(down) @ rotation_y(-right)
