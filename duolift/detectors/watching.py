"""A film's people, frame by frame, where not every frame has to be looked at.

Films of many frames a second show people many times while they hardly move. Of these some frames are looked at, and in
those between people are as far on their way from one look to the next as the frame is.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.suppression import distance, extent

LOOKS = 25.0
"""Looks a second, at least. Between two of 30 a second a joint that is accelerated by 5 g is at most 7 mm beside the
straight line."""

SAME = 0.15
"""From look to look somebody's joints move by less than this share of their extent, on the mean (`blazepose.APART`)."""

FARTHEST = 0.3
"""A joint that moves by more from look to look, as a share of the extent, is somewhere else by mistake: 15 m/s."""

NOBODY: NDArray[np.float64] = np.zeros((0, 0, 3))


@dataclass(frozen=True)
class Watched:
    """Who is in a frame.

    Attributes:
        number: of the frame.
        image: width and height, pixels.
        people: (person, joint, 3): x and y in pixels, confidence.
    """

    number: int
    image: tuple[float, float]
    people: NDArray[np.float64]


def stride(rate: float) -> int:
    """Of how many of a film's frames one has to be looked at.

    Args:
        rate: frames a second.

    >>> stride(25), stride(29.97), stride(50), stride(59.94), stride(240)
    (1, 1, 2, 2, 9)
    """
    return max(1, int(rate / LOOKS + 0.01))


def watch(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    look: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    step: int,
) -> Iterator[Watched]:
    """Who is in each of a film's frames.

    Args:
        frames: with their numbers, ascending; pictures (row, column, 3), at most two are held.
        look: gives the people in a picture, (person, joint, 3).
        step: no more than this are frames apart that are looked at. The first and the last one are, and those at both
            sides of a gap in the numbers.

    >>> def look(picture):  # one person, who is where the picture says
    ...     return np.array([[[1.0, 0, 1], [1, 50, 1], [1, 99, 1]]]) * [picture[0, 0, 0], 1, 1]
    >>> frames = [(number, np.full((48, 64, 3), 3 * number, dtype=np.uint8)) for number in range(5)]
    >>> [one.people[0, 0].round(1).tolist() for one in watch(frames, look, step=3)]
    [[0.0, 0.0, 1.0], [3.0, 0.0, 1.0], [6.0, 0.0, 1.0], [9.0, 0.0, 1.0], [12.0, 0.0, 1.0]]
    """
    coming = iter(frames)
    last: Watched | None = None
    waiting: list[Watched] = []
    frame = next(coming, None)
    while frame is not None:
        (number, picture), following = frame, next(coming, None)
        now = Watched(number, (float(picture.shape[1]), float(picture.shape[0])), NOBODY)
        if last is not None and following is not None and number < last.number + step >= following[0]:
            waiting.append(now)
        else:
            now = replace(now, people=look(picture))
            if last is not None:
                yield from (replace(one, people=between(last, now, one.number)) for one in waiting)
            yield now
            last, waiting = now, []
        frame = following


def between(before: Watched, after: Watched, number: int) -> NDArray[np.float64]:
    """People between two looks, (person, joint, 3), who are seen in both.

    A joint is as sure as where it is less so, and not seen where it jumps.

    Args:
        number: of the frame.

    >>> pose = np.array([[[0.0, 0.0, 0.9], [0.0, 50.0, 0.9], [0.0, 100.0, 0.9]]])
    >>> moved = np.concatenate([pose + [300, 0, 0], pose + [2, 0, -0.1]])  # and somebody who has just come
    >>> one, other = Watched(7, (640.0, 480.0), pose), Watched(9, (640.0, 480.0), moved)
    >>> between(one, other, 8).round(2)[:, 0].tolist()
    [[1.0, 0.0, 0.8]]
    """
    from scipy.optimize import linear_sum_assignment  # 0.3 s, which photographs need not wait for

    apart = np.array([[min(distance(one, other), 1.0) for other in after.people] for one in before.people])
    if not apart.size:
        return before.people[:0]
    rows, columns = linear_sum_assignment(apart)
    same = apart[rows, columns] < SAME
    one, other = before.people[rows[same]], after.people[columns[same]]
    share = (number - before.number) / (after.number - before.number)
    people = one + share * (other - one)
    sizes = np.array([extent(person) for person in one])
    near = np.linalg.norm(other[..., :2] - one[..., :2], axis=-1) <= FARTHEST * sizes[:, None]
    people[..., 2] = np.minimum(one[..., 2], other[..., 2]) * near
    return people
