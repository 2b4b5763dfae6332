"""MoveNet MultiPose: up to six people at once, COCO's 17 joints.

Google's model card (MoveNet.MultiPose): the input is RGB, its sides multiples of 32, the longer one 256 by default. The
output (1, 6, 56) is of each person 17 joints (y, x, confidence), a box (ymin, xmin, ymax, xmax) and the person's score,
places as shares of the input's height and width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.letterbox import Letterbox
from duolift.detectors.models import MULTIPOSE
from duolift.detectors.runtime import Network
from duolift.detectors.suppression import without_doubles
from duolift.inputs.keypoints import COCO17


@dataclass(frozen=True)
class Look:
    """One run of the network over the whole picture.

    Attributes:
        longest: the longer side of the network's input in pixels. A finer look finds smaller people, and takes longer.
        score: people of a lower score are left out.
    """

    longest: int
    score: float


FINE, COARSE = Look(448, 0.2), Look(256, 0.25)
"""The fine look finds people from 45 pixels on; who fills the picture is found by the coarse one alone."""

SAME_PERSON = 0.2
"""Poses of two looks are of one person where they are less apart, as `duolift.detectors.suppression.SAME`."""


class MoveNet:
    """Everybody's joints from two looks at the whole picture, one for small people and one for large ones.

    Args:
        looks: the looks; people of a later one are added where no earlier one has them.
        threads: as `Network`.

    Raises:
        InputError: it is not installed.
    """

    name = "movenet"
    joints = "coco17"

    def __init__(self, looks: Sequence[Look] = (FINE, COARSE), threads: int | None = None) -> None:
        self._networks = [(look, Network(MULTIPOSE, threads)) for look in looks]

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = (picture.shape[1], picture.shape[0])
        found = []
        for look, network in self._networks:
            fitted = Letterbox.of(size, look.longest, multiple=32)
            (output,) = network(fitted.fit(picture)[None])
            seen = people(output[0], look.score, fitted, size)
            found.append(seen[without_doubles(seen, COCO17)])
        everybody = np.concatenate(found)
        return everybody[without_doubles(everybody, COCO17, SAME_PERSON)]


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
    joints = found[:, : 3 * len(COCO17)].reshape(-1, len(COCO17), 3)
    places = fitted.back(joints[..., 1::-1], size)
    return np.concatenate([places, np.clip(joints[..., 2:], 0, 1)], axis=-1).astype(np.float32)
