"""What a picture file tells of the camera that took it."""

import warnings
from pathlib import Path

from duolift.errors import InputError
from duolift.files import regular

FILM_DIAGONAL = 43.27
"""Of a frame of 35 mm film, mm."""

ORIENTATION, EXIF, FOCAL_35 = 0x0112, 0x8769, 0xA405
"""EXIF's tags: how the picture is turned, the block that describes the camera, its focal length on 35 mm film."""

ON_ITS_SIDE = (5, 6, 7, 8)
"""Orientations for which width and height change places, as detectors see the picture."""


def camera_of_picture(path: Path) -> tuple[tuple[float, float], float | None]:
    """Width and height in pixels, and the focal length in pixels where the picture's EXIF data tell it.

    A lens is as long as the one of 35 mm film that sees the same from corner to corner:
    pixels = FocalLengthIn35mmFilm * diagonal / 43.27 mm.

    Raises:
        InputError: there is no such file, or it is no picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        regular(path)
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.simplefilter("ignore")  # of pictures so large that nobody should load them, which nobody does
            width, height = picture.size
            tags = picture.getexif()
            turned, on_film = tags.get(ORIENTATION), tags.get_ifd(EXIF).get(FOCAL_35)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not a picture; expected a format that Pillow reads, such as JPEG or PNG") from error
    except Exception as error:  # a damaged picture may raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: cannot be read as a picture ({reason}); expected a whole one") from error
    if turned in ON_ITS_SIDE:
        width, height = height, width
    try:
        film = float(on_film or 0)
    except (TypeError, ValueError, ZeroDivisionError):
        film = 0.0
    focal = film * (width**2 + height**2) ** 0.5 / FILM_DIAGONAL
    return (float(width), float(height)), focal if 0 < focal < float("inf") else None
