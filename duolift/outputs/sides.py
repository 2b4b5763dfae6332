"""From which side people hide each other less, for a picture of a scene as a whole. The page chooses by the same rule
(`page/space.js`)."""

import numpy as np
from numpy.typing import NDArray

APART = 0.6
"""Metres between two people from which neither hides the other."""

FRAMES = 200
"""At most about so many of a sequence's frames are asked."""


def clearer_side(roots: NDArray[np.floating], yaw: float) -> float:
    """The angle itself, a view from the camera's right, or its opposite where people hide each other less from there.

    Args:
        roots: (frame, person, 3), where people are in the scene's world; NaN where somebody is not there.
        yaw: radians.

    >>> one_behind_the_other = np.array([[[0.0, 1.0, -3.0], [-0.5, 1.0, -4.0]]])
    >>> clearer_side(one_behind_the_other, 0.5)
    -0.5
    """
    some = roots[:: max(1, len(roots) // FRAMES)]
    return -yaw if _apart(some, -yaw) > _apart(some, yaw) else yaw


def _apart(roots: NDArray[np.floating], yaw: float) -> float:
    """How far apart the nearest two people look from there, metres, summed over frames."""
    across = np.sort(np.cos(yaw) * roots[..., 0] - np.sin(yaw) * roots[..., 2], axis=1)  # NaN last
    gaps = np.nan_to_num(np.diff(across, axis=1), nan=APART)
    return float(gaps.min(axis=1, initial=APART).sum())
