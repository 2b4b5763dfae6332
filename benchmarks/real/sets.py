"""The table of data sets of real people. A new one is a function in a file of its own, and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.real import couples, shelf, tilts
from benchmarks.real.capture import Capture
from duolift.bounds import nearest
from duolift.errors import InputError


@dataclass(frozen=True)
class DataSet:
    """A layout of data on disk, and how it is read.

    Attributes:
        title: what its makers call it.
        read: its folder, an empty folder to write detectors' files to where it has none -> the capture. Raises
            InputError for a file that is missing, or not as the layout has it.
        variants: names of those that make sense of it; None for all of which it has the truth.
    """

    title: str
    read: Callable[[Path, Path], Capture]
    variants: tuple[str, ...] | None = None


SETS: dict[str, DataSet] = {
    "shelf": DataSet("Shelf", shelf.read),
    "couples": DataSet("Couples", couples.read, ("images_focal", "images_nofocal", "proj_focal")),
    "tilts": DataSet("Every tilt", tilts.read, ("images_focal", "images_nofocal")),
}
"""Name -> data set."""


def set_named(name: str) -> DataSet:
    """The data set of that name. Raises InputError where there is none.

    >>> set_named("shelf").title
    'Shelf'
    """
    if name not in SETS:
        raise InputError(f"data set {name!r} is unknown{nearest(name, SETS)}; expected one of {', '.join(SETS)}")
    return SETS[name]
