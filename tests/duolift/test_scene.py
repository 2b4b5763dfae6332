"""The scene's coordinates: upright, on the ground, and the camera's again."""

from dataclasses import replace

import numpy as np
import pytest

from duolift.body.skeleton import PAPER19
from duolift.example import example_scene
from duolift.scene import PER_PERSON, Scene, to_camera, world_axes

DOWN = (0.0, 0.0, -1.0)
"""Up, for a camera that looks straight down."""


def test_people_stand_upright_on_the_ground_before_the_camera() -> None:
    scene = example_scene().world()
    first = scene[0, 0]
    assert first[PAPER19.index("pelvis")] == pytest.approx([0, 0.95, -4], abs=1e-5)
    assert first[PAPER19.index("head_top"), 1] == pytest.approx(1.72, abs=1e-5)
    assert first[PAPER19.index("left_hip"), 0] > first[PAPER19.index("right_hip"), 0], "who faces the camera"


@pytest.mark.parametrize("up", [(0, -0.8, -0.6), (0.6, -0.8, 0), DOWN, (0, 0, 1), (0, -1, 0)])
def test_axes_are_a_rotation_and_there_is_a_way_back(up: tuple[float, float, float]) -> None:
    axes = world_axes(np.array([up]))
    assert axes[0] @ axes[0].T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(axes[0]) == pytest.approx(1)
    assert axes[0, 1] == pytest.approx(up)
    points = np.random.default_rng(0).normal(size=(1, 2, 5, 3))
    back = to_camera(points @ axes[0].T + (0, 1.5, 0), np.array([up]), np.array([1.5]))
    assert back == pytest.approx(points, abs=1e-6)


def test_who_is_absent_is_nan_in_either_frame_of_coordinates() -> None:
    scene = example_scene()
    assert scene.valid.tolist() == [[True, True], [True, False], [True, True], [True, True]]
    assert np.isnan(scene.world()[1, 1]).all()


def test_parts_of_a_video_follow_each_other() -> None:
    whole = example_scene()
    other = replace(example_scene(), identities=(2, 7), notes=("people cross",))
    joined = Scene.concatenate([whole, other, whole.select([1])])
    assert joined.identities == (1, 2, 7) and len(joined.names) == 12 and joined.notes == (*whole.notes, "people cross")
    for name in PER_PERSON:
        values = getattr(joined, name)
        np.testing.assert_array_equal(values[:4, :2], getattr(whole, name))
        np.testing.assert_array_equal(values[4:8, 1:], getattr(other, name))
        np.testing.assert_array_equal(values[8:, 1], getattr(whole, name)[:, 1])
    assert joined.valid[:, 0].tolist() == [True] * 4 + [False] * 8
    assert (joined.confidence[4:, 0] == 0).all() and not joined.seen[4:, 0].any()


def test_short_gaps_are_bridged_in_a_straight_line() -> None:
    scene = example_scene()
    bridged = scene.interpolated(1)
    for name in ("people", "by_paper"):
        before, after = getattr(scene, name), getattr(bridged, name)
        np.testing.assert_allclose(after[1, 1], (before[0, 1] + before[2, 1]) / 2, rtol=1e-5)
        np.testing.assert_array_equal(after[[0, 2, 3]], before[[0, 2, 3]])
    assert bridged.valid.all() and bridged.confidence[1, 1] == 0 and not bridged.seen[1, 1].any()
    assert not scene.interpolated(0).valid[1, 1]
    ends = replace(scene, people=np.where(np.arange(4)[:, None, None, None] < 2, np.nan, scene.people))
    assert ends.interpolated(9).valid.tolist() == ends.valid.tolist()
