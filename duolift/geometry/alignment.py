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
    centre = target.mean(1, keepdim=True)
    here, there = points - points.mean(1, keepdim=True), target - centre
    turn = similarity(correlation(here, there), here.square().sum((0, 1)), there.square().sum((0, 1)))
    first, second, third = (axis * row.unsqueeze(1) for axis, row in zip(here, turn, strict=True))
    return first + second + third + centre


def correlation(here: Tensor, there: Tensor) -> Tensor:
    """Sums of products over points, of planes (3, point, ...): (3 of here, 3 of there, ...)."""
    return torch.stack([torch.stack([(axis * other).sum(0) for other in there]) for axis in here])


def similarity(correlation: Tensor, spread: Tensor, target_spread: Tensor) -> Tensor:
    """The rotation and scale that bring centred points closest to centred others, from sums over them.

    Args:
        correlation: (3 of the points, 3 of the others, ...), as the function of that name gives it.
        spread, target_spread: (...), sums of squares of the points, and of the others.

    Returns:
        (3 of the points, 3 of the others, ...), what turns and scales them; zero where either do not differ.
    """
    tiny = torch.finfo(spread.dtype).tiny
    if unknown := bool((flat := (spread <= tiny) | (target_spread <= tiny)).any()):
        anything = torch.eye(3).to(correlation).view(3, 3, *[1] * flat.ndim)
        correlation, spread = torch.where(flat, anything, correlation), torch.where(flat, 1, spread)
    rotation = reversed_axes(nearest_rotation(reversed_axes(correlation)))
    turn = rotation * ((rotation * correlation).sum((0, 1)) / spread)
    return torch.where(flat, 0, turn) if unknown else turn


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
    slope, constant = 8 * determinant, 4 * squared
    with torch.no_grad():
        root = _largest_root(slope, constant)
    root = _newton(root, slope, constant)  # once more, which is what gradients reach it by
    kappa = (root.square() - 1) / 2
    zeta = kappa * root - determinant  # product of the sums of every two singular values, the least one's sign in it
    if not (zeta > UNDETERMINED).all():
        return roma.special_procrustes(matrices)
    gram = (unit.unsqueeze(1) * unit).sum(2)
    rotation = (kappa + 1) * unit + root * cofactors - (gram.unsqueeze(2) * unit).sum(1)
    return reversed_axes(rotation / zeta).to(matrices)


def _largest_root(slope: Tensor, constant: Tensor) -> Tensor:
    """The largest trace(R^T M) of matrices of norm 1, by Newton's method from above, which meets no other root."""
    root = (1 + (3 * constant).sqrt()).sqrt()  # the sum of three products is at most sqrt(3) times their norm
    for _ in range(MOST_STEPS):
        before, root = root, _newton(root, slope, constant)
        if not (before - root > CONVERGED).any():
            break
    return root


def _newton(root: Tensor, slope: Tensor, constant: Tensor) -> Tensor:
    """A step towards (root^2 - 1)^2 = slope * root + constant."""
    over = root.square() - 1
    value = torch.addcmul(torch.addcmul(-constant, over, over), root, slope, value=-1)
    return root - value / torch.addcmul(-slope, root, over, value=4)
