"""Many people, more than one machine lifts: Parquet files of keypoints in, Parquet files of people in one space out.

    python -m duolift.bulk keypoints/ people/ --workers 8

A row is a person, and a file is the unit of work: it is read a few images at a time, lifted, and written whole or not
at all. What is there is not made again, so the same command goes on wherever it was left, on any number of machines
that see both folders. Ray (duolift[ray]) shares the files out; without workers they are lifted one by one here.

Columns read, in any order, others are left alone:

    image       string or integer; all rows of an image follow each other
    person      integer
    width       of the image, pixels
    height      of the image, pixels
    keypoints   list of floats, x and y of every joint of the lifter's skeleton, pixels; NaN where a joint is not seen
    confidence  list of floats, one a joint; 0 where a joint is not seen
    focal       pixels; this column may be missing, or hold nulls: a normal lens is assumed

Columns written, a row for every row read, in the same order:

    image, person  as read
    joints         list of floats, x, y and z of every joint: metres, camera's coordinates (x right, y down, z forward)
    elevation      of the person, radians; see `duolift.learning.cycle`
    confidence     0 to 1, of the person's place; 0, and NaN for joints, where too few joints are seen
    up             list of 3 floats, unit vector, camera's coordinates; the same for all people of an image
    camera_height  of the camera above the ground, metres
    focal          pixels, as read or assumed
"""

import argparse
import hashlib
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from duolift.camera import DETECTOR_NOISE
from duolift.errors import InputError
from duolift.export import ImageLifter
from duolift.files import regular, whole_file
from duolift.inputs.pixels import PIXEL_LIMITS
from duolift.networks.lifters import fast_bfloat16
from duolift.networks.people_lifter import FEWEST_JOINTS
from duolift.placement.focal import default_focal
from duolift.predictor import SHIPPED, Lifter
from duolift.progress import shown, tracked

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 16384
"""So many people are read, lifted and written together, which bounds memory."""

READ = ("image", "person", "width", "height", "keypoints", "confidence")
"""Columns that have to be there."""

KEY = b"duolift"
"""Of the metadata of a written file: the digest of the lifter that made it."""

BLOCKS = 64
"""Files come to every worker in so many portions, or one by one where there are fewer."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        file: its name.
        people, images: how many were lifted.
        seconds: what it took.
        error: what is wrong with it; empty where nothing is.
    """

    file: str
    people: int = 0
    images: int = 0
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class People:
    """Rows of whole images: keypoints (row, joint, 2), 0 where not present (row, joint), the image's size (row, 2) and
    focal length (row,); pixels."""

    keypoints: NDArray[np.float32]
    visible: NDArray[np.bool_]
    size: NDArray[np.float32]
    focal: NDArray[np.float32]


def lift_files(
    source: Path,
    target: Path,
    weights: Path | None = None,
    workers: int = 0,
    gpus: float = 0.0,
) -> Iterator[Outcome]:
    """Lift every Parquet file in a folder that is not in the other one yet; outcomes as they come.

    Args:
        source, target: folders that every machine sees by the same path.
        weights: the lifter's file; None takes the one that comes with the package.
        workers: how many Ray actors, a core each, on the cluster that `RAY_ADDRESS` names, else on this machine;
            0 lifts here, without Ray.
        gpus: of every worker; two share one by 0.5.

    Raises:
        InputError: no files, no lifter, files that another lifter has made, or a library is missing.
    """
    source, target = Path(source).resolve(), Path(target).resolve()
    weights = SHIPPED if weights is None else Path(weights).resolve()
    Lifter.load(weights)
    made_by = digest(weights)
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.parquet"))
    if not names:
        raise InputError(f"{source}: holds no files; expected *.parquet")
    missing = [name for name in names if not is_made(target / name, made_by)]
    if not missing:
        return
    if workers:
        outcomes = _by_ray(missing, (weights, source, target), min(workers, len(missing)), gpus)
    else:
        outcomes = map(FileLifter(weights, source, target).lift, missing)
    yield from tracked(outcomes, "files", len(missing))


