"""Segments: they point where the joints say, turn with the body, and bend at hinges."""

import numpy as np
import pytest

from duolift.body.skeleton import CHI3D25, PAPER19, SKELETONS, Skeleton
from duolift.example import example_scene
from duolift.outputs.rotations import axis_angle
from duolift.outputs.segments import BENT, body_of, rest_direction

POINTED = ("knee", "ankle", "elbow", "wrist", "hand", "foot", "toe", "shoulder")


def walker(skeleton: Skeleton = PAPER19, frames: int = 6) -> np.ndarray:
    """Somebody who walks and bends an arm, with noise on every joint (frame, joint, 3)."""
    walk = example_scene(frames=frames, people=1, skeleton=skeleton).world()[:, 0].astype(np.float64)
    return walk + 0.02 * np.random.default_rng(0).normal(size=walk.shape)


def rotation(seed: int) -> np.ndarray:
    axis = np.random.default_rng(seed).normal(size=3)
    return axis_angle(axis / np.linalg.norm(axis), np.array([1.0 + seed]))


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_segments_point_from_joint_to_joint(skeleton: Skeleton) -> None:
    body = body_of(walker(skeleton), skeleton)
    for joint, parent in body.parents.items():
        bone = body.places[joint] - body.places[parent]
        assert np.linalg.det(body.turns[joint]) == pytest.approx(np.ones(len(bone)))
        if joint.split("_")[-1] in POINTED:
            pointed = body.turns[joint] @ rest_direction(joint)
            assert pointed == pytest.approx(bone / np.linalg.norm(bone, axis=-1, keepdims=True)), joint


@pytest.mark.parametrize("seed", range(3))
def test_segments_turn_with_the_body(seed: int) -> None:
    walk, turn = walker(CHI3D25), rotation(seed)
    body, turned = body_of(walk, CHI3D25), body_of(walk @ turn.T + [1.0, 2.0, 3.0], CHI3D25)
    for joint, turns in body.turns.items():
        assert turned.turns[joint] == pytest.approx(turn @ turns, abs=1e-6), joint
        assert turned.rest[joint] == pytest.approx(body.rest[joint]), joint


def test_a_mirrored_body_has_mirrored_segments() -> None:
    flip = np.diag([-1.0, 1.0, 1.0])
    walk = walker(CHI3D25)
    body, mirrored = body_of(walk, CHI3D25), body_of((walk @ flip)[:, CHI3D25.mirror], CHI3D25)
    for joint, other in zip(CHI3D25.joints, CHI3D25.mirrored, strict=True):
        assert mirrored.turns[other] == pytest.approx(flip @ body.turns[joint] @ flip, abs=1e-6), joint


def test_the_rest_pose_has_mean_lengths_and_arms_out() -> None:
    walk = walker(CHI3D25)
    body = body_of(walk, CHI3D25, measured=np.arange(6) < 4)
    for joint, parent in (("left_knee", "left_hip"), ("right_wrist", "right_elbow"), ("head_top", "head")):
        length = np.linalg.norm(body.places[joint] - body.places[parent], axis=-1)[:4].mean()
        assert body.rest[joint] - body.rest[parent] == pytest.approx(length * rest_direction(joint))
    assert body.rest["left_hip"][0] > 0.05 and body.rest["right_hip"][0] < -0.05
    assert body.rest["left_thumb"][2] > body.rest["left_wrist"][2], "palms down, thumbs forward"


def bent(degrees: float, turn: np.ndarray) -> np.ndarray:
    """A standing person (1, joint, 3) whose left shin and left forearm are bent, all turned."""
    person = example_scene(frames=1, people=1).world()[0, 0].astype(np.float64)
    place = dict(zip(PAPER19.joints, person, strict=True))
    x, angle = np.array([1.0, 0.0, 0.0]), np.radians([degrees])
    place["left_ankle"] = place["left_knee"] + axis_angle(x, angle) @ (place["left_ankle"] - place["left_knee"])
    for joint in ("left_wrist", "left_hand"):
        place[joint] = place["left_elbow"] + axis_angle(x, -angle) @ (place[joint] - place["left_elbow"])
    return (np.stack([place[joint] for joint in PAPER19.joints]) @ turn.T)[None]


@pytest.mark.parametrize("degrees", [20, 60, 100])
def test_knees_and_elbows_bend_about_one_axis(degrees: float) -> None:
    """Relative to the thigh a bent shin turns backwards about the thigh's x axis, and about nothing else."""
    body = body_of(bent(degrees, rotation(1)), PAPER19)
    shin = body.turns["left_knee"][0].T @ body.turns["left_ankle"][0]
    assert shin == pytest.approx(axis_angle(np.array([1.0, 0, 0]), np.radians([degrees + 0.0])), abs=0.03)
    forearm = body.turns["left_elbow"][0].T @ body.turns["left_wrist"][0]
    axis = np.array([forearm[2, 1] - forearm[1, 2], forearm[0, 2] - forearm[2, 0], forearm[1, 0] - forearm[0, 1]])
    assert -axis[1] / np.linalg.norm(axis) > 0.9, "downwards, in the rest pose"


def test_a_hinge_counts_by_how_far_it_is_bent() -> None:
    """Noise of straight legs does not turn them about themselves."""
    straight = bent(0, np.eye(3)).repeat(50, axis=0)
    noisy = straight + 0.003 * np.random.default_rng(0).normal(size=straight.shape)
    turns = body_of(noisy, PAPER19).turns["left_knee"]
    about = np.degrees(np.arcsin(np.clip(-turns[:, 2, 0], -1, 1)))  # about y
    assert np.abs(about).max() < 10 * BENT


def test_bodies_without_extent_are_finite() -> None:
    stick = Skeleton.person("stick", ["pelvis", "head_top"])
    for person, skeleton in ((np.zeros((2, 19, 3)), PAPER19), (np.zeros((2, 2, 3)), stick)):
        body = body_of(person, skeleton)
        assert all(np.isfinite(turns).all() for turns in body.turns.values())
        assert all(np.isfinite(place).all() for place in body.rest.values())
