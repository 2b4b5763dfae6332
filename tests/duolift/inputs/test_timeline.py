"""Frames at the time of their number, in whatever order a file has them, with bounded memory and bounded filling."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from duolift.inputs.keypoints import FORMATS
from duolift.inputs.people import RawFrame, RawPerson
from duolift.inputs.sequences import Numbering
from duolift.inputs.timeline import LIMITS, in_time, timeline

NAMES = Numbering("v_", ".jpg")
SOMEBODY = (RawPerson(np.ones((17, 2)), np.ones(17), None),)


def frames_of(numbers: Sequence[int]) -> list[RawFrame]:
    return [RawFrame(f"v_{number:03}.jpg", "v", SOMEBODY, FORMATS["coco17"]) for number in numbers]


def timed(numbers: Sequence[int], head: int = 30) -> list[RawFrame]:
    frames = frames_of(numbers)
    return [*in_time(frames[:head], iter(frames[head:]), NAMES, lambda: frames)]


@pytest.mark.parametrize("head", [1, 3, 100])
def test_any_order_with_any_gaps_is_the_order_of_the_numbers(head: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        numbers = sorted(rng.choice(60, 40, replace=False).tolist(), key=str if head > 3 else int)
        found = timed(numbers, head)
        assert [frame.name for frame in found] == [f"v_{n:03}.jpg" for n in range(min(numbers), max(numbers) + 1)]
        assert [bool(frame.people) for frame in found] == [NAMES.number(frame.name) in numbers for frame in found]


def test_frames_without_gaps_are_passed_on_as_they_come() -> None:
    asked = []

    def endless() -> Iterator[RawFrame]:
        for number in range(1, 10**9):
            asked.append(number)
            yield from frames_of([number])

    found = in_time(frames_of([0]), endless(), NAMES, lambda: pytest.fail("gone through twice"))
    assert [next(found).name for _ in range(100)] == [f"v_{n:03}.jpg" for n in range(100)]
    assert len(asked) <= 100


def test_numbers_that_are_there_twice_tell_no_time() -> None:
    assert [frame.name for frame in timed([2, 1, 2])] == ["v_002.jpg", "v_001.jpg", "v_002.jpg"]


def test_numbers_that_are_far_apart_are_not_filled_in() -> None:
    numbers = [0, 1, LIMITS.frames + 100]
    found = timed(numbers)
    assert [NAMES.number(frame.name) for frame in found] == numbers
    assert any("not those of a video's frames at a constant rate" in note for frame in found for note in frame.notes)


@pytest.mark.parametrize(("numbers", "step"), [([0, 4, 8, 20], 4), ([5, 4], 1), ([7], 1), ([0, 4, 8, 9], 1)])
def test_the_step_is_the_smallest_of_which_all_are_multiples(numbers: list[int], step: int) -> None:
    times = timeline(numbers)
    assert times is not None and times.step == step
    assert [*times.numbers] == [*range(min(numbers), max(numbers) + 1, step)]


def test_what_could_not_be_read_is_nobody() -> None:
    frames = frames_of(range(4))
    frames[2] = RawFrame("v_002.jpg", "v", (), FORMATS["coco17"], unread=True)
    found = [*in_time(frames, iter([]), NAMES, lambda: frames)]
    assert [len(frame.people) for frame in found] == [1, 1, 0, 1] and not any(frame.unread for frame in found)


def test_a_frame_that_comes_too_late_stays_and_is_told() -> None:
    found = timed([*range(10, 50), 3], head=30)
    assert [NAMES.number(frame.name) for frame in found] == [*range(10, 50), 3]
    assert "behind those of higher numbers" in found[-1].notes[-1]
