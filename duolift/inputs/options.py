"""What a user says of a detector's file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from duolift.errors import InputError
from duolift.inputs.keypoints import FORMATS, SHORT_NAMES, THRESHOLD, check_threshold, format_named
from duolift.inputs.pixels import image_size, positive_pixels
from duolift.inputs.registry import FILE_FORMATS, format_names

if TYPE_CHECKING:
    from duolift.detectors.interface import Detector
    from duolift.inputs.record import Record

TRACK = ("file", "anew")
"""Who says who is who: the file, where it does, or where people are from frame to frame."""


@dataclass(frozen=True)
class Options:
    """What a file does not say, or says wrongly.

    Attributes:
        format: name of the file format; None recognises it.
        joints: name of the keypoint format, one of `duolift.inputs.keypoints.FORMATS`; None goes by the names of the
            joints in the file, or by their number.
        threshold: a joint of lower confidence is not seen, and a person of a lower score is left out unless at least
            half of their joints are.
        video: True takes all frames for one video of a static camera, False for images that stand alone; None goes by
            the file, and by what it looks like (docs/formats.md).
        track: `file` takes the file's numbers of people where it has them, `anew` follows people by where they are.
        strict: a file of a folder that cannot be read, or a person without joints, is an error; otherwise they are
            skipped, and the last frame's notes say so.
        image: width and height in pixels.
        focal: focal length in pixels.
        pictures: the picture, or the folder of pictures, that the detector saw. Sizes and focal lengths that nothing
            else gives are taken from them.
        detector: finds people in pictures and films, such as one of `duolift.detectors`; without it these are refused.
        record: keeps what the detector finds.
        every: of a film, every so manyth frame is looked at and lifted: 5 gives six of 30 frames a second, and takes a
            fifth of the time. None lifts all frames, and does not look at those between which everybody moves
            straight on (`duolift.detectors.watching`); 1 looks at every one.

    Raises:
        InputError: a value that cannot be used.

    >>> Options(format="openpose", image=(640, 480)).threshold
    0.3
    >>> Options(focal=-1100)
    Traceback (most recent call last):
    duolift.errors.InputError: focal is -1100; expected 1 positive number of pixels
    """

    format: str | None = None
    joints: str | None = None
    threshold: float = THRESHOLD
    video: bool | None = None
    track: str = "file"
    strict: bool = False
    image: tuple[float, float] | None = None
    focal: float | None = None
    pictures: Path | None = None
    detector: "Detector | None" = None
    record: "Record | None" = None
    every: int | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FILE_FORMATS:
            joints = {*FORMATS, *SHORT_NAMES}
            hint = " (it names joints: that is the option joints)" if self.format.lower() in joints else ""
            raise InputError(f"format {self.format!r} is unknown{hint}; expected one of {format_names()}")
        if self.joints is not None:
            format_named(self.joints)
        check_threshold(self.threshold)
        if self.track not in TRACK:
            raise InputError(f"track is {self.track!r}; expected one of {', '.join(TRACK)}")
        if self.every is not None and (
            isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1
        ):
            raise InputError(f"every is {self.every!r}; expected a whole number of frames, 1 or more")
        if self.image is not None:
            image_size(self.image, "image")
        if self.focal is not None:
            positive_pixels(self.focal, "focal", 1)
        if self.pictures is not None and not self.pictures.exists():
            raise InputError(f"{self.pictures}: no such file or folder; expected the pictures that the detector saw")
