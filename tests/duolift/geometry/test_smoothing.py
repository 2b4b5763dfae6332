"""Smoothing over time: what stands still does so, what moves still moves, and nobody appears who was not there."""

import numpy as np
import pytest

from duolift.geometry.smoothing import smoothed

RANDOM = np.random.default_rng(0)


def alike(points: np.ndarray) -> np.ndarray:
    return np.ones(points.shape[:-1])


def test_what_stands_still_stays_where_it_is() -> None:
    points = np.broadcast_to(RANDOM.normal(size=(2, 19, 3)), (20, 2, 19, 3))
    np.testing.assert_allclose(smoothed(points, alike(points), 2.0), points, atol=1e-6)


def test_trembling_is_taken_out_and_movement_is_left() -> None:
    time = np.arange(60)[:, None, None, None] / 30
    moving = np.concatenate([0.2 * np.sin(2 * np.pi * time), time, 0 * time], -1)  # a swing of a second
    noisy = moving + 0.02 * RANDOM.normal(size=moving.shape)
    found = smoothed(noisy, alike(noisy), 2.0)
    before, after = (np.linalg.norm(np.diff(x - moving, 2, axis=0), axis=-1).mean() for x in (noisy, found))
    assert after < 0.1 * before
    off, was_off = (np.abs(x - moving)[6:-6] for x in (found, noisy))
    assert off.max() < 0.06 and off.mean() < was_off.mean()


def test_frames_that_are_likely_to_be_wrong_follow_the_others() -> None:
    points = np.zeros((11, 1, 1, 3))
    points[5] = 1.0
    deviation = alike(points)
    deviation[5] = 10.0
    assert smoothed(points, deviation, 1.0).max() < 0.01 < smoothed(points, alike(points), 1.0).max()


@pytest.mark.parametrize("deviation", [np.nan, 0.0])
def test_where_it_is_not_known_how_wrong_all_count_alike(deviation: float) -> None:
    points = RANDOM.normal(size=(12, 2, 5, 3))
    np.testing.assert_array_equal(
        smoothed(points, np.full(points.shape[:-1], deviation), 1.5), smoothed(points, alike(points), 1.5)
    )


def test_who_is_absent_stays_so_and_decides_nothing() -> None:
    points = RANDOM.normal(size=(12, 2, 5, 3))
    points[4:7, 1] = np.nan
    found = smoothed(points, alike(points), 1.0)
    assert np.array_equal(np.isnan(found), np.isnan(points))
    np.testing.assert_allclose(found[:, 0], smoothed(points[:, :1], alike(points[:, :1]), 1.0)[:, 0])
    assert np.isfinite(found[[3, 7], 1]).all()


@pytest.mark.parametrize("shape", [(0, 2, 5, 3), (3, 0, 5, 3), (1, 2, 5, 3)])
def test_short_and_empty_videos_are_as_long_as_before(shape: tuple[int, ...]) -> None:
    points = RANDOM.normal(size=shape)
    found = smoothed(points, alike(points), 2.0)
    assert found.shape == shape and found.dtype == np.float32
    if shape[0] == 1:
        np.testing.assert_allclose(found, points, atol=1e-6)
