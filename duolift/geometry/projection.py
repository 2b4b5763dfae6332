"""Equation 1: from a 2D pose and depth offsets to a 3D body, and back.

Camera frame: x right, y down, z forward, in head lengths. Bodies are centred on their root, which lies at depth c on
the optical axis. 2D poses are `(..., joint, 2)` as `Normalisation` makes them.

The equation is ElePose's, https://arxiv.org/abs/2112.07088, and the paper's, https://arxiv.org/abs/2309.14865.
"""

import torch
from torch import Tensor

NEAREST = 1.0
"""Least depth of a joint, in head lengths (equation 1): no joint is lifted to where the camera is, or behind it."""


def lift(poses: Tensor, offsets: Tensor, c: float | Tensor) -> Tensor:
    """Equation 1, centred on the root: `z = max(1, d + c)`, `X = (x z, y z, z) - (0, 0, c)`.

    Where the root itself is nearer than one head length, the limit is its depth, so that the root stays in its place.

    Args:
        poses: (..., joint, 2).
        offsets: (..., joint), each joint's depth behind the root, d; 0 at the root.
        c: depth of the root, above 0; (...) where every pose has its own.

    Returns:
        (..., joint, 3), relative to the root at (0, 0, c).

    >>> import torch
    >>> poses, offsets = torch.tensor([[0.0, 0.0], [0.1, -0.2]]), torch.tensor([0.0, 0.5])
    >>> lift(poses, offsets, c=5.0)
    tensor([[ 0.0000,  0.0000,  0.0000],
            [ 0.5500, -1.1000,  0.5000]])
    >>> project(lift(poses, offsets, c=5.0), c=5.0)
    tensor([[ 0.0000,  0.0000],
            [ 0.1000, -0.2000]])
    """
    depth = _depth(offsets, c)  # (..., joint)
    return torch.cat([poses * depth.unsqueeze(-1), (depth - _per_joint(c)).unsqueeze(-1)], dim=-1)


def project(points: Tensor, c: float | Tensor) -> Tensor:
    """The inverse of `lift`: 2D poses `(..., joint, 2)` of bodies `(..., joint, 3)` whose roots are at depth c."""
    return points[..., :2] / _depth(points[..., 2], c).unsqueeze(-1)


def _depth(offsets: Tensor, c: float | Tensor) -> Tensor:
    """Depths of joints (..., joint) in front of the camera, no nearer than `NEAREST` or, if that is less, the root."""
    root = _per_joint(c)
    if isinstance(root, Tensor):
        return torch.maximum(offsets + root, root.clamp(max=NEAREST))
    return (offsets + root).clamp(min=min(NEAREST, root))


def _per_joint(c: float | Tensor) -> float | Tensor:
    """Depths of poses (...) so that they broadcast with their joints, (..., 1)."""
    return c.unsqueeze(-1) if isinstance(c, Tensor) else c
