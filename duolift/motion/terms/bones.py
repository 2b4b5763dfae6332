"""Bones keep their lengths."""

import numpy as np

from duolift.motion.evidence import Evidence
from duolift.motion.quadratic import Array, Quadratic


def bones(known: Evidence, points: Array, equations: Quadratic) -> None:
    """Add the squares of how far bones are from their lengths, over `known.gives`.

    Args:
        known: of the person.
        points: (frame, joint, 3), where the joints are taken to be.
        equations: added to.
    """
    children, parents = (list(ends) for ends in known.skeleton.bone_ends)
    bone = points[:, children] - points[:, parents]  # (frame, bone, 3)
    length = np.linalg.norm(bone, axis=-1, keepdims=True).clip(min=1e-6)
    along, weight = bone / length, known.there[:, None] / known.gives**2
    stretched = weight * (length[..., 0] - known.lengths)  # (frame, bone)
    blocks = weight[..., None, None] * np.einsum("tbc,tbd->tbcd", along, along)
    within, pull = equations.between_joints, equations.joint_pull
    for number, (child, parent) in enumerate(zip(children, parents, strict=True)):
        block, force = blocks[:, number], stretched[:, number, None] * along[:, number]
        within[:, child, :, child] += block
        within[:, parent, :, parent] += block
        within[:, child, :, parent] -= block
        within[:, parent, :, child] -= block
        pull[:, child] -= force
        pull[:, parent] += force
