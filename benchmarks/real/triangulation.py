"""Who is who in several calibrated views, and where their joints are: a reference in 3D from a detector alone.

World frame, metres. A joint of a view is a ray in the world. Two views' rays to one joint nearly meet, so that people
are put together across views by how far apart their rays pass: the epipolar distance, in metres. Joints are then where
the rays are closest together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from duolift.geometry.cameras import CalibratedCamera

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rules:
    """What is believed.

    Attributes:
        confidence: joints that a detector is less sure of are not used.
        apart: rays to one person's joints pass each other within this on the median, metres.
        views: a person is seen by so many views at least, and a joint by two.
        common: two people are compared who have so many joints in common.
        steps: a person moves less than this from a frame to the next, metres.
        off: a joint whose rays pass it farther away than this on the mean is not known, metres.
    """

    confidence: float = 0.3
    apart: float = 0.15
    views: int = 3
    common: int = 5
    steps: float = 0.4
    off: float = 0.08


RULES = Rules()


@dataclass(frozen=True)
class Rays:
    """The joints of the people that one view has of one frame.

    Attributes:
        centre: (3,), the camera's place.
        directions: (person, joint, 3), unit vectors.
        confidence: (person, joint).
    """

    centre: Array
    directions: Array
    confidence: Array


def rays_of(camera: CalibratedCamera, keypoints: Array, confidence: Array) -> Rays:
    """The rays to people's joints (person, joint, 2), pixels, of confidence (person, joint)."""
    slopes = camera.rays(torch.from_numpy(keypoints).reshape(-1, 2)).numpy()
    ahead = np.concatenate([slopes, np.ones_like(slopes[:, :1])], axis=-1)
    world = ahead @ camera.rotation.numpy()  # each is rotation^T times the ray
    directions = (world / np.linalg.norm(world, axis=-1, keepdims=True)).reshape(*keypoints.shape[:-1], 3)
    return Rays(camera.centre.numpy(), directions, confidence)


def passing(centre: Array, directions: Array, other_centre: Array, other_directions: Array) -> Array:
    """How far rays (..., 3) from one place and rays (..., 3) from another pass each other, metres: (...).

    >>> ahead, left = np.array([[0.0, 0.0, 1.0]]), np.array([[-1.0, 0.0, 0.0]])
    >>> passing(np.zeros(3), ahead, np.array([5.0, 0.1, 3.0]), left)
    array([0.1])
    """
    across = np.cross(directions, other_directions)
    length = np.linalg.norm(across, axis=-1)
    parallel = length < 1e-9
    return np.abs(across @ (other_centre - centre)) / np.where(parallel, np.inf, length)


def persons(views: Sequence[Rays], rules: Rules = RULES) -> list[dict[int, int]]:
    """Who is the same person: for each person the view's number -> the person's number in it, of enough views.

    View after view joins those before it, by the assignment whose rays pass each other closest altogether.
    """
    groups: list[dict[int, int]] = []
    for number, view in enumerate(views):
        people = range(len(view.directions))
        cost = np.array([[_apart(views, group, number, person, rules) for person in people] for group in groups])
        taken: set[int] = set()
        if cost.size:
            capped = np.minimum(cost, 10 * rules.apart)
            for group, person in zip(*linear_sum_assignment(capped), strict=True):
                if cost[group, person] < rules.apart:
                    groups[group][number] = int(person)
                    taken.add(int(person))
        groups += [{number: person} for person in people if person not in taken]
    return [group for group in groups if len(group) >= rules.views]


def _apart(views: Sequence[Rays], group: dict[int, int], number: int, person: int, rules: Rules) -> float:
    """How far a person's rays of one view pass those of a group, on the mean of the group's views."""
    view, found = views[number], []
    for other_number, other_person in group.items():
        other = views[other_number]
        both = np.minimum(view.confidence[person], other.confidence[other_person]) >= rules.confidence
        if both.sum() < rules.common:
            return np.inf
        apart = passing(view.centre, view.directions[person, both], other.centre, other.directions[other_person, both])
        found.append(float(np.median(apart)))
    return float(np.mean(found))


def triangulated(views: Sequence[Rays], person: dict[int, int], rules: Rules = RULES) -> Array:
    """A person's joints (joint, 3): the points that are closest to their rays, each weighted by its confidence.

    NaN for a joint that fewer than two views see, or whose rays do not meet.
    """
    centres = np.stack([views[number].centre for number in person])
    rays = np.stack([views[number].directions[one] for number, one in person.items()])  # (view, joint, 3)
    weight = np.stack([views[number].confidence[one] for number, one in person.items()])
    weight = np.where(weight >= rules.confidence, weight, 0.0)
    across = np.eye(3) - rays[..., :, None] * rays[..., None, :]  # onto the plane across each ray
    known = (weight > 0).sum(0) >= 2
    for _ in range(3):  # a view that disagrees counts less and less
        matrix = np.einsum("vj,vjab->jab", weight, across)
        matrix[~known] = np.eye(3)
        vector = np.einsum("vj,vjab,vb->ja", weight, across, centres)
        points = np.linalg.solve(matrix, vector[..., None])[..., 0]
        off = np.linalg.norm(np.einsum("vjab,vjb->vja", across, points - centres[:, None]), axis=-1)
        weight = weight / (1 + (off / (0.5 * rules.off)) ** 2)
    mean = (weight * off).sum(0) / np.maximum(weight.sum(0), 1e-12)
    points[~known | (mean > rules.off)] = np.nan
    return np.asarray(points)


def tracked_people(frames: Sequence[Sequence[Array]], rules: Rules = RULES) -> list[Array]:
    """People of each frame (person, joint, 3), in the same order in all frames; NaN where somebody is not seen.

    Somebody is who was closest a frame before, or when last seen, by the mean of the joints that both have.

    >>> someone = np.zeros((4, 3))
    >>> [frame[:, 0, 0] for frame in tracked_people([[someone, someone + 2], [someone + 2.1, someone + 0.1]])]
    [array([0., 2.]), array([0.1, 2.1])]
    """
    last: list[Array] = []
    numbered: list[dict[int, Array]] = []
    for people in frames:
        cost = np.array([[_moved(earlier, person) for person in people] for earlier in last])
        found: dict[int, Array] = {}
        if cost.size:
            pairs = np.transpose(linear_sum_assignment(np.minimum(cost, 10 * rules.steps))).tolist()
            found = {before: people[now] for before, now in pairs if cost[before, now] < rules.steps}
        for person in people:
            if not any(person is known for known in found.values()):
                found[len(last)] = person
                last.append(person)
        for number, joints in found.items():
            last[number] = joints
        numbered.append(found)
    none = [np.full_like(person, np.nan) for person in last]
    return [np.stack([found.get(number, none[number]) for number in range(len(last))]) for found in numbered]


def _moved(before: Array, person: Array) -> float:
    apart = np.linalg.norm(before - person, axis=-1)
    known = np.isfinite(apart)
    return float(apart[known].mean()) if known.any() else np.inf