def _by_ray(names: Sequence[str], folders: tuple[Path, Path, Path], workers: int, gpus: float) -> Iterator[Outcome]:
    """The same by actors of Ray Data, each of which loads the lifter once."""
    try:
        import ray
    except ImportError as error:
        raise InputError("workers need Ray; expected duolift[ray] to be installed") from error
    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    files = ray.data.from_items(
        [{"file": name} for name in names], override_num_blocks=min(len(names), BLOCKS * workers)
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    lifted = files.map_batches(
        FileLifter,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        num_gpus=gpus or None,
        fn_constructor_args=(*folders, 1),
    )
    for row in lifted.iter_rows():
        yield Outcome(**{field.name: row[field.name] for field in fields(Outcome)})


class FileLifter:
    """Lifts files one after the other: what a worker loads once.

    Args:
        weights: the lifter's file.
        source, target: folders.
        threads: of torch; None leaves them as they are.
    """

    def __init__(self, weights: Path, source: Path, target: Path, threads: int | None = None) -> None:
        if threads:
            torch.set_num_threads(threads)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        people = Lifter.load(weights).people
        people.network.low_precision = fast_bfloat16()
        self.model, self.joints = ImageLifter(people).to(self.device).eval(), len(people.skeleton)
        self.source, self.target, self.made_by = source, target, digest(weights)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Lift the files that a batch of Ray Data's names; their outcomes as columns."""
        outcomes = [asdict(self.lift(str(name))) for name in batch["file"]]
        return {field.name: np.array([outcome[field.name] for outcome in outcomes]) for field in fields(Outcome)}

    def lift(self, name: str) -> Outcome:
        """Lift one file. Bad input is an outcome, as the other files can still be lifted."""
        began = time.monotonic()
        try:
            if is_made(self.target / name, self.made_by):
                return Outcome(name)
            people, images = self._write(name)
        except InputError as error:
            return Outcome(name, error=str(error))
        return Outcome(name, people, images, time.monotonic() - began)

    def _write(self, name: str) -> tuple[int, int]:
        """Lift a file into another that appears whole or not at all; how many people and images it holds."""
        parquet, people, images, writer = _parquet(), 0, 0, None
        with whole_file(self.target / name) as part:
            try:
                for rows, starts in whole_images(self.source / name):
                    lifted = self._lifted(rows, starts, self.source / name)
                    writer = writer or parquet.ParquetWriter(part, lifted.schema)
                    writer.write_table(lifted)
                    people, images = people + len(rows), images + len(starts)
            finally:
                if writer is not None:
                    writer.close()
        return people, images

    def _lifted(self, rows: "pa.Table", starts: NDArray[np.int64], path: Path) -> "pa.Table":
        """The columns that are written, for rows of whole images that begin at `starts`."""
        import pyarrow as pa

        people = people_of(rows, self.joints, path)
        found = self.lift_people(people, starts)
        floats, lists = pa.float32(), pa.list_(pa.float32())
        types = {"joints": lists, "elevation": floats, "confidence": floats, "up": lists, "camera_height": floats}
        columns = {name: pa.array(list(found[name]), kind) for name, kind in types.items()}
        columns = {"image": rows["image"], "person": rows["person"], **columns, "focal": pa.array(people.focal, floats)}
        return pa.table(columns, metadata={KEY: self.made_by.encode()})

    @torch.no_grad()
    def lift_people(self, people: People, starts: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """What is written of each row, by its column's name, for rows of images that begin at `starts`.

        Images of as many people go through the networks together.
        """
        rows = len(people.focal)
        widths = {"joints": (3 * self.joints,), "elevation": (), "confidence": (), "up": (3,), "camera_height": ()}
        written = {name: np.empty((rows, *width), np.float32) for name, width in widths.items()}
        counts = np.diff(starts, append=rows)
        for count in np.unique(counts):
            of = starts[counts == count][:, None] + np.arange(count)  # (image, person), numbers of rows
            first = of[:, 0]
            centre = torch.from_numpy(people.size[first]) / 2
            given = (
                torch.from_numpy(people.keypoints[of]),
                torch.from_numpy(people.visible[of]),
                torch.from_numpy(people.focal[first]),
                centre,
                torch.full(of.shape, DETECTOR_NOISE),
            )
            found = {name: t.cpu() for name, t in self.model(*(tensor.to(self.device) for tensor in given)).items()}
            valid = given[1].sum(-1) >= FEWEST_JOINTS
            joints = found["people"].masked_fill(~valid[..., None, None], torch.nan)
            written["joints"][of] = joints.flatten(2).numpy()
            written["elevation"][of] = found["theta"].masked_fill(~valid, torch.nan).numpy()
            written["confidence"][of] = (found["confidence"] * valid).numpy()
            written["up"][of] = found["up"][:, None].numpy()
            written["camera_height"][of] = found["height"][:, None].numpy()
        return written


def whole_images(path: Path) -> Iterator[tuple["pa.Table", NDArray[np.int64]]]:
    """A file's rows, some whole images at a time, and where each image begins; at least one portion, if it is empty.

    Raises:
        InputError: the file is no Parquet, lacks a column, or the rows of an image do not follow each other.
    """
    import pyarrow as pa

    parquet = _parquet()
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
            for batch in file.iter_batches(ROWS, columns=columns):
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
    for image in rows["image"].to_numpy()[starts].tolist():
        if image in seen:
            raise InputError(
                f"{path}: rows of image {image!r} are apart; expected all of an image to follow each other"
            )
        seen.add(image)


def people_of(rows: "pa.Table", joints: int, path: Path) -> People:
    """Columns as arrays. Raises InputError for what is not as `duolift.bulk` says."""
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
        told = _numbers(rows, "focal", path, nulls=True)
        if (told <= 0).any():
            raise InputError(f"{path}: focal is {told.min()} pixels; expected positive numbers, or null")
        focal = np.where(np.isfinite(told), told, focal)
    return People(np.where(visible[..., None], points, 0).astype(np.float32), visible, size, focal)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _numbers(rows: "pa.Table", name: str, path: Path, nulls: bool = False) -> NDArray[np.float32]:
    """A column of numbers (row,), NaN for nulls where there may be some."""
    import pyarrow as pa

    try:
        column = rows[name].cast(pa.float32(), safe=False)
    except pa.ArrowException as error:
        raise InputError(f"{path}: column {name} is of {rows[name].type}; expected numbers") from error
    if column.null_count and not nulls:
        raise InputError(f"{path}: column {name} holds nulls; expected numbers")
    return np.array(column.fill_null(float("nan")).to_numpy())


def _lists(rows: "pa.Table", name: str, length: int, path: Path) -> NDArray[np.float32]:
    """A column of lists of so many numbers, (row, length)."""
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


def is_made(path: Path, made_by: str) -> bool:
    """Whether a file is there. Raises InputError where another lifter has made it, or something else."""
    import pyarrow as pa

    if not path.exists():
        return False
    try:
        found = (_parquet().read_schema(path).metadata or {}).get(KEY, b"").decode()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path}: is there, and not readable as Parquet; expected nothing, or lifted people"
        ) from error
    if found != made_by:
        raise InputError(
            f"{path}: was made by another lifter ({found or 'none'}); expected {made_by}, or another folder"
        )
    return True


