"""MoveNet MultiPose: up to six people at once, COCO's 17 joints.

Google's model card (MoveNet.MultiPose): the input is RGB, its sides multiples of 32, the longer one 256 by default. The
output (1, 6, 56) is of each person 17 joints (y, x, confidence), a box (ymin, xmin, ymax, xmax) and the person's score,
places as shares of the input's height and width.
"""

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.letterbox import Letterbox
from duolift.detectors.models import MULTIPOSE
from duolift.detectors.runtime import Network

JOINTS = 17


class MoveNet:
    """Everybody's joints from one run of the network over the whole picture.

    Args:
        longest: the longer side of the network's input in pixels. Larger finds smaller people, and takes longer.
        score: people of a lower score are left out.
        threads: as `Network`.

    Raises:
        InputError: it is not installed.
    """

    name = "movenet"
    joints = "coco17"

    def __init__(self, longest: int = 384, score: float = 0.2, threads: int | None = None) -> None:
        self._network = Network(MULTIPOSE, threads)
        self._longest, self._score = longest, score

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = (picture.shape[1], picture.shape[0])
        fitted = Letterbox.of(size, self._longest, multiple=32)
        (found,) = self._network(fitted.fit(picture)[None])
        return people(found[0], self._score, fitted, size)


def people(found: NDArray[np.float32], score: float, fitted: Letterbox, size: tuple[int, int]) -> NDArray[np.float32]:
    """People in a picture from the network's output.

    Args:
        found: (person, 56), the network's output.
        score: people of a lower score are left out.
        fitted: how the picture lay in the network's input.
        size: width and height of the picture.

    Returns:
        (person, joint, 3), as `Detector.detect`.

    >>> found = np.zeros((6, 56), dtype=np.float32)
    >>> found[0, :3], found[0, 55] = (0.5, 0.25, 0.9), 0.8  # the nose, and the person's score
    >>> people(found, 0.2, Letterbox.of((640, 640), 256, 32), (640, 640))[:, 0]
    array([[160. , 320. ,   0.9]], dtype=float32)
    """
    found = found[found[:, -1] >= score]
    found = found[np.argsort(-found[:, -1], kind="stable")]
    joints = found[:, : 3 * JOINTS].reshape(-1, JOINTS, 3)
    places = fitted.back(joints[..., 1::-1], size)
    return np.concatenate([places, np.clip(joints[..., 2:], 0, 1)], axis=-1).astype(np.float32)
