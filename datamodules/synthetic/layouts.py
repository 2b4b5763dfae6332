"""The layouts in which synthetic people can be written."""

from collections.abc import Callable
from pathlib import Path

from datamodules.synthetic import writer
from datamodules.synthetic.benchmarks import h36m, mpi_inf_3dhp, mupots, panoptic, somof
from datamodules.synthetic.writer import SyntheticConfig

LAYOUTS: dict[str, Callable[[Path, SyntheticConfig], Path]] = {
    "chi3d": writer.write,
    "h36m": h36m.write,
    "mpi_inf_3dhp": mpi_inf_3dhp.write,
    "panoptic": panoptic.write,
    "mupots": mupots.write,
    "somof": somof.write,
}
"""Name, as `data.source` has it -> what writes it."""