def digest(weights: Path) -> str:
    """Of a lifter's file, in a few letters."""
    return hashlib.blake2b(Path(weights).read_bytes(), digest_size=6).hexdigest()


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise InputError("Parquet files need pyarrow; expected duolift[ray] to be installed") from error
    return pyarrow.parquet


def main(arguments: Sequence[str]) -> int:
    """Lift a folder, a line a file; the exit code is 2 where a file could not be lifted."""
    parser = argparse.ArgumentParser(prog="python -m duolift.bulk", description="Lift folders of Parquet files.")
    parser.add_argument("source", type=Path, help="folder of keypoints")
    parser.add_argument("target", type=Path, help="folder of people, made where it is missing")
    parser.add_argument("--weights", type=Path, help="the lifter's file; default: the one of the package")
    parser.add_argument(
        "--workers", type=int, default=0, help="Ray actors, a core each; 0, the default, is without Ray"
    )
    parser.add_argument("--gpus", type=float, default=0.0, help="GPUs of every worker")
    given, failed = parser.parse_args(arguments), 0
    try:
        with shown():
            for outcome in lift_files(given.source, given.target, given.weights, given.workers, given.gpus):
                failed += bool(outcome.error)
                if outcome.error:
                    print(f"error: {outcome.error}", file=sys.stderr)
                    continue
                print(f"{outcome.file}: {outcome.people} people in {outcome.images} images, {outcome.seconds:.1f} s")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
