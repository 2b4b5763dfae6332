"""Tracks by people's inertia: the linear system is the one that is meant, and time is in seconds."""

import numpy as np
import pytest

from duolift.motion.inertia import Bends, bending, settled

RANDOM = np.random.default_rng(0)


def dense(values: np.ndarray, precision: np.ndarray, bend: np.ndarray, together: np.ndarray) -> np.ndarray:
    """The same track by a dense system of one track (frame, coordinate)."""
    frames = len(values)
    rows = [
        np.sqrt(bend[t]) * (np.eye(frames)[t - 1] - 2 * np.eye(frames)[t] + np.eye(frames)[t + 1])
        for t in range(1, frames - 1)
        if together[t] and together[t + 1]
    ]
    stiff = np.array(rows).reshape(-1, frames)
    matrix = stiff.T @ stiff + np.diag(precision)
    return np.linalg.solve(matrix, precision[:, None] * values)


def test_tracks_are_the_solutions_of_a_dense_system() -> None:
    values, precision = RANDOM.normal(size=(3, 12, 2)), RANDOM.uniform(1, 5, (3, 12))
    bend, together = RANDOM.uniform(1, 50, (3, 12)), np.ones((3, 12), dtype=bool)
    precision[1, 4:6] = 0  # not seen
    together[2, 7] = False  # seen again after a while
    found = settled(values, precision, bend, together)
    for track in range(3):
        expected = dense(values[track], precision[track], bend[track], together[track])
        np.testing.assert_allclose(found[track], expected, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 3, 50])
def test_straight_lines_stay_and_whoever_nothing_tells_stays_too(frames: int) -> None:
    line = np.linspace(0, 1, frames)[None, :, None] * np.array([1.0, -2.0])
    once = np.ones((1, frames))
    np.testing.assert_allclose(settled(line, once, 100 * once, outliers=True), line, atol=1e-6)
    np.testing.assert_array_equal(settled(line, 0 * once, 0 * once), line)


def test_what_is_far_off_counts_for_little() -> None:
    still, once = np.zeros((1, 30, 2)), np.ones((1, 30))
    still[0, 11] = 100.0
    assert np.abs(settled(still, once, 10 * once, outliers=True)).max() < 3
    assert np.abs(settled(still, once, 10 * once)).max() > 10


def test_a_film_of_half_the_frames_gives_the_same_track() -> None:
    time = np.arange(120) / 60
    measured = np.sin(3 * time)[None, :, None] + RANDOM.normal(0, 0.05, (1, 120, 1))
    tracks = []
    for step in (1, 2):
        some = measured[:, ::step]
        precision = np.full(some.shape[:2], step / 0.05**2)  # half the frames, each told as well as two together
        tracks.append(settled(some, precision, np.full(some.shape[:2], bending(5.0, step / 60)))[:, :: 2 // step])
    assert np.abs(tracks[0] - tracks[1]).mean() < 0.02


def test_frames_that_do_not_come_evenly_bend_a_track_as_their_times_say() -> None:
    steps = RANDOM.uniform(0.01, 0.1, 12)
    time, shares = steps.cumsum(), Bends.of(steps)
    parabola = np.stack([time, 3 * time - 1, np.square(time)], -1)
    bent = shares.first[1:-1, None] * parabola[:-2] - 2 * parabola[1:-1] + shares.last[1:-1, None] * parabola[2:]
    np.testing.assert_allclose(bent[:, :2], 0, atol=1e-12)
    np.testing.assert_allclose(bent[:, 2], 2 * steps[1:-1] * steps[2:], atol=1e-12)


def test_frames_that_were_dropped_leave_a_track_as_it_is() -> None:
    time = np.arange(90) / 30
    measured = np.sin(3 * time)[None, :, None] + RANDOM.normal(0, 0.02, (1, 90, 1))
    there = RANDOM.random(90) > 0.3
    there[[0, -1]] = True
    precision, bend = np.where(there, 0.02**-2, 0.0)[None], np.full((1, 90), bending(5.0, 1 / 30))
    whole = settled(measured, precision, bend)[:, there]
    steps = np.diff(time[there], prepend=0.0)
    some = settled(measured[:, there], precision[:, there], bending(5.0, Bends.of(steps).interval)[None], steps=steps)
    assert np.abs(some - whole).max() < 0.01 < np.abs(measured[:, there] - whole).max()
