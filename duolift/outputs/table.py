"""A scene as a table of joints, for pandas, as CSV and as Parquet; and one of joint angles."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from duolift.files import whole_file
from duolift.outputs.angles import joint_angles
from duolift.outputs.libraries import library, needs
from duolift.scene import Scene

if TYPE_CHECKING:
    from pandas import DataFrame

Columns = dict[str, NDArray[Any]]

MEAN_DISTANCE = float(np.sqrt(8 / np.pi))
"""The mean distance from the centre of a Gaussian in 3D whose standard deviation is 1 along each axis (Maxwell)."""

DECIMALS = {"time": 6, "x": 5, "y": 5, "z": 5, "sigma": 5, "deviation": 5, "confidence": 3}
"""Digits after the point of a column in CSV."""

ANGLE_DECIMALS = 3

BLOCK = 20_000
"""Rows of CSV that are text at once: cells take ten times the memory of the numbers in them."""

UNITS = {"units": "x, y, z, sigma, deviation: m, world coordinates, y up; time: s; joint angles: degrees"}
"""In the metadata of Parquet files."""


def joint_columns(scene: Scene) -> Columns:
    """A row for every joint of every person who is in a frame; `Scene.to_dataframe` has the columns.

    >>> columns = joint_columns(Scene.example())
    >>> [*columns][:8]
    ['frame', 'time', 'name', 'person', 'joint', 'x', 'y', 'z']
    """
    frame, person = np.nonzero(scene.valid)  # (pose,), in the order of frames
    joints = len(scene.skeleton)
    points = scene.world()[frame, person].reshape(-1, 3).astype(np.float64)  # (pose * joint, 3)
    deviation = scene.deviation[frame, person].ravel().astype(np.float64)
    return {
        **{name: values.repeat(joints) for name, values in _pose_columns(scene).items()},
        "joint": np.tile(np.array(scene.skeleton.joints, dtype=object), len(frame)),
        "x": points[:, 0],
        "y": points[:, 1],
        "z": points[:, 2],
        "sigma": deviation / MEAN_DISTANCE,
        "visible": scene.seen[frame, person].ravel(),
        "confidence": scene.confidence[frame, person].repeat(joints),
        "deviation": deviation,
    }


def angle_columns(scene: Scene) -> Columns:
    """A row for every person who is in a frame, and a column for every angle of `duolift.outputs.angles`.

    >>> [*angle_columns(Scene.example())][:6]
    ['frame', 'time', 'name', 'person', 'left_knee_flexion', 'right_knee_flexion']
    """
    return {**_pose_columns(scene), **joint_angles(scene.world()[np.nonzero(scene.valid)], scene.skeleton)}


def _pose_columns(scene: Scene) -> Columns:
    """What a row begins with: the frame and the person."""
    frame, person = np.nonzero(scene.valid)
    columns: Columns = {"frame": frame}
    if scene.rate:
        columns["time"] = frame / scene.rate
    columns["name"] = np.array(scene.names, dtype=object)[frame]
    columns["person"] = np.array(scene.identities, dtype=np.int64)[person]
    return columns


def to_dataframe(scene: Scene) -> "DataFrame":
    """The table of joints.

    Raises:
        InputError: pandas is not installed.
    """
    return library("pandas", "to_dataframe()", "pip install pandas").DataFrame(joint_columns(scene))


def write_csv(scene: Scene, path: Path) -> list[Path]:
    """Write a `.csv` of joints."""
    return _write_csv(joint_columns(scene), path)


def write_angles_csv(scene: Scene, path: Path) -> list[Path]:
    """Write a `.angles.csv`."""
    return _write_csv(angle_columns(scene), path)


@needs("pyarrow")
def write_parquet(scene: Scene, path: Path) -> list[Path]:
    """Write a `.parquet` of joints."""
    return _write_parquet(joint_columns(scene), path, ".parquet")


@needs("pyarrow")
def write_angles_parquet(scene: Scene, path: Path) -> list[Path]:
    """Write a `.angles.parquet`."""
    return _write_parquet(angle_columns(scene), path, ".angles.parquet")


def _write_csv(columns: Columns, path: Path) -> list[Path]:
    """Write columns as CSV (RFC 4180): a line of names, empty cells for NaN, `true` and `false`."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(columns)
        for block in _blocks(columns):
            rows.writerows(zip(*(_cells(name, values) for name, values in block.items()), strict=True))
    return [path]


def _blocks(columns: Columns) -> Iterator[Columns]:
    """A table's rows, `BLOCK` at a time."""
    rows = len(next(iter(columns.values())))
    for start in range(0, rows, BLOCK):
        yield {name: values[start : start + BLOCK] for name, values in columns.items()}


def _cells(name: str, values: NDArray[Any]) -> list[str]:
    """A column's cells as text."""
    if values.dtype == bool:
        return ["true" if value else "false" for value in values.tolist()]
    if values.dtype.kind != "f":
        return [str(value) for value in values.tolist()]
    decimals = DECIMALS.get(name, ANGLE_DECIMALS)
    return [f"{value:.{decimals}f}" if np.isfinite(value) else "" for value in values.tolist()]


def _write_parquet(columns: Columns, path: Path, suffix: str) -> list[Path]:
    """Write columns as Parquet, NaN as null."""
    arrow, parquet = library("pyarrow", suffix), library("pyarrow.parquet", suffix)
    arrays = {name: arrow.array(values, from_pandas=True) for name, values in columns.items()}
    table = arrow.table(arrays).replace_schema_metadata(UNITS)
    with whole_file(path) as part:
        parquet.write_table(table, part)
    return [path]
