"""Where up is in a camera's frame: by the camera's tilt and roll, or as a vector.

The tilt is the angle above the horizon, negative where the camera looks down; the roll is how far up leans to the right
in its image.

Camera frame: x right, y down, z forward; radians.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Up:
    """Where up is, scene by scene.

    Attributes:
        tilt, roll: (scene,).
        deviation: (scene,), of the tilt.

    >>> level = Up(torch.zeros(1), torch.zeros(1), torch.ones(1))
    >>> level.vector + 0.0
    tensor([[ 0., -1.,  0.]])
    """

    tilt: Tensor
    roll: Tensor
    deviation: Tensor

    @property
    def vector(self) -> Tensor:
        """Unit vectors (scene, 3)."""
        return direction(self.tilt, self.roll)


def direction(tilt: Tensor, roll: Tensor) -> Tensor:
    """Where up is, (..., 3), for a camera's tilt and roll (...).

    >>> direction(torch.tensor(-torch.pi / 2), torch.tensor(0.0)).round() + 0.0
    tensor([ 0.,  0., -1.])
    """
    return torch.stack([roll.sin() * tilt.cos(), -roll.cos() * tilt.cos(), tilt.sin()], dim=-1)


def roll_by(up: Tensor) -> Tensor:
    """By how much cameras are rolled before which up (..., 3) is there, radians.

    >>> roll_by(torch.tensor([1.0, -1.0, 0.5])).rad2deg()
    tensor(45.)
    """
    return torch.atan2(up[..., 0], -up[..., 1])
