"""How MPI-INF-3DHP is read: `data.mpi_inf_3dhp` of a run."""

from dataclasses import dataclass

from duolift.bounds import Positive, check_bounds


@dataclass(frozen=True)
class Mpi3dhpConfig:
    """What is read of MPI-INF-3DHP.

    Attributes:
        every: one frame in so many of the training videos, 1 for all; of the test videos all valid frames are taken.

    >>> Mpi3dhpConfig(every=0)
    Traceback (most recent call last):
    ...
    ValueError: every is 0; expected a positive number
    """

    every: Positive[int] = 64

    def __post_init__(self) -> None:
        check_bounds(self)
