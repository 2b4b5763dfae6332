"""Cameras as matrices: K, distortion, R and t, as OpenCV and most of the field's tools have them.

docs/scene.md documents the JSON that is written for duolift; files of others have the same under other names, of which
the usual ones are known.

    K            camera_matrix cameraMatrix intrinsic_matrix mtx matrix
    distortion   dist distCoef distCoeffs distortion_coefficients distortions dist_coeffs D d
    R            rotation rvec rotation_matrix: 3 x 3, or Rodrigues' vector; from the world to the camera
    t            T translation tvec; or RT, R and t side by side; or position, the camera's place in the world
    image        imgSize image_size imageSize size resolution; or image_width and image_height
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from duolift.calibration import values
from duolift.calibration.calibration import Calibration, World, axis
from duolift.calibration.lens import Lens
from duolift.errors import InputError

K = ("K", "camera_matrix", "cameraMatrix", "intrinsic_matrix", "mtx", "matrix")
DISTORTION = (
    *("distortion", "dist", "distCoef", "distCoeffs", "distortion_coefficients", "distortions", "dist_coeffs", "D"),
    "d",
)
ROTATION = ("R", "rotation", "rvec", "rotation_matrix")
TRANSLATION = ("t", "T", "translation", "tvec")
IMAGE = ("image", "imgSize", "image_size", "imageSize", "size", "resolution")

Cameras = dict[str, Calibration]
"""By name; the empty name where there is one alone, without any."""


def is_camera(found: Any) -> bool:
    """Whether something has a camera matrix, or frames that may have one.

    >>> is_camera({"K": [[900, 0, 640], [0, 900, 360], [0, 0, 1]]}), is_camera({"people": []})
    (True, False)
    """
    return isinstance(found, Mapping) and (values.some(found, *K) is not None or isinstance(found.get("frames"), list))


def cameras_of(found: Any, source: str) -> Cameras:
    """The cameras of a document: one, a list under `cameras`, or one under each of its keys.

    Raises:
        InputError: something in it is not as it should be.

    >>> found = {"K": [[900, 0, 640], [0, 900, 360], [0, 0, 1]], "R": [0, 0, 0], "t": [0, 0, 4], "up": "-y"}
    >>> cameras_of(found, "camera.json")[""].position.tolist()
    [[0.0, 0.0, -4.0]]
    """
    if is_camera(found):
        return {"": camera_of(found, source, source)}
    listed = found.get("cameras") if isinstance(found, Mapping) else None
    some: Iterator[tuple[str, Any]]
    if isinstance(listed, list):
        some = ((str(_name(each, number)), each) for number, each in enumerate(listed))
    else:
        whole = listed if isinstance(listed, Mapping) else found
        some = ((str(name), each) for name, each in whole.items() if is_camera(each))
    shared = {key: found[key] for key in ("up", "ground", "unit") if key in found}
    cameras: Cameras = {}
    for name, each in some:
        if not is_camera(each):
            raise InputError(f"{source}: camera {name} has no camera matrix; expected K")
        if name in cameras:
            raise InputError(f"{source}: two cameras are called {name}; expected a name for each")
        cameras[name] = camera_of({**shared, **each}, f"{source}: {name}", source)
    if not cameras:
        raise InputError(f"{source}: holds no camera; expected K, or cameras that have it")
    return cameras


def _name(camera: Any, number: int) -> Any:
    return camera.get("name", number) if isinstance(camera, Mapping) else number


def camera_of(found: Mapping[str, Any], where: str, source: str) -> Calibration:
    """One camera, static or frame by frame."""
    frames = found.get("frames")
    image = values.some(found, *IMAGE)
    if image is None and found.get("image_width") is not None:
        image = [found.get("image_width"), found.get("image_height")]
    size = None if image is None else values.size(image, f"{where}: image")
    world = world_of(found, where)
    own = lens_of(found, where) if values.some(found, *K) is not None else None
    if frames is None:
        if own is None:
            raise InputError(f"{where}: has no camera matrix; expected K")
        placed = place_of(found, where)
        if placed is None:
            return Calibration(source, (own,), image=size, world=world)
        return Calibration(source, (own,), placed[0][None], placed[1][None], image=size, world=world)
    if not isinstance(frames, list) or not frames:
        raise InputError(f"{where}: frames is {str(frames)[:60]}; expected a list of an object for each frame")
    lenses, rotations, positions, names = [], [], [], []
    for number, frame in enumerate(frames):
        there = f"{where}: frames[{number}]"
        placed = place_of(frame, there) if isinstance(frame, Mapping) else None
        if placed is None:
            raise InputError(f"{there} has no R and t; expected them of every frame")
        lens = lens_of({**found, **frame}, there) if values.some(frame, *K) is not None else own
        if lens is None:
            raise InputError(f"{there} has no camera matrix, and neither have all frames; expected K")
        lenses.append(lens)
        rotations.append(placed[0])
        positions.append(placed[1])
        names.append(values.some(frame, "name", "image", "file_name"))
    if any(name is None for name in names) and any(name is not None for name in names):
        raise InputError(
            f"{where}: frames[{names.index(None)}] has no name, where others have one; expected all or none"
        )
    known = None if names[0] is None else tuple(map(str, names))
    if known is not None and len({*known}) < len(known):
        raise InputError(f"{where}: two frames have the same name; expected another for each")
    lens_or_lenses = tuple(lenses[:1] if len({*lenses}) == 1 else lenses)
    return Calibration(source, lens_or_lenses, np.array(rotations), np.array(positions), known, size, world)


def lens_of(found: Mapping[str, Any], where: str) -> Lens:
    """The lens of a camera."""
    model = found.get("model")
    if model is None and found.get("fisheye") is True:
        model = "fisheye"
    return values.lens(values.some(found, *K), values.some(found, *DISTORTION), model, where)


def place_of(found: Mapping[str, Any], where: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Rotation (3, 3) from the world, and position (3,) in it; None where the file says neither."""
    both = values.some(found, "RT", "Rt")
    rotated = values.some(found, *ROTATION)
    translated, position = values.some(found, *TRANSLATION), found.get("position")
    if both is not None:
        matrix = values.numbers(both, f"{where}: RT", -1)
        if matrix.size not in (12, 16):
            raise InputError(f"{where}: RT has {matrix.size} numbers; expected 12, of R and t side by side")
        matrix = matrix.reshape(-1, 4)
        turned = values.near_rotation(matrix[:3, :3], f"{where}: RT")
        return turned, -turned.T @ matrix[:3, 3]
    if rotated is None and translated is None and position is None:
        return None
    if rotated is None or (translated is None and position is None):
        lacking = "R" if rotated is None else "t"
        raise InputError(f"{where}: {lacking} is missing; expected R and t, or neither")
    turned = values.rotation(rotated, f"{where}: R")
    if position is not None:
        return turned, values.numbers(position, f"{where}: position", 3)
    return turned, -turned.T @ values.numbers(translated, f"{where}: t", 3)


def world_of(found: Mapping[str, Any], where: str) -> World:
    """What a file says of its world."""
    up, ground, unit = (found.get(key) for key in ("up", "ground", "unit"))
    try:
        direction = axis(up) if isinstance(up, str) else None if up is None else values.numbers(up, f"{where}: up", 3)
    except ValueError as error:
        raise error if isinstance(error, InputError) else InputError(f"{where}: up: {error}") from error
    ground = None if ground is None else float(values.numbers(ground, f"{where}: ground", 1)[0])
    unit = None if unit is None else float(values.numbers(unit, f"{where}: unit", 1)[0])
    try:
        return World(None if direction is None else tuple(map(float, direction)), ground, unit)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
