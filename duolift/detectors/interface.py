"""What every detector takes and gives: the pixels of one picture, and the joints of the people in it."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class Detector(Protocol):
    """Finds people and their joints in one picture.

    A detector that is loaded may be used for any number of pictures of any sizes, one after the other, and gives the
    same joints for the same pixels.

    Attributes:
        name: what `DETECTORS` calls it.
        joints: the name of the order of its joints, one of `duolift.inputs.keypoints.FORMATS`.

    >>> class Nobody:
    ...     name, joints = "nobody", "coco17"
    ...
    ...     def detect(self, picture):
    ...         return np.zeros((0, 17, 3), dtype=np.float32)
    >>> isinstance(Nobody(), Detector)
    True
    """

    name: str
    joints: str

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The joints of everybody in a picture.

        Args:
            picture: (row, column, 3), RGB.

        Returns:
            (person, joint, 3): x and y in the picture's pixels, the middle of the first pixel at (0.5, 0.5), and
            confidence from 0 to 1; surest people first; (0, joint, 3) where nobody is.
        """
        ...
