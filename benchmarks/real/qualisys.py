"""Qualisys' calibrations (`.qca.txt`, an XML): cameras with their lenses and poses.

The layout is as Pose2Sim reads it (https://github.com/perfanalytics/pose2sim): lengths are millimetres, and pixels are
64ths. The rows r11 r12 r13 ... of `transform` are the camera's axes in the world, of which y points up and z backwards.
"""

from pathlib import Path
from xml.etree import ElementTree

import torch

from duolift.errors import InputError
from duolift.files import read_bytes
from duolift.geometry.cameras import CalibratedCamera, opencv_tangential

LARGEST = 2**20
"""Bytes of a calibration that is still read."""

SUBPIXELS = 64
"""Of a pixel, in the file."""

MILLIMETRES = 1000
"""Of a metre."""

QUALISYS_AXES = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
"""From x right, y up, z backwards to x right, y down, z forward."""


def read_qualisys(path: Path) -> dict[str, tuple[CalibratedCamera, tuple[float, float]]]:
    """The cameras of a calibration by name, in double precision, with the width and height of their images.

    Raises:
        InputError: the file is missing or no such calibration.
    """
    try:
        root = ElementTree.fromstring(read_bytes(path, LARGEST))
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: no XML ({error}); expected a calibration of Qualisys") from error
    cameras = {camera.get("serial", ""): _camera(camera, f"{path}: camera") for camera in root.iter("camera")}
    if not cameras:
        raise InputError(f"{path}: holds no camera; expected a calibration of Qualisys")
    return cameras


def _camera(camera: ElementTree.Element, where: str) -> tuple[CalibratedCamera, tuple[float, float]]:
    where = f"{where} {camera.get('serial')}"
    lens, pose = (_child(camera, name, where) for name in ("intrinsic", "transform"))
    left, right, top, bottom = _numbers(_child(camera, "fov_video", where), where, "left", "right", "top", "bottom")
    focal = torch.tensor(_numbers(lens, where, "focalLengthU", "focalLengthV"), dtype=torch.float64)
    principal = torch.tensor(_numbers(lens, where, "centerPointU", "centerPointV"), dtype=torch.float64)
    radial = _numbers(lens, where, *(f"radialDistortion{number}" for number in (1, 2, 3)))
    tangential = _numbers(lens, where, *(f"tangentalDistortion{number}" for number in (1, 2)))
    rows = [_numbers(pose, where, *(f"r{row}{column}" for column in (1, 2, 3))) for row in (1, 2, 3)]
    centre = torch.tensor(_numbers(pose, where, *"xyz"), dtype=torch.float64)
    found = CalibratedCamera(
        focal=focal / SUBPIXELS,
        principal=principal / SUBPIXELS - torch.tensor([left, top], dtype=torch.float64),
        radial=torch.tensor(radial, dtype=torch.float64),
        tangential=opencv_tangential(torch.tensor(tangential, dtype=torch.float64)),
        rotation=QUALISYS_AXES @ torch.tensor(rows, dtype=torch.float64),
        centre=centre / MILLIMETRES,
    )
    return found, (right - left + 1, bottom - top + 1)


def _child(parent: ElementTree.Element, name: str, where: str) -> ElementTree.Element:
    found = parent.find(name)
    if found is None:
        raise InputError(f"{where}: lacks {name}; expected it of every camera")
    return found


def _numbers(element: ElementTree.Element, where: str, *names: str) -> list[float]:
    try:
        return [float(element.attrib[name]) for name in names]
    except (KeyError, ValueError) as error:
        raise InputError(f"{where}: {element.tag} lacks a number ({error}); expected {', '.join(names)}") from error
