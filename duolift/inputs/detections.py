"""What a 2D detector found, on the project's joints: single images (`Frame`), and people over time (`Detections`).

Every file format comes down to `Frame`: the people of one image, in no order, on the joints of `JOINTS`, the fullest
skeleton there is. A joint that the format lacks, or that the detector did not see, has confidence 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import CHI3D25

JOINTS = CHI3D25
"""The joints that every format is brought to."""


SAMPLE = 100
"""Poses of a video that are kept as they were detected, at most."""


@dataclass(frozen=True)
class DetectedPoses:
    """Poses as they were detected, to be read in another order of joints.

    Attributes:
        joints: name of the keypoint format that they were read in.
        keypoints: (pose, joint of the format, 2), pixels.
        confidence: (pose, joint of the format), 0 to 1.
        threshold: a joint of lower confidence is not seen.

    >>> DetectedPoses("coco17", np.zeros((250, 17, 2)), np.zeros((250, 17)), 0.3).sample().keypoints.shape
    (100, 17, 2)
    """

    joints: str
    keypoints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    threshold: float

    def sample(self, most: int = SAMPLE) -> "DetectedPoses":
        """Some of the poses, evenly from the first to the last."""
        chosen = np.unique(np.linspace(0, len(self.keypoints) - 1, min(most, len(self.keypoints))).astype(int))
        return replace(self, keypoints=self.keypoints[chosen], confidence=self.confidence[chosen])


def sample_of(parts: Iterable[DetectedPoses | None]) -> DetectedPoses | None:
    """Some of all poses that are in the order of the first; None where there are none.

    >>> sample_of([None]) is None
    True
    """
    held = [part for part in parts if part is not None and len(part.keypoints)]
    same = [part for part in held if part.joints == held[0].joints]
    if not same:
        return None
    keypoints, confidence = (np.concatenate([getattr(p, name) for p in same]) for name in ("keypoints", "confidence"))
    return replace(same[0], keypoints=keypoints, confidence=confidence).sample()


@dataclass(frozen=True)
class Frame:
    """The people of one image.

    Attributes:
        name: of the image, or its number in the file.
        video: name of the video that the frame is part of; frames of one video follow each other and are of one
            camera. Empty for an image that stands alone.
        keypoints: (person, joint, 2), pixels, joints of `JOINTS`; 0 where the confidence is 0.
        confidence: (person, joint), 0 to 1; 0 for a missing joint.
        image: width and height in pixels, where known.
        focal: focal length in pixels, where known.
        identities: the file's own number of each person, where the file tracks people.
        rate: frames a second of the video, where known.
        step: of how many frames of the video this is one: 5 where a file has every fifth.
        faint: of each person who was left out since too few joints are as sure as the threshold, the threshold that
            they would not have been left out at.
        low_scores: of each person whose own score is below the threshold and who is there since most joints are sure.
        threshold: that below which a joint is not seen.
        detected: the people as they were detected.
        notes: sentences for the user, on what was read.

    >>> frame = Frame("1.jpg", "", np.zeros((2, len(JOINTS), 2)), np.zeros((2, len(JOINTS))), image=(640.0, 480.0))
    >>> len(frame.keypoints), frame.identities
    (2, None)
    """

    name: str
    video: str
    keypoints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    image: tuple[float, float] | None = None
    focal: float | None = None
    identities: tuple[int, ...] | None = None
    rate: float | None = None
    step: int = 1
    faint: tuple[float, ...] = ()
    low_scores: tuple[float, ...] = ()
    threshold: float = 0.0
    detected: DetectedPoses | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detections:
    """Consecutive frames of one camera, in which every person keeps an index.

    Attributes:
        video: its name; empty for a single image.
        names: (frame,), of the images.
        keypoints: (frame, person, joint, 2), pixels, joints of `JOINTS`.
        confidence: (frame, person, joint), 0 to 1; all 0 where a person is not in a frame.
        identities: (person,), the number of each person, the same in all parts of a video.
        image: width and height in pixels, where known.
        focal: focal length in pixels, where known.
        rate: frames a second of the video, where known.
        step: of how many frames of the video each is one.
        detected: some of the people as they were detected.
        notes: sentences for the user, on what was read, on gaps and on people who may have been confused.

    >>> nobody = np.zeros((3, 0, len(JOINTS), 2))  # three frames without anybody
    >>> Detections("film", ("0", "1", "2"), nobody, nobody[..., 0], identities=()).keypoints.shape
    (3, 0, 25, 2)
    """

    video: str
    names: tuple[str, ...]
    keypoints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    identities: tuple[int, ...]
    image: tuple[float, float] | None = None
    focal: float | None = None
    rate: float | None = None
    step: int = 1
    detected: DetectedPoses | None = None
    notes: tuple[str, ...] = ()
