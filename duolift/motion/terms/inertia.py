"""Joints have a mass: they are not accelerated at will."""

import numpy as np

from duolift.motion.evidence import Evidence
from duolift.motion.inertia import Bends, bending
from duolift.motion.quadratic import Array, Quadratic

DENSITY = 4.0
"""Of the accelerations of joints, squared metres over cubed seconds. On s04 of the motion capture, with 3 pixels of
noise at 30 frames a second, the top speeds of wrists and ankles come out as 0.88 of what they are with 2, 0.91 with 4
and 0.93 with 6, and accelerations are off by 2.3, 2.5 and 2.6 mm a squared frame; people's own are 3.3."""


def inertia(known: Evidence, points: Array, equations: Quadratic) -> None:
    """Add the squares of second differences over time.

    Args:
        known: of the person.
        points: (frame, joint, 3), where the joints are taken to be.
        equations: added to.
    """
    frames = len(points)
    if frames < 3:
        return
    there = known.there
    bends = Bends.of(np.full(frames, known.interval) if known.steps is None else known.steps)
    first, last, interval = (value[1:-1, None] for value in (bends.first, bends.last, bends.interval))
    weight = bending(DENSITY, interval) * (there[:-2] & there[1:-1] & there[2:])[:, None]  # (frame - 2, 1)
    flat = points.reshape(frames, -1)
    force = weight * (first * flat[:-2] - 2 * flat[1:-1] + last * flat[2:])
    each = np.arange(flat.shape[1])
    for part, share in ((slice(0, -2), first), (slice(1, -1), -2), (slice(2, None), last)):
        equations.pull[part] -= share * force
        equations.within[part, each, each] += share**2 * weight
    equations.following[:-2] -= 2 * first * weight
    equations.following[1:-1] -= 2 * last * weight
    equations.second[:-2] += first * last * weight
