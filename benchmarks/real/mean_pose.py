"""The mean pose: the average of a data set's true bodies, given to everybody. A lifter has to be better than that.

It needs the truth, so it is no method. Camera frame: x right, y down, z forward, millimetres.
"""

import torch
from torch import Tensor

from benchmarks.real.capture import Truth, View
from benchmarks.real.protocol import MILLIMETRES, PROTOCOL, Protocol, Seen, chosen
from duolift.geometry.rotations import levelling, rotate, rotation_y

YAWS = 36
"""Directions that are tried, evenly spaced."""


def mean_pose(truth: Truth, protocol: Protocol = PROTOCOL) -> Tensor:
    """The average of all true bodies, each turned about the vertical to face one way; sizes stay as they are.

    Whoever's hips or shoulders are not known is left out.

    Returns:
        (joint, 3), the pelvis at the origin: x to the person's left, y down.
    """
    joints = chosen(protocol.joints, truth.joints)
    points = MILLIMETRES * torch.cat([people.points[:, joints] for people in truth.frames])  # (person, joint, 3)
    valid = torch.cat([people.valid[:, joints] for people in truth.frames])
    trunk = [protocol.joints.index(f"{side}_{joint}") for joint in ("shoulder", "hip") for side in ("left", "right")]
    whole = valid[:, trunk].all(-1)
    points, valid = points[whole], valid[whole].unsqueeze(-1)
    left, right = points[:, trunk[0]], points[:, trunk[1]]
    bodies = points - points[:, protocol.hips].mean(1, keepdim=True)
    bodies = rotate(facing(left - right), bodies)
    return torch.where(valid, bodies, 0.0).sum(0) / valid.sum(0).clamp(min=1)


def facing(across: Tensor) -> Tensor:
    """Rotations (..., 3, 3) from the world to a frame whose x is the horizontal part of `across` (..., 3), y down.

    >>> rotate(facing(torch.tensor([0.0, 2.0, 0.5])), torch.tensor([[0.0, 3.0, 1.0]]))
    tensor([[ 3., -1.,  0.]])
    """
    down = across.new_tensor([0.0, 0.0, -1.0]).expand_as(across)
    level = across * across.new_tensor([1.0, 1.0, 0.0])
    x = level / level.norm(dim=-1, keepdim=True)
    return torch.stack([x, down, torch.linalg.cross(x, down)], dim=-2)


def placed(mean: Tensor, truth: Seen, view: View, up: Tensor) -> Tensor:
    """The mean pose in everybody's place: their best direction, at the depth at which it looks as large as they do.

    Args:
        mean: (joint, 3), see `mean_pose`.
        truth: of the people, of whom directions and 2D poses are taken.
        view: the camera.
        up: (3,), the true direction against gravity.

    Returns:
        (person, joint, 3)
    """
    people = zip(truth.points, truth.valid, truth.pixels, strict=True)
    return torch.stack([_placed(mean, *person, view, up) for person in people])


def _placed(mean: Tensor, points: Tensor, valid: Tensor, pixels: Tensor, view: View, up: Tensor) -> Tensor:
    """One person's (joint, 3), by weak perspective."""
    yaw = torch.arange(YAWS, dtype=mean.dtype) * (2 * torch.pi / YAWS)
    poses = rotate(levelling(up).mT, rotate(rotation_y(yaw), mean))  # (yaw, joint, 3)
    target = points[valid] - points[valid].mean(0)
    off = poses[:, valid] - poses[:, valid].mean(1, keepdim=True) - target
    pose = poses[off.norm(dim=-1).mean(-1).argmin()]
    flat, image = pose[valid, :2], pixels[valid]
    depth = view.focal / pixels_a_millimetre(flat, image)
    slope = (image.mean(0) - view.camera.principal) / view.focal
    place = depth * torch.cat([slope, slope.new_ones(1)])
    return pose - pose[valid].mean(0) + place


def pixels_a_millimetre(flat: Tensor, image: Tensor) -> Tensor:
    """The scale that brings points (joint, 2), mm, closest to pixels (joint, 2).

    Where that is not above 0, the ratio of their sizes.

    >>> square = torch.tensor([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]])
    >>> pixels_a_millimetre(square, 0.5 * square + 7)
    tensor(0.5000)
    """
    here, there = flat - flat.mean(0), image - image.mean(0)
    scale = (here * there).sum() / here.square().sum()
    return scale if scale > 0 else (there.square().sum() / here.square().sum()).sqrt()
