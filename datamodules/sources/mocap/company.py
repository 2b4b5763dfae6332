"""People who were captured one at a time, set down beside one another: a scene of one person has nothing to place.

They stand on the same ground, as their captures do, and have nothing to do with each other. World frame: z up, metres.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from datamodules.sources.mocap.motion import Array

STEP = 0.1
"""Metres by which somebody is moved away until nobody stands in anybody."""


def in_company(
    alone: Array, others: Sequence[Array], people: int, apart: Sequence[float], root: int, rng: np.random.Generator
) -> Array:
    """A person with so many others.

    Args:
        alone: (frame, joint, 3), the person.
        others: motions (frame, joint, 3) that the others are drawn from. Each goes there and back again for as many
            frames as the person has.
        people: in the scene, the person among them.
        apart: least and largest distance of the others' middles from the person's, metres. The least one holds between
            any two pelvises in any frame, for which somebody is moved further away than the largest.
        root: index of the pelvis.
        rng: of the draws.

    Returns:
        (frame, people, joint, 3), the person first.

    >>> alone, other = np.zeros((4, 2, 3)), np.ones((3, 2, 3))
    >>> scene = in_company(alone, [other], 2, [0.8, 2.0], root=0, rng=np.random.default_rng(0))
    >>> scene.shape, bool(np.linalg.norm(scene[:, 1, 0, :2], axis=-1).min() >= 0.8)
    ((4, 2, 2, 3), True)
    """
    present = [alone]
    for _ in range(people - 1):
        motion = others[int(rng.integers(len(others)))]
        motion = _turned(motion[_there_and_back(len(motion), len(alone))], rng.uniform(0, 360))
        around, distance = np.deg2rad(rng.uniform(0, 360)), rng.uniform(apart[0], apart[1])
        way = np.array([np.cos(around), np.sin(around), 0.0])
        motion = motion + (_middle(alone, root) - _middle(motion, root)) + distance * way
        while any(_gap(motion, somebody, root) < apart[0] for somebody in present):
            motion = motion + STEP * way
        present.append(motion)
    return np.stack(present, axis=1)


def _there_and_back(frames: int, wanted: int) -> list[int]:
    """Frames of a motion, to the end and back again as often as it takes.

    >>> _there_and_back(3, 7)
    [0, 1, 2, 1, 0, 1, 2]
    """
    period = max(1, 2 * frames - 2)
    return [min(at, period - at) if frames > 1 else 0 for at in (frame % period for frame in range(wanted))]


def _turned(motion: Array, degrees: float) -> Array:
    """Turned about the vertical."""
    turn = Rotation.from_euler("z", degrees, degrees=True)
    return turn.apply(motion.reshape(-1, 3)).reshape(motion.shape)


def _middle(motion: Array, root: int) -> Array:
    """The pelvis's mean place on the ground, (3,)."""
    return motion[:, root].mean(0) * [1.0, 1.0, 0.0]


def _gap(motion: Array, somebody: Array, root: int) -> float:
    """How near two pelvises come, seen from above."""
    return float(np.linalg.norm((motion - somebody)[:, root, :2], axis=-1).min())
