"""Pose2Sim's `Calib.toml`: a table for each camera with `matrix`, `distortions`, `rotation` (Rodrigues' vector),
`translation`, `size` and `fisheye`, https://pose2sim.readthedocs.io.

Its world has z up, and metres.
"""

import tomllib
from pathlib import Path
from typing import Any

from duolift.calibration.calibration import World
from duolift.calibration.formats.matrices import Cameras, cameras_of
from duolift.errors import InputError
from duolift.files import read_bytes

LARGEST = 2**24

WORLD = World(up=(0.0, 0.0, 1.0), unit=1.0)


def read_toml(path: Path) -> Cameras:
    """The cameras of a file, by their names.

    Raises:
        InputError: no TOML, or a camera that is not as Pose2Sim has it.
    """
    try:
        found: dict[str, Any] = tomllib.loads(read_bytes(path, LARGEST).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid TOML ({error}); is the file cut off?") from error
    named = {}
    for key, each in found.items():
        if key != "metadata" and isinstance(each, dict):
            named[str(each.get("name", key))] = each
    return {name: camera.known(camera.world.completed(WORLD)) for name, camera in cameras_of(named, str(path)).items()}
