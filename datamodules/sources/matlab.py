"""MATLAB's cell arrays of structures, read by SciPy in a process of their own.

SciPy's reader is compiled and believes what a file says of itself: a broken one may end the process that reads it, or
ask for any amount of memory. So that is a process which may end.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

MOST_MEMORY = 2**30
"""Bytes of address space of the process that reads: a broken file of some kB may ask for an array of 2 GiB."""

REFUSED = 2
"""Its exit code where it says in one line what is wrong with a file."""

Fields = dict[str, NDArray[np.float64]]


class MatlabError(Exception):
    """A file cannot be read: the first argument is its place among the files, the second what is wrong, in one line."""


def read_structures(paths: Sequence[Path], variable: str, shapes: Mapping[str, Sequence[int]]) -> list[Fields]:
    """Some fields of the structures of each file's cell array, field -> (row, column, *shape).

    Args:
        paths: regular files.
        variable: name of the cell array.
        shapes: field -> the shape that it has in every structure.

    Raises:
        MatlabError: a file is broken, or has no such array.

    >>> read_structures([], "annotations", {"annot2": (2, 17)})
    []
    """
    if not paths:
        return []
    with tempfile.TemporaryDirectory() as folder:
        task = json.dumps(
            {
                "paths": [str(path.absolute()) for path in paths],
                "variable": variable,
                "shapes": {name: list(shape) for name, shape in shapes.items()},
                "folder": folder,
            }
        )
        done = subprocess.run(
            [sys.executable, __file__],
            input=task,
            capture_output=True,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            check=False,
        )
        written = [Path(folder) / f"{number}.npz" for number in range(len(paths))]
        if done.returncode:
            reached = sum(path.exists() for path in written)
            said = done.stdout.strip() if done.returncode == REFUSED else ""
            raise MatlabError(min(reached, len(paths) - 1), said or "not readable as a MATLAB file; is it cut off?")
        found = []
        for path in written:
            with np.load(path) as arrays:
                found.append({name: arrays[name] for name in shapes})
        return found


def _structures(path: str, variable: str, shapes: Mapping[str, Sequence[int]]) -> Fields:
    """One file's, in the process that may end; ValueError with what is wrong."""
    try:
        cells = loadmat(path, variable_names=[variable]).get(variable)
    except NotImplementedError as error:
        raise ValueError("is a MATLAB file of version 7.3; expected one of version 5 to 7.2") from error
    except Exception as error:
        text = " ".join(str(error).split())[:80]
        raise ValueError(f"not readable as a MATLAB file ({text}); is it cut off?") from error
    if not isinstance(cells, np.ndarray) or cells.dtype != object or cells.ndim != 2 or not cells.size:
        raise ValueError(f"has no {variable}; expected a cell array (frame, person) of structures")
    rows, columns = cells.shape
    return {
        name: np.array(
            [
                [
                    _field(cells[row, column], f"{variable}{{{row + 1},{column + 1}}}", name, tuple(shape))
                    for column in range(columns)
                ]
                for row in range(rows)
            ]
        )
        for name, shape in shapes.items()
    }


def _field(structure: Any, where: str, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A field of one structure, finite numbers of a shape."""
    if not isinstance(structure, np.ndarray) or structure.size != 1 or name not in (structure.dtype.names or ()):
        raise ValueError(f"{where} has no field {name}")
    value = np.asarray(structure[name].item())
    if value.dtype.kind not in "biuf" or value.shape != shape:
        raise ValueError(f"{where}.{name} is {value.shape} of {value.dtype}; expected {shape} of numbers")
    array = value.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{where}.{name} holds NaN or infinity; expected finite numbers")
    return array


def _main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    task = json.load(sys.stdin)
    for number, path in enumerate(task["paths"]):
        try:
            fields = _structures(path, task["variable"], task["shapes"])
        except ValueError as error:
            print(error)
            return REFUSED
        part = Path(task["folder"]) / f"part {number}.npz"
        np.savez(part, allow_pickle=False, **fields)
        part.rename(Path(task["folder"]) / f"{number}.npz")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
