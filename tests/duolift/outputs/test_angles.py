"""Joint angles: of poses whose angles are known, wherever people stand and whichever way they face."""

import numpy as np
import pytest

from duolift.body.skeleton import PAPER19, Skeleton
from duolift.outputs.angles import ANGLES, UP, joint_angles
from duolift.outputs.rotations import axis_angle

X, Y, Z = np.eye(3)

STANDING = {
    "pelvis": (0, 1, 0),
    "neck": (0, 1.5, 0),
    "left_hip": (0.1, 1, 0),
    "right_hip": (-0.1, 1, 0),
    "left_knee": (0.1, 0.5, 0),
    "right_knee": (-0.1, 0.5, 0),
    "left_ankle": (0.1, 0, 0),
    "right_ankle": (-0.1, 0, 0),
    "left_shoulder": (0.2, 1.5, 0),
    "right_shoulder": (-0.2, 1.5, 0),
    "left_elbow": (0.2, 1.2, 0),
    "right_elbow": (-0.2, 1.2, 0),
    "left_wrist": (0.2, 0.9, 0),
    "right_wrist": (-0.2, 0.9, 0),
}
"""Somebody who faces +z."""

SKELETON = Skeleton.person("angles", ["head_top", *STANDING])


def angles(turn: np.ndarray | None = None, **moved: tuple[float, float, float]) -> dict[str, float]:
    """The angles of a pose, turned as a whole."""
    place = {"head_top": (0, 1.8, 0), **STANDING, **moved}
    person = np.array([place[joint] for joint in SKELETON.joints], float)
    found = joint_angles(person @ (np.eye(3) if turn is None else turn).T + [3.0, 0.2, -4.0], SKELETON)
    return {name: float(value) for name, value in found.items()}


def about(axis: np.ndarray, degrees: float) -> np.ndarray:
    return axis_angle(axis, np.radians([degrees]))


def test_somebody_who_stands_straight_has_angles_of_0() -> None:
    assert angles().keys() == ANGLES.keys()
    assert angles() == pytest.approx(dict.fromkeys(ANGLES, 0.0), abs=1e-5)


SITTING = {"left_knee": (0.1, 1, 0.5), "left_ankle": (0.1, 0.5, 0.5)}
BACKWARD = {"right_knee": (-0.1, 0.567, -0.25), "right_ankle": (-0.1, 0.134, -0.5)}
LEVEL = {"left_elbow": (0.5, 1.5, 0), "left_wrist": (0.5, 1.5, 0.3)}
OVERHEAD = {"right_elbow": (-0.2, 1.8, 0), "right_wrist": (-0.2, 2.1, 0)}


@pytest.mark.parametrize("heading", [0, 50, 170])
@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (SITTING, {"left_hip_flexion": 90, "left_knee_flexion": 90}),
        (BACKWARD, {"right_hip_flexion": -30}),
        (LEVEL, {"left_shoulder_elevation": 90, "left_elbow_flexion": 90}),
        (OVERHEAD, {"right_shoulder_elevation": 180}),
    ],
    ids=["sitting", "a leg backward", "an arm level", "an arm overhead"],
)
def test_limbs(moved: dict, expected: dict[str, float], heading: float) -> None:
    found = angles(about(Y, heading), **moved)
    assert found == pytest.approx({**dict.fromkeys(ANGLES, 0.0), **expected}, abs=0.05)


@pytest.mark.parametrize("heading", [0, 50, 170])
@pytest.mark.parametrize(("axis", "sign", "name"), [(X, 1, "trunk_lean_forward"), (Z, -1, "trunk_lean_left")])
def test_leans(axis: np.ndarray, sign: float, name: str, heading: float) -> None:
    for degrees in (20, -40):
        found = angles(about(Y, heading) @ about(axis, sign * degrees))
        assert found[name] == pytest.approx(degrees) and found["trunk_lean"] == pytest.approx(abs(degrees))
        other = ({"trunk_lean_forward", "trunk_lean_left"} - {name}).pop()
        assert found[other] == pytest.approx(0, abs=1e-5)
        assert found["left_hip_flexion"] == pytest.approx(0, abs=1e-5), "against the trunk"


def test_lines_of_no_length_have_no_angle_and_lacking_joints_no_column() -> None:
    collapsed = joint_angles(np.zeros((2, 19, 3)), PAPER19)
    assert all(np.isnan(values).all() and values.shape == (2,) for values in collapsed.values())
    stick = Skeleton.person("stick", ["pelvis", "head_top", "neck"])
    assert joint_angles(np.array([0 * UP, 2 * UP, UP]), stick).keys() == {"trunk_lean"}
