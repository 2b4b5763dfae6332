"""Equation 1: from a 2D pose and depth offsets to a body, and back.

Camera frame: x right, y down, z forward; head lengths, every root at depth c on the optical axis. Bodies are centred on
their root. 2D poses are `(..., joint, 2)` as `Normalisation` makes them.
"""

from typing import Any

import torch
from torch import Tensor

NEAREST = 1.0
"""No joint comes nearer to the camera than this, in head lengths (equation 1)."""


def lift(poses: Tensor, offsets: Tensor, c: float | Tensor) -> Tensor:
    """Equation 1: `z = max(1, d + c)`, `X = (x z, y z, z)`, here centred on the root.

    Of a root that is itself nearer than one head length, `z = max(c, d + c)`: the bound is never deeper than the root,
    so that the root stays where it is, at depth c exactly. The two agree at c = 1.

    >>> import torch
    >>> poses, offsets = torch.tensor([[0.0, 0.0], [0.1, 0.2]]), torch.tensor([0.0, 0.5])
    >>> lift(poses, offsets, c=10.0)  # the second joint is at depth 10.5
    tensor([[0.0000, 0.0000, 0.0000],
            [1.0500, 2.1000, 0.5000]])
    >>> lift(poses, -offsets, c=0.5)[:, 2]  # nothing comes nearer than the root
    tensor([0., 0.])

    Args:
        poses: (..., joint, 2).
        offsets: (..., joint), depth offsets from the root, head lengths; 0 at the root.
        c: depth of the root, head lengths; (...) where every pose has its own.

    Returns:
        (..., joint, 3), head lengths, relative to the root at (0, 0, c).
    """
    root = _of_joints(c)
    depth = (offsets + root).clamp(min=_nearest(root))
    return torch.cat([poses * depth.unsqueeze(-1), (depth - root).unsqueeze(-1)], dim=-1)


def project(points: Tensor, c: float | Tensor) -> Tensor:
    """The 2D poses (..., joint, 2) of bodies (..., joint, 3) centred on a root at depth c: undoes `lift`.

    >>> import torch
    >>> poses, offsets = torch.tensor([[0.0, 0.0], [0.1, 0.2]]), torch.tensor([0.0, 0.5])
    >>> project(lift(poses, offsets, c=10.0), c=10.0)
    tensor([[0.0000, 0.0000],
            [0.1000, 0.2000]])
    """
    root = _of_joints(c)
    return points[..., :2] / (points[..., 2] + root).clamp(min=_nearest(root)).unsqueeze(-1)


def _of_joints(c: float | Tensor) -> float | Tensor:
    """A depth of every pose (...) as (..., 1), to be added to those of its joints."""
    return c.unsqueeze(-1) if isinstance(c, Tensor) else c


def _nearest(root: float | Tensor) -> Any:
    """The least depth of joints, for roots at a depth."""
    return root.clamp(max=NEAREST) if isinstance(root, Tensor) else min(root, NEAREST)
