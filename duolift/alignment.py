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

    Points that all coincide have no scale or rotation, nor has a target whose points do: all go to its centroid.

    Args:
        points, target: (..., point, 3), one unit or two.

    Returns:
        (..., point, 3), in the target's unit and frame.
    """
    if points.shape != target.shape or points.shape[-1] != 3:
        raise ValueError(
            f"points {tuple(points.shape)} and target {tuple(target.shape)}: expected the same shape (..., point, 3)"
        )
    return reversed_axes(_aligned(planes(points), planes(target)))


def align_scene(people: Tensor, target: Tensor) -> Tensor:
    """All people of a scene `(..., person, joint, 3)` moved together, by one similarity a scene."""
    here, there = planes(people), planes(target)  # (3, joint, person, ...)
    return reversed_axes(_aligned(here.flatten(1, 2), there.flatten(1, 2)).view_as(there))


def planes(points: Tensor) -> Tensor:
    """Points (..., point, 3) as (3, point, ...), scenes next to each other in memory: sums over points and products of
    coordinates then go along them. No copy of what is reversed from such planes."""
    return reversed_axes(points).contiguous()


def reversed_axes(tensor: Tensor) -> Tensor:
    return tensor.permute(list(reversed(range(tensor.ndim))))


def _aligned(points: Tensor, target: Tensor) -> Tensor:
    """`align` in planes (3, point, ...)."""
    middle, centre = points.mean(1, keepdim=True), target.mean(1, keepdim=True)
    here, there = points - middle, target - centre
    spread, tiny = here.square().sum((0, 1)), torch.finfo(points.dtype).tiny
    if not (flat := (spread <= tiny) | (there.square().sum((0, 1)) <= tiny)).any():
        return _registered(here, there, spread) + centre
    anything = torch.arange(here[0].numel() * 3, device=here.device).view(here.shape).to(here).sin()
    here, there = torch.where(flat, anything, here), torch.where(flat, anything, there)
    return torch.where(flat, centre, _registered(here, there, here.square().sum((0, 1))) + centre)


def _registered(here: Tensor, there: Tensor, spread: Tensor) -> Tensor:
    """Centred points after the best rotation and scale; `spread` is the sum of their squares."""
    correlation = torch.stack([(here * axis).sum(1) for axis in there], dim=1)  # (3 of here, 3 of there, ...)
    rotation = reversed_axes(nearest_rotation(reversed_axes(correlation)))
    turn = rotation * ((rotation * correlation).sum((0, 1)) / spread)
    first, second, third = (axis * row.unsqueeze(1) for axis, row in zip(here, turn, strict=True))
    return first + second + third


def nearest_rotation(matrices: Tensor) -> Tensor:
    """The rotation R (..., 3, 3) for which trace(R^T M) is largest, of matrices M (..., 3, 3).

    In closed form but for one root of a quartic (FOAM: Markley, "Attitude Determination Using Vector Observations: A
    Fast Optimal Matrix Algorithm", 1993), so that a batch is a handful of operations and no loop over singular value
    decompositions. Those are what decides where the rotation is next to undetermined: points on a line, or next to it.
    """
    exact = planes(matrices.double())  # (3, 3, ...), every matrix transposed: so is its rotation
    unit = exact / exact.square().sum((0, 1)).sqrt()
    first, second, third = unit
    cofactors = torch.stack([cross(second, third, dim=0), cross(third, first, dim=0), cross(first, second, dim=0)])
    determinant, squared = (first * cofactors[0]).sum(0), cofactors.square().sum((0, 1))
    with torch.no_grad():
        root = _largest_root(determinant, squared)
    root = _newton(root, determinant, squared)  # once more, which is what gradients reach it by
    kappa = (root.square() - 1) / 2
    zeta = kappa * root - determinant  # product of the sums of every two singular values, the least one's sign in it
    if not (zeta > UNDETERMINED).all():
        return roma.special_procrustes(matrices)
    gram = (unit.unsqueeze(1) * unit).sum(2)
    rotation = (kappa + 1) * unit + root * cofactors - (gram.unsqueeze(2) * unit).sum(1)
    return reversed_axes(rotation / zeta).to(matrices)


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
