"""A person's surface for an armature: rounded pieces, each hung on one bone, in the rest pose.

A piece is the convex hull of balls at joints: two make a limb, more of them the pelvis and the chest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import PARENTS, ROOT, without_side
from duolift.outputs.armature import Armature

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ball:
    """A ball of a piece: its radius in metres for a stature of 1.70 m, and where it is, see `rigs.Bone.place`.

    >>> Ball(0.05, "neck").towards  # at a joint, or between it and another one
    ''
    """

    radius: float
    joint: str
    towards: str = ""
    share: float = 0.0


TRUNK: dict[str, tuple[Ball, ...]] = {
    ROOT: (Ball(0.09, ROOT), Ball(0.075, "left_hip"), Ball(0.075, "right_hip")),
    "spine": (Ball(0.10, ROOT), Ball(0.095, "spine")),
    "neck": (
        Ball(0.095, "spine"),
        Ball(0.05, "neck"),
        Ball(0.075, "neck", "left_shoulder", 0.7),
        Ball(0.075, "neck", "right_shoulder", 0.7),
        Ball(0.085, "spine", "left_shoulder", 0.5),
        Ball(0.085, "spine", "right_shoulder", 0.5),
    ),
    "head": (Ball(0.05, "neck"), Ball(0.055, "head")),
    "head_top": (Ball(0.075, "head"), Ball(0.085, "head", "head_top", 0.5)),
}
"""Segment of the trunk -> its piece; sizes by eye."""

THICKNESS: dict[str, tuple[float, float]] = {
    "knee": (0.075, 0.055),
    "ankle": (0.052, 0.036),
    "foot": (0.036, 0.03),
    "toe": (0.03, 0.022),
    "elbow": (0.052, 0.038),
    "wrist": (0.037, 0.027),
    "hand": (0.03, 0.018),
    "thumb": (0.02, 0.014),
}
"""Segment of a limb without its side -> radii where it begins and where it ends; sizes by eye."""

SIZED_FOR = 0.81
"""Metres from pelvis to head top of the person whom the sizes are of."""


@dataclass(frozen=True)
class Surface:
    """Triangles of one colour; `surfaces` makes them.

    Attributes:
        left: whether it is of the left limbs, or of all the rest.
        vertices: (vertex, 3), metres, rest pose.
        normals: (vertex, 3), of length 1.
        faces: (face, 3), positions of vertices.
        bones: (vertex,), the bone that each moves with.
    """

    left: bool
    vertices: Floats
    normals: Floats
    faces: NDArray[np.int64]
    bones: NDArray[np.int64]


def surfaces(armature: Armature, trimesh: Any) -> list[Surface]:
    """A person's surfaces, of the right side and the middle, and of the left side where there is any.

    Args:
        trimesh: the library.

    >>> import trimesh
    >>> from duolift import Scene
    >>> from duolift.outputs.armature import armatures
    >>> _, armature = next(armatures(Scene.example()))
    >>> right, left = surfaces(armature, trimesh)
    >>> isinstance(right, Surface), right.left, left.left
    (True, False, True)
    """
    body = armature.body
    size = float(np.linalg.norm(body.rest["head_top"])) / SIZED_FOR
    rest = {joint: place + armature.rest[0] for joint, place in body.rest.items()}
    pieces: dict[bool, list[tuple[int, Any]]] = {False: [], True: []}

    def add(segment: str, bone: int, balls: list[tuple[Floats, float]]) -> None:
        points = [place + size * radius * unit_ball for place, radius in balls]
        pieces[segment.startswith("left_")].append((bone, trimesh.convex.convex_hull(np.concatenate(points))))

    unit_ball = np.array(trimesh.creation.icosphere(subdivisions=2, radius=1.0).vertices)
    for segment, balls in TRUNK.items():
        placed = [
            ((1 - ball.share) * rest[ball.joint] + ball.share * rest[ball.towards or ball.joint], ball.radius)
            for ball in balls
            if {ball.joint, ball.towards or ball.joint} <= rest.keys()
        ]
        add(segment, _bone_of(armature, segment), placed)
    for segment in (joint for joint in PARENTS if joint in rest and without_side(joint) in THICKNESS):
        begins, ends = THICKNESS[without_side(segment)]
        limb = [(rest[body.parents[segment]], begins), (rest[segment], ends)]
        add(segment, _bone_of(armature, segment), limb)
    for bone, end in enumerate(armature.ends):
        joint = armature.bones[bone].joint
        if end.any() and without_side(joint) in ("ankle", "wrist"):  # a foot or hand that has no joints
            begins, ends = THICKNESS["foot" if joint.endswith("ankle") else "hand"]
            add(joint, bone, [(armature.rest[bone], begins), (armature.rest[bone] + end, ends)])
    return [_joined(left, parts) for left, parts in pieces.items() if parts]


def _bone_of(armature: Armature, segment: str) -> int:
    """The bone that turns with a segment: the one that begins where it does, the first of several, else the root."""
    begins = armature.body.parents.get(segment, segment)
    turning = [number for number, bone in enumerate(armature.bones) if bone.segment == segment]
    return next((number for number in turning if armature.bones[number].joint == begins), [*turning, 0][0])


def _joined(left: bool, pieces: list[tuple[int, Any]]) -> Surface:
    """Pieces as one surface."""
    counts = [len(mesh.vertices) for _, mesh in pieces]
    firsts = np.cumsum([0, *counts[:-1]])
    return Surface(
        left,
        np.concatenate([mesh.vertices for _, mesh in pieces]),
        np.concatenate([mesh.vertex_normals for _, mesh in pieces]),
        np.concatenate([mesh.faces + first for (_, mesh), first in zip(pieces, firsts, strict=True)]),
        np.repeat([bone for bone, _ in pieces], counts),
    )
