"""Procrustes alignment: the one similarity, without reflection, that brings points closest to others.

A mirrored pose must score worse than the pose, so the rotation is a rotation: other evaluations of this field that let
the determinant be -1 forgive the very ambiguity that lifting has to resolve.

This is the definition, by singular values. `duolift.metrics.fast_alignment` computes the same several times as fast.
"""

import roma
import torch
from torch import Tensor


def align(points: Tensor, target: Tensor) -> Tensor:
    """`points` moved by the similarity that minimises the squared distance to `target`.

    Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns" (1991),
    https://doi.org/10.1109/34.88573. Points that all coincide have no scale or rotation, nor has a target whose points
    do: all go to its centroid.

    Args:
        points, target: (..., point, 3), one unit or two.

    Returns:
        (..., point, 3), in the target's unit and frame.

    Raises:
        ValueError: arrays of different shapes, or not of points in 3D.

    Example:
        >>> square = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
        >>> turned = 5 * square @ roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 1.0])).mT + 7
        >>> torch.allclose(align(turned, square), square, atol=1e-5)
        True
    """
    check_points(points, target)
    centre = target.mean(-2, keepdim=True)  # (..., 1, 3)
    here, there = points - points.mean(-2, keepdim=True), target - centre
    spread, target_spread = here.square().sum((-2, -1)), there.square().sum((-2, -1))  # (...)
    tiny = torch.finfo(points.dtype).tiny
    flat = (spread <= tiny) | (target_spread <= tiny)  # nothing to be rotated
    correlation = torch.where(flat[..., None, None], torch.eye(3).to(points), there.mT @ here)  # (..., 3, 3)
    rotation = roma.special_procrustes(correlation)
    scale = (rotation * correlation).sum((-2, -1)) / torch.where(flat, 1, spread)
    scale = torch.where(flat, 0, scale)
    return scale[..., None, None] * (here @ rotation.mT) + centre


def align_scene(people: Tensor, target: Tensor) -> Tensor:
    """All people of a scene `(..., person, joint, 3)` moved together, by one similarity a scene.

    Raises:
        ValueError: as of `align`.

    Example:
        >>> people = torch.randn(2, 19, 3)
        >>> torch.allclose(align_scene(2 * people + 1, people), people, atol=1e-4)
        True
    """
    return align(people.flatten(-3, -2), target.flatten(-3, -2)).view_as(target)


def check_points(points: Tensor, target: Tensor) -> None:
    """Raise ValueError unless both are points in 3D, as many of one as of the other.

    >>> check_points(torch.zeros(5, 3), torch.zeros(6, 3))
    Traceback (most recent call last):
    ValueError: points (5, 3) and target (6, 3): expected the same shape (..., point, 3)
    """
    if points.shape != target.shape or points.shape[-1] != 3:
        raise ValueError(
            f"points {tuple(points.shape)} and target {tuple(target.shape)}: expected the same shape (..., point, 3)"
        )
