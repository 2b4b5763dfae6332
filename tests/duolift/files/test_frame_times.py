"""Times of frames become a rate and numbers that stay right over hours."""

import numpy as np
import pytest

from duolift.files.frame_times import FRAME_TIMES, frame_numbers, frame_rate

NTSC = 30000 / 1001


@pytest.mark.parametrize("rate", [10.0, 24000 / 1001, 25.0, NTSC, 60.0, 240.0])
@pytest.mark.parametrize("units", [1000, 600, 90000], ids=lambda units: f"1/{units}s")
def test_rounded_times_of_an_hour_are_numbered_without_a_gap(rate: float, units: int) -> None:
    times = np.round(np.arange(3600 * rate) / rate * units) / units
    found = frame_rate(times.tolist())
    assert found == pytest.approx(rate, rel=1e-5)
    assert frame_rate(times.tolist(), said=rate) == rate
    assert (frame_numbers(times.tolist(), rate) == np.arange(len(times))).all()


def test_frames_that_are_left_out_leave_out_their_numbers() -> None:
    kept = np.flatnonzero(np.random.default_rng(0).random(2000) < 0.8)
    times = np.round(kept / 30 * 1000) / 1000
    rate = frame_rate(times.tolist())
    assert rate == pytest.approx(30, rel=1e-4)
    assert (frame_numbers(times.tolist(), rate or 0) == kept - kept[0]).all()


def test_wrong_words_on_the_rate_do_not_count() -> None:
    assert frame_rate([0, 0.1, 0.2, 0.3], said=1000) == 10


def test_of_frames_closer_than_a_step_the_first_counts() -> None:
    times = [*np.arange(10) / 30, *(10 / 30 + np.arange(4) / 240)]
    assert frame_rate(times) == pytest.approx(30)
    assert frame_numbers(times, 30).tolist() == [*range(11), -1, -1, -1]


def test_a_cut_takes_one_step() -> None:
    jump = FRAME_TIMES.longest + 1
    assert frame_numbers([0, 0.1, 0.1 + jump, 0.2 + jump], 10).tolist() == [0, 1, 2, 3]


def test_no_frame_and_one_frame() -> None:
    assert frame_rate([]) is None and frame_rate([4.0], said=50) == 50
    assert frame_numbers([], 25).tolist() == [] and frame_numbers([4.0], 25).tolist() == [0]
