"""People over time, without the trembling of an estimate that is made frame by frame."""

import numpy as np
from numpy.typing import NDArray

REACH = 3.0
"""Standard deviations of the Gaussian at which it is cut off."""


def smoothed(points: NDArray[np.floating], deviation: NDArray[np.floating], frames: float) -> NDArray[np.float32]:
    """The weighted mean of every point over the frames around, by a Gaussian and by how far off it is expected to be.

    What is likely to be wrong in one frame follows the frames in which it is not.

    Args:
        points: (frame, ..., 3); NaN in frames that somebody is not in, which stay so.
        deviation: (frame, ...), how far off each is expected to be; where it is not known, all count alike.
        frames: standard deviation of the Gaussian.

    Returns:
        as points.

    >>> trembling = np.zeros((9, 1, 1, 3))
    >>> trembling[::2, ..., 0] = 0.1
    >>> still = smoothed(trembling, np.ones((9, 1, 1)), frames=2.0)
    >>> round(float(np.ptp(still[..., 0])), 2)
    0.01
    """
    from scipy.ndimage import gaussian_filter1d  # 0.1 s, which single images need not wait for

    there = np.isfinite(points).all(-1)  # (frame, ...)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(np.isfinite(deviation), 1 / np.square(deviation, dtype=np.float64), 1.0)
    weight = np.where(there, np.nan_to_num(weight, posinf=1.0), 0.0)[..., None]

    def over_time(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return gaussian_filter1d(values, frames, axis=0, mode="constant", truncate=REACH)

    known = np.where(there[..., None], points, 0.0).astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean = over_time(weight * known) / over_time(weight)
    return np.where(there[..., None], mean, np.nan).astype(np.float32)
