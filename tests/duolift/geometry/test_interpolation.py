"""Gaps of a track are filled with straight lines, as far as they are asked to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duolift.geometry.interpolation import interpolate_gaps

line = np.arange(10.0)[:, None, None] * np.ones((1, 2, 3))
"""A track (frame, joint, 3) on a straight line."""


def without(*frames: int) -> np.ndarray:
    track = line.copy()
    track[list(frames)] = np.nan
    return track


@given(st.sets(st.integers(1, 8)))
def test_a_straight_line_comes_back_whatever_is_missing_between_its_ends(missing: set[int]) -> None:
    np.testing.assert_allclose(interpolate_gaps(without(*missing)), line, atol=1e-12)


@pytest.mark.parametrize("largest", [0, 1, 2, 3])
def test_longer_gaps_stay_as_a_whole(largest: int) -> None:
    filled = interpolate_gaps(without(1, 3, 4, 6, 7, 8), largest)
    for gap in ((1,), (3, 4), (6, 7, 8)):
        assert np.isfinite(filled[list(gap)]).all() == (len(gap) <= largest)
        assert np.isnan(filled[list(gap)]).all() == (len(gap) > largest)
    np.testing.assert_array_equal(filled[[0, 2, 5, 9]], line[[0, 2, 5, 9]])


@pytest.mark.parametrize("largest", [None, 0])
def test_ends_are_held_or_stay(largest: int | None) -> None:
    track = without(0, 1, 9)
    assert np.isnan(interpolate_gaps(track, largest)[[0, 1, 9]]).all()
    held = interpolate_gaps(track, largest, hold_ends=True)
    np.testing.assert_array_equal(held, line[[2, 2, 2, 3, 4, 5, 6, 7, 8, 8]])


def test_a_frame_with_one_nan_is_missing_as_a_whole() -> None:
    track = line.copy()
    track[4, 1, 2], track[4, 0] = np.nan, 100.0
    np.testing.assert_allclose(interpolate_gaps(track), line)


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 2, 3), (4,), (4, 0)])
def test_nothing_known_gives_nothing(shape: tuple[int, ...]) -> None:
    track = np.full(shape, np.nan)
    for hold in (False, True):
        np.testing.assert_array_equal(interpolate_gaps(track, hold_ends=hold), track)
