"""A small made-up scene, to try outputs on and to show in examples: no lifter and no file is needed for it."""

import numpy as np

from duolift.body.skeleton import PAPER19, Skeleton
from duolift.scene import Scene, to_camera

STANDING_PERSON: dict[str, tuple[float, float]] = {
    "pelvis": (0.95, 0.0),
    "hip": (0.94, 0.11),
    "knee": (0.5, 0.12),
    "ankle": (0.08, 0.12),
    "foot": (0.03, 0.13),
    "toe": (0.02, 0.14),
    "spine": (1.2, 0.0),
    "neck": (1.45, 0.0),
    "head": (1.55, 0.0),
    "head_top": (1.72, 0.0),
    "shoulder": (1.42, 0.19),
    "elbow": (1.15, 0.28),
    "wrist": (0.92, 0.35),
    "hand": (0.83, 0.37),
    "thumb": (0.85, 0.33),
}
"""Joint, whichever side -> its height and its distance from the midline, metres, of a standing adult."""

IN_FRONT = ("foot", "toe", "thumb")
"""Joints that are 10 cm in front of the body."""

FOREARM = ("right_wrist", "right_hand", "right_thumb")
"""Joints that turn about the right elbow."""


def example_scene(frames: int = 4, people: int = 2, skeleton: Skeleton = PAPER19, rate: float | None = 25.0) -> Scene:
    """People who walk towards a camera that looks down on them, each bending the right arm.

    Bones keep their lengths. To show what a scene may hold, the second person is absent from the second frame, and
    left hands are never visible.

    Args:
        frames: images.
        rate: frames a second; None for images that stand alone.
    """
    joints = _standing(skeleton) + np.zeros((frames, people, 1, 1))  # (frame, person, joint, 3), world coordinates
    elbow = skeleton.index("right_elbow")
    forearm = [skeleton.index(joint) for joint in skeleton.joints if joint in FOREARM]
    for frame in range(frames):
        pivot = joints[frame][:, elbow, None]
        joints[frame][:, forearm] = (joints[frame][:, forearm] - pivot) @ _pitch(-0.3 * frame).T + pivot
    joints += np.arange(people)[:, None, None] * (0.9, 0.0, -0.5)  # beside and behind each other
    joints += np.arange(frames)[:, None, None, None] * (0.0, 0.0, 0.04)  # metres a frame
    joints[..., 2] -= 4.0
    up = np.tile(np.array([0.0, -np.cos(0.2), -np.sin(0.2)]), (frames, 1))
    height = np.full(frames, 1.6)
    seen = np.ones(joints.shape[:3], dtype=bool)
    arm = [joint for joint in skeleton.joints if joint in ("left_wrist", "left_hand")]
    seen[..., skeleton.index(arm[-1])] = False
    placed = to_camera(joints, up, height)
    keypoints = 1000 * placed[..., :2] / placed[..., 2:] + (640, 360)
    keypoints[~seen] = np.nan
    confidence = np.full((frames, people), 0.8)
    deviation = np.where(seen, 0.04, 0.09)  # metres
    away = np.full((frames, people), 0.2)  # metres
    if frames > 1 and people > 1:
        placed[1, 1], keypoints[1, 1], confidence[1, 1], seen[1, 1] = np.nan, np.nan, 0.0, False
        deviation[1, 1] = away[1, 1] = np.nan
    return Scene(
        skeleton=skeleton,
        names=tuple(f"{frame:06d}.jpg" for frame in range(frames)),
        identities=tuple(range(1, people + 1)),
        people=placed,
        by_paper=(placed * np.float32(1.05)),
        seen=seen,
        confidence=confidence.astype(np.float32),
        deviation=deviation.astype(np.float32),
        distance_deviation=away.astype(np.float32),
        tilt_deviation=np.full(frames, 2.0, np.float32),
        up=up.astype(np.float32),
        height=height.astype(np.float32),
        keypoints=keypoints.astype(np.float32),
        image=(1280.0, 720.0),
        focal=1000.0,
        focal_source="default",
        rate=rate,
        notes=("the focal length was assumed",),
    )


def _standing(skeleton: Skeleton) -> np.ndarray:
    """A person at the origin who faces the camera, (joint, 3) in world coordinates."""
    places = np.zeros((len(skeleton), 3))
    for index, joint in enumerate(skeleton.joints):
        side, _, part = joint.partition("_")
        sign = {"left": 1.0, "right": -1.0}.get(side, 0.0)
        height, aside = STANDING_PERSON[part if sign else joint]
        places[index] = sign * aside, height, 0.1 if part in IN_FRONT else 0.0
    return places


def _pitch(angle: float) -> np.ndarray:
    """Rotation about the x axis, (3, 3)."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
