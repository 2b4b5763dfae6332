"""What every step is told, and how much it measures."""

from dataclasses import dataclass
from pathlib import Path

FULL, TINY = "full", "tiny"

SIZES = (FULL, TINY)
"""`tiny` measures next to nothing, to see that everything runs."""


@dataclass(frozen=True)
class Options:
    """What every step is told.

    Attributes:
        device: `cpu` or `cuda`.
        size: one of `SIZES`.
        root: a folder in CHI3D's layout; None for the embedded set, which is written where it is missing.
        work: a folder for everything that steps write. A training that was stopped goes on from what it has there.
    """

    device: str
    size: str
    root: str | None
    work: str

    @property
    def tiny(self) -> bool:
        return self.size == TINY

    @property
    def folder(self) -> Path:
        return Path(self.work)


class Skip(Exception):  # noqa: N818
    """There is nothing to measure here, for the reason that it gives."""
