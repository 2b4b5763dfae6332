"""RTMPose by rtmlib (https://github.com/Tau-J/rtmlib), where that is installed: Halpe's 26 joints, with feet.

rtmlib is no dependency: it brings OpenCV, and downloads its weights the first time, from its makers' servers. YOLOX
finds people, RTMPose (Jiang et al., RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose, arXiv:2303.07399)
their joints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.suppression import without_doubles
from duolift.errors import InputError
from duolift.inputs.keypoints import HALPE26
from duolift.outputs.libraries import library

INSTALL = "pip install rtmlib onnxruntime"


class RTMPose:
    """Everybody's joints by RTMPose.

    Args:
        mode: `lightweight`, `balanced` or `performance`, as rtmlib calls its sizes.

    Raises:
        InputError: rtmlib is not installed, or cannot get its weights.
    """

    name = "rtmpose"
    joints = "halpe26"

    def __init__(self, mode: str = "balanced") -> None:
        rtmlib = library("rtmlib", "detector rtmpose", INSTALL)
        try:
            self._model: Any = rtmlib.BodyWithFeet(mode=mode, backend="onnxruntime", device="cpu")
        except (OSError, RuntimeError, ValueError) as error:  # what downloading or reading weights raises
            raise InputError(
                f"detector rtmpose: rtmlib has no weights ({error}); expected a network the first time"
            ) from error

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = np.ascontiguousarray(picture[..., ::-1])  # rtmlib's pictures are OpenCV's: blue first
        boxes = self._model.det_model(pixels)
        if not len(boxes):  # without a box RTMPose takes the whole picture for a person
            return np.zeros((0, len(HALPE26), 3), dtype=np.float32)
        keypoints, scores = self._model.pose_model(pixels, bboxes=boxes)
        confidence = np.clip(scores, 0, 1)[..., None]
        people = np.concatenate([np.asarray(keypoints), confidence], axis=-1).astype(np.float32)
        people = people[np.argsort(-people[..., 2].mean(-1), kind="stable")]
        return people[without_doubles(people, HALPE26)]
