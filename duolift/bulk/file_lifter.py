"""Lift one Parquet file: what a worker does, on this machine or another."""

import hashlib
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from duolift.bulk.columns import People, parquet_module, people_of, whole_images
from duolift.camera import DETECTOR_NOISE
from duolift.errors import InputError
from duolift.export import ImageLifter
from duolift.files import whole_file
from duolift.networks.lifting_network import fast_bfloat16
from duolift.networks.people_lifter import FEWEST_JOINTS
from duolift.predictor import Lifter

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"duolift"
"""In the metadata of a written file: the digest of the lifter that made it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    >>> Outcome("a.parquet", people=3, images=2).error
    ''

    Attributes:
        file: its name, relative to the folder.
        people, images: how many were lifted.
        seconds: the time it took.
        error: what is wrong with it; empty where nothing is.
    """

    file: str
    people: int = 0
    images: int = 0
    seconds: float = 0.0
    error: str = ""


class FileLifter:
    """Lifts files one after the other, with a lifter that is loaded once.

    Args:
        weights: the lifter's file.
        source, target: folders.
        threads: that torch is to use; None leaves their number as it is.
    """

    def __init__(self, weights: Path, source: Path, target: Path, threads: int | None = None) -> None:
        if threads:
            torch.set_num_threads(threads)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        people = Lifter.load(weights).people
        people.in_low_precision(fast_bfloat16())
        self.model, self.joints = ImageLifter(people).to(self.device).eval(), len(people.skeleton)
        self.source, self.target, self.made_by = source, target, digest(weights)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Lift the files that a batch of Ray Data's names; their outcomes as columns."""
        outcomes = [asdict(self.lift(str(name))) for name in batch["file"]]
        return {field.name: np.array([outcome[field.name] for outcome in outcomes]) for field in fields(Outcome)}

    def lift(self, name: str) -> Outcome:
        """Lift one file. Bad input is an outcome and no exception, since the other files can still be lifted."""
        began = time.monotonic()
        try:
            if is_made(self.target / name, self.made_by):
                return Outcome(name)
            people, images = self._write(name)
        except InputError as error:
            return Outcome(name, error=str(error))
        return Outcome(name, people, images, time.monotonic() - began)

    def _write(self, name: str) -> tuple[int, int]:
        """Lift a file into another that appears whole or not at all; returns how many people and images it has."""
        parquet, people, images, writer = parquet_module(), 0, 0, None
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
        lifted = self.lift_people(people, starts)
        floats, lists = pa.float32(), pa.list_(pa.float32())
        types = {"joints": lists, "elevation": floats, "confidence": floats, "up": lists, "camera_height": floats}
        columns = {name: pa.array(list(lifted[name]), kind) for name, kind in types.items()}
        columns = {"image": rows["image"], "person": rows["person"], **columns, "focal": pa.array(people.focal, floats)}
        return pa.table(columns, metadata={KEY: self.made_by.encode()})

    @torch.inference_mode()
    def lift_people(self, people: People, starts: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """Lift people.

        Images with the same number of people go through the networks together.

        Args:
            starts: (image,), the row at which each image begins.

        Returns:
            column's name -> values (row, ...), see `duolift.bulk`.
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
            placed = {name: t.cpu() for name, t in self.model(*(tensor.to(self.device) for tensor in given)).items()}
            valid = given[1].sum(-1) >= FEWEST_JOINTS
            joints = placed["people"].masked_fill(~valid[..., None, None], torch.nan)
            written["joints"][of] = joints.flatten(2).numpy()
            written["elevation"][of] = placed["theta"].masked_fill(~valid, torch.nan).numpy()
            written["confidence"][of] = (placed["confidence"] * valid).numpy()
            written["up"][of] = placed["up"][:, None].numpy()
            written["camera_height"][of] = placed["height"][:, None].numpy()
        return written


def is_made(path: Path, made_by: str) -> bool:
    """Whether a lifted file is there. Raises InputError where another lifter has made it, or it is something else."""
    import pyarrow as pa

    if not path.exists():
        return False
    try:
        found = (parquet_module().read_schema(path).metadata or {}).get(KEY, b"").decode()
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
    """A short hash of a lifter's file, which its outputs are marked with."""
    return hashlib.blake2b(Path(weights).read_bytes(), digest_size=6).hexdigest()
