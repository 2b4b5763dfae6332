"""Procrustes alignment: the one similarity, without reflection, that brings points closest to others.

A mirrored pose must score worse than the pose, so the rotation is a rotation: where other evaluations
of this field let the determinant be -1, they forgive the very ambiguity that lifting has to resolve.
"""

import roma
import torch
from torch import Tensor


def align(points: Tensor, target: Tensor) -> Tensor:
    """`points` moved by the similarity that minimises the squared distance to `target`.

    Points that all coincide have no scale or rotation: they are moved to the target's centroid.

    Args:
        points, target: (..., point, 3), one unit or two.

    Returns:
        (..., point, 3), in the target's unit and frame.
    """
    if points.shape != target.shape or points.shape[-1] != 3:
        raise ValueError(
            f"points {tuple(points.shape)} and target {tuple(target.shape)}: expected the same shape (..., point, 3)"
        )
    centre = target.mean(-2, keepdim=True)
    spread = (points - points.mean(-2, keepdim=True)).square().sum((-1, -2), keepdim=True)
    if not (flat := spread <= torch.finfo(points.dtype).tiny).any():
        return _register(points, target)
    safe = torch.where(flat, target, points)
    return torch.where(flat, centre.expand_as(target), _register(safe, target))


def _register(points: Tensor, target: Tensor) -> Tensor:
    rotation, translation, scale = roma.rigid_points_registration(points, target, compute_scaling=True)
    return scale[..., None, None] * points @ rotation.mT + translation.unsqueeze(-2)


def align_scene(people: Tensor, target: Tensor) -> Tensor:
    """All people of a scene `(..., person, joint, 3)` moved together, by one similarity a scene."""
    return align(people.flatten(-3, -2), target.flatten(-3, -2)).view_as(target)
