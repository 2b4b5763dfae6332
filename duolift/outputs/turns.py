"""The rotations that turn one direction, or several, into others."""

import roma
import torch
from torch import Tensor

SMALLEST = 1e-9
"""A vector shorter than this has no direction."""


def best_turn(rest: Tensor, aims: Tensor) -> Tensor:
    """The rotations (..., 3, 3) that best turn vectors (vector, 3) into (..., vector, 3)."""
    return roma.special_procrustes(aims.mT @ rest)


def shortest_turn(rest: Tensor, aims: Tensor) -> Tensor:
    """The smallest rotations (..., 3, 3) that turn a vector (3,) the way of (..., 3); none where one has no length."""
    rest, aims = (v / v.norm(dim=-1, keepdim=True).clamp_min(SMALLEST) for v in (rest.expand_as(aims), aims))
    axis, cosine = torch.linalg.cross(rest, aims), (rest * aims).sum(-1, keepdim=True)
    sine = axis.norm(dim=-1, keepdim=True)
    across = torch.linalg.cross(
        rest, torch.eye(3, dtype=rest.dtype)[rest.abs().argmin(-1)]
    )  # where it turns half round
    across = across / across.norm(dim=-1, keepdim=True).clamp_min(SMALLEST)
    axis = torch.where(sine > SMALLEST, axis / sine.clamp_min(SMALLEST), across)
    angle = torch.where(
        rest.norm(dim=-1, keepdim=True) * aims.norm(dim=-1, keepdim=True) > 0.5, torch.atan2(sine, cosine), 0
    )
    return roma.rotvec_to_rotmat(axis * angle)
