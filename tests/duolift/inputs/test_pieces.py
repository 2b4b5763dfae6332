"""Whom a detector gives in pieces is one person, and two people stay two."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from callbacks.figures import STANDING
from duolift.inputs import Options, read
from duolift.inputs.detections import JOINTS
from duolift.inputs.keypoints import FORMATS
from duolift.inputs.people import RawPerson
from duolift.inputs.pieces import joined

NAMES = JOINTS.joints
BODY = np.array([STANDING[joint] for joint in NAMES], dtype=np.float64)
"""Somebody 174 pixels tall."""

SHANKS = tuple(name for name in NAMES if name.endswith(("_knee", "_ankle", "_foot", "_toe")))
ARM = ("left_shoulder", "left_elbow", "left_wrist", "left_hand")
REST = tuple(name for name in NAMES if name not in SHANKS)


def piece(names: Sequence[str], pose: np.ndarray = BODY, **more) -> RawPerson:
    seen = np.array([name in names for name in NAMES])
    return RawPerson(np.where(seen[:, None], pose, 0.0), 0.9 * seen, more.get("identity"), more.get("score"))


def seen(person: RawPerson) -> set[str]:
    return {name for name, sure in zip(NAMES, person.confidence, strict=True) if sure}


@pytest.mark.parametrize("part", [SHANKS, ARM, SHANKS[:4]])
def test_pieces_are_put_together(part: Sequence[str]) -> None:
    rest = [name for name in NAMES if name not in part]
    other = piece(NAMES, BODY + np.array([300.0, 0.0]))
    pieces = [piece(part, score=0.2), other, piece(rest, score=0.7)]
    whole, there = sorted(joined(pieces, NAMES, 0.3), key=lambda one: one.keypoints[0, 0])
    assert np.array_equal(whole.keypoints, BODY) and whole.score == 0.7
    assert np.array_equal(there.keypoints, other.keypoints)


def test_three_pieces_are_one_person() -> None:
    rest = [name for name in REST if name not in ARM]
    (whole,) = joined([piece(ARM), piece(SHANKS), piece(rest)], NAMES, 0.3)
    assert np.array_equal(whole.keypoints, BODY)


@pytest.mark.parametrize(
    "other",
    [
        piece(SHANKS, BODY + np.array([0.0, 60.0])),  # too far down for a thigh
        piece(SHANKS, BODY + np.array([100.0, 0.0])),  # beside
        piece(SHANKS, 0.5 * (BODY - BODY[NAMES.index("left_knee")]) + BODY[NAMES.index("left_knee")]),  # far behind
        piece([*SHANKS, "left_hip"]),  # nobody has two of one hip
        piece(SHANKS, identity=2),  # whom the file tracks
        piece(("left_foot", "left_toe"), BODY + np.array([40.0, 0.0])),
    ],
)
def test_two_people_stay_two(other: RawPerson) -> None:
    found = joined([piece(REST), other], NAMES, 0.3)
    assert [seen(one) for one in found] == [{*REST}, seen(other)]


def test_shares_of_a_wide_image_are_measured_in_pixels() -> None:
    """Legs that are too far beside somebody for a thigh, but not in shares of an image that is three times as wide."""
    size = np.array([3000.0, 1000.0])
    beside = [piece(REST, BODY / size), piece(SHANKS, (BODY + np.array([85.0, 0.0])) / size)]
    assert len(joined(beside, NAMES, 0.3, unit=(3000.0, 1000.0))) == 2
    below = [piece(REST, BODY / size), piece(SHANKS, BODY / size)]
    assert len(joined(below, NAMES, 0.3, unit=(3000.0, 1000.0))) == 1


def test_of_two_uppers_the_legs_are_whose_they_join_best() -> None:
    beside = piece(REST, BODY + np.array([25.0, 0.0]))
    found = joined([beside, piece(SHANKS), piece(REST)], NAMES, 0.3)
    assert [seen(one) for one in found] == [{*REST}, {*NAMES}] and np.array_equal(found[1].keypoints, BODY)


def test_a_file_with_pieces_says_so(tmp_path: Path) -> None:
    joints = FORMATS["body25"].joints
    legs = ("knee", "ankle", "toe", "heel")
    people = []
    for low in (True, False):
        entry = [
            (*map(float, STANDING[joint]), 0.8)
            if joint in STANDING and joint.endswith(legs) == low
            else (0.0, 0.0, 0.0)
            for joint in joints
        ]
        people.append({"pose_keypoints_2d": [value for triple in entry for value in triple]})
    path = tmp_path / "image_keypoints.json"
    path.write_text(json.dumps({"version": 1.3, "people": people}))
    (frame,) = read(path, Options())
    assert len(frame.keypoints) == 1
    assert "in pieces" in " ".join(frame.notes)
    assert frame.confidence[0, JOINTS.index("left_ankle")] and frame.confidence[0, JOINTS.index("left_wrist")]
