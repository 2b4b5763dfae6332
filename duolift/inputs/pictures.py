"""Pictures that a detector saw: their size, and the focal length of the camera that took them."""

import warnings
from pathlib import Path

from duolift.errors import InputError
from duolift.files import regular
from duolift.files.films import Film, is_film
from duolift.files.pictures import have_heif_read
from duolift.files.signatures import PICTURE_SUFFIXES

FILM_DIAGONAL = 43.27
"""Of a frame of 35 mm film (36 mm x 24 mm), mm."""

ORIENTATION, EXIF, FOCAL_35 = 0x0112, 0x8769, 0xA405
"""EXIF's tags: how the picture is turned, the block about the camera, and the focal length on 35 mm film in it."""

ON_ITS_SIDE = (5, 6, 7, 8)
"""Orientations in which width and height change places before a detector sees the picture."""


def camera_of_picture(path: Path) -> tuple[tuple[float, float], float | None]:
    """Width and height of a picture or a film in pixels, and its focal length in pixels where EXIF data have one.

    EXIF gives the focal length of the lens for 35 mm film with the same view from corner to corner, so that
    pixels = FocalLengthIn35mmFilm * diagonal in pixels / 43.27 mm.

    Raises:
        InputError: there is no such file, it is neither a picture nor a film, or it is damaged.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (400, 300)).save(path := Path(folder) / "seven.png")
    ...     camera_of_picture(path)
    ((400.0, 300.0), None)
    """
    from PIL import Image, UnidentifiedImageError

    if is_film(path):
        width, height = Film(path).size
        return (float(width), float(height)), None
    try:
        have_heif_read(regular(path), str(path))
        with warnings.catch_warnings(), Image.open(path) as picture:
            warnings.simplefilter("ignore")  # Pillow warns of huge pictures, whose pixels are not loaded here
            width, height = picture.size
            tags = picture.getexif()
            orientation, on_film = tags.get(ORIENTATION), tags.get_ifd(EXIF).get(FOCAL_35)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not a picture; expected a format that Pillow reads, such as JPEG or PNG") from error
    except Exception as error:  # Pillow raises anything on a damaged picture
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: cannot be read as a picture ({reason}); expected a whole one") from error
    if orientation in ON_ITS_SIDE:
        width, height = height, width
    try:
        film = float(on_film or 0)  # mm
    except (TypeError, ValueError, ZeroDivisionError):
        film = 0.0
    focal = film * (width**2 + height**2) ** 0.5 / FILM_DIAGONAL
    return (float(width), float(height)), focal if 0 < focal < float("inf") else None


class CamerasOfPictures:
    """Sizes and focal lengths of images by the pictures of the same name; a video's first picture stands for all.

    Args:
        pictures: the picture of all images, the folder of the pictures, or the film.
    """

    def __init__(self, pictures: Path) -> None:
        self.pictures = pictures
        self._video = ""
        self._camera: tuple[tuple[float, float], float | None] | None = None

    def of(self, name: str, video: str) -> tuple[tuple[float, float] | None, float | None]:
        """Width and height, and focal length, of the image of that name; None where there is no picture of it.

        Args:
            name: of the image, with the picture's suffix or without one.
            video: of which it is a frame; empty for an image that stands alone.
        """
        if self._camera is None or not video or video != self._video:
            path = self._picture(name)
            self._video, self._camera = video, None if path is None else camera_of_picture(path)
        return self._camera or (None, None)

    def _picture(self, name: str) -> Path | None:
        if not self.pictures.is_dir():
            return self.pictures
        bare = Path(name).name  # an image's name leads into no other folder
        paths = [self.pictures / f"{bare}{suffix}" for suffix in ("", *PICTURE_SUFFIXES)] if bare else []
        return next((path for path in paths if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    """Whether there is a file; False for a name that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False
