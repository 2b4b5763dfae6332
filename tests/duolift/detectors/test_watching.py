"""Of films of many frames a second some are looked at, and in those between people are on their way."""

import numpy as np
import pytest
from numpy.typing import NDArray

from duolift.detectors.watching import Watched, between, stride, watch

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


def watched(eyes: Eyes, step: int) -> list[Watched]:
    return [*watch(((number, np.full((48, 64, 3), number, np.uint8)) for number in eyes.people), eyes, step)]


@pytest.mark.parametrize(
    ("numbers", "step", "looked"),
    [
        (range(5), 1, [0, 1, 2, 3, 4]),
        (range(5), 2, [0, 2, 4]),
        (range(6), 2, [0, 2, 4, 5]),
        (range(8), 3, [0, 3, 6, 7]),
        ([0, 1, 2, 3, 40, 41, 42, 43], 2, [0, 2, 3, 40, 42, 43]),
        ([0, 1, 3, 4, 5, 7], 2, [0, 1, 3, 5, 7]),
        ([5], 2, [5]),
        ([], 2, []),
    ],
)
def test_no_two_looks_are_farther_apart_than_asked_where_there_are_frames(
    numbers: list[int], step: int, looked: list[int]
) -> None:
    eyes = Eyes({number: at(10 + number) for number in numbers})
    found = watched(eyes, step)
    assert eyes.looked == looked
    assert [one.number for one in found] == [*numbers] and {one.image for one in found} <= {(64.0, 48.0)}
    for one in found:
        np.testing.assert_allclose(one.people, at(10 + one.number), atol=1e-12)


def test_who_is_who_is_told_by_where_people_are() -> None:
    eyes = Eyes({0: at(0, 300), 1: at(), 2: at(302, 2)})
    np.testing.assert_allclose(watched(eyes, 2)[1].people, at(1, 301))


def test_who_comes_or_goes_does_so_at_a_look() -> None:
    eyes = Eyes({0: at(0), 1: at(), 2: at(0, 300), 3: at(), 4: at(300), 5: at(), 6: at()})
    assert [len(one.people) for one in watched(eyes, 2)] == [1, 1, 2, 1, 1, 0, 0]


def test_a_joint_that_jumps_is_not_seen_between() -> None:
    """As where a detector takes left for right; and no joint is surer than at either look."""
    jumped = at(0)
    jumped[0, 3, 0] += 100
    jumped[0, 5, 2] = 0.4
    people = between(Watched(0, (64.0, 48.0), at(0)), Watched(2, (64.0, 48.0), jumped), 1)
    assert people[0, 3, 2] == 0 and people[0, 5, 2] == 0.4 and (np.delete(people[0, :, 2], [3, 5]) == 0.9).all()


@pytest.mark.parametrize(
    ("rate", "step"), [(10, 1), (24, 1), (30, 1), (48, 1), (50, 2), (60000 / 1001, 2), (60, 2), (120, 4), (240, 9)]
)
def test_a_film_is_looked_at_25_times_a_second_or_more(rate: float, step: int) -> None:
    assert stride(rate) == step
