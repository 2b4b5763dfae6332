"""A film's people, frame by frame, where not every frame has to be looked at.

Films show people more often than they change how they move. So some frames are looked at, and in those between people
are as far on their way from one look to the next as the frame is. Where somebody turns too sharply for that, comes,
goes or is lost, the frames between are looked at as well.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.suppression import distance, extent
from duolift.files.pictures import size_of

LOOKS = 12.0
"""Looks a second, at least, where a film has as many frames."""

BRIDGED = 0.3
"""Seconds between two frames of a film whose rate varies, at most, between which people are on their way as well."""

MOST_BETWEEN = 4
"""Frames between two looks, which are held until the second one."""

SAME = 0.25
"""From look to look somebody's joints move by less than this share of their extent, on the mean."""

STRAIGHT = 0.03
"""A joint may be beside the straight line by this share of its person's extent, 5 cm of somebody who stands. How far
it is, is told by how its velocity changes from look to look. Of couples who dance salsa the worst joint is beside it by
0.4 % at 15 looks a second, and by 1.3 % in one of a hundred moments."""

SURE = 0.5
"""Confidence of the joints by which that is told."""

Picture: TypeAlias = NDArray[np.uint8]
People: TypeAlias = NDArray[np.float64]


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
    people: People


def stride(rate: float) -> int:
    """Of how many of a film's frames one has to be looked at.

    Args:
        rate: frames a second.

    >>> stride(15), stride(23.976), stride(29.97), stride(50), stride(59.94), stride(240)
    (1, 2, 2, 4, 5, 5)
    """
    return min(max(1, int(rate / LOOKS + 0.01)), MOST_BETWEEN + 1)


def bridged(rate: float) -> int:
    """How far apart the numbers of two frames are, at most, between which people are on their way as well.

    Args:
        rate: frames a second.
    """
    return round(BRIDGED * rate)


def moments(numbers: Sequence[int], most: int, unit: int = 1) -> list[int]:
    """The numbers that `watch` gives for frames of some numbers, ascending; other arguments are as there.

    >>> moments([0, 1, 2, 5, 6, 20], most=4)
    [0, 1, 2, 3, 4, 5, 6, 20]
    """
    gaps = ((one, other) for one, other in pairwise(numbers) if unit < other - one <= most)
    return sorted([*numbers, *(at for one, other in gaps for at in range(one + unit, other, unit))])


def watch(
    frames: Iterable[tuple[int, Picture]],
    look: Callable[[Picture], People],
    step: int,
    most: int = 0,
    unit: int = 1,
    last: Watched | None = None,
) -> Iterator[Watched]:
    """Who is in each of a film's frames.

    Args:
        frames: with their numbers, ascending; pictures (row, column, 3), of which `step` and one more are held.
        look: gives the people in a picture, (person, joint, 3).
        step: no more than this are frames apart that are looked at. The first and the last one are, those at both
            sides of a gap in the numbers, and all between two looks from one to the other of which somebody does not
            move `straight`.
        most: where the numbers of two frames are no farther apart than this, numbers that are left out between them are
            given as well, with whoever is in both, on their way.
        unit: what numbers are multiples of.
        last: who was in the frame before the first one, where that is known.

    >>> looked = []
    >>> def look(picture):  # one person, who is where the picture says
    ...     looked.append(int(picture[0, 0, 0]))
    ...     return np.array([[[1.0, 0, 1], [1, 50, 1], [1, 99, 1]]]) * [looked[-1], 1, 1]
    >>> frames = [(number, np.full((48, 64, 3), 3 * number, dtype=np.uint8)) for number in (0, 1, 2, 3, 4, 6)]
    >>> [one.people[0, 0, 0].item() for one in watch(frames, look, step=2, most=3)]
    [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0]
    >>> looked  # between the first two looks as well: nothing tells yet how people move
    [0, 6, 3, 12, 18]
    """
    coming = iter(frames)
    before: Watched | None = None
    waiting: dict[int, Picture] = {}
    frame = next(coming, None)
    while frame is not None:
        (number, picture), following = frame, next(coming, None)
        if last is not None and following is not None and number < last.number + step >= following[0]:
            waiting[number] = picture
        else:
            now = Watched(number, size_of(picture), look(picture))
            if last is not None and number > last.number + unit:
                way = Way.of(last, now)
                everybody = len(way.first) == max(len(last.people), len(now.people))
                sure = everybody and before is not None and straight(before, way)
                for at in range(last.number + unit, number, unit):
                    if at in waiting and not sure:
                        yield Watched(at, now.image, look(waiting[at]))
                    elif at in waiting or number - last.number <= most:
                        yield Watched(at, now.image, way.people(at))
            yield now
            before, last, waiting = last, now, {}
        frame = following


