"""How much two poses look like one person's: COCO's object keypoint similarity (OKS).

One deviation stands for all joints, in units of the person's size (https://cocodataset.org/#keypoints-eval).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def size_of(keypoints: Array, confidence: Array) -> float:
    """Pixels: the diagonal of the box around the joints that are visible, at least 1.

    >>> size_of(np.array([[0.0, 0.0], [30.0, 40.0]]), np.ones(2))
    50.0
    """
    return float(sizes_of(keypoints, confidence))


def sizes_of(keypoints: Array, confidence: Array) -> Array:
    """`size_of` of several people, (...,), from (..., joint, 2) and (..., joint)."""
    seen = (confidence > 0)[..., None]
    low = np.where(seen, keypoints, np.inf).min(-2, initial=np.inf)  # (..., 2)
    high = np.where(seen, keypoints, -np.inf).max(-2, initial=-np.inf)
    span = np.maximum(high - low, 0.0)  # minus infinity of whoever shows no joint
    sizes: Array = np.maximum(np.hypot(span[..., 0], span[..., 1]), 1.0)
    return sizes


def similarities(keypoints: Array, confidence: Array, others: Array, sure: Array, deviation: float) -> Array:
    """Of one person with each of others, over the joints that both have; 0 where they share none.

    Args:
        keypoints: (joint, 2), pixels.
        confidence: (joint,), 0 where a joint is not visible.
        others: (person, joint, 2).
        sure: (person, joint), their confidence.
        deviation: of a joint between the two, in sizes of the larger person; off by as much, a joint counts 0.61.

    Returns:
        (person,), 0 to 1.

    >>> person = np.array([[0.0, 0.0], [30.0, 40.0]])
    >>> similarities(person, np.ones(2), np.stack([person, person + 500]), np.ones((2, 2)), 0.15)
    array([1., 0.])
    """
    both = (sure > 0) & (confidence > 0)  # (person, joint)
    near = joint_similarities(keypoints, confidence, others, sure, deviation)
    similar: Array = near.sum(-1) / both.sum(-1).clip(1)
    return similar


def joint_similarities(
    keypoints: Array, confidence: Array, others: Array, sure: Array, deviation: float | Array
) -> Array:
    """What `similarities` is the mean of, (..., joint), 0 where not both have a joint.

    Args:
        keypoints, others: (..., joint, 2), pixels; what is before the joints is broadcast.
        confidence, sure: (..., joint), 0 where a joint is not visible.
        deviation: as there, of all joints or of each, (..., joint).
    """
    both = (sure > 0) & (confidence > 0)  # (..., joint)
    sizes = np.maximum(sizes_of(keypoints, confidence), sizes_of(others, sure))  # (...)
    off = ((others - keypoints) ** 2).sum(-1) / (deviation * sizes[..., None]) ** 2  # (..., joint), squared
    near: Array = np.exp(-0.5 * off) * both
    return near
