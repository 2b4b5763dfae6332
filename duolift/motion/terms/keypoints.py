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
    slopes = np.zeros((*known.seen.shape, 2, 3))  # of the residuals x - ray_x z and y - ray_y z
    slopes[..., 0, 0] = slopes[..., 1, 1] = 1
    slopes[..., 2] = -known.rays
    if known.rotation is not None:
        slopes = slopes @ known.rotation[:, None]
    weight = known.seen / np.square(known.across)[:, None]
    off = np.einsum("tjrc,tjc->tjr", slopes, known.from_camera(points))
    equations.add(weight[..., None, None] * np.einsum("tjrc,tjrd->tjcd", slopes, slopes))
    equations.joint_pull[:] -= weight[..., None] * np.einsum("tjrc,tjr->tjc", slopes, off)
