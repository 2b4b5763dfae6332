"""The level axes of a camera: its frame without pitch and roll, for NumPy arrays and PyTorch tensors alike.

Camera frame: x right, y down, z forward. The level frame keeps the camera's heading and turns its y axis straight down.
Nothing is imported here, so that scene files can be read without PyTorch.
"""

from types import ModuleType
from typing import Any

VERTICAL = 1e-6
"""Sine of the angle between the optical axis and the vertical below which a camera looks straight up or down."""


def level_axes(up: Any, xp: ModuleType) -> Any:
    """The level frame's right, down and ahead as rows, in camera coordinates.

    A camera that looks straight up or down has no heading: its own x axis is taken for `right`. Gradients are finite
    there too (they are zero for `right`).

    Args:
        up: (..., 3), unit vectors in camera coordinates.
        xp: `numpy` or `torch`, whichever `up` belongs to.

    Returns:
        (..., 3, 3), rotations that turn `up` to -y.

    >>> import numpy as np
    >>> level_axes(np.array([0.0, -0.8, -0.6]), np).round(3)  # pitched down by 37 degrees
    array([[ 1. ,  0. ,  0. ],
           [-0. ,  0.8,  0.6],
           [ 0. , -0.6,  0.8]])
    """
    x, y, z = up[..., 0], up[..., 1], up[..., 2]  # (...)
    squared = x * x + y * y
    vertical = squared < VERTICAL**2
    length = xp.where(vertical, xp.ones_like(squared), squared) ** 0.5  # the root of 0 has no gradient
    right_x = xp.where(vertical, xp.ones_like(x), -y / length)  # z cross up, which is horizontal
    right_y = xp.where(vertical, xp.zeros_like(x), x / length)
    right = xp.stack([right_x, right_y, xp.zeros_like(x)], -1)
    ahead = xp.stack([-right_y * z, right_x * z, right_y * x - right_x * y], -1)  # right cross down
    return xp.stack([right, -up, ahead], -2)
