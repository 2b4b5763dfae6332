"""People of a film are looked for where they were a frame before, and everywhere only now and then."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.interface import Detector

FRAMES = 5
"""The whole picture is looked at in every so manyth frame at least, by which whoever comes into it is found. 3 and 10
score the same on Pose2Sim's films."""


@runtime_checkable
class Follower(Detector, Protocol):
    """A detector that can also look where people have just been, which is faster than to look everywhere."""

    def follow(self, picture: NDArray[np.uint8], people: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """The joints of the same people in the next picture of a film.

        Args:
            picture: (row, column, 3), RGB.
            people: (person, joint, 3), as they were in the picture before.

        Returns:
            (person, joint, 3), the same people in the same order; None where one of them is not found there.
        """
        ...


class Following:
    """A detector for one film, whose frames it is given in their order.

    People are looked for everywhere in every so manyth frame, and in every one where somebody is lost.

    Args:
        detector: what finds them.
        frames: of how many of the frames that are given the whole picture is looked at in one, at least.

    >>> class Here:
    ...     name, joints, looks = "here", "coco17", 0
    ...
    ...     def detect(self, picture):
    ...         self.looks += 1
    ...         return np.ones((1, 17, 3), dtype=np.float32)
    ...
    ...     def follow(self, picture, people):
    ...         return people
    >>> detector = Here()
    >>> film = Following(detector)
    >>> found = [film.detect(np.zeros((480, 640, 3), dtype=np.uint8)) for _ in range(10)]
    >>> detector.looks
    2
    """

    def __init__(self, detector: Follower, frames: int = FRAMES) -> None:
        self.name, self.joints = detector.name, detector.joints
        self._detector, self._frames = detector, frames
        self._people: NDArray[np.float32] | None = None
        self._followed = 0

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = None
        if self._people is not None and len(self._people) and self._followed < self._frames - 1:
            found = self._detector.follow(picture, self._people)
        self._followed = 0 if found is None else self._followed + 1
        self._people = self._detector.detect(picture) if found is None else found
        return self._people


def for_a_film(detector: Detector, every: int = 1) -> Detector:
    """What finds people in the frames of one film: the detector, following them where it can.

    Args:
        detector: for any picture.
        every: of the film's frames only every so manyth is looked at.

    >>> class Nobody:
    ...     name, joints = "nobody", "coco17"
    ...
    ...     def detect(self, picture):
    ...         return np.zeros((0, 17, 3), dtype=np.float32)
    >>> type(for_a_film(Nobody())).__name__  # which can only look everywhere
    'Nobody'
    """
    frames = FRAMES // every
    return Following(detector, frames) if frames > 1 and isinstance(detector, Follower) else detector
