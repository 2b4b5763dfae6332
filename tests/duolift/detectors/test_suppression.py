"""Nobody is found twice, and nobody is lost who stands beside somebody."""

import numpy as np
import pytest

from duolift.detectors.suppression import SAME, distance, extent, mirrored_order, without_doubles
from duolift.inputs.keypoints import COCO17, MEDIAPIPE33

POSE = np.concatenate([np.random.default_rng(1).uniform(0, 100, (17, 2)), np.ones((17, 1))], axis=1).astype(np.float32)


def moved(by: float) -> np.ndarray:
    return POSE + np.array([by, 0, 0], dtype=np.float32)


def test_a_person_who_is_found_twice_stays_once_as_surest() -> None:
    people = np.stack([POSE, moved(3), moved(200), moved(-4)])
    assert without_doubles(people, COCO17).tolist() == [0, 2]


def test_somebody_beside_is_somebody_else() -> None:
    assert without_doubles(np.stack([POSE, moved(1.5 * SAME * 100)]), COCO17).tolist() == [0, 1]


def test_a_person_whose_sides_are_exchanged_is_the_same_person() -> None:
    assert without_doubles(np.stack([POSE, POSE[mirrored_order(COCO17.joints)]]), COCO17).tolist() == [0]


@pytest.mark.parametrize("joints", [COCO17.joints, MEDIAPIPE33.joints])
def test_mirroring_twice_changes_nothing(joints: tuple[str, ...]) -> None:
    order = mirrored_order(joints)
    assert (order[order] == np.arange(len(joints))).all() and (order != np.arange(len(joints))).any()


def test_joints_that_are_not_seen_say_nothing() -> None:
    hidden = POSE.copy()
    hidden[3:] = (1e6, 1e6, 0)
    assert distance(hidden, POSE) == 0
    hidden[:] = (1e6, 1e6, 0)
    assert distance(hidden, POSE) == float("inf") and extent(hidden) == 0


def test_nobody_is_nobody() -> None:
    assert without_doubles(np.zeros((0, 17, 3), np.float32), COCO17).tolist() == []
