"""The embedded set's cameras: four round the stage, with the names, lenses and distortion of CHI3D's.

World frame: z up, metres; pixels.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from datamodules.sources.chi3d import CAMERAS, IMAGE
from datamodules.synthetic.bodies import Array, unit
from duolift.geometry.cameras import CalibratedCamera


@dataclass(frozen=True)
class Rig:
    """Where the cameras stand and how they see, before chance moves them a little; a value a camera.

    Chosen to look like CHI3D's: low to high, about 90 degrees apart.

    Attributes:
        heights: above the floor, metres.
        distances: from the pair's waist, metres.
        azimuths: round the stage, degrees.
        focal: of all lenses, pixels.
        radial, tangential: distortion of all lenses.
    """

    heights: tuple[float, ...] = (1.35, 1.70, 2.20, 2.70)
    distances: tuple[float, ...] = (4.2, 4.4, 4.3, 4.5)
    azimuths: tuple[float, ...] = (20.0, 115.0, 200.0, 290.0)
    focal: float = 1145.0
    radial: tuple[float, float, float] = (-0.2083, 0.2555, -0.0025)
    tangential: tuple[float, float] = (-0.00076, -0.0014)


RIG = Rig()
WAIST = np.array([0.0, 0.0, 1.0])
"""What the cameras aim at, metres."""


def aimed(centre: Array, aim: Array, roll: Array) -> Array:
    """Rotations (camera, 3, 3), world to camera, of cameras that look at a point.

    Args:
        centre: (camera, 3), where they stand, metres; not above nor below what they look at.
        aim: (camera, 3), what they look at.
        roll: (camera,), how far the picture then turns from the camera's x towards its y, radians.

    >>> aimed(np.array([[0.0, -4.0, 1.0]]), np.array([[0.0, 0.0, 1.0]]), np.array([0.0]))[0].round() + 0.0
    array([[ 1.,  0.,  0.],
           [ 0.,  0., -1.],
           [ 0.,  1.,  0.]])
    """
    forward = unit(aim - centre)
    right = unit(np.cross(forward, [0.0, 0.0, 1.0]))
    upright = np.stack([right, np.cross(forward, right), forward], axis=1)
    return Rotation.from_euler("z", roll[:, None]).as_matrix() @ upright


def place_cameras(rng: np.random.Generator) -> CalibratedCamera:
    """Four cameras round the origin, aimed at the pair's waist; every number is moved a little by chance."""
    four = len(CAMERAS)
    azimuth = np.deg2rad(np.array(RIG.azimuths) + rng.uniform(0, 360) + rng.uniform(-12, 12, four))
    height = np.array(RIG.heights) + rng.uniform(-0.06, 0.06, four)
    distance = np.array(RIG.distances) + rng.uniform(-0.15, 0.15, four)
    level = np.sqrt(distance**2 - (height - WAIST[2]) ** 2)  # along the floor
    centre = np.column_stack([level * np.cos(azimuth), level * np.sin(azimuth), height])  # (camera, 3)
    aim = WAIST + rng.uniform(-0.05, 0.05, (four, 3))
    values = {
        "rotation": aimed(centre, aim, rng.normal(0, 0.012, four)),
        "centre": centre,
        "focal": RIG.focal + rng.uniform(-4, 4, (four, 1)) + rng.uniform(-1, 1, (four, 2)),
        "principal": np.array(IMAGE) / 2 + rng.uniform(-8, 8, (four, 2)),
        "radial": np.tile(RIG.radial, (four, 1)),
        "tangential": np.tile(RIG.tangential, (four, 1)),
    }
    return CalibratedCamera(**{name: torch.from_numpy(np.round(value, 8)) for name, value in values.items()})
