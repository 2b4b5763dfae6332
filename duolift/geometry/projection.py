"""Equation 1: from a 2D pose and depth offsets to a body, and back.

Camera frame: x right, y down, z forward; head lengths, every root at depth c on the optical axis. Bodies are centred on
their root. 2D poses are `(..., joint, 2)` as `Normalisation` makes them.
"""

import torch
from torch import Tensor

NEAREST = 1.0
"""No joint comes nearer to the camera than this, in head lengths (equation 1)."""


def lift(poses: Tensor, offsets: Tensor, c: float | Tensor) -> Tensor:
    """Equation 1: `z = max(1, d + c)`, `X = (x z, y z, z)`, here centred on the root.

    Args:
        poses: (..., joint, 2).
        offsets: (..., joint), depth offsets from the root; 0 at the root.
        c: depth of the root; (...) where every pose has its own.

    Returns:
        (..., joint, 3), relative to the root at (0, 0, c).
    """
    root = _of_joints(c)
    depth = (offsets + root).clamp(min=NEAREST)
    return torch.cat([poses * depth.unsqueeze(-1), (depth - root).unsqueeze(-1)], dim=-1)


def project(points: Tensor, c: float | Tensor) -> Tensor:
    """The 2D poses `(..., joint, 2)` of bodies `(..., joint, 3)` centred on a root at depth c."""
    return points[..., :2] / (points[..., 2] + _of_joints(c)).clamp(min=NEAREST).unsqueeze(-1)


def _of_joints(c: float | Tensor) -> float | Tensor:
    """A depth of every pose (...) beside their joints, (..., 1)."""
    return c.unsqueeze(-1) if isinstance(c, Tensor) else c
