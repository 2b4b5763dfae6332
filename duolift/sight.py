"""Where everybody's joints are seen, over time."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Sight:
    """Where everybody's joints are seen, once frames were looked at together.

    Attributes:
        rays: (frame, person, joint, 2), slopes.
        visible: (frame, person, joint).
        noise: (frame, person), what is left of the joints' deviation, head lengths.

    >>> import torch
    >>> Sight(torch.zeros(9, 2, 19, 2), torch.ones(9, 2, 19, dtype=torch.bool), torch.zeros(9, 2)).noise.shape
    torch.Size([9, 2])
    """

    rays: Tensor
    visible: Tensor
    noise: Tensor
