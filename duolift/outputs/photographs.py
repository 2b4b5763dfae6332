"""The photographs, or the film's frames, that a scene was seen in: what pictures, films and pages are drawn over."""

import base64
import io
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from duolift.errors import InputError
from duolift.files.films import Film, Pixels, is_film
from duolift.files.pictures import read_picture
from duolift.files.signatures import PICTURE_SUFFIXES
from duolift.outputs.libraries import library

PAGE_WIDTHS = ((8, 1280), (100, 640), (400, 400))
"""So many photographs -> how wide they are in a page, pixels. Of more, the last's width, and as many, evenly picked."""


class Photographs:
    """The photograph of each of a scene's images, as far as there is one.

    Args:
        path: a picture, which is that of all images; a folder of pictures, found by the images' names; or a film, whose
            frames are found by the numbers in the images' names, else by their order.
        names: of the images.

    Attributes:
        damaged: what is wrong with pictures of a folder that were asked for, by the images' names. One of many is no
            reason to draw none of them.

    Raises:
        InputError: there is no such file, or it is a film and ffmpeg is not installed.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (40, 30)).save(f"{folder}/000002.png")
    ...     seen = Photographs(Path(folder), ["000001", "000002"])
    ...     seen.of(0), seen.of(1).shape
    (None, (30, 40, 3))
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; expected the pictures or the film that the detector saw")
        self.path, self.names = path, tuple(names)
        self.damaged: dict[str, InputError] = {}
        self._film = Film(path) if is_film(path) and path.is_file() else None
        self._numbers = frame_numbers(self.names) if self._film else ()

    @property
    def is_one(self) -> bool:
        """Whether one picture is that of all images."""
        return self._film is None and not self.path.is_dir()

    def of(self, frame: int) -> Pixels | None:
        """The photograph of an image; None where there is none, or where that of a folder is damaged.

        Args:
            frame: from 0. A film is read forwards: an earlier frame begins it anew.

        Raises:
            InputError: a film, or the one picture of all images, that cannot be read.
        """
        if self._film is not None:
            return self._film.frame(self._numbers[frame])
        name = self.names[frame]
        found = self.file_of(name)
        try:
            return None if found is None else read_picture(found)
        except InputError as error:
            if self.is_one:
                raise
            self.damaged[name] = error
            return None

    def file_of(self, name: str) -> Path | None:
        """The file of an image's picture; None where there is none. A name leads into no other folder."""
        if not self.path.is_dir():
            return self.path
        bare = Path(name.replace("\\", "/")).name
        stems = dict.fromkeys((bare, Path(bare).stem)) if bare else {}
        paths = [self.path / f"{stem}{suffix}" for stem in stems for suffix in ("", *PICTURE_SUFFIXES)]
        return next((path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES and _is_file(path)), None)


ASPECT_TOLERANCE = 0.02
"""By how much, of itself, a photograph's width over its height may differ from the image's."""


def doubts(photographs: Photographs, image: tuple[float, float]) -> list[str]:
    """What seems wrong with a scene's photographs, in words: none found, some missing or damaged, or of another shape.

    Args:
        photographs: of the scene's images.
        image: their width and height in pixels.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     doubts(Photographs(Path(folder), ["1.jpg", "2.jpg"]), (640, 480))[0].replace(folder, "pictures")
    'pictures: holds no picture called 1.jpg, nor of any other of the 2 images'
    """
    names, path = photographs.names, photographs.path
    there = [frame for frame, name in enumerate(names) if is_film(path) or photographs.file_of(name) is not None]
    if names and not there:
        others = f", nor of any other of the {len(names)} images" if len(names) > 1 else ""
        return [f"{path}: holds no picture called {names[0]}{others}"]
    found = []
    if len(there) < len(names):
        found.append(f"{path}: holds no picture of {len(names) - len(there)} of the {len(names)} images")
    pixels = next((seen for frame in there if (seen := photographs.of(frame)) is not None), None)
    if damaged := [*photographs.damaged.values()]:
        first = ", the first" * (len(damaged) > 1)
        found.append(f"{path}: {len(damaged)} of its pictures cannot be drawn over{first}: {damaged[0]}")
    if pixels is not None:
        (height, width), shape = pixels.shape[:2], image[0] / image[1]
        if abs(width / height - shape) > ASPECT_TOLERANCE * shape:
            size = f"{image[0]:.0f} x {image[1]:.0f}"
            found.append(f"{path}: is {width} x {height} pixels where the images are {size}: people may lie beside it")
    return found


def frame_numbers(names: Sequence[str]) -> tuple[int, ...]:
    """Which of a film's frames each image is: the last number in its name where these go up, else its place.

    >>> frame_numbers(["film_000000000003", "film_000000000004"]), frame_numbers(["a", "b"])
    ((3, 4), (0, 1))
    """
    found = [re.findall(r"\d+", Path(name).stem) for name in names]
    if all(found):
        numbers = [int(digits[-1]) for digits in found]
        if all(one < other for one, other in pairwise(numbers)):
            return tuple(numbers)
    return tuple(range(len(names)))


def embedded(photographs: Photographs) -> dict[str, str]:
    """Small copies of the photographs as data URLs, by the images' names; of a long film, of evenly picked frames.

    Where one picture is that of all images, it is there once, by the name `""`.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (40, 30)).save(f"{folder}/1.png")
    ...     [url[:23] for url in embedded(Photographs(Path(folder), ["1", "2"])).values()]
    ['data:image/jpeg;base64,']
    """
    if photographs.is_one and photographs.names:
        return {"": _url(photographs.of(0), PAGE_WIDTHS[0][1])}
    frames = [*range(len(photographs.names))]
    width = next((width for largest, width in PAGE_WIDTHS if len(frames) <= largest), PAGE_WIDTHS[-1][1])
    found = {}
    for frame in frames[:: step_of(len(frames))]:
        pixels = photographs.of(frame)
        if pixels is not None:
            found[photographs.names[frame]] = _url(pixels, width)
    return found


def step_of(frames: int) -> int:
    """Of so many frames a page holds the photograph of every so-manyth.

    >>> step_of(400), step_of(401)
    (1, 2)
    """
    return max(1, -(-frames // PAGE_WIDTHS[-1][0]))


def _url(pixels: Pixels | None, width: int) -> str:
    """Pixels as a data URL; empty without any."""
    return "" if pixels is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg(pixels, width)).decode()}"


def jpeg(pixels: Pixels, width: int) -> bytes:
    """Pixels as a JPEG of at most so many pixels across.

    >>> import numpy as np
    >>> jpeg(np.zeros((300, 400, 3), np.uint8), width=40)[6:10]
    b'JFIF'
    """
    image = library("PIL.Image", "a photograph").fromarray(pixels)
    image.thumbnail((width, 4 * width), reducing_gap=1.0)  # blocks of pixels are averaged first: ten times as fast
    content = io.BytesIO()
    image.save(content, format="JPEG", quality=78)
    return content.getvalue()


def _is_file(path: Path) -> bool:
    """Whether there is a file; False for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
