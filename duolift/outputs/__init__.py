"""Scenes as files; the suffix chooses the format.

A format is one module here, which imports its library when it writes, and one entry in `WRITERS`. Nothing here imports
PyTorch.

>>> import tempfile
>>> from duolift import Scene, read, write
>>> with tempfile.TemporaryDirectory() as folder:
...     [file.name for file in write(Scene.example(), f"{folder}/scene.trc")]
...     read(*write(Scene.example(), f"{folder}/scene.json"))
['scene-1.trc', 'scene-2.trc']
Scene(4 frames, 2 people, paper19, focal 1000 px (default), 25 frames/s)
"""

from collections.abc import Callable
from pathlib import Path

from duolift.errors import InputError
from duolift.outputs.arrays import read_arrays, write_arrays
from duolift.outputs.bvh import write_bvh
from duolift.outputs.document import read_document, write_document
from duolift.outputs.libraries import check_library
from duolift.outputs.markers import write_c3d, write_trc
from duolift.outputs.meshes import write_glb
from duolift.outputs.page import read_page, write_page
from duolift.outputs.photographs import Photographs
from duolift.outputs.pictures import write_gif, write_mp4, write_png
from duolift.outputs.recording import write_recording
from duolift.outputs.rigs import DEFAULT_RIG, check_rig
from duolift.outputs.table import write_angles_csv, write_angles_parquet, write_csv, write_parquet
from duolift.scene import Scene

WRITERS: dict[str, Callable[..., list[Path]]] = {
    ".json": write_document,
    ".npz": write_arrays,
    ".html": write_page,
    ".bvh": write_bvh,
    ".trc": write_trc,
    ".c3d": write_c3d,
    ".glb": write_glb,
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".angles.csv": write_angles_csv,
    ".angles.parquet": write_angles_parquet,
    ".png": write_png,
    ".gif": write_gif,
    ".mp4": write_mp4,
    ".rrd": write_recording,
}
"""Suffix -> the function that writes a file, or one a person, and returns their paths."""

DRAWN_OVER = (".html", ".png", ".gif", ".mp4")
"""Suffixes of what is drawn over the photographs where there are some; their functions take them as well."""

RIGGED = (".bvh", ".glb")
"""Suffixes of what has bones; their functions take the name of a rig as well."""

READERS: dict[str, Callable[[Path], Scene]] = {".json": read_document, ".npz": read_arrays, ".html": read_page}
"""Suffix -> the function that reads a scene, for the formats that hold all of it."""


def check_output(path: Path | str) -> None:
    """Refuse a path that `write` cannot write a scene to, before there is a scene.

    Raises:
        InputError: an unknown suffix, or a library that is not installed.

    >>> check_output("scene.bvh")
    >>> check_output("scene.obj")
    Traceback (most recent call last):
    duolift.errors.InputError: scene.obj: its suffix is .obj; expected one of .json, .npz, .html, .bvh, .trc, .c3d, \
.glb, .csv, .parquet, .angles.csv, .angles.parquet, .png, .gif, .mp4, .rrd
    """
    suffix = _known(Path(path), WRITERS)
    check_library(WRITERS[suffix], suffix)


def write(
    scene: Scene, path: Path | str, pictures: Photographs | Path | str | None = None, *, rig: str = DEFAULT_RIG
) -> list[Path]:
    """Write a scene in the format of the path's suffix, whole or not at all.

    `.bvh` and `.trc` hold one person each: they become `scene-1.bvh`, `scene-2.bvh` ..., by identity.

    Args:
        scene: what is written.
        path: where.
        pictures: the picture, folder of pictures or film that the people were seen in; pages, pictures and films are
            drawn over it, other formats have no use for it.
        rig: whose names and hierarchy the bones of `.bvh` and `.glb` have, one of `duolift.outputs.rigs.RIGS`; other
            formats have no use for it.

    Returns:
        The files written.

    Raises:
        InputError: an unknown suffix or rig, a format that cannot hold this scene, a library that is not installed, a
            place that cannot be written to, or a full disk.
    """
    path = Path(path)
    check_rig(rig)
    suffix = _known(path, WRITERS)
    if suffix in RIGGED:
        return WRITERS[suffix](scene, path, rig)
    if pictures is not None and suffix in DRAWN_OVER:
        seen = pictures if isinstance(pictures, Photographs) else Photographs(Path(pictures), scene.names)
        return WRITERS[suffix](scene, path, seen)
    return WRITERS[suffix](scene, path)


def labelled(path: Path, label: str) -> Path:
    """A path with a label before its suffix, for one of several scenes.

    >>> labelled(Path("walk.angles.csv"), "left").name
    'walk-left.angles.csv'
    """
    suffix = _known(path, WRITERS)
    return path.with_name(f"{path.name[: -len(suffix)]}-{label}{path.name[-len(suffix) :]}")


def read(path: Path | str) -> Scene:
    """Read a scene that was written as `.json`, `.npz` or `.html`. JSON and pages round to 0.1 mm, `.npz` is exact.

    Raises:
        InputError: another suffix, no such file, or anything in it that docs/scene.md does not allow.
    """
    path = Path(path)
    return READERS[_known(path, READERS)](path)


def _known(path: Path, formats: dict) -> str:
    """The longest suffix of a path that is among the formats."""
    name = path.name.lower()
    found = [suffix for suffix in formats if name.endswith(suffix) and name != suffix]
    if not found:
        raise InputError(
            f"{path}: its suffix is {path.suffix.lower() or 'missing'}; expected one of {', '.join(formats)}"
        )
    return max(found, key=len)
