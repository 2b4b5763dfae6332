"""Procrustes alignment: the one similarity, without reflection, that brings points closest to others.

A mirrored pose must score worse than the pose, so the rotation is a rotation: where other evaluations
of this field let the determinant be -1, they forgive the very ambiguity that lifting has to resolve.
"""

import roma
import torch
from torch import Tensor
from torch.linalg import cross

UNDETERMINED = 1e-6
"""Below this, of a matrix of norm 1, rounding is seen in the closed form: 1e-10 of a rotation at most above it."""

CONVERGED, MOST_STEPS = 1e-9, 50
"""Newton's method stops at a step below the first, whose error is of its square; or after so many."""


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
    middle, centre = points.mean(-2, keepdim=True), target.mean(-2, keepdim=True)
    here, there = points - middle, target - centre
    correlation = there.mT @ here
    rotation = nearest_rotation(correlation)
    scale = (rotation * correlation).sum((-1, -2)) / here.square().sum((-1, -2))
    return torch.addcmul(centre, scale[..., None, None], here @ rotation.mT)


def nearest_rotation(matrices: Tensor) -> Tensor:
    """The rotation R (..., 3, 3) for which trace(R^T M) is largest, of matrices M (..., 3, 3).

    In closed form but for one root of a quartic (FOAM: Markley, "Attitude Determination Using Vector Observations: A
    Fast Optimal Matrix Algorithm", 1993), so that a batch is a handful of operations and no loop over singular value
    decompositions. Those are what decides where the rotation is next to undetermined: points on a line, or next to it.
    """
    exact = matrices.double()
    unit = exact / exact.flatten(-2).norm(dim=-1)[..., None, None]
    first, second, third = unit.unbind(-2)
    cofactors = torch.stack([cross(second, third), cross(third, first), cross(first, second)], dim=-2)
    determinant, squared = (first * cofactors[..., 0, :]).sum(-1), cofactors.square().sum((-1, -2))
    with torch.no_grad():
        root = _largest_root(determinant, squared)
    root = _newton(root, determinant, squared)  # once more, which is what gradients reach it by
    kappa = (root.square() - 1) / 2
    zeta = kappa * root - determinant  # product of the sums of every two singular values, the least one's sign in it
    if not (zeta > UNDETERMINED).all():
        return roma.special_procrustes(matrices)
    rotation = (kappa + 1)[..., None, None] * unit + root[..., None, None] * cofactors - unit @ unit.mT @ unit
    return (rotation / zeta[..., None, None]).to(matrices)


def _largest_root(determinant: Tensor, squared: Tensor) -> Tensor:
    """The largest trace(R^T M) of matrices of norm 1, by Newton's method from above, which meets no other root."""
    root = torch.full_like(determinant, 3**0.5)
    for _ in range(MOST_STEPS):
        before, root = root, _newton(root, determinant, squared)
        if not (before - root > CONVERGED).any():
            break
    return root


def _newton(root: Tensor, determinant: Tensor, squared: Tensor) -> Tensor:
    over = root.square() - 1
    value = over.square() - 8 * root * determinant - 4 * squared
    return root - value / (4 * root * over - 8 * determinant)


def align_scene(people: Tensor, target: Tensor) -> Tensor:
    """All people of a scene `(..., person, joint, 3)` moved together, by one similarity a scene."""
    return align(people.flatten(-3, -2), target.flatten(-3, -2)).view_as(target)
