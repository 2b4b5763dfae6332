"""Small synthetic files in the layouts of benchmarks of several people, written once."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from datamodules.synthetic.benchmarks import mupots, panoptic, somof
from datamodules.synthetic.writer import SyntheticConfig

SMALL = SyntheticConfig(takes=1, frames=12)
MUPOTS_SEQUENCES = ("TS1", "TS2", "TS6")
PANOPTIC_SEQUENCES = ("160224_haggling1", "160422_haggling1", "160906_pizza1")

_HELD = tempfile.TemporaryDirectory(prefix="companies-")


@cache
def panoptic_root() -> Path:
    """A folder of CMU Panoptic, not to be changed: three sequences."""
    return panoptic.write(Path(_HELD.name) / "panoptic", SMALL, PANOPTIC_SEQUENCES)


@cache
def mupots_root() -> Path:
    """A folder of MuPoTS-3D, not to be changed: sequences of two, three and two people, the last outdoors."""
    return mupots.write(Path(_HELD.name) / "mupots", SMALL, MUPOTS_SEQUENCES)


@cache
def somof_root() -> Path:
    """A folder of SoMoF's files, not to be changed: what is trained on, and what is scored."""
    return somof.write(Path(_HELD.name) / "somof", SMALL, ("train", "valid"))


def copied(root: Path, to: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(root, to, dirs_exist_ok=True))
