"""Several synthetic people on one ground, before any cameras: a pair who act, and others who stand by and do likewise.

World frame: z up, metres; 50 frames a second.
"""

import numpy as np

from datamodules.sources.mocap.company import in_company
from datamodules.synthetic.bodies import Array, Body
from datamodules.synthetic.cameras import place_cameras
from datamodules.synthetic.takes import record
from duolift.body.skeleton import CHI3D25

BUILDS = ("man", "woman")

APART = (0.9, 1.3)
"""Metres of whoever stands by from the first who acts: least and largest."""


def company(kind: str, people: int, frames: int, rng: np.random.Generator) -> Array:
    """Two people who act, and others of other acts beside them: (frame, person, joint of `CHI3D25`, 3).

    Args:
        kind: of the pair's action, one of `datamodules.synthetic.actions.ACTIONS`.
        people: two or more.
        frames: of the act.

    >>> company("Hug", 3, 4, np.random.default_rng(0)).shape
    (4, 3, 25, 3)
    """
    pair = _act(kind, frames, rng)
    present = [pair[0], pair[1]]
    root = CHI3D25.root_index
    while len(present) < people:
        other = _act(kind, frames, rng)[0]
        placed = in_company(pair[0], [other], 2, APART, root, rng)[:, 1]
        if all(np.linalg.norm((placed - somebody)[:, root, :2], axis=-1).min() > APART[0] / 2 for somebody in present):
            present.append(placed)
    return np.stack(present, axis=1)


def _act(kind: str, frames: int, rng: np.random.Generator) -> Array:
    bodies = tuple(Body.draw(rng, BUILDS[int(rng.integers(len(BUILDS)))]) for _ in range(2))
    return record(kind, (bodies[0], bodies[1]), place_cameras(rng), frames, rng).joints
