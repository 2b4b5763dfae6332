"""When the frames of a film are shown: seconds as the file has them, and numbers on a grid of equal steps.

Some films have a frame every so many milliseconds, rounded; telephones leave frames out where they are busy, and a
recording of a screen has one wherever something changes. What looks at a film over time needs frames that follow each
other by equal steps. So a frame's number is that of the step in which it is shown: numbers are left out where the film
has no frame, and of two frames in one step the first counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FrameTimeSettings:
    """How times become numbers.

    Attributes:
        near: an interval is a whole number of steps where it differs from that by less than this, steps.
        rounds: in which the step is refined.
        same: a film's own word on its rate counts where it differs from the frames' by less than this, of itself.
        longest: seconds from one frame to the next that are taken for time that passed; more is a cut, or a damaged
            time, after which the next frame follows at once.
    """

    near: float = 0.4
    rounds: int = 3
    same: float = 1e-3
    longest: float = 10.0


FRAME_TIMES = FrameTimeSettings()


def frame_rate(times: Sequence[float], said: float | None = None) -> float | None:
    """Frames a second of the grid that most of a film's frames are on; None where there are no two frames.

    Args:
        times: seconds, ascending.
        said: frames a second by the film's own word.

    >>> frame_rate([0.0, 0.033, 0.067, 0.1])  # milliseconds, rounded
    30.0
    >>> frame_rate([0.0, 0.04, 0.08, 0.2, 0.24])  # two are left out
    25.0
    >>> frame_rate([0.0, 0.0333667, 0.0667334], said=30000 / 1001)
    29.97002997002997
    """
    intervals = np.diff(np.asarray(times, dtype=np.float64))
    intervals = intervals[(intervals > 0) & (intervals <= FRAME_TIMES.longest)]
    if not len(intervals):
        return said
    step = float(np.quantile(intervals, 0.5, method="lower"))
    for _ in range(FRAME_TIMES.rounds):
        steps = np.rint(intervals / step)
        near = (steps >= 1) & (np.abs(intervals - steps * step) < FRAME_TIMES.near * step)
        step = float(intervals[near].sum() / steps[near].sum()) if near.any() else step
    found = 1 / step
    if said is not None and abs(said - found) < FRAME_TIMES.same * found:
        return said
    return round(found, 6)


def frame_numbers(times: Sequence[float], rate: float) -> NDArray[np.int64]:
    """The number of each frame, from 0 for the first; -1 for one in whose step there is another before it.

    Args:
        times: (frame,), seconds, ascending.
        rate: frames a second.

    >>> frame_numbers([0.5, 0.533, 0.6, 0.605, 0.633], rate=30.0)
    array([ 0,  1,  3, -1,  4])
    """
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    intervals = np.diff(np.asarray(times, dtype=np.float64), prepend=times[0])
    intervals[intervals > FRAME_TIMES.longest] = 1 / rate
    numbers = np.rint(np.cumsum(intervals) * rate).astype(np.int64)
    return np.where(np.diff(numbers, prepend=-1) > 0, numbers, -1)
