"""Joints that were given out already are where they were said to be."""

import numpy as np

from duolift.motion.evidence import Evidence
from duolift.motion.quadratic import Array, Quadratic

GIVES = 0.001
"""Metres: a frame that was given out does not change any more, and what follows goes on from it. With nothing of the
kind, frames that are given out one after the other tremble against each other: on s03 and s04 of the motion capture,
with 3 pixels of noise, accelerations are off by 5.0 mm a squared frame, and by 2.3 with it (2.0 where a whole video is
looked at)."""


def given(known: Evidence, points: Array, equations: Quadratic) -> None:
    """Add the squares of how far joints are from where they were given out, over `GIVES`; nothing for new frames.

    Args:
        known: of the person.
        points: (frame, joint, 3), where the joints are taken to be.
        equations: added to.
    """
    if known.given is None:
        return
    fixed = np.isfinite(known.given)  # (frame, joint, 3)
    equations.joint_pull[:] -= np.where(fixed, points - known.given, 0.0) / GIVES**2
    equations.add(fixed[..., None] * np.eye(3) / GIVES**2)
