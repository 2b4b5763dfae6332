"""Joints lie on the rays through their keypoints, off by the detector's noise."""

import numpy as np

from duolift.motion.evidence import Evidence
from duolift.motion.quadratic import Array, Quadratic


def keypoints(known: Evidence, points: Array, equations: Quadratic) -> None:
    """Add the squares of the joints' distances from their rays, across the optical axis, over `known.across`.

    Args:
        known: of the person.
        points: (frame, joint, 3), where the joints are taken to be.
        equations: added to.
    """
    frames, joints = known.seen.shape
    slopes = np.zeros((frames, joints, 2, 3))  # of the residuals x - ray_x z and y - ray_y z
    slopes[..., 0, 0] = slopes[..., 1, 1] = 1
    slopes[..., 2] = -known.rays
    weight = known.seen / np.square(known.across)[:, None]
    off = np.einsum("tjrc,tjc->tjr", slopes, points)
    add(equations, weight[..., None, None] * np.einsum("tjrc,tjrd->tjcd", slopes, slopes))
    equations.pull -= (weight[..., None] * np.einsum("tjrc,tjr->tjc", slopes, off)).reshape(frames, -1)


def add(equations: Quadratic, blocks: Array) -> None:
    """Add to every joint's own coordinates: (frame, joint, 3, 3)."""
    frames, joints = blocks.shape[:2]
    within = equations.within.reshape(frames, joints, 3, joints, 3)
    each = np.arange(joints)
    within[:, each, :, each] += blocks.swapaxes(0, 1)
