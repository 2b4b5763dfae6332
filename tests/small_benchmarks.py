"""Small synthetic files in the layouts of the field's benchmarks, written once."""

import io
import pickle
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.synthetic.benchmarks import h36m, mpi_inf_3dhp
from datamodules.synthetic.writer import SyntheticConfig

SMALL = SyntheticConfig(takes=1, frames=6)
H36M_SUBJECTS, H36M_ACTIONS = ("S1", "S9"), ("Directions", "Eating")
MPI_TRAIN, MPI_TEST = ("S1",), ("TS1", "TS5")

_HELD = tempfile.TemporaryDirectory(prefix="benchmarks-")


@cache
def h36m_root() -> Path:
    """A folder of Human3.6M, not to be changed: two subjects, two actions."""
    return h36m.write(Path(_HELD.name) / "h36m", SMALL, H36M_SUBJECTS, H36M_ACTIONS)


@cache
def mpi_root() -> Path:
    """A folder of MPI-INF-3DHP, not to be changed: one who is trained on, two test videos."""
    return mpi_inf_3dhp.write(Path(_HELD.name) / "mpi", SMALL, MPI_TRAIN, MPI_TEST)


def copied(root: Path, to: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(root, to, dirs_exist_ok=True))


def objects(path: Path) -> dict[str, Any]:
    """What an archive of ours holds."""
    with np.load(path, allow_pickle=True) as content:
        return {key: content[key].item() for key in content.files}


class Malice:
    """Runs a command where it is unpickled the usual way."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.made,)


def write_malice(path: Path, key: str, made: Path) -> None:
    """An archive whose pickle makes a file."""
    array = io.BytesIO()
    head = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(array, head)
    array.write(pickle.dumps([Malice(made)]))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{key}.npy", array.getvalue())
