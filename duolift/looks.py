"""How large everybody looks, and where."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from duolift.networks.people_lifter import Framed


@dataclass(frozen=True)
class Looks:
    """How everybody looks: what is kept of `Framed` for all frames of a video.

    Attributes:
        valid: (frame, person), who shows enough joints.
        unit: (frame, person), the slope that a head length looks like.
        roots: (frame, person, 2), slopes of the rays to the roots.

    >>> import torch
    >>> one = torch.ones(9, 2)
    >>> Looks(one > 0, one, torch.zeros(9, 2, 2)).unit.shape
    torch.Size([9, 2])
    """

    valid: Tensor
    unit: Tensor
    roots: Tensor

    @classmethod
    def of(cls, framed: Framed) -> Self:
        return cls(framed.valid, framed.unit, framed.roots)
