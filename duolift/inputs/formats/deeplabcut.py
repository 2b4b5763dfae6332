"""DeepLabCut's tables of human joints by name: CSV, and HDF5 by the library h5py.

The head of a table has a row `scorer`, in projects of several individuals `individuals`, `bodyparts` and `coords` (x,
y, likelihood; labels have no likelihood), and then a row a frame, or a labelled image. Names of joints are matched
whatever the project calls them (`left_hip`, `LHip`, `hip2` of `full_human`), as long as hips and shoulders are among
them. HDF5 has the same as pandas stores tables; its column names are pickled, and read without running them. See
https://deeplabcut.github.io/DeepLabCut/docs/standardDeepLabCut_UserGuide.html.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files.hdf5 import opened
from duolift.files.npz import ARCHIVE_LIMITS
from duolift.files.pickles import read_pickle
from duolift.inputs.keypoints import KeypointFormat, format_given_or_of
from duolift.inputs.people import Array, DetectionFile, RawFrame, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import Peek, file_format

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
"""Rows of a table's head."""

LONGEST_LINE = 2**20
"""Bytes of a line; a hundred people of 133 joints take half of it."""

TABLE = "df_with_missing"
"""What DeepLabCut calls its table in HDF5."""


@dataclass(frozen=True)
class Columns:
    """Where in a row the joints of every individual are.

    Attributes:
        individuals: names; one empty name where there is just one.
        body: the joints that they have.
        places: (individual, joint, 3), the columns of x, y and likelihood; -1 where there is none.
    """

    individuals: tuple[str, ...]
    body: KeypointFormat
    places: np.ndarray

    def video(self, file: DetectionFile) -> str:
        """The file's name where it is of a video; none where joints have no likelihood: somebody labelled images."""
        return file.stem if (self.places[..., 2] >= 0).any() else ""

    def frame(self, name: str, video: str, row: Array, where: str) -> RawFrame:
        """The people of a row."""
        values = np.append(row, 1.0)[self.places]  # column -1, which is none, is sure
        values[..., 2] = np.where(np.isnan(values[..., 2]), 1.0, values[..., 2])  # and so is what somebody placed
        people = [
            raw_person(
                np.where(self.places[number, :, :2] >= 0, one[:, :2], np.nan),
                one[:, 2],
                number + 1 if self.individuals != ("",) else None,
                f"{where}: {self.individuals[number] or 'the individual'}",
            )
            for number, one in enumerate(values)
        ]
        return RawFrame(name, video, people, self.body)


def columns_of(
    labels: Sequence[Sequence[Any]], levels: Sequence[str], given: KeypointFormat | None, where: str
) -> Columns:
    """The columns of individuals who have a human body.

    Args:
        labels: of every column, a text a level.
        levels: names of the levels.
        given: the joints' format, where the user says so; else the body parts' names tell.

    Raises:
        InputError: levels are missing, or nobody has hips and shoulders.
    """
    if "bodyparts" not in levels or "coords" not in levels:
        raise InputError(f"{where}: has the rows {', '.join(levels) or 'of nothing'}; expected bodyparts and coords")
    part, coordinate = levels.index("bodyparts"), levels.index("coords")
    of_whom = levels.index("individuals") if "individuals" in levels else None
    found: dict[str, dict[str, list[int]]] = {}  # individual -> body part -> columns
    for at, label in enumerate(labels):
        axis = {"x": 0, "y": 1, "likelihood": 2}.get(str(label[coordinate]))
        if axis is not None:
            parts = found.setdefault("" if of_whom is None else str(label[of_whom]), {})
            parts.setdefault(str(label[part]), [-1, -1, -1])[axis] = at
    if not found:
        raise InputError(f"{where}: has no x and y; expected coords of x, y and likelihood")
    bodies: dict[str, KeypointFormat] = {}
    reasons = []
    for name, parts in found.items():
        try:
            bodies[name] = format_given_or_of(given, [*parts], f"{where}: bodyparts" + (f" of {name}" if name else ""))
        except InputError as error:  # things beside people, which a project may follow as well
            reasons.append(error)
    if not bodies:
        raise reasons[0]
    body = next(iter(bodies.values()))
    same = [name for name, one in bodies.items() if one.joints == body.joints]
    return Columns(tuple(same), body, np.array([[*found[name].values()] for name in same]))


# CSV ------------------------------------------------------------------------------------------------------------------


