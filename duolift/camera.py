"""The camera of an image or a video, as far as a user knows it."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from duolift.errors import InputError

DETECTOR_NOISE = 0.02
"""Standard deviation of a detector's joints in head lengths: about 1.5 cm on an adult."""

SMOOTHING = 1 / 15
"""Seconds. Chosen on s04 of the motion capture as a detector would see it (30 frames a second, COCO's joints, 3 pixels
off): 0.1 s costs 0.9 mm a person there, and leaves less movement than there is. docs/results.md has what it buys."""

SMALLEST_QUANTITY, LARGEST_QUANTITY = 1e-3, 1e6
"""Pixels, metres or frames a second; nothing beyond is believed, of a camera or in a scene's file."""

BELIEVED = f"{SMALLEST_QUANTITY:g} to {LARGEST_QUANTITY:,.0f}"
"""The same, as part of a message."""


@dataclass(frozen=True)
class Camera:
    """What is known of the camera that saw the people, and of the detector that found them.

    Numbers may be of any kind (Python's, NumPy's, a tensor of one element); they are kept as plain floats.

    Attributes:
        focal: focal length in pixels; None takes the one in the detector's file, else it is estimated from the people,
            else a normal lens is assumed.
        image: width and height in pixels; None takes what the detector's file says.
        static: whether the camera of a video stands still.
        rate: frames a second; None for images that stand alone, and takes 30 for a video.
        noise: standard deviation of the detector's joints in head lengths (pelvis to top of the head, 0.75 m on an
            adult); 0 for exact keypoints.

        smoothing: seconds over which the people of a static camera's video are smoothed, the standard deviation of a
            Gaussian; 0 leaves everybody where they are in each frame by itself.

    Raises:
        InputError: a value that no camera has; the message names it.

    >>> Camera(focal=1100, image=(1920, 1080), smoothing=0)
    Camera(focal=1100.0, image=(1920.0, 1080.0), static=True, rate=None, noise=0.02, smoothing=0.0)
    >>> Camera(focal=-1100)
    Traceback (most recent call last):
    duolift.errors.InputError: camera: focal is -1100; expected a length in pixels above 0, or None if it is unknown
    """

    focal: float | None = None
    image: tuple[float, float] | None = None
    static: bool = True
    rate: float | None = None
    noise: float = DETECTOR_NOISE
    smoothing: float = SMOOTHING

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # the dataclass is frozen
        for name, expected in (("focal", "a length in pixels"), ("rate", "frames a second")):
            value = getattr(self, name)
            if value is not None:
                number = _number(value)
                _expect(number > 0, name, value, f"{expected} above 0, or None if it is unknown")
                _expect(_is_believed(number), name, value, f"{expected} from {BELIEVED}")
                set_field(self, name, number)
        if self.image is not None:
            set_field(self, "image", _size(self.image))
        for name, unit in (("noise", "head lengths"), ("smoothing", "seconds")):
            number = _number(value := getattr(self, name))
            _expect(number >= 0, name, value, f"{unit}, 0 or above")
            _expect(number <= LARGEST_QUANTITY, name, value, f"{unit}, at most {LARGEST_QUANTITY:,.0f}")
            set_field(self, name, number)
        _expect(isinstance(self.static, bool | np.bool_), "static", self.static, "True or False")
        set_field(self, "static", bool(self.static))


def _number(value: Any) -> float:
    """The value as a finite float; NaN if it is no number (True and False are none)."""
    if getattr(value, "ndim", None) == 0:  # NumPy's scalars and arrays, PyTorch's tensors
        value = value.item()
    if not isinstance(value, Real) or isinstance(value, bool):
        return np.nan
    try:
        number = float(value)
    except OverflowError:
        return np.nan
    return number if np.isfinite(number) else np.nan


def _is_believed(number: float) -> bool:
    return SMALLEST_QUANTITY <= number <= LARGEST_QUANTITY


def _size(value: Any) -> tuple[float, float]:
    expected = "a width and a height in pixels, such as (1920, 1080), or None if they are unknown"
    sides = list(value) if isinstance(value, list | tuple) or getattr(value, "ndim", None) == 1 else []
    numbers = [number for number in map(_number, sides) if _is_believed(number)]
    _expect(len(sides) == len(numbers) == 2, "image", value, expected)
    return numbers[0], numbers[1]


def _expect(holds: bool, name: str, value: Any, expected: str) -> None:
    if not holds:
        text = " ".join(repr(value).split())
        raise InputError(f"camera: {name} is {text if len(text) <= 60 else text[:57] + '...'}; expected {expected}")
