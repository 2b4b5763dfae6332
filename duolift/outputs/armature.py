"""A person as an armature: the bones of a rig, at rest and in every frame. BVH and GLB are written from it.

Bones carry translations as well as rotations. The bones of people in a scene do not keep their lengths: each frame's
body is estimated by itself, and a video's smoothing works on joints. Of four lifted videos of detectors' files (7
people, 160 poses), bones' lengths were within 8 to 49 mm of their middle, so that an armature of constant bones that
comes as near to all joints as it can leaves some of them 6 to 77 mm off. With a translation of every bone all of them
are exact, and the rotations say the same to programs that take no others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import HEAD, Skeleton, without_side
from duolift.geometry.interpolation import interpolate_gaps
from duolift.outputs.rigs import DEFAULT_RIG, Bone, rig_bones
from duolift.outputs.rotations import unit
from duolift.outputs.segments import Body, body_of, rest_direction
from duolift.scene import Scene

Floats = NDArray[np.float64]

END_LENGTHS = {"head_top": 0.02, "ankle": 0.13, "foot": 0.05, "toe": 0.02, "wrist": 0.10, "hand": 0.02, "thumb": 0.02}
"""Joint without its side that ends a limb -> how long its bone is, in statures; of any other joint `OTHER_END`. Of feet
and hands whose ends the body lacks by Drillis and Contini (`duolift.body.anthropometry`), else chosen to be seen."""

OTHER_END = 0.05

SHORTEST_END = 0.01
"""Metres; programs take a shorter bone for none."""

STATURES = 2.1
"""How often pelvis to head top goes into a stature (`duolift.body.anthropometry`)."""

FOOT_DOWN = np.array([0.0, -0.3, 1.0])
"""Where a foot without joints of its own points in the rest pose: from the ankle forward, and down to the ground."""


@dataclass(frozen=True)
class Armature:
    """The bones of one person.

    Attributes:
        bones: parents before their children; the first is the root.
        parents: (bone,), positions of the bones' parents; -1 for the root.
        rest: (bone, 3), where bones begin in the rest pose, metres; somebody stands on the ground at the origin.
        ends: (bone, 3), from where a bone without children begins to where it ends in the rest pose; 0 for the others.
        places: (frame, bone, 3), where bones begin, metres, world coordinates.
        turns: (frame, bone, 3, 3), how they are turned from the rest pose, in which every bone's axes are the world's.
        body: what they were made of.
    """

    bones: tuple[Bone, ...]
    parents: tuple[int, ...]
    rest: Floats
    ends: Floats
    places: Floats
    turns: Floats
    body: Body

    @cached_property
    def offsets(self) -> Floats:
        """(bone, 3), where bones begin in the rest pose, from their parents; of the root where it is."""
        return np.array(
            [at - (self.rest[up] if up >= 0 else 0.0) for at, up in zip(self.rest, self.parents, strict=True)]
        )

    @cached_property
    def translations(self) -> Floats:
        """(frame, bone, 3), where bones begin, in the axes of their parents; of the root in the world's."""
        local = self.places.copy()
        for bone, up in enumerate(self.parents):
            if up >= 0:
                away = self.places[:, bone] - self.places[:, up]
                local[:, bone] = (self.turns[:, up].swapaxes(-1, -2) @ away[..., None])[..., 0]
        return local

    @cached_property
    def rotations(self) -> Floats:
        """(frame, bone, 3, 3), how bones are turned against their parents."""
        local = self.turns.copy()
        for bone, up in enumerate(self.parents):
            if up >= 0:
                local[:, bone] = self.turns[:, up].swapaxes(-1, -2) @ self.turns[:, bone]
        return local

    def children(self, bone: int) -> list[int]:
        """Positions of the bones that hang from a bone."""
        return [child for child, up in enumerate(self.parents) if up == bone]


def armature_of(
    person: Floats, skeleton: Skeleton, rig: str = DEFAULT_RIG, measured: NDArray[np.bool_] | None = None
) -> Armature:
    """A person on the bones of a rig.

    Args:
        person: (frame, joint, 3), finite, world coordinates, metres.
        skeleton: which joints these are.
        rig: one of `duolift.outputs.rigs.RIGS`.
        measured: (frame,), the frames whose mean lengths the rest pose has; None takes all.

    Raises:
        InputError: an unknown rig.

    >>> from duolift import Scene
    >>> scene = Scene.example()
    >>> armature: Armature = armature_of(scene.world()[:, 0].astype(float), scene.skeleton, "cmu")
    >>> knee = [bone.name for bone in armature.bones].index("LeftLeg")
    >>> armature.bones[armature.parents[knee]].name
    'LeftUpLeg'
    >>> bool(np.allclose(armature.places[:, knee], scene.world()[:, 0, scene.skeleton.index("left_knee")]))
    True
    """
    body = body_of(person, skeleton, measured)
    bones = rig_bones(rig, skeleton.joints if rig == DEFAULT_RIG else body.places)
    numbers = {bone.name: number for number, bone in enumerate(bones)}
    parents = tuple(numbers[bone.parent] if bone.parent else -1 for bone in bones)
    rest = np.stack([_between(body.rest, bone) for bone in bones])
    ends = np.zeros_like(rest)
    for number, bone in enumerate(bones):
        if number not in parents:
            ends[number] = _end(bone, body, rest[number])
    rest[:, 1] -= (rest + ends)[:, 1].min()
    places = np.stack([_between(body.places, bone) for bone in bones], axis=1)
    turns = np.stack([body.turns[_segment(bone, body)] for bone in bones], axis=1)
    return Armature(tuple(bones), parents, rest, ends, places, turns, body)


def _between(places: dict[str, Floats], bone: Bone) -> Floats:
    """Where a bone begins, of the places of joints."""
    start, end, share = bone.place
    return (1 - share) * places[start] + share * places[end]


def _segment(bone: Bone, body: Body) -> str:
    """The segment that a bone turns with: its own, or the one before where the body lacks it."""
    return bone.segment if bone.segment in body.turns else bone.joint


def _end(bone: Bone, body: Body, begins: Floats) -> Floats:
    """From where a last bone begins to where it ends: at the joint of its segment, or as far as such bones go."""
    segment = _segment(bone, body)
    if segment != bone.joint:
        return body.rest[segment] - begins
    part, stature = without_side(bone.joint), STATURES * float(np.linalg.norm(body.rest[HEAD]))
    forward = FOOT_DOWN if part == "ankle" else rest_direction(bone.joint)
    return unit(forward) * max(END_LENGTHS.get(part, OTHER_END) * stature, SHORTEST_END)


def armatures(scene: Scene, rig: str = DEFAULT_RIG) -> Iterator[tuple[int, Armature]]:
    """The people who are in any frame, by their position on the person axis, each on the bones of a rig.

    People who are absent move straight to where they return, and stand still before their first frame and after their
    last.

    Raises:
        InputError: an unknown rig.

    >>> [(person, len(armature.bones)) for person, armature in armatures(Scene.example(), "mixamo")]
    [(0, 25), (1, 25)]
    """
    world = scene.world()
    for person in np.flatnonzero(scene.valid.any(0)).tolist():
        track = interpolate_gaps(world[:, person], hold_ends=True)
        yield person, armature_of(track, scene.skeleton, rig, scene.valid[:, person])
