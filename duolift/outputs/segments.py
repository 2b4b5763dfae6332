"""How the segments of a body are turned, from the places of its joints: what animation formats need beside the places.

World coordinates (x right, y up, z towards the viewer), metres. In the rest pose a person stands upright, faces +z and
stretches the arms out to the sides, palms down; there every segment's axes are the world's. A segment is named after
the joint that it ends in: `left_knee` is the left thigh.

Two joints tell where a segment points, and not how it is turned about itself. That follows, in this order, from the
bend of a hinge (knees and elbows bend about one axis of their limb: the more they are bent, the more it counts), from
thumbs and feet, from the line of hips or shoulders, and else from the segment before, by the smallest turn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import HEAD, PARENTS, ROOT, Skeleton, ancestors, without_side
from duolift.outputs.rotations import SMALLEST_LENGTH, aimed_rotation, shortest_rotation, unit

Floats = NDArray[np.float64]

NECK = 0.61
"""Of the way from the root to the head top."""

MIDLINE = {
    HEAD: (ROOT, "neck", 1 / NECK),
    "neck": (ROOT, HEAD, NECK),
    "spine": (ROOT, "neck", 0.52),
    "head": ("neck", HEAD, 0.6),
}
"""Joint of the midline that a skeleton may lack -> two others, and how far from the first to the second it is taken to
be. Of the neck by Drillis and Contini's heights (`duolift.body.anthropometry`), of the others as measured on motion
capture (docs/formats.md)."""

BENT = 3.0
"""How much a hinge's axis counts at a right angle, against 1 of the turn that comes from the segment before."""


@dataclass(frozen=True)
class Body:
    """One person's joints, with those of the midline that the skeleton lacks, and the segments that end in them.

    Attributes:
        places: joint -> (frame, 3), metres, world coordinates.
        turns: joint -> (frame, 3, 3), the rotation from the rest pose of the segment that ends in the joint; of the
            root that of the pelvis.
        rest: joint -> (3,), its place in the rest pose, metres; the root is at the origin.
        parents: joint -> the joint at which its segment begins; the root has none.
    """

    places: dict[str, Floats]
    turns: dict[str, Floats]
    rest: dict[str, Floats]
    parents: dict[str, str]


def body_of(person: Floats, skeleton: Skeleton, measured: NDArray[np.bool_] | None = None) -> Body:
    """A person's segments.

    Args:
        person: (frame, joint, 3), finite, world coordinates, metres.
        skeleton: which joints these are.
        measured: (frame,), the frames whose mean lengths the rest pose has; None takes all.

    >>> from duolift import Scene
    >>> scene = Scene.example()
    >>> body: Body = body_of(scene.world()[:, 0].astype(float), scene.skeleton)
    >>> [round(float(number), 2) for number in body.rest["left_elbow"] - body.rest["left_shoulder"]]
    [0.28, 0.0, 0.0]
    >>> (body.turns["left_elbow"][0] @ [1.0, 0.0, 0.0]).round(2)  # the upper arm hangs down
    array([ 0.32, -0.95,  0.  ])
    """
    places = {joint: person[:, skeleton.index(joint)] for joint in skeleton.joints}
    for joint, (start, end, share) in MIDLINE.items():
        if joint not in places:
            places[joint] = (1 - share) * places[start] + share * places[end]
    joints = [joint for joint in PARENTS if joint in places]  # parents come before their children
    parents = {joint: next(above for above in ancestors(joint) if above in places) for joint in joints}
    turns, rest = {ROOT: _pelvis(places)}, {ROOT: np.zeros(3)}
    for joint in joints:
        turns[joint] = _turn(joint, parents[joint], places, turns)
        along = turns[joint].swapaxes(-1, -2) @ (places[joint] - places[parents[joint]])[..., None]  # (frame, 3, 1)
        rest[joint] = rest[parents[joint]] + along[slice(None) if measured is None else measured, :, 0].mean(0)
    return Body(places, turns, rest, parents)


