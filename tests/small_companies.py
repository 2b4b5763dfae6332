"""Small synthetic files in the layouts of benchmarks of several people, written once."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from datamodules.synthetic.benchmarks import panoptic
from datamodules.synthetic.writer import SyntheticConfig

SMALL = SyntheticConfig(takes=1, frames=12)
PANOPTIC_SEQUENCES = ("160224_haggling1", "160422_haggling1", "160906_pizza1")

_HELD = tempfile.TemporaryDirectory(prefix="companies-")


@cache
def panoptic_root() -> Path:
    """A folder of CMU Panoptic, not to be changed: three sequences."""
    return panoptic.write(Path(_HELD.name) / "panoptic", SMALL, PANOPTIC_SEQUENCES)


def copied(root: Path, to: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(root, to, dirs_exist_ok=True))
