"""Values of calibration files, checked as they are taken: numbers in a shape, rotations, lenses, sizes of images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.calibration.lens import COEFFICIENTS, Lens
from duolift.camera import LARGEST_QUANTITY
from duolift.errors import InputError

Array = NDArray[np.float64]

ROUNDED = 2e-2
"""By how much products of the rows of a rotation, which files round, may be off."""

LARGEST_COORDINATE = 1e9
"""No camera is further from the world's origin, in any unit."""


def numbers(value: Any, where: str, *shape: int) -> Array:
    """Finite numbers in a shape, however they are nested.

    Args:
        value: lists of numbers, or OpenCV's matrix with `data`.
        where: what messages call it.
        shape: of what is wanted; -1 once for any length.

    Raises:
        InputError: anything else.

    >>> numbers([[1, 2], [3, 4]], "K", 4)
    array([1., 2., 3., 4.])
    >>> numbers([1, "two"], "cameras.json: t", 2)
    Traceback (most recent call last):
    duolift.errors.InputError: cameras.json: t is [1, 'two']; expected 2 numbers
    """
    wanted = int(np.prod([size for size in shape if size > 0]))
    expected = "numbers" if -1 in shape else f"{wanted} number{'s' * (wanted != 1)}"
    content = value["data"] if isinstance(value, Mapping) and "data" in value else value
    try:
        found = np.array(content, dtype=object).ravel() if isinstance(content, list | tuple) else np.array([content])
        plain = all(isinstance(number, int | float) and not isinstance(number, bool) for number in found.tolist())
        taken = found.astype(np.float64) if plain else np.array([np.nan])
    except (ValueError, OverflowError):
        taken = np.array([np.nan])
    fits = -1 in shape or len(taken) == wanted
    if not fits or not np.isfinite(taken).all() or (np.abs(taken) > LARGEST_COORDINATE).any():
        raise InputError(f"{where} is {_short(value)}; expected {expected}")
    return taken.reshape(shape)


def rotation(value: Any, where: str) -> Array:
    """A rotation (3, 3), from a matrix or from Rodrigues' vector; rounded matrices are made exact.

    Raises:
        InputError: neither, or a matrix whose rows are not of length 1 and at right angles, or that mirrors.

    >>> rotation([0, 0, 0], "R")
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    >>> rotation([[1, 0, 0], [0, 2, 0], [0, 0, 1]], "a.json: R")
    Traceback (most recent call last):
    duolift.errors.InputError: a.json: R is [[1, 0, 0], [0, 2, 0], [0, 0, 1]]; expected a rotation, whose rows are of \
length 1 and at right angles
    """
    found = numbers(value, where, -1)
    if found.size == 3:
        return from_vector(found)
    if found.size != 9:
        raise InputError(f"{where} is {_short(value)}; expected 9 numbers of a matrix, or 3 of Rodrigues' vector")
    return near_rotation(found.reshape(3, 3), where, value)


