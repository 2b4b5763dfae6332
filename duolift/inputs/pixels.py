"""What can be a place in an image: the checks that files and arrays of keypoints have in common."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PixelLimits:
    """Bounds outside of which a number is a mistake. Set by what images are, not tuned.

    Attributes:
        smallest: pixels; no image side and no focal length is shorter.
        farthest: pixels; no coordinate, image side or focal length is beyond.
        corner_joints: a detector may put a few joints within a pixel of the image's corner by mistake; this many
            joints, and no other, mean that the coordinates are normalised.
    """

    smallest: float = 1e-3
    farthest: float = 1e6
    corner_joints: int = 8


PIXEL_LIMITS = PixelLimits()


def check_pixels(keypoints: Array, confidence: Array, where: str) -> None:
    """Refuse keypoints that cannot be pixels of one image or video.

    Args:
        keypoints: (..., joint, 2), whatever they hold where a joint is not visible; NaN is not visible.
        confidence: (..., joint); a joint of NaN, 0 or negative confidence is not visible.
        where: what the keypoints are called, for messages.

    Raises:
        InputError: as `check_within_reach` and `check_not_normalised` do.

    >>> import numpy as np
    >>> check_pixels(np.full((2, 17, 2), 0.5), np.ones((2, 17)), "keypoints")
    Traceback (most recent call last):
    duolift.errors.InputError: keypoints: all joints are within a pixel of the corner; expected pixels, \
not coordinates normalised by the image's size
    """
    check_within_reach(keypoints, confidence, where)
    check_not_normalised(keypoints, confidence, where)


def check_within_reach(keypoints: Array, confidence: Array, where: str) -> None:
    """Refuse joints that are not in or around an image. Arguments as of `check_pixels`.

    Raises:
        InputError: a coordinate or a confidence is infinite, or a visible joint is beyond `PIXEL_LIMITS.farthest`.

    >>> import numpy as np
    >>> check_within_reach(np.array([[3.0, 4.0], [5.0, 1e9]]), np.array([0.9, 0.8]), "person 1")
    Traceback (most recent call last):
    duolift.errors.InputError: person 1: joint 1 is at [5.0, 1000000000.0] with confidence 0.8; \
expected pixels within 1000000 and a finite confidence
    """
    far = visible(keypoints, confidence) & (np.abs(keypoints) > PIXEL_LIMITS.farthest).any(-1)
    wrong = far | np.isinf(keypoints).any(-1) | np.isinf(confidence)
    if wrong.any():
        first = tuple(int(axis[0]) for axis in np.nonzero(wrong))
        axes = ("frame", "person", "joint")[-len(first) :]
        place = ", ".join(f"{axis} {index}" for axis, index in zip(axes, first[-3:], strict=True))
        raise InputError(
            f"{where}: {place} is at {keypoints[first].tolist()} with confidence {confidence[first]}; "
            f"expected pixels within {PIXEL_LIMITS.farthest:.0f} and a finite confidence"
        )


def check_not_normalised(keypoints: Array, confidence: Array, where: str) -> None:
    """Refuse coordinates from 0 to 1 or from -1 to 1, as some detectors write on request. Arguments: `check_pixels`.

    Raises:
        InputError: at least `PIXEL_LIMITS.corner_joints` joints are visible, and all coordinates are within 1.
    """
    if normalised(keypoints, confidence, where):
        raise InputError(f"{where}: {IN_THE_CORNER}, not coordinates normalised by the image's size")


def normalised(keypoints: Array, confidence: Array, where: str) -> bool:
    """Whether coordinates are shares of the image's width and height, 0 to 1. Arguments: `check_pixels`.

    Raises:
        InputError: they are from -1 to 1, of which it is not known how the image was taken in.

    >>> import numpy as np
    >>> normalised(np.full((17, 2), 0.5), np.ones(17), "image"), normalised(np.full((17, 2), 50), np.ones(17), "image")
    (True, False)
    """
    seen = keypoints[visible(keypoints, confidence)]
    if len(seen) < PIXEL_LIMITS.corner_joints or (np.abs(seen) > 1).any():
        return False
    if (seen < 0).any():
        raise InputError(f"{where}: {IN_THE_CORNER}, not coordinates normalised in another way than from 0 to 1")
    return True


IN_THE_CORNER = "all joints are within a pixel of the corner; expected pixels"


def visible(keypoints: Array, confidence: Array) -> NDArray[np.bool_]:
    """(..., joint): whether a joint has finite coordinates and a confidence above 0."""
    return np.asarray(np.isfinite(keypoints).all(-1) & (confidence > 0))  # a comparison with NaN is False


def positive_pixels(value: Any, where: str, count: int) -> tuple[float, ...]:
    """`count` positive lengths in pixels, such as an image's width and height.

    Raises:
        InputError: another number of values, or one that is not from `PIXEL_LIMITS.smallest` to `.farthest`.

    >>> positive_pixels([640, 480], "image", 2)
    (640.0, 480.0)
    >>> positive_pixels(-1100, "focal", 1)
    Traceback (most recent call last):
    duolift.errors.InputError: focal is -1100; expected 1 positive number of pixels
    """
    try:
        numbers = np.asarray(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    within = (numbers >= PIXEL_LIMITS.smallest) & (numbers <= PIXEL_LIMITS.farthest)
    if len(numbers) != count or not within.all():
        raise InputError(f"{where} is {short(value)}; expected {count} positive number{'s' * (count > 1)} of pixels")
    return tuple(numbers.tolist())


def image_size(value: Any, where: str) -> tuple[float, float]:
    """An image's width and height in pixels. Raises InputError as `positive_pixels` does."""
    width, height = positive_pixels(value, where, 2)
    return width, height


def short(value: object) -> str:
    """A value for a message, cut to 40 characters.

    >>> short(["left_hip"] * 9)
    "['left_hip', 'left_hip', 'left_hip', ..."
    """
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
