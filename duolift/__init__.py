"""3D people in one shared scene from 2D poses alone, learned without 3D labels.

from duolift import Lifter
scene = Lifter.load().lift(keypoints, format="coco")
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
"""Public name -> its module, imported once it is asked for: importing the package alone does not import torch."""

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