def rest_direction(joint: str) -> Floats:
    """Where the segment that ends in a joint points in the rest pose, of length 1.

    >>> rest_direction("left_wrist"), rest_direction("right_knee")
    (array([1., 0., 0.]), array([ 0., -1.,  0.]))
    """
    part = without_side(joint)
    if part in ("knee", "ankle"):
        return np.array([0.0, -1.0, 0.0])
    if part == "foot":
        return unit(np.array([0.0, -0.5, 1.0]))  # from the ankle down to the ball
    if part == "toe":
        return np.array([0.0, 0.0, 1.0])
    return np.array([0.0, 1.0, 0.0]) if part == joint else np.array([_side(joint), 0.0, 0.0])


def _side(joint: str) -> float:
    """1 on the left, where x grows in the rest pose, -1 on the right, 0 in the middle."""
    return {"left": 1.0, "right": -1.0}.get(joint.partition("_")[0], 0.0)


def _pelvis(places: dict[str, Floats]) -> Floats:
    """The pelvis's rotation: across from hip to hip, and up towards the spine."""
    up = places["spine"] - places[ROOT]
    across = _line(places, "hip") + (0.0 if "left_hip" in places else _line(places, "shoulder"))
    x, y = np.eye(3)[:2]
    if not np.linalg.norm(across, axis=-1).max(initial=0.0) > SMALLEST_LENGTH:  # a body without hips and shoulders
        return aimed_rotation(y, x, up, across)
    return aimed_rotation(x, y, across, up)


def _turn(joint: str, parent: str, places: dict[str, Floats], turns: dict[str, Floats]) -> Floats:
    """The rotation (frame, 3, 3) of the segment that ends in a joint; those before it are known."""
    part, before = without_side(joint), turns[parent]
    if part == "hip":
        return before  # the pelvis is one piece
    if part == "thumb":
        return turns.get(joint.replace("thumb", "hand"), before)
    rest, across = rest_direction(joint), _rest_across(joint)
    towards = places[joint] - places[parent]
    carried = shortest_rotation(before @ rest, towards) @ before @ across  # (frame, 3)
    return aimed_rotation(rest, across, towards, carried + _hint(joint, parent, places))


def _rest_across(joint: str) -> Floats:
    """In the rest pose, a direction across a segment: of legs and the trunk to the left, of arms the elbow's axis."""
    part = without_side(joint)
    if part in ("elbow", "wrist", "hand"):
        return np.array([0.0, -_side(joint), 0.0])
    return np.array([0.0, 1.0, 0.0]) if part == "shoulder" else np.array([1.0, 0.0, 0.0])


def _hint(joint: str, parent: str, places: dict[str, Floats]) -> Floats | float:
    """Where else the direction across a segment is known from, (frame, 3); 0 where from nothing."""
    part = without_side(joint)
    limb = joint.removesuffix(part)

    def bend(start: str, middle: str, end: str) -> Floats | float:
        names = [limb + name for name in (start, middle, end)]
        if not all(name in places for name in names):
            return 0.0
        first, second, third = (places[name] for name in names)
        return BENT * np.cross(unit(second - first), unit(third - second))

    if part in ("spine", "neck"):
        return (BENT if part == "neck" else 1.0) * unit(_line(places, "shoulder"))
    if part == "knee":
        return bend("hip", "knee", "ankle")
    if part == "ankle":
        return bend("hip", "knee", "ankle") - bend("knee", "ankle", "foot")
    if part in ("elbow", "wrist"):
        return bend("shoulder", "elbow", "wrist")
    if part == "hand" and f"{limb}thumb" in places:
        return BENT * np.cross(unit(places[joint] - places[parent]), unit(places[f"{limb}thumb"] - places[parent]))
    return 0.0


def _line(places: dict[str, Floats], part: str) -> Floats:
    """From the right one of a pair of joints to the left one (frame, 3); 0 where the body lacks them."""
    left, right = f"left_{part}", f"right_{part}"
    there = left in places and right in places
    return places[left] - places[right] if there else np.zeros_like(places[ROOT])