def near_rotation(matrix: Array, where: str, value: Any = None) -> Array:
    """The rotation that is nearest to a matrix (3, 3). Raises InputError where that is not near.

    >>> near_rotation(np.eye(3) + 1e-3, "R").round(2) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > ROUNDED:
        shown = _short(matrix.round(3).tolist() if value is None else value)
        raise InputError(f"{where} is {shown}; expected a rotation, whose rows are of length 1 and at right angles")
    left, _, right = np.linalg.svd(matrix)
    if np.linalg.det(left @ right) < 0:
        raise InputError(f"{where} mirrors (its determinant is -1); expected a rotation")
    return np.asarray(left @ right)


def from_vector(vector: Array) -> Array:
    """Rodrigues' vector (3,), an axis as long as the angle in radians, as a matrix.

    >>> from_vector(np.array([0.0, 0.0, np.pi / 2])).round(3) + 0.0
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def lens(matrix: Any, distortion: Any, model: Any, where: str) -> Lens:
    """A lens of a camera matrix and distortion coefficients.

    Args:
        matrix: of 3 x 3 numbers, pixels.
        distortion: coefficients; None for none.
        model: `opencv` or `fisheye`; None for the first.
        where: what messages call the camera.

    Raises:
        InputError: a matrix that is none, an unknown model, or as many coefficients as it does not have.

    >>> lens([[1000, 0, 640], [0, 1000, 360], [0, 0, 1]], [0.1, 0, 0, 0, 0], None, "camera")
    Lens(focal=(1000.0, 1000.0), principal=(640.0, 360.0), distortion=(0.1, 0.0, 0.0, 0.0, 0.0), model='opencv')
    """
    found = numbers(matrix, f"{where}: K", 3, 3)
    shape_holds = found[0, 0] > 0 and found[1, 1] > 0 and abs(found[2, 2] - 1) < 1e-6
    if not shape_holds or np.abs(found[[1, 2, 2], [0, 0, 1]]).max() > 1e-6:
        raise InputError(
            f"{where}: K is {_short(matrix)}; expected a camera matrix, [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]"
        )
    model = "opencv" if model is None else model
    if not isinstance(model, str) or model not in COEFFICIENTS:
        raise InputError(f"{where}: model is {_short(model)}; expected one of {', '.join(COEFFICIENTS)}")
    coefficients = numbers([] if distortion is None else distortion, f"{where}: distortion", -1)
    if len(coefficients) == 14 and not coefficients[12:].any():  # OpenCV's tilted sensor, which is not tilted
        coefficients = coefficients[:12]
    if len(coefficients) not in COEFFICIENTS[model]:
        counts = " or ".join(map(str, COEFFICIENTS[model]))
        raise InputError(f"{where}: distortion has {len(coefficients)} numbers; expected {counts} of model {model}")
    focal, principal = (found[0, 0], found[1, 1]), (found[0, 2], found[1, 2])
    return checked_lens(focal, principal, coefficients.tolist(), model, where)


def checked_lens(focal: Any, principal: Any, distortion: Any, model: str, where: str) -> Lens:
    """A lens whose numbers are within reason. Raises InputError for others.

    >>> checked_lens((1e9, 1e9), (0, 0), (), "opencv", "camera")
    Traceback (most recent call last):
    duolift.errors.InputError: camera: focal is (1000000000.0, 1000000000.0); expected pixels, from 0.001 to 1,000,000
    """
    (fx, fy), (cx, cy) = (tuple(map(float, each)) for each in (focal, principal))
    made = Lens((fx, fy), (cx, cy), tuple(map(float, distortion)), model)
    for name, values, least in (("focal", made.focal, 1e-3), ("principal", made.principal, -LARGEST_QUANTITY)):
        if not all(least <= value <= LARGEST_QUANTITY for value in values):
            raise InputError(f"{where}: {name} is {values}; expected pixels, from {least:g} to {LARGEST_QUANTITY:,.0f}")
    if not all(abs(value) <= LARGEST_QUANTITY for value in made.distortion):
        raise InputError(f"{where}: distortion is {_short(made.distortion)}; expected numbers within reason")
    return made


def size(value: Any, where: str) -> tuple[float, float]:
    """Width and height in pixels. Raises InputError for anything else.

    >>> size([1920, 1080], "camera: image")
    (1920.0, 1080.0)
    """
    width, height = numbers(value, where, 2).tolist()
    if not (0 < width <= LARGEST_QUANTITY and 0 < height <= LARGEST_QUANTITY):
        raise InputError(f"{where} is {_short(value)}; expected a width and a height in pixels")
    return width, height


def some(found: Mapping[str, Any], *keys: str) -> Any:
    """The value of the first of some keys that is there; None where none is.

    >>> some({"dist": [0.1]}, "distortion", "dist")
    [0.1]
    """
    return next((found[key] for key in keys if found.get(key) is not None), None)


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
