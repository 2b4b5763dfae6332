"""Nobody twice: of poses that lie on each other only the surest stays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import mirror_name
from duolift.inputs.keypoints import KeypointFormat

SAME = 0.12
"""Two poses are of one person where their joints are less apart than this share of the person's extent, on the mean."""


def extent(person: NDArray[np.floating], threshold: float = 0.1) -> float:
    """The longer side of the box around a person's joints (joint, 3) that are surer than the threshold; 0 without any.

    >>> extent(np.array([[10.0, 10.0, 0.9], [30.0, 110.0, 0.9], [900.0, 900.0, 0.0]]))
    100.0
    """
    seen = person[person[:, 2] > threshold, :2]
    return float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0


def distance(one: NDArray[np.floating], other: NDArray[np.floating], threshold: float = 0.1) -> float:
    """How far apart two poses (joint, 3) are, as a share of the larger extent: the mean over joints that both see.

    Infinite where they share fewer than three joints.

    >>> pose = np.array([[0.0, 0.0, 1.0], [0.0, 50.0, 1.0], [0.0, 100.0, 1.0]])
    >>> distance(pose, pose + np.array([10.0, 0.0, 0.0]))
    0.1
    """
    both = (one[:, 2] > threshold) & (other[:, 2] > threshold)
    size = max(extent(one, threshold), extent(other, threshold))
    if both.sum() < 3 or size == 0:
        return float("inf")
    return float(np.linalg.norm(one[both, :2] - other[both, :2], axis=1).mean() / size)


def mirrored_order(joints: Sequence[str]) -> NDArray[np.intp]:
    """Of each joint the number of the one on the other side of the body.

    >>> mirrored_order(("nose", "left_hip", "right_hip"))
    array([0, 2, 1])
    """
    return np.array([joints.index(mirror_name(joint)) for joint in joints], dtype=np.intp)


def without_doubles(
    people: NDArray[np.float32], keypoint_format: KeypointFormat, same: float = SAME
) -> NDArray[np.intp]:
    """Numbers of those people (person, joint, 3), surest first, who do not lie on a surer one.

    A person is also found twice where left and right are taken for each other once.

    Args:
        keypoint_format: of the joints.
        same: as `SAME`; poses of different detectors of one person are farther apart.

    >>> from duolift.inputs.keypoints import COCO17
    >>> pose = np.arange(51, dtype=np.float32).reshape(17, 3)
    >>> beside = pose + np.array([60, 0, 0], dtype=np.float32)
    >>> without_doubles(np.stack([pose, pose + np.float32(1), beside]), COCO17)
    array([0, 2])
    """
    other_side = mirrored_order(keypoint_format.joints)
    kept: list[int] = []
    for number, person in enumerate(people):
        others = (people[other] for other in kept)
        if all(min(distance(person, other), distance(person[other_side], other)) >= same for other in others):
            kept.append(number)
    return np.array(kept, dtype=np.intp)
