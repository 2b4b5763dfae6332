"""Joints are where the lifter has put them in the body, off by what it expects: along the line of sight where they are
seen, anywhere where they are hidden."""

import numpy as np

from duolift.motion.evidence import NEVER_EXACT, Evidence
from duolift.motion.quadratic import Array, Quadratic


def bodies(known: Evidence, points: Array, equations: Quadratic) -> None:
    """Add the squares of how far joints are, beside the root, from where they were lifted, over their deviations.

    Args:
        known: of the person.
        points: (frame, joint, 3), where the joints are taken to be.
        equations: added to.
    """
    root = known.skeleton.root_index
    weight = known.there[:, None] / np.square(known.deviation.clip(min=NEVER_EXACT))
    weight[:, root] = 0
    sight = np.einsum("tjc,tjd->tjcd", known.towards, known.towards)
    blocks = weight[..., None, None] * np.where(known.seen[..., None, None], sight, np.eye(3))  # (frame, joint, 3, 3)
    off = (points - points[:, root, None]) - (known.points - known.points[:, root, None])
    pull = -np.einsum("tjcd,tjd->tjc", blocks, off)
    pull[:, root] = -pull.sum(1)
    equations.joint_pull[:] += pull
    equations.add(blocks)
    within = equations.between_joints
    within[:, root, :, root] += blocks.sum(1)
    within[:, :, :, root] -= blocks
    within[:, root] -= blocks.transpose(0, 2, 1, 3)
