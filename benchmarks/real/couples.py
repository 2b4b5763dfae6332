"""Motion capture of couples before their cameras, as a detector would see them: COCO's joints, some pixels off.

The people are real, the detections are not. The folder is a data set in CHI3D's layout, such as the motion capture that
docs/results.md is about.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator, default_rng

from benchmarks.real.capture import Capture, TruePeople, Truth, View
from benchmarks.real.projections import projected, write_image
from datamodules.sources import chi3d
from datamodules.takes import Takes
from duolift.geometry.cameras import CalibratedCamera

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@dataclass(frozen=True)
class Couples:
    """Who is seen, and by what.

    Attributes:
        subject: whose takes.
        every: of how many frames one is taken.
        joints: what the detector has, and the captured joint that is nearest to it.
        noise: deviation of a detected joint, pixels.
        missed: share of joints that it does not find.
        image: width and height where the data set does not say them, CHI3D's, pixels.
    """

    subject: str = "s04"
    every: int = 20
    joints: tuple[tuple[str, str], ...] = (
        ("left_ear", "head"),
        ("right_ear", "head"),
        *((f"{side}_{joint}", f"{side}_{joint}") for joint in _LIMBS for side in ("left", "right")),
    )
    noise: float = 3.0
    missed: float = 0.1
    image: tuple[float, float] = (900.0, 900.0)


COUPLES = Couples()


def read(root: Path, work: Path) -> Capture:
    """Couples of a data set in CHI3D's layout before all of its cameras.

    Args:
        root: the data set's folder.
        work: an empty folder, for the detector's files.

    Raises:
        InputError: the data are not in that layout.
    """
    takes, random = chi3d.read(root, [COUPLES.subject]), default_rng(0)
    frames = torch.arange(0, len(takes.world), COUPLES.every)
    everybody = torch.ones(takes.world.shape[1:3], dtype=torch.bool)
    truth = Truth(takes.joints, tuple(TruePeople(takes.world[frame].double(), everybody) for frame in frames))
    views = tuple(
        _view(takes, take, camera, frames, work, random)
        for take in range(len(takes.names))
        for camera in range(len(takes.cameras))
    )
    return Capture(f"couples, {COUPLES.noise:g} px off, {COUPLES.missed:.0%} missed", views, {"captured": truth}, 30.0)


def _view(takes: Takes, take: int, number: int, frames: torch.Tensor, work: Path, random: Generator) -> View:
    """A take's camera, and a file an image of what a detector finds."""
    camera = CalibratedCamera(**{name: value[take, number].double() for name, value in vars(takes.views).items()})
    folder = work / f"take{take}-{takes.cameras[number]}"
    folder.mkdir(parents=True)
    captured = [takes.joints.index(joint) for _, joint in COUPLES.joints]
    names, images = tuple(name for name, _ in COUPLES.joints), {}
    for position, frame in enumerate(frames.tolist()):
        if takes.start[take] <= frame < takes.start[take + 1]:
            pixels = projected(camera, takes.world[frame][:, captured].double())
            keypoints = pixels + random.normal(0, COUPLES.noise, pixels.shape)
            keypoints[random.random(keypoints.shape[:-1]) < COUPLES.missed] = np.nan
            image = f"frame-{frame}"
            write_image(folder, image, names, keypoints)
            images[image] = position
    name = f"{takes.names[take]}/{takes.cameras[number]}"
    return View(name, camera, takes.image or COUPLES.image, folder, images, takes.cameras[number])
