"""3D people in one shared scene from 2D poses alone, learned without 3D labels.

>>> import numpy as np
>>> from duolift import Lifter
>>> keypoints = np.random.default_rng(0).uniform(200, 600, (2, 17, 2))  # (person, joint, 2) in COCO's order, pixels
>>> scene = Lifter.load().lift(keypoints, format="coco17")
>>> scene.people.shape  # (frame, person, joint, 3) in the camera's coordinates, metres
(1, 2, 19, 3)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

PUBLIC = {
    "Camera": "duolift.camera",
    "Lifter": "duolift.predictor",
    "Scene": "duolift.scene",
    "read": "duolift.outputs",
    "write": "duolift.outputs",
}
"""Public name -> its module, which is imported when the name is first used: importing the package alone is quick."""

__all__ = ["Camera", "Lifter", "Scene", "read", "write"]

if TYPE_CHECKING:
    from duolift.camera import Camera
    from duolift.outputs import read, write
    from duolift.predictor import Lifter
    from duolift.scene import Scene


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
