"""OpenCV's `FileStorage` as YAML, and EasyMocap's `intri.yml` beside `extri.yml`.

OpenCV writes `%YAML:1.0`, which is no directive that YAML has, and matrices as `!!opencv-matrix`. EasyMocap has the
names of its cameras in `names`, and of each a `K_name`, `dist_name`, `Rot_name` (or `R_name`, Rodrigues' vector) and
`T_name`.
"""

from pathlib import Path
from typing import Any

from duolift.calibration.formats.matrices import Cameras, cameras_of, is_camera
from duolift.errors import InputError, install
from duolift.files import read_bytes

LARGEST = 2**24

BESIDE = {"intri.yml": "extri.yml", "extri.yml": "intri.yml"}
"""EasyMocap's two files."""


def read_yaml(path: Path) -> Cameras:
    """The cameras of a file.

    Raises:
        InputError: no YAML, a camera that is not as it should be, or PyYAML is not installed.
    """
    found = _content(path)
    if (other := BESIDE.get(path.name)) and (path.parent / other).is_file():
        found = {**_content(path.parent / other), **found}
    names = found.get("names")
    if isinstance(names, list) and not is_camera(found):
        return cameras_of({str(name): _of_easymocap(found, str(name)) for name in names}, str(path))
    return cameras_of(found, str(path))


def _of_easymocap(found: dict[str, Any], name: str) -> dict[str, Any]:
    """What EasyMocap has of a camera."""
    keys = {"K": f"K_{name}", "dist": f"dist_{name}", "t": f"T_{name}"}
    camera = {key: found[theirs] for key, theirs in keys.items() if theirs in found}
    rotation = found.get(f"Rot_{name}", found.get(f"R_{name}"))
    size = [found.get(f"W_{name}"), found.get(f"H_{name}")]
    return {
        **camera,
        **({"R": rotation} if rotation is not None else {}),
        **({"image": size} if None not in size else {}),
    }


def _mapping(loader: Any, node: Any) -> Any:
    """A tagged mapping as a plain one."""
    return loader.construct_mapping(node, deep=True)


def _content(path: Path) -> dict[str, Any]:
    """A file's mapping, matrices as `{rows, cols, data}`."""
    try:
        import yaml
    except ImportError as error:
        raise InputError(f"{path} needs yaml, which is not installed ({error}); expected: {install('yaml')}") from error

    class Loader(yaml.SafeLoader):
        """PyYAML's safe one, which knows OpenCV's matrices."""

    for tag in ("tag:yaml.org,2002:opencv-matrix", "!opencv-matrix"):
        Loader.add_constructor(tag, _mapping)
    text = read_bytes(path, LARGEST).decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if not line.startswith("%YAML")]
    try:
        found = yaml.load("\n".join(lines), Loader)
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: not valid YAML ({reason}); is the file cut off?") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds {type(found).__name__}; expected a mapping with a camera's K")
    return found
