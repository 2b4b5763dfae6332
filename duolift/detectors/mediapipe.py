"""MediaPipe's own pose landmarker, where MediaPipe is installed: BlazePose's 33 joints.

The library is no dependency. Its bundle of networks (`pose_landmarker_*.task`) is Google's to give, and looked for in
the cache. See https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker/python.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.cache import cache_folder
from duolift.detectors.suppression import without_doubles
from duolift.errors import InputError
from duolift.inputs.keypoints import MEDIAPIPE33
from duolift.outputs.libraries import library

INSTALL = "pip install mediapipe"

BUNDLE = "pose_landmarker.task"
"""The bundle's name in the cache."""


class MediaPipe:
    """Everybody's joints by MediaPipe's pose landmarker.

    Args:
        most: people that are looked for.

    Raises:
        InputError: MediaPipe is not installed, or its bundle is not there.
    """

    name = "mediapipe"
    joints = "mediapipe33"

    def __init__(self, most: int = 6) -> None:
        self._mediapipe: Any = library("mediapipe", "detector mediapipe", INSTALL)
        tasks: Any = library("mediapipe.tasks.python", "detector mediapipe", INSTALL)
        path = cache_folder() / BUNDLE
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected MediaPipe's pose_landmarker_heavy.task, by this name")
        options = tasks.vision.PoseLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(path)),
            running_mode=tasks.vision.RunningMode.IMAGE,
            num_poses=most,
        )
        try:
            self._landmarker = tasks.vision.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{path}: MediaPipe cannot use it ({error}); expected a pose landmarker") from error

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        found = self._landmarker.detect(image).pose_landmarks
        size = np.array([picture.shape[1], picture.shape[0]])
        people = np.zeros((len(found), len(MEDIAPIPE33), 3), dtype=np.float32)
        for person, landmarks in enumerate(found):
            people[person, :, :2] = size * [(one.x, one.y) for one in landmarks]
            people[person, :, 2] = [(one.visibility or 0) * (one.presence or 0) for one in landmarks]
        people = people[np.argsort(-people[..., 2].mean(-1), kind="stable")]
        return people[without_doubles(people, MEDIAPIPE33)]
