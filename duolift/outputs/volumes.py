"""Bodies as volumes: how thick a limb is at each joint, and the torso's cross sections.

Everything that draws people takes these sizes: the page, pictures and films. They are a standing adult's, chosen by
eye; a person whose torso is shorter is drawn the thinner.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import ROOT, Skeleton, without_side

LIMB_RADII: dict[str, float] = {
    "hip": 0.078,
    "knee": 0.055,
    "ankle": 0.04,
    "foot": 0.036,
    "toe": 0.026,
    "shoulder": 0.056,
    "elbow": 0.042,
    "wrist": 0.032,
    "hand": 0.038,
    "thumb": 0.016,
    "pelvis": 0.08,
    "spine": 0.08,
    "neck": 0.05,
    "head": 0.05,
    "head_top": 0.03,
}
"""Joint, whichever side -> radius of the body there, metres."""


@dataclass(frozen=True)
class Ring:
    """An elliptic cross section of the torso.

    >>> Ring(along=0.5, hips=0.0, shoulders=0.4, depth=0.1).along
    0.5

    Attributes:
        along: where it is, of the way from the pelvis to the neck.
        hips, shoulders: its half width, as shares of the distances between the hips and between the shoulders.
        depth: its half depth, metres.
    """

    along: float
    hips: float
    shoulders: float
    depth: float


@dataclass(frozen=True)
class BodyShape:
    """What bodies look like.

    >>> BodyShape().radii["knee"]
    0.055

    Attributes:
        radii: joint, whichever side -> radius there, metres.
        head: radius of the head across, metres.
        head_length: its length, in widths.
        head_at: where its middle is, of the way from the joint `head` to `head_top`.
        torso: cross sections from below to above.
        torso_length: from pelvis to neck, metres, of the person whose sizes these are.
        scales: by what a person's sizes may be multiplied, least and most.
    """

    radii: dict[str, float] = field(default_factory=lambda: dict(LIMB_RADII))
    head: float = 0.096
    head_length: float = 1.25
    head_at: float = 0.3
    torso: tuple[Ring, ...] = (
        Ring(-0.2, 0.2, 0.0, 0.05),
        Ring(-0.08, 0.58, 0.0, 0.095),
        Ring(0.08, 0.72, 0.0, 0.105),
        Ring(0.4, 0.25, 0.2, 0.088),
        Ring(0.7, 0.0, 0.44, 0.11),
        Ring(0.9, 0.0, 0.5, 0.088),
        Ring(0.99, 0.0, 0.4, 0.068),
        Ring(1.06, 0.0, 0.16, 0.05),
    )
    torso_length: float = 0.5
    scales: tuple[float, float] = (0.4, 1.3)


BODY_SHAPE = BodyShape()

TORSO_JOINTS = (ROOT, "neck", "right_hip", "left_hip", "right_shoulder", "left_shoulder")
"""What a torso is drawn from."""

WITHIN_TORSO = ("spine", "neck", "right_hip", "left_hip")
"""Joints whose bones to their parents the torso hides."""


@dataclass(frozen=True)
class Limb:
    """A tapered capsule from one joint to another.

    >>> Limb(start=0, end=1, radii=(0.05, 0.04), left=True).radii
    (0.05, 0.04)

    Attributes:
        start, end: positions of the joints; `end` is the one further from the root.
        radii: at both, metres.
        left: whether it is of the left side.
    """

    start: int
    end: int
    radii: tuple[float, float]
    left: bool


def has_torso(skeleton: Skeleton) -> bool:
    """Whether a skeleton has the joints that a torso is drawn from.

    >>> from duolift.body.skeleton import PAPER19
    >>> has_torso(PAPER19)
    True
    """
    return {*TORSO_JOINTS} <= {*skeleton.joints}


def limbs(skeleton: Skeleton) -> list[Limb]:
    """The capsules of a body, without what the torso and the head hide.

    >>> from duolift.body.skeleton import PAPER19
    >>> [PAPER19.joints[limb.end] for limb in limbs(PAPER19) if limb.left]
    ['left_knee', 'left_ankle', 'left_shoulder', 'left_elbow', 'left_wrist', 'left_hand']
    """
    hidden = {*(WITHIN_TORSO if has_torso(skeleton) else ()), *(["head_top"] if "head" in skeleton.joints else [])}
    found = []
    for child, parent in skeleton.bones:
        if child not in hidden:
            end = BODY_SHAPE.radii[without_side(child)]
            start = min(BODY_SHAPE.radii[without_side(parent)], 1.5 * end)
            left = child.startswith("left_")
            found.append(Limb(skeleton.index(parent), skeleton.index(child), (start, end), left))
    return found


def scale_of(people: NDArray[np.floating], skeleton: Skeleton) -> NDArray[np.float64]:
    """By what each person's sizes are multiplied, (person,): how long the torso is, in the median of all frames.

    Args:
        people: (frame, person, joint, 3), metres; NaN for a person who is not in a frame.

    >>> from duolift import Scene
    >>> scale_of(Scene.example().people, Scene.example().skeleton).round(2)
    array([1., 1.])
    """
    count = people.shape[1]
    if not has_torso(skeleton) or not len(people):
        return np.ones(count)
    lengths = np.linalg.norm(people[:, :, skeleton.index("neck")] - people[:, :, skeleton.index(ROOT)], axis=-1)
    scales = np.ones(count)
    for person in range(count):
        known = lengths[np.isfinite(lengths[:, person]), person]
        if len(known):
            scales[person] = np.clip(np.median(known) / BODY_SHAPE.torso_length, *BODY_SHAPE.scales)
    return scales


def torso_rings(
    people: NDArray[np.floating], skeleton: Skeleton, scale: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The torsos' cross sections: centre, and half axes across (to the left) and ahead, each (..., ring, 3).

    Args:
        people: (..., joint, 3), metres, any coordinates.
        scale: (...,), see `scale_of`.

    >>> from duolift import Scene
    >>> scene = Scene.example()
    >>> centre, across, ahead = torso_rings(scene.world(), scene.skeleton, np.ones((4, 2)))
    >>> centre.shape, across[0, 0, 2].round(2)  # they face the camera, so that their left is to the right
    ((4, 2, 8, 3), array([0.16, 0.  , 0.  ]))
    """
    joint = {name: np.asarray(people[..., skeleton.index(name), :], np.float64) for name in TORSO_JOINTS}
    along, hips, shoulders, depth = (
        np.array([getattr(ring, key) for ring in BODY_SHAPE.torso])[:, None]
        for key in ("along", "hips", "shoulders", "depth")
    )
    pelvis, neck = joint[ROOT][..., None, :], joint["neck"][..., None, :]
    hip_line = (joint["left_hip"] - joint["right_hip"])[..., None, :]
    shoulder_line = (joint["left_shoulder"] - joint["right_shoulder"])[..., None, :]
    width = hips * _length(hip_line) + shoulders * _length(shoulder_line)
    share = np.clip(along, 0.0, 1.0)
    up = _unit(neck - pelvis)
    line = (1 - share) * _unit(hip_line) + share * _unit(shoulder_line)
    line = _unit(line - (line * up).sum(-1, keepdims=True) * up)
    ahead = np.cross(line, np.broadcast_to(up, line.shape)) * depth * scale[..., None, None]
    return pelvis + along * (neck - pelvis), line * width, ahead


def _length(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.linalg.norm(vectors, axis=-1, keepdims=True)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    return vectors / np.maximum(_length(vectors), 1e-9)
