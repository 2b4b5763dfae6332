"""What a detector would see of people whose 3D is known, in files as `duolift lift` reads them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from duolift.geometry.cameras import CalibratedCamera


def projected(camera: CalibratedCamera, people: Tensor) -> NDArray[np.float64]:
    """Joints of people (person, joint, 3), world, in a camera's image: (person, joint, 2), pixels."""
    points = camera.to_camera(people.flatten(0, 1))
    pixels: NDArray[np.float64] = camera.project(points).unflatten(0, people.shape[:2]).numpy()
    return pixels


def write_image(folder: Path, image: str, joints: tuple[str, ...], keypoints: NDArray[np.float64]) -> None:
    """A file of the keypoints (person, joint, 2) of one image, called by the image's name; NaN where none was found."""
    path = folder / f"{image}.npz"
    np.savez(path, keypoints=keypoints[None], joints=np.array(joints), names=np.array([image]))
