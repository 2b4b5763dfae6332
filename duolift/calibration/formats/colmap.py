"""COLMAP's sparse models as text: `cameras.txt` and `images.txt`, https://colmap.github.io/format.html.

Every image has a camera of its own in the world, and shares a lens with others. The world has any orientation and any
scale. COLMAP counts pixels from the corner of the first one, where detectors count from its centre: half a pixel.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import numpy as np

from duolift.calibration import values
from duolift.calibration.calibration import Calibration
from duolift.calibration.lens import Lens
from duolift.errors import InputError
from duolift.files import read_bytes

LARGEST = 2**30
"""Bytes of `images.txt`, which has the points of all images."""

CORNER = 0.5
"""Pixels from the corner of a pixel to its centre."""

MODELS: dict[str, tuple[str, str]] = {
    "SIMPLE_PINHOLE": ("f cx cy", "opencv"),
    "PINHOLE": ("fx fy cx cy", "opencv"),
    "SIMPLE_RADIAL": ("f cx cy k1", "opencv"),
    "RADIAL": ("f cx cy k1 k2", "opencv"),
    "OPENCV": ("fx fy cx cy k1 k2 p1 p2", "opencv"),
    "FULL_OPENCV": ("fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6", "opencv"),
    "OPENCV_FISHEYE": ("fx fy cx cy k1 k2 k3 k4", "fisheye"),
    "SIMPLE_RADIAL_FISHEYE": ("f cx cy k1", "fisheye"),
    "RADIAL_FISHEYE": ("f cx cy k1 k2", "fisheye"),
}
"""Camera model -> its parameters in their order, and the lens's model."""

ORDERS = {"opencv": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"), "fisheye": ("k1", "k2", "k3", "k4")}
"""Coefficients of a lens in their order."""


def is_model(path: Path) -> bool:
    """Whether a folder, or a file in it, is a text model of COLMAP's.

    >>> is_model(Path("nowhere"))
    False
    """
    folder = path if path.is_dir() else path.parent
    named = path.is_dir() or path.name in ("cameras.txt", "images.txt")
    return named and all((folder / name).is_file() for name in ("cameras.txt", "images.txt"))


def read_model(path: Path) -> Calibration:
    """The camera of a model's folder, or of a file in it.

    Raises:
        InputError: a line that is not as COLMAP writes it, or a lens that is not known.
    """
    folder = path if path.is_dir() else path.parent
    lenses = {}
    sizes = {}
    for where, words in _lines(folder / "cameras.txt"):
        if len(words) < 4:
            raise InputError(f"{where}: has {len(words)} words; expected CAMERA_ID MODEL WIDTH HEIGHT PARAMS...")
        lenses[words[0]] = _lens(words[1], words[4:], where)
        sizes[words[0]] = values.size(_numbers(words[2:4], where), f"{where}: the image's size")
    images = sorted(_images(folder / "images.txt", lenses))
    if not images:
        raise InputError(f"{folder / 'images.txt'}: holds no image; expected two lines for each")
    names, cameras, rotations, positions = zip(*images, strict=True)
    if len({*names}) < len(names):
        raise InputError(f"{folder / 'images.txt'}: two images have the same name; expected another for each")
    used = [lenses[camera] for camera in cameras]
    size = {sizes[camera] for camera in cameras}
    if len(size) > 1:
        raise InputError(f"{folder / 'cameras.txt'}: images are of {len(size)} sizes; expected one for all")
    shared = tuple(used[:1] if len({*used}) == 1 else used)
    return Calibration(str(folder), shared, np.array(rotations), np.array(positions), names, size.pop())


def _images(path: Path, lenses: dict[str, Lens]) -> Iterator[tuple[str, str, list, list]]:
    """Every image's name, its camera's number, rotation and position."""
    lines = _lines(path, blank=True)
    for (where, words), (below, points) in zip_longest(
        lines, lines, fillvalue=(f"{path}: after the last line", ["nothing"])
    ):
        if not words:
            continue  # an empty line at the end
        if len(points) % 3:  # of x, y and a point's number
            shown = " ".join(points)[:40]
            raise InputError(f"{below} is {shown}; expected an image's points, three numbers each: is it cut off?")
        if len(words) < 10:
            raise InputError(
                f"{where}: has {len(words)} words; expected IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line "
                "of points"
            )
        if words[8] not in lenses:
            raise InputError(f"{where}: camera {words[8]} is not in cameras.txt; expected one of {', '.join(lenses)}")
        found = values.numbers(_numbers(words[1:8], where), f"{where}: the image's pose", 7)
        length = float(np.linalg.norm(found[:4]))
        if abs(length - 1) > values.ROUNDED:
            raise InputError(f"{where}: the quaternion's length is {length:.3g}; expected 1")
        rotation = _from_quaternion(found[:4] / length)
        yield " ".join(words[9:]), words[8], rotation.tolist(), (-rotation.T @ found[4:]).tolist()


def _lines(path: Path, blank: bool = False) -> Iterator[tuple[str, list[str]]]:
    """What messages call each line that is no comment, and its words; empty lines where they count."""
    text = read_bytes(path, LARGEST).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#") and (blank or line.strip()):
            yield f"{path}: line {number}", line.split()


def _lens(model: str, parameters: list[str], where: str) -> Lens:
    if model not in MODELS:
        raise InputError(f"{where}: camera model is {model}; expected one of {', '.join(MODELS)}")
    names, kind = MODELS[model]
    if len(parameters) != len(names.split()):
        raise InputError(f"{where}: {model} has {len(parameters)} parameters; expected {names}")
    found = dict(zip(names.split(), _numbers(parameters, where), strict=True))
    focal = found.get("fx", found.get("f")), found.get("fy", found.get("f"))
    last = max((place for place, name in enumerate(ORDERS[kind]) if name in found), default=-1)
    count = next(count for count in (0, 4, 8) if count > last)
    distortion = [found.get(name, 0.0) for name in ORDERS[kind][:count]]
    return values.checked_lens(focal, (found["cx"] - CORNER, found["cy"] - CORNER), distortion, kind, where)


def _numbers(words: list[str], where: str) -> list[float]:
    try:
        return values.numbers([float(word) for word in words], where, len(words)).tolist()
    except (ValueError, OverflowError) as error:
        raise error if isinstance(error, InputError) else InputError(f"{where}: {error}; expected numbers") from error


def _from_quaternion(quaternion: np.ndarray) -> np.ndarray:
    """A unit quaternion (w, x, y, z) as a matrix (3, 3)."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
