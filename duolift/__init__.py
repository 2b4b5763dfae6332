"""3D people in one shared scene from 2D poses alone, learned without 3D labels.

from duolift import Lifter
scene = Lifter.load().lift(keypoints, format="coco")
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Lifter", "Reconstruction", "View"]

if TYPE_CHECKING:
    from duolift.predictor import Lifter, View
    from duolift.reconstruction import Reconstruction


def __getattr__(name: str) -> Any:
    """What is public, once it is asked for: importing the package alone does not import torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from duolift import predictor

    return getattr(predictor, name)
