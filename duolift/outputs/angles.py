"""Joint angles in degrees, for biomechanics: what the joints' centres alone tell of flexion, elevation and lean.

They are angles between the lines from joint to joint, after the definitions of the International Society of
Biomechanics as far as joint centres go (Wu et al. 2002, https://doi.org/10.1016/S0021-9290(01)00222-6, and 2005,
https://doi.org/10.1016/j.jbiomech.2004.05.042). Those need bony landmarks as well, which detectors do not find: here
the axis of the trunk, from the pelvis to the neck, stands for that of the pelvis and of the thorax, and the line of the
hips for the axis about which hips bend.

- `knee_flexion`: of the shin against the thigh, 0 where the leg is straight.
- `hip_flexion`: of the thigh against the trunk, in the plane across the line of the hips; 0 where they are in line,
  positive where the thigh is forward.
- `elbow_flexion`: of the forearm against the upper arm, 0 where the arm is straight.
- `shoulder_elevation`: of the upper arm from the trunk, whichever way: 0 hanging, 90 level, 180 overhead.
- `trunk_lean`: of the trunk from the vertical, whichever way; `trunk_lean_forward` and `trunk_lean_left`: as seen from
  the side of the hips, and from behind them.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.outputs.rotations import unit

Floats = NDArray[np.float64]

UP = np.array([0.0, 1.0, 0.0])
"""World coordinates."""


def joint_angles(people: NDArray[np.floating], skeleton: Skeleton) -> dict[str, Floats]:
    """The angles of people, by the columns' names.

    Args:
        people: (..., joint, 3), world coordinates.
        skeleton: which joints these are. Angles of joints that it lacks are left out.

    Returns:
        column -> (...), degrees; NaN where a line between two joints has no length.

    >>> from duolift import Scene
    >>> scene = Scene.example()
    >>> angles = joint_angles(scene.world(), scene.skeleton)
    >>> angles["right_elbow_flexion"].round(1)[:, 0]  # of the first person, in four frames
    array([ 1.5, 16.4, 32.7, 49. ])
    """
    place = {joint: np.asarray(people[..., i, :], np.float64) for i, joint in enumerate(skeleton.joints)}
    return {
        column: angle(*(place[joint] for joint in joints))
        for column, (angle, joints) in ANGLES.items()
        if place.keys() >= {*joints}
    }


def _between(one: Floats, other: Floats) -> Floats:
    """The angle between vectors (..., 3), degrees."""
    sine = np.linalg.norm(np.cross(one, other), axis=-1)
    cosine = (one * other).sum(-1)
    return _degrees(sine, cosine)


def _degrees(sine: Floats, cosine: Floats) -> Floats:
    """The angle of a sine and a cosine of any common scale; NaN where both are 0."""
    angle = np.degrees(np.arctan2(sine, cosine))
    return np.where((sine == 0) & (cosine == 0), np.nan, angle)


def _bend(first: Floats, middle: Floats, last: Floats) -> Floats:
    """How far a limb of three joints is bent, 0 where it is straight."""
    return _between(middle - first, last - middle)


def _hip_flexion(hip: Floats, knee: Floats, pelvis: Floats, neck: Floats, left: Floats, right: Floats) -> Floats:
    """How far forward the thigh is from the line of the trunk, in the plane across the line of the hips."""
    across, thigh = unit(left - right), knee - hip
    trunk = neck - pelvis
    up = unit(trunk - (trunk * across).sum(-1, keepdims=True) * across)
    forward = np.cross(across, up)
    return _degrees((thigh * forward).sum(-1), -(thigh * up).sum(-1))


def _elevation(shoulder: Floats, elbow: Floats, pelvis: Floats, neck: Floats) -> Floats:
    """How far the upper arm is from hanging along the trunk."""
    return _between(elbow - shoulder, pelvis - neck)


def _lean(pelvis: Floats, neck: Floats) -> Floats:
    """How far the trunk is from the vertical."""
    return _between(neck - pelvis, np.broadcast_to(UP, neck.shape))


def _lean_towards(forward: bool, pelvis: Floats, neck: Floats, left: Floats, right: Floats) -> Floats:
    """How far the trunk leans forward, or to the left."""
    trunk, across = neck - pelvis, left - right
    aside = unit(across - (across @ UP)[..., None] * UP)
    direction = np.cross(aside, UP) if forward else aside
    return _degrees((trunk * direction).sum(-1), trunk @ UP)


HIPS = ("left_hip", "right_hip")

ANGLES: dict[str, tuple[Callable[..., Floats], tuple[str, ...]]] = {
    f"{side}_{name}": (angle, tuple(joint.format(side) for joint in joints))
    for name, angle, joints in (
        ("knee_flexion", _bend, ("{}_hip", "{}_knee", "{}_ankle")),
        ("hip_flexion", _hip_flexion, ("{}_hip", "{}_knee", "pelvis", "neck", *HIPS)),
        ("elbow_flexion", _bend, ("{}_shoulder", "{}_elbow", "{}_wrist")),
        ("shoulder_elevation", _elevation, ("{}_shoulder", "{}_elbow", "pelvis", "neck")),
    )
    for side in ("left", "right")
} | {
    "trunk_lean": (_lean, ("pelvis", "neck")),
    "trunk_lean_forward": (partial(_lean_towards, True), ("pelvis", "neck", *HIPS)),
    "trunk_lean_left": (partial(_lean_towards, False), ("pelvis", "neck", *HIPS)),
}
"""Column -> how the angle is computed, and the joints that it is computed from."""
