"""The columns of keypoints that are read, and their checks: a file's rows as arrays, a few whole images at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from duolift.errors import InputError, install
from duolift.files import regular
from duolift.inputs.pixels import PIXEL_LIMITS
from duolift.placement.focal import default_focal

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 16384
"""How many people are read, lifted and written together, which bounds memory."""

READ = ("image", "person", "width", "height", "keypoints", "confidence")
"""Columns that have to be there."""


@dataclass(frozen=True)
class People:
    """Rows of whole images, as struct of arrays.

    Attributes:
        keypoints: (row, joint, 2), pixels, 0 where not visible.
        visible: (row, joint).
        size: (row, 2), width and height of the image, pixels.
        focal: (row,), focal length, pixels.
    """

    keypoints: NDArray[np.float32]
    visible: NDArray[np.bool_]
    size: NDArray[np.float32]
    focal: NDArray[np.float32]


def whole_images(path: Path) -> Iterator[tuple["pa.Table", NDArray[np.int64]]]:
    """A file's rows, some whole images at a time, and the row at which each image begins.

    At least one portion, which is empty where the file is.

    Raises:
        InputError: the file is no Parquet, lacks a column, or the rows of an image do not follow each other.
    """
    import pyarrow as pa

    parquet = parquet_module()
    try:
        file = parquet.ParquetFile(regular(path))
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as Parquet ({_reason(error)})") from error
    with file:
        names = file.schema_arrow.names
        if lacking := [name for name in READ if name not in names]:
            raise InputError(f"{path}: has no column {lacking[0]}; expected {', '.join(READ)}")
        if twice := [name for name in (*READ, "focal") if names.count(name) > 1]:
            raise InputError(f"{path}: has the column {twice[0]} twice; expected it once")
        kind = file.schema_arrow.field("image").type
        kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_null)
        if not any(is_kind(kind) for is_kind in kinds):
            raise InputError(f"{path}: column image is of {kind}; expected strings or integers")
        columns = [*READ, *(name for name in ("focal",) if name in names)]
        seen: set[Any] = set()
        rest = file.schema_arrow.empty_table().select(columns)
        try:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns):
                rows = pa.concat_tables([rest, pa.Table.from_batches([batch]).select(columns)])
                starts = _starts(rows, path)
                _refuse_scattered(rows, starts[:-1], seen, path)
                last = int(starts[-1])  # the last image may go on in the next batch
                if last:
                    yield rows.slice(0, last), starts[:-1]
                rest = rows.slice(last)
        except InputError:
            raise
        except Exception as error:  # a damaged file may raise anything
            raise InputError(f"{path}: cannot be read to its end ({_reason(error)})") from error
    starts = _starts(rest, path)
    _refuse_scattered(rest, starts, seen, path)
    if len(rest) or not seen:
        yield rest, starts


def _starts(rows: "pa.Table", path: Path) -> NDArray[np.int64]:
    """Numbers of the rows at which another image begins."""
    if rows["image"].null_count:
        raise InputError(f"{path}: column image holds nulls; expected a string or an integer in every row")
    images = rows["image"].to_numpy()
    changes = np.flatnonzero(images[1:] != images[:-1]) + 1
    return np.concatenate([np.zeros(min(len(images), 1), np.int64), changes.astype(np.int64)])


def _refuse_scattered(rows: "pa.Table", starts: NDArray[np.int64], seen: set[Any], path: Path) -> None:
    """Raise InputError where an image that begins in these rows has been `seen` before; else it has now."""
    for image in rows["image"].to_numpy()[starts].tolist():
        if image in seen:
            raise InputError(
                f"{path}: rows of image {image!r} are apart; expected all of an image to follow each other"
            )
        seen.add(image)


def people_of(rows: "pa.Table", joints: int, path: Path) -> People:
    """Columns as arrays.

    >>> import pyarrow as pa
    >>> size = {"width": [900], "height": [900]}
    >>> table = pa.table({**size, "keypoints": [[450.0, 450.0, float("nan"), 0.0]], "confidence": [[1.0, 1.0]]})
    >>> people_of(table, joints=2, path=Path("a.parquet")).visible
    array([[ True, False]])

    Args:
        rows: of whole images.
        joints: of the lifter's skeleton.
        path: of the file, for messages.

    Raises:
        InputError: a column that is not as `duolift.bulk` describes it.
    """
    size = np.stack([_numbers(rows, name, path) for name in ("width", "height")], axis=-1)
    if len(bad := np.flatnonzero(~((size > 0) & np.isfinite(size)).all(-1))):
        raise InputError(f"{path}: an image's size is {size[bad[0]].tolist()} pixels; expected positive numbers")
    points = _lists(rows, "keypoints", 2 * joints, path).reshape(-1, joints, 2)
    visible = np.isfinite(points).all(-1) & (_lists(rows, "confidence", joints, path) > 0)
    farthest = PIXEL_LIMITS.farthest
    if (np.abs(points[visible]) > farthest).any() or (size > farthest).any():
        raise InputError(f"{path}: keypoints or sizes are beyond {farthest:.0f} pixels; expected places in an image")
    focal = default_focal(torch.from_numpy(size) / 2).numpy()
    if "focal" in rows.column_names:
        given = _numbers(rows, "focal", path, nulls=True)
        if (given <= 0).any():
            raise InputError(f"{path}: focal is {given.min()} pixels; expected positive numbers, or null")
        focal = np.where(np.isfinite(given), given, focal)
    return People(np.where(visible[..., None], points, 0).astype(np.float32), visible, size, focal)


def _reason(error: Exception) -> str:
    """The first line of an error's message, or its name."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _numbers(rows: "pa.Table", name: str, path: Path, nulls: bool = False) -> NDArray[np.float32]:
    """A column of numbers (row,); NaN for nulls, which only some columns may hold."""
    import pyarrow as pa

    try:
        column = rows[name].cast(pa.float32(), safe=False)
    except pa.ArrowException as error:
        raise InputError(f"{path}: column {name} is of {rows[name].type}; expected numbers") from error
    if column.null_count and not nulls:
        raise InputError(f"{path}: column {name} holds nulls; expected numbers")
    return np.array(column.fill_null(float("nan")).to_numpy())


def _lists(rows: "pa.Table", name: str, length: int, path: Path) -> NDArray[np.float32]:
    """A column of lists, `length` numbers each, as (row, length)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        column = rows[name].cast(pa.list_(pa.float32()))
    except pa.ArrowException as error:
        raise InputError(f"{path}: column {name} is of {rows[name].type}; expected lists of numbers") from error
    found = pc.list_value_length(column).fill_null(-1).to_numpy()
    if len(wrong := found[found != length]):
        what = "a null" if wrong[0] < 0 else f"a list of {wrong[0]}"
        raise InputError(f"{path}: column {name} holds {what}; expected lists of {length} numbers")
    values = pc.list_flatten(column).to_numpy()
    return np.array(values, np.float32).reshape(len(rows), length)


def parquet_module() -> Any:
    """`pyarrow.parquet`. Raises InputError where it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(f"Parquet files need pyarrow; expected: {install('ray')}") from error
    return pyarrow.parquet
