"""Single people of the embedded set, before any cameras.

World frame: z up, metres; 50 frames a second.
"""

from collections.abc import Iterator

import numpy as np

from datamodules.synthetic.actions import ACTIONS
from datamodules.synthetic.bodies import Array, Body
from datamodules.synthetic.cameras import place_cameras
from datamodules.synthetic.takes import record
from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import CHI3D25, H36M17

DETECTOR_PIXELS = 4.0
"""Deviation of what stands for a detector's joints from the true ones, pixels."""


def people_alone(number: int, actions: int, config: SyntheticConfig) -> Iterator[Array]:
    """The actions of one subject, each (frame, joint of `H36M17`, 3); `config.frames` long.

    A partner acts with them, and is not seen.

    Args:
        number: the subject's, which its body depends on.

    >>> [poses.shape for poses in people_alone(0, 2, SyntheticConfig(frames=3))]
    [(3, 17, 3), (3, 17, 3)]
    """
    rng = np.random.default_rng([config.seed, number])
    build = "man" if number % 2 else "woman"
    bodies, cameras = (Body.draw(rng, build), Body.draw(rng, "man")), place_cameras(rng)
    for action in range(actions):
        kind = tuple(ACTIONS)[action % len(ACTIONS)]
        take = record(kind, bodies, cameras, config.frames, np.random.default_rng([config.seed, number, action]))
        yield take.joints[0][:, CHI3D25.indices(H36M17.joints)]
