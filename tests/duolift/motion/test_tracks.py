"""Keypoints over time: noise, outliers and joints missed for a moment do not get any further."""

import numpy as np
import pytest

from duolift.motion import keypoints
from duolift.motion.keypoints import GAP, tracked

RATE, SIZE = 30.0, 100.0
FRAMES, JOINTS = 60, 19


def walking(people: int = 2) -> np.ndarray:
    """Joints that swing, (frame, person, joint, 2), pixels."""
    phase = np.arange(JOINTS)[:, None] + np.array([0.0, 1.0])
    time = np.arange(FRAMES)[:, None, None, None] / RATE
    return 400 + 60 * time + 30 * np.sin(4 * time + phase) + np.zeros((FRAMES, people, JOINTS, 2))


def seen(people: int = 2) -> np.ndarray:
    return np.ones((FRAMES, people, JOINTS), dtype=bool)


def sizes(people: int = 2) -> np.ndarray:
    return np.full((FRAMES, people), SIZE)


def test_noise_that_changes_from_frame_to_frame_is_taken_off_and_told() -> None:
    true, random = walking(), np.random.default_rng(0)
    found = tracked(true + random.normal(0, 2, true.shape), seen(), sizes(), 0.02, 1 / RATE)
    assert np.abs(found.pixels - true).mean() < 0.6 * np.abs(random.normal(0, 2, true.shape)).mean()
    assert (found.noise < 0.014).all()
    constant = tracked(true + 2, seen(), sizes(), 0.02, 1 / RATE)  # as wrong, but always alike
    np.testing.assert_allclose(constant.noise, 0.02, rtol=0.05)


def test_who_swaps_a_joint_for_a_frame_is_not_believed() -> None:
    wrong = walking()
    wrong[20, 0, 7] += 150
    found = tracked(wrong, seen(), sizes(), 0.02, 1 / RATE)
    assert np.abs(found.pixels - walking()).max() < 6


def test_joints_missed_for_a_moment_are_known_and_others_are_not() -> None:
    visible, short = seen(), round(GAP * RATE)
    visible[10 : 10 + short, 0, 3] = visible[30 : 30 + short + 1, 1, 4] = False
    visible[:5, 0, 8] = False  # not seen before
    found = tracked(np.where(visible[..., None], walking(), np.nan), visible, sizes(), 0.02, 1 / RATE)
    assert found.visible[10 : 10 + short, 0, 3].all()
    assert np.abs(found.pixels[10 : 10 + short, 0, 3] - walking()[10 : 10 + short, 0, 3]).max() < 2
    assert not found.visible[30 : 30 + short + 1, 1, 4].any() and not found.visible[:5, 0, 8].any()
    assert np.isfinite(found.pixels[found.visible]).all()


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_exact_joints_and_single_frames_stay(noise: float) -> None:
    frames = slice(None) if noise == 0 else slice(0, 1)
    found = tracked(walking()[frames], seen()[frames], sizes()[frames], noise, 1 / RATE)
    np.testing.assert_array_equal(found.pixels, walking()[frames])
    np.testing.assert_array_equal(found.noise, np.full_like(sizes()[frames], noise))


def test_people_do_not_change_each_other_and_may_be_away() -> None:
    random = np.random.default_rng(1)
    pixels, visible, size = walking() + random.normal(0, 2, walking().shape), seen(), sizes()
    visible[:30, 1], size[:30, 1] = False, np.nan
    together = tracked(pixels, visible, size, 0.02, 1 / RATE)
    alone = tracked(pixels[:, :1], visible[:, :1], size[:, :1], 0.02, 1 / RATE)
    np.testing.assert_allclose(together.pixels[:, 0], alone.pixels[:, 0], atol=1e-6)
    assert not together.visible[:30, 1].any() and np.isfinite(together.noise).all()


def test_a_few_joints_at_a_time_are_as_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = walking() + np.random.default_rng(0).normal(0, 2, walking().shape)
    there = seen()
    there[10:12, 0, 5] = False
    together = tracked(noisy, there, sizes(), 0.02, 1 / RATE)
    monkeypatch.setattr(keypoints, "AT_ONCE", 3 * FRAMES)
    few = tracked(noisy, there, sizes(), 0.02, 1 / RATE)
    np.testing.assert_allclose(few.pixels, together.pixels, atol=1e-9)
    np.testing.assert_array_equal(few.visible, together.visible)
    np.testing.assert_allclose(few.noise, together.noise, rtol=1e-12)
