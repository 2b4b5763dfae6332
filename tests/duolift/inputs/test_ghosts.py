"""False detections and people found twice are told from people, however near these come to each other."""

import numpy as np
import pytest
from numpy.typing import NDArray

from callbacks.figures import STANDING
from duolift.inputs.detections import JOINTS
from duolift.inputs.ghosts import GHOSTS, fleeting_notes, ghosts
from duolift.inputs.similarity import size_of

BODY = np.array([STANDING[joint] for joint in JOINTS.joints], dtype=np.float64)
SIZE = size_of(BODY, np.ones(len(BODY)))


def film(*frames_of: range, count: int = 250) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """People, each of whom walks somewhere else and is seen in some of the frames."""
    keypoints = (
        np.stack([BODY + 300.0 * person for person in range(len(frames_of))])[None]
        + np.arange(count)[:, None, None, None]
    )
    visible = np.zeros(keypoints.shape[:-1], dtype=bool)
    for person, frames in enumerate(frames_of):
        visible[list(frames), person] = True
    return keypoints, visible


@pytest.mark.parametrize(
    ("frames", "count", "ghost"),
    [
        (range(100, 102), 250, True),
        (range(3, 4), 50, True),
        (range(0, 200, 50), 250, True),
        (range(100, 105), 250, False),
        (range(100, 102), 30, False),
        (range(100, 108), 900, True),
        (range(100, 110), 9000, False),
    ],
)
def test_whoever_is_in_a_handful_of_frames_of_a_long_video_is_nobody(frames: range, count: int, ghost: bool) -> None:
    frames = range(3, 5) if count < 50 else frames
    found = ghosts(*film(range(count), frames, count=count), (1, 7), video=True)
    assert found == ({7: f"is in {len(frames)} frame{'s' * (len(frames) > 1)} of {count} only"} if ghost else {})
    assert not ghosts(*film(range(count), frames, count=count), (1, 7), video=False)


def test_nobody_is_a_ghost_where_all_are_in_few_frames() -> None:
    """Then people are hard to follow from frame to frame."""
    assert not ghosts(*film(*(range(4 * i, 4 * i + 4) for i in range(60))), range(60), video=True)


@pytest.mark.parametrize(("off", "twice"), [(0.0, True), (0.03, True), (0.064, False), (0.2, False)])
def test_somebody_once_more_is_left_out_and_a_partner_is_not(off: float, twice: bool) -> None:
    rng = np.random.default_rng(0)
    keypoints, visible = film(range(250), range(250), range(40, 90))
    angle = rng.uniform(0, 2 * np.pi, keypoints.shape[:1] + keypoints.shape[2:3])
    moved = off * SIZE * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    keypoints[:, 2] = keypoints[:, 1] + moved
    assert ghosts(keypoints, visible, (4, 2, 9), video=True) == ({9: "is person 2 once more"} if twice else {})


def test_whoever_goes_on_where_another_is_lost_is_no_double() -> None:
    keypoints, visible = film(range(100), range(90, 250))
    keypoints[:, 1] = keypoints[:, 0]
    assert not ghosts(keypoints, visible, (1, 2), video=True)


def test_of_two_doubles_the_one_that_is_seen_more_stays() -> None:
    keypoints, visible = film(range(1), range(1), count=1)
    keypoints[:, 1] = keypoints[:, 0] + 1
    visible[:, 0, : len(BODY) // 2] = False
    assert ghosts(keypoints, visible, (1, 2), video=False) == {1: "is person 2 once more"}


def test_in_a_short_video_whoever_is_hardly_there_is_told() -> None:
    visible = film(range(30), range(2), count=30)[1]
    assert fleeting_notes(visible, (1, 2)) == ["person 2 is in 2 frames only: it may be nobody"]
    assert not fleeting_notes(visible[: GHOSTS.fleeting], (1, 2))