@dataclass(frozen=True)
class Way:
    """The way of everybody from one look to the next.

    Attributes:
        start, end: numbers of the frames.
        first, second: (person, joint, 3), the same people in the same order.
    """

    start: int
    end: int
    first: People
    second: People

    @classmethod
    def of(cls, last: Watched, now: Watched) -> Self:
        """The way of whoever is seen by both looks."""
        here, there = _same(last.people, now.people)
        return cls(last.number, now.number, last.people[here], now.people[there])

    def people(self, number: int) -> People:
        """Where they are in a frame, (person, joint, 3); a joint is as sure as at the look where it is less so.

        >>> pose = np.array([[[0.0, 0.0, 0.9], [0.0, 50.0, 0.9], [0.0, 100.0, 0.9]]])
        >>> Way(7, 9, pose, pose + [2, 0, -0.1]).people(8)[0, 0].round(2).tolist()
        [1.0, 0.0, 0.8]
        """
        people = self.first + (self.second - self.first) * (number - self.start) / (self.end - self.start)
        people[..., 2] = np.minimum(self.first[..., 2], self.second[..., 2])
        return people


def straight(before: Watched, way: Way) -> bool:
    """Whether whoever is on a way was seen by the look before it, and moves on as from there to its start.

    Whose velocity changes by so much from one look to the next is beside the straight line by an eighth of what that
    makes over one of them.

    >>> body = np.array([[[0.0, 0.0, 0.9], [0.0, 50.0, 0.9], [0.0, 100.0, 0.9]]])
    >>> at = lambda number, x: Watched(number, (640.0, 480.0), body + [x, 0, 0])
    >>> straight(at(0, 0), Way.of(at(2, 10), at(4, 20))), straight(at(0, 20), Way.of(at(2, 0), at(4, 20)))
    (True, False)
    """
    earlier, at = _same(before.people, way.first)
    if len(at) < len(way.first):
        return False
    zeroth, first, second = before.people[earlier[at.argsort()]], way.first, way.second
    velocity = (second - first)[..., :2] / (way.end - way.start)
    change = velocity - (first - zeroth)[..., :2] / (way.start - before.number)  # (person, joint, 2)
    beside = np.linalg.norm(change, axis=-1) * (way.end - way.start) / 8  # (person, joint)
    sure = np.minimum(np.minimum(zeroth[..., 2], first[..., 2]), second[..., 2]) > SURE
    sizes = np.array([extent(person) for person in first])[:, None]  # (person, 1)
    return bool((beside <= STRAIGHT * sizes)[sure].all())


def _same(some: People, others: People) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Who is who: the numbers of the same people among some, ascending, and among others."""
    from scipy.optimize import linear_sum_assignment  # 0.3 s, which photographs need not wait for

    apart = np.array([[min(distance(one, other), 1.0) for other in others] for one in some])
    apart = apart.reshape(len(some), len(others))
    rows, columns = linear_sum_assignment(apart)
    same = apart[rows, columns] < SAME
    return rows[same], columns[same]
