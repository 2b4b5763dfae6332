"""People of a film are looked for where they were a frame before, and everywhere only now and then."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.interface import Detector
from duolift.detectors.suppression import SAME, distance, without_doubles
from duolift.inputs.keypoints import format_named

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

    People are looked for everywhere in every so manyth frame, and in every one where somebody is lost. Who is not found
    there, as somebody in front of them hides much of them, is looked for where they have been.

    Args:
        detector: what finds them.
        frames: of how many of the frames that are given the whole picture is looked at in one, at least.

    >>> class Here:
    ...     name, joints, looks = "here", "coco17", 0
    ...
    ...     def detect(self, picture):
    ...         self.looks += 1
    ...         return np.arange(51, dtype=np.float32).reshape(1, 17, 3)
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
        self._format = format_named(detector.joints)
        self._people: NDArray[np.float32] = np.zeros((0, len(self._format), 3), dtype=np.float32)
        self._followed = 0

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = None
        if len(self._people) and self._followed < self._frames - 1:
            found = self._detector.follow(picture, self._people)
        self._followed = 0 if found is None else self._followed + 1
        self._people = self._everywhere(picture) if found is None else found
        return self._people

    def _everywhere(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Who is found in the whole picture, and who was there and still is."""
        found = self._detector.detect(picture)
        for person in self._people:
            if min((distance(person, other) for other in found), default=np.inf) > SAME:
                still = self._detector.follow(picture, person[None])
                found = found if still is None else np.concatenate([found, still])
        return found[without_doubles(found, self._format)]


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