@file_format(
    "deeplabcut",
    "DeepLabCut's CSV",
    suffix=".csv",
    recognises=lambda peek: peek.begins_with(b"scorer,"),
)
def read_deeplabcut(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video, or labelled images."""
    rows = csv_rows(file)
    head: list[tuple[str, list[str]]] = []
    for _, row in rows:
        head.append((row[0], row))
        if row[0] not in LEVELS or row[0] == "coords" or len(head) == len(LEVELS):
            break
    levels = [name for name, _ in head]
    width = len(head[0][1]) if head else 0
    first = next((at for at, cell in enumerate(head[0][1][1:], 1) if cell), width) if head else 0
    if levels[-1:] != ["coords"] or any(len(row) != width for _, row in head):
        raise InputError(
            f"{file.where}: has the rows {', '.join(levels)[:80]}; expected DeepLabCut's {', '.join(LEVELS)}"
        )
    labels = [[row[at] for _, row in head] for at in range(first, width)]
    columns = columns_of(labels, levels, file.keypoint_format, file.where)
    video = columns.video(file)
    frames = 0
    for line, row in rows:
        here = f"{file.where}: line {line}"
        if len(row) != width:
            raise InputError(f"{here} has {len(row)} cells; expected {width}")
        frames += 1
        yield columns.frame(row[first - 1], video, numbers_of(row[first:], here), here)
    if not frames:
        raise InputError(f"{file.where}: has a head and no row; expected a row a frame")


def csv_rows(file: DetectionFile) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV that are not empty, with their line. Raises InputError where it is none."""
    file.file.seek(0)
    lines = iter(lambda: file.file.readline(LONGEST_LINE), b"")
    reader = csv.reader((line.decode("utf-8-sig") for line in lines), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{file.where}: cannot be read as CSV ({error}); expected text with commas") from error


def numbers_of(cells: Iterable[str], where: str) -> Array:
    """Cells as numbers, NaN where one is empty. Raises InputError for anything else."""
    try:
        return np.array([float(cell) if cell.strip() else np.nan for cell in cells])
    except ValueError as error:
        raise InputError(f"{where}: {error}; expected numbers") from error


# HDF5 -----------------------------------------------------------------------------------------------------------------


def _is_table(peek: Peek) -> bool:
    return peek.root == "hdf5" and not peek.has("hdf5", "tracks")


@file_format("deeplabcut_h5", "DeepLabCut's HDF5", suffix=".h5", recognises=_is_table)
def read_deeplabcut_h5(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video, or labelled images."""
    with opened(file.file, file.where) as content:
        group = content.get(TABLE) or next((one for one in content.values() if hasattr(one, "keys")), None)
        if group is None or not hasattr(group, "keys"):
            raise InputError(f"{file.where}: holds {', '.join(content) or 'nothing'}; expected DeepLabCut's {TABLE}")
        here = f"{file.where}: {group.name.strip('/')}"
        labels, names, values = (_table if "table" in group else _fixed)(group, here)
    levels = [name for name in LEVELS if name != "individuals" or (labels and len(labels[0]) == len(LEVELS))]
    if not labels or any(len(label) != len(levels) for label in labels):
        raise InputError(f"{here} has columns of {len(labels[0]) if labels else 0} names; expected 3 or 4")
    columns = columns_of(labels, levels, file.keypoint_format, here)
    if values.shape != (len(names), len(labels)):
        raise InputError(f"{here} has shape {values.shape}; expected ({len(names)}, {len(labels)})")
    for number, name in enumerate(names):
        yield columns.frame(name, columns.video(file), values[number], f"{here}: row {number}")


Table = tuple[list[list[Any]], list[str], Array]
"""Labels of the columns, names of the rows, and values (row, column)."""


def _table(group: Any, where: str) -> Table:
    """What pandas stores with `format="table"`, as DeepLabCut does."""
    table = group["table"]
    blocks = [name for name in table.dtype.names or () if name.startswith("values_block")]
    if blocks != ["values_block_0"] or "values_block_0_kind" not in table.attrs or "index" not in table.dtype.names:
        raise InputError(f"{where} has the columns {table.dtype.names}; expected index and one block of values")
    labels = read_pickle(bytes(table.attrs["values_block_0_kind"]), f"{where}: column names")
    if not isinstance(labels, list) or not all(isinstance(label, list) for label in labels):
        raise InputError(f"{where}: column names are {short(labels)}; expected texts a column")
    rows = _read(table, where)
    return labels, _names(rows["index"]), np.asarray(rows["values_block_0"], np.float64).reshape(len(rows), -1)


def _fixed(group: Any, where: str) -> Table:
    """What pandas stores otherwise, as DeepLabCut does with labels."""
    levels = [name for name in (f"block0_items_level{at}" for at in range(len(LEVELS))) if name in group]
    if "block0_values" not in group or not levels or "block1_values" in group:
        raise InputError(f"{where} holds {', '.join(group)[:80] or 'nothing'}; expected a table of DeepLabCut's")
    columns = []
    for at, name in enumerate(levels):
        texts = _names(_read(group[name], where))
        codes = np.asarray(_read(group[f"block0_items_label{at}"], where)).astype(np.int64)
        if codes.ndim != 1 or ((codes < 0) | (codes >= len(texts))).any():
            raise InputError(f"{where}: {name} has {len(texts)} names; expected the numbers of these")
        columns.append([texts[code] for code in codes])
    values = np.asarray(_read(group["block0_values"], where), np.float64)
    names = _names(_read(group["axis1"], where)) if "axis1" in group else [str(at) for at in range(len(values))]
    return [list(label) for label in zip(*columns, strict=True)], names, values


def _read(dataset: Any, where: str) -> np.ndarray:
    """All of a dataset, unless it is larger than anything that is read."""
    size = dataset.size * dataset.dtype.itemsize if hasattr(dataset, "dtype") else None
    if size is None or size > ARCHIVE_LIMITS.unpacked:
        raise InputError(f"{where} is {short(dataset)}; expected an array of at most {ARCHIVE_LIMITS.unpacked} bytes")
    return np.asarray(dataset[()])


def _names(values: np.ndarray) -> list[str]:
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in values.ravel().tolist()]
