"""People of a film are looked for where they have just been, and everywhere now and then."""

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.following import FRAMES, Following, for_a_film

PICTURE = np.zeros((48, 64, 3), dtype=np.uint8)


BODY = np.stack([np.linspace(0, 40, 17), np.linspace(0, 200, 17), np.full(17, 0.9)], axis=-1)
"""(joint, 3)"""


class Counting:
    """A detector that keeps which way it was asked: people stand side by side, and are a pixel farther every time.

    Args:
        people: how many there are.
        lost: the time at which nobody is found where they were.
        hidden: the time at which the last one is not found in the whole picture.
    """

    name, joints = "counting", "coco17"

    def __init__(self, people: int = 2, lost: int | None = None, hidden: int | None = None) -> None:
        self.people, self.lost, self.hidden, self.asked = people, lost, hidden, ""

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.asked += "d"
        count = self.people - (len(self.asked) == self.hidden)
        places = 300 * np.arange(count)[:, None, None] * [1, 0, 0] + [len(self.asked), 0, 0]
        return (BODY + places).astype(np.float32)

    def follow(self, picture: NDArray[np.uint8], people: NDArray[np.float32]) -> NDArray[np.float32] | None:
        self.asked += "f"
        return None if len(self.asked) == self.lost else people + np.array([1, 0, 0], dtype=np.float32)


def looked(detector: Counting, frames: int) -> list[NDArray[np.float32]]:
    film = for_a_film(detector)
    return [film.detect(PICTURE) for _ in range(frames)]


def test_everybody_is_looked_for_everywhere_now_and_then() -> None:
    detector = Counting()
    found = looked(detector, 2 * FRAMES)
    assert detector.asked == 2 * ("d" + "f" * (FRAMES - 1))
    assert [one[0, 0, 0] for one in found] == [*range(1, 2 * FRAMES + 1)]  # each from the one before


def test_frames_that_are_left_out_count() -> None:
    """Whoever comes into a film is found as soon, however many of its frames are looked at."""
    detector = Counting()
    film = for_a_film(detector, every=2)
    for _ in range(4):
        film.detect(PICTURE)
    assert FRAMES == 5 and detector.asked == "dfdf"
    assert for_a_film(detector, every=3) is detector


def test_where_somebody_is_lost_the_whole_picture_is_looked_at() -> None:
    detector = Counting(lost=3)
    looked(detector, 4)
    assert detector.asked == "dffdf"


def test_who_is_not_found_in_the_whole_picture_is_looked_for_where_they_were() -> None:
    detector = Counting(hidden=FRAMES + 1)
    found = looked(detector, FRAMES + 2)
    assert detector.asked == "d" + "f" * (FRAMES - 1) + "df" + "f"
    assert [len(one) for one in found] == [2] * (FRAMES + 2)
    assert found[FRAMES][1, 0, 0] == 300 + FRAMES + 1, "a pixel on from where they were"


def test_who_is_neither_found_nor_where_they_were_is_gone() -> None:
    detector = Counting(hidden=FRAMES + 1, lost=FRAMES + 2)
    assert [len(one) for one in looked(detector, FRAMES + 2)] == [2] * FRAMES + [1, 1]


def test_nobody_is_not_followed() -> None:
    detector = Counting(people=0)
    looked(detector, 3)
    assert detector.asked == "ddd"


def test_films_have_nothing_to_do_with_each_other() -> None:
    detector = Counting()
    for _ in range(2):
        looked(detector, 2)
    assert detector.asked == "dfdf"
    one = for_a_film(detector)
    assert isinstance(one, Following) and (one.name, one.joints) == (detector.name, detector.joints)
