"""Human3.6M's four cameras, as they were calibrated.

World frame: z up, metres. Camera frame: x right, y down, z forward.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from scipy.spatial.transform import Rotation

from duolift.geometry.cameras import CalibratedCamera

FILE = Path(__file__).with_name("cameras.json")
"""The numbers, and where they come from."""

IMAGE = (1000.0, 1002.0)
"""Width and height of the images of two of the cameras, pixels; the other two have two rows less."""

MILLIMETRES_PER_METRE = 1000.0


@cache
def _numbers() -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return numbers


CAMERAS: tuple[str, ...] = tuple(_numbers()["lenses"])
"""The cameras' names, in the order in which VideoPose3D lists them."""

SUBJECTS: tuple[str, ...] = tuple(_numbers()["poses"])
"""The subjects whose 3D poses are public."""


def camera_of(subject: str, camera: str) -> CalibratedCamera:
    """A camera as it stood for a subject. Raises KeyError for a subject or a camera that there is not.

    >>> camera_of("S9", "54138969").centre
    tensor([2.0445, 4.9351, 1.4812])
    """
    lens, pose = _numbers()["lenses"][camera], _numbers()["poses"][subject][camera]
    turn = Rotation.from_quat(pose["orientation"], scalar_first=True).inv().as_matrix()

    def tensor(values: Any) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.float32)

    return CalibratedCamera(
        focal=tensor(lens["focal"]),
        principal=tensor(lens["principal"]),
        radial=tensor(lens["radial"]),
        tangential=tensor(lens["tangential"][::-1]),  # ours is in the order of the published model, y before x
        rotation=tensor(turn),
        centre=tensor(pose["centre"]) / MILLIMETRES_PER_METRE,
    )
