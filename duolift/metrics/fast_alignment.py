"""The alignment of `duolift.geometry.alignment`, several times as fast on many small scenes.

Two things make it so. Points are kept as a struct of arrays, (3, point, scene): one array for x, one for y, one for z,
scenes next to each other in memory, so that sums over points run along it. And the rotation comes in closed form, but
for one root of a quartic, instead of from a loop over singular value decompositions.
"""

import roma
import torch
from torch import Tensor
from torch.linalg import cross

from duolift.geometry.alignment import check_points

UNDETERMINED = 1e-6
"""A rotation is next to undetermined where a product of sums of singular values, of a matrix of norm 1, is below this.
The closed form then loses its digits; above it, it is exact to 1e-10 in double precision."""

CONVERGED, MOST_STEPS = 1e-9, 50
"""Newton's method stops at a step below the first, whose error is of its square; or after so many."""


def align(points: Tensor, target: Tensor) -> Tensor:
    """`duolift.geometry.alignment.align`, fast.

    Example:
        >>> points = torch.randn(5, 19, 3)
        >>> torch.allclose(align(2 * points + 1, points), points, atol=1e-4)
        True
    """
    check_points(points, target)
    return reversed_axes(_aligned(components(points), components(target)))


def align_scene(people: Tensor, target: Tensor) -> Tensor:
    """`duolift.geometry.alignment.align_scene`, fast.

    Example:
        >>> people = torch.randn(5, 2, 19, 3)
        >>> torch.allclose(align_scene(2 * people + 1, people), people, atol=1e-4)
        True
    """
    check_points(people, target)
    here, there = components(people), components(target)  # (3, joint, person, ...)
    return reversed_axes(_aligned(here.flatten(1, 2), there.flatten(1, 2)).view_as(there))


def components(points: Tensor) -> Tensor:
    """Points (..., point, 3) as a struct of arrays (3, point, ...), contiguous.

    Example:
        >>> components(torch.zeros(8, 2, 19, 3)).shape
        torch.Size([3, 19, 2, 8])
    """
    return reversed_axes(points).contiguous()


def reversed_axes(tensor: Tensor) -> Tensor:
    """The same tensor with its axes in reverse order: from a struct of arrays and back, without a copy.

    Example:
        >>> reversed_axes(torch.zeros(3, 19, 8)).shape
        torch.Size([8, 19, 3])
    """
    return tensor.permute(list(reversed(range(tensor.ndim))))


def _aligned(points: Tensor, target: Tensor) -> Tensor:
    """`align` of structs of arrays (3, point, ...)."""
    centre = target.mean(1, keepdim=True)
    here, there = points - points.mean(1, keepdim=True), target - centre
    turn = similarity(correlation(here, there), here.square().sum((0, 1)), there.square().sum((0, 1)))
    first, second, third = (axis * row.unsqueeze(1) for axis, row in zip(here, turn, strict=True))
    return first + second + third + centre


def correlation(here: Tensor, there: Tensor) -> Tensor:
    """Sums of products over points, of structs of arrays (3, point, ...): (3 of here, 3 of there, ...).

    >>> points = components(torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]))
    >>> correlation(points, points)
    tensor([[1., 0., 0.],
            [0., 4., 0.],
            [0., 0., 0.]])
    """
    return torch.stack([torch.stack([(axis * other).sum(0) for other in there]) for axis in here])


def similarity(correlation: Tensor, spread: Tensor, target_spread: Tensor) -> Tensor:
    """The rotation and scale that bring centred points closest to centred others, from sums over them.

    Args:
        correlation: (3 of the points, 3 of the others, ...), as the function of that name gives it.
        spread, target_spread: (...), sums of squares of the points, and of the others.

    Returns:
        (3 of the points, 3 of the others, ...), what turns and scales them; zero where either do not differ.

    >>> similarity(3 * torch.eye(3), torch.tensor(1.0), torch.tensor(9.0)).round()  # three times as large
    tensor([[9., 0., 0.],
            [0., 9., 0.],
            [0., 0., 9.]])
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

    In closed form but for one root of a quartic: FOAM, from Markley, "Attitude Determination Using Vector Observations:
    A Fast Optimal Matrix Algorithm", Journal of the Astronautical Sciences 41 (1993). A batch is then a handful of
    operations. Where the rotation is next to undetermined, as of points on a line, singular values decide.

    Example:
        >>> turn = roma.rotvec_to_rotmat(torch.tensor([0.1, 0.2, 0.3]))
        >>> torch.allclose(nearest_rotation(5 * turn), turn, atol=1e-6)
        True
    """
    exact = components(matrices.double())  # (3, 3, ...), every matrix transposed: so is its rotation
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
