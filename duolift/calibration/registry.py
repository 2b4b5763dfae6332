"""From a file to a calibrated camera: which layout it has, and which of its cameras is meant.

A layout is a file in `duolift.calibration.formats` and a branch of `_cameras`.
"""

from pathlib import Path

from duolift.calibration.calibration import Calibration, World
from duolift.calibration.formats import colmap, opencv_yaml, panoptic, pose2sim
from duolift.calibration.formats.matrices import Cameras, cameras_of
from duolift.errors import InputError
from duolift.files import read_bytes
from duolift.files.whole_json import json_object

LARGEST = 2**27
"""Bytes of a JSON: a hundred thousand frames take 30 MB."""

SHOWN = 8
"""Cameras that a message names."""

LAYOUTS = "a .json, .toml or .yml of cameras, or the folder of COLMAP's cameras.txt and images.txt"


def read_calibration(path: Path | str, name: str | None = None, world: World | None = None) -> Calibration:
    """The calibrated camera of a file.

    Args:
        path: of a file, or of the folder of a model of COLMAP's; docs/formats.md has the layouts.
        name: of the camera; None where there is one alone.
        world: what is known of the file's world that it does not say.

    Raises:
        InputError: a file that cannot be used, or of several cameras none was named.

    >>> import tempfile
    >>> text = '{"K": [[900, 0, 640], [0, 900, 360], [0, 0, 1]], "R": [0, 0, 0], "t": [0, 0, 4]}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (file := Path(folder) / "camera.json").write_text(text) > 0
    ...     read_calibration(file).lenses[0].focal
    True
    (900.0, 900.0)
    """
    path = Path(path)
    cameras = _cameras(path)
    if name is None and len(cameras) == 1:
        (found,) = cameras.values()
    elif name is not None and name in cameras:
        found = cameras[name]
    else:
        there = ", ".join([*cameras][:SHOWN]) + (f" and {len(cameras) - SHOWN} more" if len(cameras) > SHOWN else "")
        said = "holds several cameras, and none is named" if name is None else f"holds no camera called {name}"
        raise InputError(f"{path}: {said}; expected one of {there or 'none'}")
    return found if world is None else found.known(world)


def _cameras(path: Path) -> Cameras:
    """All cameras of a file, by their names."""
    if colmap.is_model(path):
        return {"": colmap.read_model(path)}
    if not path.is_file():
        said = "a folder without cameras.txt and images.txt" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {said}; expected {LAYOUTS}")
    suffix = path.suffix.lower()
    if suffix == ".toml":
        return pose2sim.read_toml(path)
    if suffix in (".yml", ".yaml"):
        return opencv_yaml.read_yaml(path)
    if suffix != ".json":
        raise InputError(f"{path}: its suffix is {suffix or 'missing'}; expected {LAYOUTS}")
    found = json_object(path, read_bytes(path, LARGEST), "an object with a camera's K")
    cameras = cameras_of(found, str(path))
    if panoptic.is_panoptic(found):
        return {name: camera.known(camera.world.completed(panoptic.WORLD)) for name, camera in cameras.items()}
    return cameras
