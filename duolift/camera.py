"""The camera of an image or a video, as far as a user knows it."""

from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from duolift.errors import InputError

if TYPE_CHECKING:
    from duolift.calibration.calibration import Calibration, World

DETECTOR_NOISE = 0.02
"""Standard deviation of a detector's joints in head lengths: about 1.5 cm on an adult."""

STEEPEST = 89.0
"""Degrees by which a camera looks down or up."""

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
        rate: frames a second; None for images that stand alone, and takes what a video's file says, else 30.
        noise: standard deviation of the detector's joints in head lengths (pelvis to top of the head, 0.75 m on an
            adult); 0 for exact keypoints.
        tilt: how far the camera looks down, degrees, negative where it looks up; None estimates it from the people.
        smooth: whether the frames of a static camera's video are looked at together, as people have mass and bones that
            keep their length; False lifts each by itself.
        calibration: its lens, and where it is in the world in every frame, if that is known; see `load`.

    Raises:
        InputError: a value that no camera has; the message names it.

    >>> Camera(focal=1100, image=(1920, 1080), smooth=False)
    Camera(focal=1100.0, image=(1920.0, 1080.0), static=True, rate=None, noise=0.02, smooth=False, tilt=None)
    >>> Camera(focal=-1100)
    Traceback (most recent call last):
    duolift.errors.InputError: camera: focal is -1100; expected a length in pixels above 0, or None if it is unknown
    """

    focal: float | None = None
    image: tuple[float, float] | None = None
    static: bool = True
    rate: float | None = None
    noise: float = DETECTOR_NOISE
    smooth: bool = True
    tilt: float | None = None
    calibration: "Calibration | None" = field(default=None, repr=False)

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
        number = _number(self.noise)
        _expect(number >= 0, "noise", self.noise, "head lengths, 0 or above")
        _expect(number <= LARGEST_QUANTITY, "noise", self.noise, f"head lengths, at most {LARGEST_QUANTITY:,.0f}")
        set_field(self, "noise", number)
        if self.tilt is not None:
            number = _number(self.tilt)
            _expect(abs(number) <= STEEPEST, "tilt", self.tilt, f"degrees, at most {STEEPEST:g} down or up")
            set_field(self, "tilt", number)
        for name in ("static", "smooth"):
            value = getattr(self, name)
            _expect(isinstance(value, bool | np.bool_), name, value, "True or False")
            set_field(self, name, bool(value))
        if self.calibration is not None:
            for name, value in (("focal", self.focal), ("tilt", self.tilt)):
                _expect(value is None, name, value, f"nothing, as {self.calibration.source} says it")
            moves = self.static or self.calibration.moving or self.calibration.rotation is None
            _expect(moves, "static", self.static, f"True, as {self.calibration.source} has one place for all frames")

    @classmethod
    def load(cls, path: Path | str, name: str | None = None, world: "World | str | None" = None, **known: Any) -> Self:
        """A calibrated camera, from a file: its lens, and where it is, once or frame by frame.

        Args:
            path: of a JSON, TOML or YAML of matrices, or of the folder of COLMAP's `cameras.txt` and `images.txt`; see
                docs/formats.md.
            name: of the camera, where the file has several.
            world: what is known of the file's world that it does not say, such as `up=z,ground=0,unit=m`.
            known: whatever else is known, as the attributes have it.

        Raises:
            InputError: a file that cannot be used; of several cameras none was named; or something is given that the
                file says.

        >>> import tempfile
        >>> text = '{"K": [[900, 0, 640], [0, 900, 360], [0, 0, 1]]}'
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     (file := Path(folder) / "camera.json").write_text(text) > 0
        ...     Camera.load(file, rate=25).calibration.lenses
        True
        (Lens(focal=(900.0, 900.0), principal=(640.0, 360.0), distortion=(), model='opencv'),)
        """
        from duolift.calibration.calibration import World
        from duolift.calibration.registry import read_calibration

        about = World.parsed(world) if isinstance(world, str) else world
        return cls(calibration=read_calibration(path, name, about), **known)


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
