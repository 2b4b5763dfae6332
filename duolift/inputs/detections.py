"""What a 2D detector found, in the project's joints: images one by one, and people who keep their index over them.

Every format comes down to one thing, a `Frame`: an image's people, in no order, on the joints of `JOINTS`, the fullest
skeleton there is. A joint that the format lacks, or that the detector did not see, has confidence 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import CHI3D25

JOINTS = CHI3D25
"""The joints that every format is brought to."""


@dataclass(frozen=True)
class Frame:
    """One image's people.

    Attributes:
        name: of the image, or its number in the file.
        video: which frames are consecutive ones of a static camera; empty for an image that stands alone.
        keypoints: (person, joint, 2), pixels, joints of `JOINTS`; 0 where the confidence is.
        confidence: (person, joint), 0 to 1; 0 for a missing joint.
        image: width and height in pixels, where they are known.
        focal: focal length in pixels, where it is known.
        identities: the file's own number of each person, where it tracks people.
    """

    name: str
    video: str
    keypoints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    image: tuple[float, float] | None = None
    focal: float | None = None
    identities: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Detections:
    """Frames of one static camera, in which a person keeps their index.

    Attributes:
        video: its name; empty for a single image.
        names: (frame,), of the images.
        keypoints: (frame, person, joint, 2), pixels, joints of `JOINTS`.
        confidence: (frame, person, joint), 0 to 1; all 0 where a person is not in a frame.
        identities: (person,), what the people are called.
        image, focal: see `Frame`.
        notes: what was done about gaps and switches of identities, to tell the user.
    """

    video: str
    names: tuple[str, ...]
    keypoints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    identities: tuple[int, ...]
    image: tuple[float, float] | None = None
    focal: float | None = None
    notes: tuple[str, ...] = ()
