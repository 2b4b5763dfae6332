"""People whom a detector gives in pieces: their legs are somebody else than the rest of them.

Detectors that find joints first and then whose they are, as OpenPose does, lose the limb between two pieces where
something hides it. Pieces have no joint in common, and a bone of a person's length joins them.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from duolift.body.anthropometry import bone_length
from duolift.body.skeleton import PARENTS, ROOT, ancestors
from duolift.inputs.people import RawPerson

LONGEST = 1.3
"""How long a bone between two pieces looks at most, in what it would be if all bones were as long as they look and as
tables of human proportions have them. In Shelf's detections (`benchmarks.real`) it is at most 1.2 between pieces of one
person, and 2.7 at least between two people who stand apart; 1.15 and 1.6 put the same 29 people together."""

ALIKE = 0.6
"""Of two pieces the one looks as large as this share of the other at least; 0.4 and 0.8 put 30 and 27 together."""

LIMB = 0.12
"""Bones that are longer than this fraction of stature tell how large a piece looks: not those of feet and hands."""

Bools = NDArray[np.bool_]
Array = NDArray[np.float64]
Bone = tuple[str, str]


def joined(
    people: Sequence[RawPerson], joints: Sequence[str], threshold: float, unit: tuple[float, float] = (1.0, 1.0)
) -> list[RawPerson]:
    """The people of an image, each in one piece. Whom the file tracks is left as they are.

    Args:
        joints: names, in the order of the people's joints.
        threshold: a joint of lower confidence is not seen.
        unit: pixels, across and down: the image's size where joints are shares of it.

    >>> places = np.array([[0, 0], [0, 50], [0, 100], [0, 145], [0, 190]], dtype=float)
    >>> joints = ("neck", "pelvis", "left_hip", "left_knee", "left_ankle")
    >>> upper, legs = np.array([0.9, 0.9, 0.9, 0, 0]), np.array([0, 0, 0, 0.8, 0.8])
    >>> pieces = [RawPerson(places * (sure > 0)[:, None], sure, None) for sure in (upper, legs)]
    >>> [person.confidence.tolist() for person in joined(pieces, joints, 0.3)]
    [[0.9, 0.9, 0.9, 0.8, 0.8]]
    """
    found = [*people]
    while pair := _nearest(found, joints, threshold, np.array(unit)):
        one, other = (found[number] for number in pair)
        scores = [person.score for person in (one, other) if person.score is not None]
        mine = (one.confidence > other.confidence)[:, None]
        found[pair[0]] = RawPerson(
            np.where(mine, one.keypoints, other.keypoints),
            np.maximum(one.confidence, other.confidence),
            None,
            max(scores, default=None),
        )
        del found[pair[1]]
    return found


def _nearest(
    people: Sequence[RawPerson], joints: Sequence[str], threshold: float, unit: Array
) -> tuple[int, int] | None:
    """The two who are most likely pieces of one person; None where nobody is."""
    if len(people) < 2 or any(person.identity is not None for person in people):
        return None
    seen = np.stack([(one.confidence > 0) & (one.confidence >= threshold) for one in people])  # (person, joint)
    if ((seen.astype(int) @ seen.T.astype(int)) > 0).all():  # everybody shows a joint that all others show
        return None
    places = [_places(unit * one.keypoints, by, joints) for one, by in zip(people, seen, strict=True)]
    apart = {
        (one, other): _apart(places[one], places[other])
        for one, other in combinations(range(len(people)), 2)
        if not (seen[one] & seen[other]).any()
    }
    pair = min(apart, key=lambda both: apart[both], default=None)
    return pair if pair is not None and apart[pair] <= LONGEST else None


def _places(keypoints: Array, seen: Bools, joints: Sequence[str]) -> dict[str, Array]:
    """Where the joints are that bones join, of those that are seen."""
    known = (number for number in np.flatnonzero(seen).tolist() if joints[number] in PARENTS or joints[number] == ROOT)
    return {joints[number]: keypoints[number] for number in known}


def _apart(one: dict[str, Array], other: dict[str, Array]) -> float:
    """The longest bone between two pieces, in what it would be of one person; infinite where none joins them."""
    both, sizes = one | other, [_size(one), _size(other)]
    if min(sizes) < ALIKE * max(sizes) or not max(sizes):
        return float("inf")
    between = [bone for bone in _bones(both) if (bone[0] in one) != (bone[1] in one)]
    return max((_length(bone, both) / max(sizes) for bone in between), default=float("inf"))


def _size(piece: dict[str, Array]) -> float:
    """How tall the person of a piece looks, pixels: by the bone that is turned away least."""
    return max((_length(bone, piece) for bone in _bones(piece) if bone_length(*bone) > LIMB), default=0.0)


def _length(bone: Bone, places: dict[str, Array]) -> float:
    """Of a bone, in pixels of a person's height."""
    child, parent = bone
    return float(np.linalg.norm(places[child] - places[parent])) / bone_length(child, parent)


def _bones(places: dict[str, Array]) -> Iterator[Bone]:
    """Every joint and the nearest of its ancestors."""
    for joint in places:
        parent = next((one for one in ancestors(joint) if one in places), None)
        if parent is not None:
            yield joint, parent
