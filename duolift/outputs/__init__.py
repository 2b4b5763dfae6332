"""Reconstructions as files, whose suffix says which. A format is a file here, and only there asks for its library."""

from collections.abc import Callable
from pathlib import Path

from duolift.errors import InputError
from duolift.outputs.arrays import read_arrays, write_arrays
from duolift.outputs.bvh import write_bvh
from duolift.outputs.document import read_document, write_document
from duolift.outputs.markers import write_c3d, write_trc
from duolift.outputs.meshes import write_glb
from duolift.outputs.page import write_page
from duolift.outputs.pictures import write_gif, write_mp4, write_png
from duolift.outputs.recording import write_recording
from duolift.scene import Scene

WRITERS: dict[str, Callable[[Scene, Path], list[Path]]] = {
    ".json": write_document,
    ".npz": write_arrays,
    ".html": write_page,
    ".bvh": write_bvh,
    ".trc": write_trc,
    ".c3d": write_c3d,
    ".glb": write_glb,
    ".png": write_png,
    ".gif": write_gif,
    ".mp4": write_mp4,
    ".rrd": write_recording,
}
"""By suffix: writes a file, or one a person, and says which."""

READERS: dict[str, Callable[[Path], Scene]] = {".json": read_document, ".npz": read_arrays}
"""By suffix: what holds all there is to know of a scene."""


def check_suffix(path: Path) -> str:
    """The suffix of a file that `write` knows, in lower case. Raises InputError for any other."""
    return _known(path, WRITERS)


def write(reconstruction: Scene, path: Path | str) -> list[Path]:
    """Write a reconstruction in the format of the path's suffix, whole or not at all; returns the files written.

    `.bvh` and `.trc` hold one person: they become `scene-1.bvh`, `scene-2.bvh` ... by the people's identities.

    Raises:
        InputError: an unknown suffix, a format that cannot hold this reconstruction, a library that is not
            installed, a place that cannot be written to, or a disk that is full.
    """
    path = Path(path)
    return WRITERS[check_suffix(path)](reconstruction, path)


def read(path: Path | str) -> Scene:
    """Read back a reconstruction that `write` has written as `.json` or `.npz`.

    Raises:
        InputError: an unknown suffix, no such file, or anything in it that is not as expected.
    """
    path = Path(path)
    return READERS[_known(path, READERS)](path)


def _known(path: Path, formats: dict) -> str:
    suffix = path.suffix.lower()
    if suffix not in formats:
        raise InputError(f"{path}: its suffix is {suffix or 'missing'}; expected one of {', '.join(formats)}")
    return suffix
