"""Joints that were given out already are about where they were said to be.

Whoever is looked at while being filmed goes on from what was given out: frames that are given out one after the other,
each by what is known at that time and with nothing between them, tremble against each other. On s03 and s04 of the
motion capture, with 3 pixels of noise and 0.2 s of frames ahead, accelerations are off by 5.0 mm a squared frame then,
and by 2.3 with this term (2.0 where a whole video is looked at).
"""

import numpy as np

from duolift.motion.evidence import NEVER_EXACT, Evidence
from duolift.motion.quadratic import Array, Quadratic

AT_ONCE = 0.1
"""Metres by which a joint may have been given out wrongly with no frame ahead. On s04, given out at once, people are
off by 43 mm with it, by 48 with 0.03 and by 77 with 0.001: what is wrong once is then believed for ever."""

FADES = 0.045
"""Seconds of frames ahead after which that is a third."""


def firmness(ahead: float) -> float:
    """How far off what is given out may be, metres, by the seconds of frames ahead that told of it.

    >>> [round(firmness(seconds), 3) for seconds in (0.0, 0.1, 0.2)]
    [0.1, 0.011, 0.001]
    """
    return float(max(NEVER_EXACT, AT_ONCE * np.exp(-ahead / FADES)))


def given(known: Evidence, points: Array, equations: Quadratic) -> None:
    """Add the squares of how far joints are from where they were given out, over how far off that may be.

    Args:
        known: of the person.
        points: (frame, joint, 3), where the joints are taken to be.
        equations: added to.
    """
    if known.given is None or known.firmness is None:
        return
    weight = np.isfinite(known.given) / np.square(known.firmness)[:, None, None]  # (frame, joint, 3)
    equations.joint_pull[:] -= np.where(weight > 0, weight * (points - known.given), 0.0)
    equations.add(weight[..., None] * np.eye(3))
