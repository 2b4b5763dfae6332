"""Of a film's frames some are looked at, and in those between people are on their way from one look to the next."""

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from duolift.detectors.watching import Watched, stride, watch

BODY = np.stack([np.linspace(0, 40, 17), np.linspace(0, 200, 17), np.full(17, 0.9)], axis=-1)
"""(joint, 3)"""


def at(*columns: float) -> NDArray[np.float64]:
    """People at places across the picture, (person, joint, 3)."""
    return np.stack([BODY + np.array([column, 0, 0]) for column in columns]) if columns else np.zeros((0, 17, 3))


class Eyes:
    """Sees the people of each frame, whose number is in its pixels."""

    def __init__(self, people: dict[int, NDArray[np.float64]]) -> None:
        self.people = people
        self.looked: list[int] = []

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.float64]:
        self.looked.append(int(picture[0, 0, 0]))
        return self.people[self.looked[-1]]

    def watch(self, step: int) -> list[Watched]:
        return [*watch(((number, np.full((48, 64, 3), number, np.uint8)) for number in self.people), self, step)]


@pytest.mark.parametrize(
    ("numbers", "step", "between"),
    [
        (range(5), 1, []),
        (range(7), 2, [3, 5]),
        (range(8), 2, [3, 5]),
        (range(12), 3, [4, 5, 7, 8, 10]),
        ([0, 1, 2, 3, 4, 40, 41, 42, 43, 44], 2, [3, 41, 43]),
        ([0, 1, 3, 4, 5, 7], 2, [4]),
        ([5], 2, []),
        ([], 2, []),
    ],
)
def test_who_moves_evenly_is_where_they_would_be_between_two_looks(
    numbers: Iterable[int], step: int, between: list[int]
) -> None:
    """The first frames are all looked at; so are the last one and those at both sides of a gap."""
    eyes = Eyes({number: at(10 + number) for number in numbers})
    found = eyes.watch(step)
    assert [one.number for one in found] == [*numbers] and {one.image for one in found} <= {(64.0, 48.0)}
    assert sorted(eyes.looked) == [number for number in numbers if number not in between]
    for one in found:
        np.testing.assert_allclose(one.people, at(10 + one.number), atol=1e-12)


def test_who_is_who_is_told_by_where_people_are() -> None:
    eyes = Eyes({number: at(number, 300) if number % 4 else at(300, number) for number in range(9)})
    found = eyes.watch(2)
    assert eyes.looked == [0, 2, 1, 4, 6, 8]
    for one in found:
        np.testing.assert_allclose(np.sort(one.people[:, 0, 0]), [one.number, 300])


@pytest.mark.parametrize("far", [20.0, 60.0])
def test_where_somebody_turns_sharply_all_frames_are_looked_at(far: float) -> None:
    """A hand, waved: at the highest point it is beside the line from look to look by an eighth of the turn."""
    waving = {number: at(0, 300) for number in range(13)}
    for number in range(4, 9):
        waving[number][1, 9, 0] += far * (1 - abs(number - 6) / 2)
    eyes = Eyes(waving)
    found = eyes.watch(2)
    assert ({5, 7, 9} <= {*eyes.looked}) == (far == 60)
    off = [np.abs(one.people - waving[one.number]).max() for one in found]
    assert max(off) < 1e-9


def test_a_joint_that_is_not_sure_may_jump() -> None:
    jumping = {number: at(0) for number in range(9)}
    for number in (2, 6):
        jumping[number][0, 9] = 90, 10, 0.3
    eyes = Eyes(jumping)
    found = eyes.watch(2)
    assert eyes.looked == [0, 2, 1, 4, 6, 8]
    assert [one.people[0, 9, 2] for one in found[2:]] == [0.3, 0.3, 0.9, 0.3, 0.3, 0.3, 0.9]


def test_where_somebody_comes_or_goes_all_frames_are_looked_at() -> None:
    eyes = Eyes({number: at(0, 300) if 3 <= number < 9 else at(0) for number in range(15)})
    found = eyes.watch(2)
    assert [len(one.people) for one in found] == [1] * 3 + [2] * 6 + [1] * 6
    assert sorted(eyes.looked) == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14]


def test_nobody_is_nobody_between() -> None:
    eyes = Eyes({number: at() for number in range(7)})
    assert [len(one.people) for one in eyes.watch(2)] == [0] * 7 and eyes.looked == [0, 2, 1, 4, 6]


@pytest.mark.parametrize(
    ("rate", "step"),
    [(10, 1), (23.976, 2), (24, 2), (25, 2), (30000 / 1001, 2), (48, 4), (50, 4), (60000 / 1001, 5), (60, 5), (240, 5)],
)
def test_a_film_is_looked_at_twelve_times_a_second_or_more(rate: float, step: int) -> None:
    assert stride(rate) == step
