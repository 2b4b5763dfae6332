"""Several synthetic people on one ground, before any cameras: a pair who act, and others who stand by and do likewise.

World frame: z up, metres; 50 frames a second.
"""

from collections.abc import Sequence

import numpy as np

from datamodules.sources.mocap.company import in_company
from datamodules.synthetic.bodies import Array, Body
from datamodules.synthetic.cameras import place_cameras
from datamodules.synthetic.takes import record
from duolift.body.skeleton import CHI3D25

BUILDS = ("man", "woman")

APART = (0.9, 1.3)
"""Metres of whoever stands by from the first who acts: least and largest."""


def bodies_of(people: int, rng: np.random.Generator) -> list[Body]:
    """So many people, men and women."""
    return [Body.draw(rng, BUILDS[int(rng.integers(len(BUILDS)))]) for _ in range(people)]


def company(kind: str, bodies: Sequence[Body], frames: int, rng: np.random.Generator) -> Array:
    """Two people who act, and others of other acts beside them: (frame, person, joint of `CHI3D25`, 3).

    Args:
        kind: of the pair's action, one of `datamodules.synthetic.actions.ACTIONS`.
        bodies: of two people or more; the first two act.
        frames: of the act.

    >>> rng = np.random.default_rng(0)
    >>> company("Hug", bodies_of(3, rng), 4, rng).shape
    (4, 3, 25, 3)
    """
    pair = _act(kind, (bodies[0], bodies[1]), frames, rng)
    present = [pair[0], pair[1]]
    root = CHI3D25.root_index
    while len(present) < len(bodies):
        other = _act(kind, (bodies[len(present)], bodies[0]), frames, rng)[0]
        placed = in_company(pair[0], [other], 2, APART, root, rng)[:, 1]
        if all(np.linalg.norm((placed - somebody)[:, root, :2], axis=-1).min() > APART[0] / 2 for somebody in present):
            present.append(placed)
    return np.stack(present, axis=1)


def _act(kind: str, bodies: tuple[Body, Body], frames: int, rng: np.random.Generator) -> Array:
    return record(kind, bodies, place_cameras(rng), frames, rng).joints
