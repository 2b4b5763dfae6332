"""Rotations of the camera's frame.

Camera frame: x right, y down, z forward. Rotations are `(..., 3, 3)` and multiply column vectors, points `(..., 3)`,
angles radians.
"""

import torch
from torch import Tensor

from duolift.geometry.level import level_axes


def rotation_x(angle: Tensor) -> Tensor:
    """Rx(angle), equation 3 of the paper (https://arxiv.org/abs/2309.14865): (...) radians -> (..., 3, 3).

    With y down and z forward, a negative angle levels a pose seen by a camera that looks down.

    >>> import torch
    >>> forward, up = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.0, -1.0, 0.0])
    >>> torch.allclose(rotation_x(torch.tensor(torch.pi / 2)) @ forward, up, atol=1e-6)
    True
    """
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], dim=-1).unflatten(-1, (3, 3))


def rotation_y(angle: Tensor) -> Tensor:
    """Ry(angle), about the vertical: (...) radians -> (..., 3, 3).

    >>> import torch
    >>> forward, right = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0])
    >>> torch.allclose(rotation_y(torch.tensor(torch.pi / 2)) @ forward, right, atol=1e-6)
    True
    """
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], dim=-1).unflatten(-1, (3, 3))


def rotation_z(angle: Tensor) -> Tensor:
    """Rz(angle), about the line of sight: (...) radians -> (..., 3, 3).

    >>> import torch
    >>> right, down = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    >>> torch.allclose(rotation_z(torch.tensor(torch.pi / 2)) @ right, down, atol=1e-6)
    True
    """
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], dim=-1).unflatten(-1, (3, 3))


def rotate(rotation: Tensor, points: Tensor) -> Tensor:
    """Turn poses `(..., joint, 3)` by rotations `(..., 3, 3)`, one rotation for all joints of a pose.

    >>> import torch
    >>> rotate(rotation_y(torch.zeros(7)), torch.rand(7, 19, 3)).shape
    torch.Size([7, 19, 3])
    """
    return points @ rotation.mT


def in_plane(points: Tensor, angle: Tensor) -> Tensor:
    """Points `(..., 2)` of images that are turned by `angle` `(...)`, radians, as `rotation_z` turns them.

    >>> import torch
    >>> in_plane(torch.tensor([1.0, 0.0]), torch.tensor(torch.pi / 2)).round() + 0.0
    tensor([0., 1.])
    """
    (x, y), cos, sin = points.unbind(-1), angle.cos(), angle.sin()
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)


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
    """The rotation of a camera that turns to face a point, first right or left, then up or down, without roll.

    Args:
        rays: (..., 2), slopes `(x/z, y/z)` of the rays to the points.

    Returns:
        (..., 3, 3), which turns each ray to the optical axis.

    >>> import torch
    >>> turn = facing(torch.tensor([0.75, 0.0]))
    >>> torch.allclose(turn @ torch.tensor([0.75, 0.0, 1.0]), torch.tensor([0.0, 0.0, 1.25]), atol=1e-6)
    True
    """
    right = rays[..., 0].atan()
    down = (rays[..., 1] * right.cos()).atan()
    return rotation_x(down) @ rotation_y(-right)
