"""Motion capture before cameras of every tilt: how well a lifter tells which way a camera looks.

The people are real, the cameras and the detections are not: exact projections, from every tilt of `Tilts.degrees`. The
folder is a data set in CHI3D's layout, such as the motion capture that docs/results.md is about.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchmarks.real.capture import Capture, TruePeople, Truth, View
from benchmarks.real.projections import projected, write_image
from datamodules.sources import chi3d
from datamodules.synthetic.cameras import aimed
from duolift.geometry.cameras import CalibratedCamera
from duolift.geometry.rotations import rotate


@dataclass(frozen=True)
class Tilts:
    """The cameras, and what they see.

    Attributes:
        degrees: tilts, positive where a camera looks down.
        distance: from the people's middle, metres.
        aim: height of what the cameras look at, metres.
        focal, image: of all cameras, pixels.
        subject: whose takes.
        frames: evenly spaced over them; in each, people stand round the origin and are turned by another angle.
        turn: from frame to frame, degrees: the golden angle.
    """

    degrees: tuple[float, ...] = (-15, -5, 5, 15, 25, 35, 45, 60)
    distance: float = 5.0
    aim: float = 0.9
    focal: float = 1145.0
    image: tuple[float, float] = (900.0, 900.0)
    subject: str = "s04"
    frames: int = 200
    turn: float = 137.5


TILTS = Tilts()


def read(root: Path, work: Path) -> Capture:
    """People of a data set in CHI3D's layout before cameras of every tilt.

    Args:
        root: the data set's folder.
        work: an empty folder, for the detector's files.

    Raises:
        InputError: the data are not in that layout.
    """
    takes = chi3d.read(root, [TILTS.subject])
    chosen = torch.linspace(0, len(takes.world) - 1, min(TILTS.frames, len(takes.world))).long()
    world = turned(takes.world[chosen].double())  # (frame, person, joint, 3)
    truth = Truth(
        takes.joints, tuple(TruePeople(people, torch.ones(people.shape[:2], dtype=torch.bool)) for people in world)
    )
    views = tuple(_view(degrees, world, takes.joints, work) for degrees in TILTS.degrees)
    return Capture("motion capture seen by cameras of every tilt", views, {"captured": truth}, rate=30.0)


def turned(world: Tensor) -> Tensor:
    """People (frame, person, joint, 3) with their middle over the origin, every frame turned about the vertical."""
    middle = world.mean((1, 2), keepdim=True) * world.new_tensor([1.0, 1.0, 0.0])
    turn = Rotation.from_euler("z", TILTS.turn * np.arange(len(world))[:, None], degrees=True)
    rotation = torch.from_numpy(turn.as_matrix()).to(world)  # (frame, 3, 3)
    return rotate(rotation.unsqueeze(1), world - middle)


def _view(degrees: float, world: Tensor, joints: tuple[str, ...], work: Path) -> View:
    """The camera of a tilt, and a file an image of what it sees."""
    tilt, aim = np.deg2rad(degrees), np.array([0.0, 0.0, TILTS.aim])
    centre = aim + TILTS.distance * np.array([0.0, -np.cos(tilt), np.sin(tilt)])
    size = torch.tensor(TILTS.image, dtype=torch.float64)
    camera = CalibratedCamera(
        focal=torch.full((2,), TILTS.focal, dtype=torch.float64),
        principal=size / 2,
        radial=torch.zeros(3, dtype=torch.float64),
        tangential=torch.zeros(2, dtype=torch.float64),
        rotation=torch.from_numpy(aimed(centre[None], aim[None], np.zeros(1))[0]),
        centre=torch.from_numpy(centre),
    )
    folder = work / f"tilt{degrees:g}"
    folder.mkdir(parents=True)
    images = [f"people-{frame}" for frame in range(len(world))]
    for image, people in zip(images, world, strict=True):
        write_image(folder, image, joints, projected(camera, people))
    name = f"{abs(degrees):g} degrees {'down' if degrees > 0 else 'up'}"
    return View(name, camera, TILTS.image, folder, {image: frame for frame, image in enumerate(images)})
