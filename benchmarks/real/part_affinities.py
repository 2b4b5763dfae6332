"""From joint candidates and part affinities to people, as OpenPose puts them together.

A network of OpenPose's kind finds candidates for every joint, without knowing whose they are, and for every two
candidates that a limb may join an affinity. Limbs are taken greedily, the surest first: Cao et al., "OpenPose: Realtime
Multi-Person 2D Pose Estimation using Part Affinity Fields" (2018), https://arxiv.org/abs/1812.08008, section 3.3.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from duolift.inputs.keypoints import FORMATS

Array = NDArray[np.float64]

BODY25 = FORMATS["body25"]

LIMBS = tuple(
    (BODY25.joints.index(start), BODY25.joints.index(end))
    for start, end in (
        ("neck", "pelvis"),
        ("right_hip", "right_knee"),
        ("right_knee", "right_ankle"),
        ("pelvis", "right_hip"),
        ("pelvis", "left_hip"),
        ("left_hip", "left_knee"),
        ("left_knee", "left_ankle"),
        ("neck", "right_shoulder"),
        ("right_shoulder", "right_elbow"),
        ("right_elbow", "right_wrist"),
        ("right_shoulder", "right_ear"),
        ("neck", "left_shoulder"),
        ("left_shoulder", "left_elbow"),
        ("left_elbow", "left_wrist"),
        ("left_shoulder", "left_ear"),
        ("neck", "nose"),
        ("nose", "right_eye"),
        ("nose", "left_eye"),
        ("right_eye", "right_ear"),
        ("left_eye", "left_ear"),
        ("left_ankle", "left_toe"),
        ("left_toe", "left_small_toe"),
        ("left_ankle", "left_heel"),
        ("right_ankle", "right_toe"),
        ("right_toe", "right_small_toe"),
        ("right_ankle", "right_heel"),
    )
)
"""The limbs of BODY_25 that have an affinity, in OpenPose's order: indices of both joints."""

LEAST_AFFINITY = 0.05
"""OpenPose's threshold: limbs of a lower affinity are none."""

FEWEST_JOINTS = 5
"""Whoever has fewer joints is left out."""

Candidate = tuple[int, int]
"""A joint's index, and the candidate's number among those of the joint."""


def assembled(candidates: Sequence[Array], affinities: Sequence[Array]) -> Array:
    """People of one image.

    Args:
        candidates: of each of BODY_25's joints (candidate, 3): x, y, confidence.
        affinities: of each of `LIMBS` (candidate of its start, candidate of its end).

    Returns:
        (person, 25, 3): x, y, confidence; all 0 where a joint was not found.

    >>> joints = [np.array([[10.0 * joint, 5.0, 0.9]]) for joint in range(len(BODY25))]
    >>> people = assembled(joints, [np.array([[0.8]])] * len(LIMBS))  # one candidate a joint: one person
    >>> people.shape, people[0, 2].tolist()
    ((1, 25, 3), [20.0, 5.0, 0.9])
    >>> assembled(joints, [np.array([[0.01]])] * len(LIMBS)).shape  # nothing belongs together
    (0, 25, 3)
    """
    owner: dict[Candidate, dict[int, int]] = {}
    for start, end in _surest_first(affinities):
        one, other = owner.get(start, dict([start])), owner.get(end, dict([end]))
        if not one.keys() & other.keys():  # nobody has two left knees
            one.update(other)
            owner |= dict.fromkeys(one.items(), one)
    people = {id(person): person for person in owner.values() if len(person) >= FEWEST_JOINTS}
    poses = np.zeros((len(people), len(BODY25), 3))
    for pose, person in zip(poses, people.values(), strict=True):
        for joint, number in person.items():
            pose[joint] = candidates[joint][number]
    return poses


def _surest_first(affinities: Sequence[Array]) -> Iterator[tuple[Candidate, Candidate]]:
    """Both ends of every possible limb."""
    possible = [
        (affinity[start, end], (joints[0], int(start)), (joints[1], int(end)))
        for joints, affinity in zip(LIMBS, affinities, strict=True)
        for start, end in np.argwhere(affinity > LEAST_AFFINITY)
    ]
    for _, start, end in sorted(possible, key=lambda limb: limb[0], reverse=True):
        yield start, end
