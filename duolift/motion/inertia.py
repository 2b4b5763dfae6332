"""Tracks by people's inertia: what moves has a mass, and is not accelerated at will.

A track is the most likely one if what was measured is off by Gaussian noise, and if accelerations are white noise of
some density. That is a fixed-interval Kalman smoother with a constant-velocity model, also known as a spline; here it
is one system of linear equations with five diagonals, which SciPy solves. Being told in seconds, it does the same to a
video of 10 frames a second as to one of 60.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DEGREES_OF_FREEDOM = 4.0
"""Of Student's t distribution, which what was measured is taken to follow where it has outliers: the usual choice."""

ROUNDS = 4
"""Of reweighting for outliers."""


def settled(
    values: Array,
    precision: Array,
    bend: Array,
    together: NDArray[np.bool_] | None = None,
    outliers: bool = False,
    steps: Array | None = None,
) -> Array:
    """The most likely tracks.

    Args:
        values: (track, frame, coordinate), what was measured; anything where `precision` is 0.
        precision: (track, frame), 1 / variance of a coordinate; 0 where nothing was measured.
        bend: (track, frame), 1 / variance of `x[t - 1] - 2 x[t] + x[t + 1]`, or what takes its place where frames do
            not come evenly (`Bends`); see `bending`.
        together: (track, frame), whether a frame goes on from the one before; tracks are independent on either side
            of where it does not. None for whole tracks.
        outliers: some values may be far off, and count for less then.
        steps: (frame,), seconds from the frame before; None where frames come evenly.

    Returns:
        as values; unchanged where a track has nothing around to tell it from.

    >>> measured = np.array([[[0.0], [1.1], [1.9], [3.0], [90.0], [5.0], [6.1]]])
    >>> settled(measured, np.ones((1, 7)), np.full((1, 7), 100.0), outliers=True).round(0).ravel()
    array([-0.,  1.,  2.,  3.,  4.,  5.,  6.])
    """
    from scipy.linalg import solveh_banded  # 0.1 s, which single images need not wait for

    tracks, frames, coordinates = values.shape
    goes_on = np.ones((tracks, frames), dtype=bool) if together is None else together.copy()
    goes_on[:, :1] = False
    middle = np.zeros((tracks, frames))  # of three frames that go on from each other
    middle[:, 1:-1] = np.where(goes_on[:, 1:-1] & goes_on[:, 2:], bend[:, 1:-1], 0.0)
    share = Bends.of(np.ones(frames) if steps is None else steps)
    first, last = share.first * middle, share.last * middle
    stiffness = np.zeros((3, tracks * frames))  # upper form: second and first superdiagonal, diagonal
    stiffness[2] = (np.roll(share.first * first, -1, 1) + 4 * middle + np.roll(share.last * last, 1, 1)).ravel()
    stiffness[1] = -2 * (first + np.roll(last, 1, 1)).ravel()
    stiffness[0] = np.roll(share.first * last, 1, 1).ravel()
    known = np.where((precision > 0)[..., None], values, 0.0).reshape(-1, coordinates)
    weight = measured = precision.ravel().astype(np.float64)
    free = stiffness[2] + weight == 0  # nothing tells these
    track: Array = known
    for _ in range(ROUNDS if outliers else 1):
        matrix = stiffness.copy()
        matrix[2] += weight + np.where(free, 1.0, 1e-9 * stiffness[2])
        track = solveh_banded(matrix, weight[:, None] * known)
        off = np.square(track - known).sum(-1) * measured
        weight = measured * (DEGREES_OF_FREEDOM + coordinates) / (DEGREES_OF_FREEDOM + off)
    return np.where(free[:, None], values.reshape(-1, coordinates), track).reshape(values.shape)


@dataclass(frozen=True)
class Bends:
    """How a track bends at a frame, by where it is in the frames around: `first x[t - 1] - 2 x[t] + last x[t + 1]`.

    That is the change of velocity between the two steps, times `2 / (1 / one + 1 / other)`; where frames come evenly,
    the second difference.

    Attributes:
        first, last: (frame,).
        interval: (frame,), that an even video would have for white accelerations to bend a track as much.

    >>> even = Bends.of(np.full(3, 0.1))
    >>> float(even.first[1]), float(even.last[1]), round(float(even.interval[1]), 6)
    (1.0, 1.0, 0.1)
    >>> uneven, line = Bends.of(np.array([0.1, 0.1, 0.3])), np.array([0.0, 1.0, 4.0])  # a metre every 0.1 s
    >>> float(uneven.first[1] * line[0] - 2 * line[1] + uneven.last[1] * line[2])
    0.0
    """

    first: Array
    last: Array
    interval: Array

    @classmethod
    def of(cls, steps: Array) -> Self:
        """Of frames that come so many seconds after the one before.

        The first and the last frame have no frame on one side, whatever `steps` says there: their values are 1.
        """
        before, after = steps[1:-1], steps[2:]
        both = before + after
        first, last, interval = (np.ones(len(steps)) for _ in range(3))
        first[1:-1], last[1:-1] = 2 * after / both, 2 * before / both
        interval[1:-1] = np.cbrt(both / 2 * np.square(2 * before * after / both))
        return cls(first, last, interval)


def bending(density: float | Array, interval: float | Array) -> Array:
    """1 / variance of a track's second difference, by the density of its accelerations.

    Args:
        density: of white accelerations, squared length over cubed seconds.
        interval: seconds from a frame to the next.

    >>> float(bending(2.0, interval=0.5))
    4.0
    """
    return 1 / (np.asarray(density, dtype=np.float64) * np.asarray(interval, dtype=np.float64) ** 3)
