"""Gaps in a track of points over time."""

import math

import numpy as np
from numpy.typing import NDArray


def interpolate_gaps(
    track: NDArray[np.floating], largest_gap: int | None = None, hold_ends: bool = False
) -> NDArray[np.float64]:
    """Fill the gaps of a track with straight lines from where it stops to where it goes on.

    Args:
        track: (frame, ...), NaN where a frame is missing; a frame with any NaN in it is missing as a whole.
        largest_gap: frames; longer gaps stay NaN. None fills all gaps.
        hold_ends: repeat the first position before the track begins, and the last one after it ends; otherwise they
            stay NaN.

    Returns:
        The same shape; a track without any frame stays NaN.

    >>> interpolate_gaps(np.array([np.nan, 1.0, np.nan, 3.0, np.nan, np.nan, 9.0]), largest_gap=1)
    array([nan,  1.,  2.,  3., nan, nan,  9.])
    >>> interpolate_gaps(np.array([np.nan, 1.0, np.nan, 3.0]), hold_ends=True)
    array([1., 1., 2., 3.])
    """
    count, frames = len(track), np.arange(len(track))
    columns = np.asarray(track, np.float64).reshape(count, math.prod(track.shape[1:]))  # (frame, number)
    known = np.isfinite(columns).all(-1)
    filled = np.full_like(columns, np.nan)
    if known.any():
        for column in range(columns.shape[1]):
            filled[:, column] = np.interp(frames, frames[known], columns[known, column])
        before = np.maximum.accumulate(np.where(known, frames, -1))  # the last known frame, -1 for none
        after = np.minimum.accumulate(np.where(known, frames, count)[::-1])[::-1]  # the next known frame
        outside = (before < 0) | (after == count)
        too_long = (after - before - 1 > largest_gap) & ~outside if largest_gap is not None else np.zeros(count, bool)
        filled[too_long | (outside if not hold_ends else False)] = np.nan
    return filled.reshape(track.shape)
