"""The root is as far away as the placement says, off by a share of it; anywhere near, where it is hidden."""

import numpy as np

from duolift.motion.evidence import Evidence
from duolift.motion.quadratic import Array, Quadratic

SHARE = 0.02
"""Deviation of a distance that the fit of places has found, as a share of it: within a sequence 0.016 (s04 and s03 of
the motion capture)."""


def places(known: Evidence, points: Array, equations: Quadratic) -> None:
    """Add the square of how far the root is from its place, over `SHARE` of its distance.

    Args:
        known: of the person.
        points: (frame, joint, 3), where the joints are taken to be.
        equations: added to.
    """
    root = known.skeleton.root_index
    distance = np.linalg.norm(known.from_camera(known.points[:, root]), axis=-1).clip(min=1e-3)
    weight = known.there / np.square(SHARE * distance)
    sight = np.einsum("tc,td->tcd", known.towards[:, root], known.towards[:, root])
    block = weight[:, None, None] * np.where(known.seen[:, root, None, None], sight, np.eye(3))
    off = points[:, root] - known.points[:, root]
    equations.joint_pull[:, root] -= np.einsum("tcd,td->tc", block, off)
    equations.between_joints[:, root, :, root] += block
