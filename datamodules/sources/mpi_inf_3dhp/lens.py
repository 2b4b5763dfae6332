"""The lens of a camera, from what it has seen: 3D points in its frame, and their pixels.

The archives of MPI-INF-3DHP hold no intrinsics, and its test videos come without a calibration. But a lens without
distortion is a straight line along either axis of the image, `pixel = focal * slope + principal`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.geometry.cameras import Intrinsics


@dataclass(frozen=True)
class LensFit:
    """How the lines are fitted.

    Attributes:
        points: at most so many are used, evenly spaced.
        steps: of reweighted least squares, which end at the least sum of absolute deviations: hips and spines of this
            data set are not where their pixels are, by a pixel or two.
        least: pixels; a deviation counts as that large at least.
    """

    points: int = 8192
    steps: int = 30
    least: float = 1e-3


LENS_FIT = LensFit()


def fitted_lens(points: Tensor, pixels: Tensor) -> tuple[Intrinsics, Tensor]:
    """The lens without distortion that brings points (..., 3) closest to pixels (..., 2).

    Returns:
        the lens; and how far the points' projections are from their pixels, (...), pixels.

    >>> points = torch.randn(4, 17, 3) * 0.5 + torch.tensor([0.0, 0.0, 4.0])
    >>> pixels = 1500 * points[..., :2] / points[..., 2:] + 1024
    >>> lens, left = fitted_lens(points, pixels)
    >>> lens.focal.round(), bool(left.max() < 0.1)
    (tensor([1500., 1500.]), True)
    """
    points, pixels = points.double(), pixels.double()
    slopes = points[..., :2] / points[..., 2:]
    flat, seen = slopes.flatten(0, -2), pixels.flatten(0, -2)
    every = -(-len(flat) // LENS_FIT.points)
    flat, seen = flat[::every], seen[::every]
    lines = torch.stack([flat, torch.ones_like(flat)], dim=-1).transpose(0, 1)  # (axis, point, 2)
    target = seen.mT.unsqueeze(-1)  # (axis, point, 1)
    weight, line = torch.ones_like(target), target.new_zeros(2, 2, 1)
    for _ in range(LENS_FIT.steps):
        line = torch.linalg.lstsq(weight.sqrt() * lines, weight.sqrt() * target).solution
        weight = 1 / (lines @ line - target).abs().clamp(min=LENS_FIT.least)
    focal, principal = line[:, 0, 0], line[:, 1, 0]
    left = (slopes * focal + principal - pixels).norm(dim=-1)
    return Intrinsics.ideal(focal.float(), principal.float()), left
