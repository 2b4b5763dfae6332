"""Pictures as pixels: the right way up, in 8 bits of red, green and blue, whatever the file has."""

import warnings
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files.reading import regular
from duolift.files.signatures import LONGEST, is_heif

if TYPE_CHECKING:
    from PIL import Image

MANY_BITS = ("I", "F")
"""Modes in which Pillow has more than 8 bits of grey, or how they begin (`I;16`, `I;16B`)."""


SEVERAL = ("PNG", "TIFF", "WEBP")
"""Formats, as Pillow calls them, of which a file may hold several pictures that are all meant to be seen. JPEGs of
cameras hold small copies beside the picture."""


def pictures_in(path: Path) -> int:
    """How many pictures a file of one holds, that can be read: more than one of animations, and of several pages.

    >>> from tempfile import NamedTemporaryFile
    >>> from PIL import Image
    >>> with NamedTemporaryFile(suffix=".webp") as file:
    ...     red, blue = (Image.new("RGB", (16, 9), colour) for colour in ("red", "blue"))
    ...     red.save(file.name, save_all=True, append_images=[blue])
    ...     pictures_in(Path(file.name))
    2
    """
    from PIL import Image

    have_heif_read(path, str(path))
    with Image.open(path) as picture:
        return getattr(picture, "n_frames", 1) if picture.format in SEVERAL else 1


def size_of(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Width and height of a picture (row, column, 3).

    >>> size_of(np.zeros((480, 640, 3), dtype=np.uint8))
    (640.0, 480.0)
    """
    height, width = pixels.shape[:2]
    return float(width), float(height)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture's pixels, (height, width, 3), turned as its EXIF data say; of an animation the first picture.

    Raises:
        InputError: no such file, none that Pillow reads, or a damaged one.

    >>> read_picture(Path("gone.png"))
    Traceback (most recent call last):
    duolift.errors.InputError: gone.png: cannot be read (No such file or directory)
    """
    regular(path)
    return _pixels(path, str(path))


def picture_of(content: bytes, where: str, largest: int) -> NDArray[np.uint8]:
    """The pixels (height, width, 3) of a picture's file that is in memory; the others as of `read_picture`.

    Args:
        content: of the file.
        where: what to call it.
        largest: pixels that it may have.

    Raises:
        InputError: none that Pillow reads, a damaged one, or one that is too large.

    >>> picture_of(b"GIF", "it", largest=1000)
    Traceback (most recent call last):
    duolift.errors.InputError: it: cannot be read as a picture (it is of no known kind); expected JPEG, PNG or the like
    """
    return _pixels(BytesIO(content), where, largest)


def _pixels(source: Path | BytesIO, where: str, largest: int | None = None) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    have_heif_read(source, where)
    try:
        with warnings.catch_warnings(), Image.open(source) as picture:
            warnings.simplefilter("ignore")  # Pillow warns of large pictures, and refuses those that are too large
            if largest is not None and picture.width * picture.height > largest:
                raise InputError(f"{where}: has {picture.width} x {picture.height} pixels; expected at most {largest}")
            return np.array(ImageOps.exif_transpose(_in_8_bits(picture)).convert("RGB"))
    except InputError:
        raise
    except Exception as error:  # Pillow raises anything on a damaged picture
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, UnidentifiedImageError) and not isinstance(source, Path):
            reason = "it is of no known kind"
        raise InputError(f"{where}: cannot be read as a picture ({reason}); expected JPEG, PNG or the like") from error


def have_heif_read(source: Path | BytesIO, where: str) -> None:
    """Have Pillow read HEIC, as iPhones write it, where a file is of that kind; of any other nothing is imported.

    It is read by pi-heif (https://github.com/bigcat88/pillow_heif), libheif with decoders alone. No extra
    holds it, as its wheels carry libraries under the LGPL.

    Raises:
        InputError: pi-heif is not installed.

    >>> have_heif_read(BytesIO(b"BM"), "a.bmp")
    """
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        start = file.read(LONGEST)
        file.seek(0)
    if not is_heif(start):
        return
    try:
        from pi_heif import register_heif_opener
    except ImportError as error:
        raise InputError(
            f"{where}: HEIC needs pi-heif, which is not installed ({error}); "
            "expected: pip install pi-heif, or the picture as JPEG"
        ) from error
    register_heif_opener()


def _in_8_bits(picture: "Image.Image") -> "Image.Image":
    """A picture whose grey has more than 8 bits, scaled to 8; what Pillow converts would be white but for black.

    16 bits are shares of 65,535. Of 32 bits, and of fractions, nobody knows: they are scaled to the brightest pixel.
    """
    from PIL import Image

    if not picture.mode.startswith(MANY_BITS):
        return picture
    grey = np.asarray(picture, dtype=np.float64)
    grey = np.where(np.isfinite(grey), grey, 0.0).clip(0.0)
    brightest = float(grey.max(initial=0.0))
    is_16_bits = picture.mode != "F" and brightest <= 65535
    scale = 65535.0 if is_16_bits else brightest or 1.0
    scaled = Image.fromarray((grey / scale * 255).round().astype(np.uint8))
    scaled.info["exif"] = picture.getexif().tobytes()
    return scaled
