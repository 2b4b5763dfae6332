"""What can be tried without any file? Two people who greet each other, as a detector wrote it, lifted and shown.

They are synthetic: `datamodules/synthetic/detected.py` made them.
"""

import gzip
from importlib.resources import files
from pathlib import Path

from duolift.files import write_bytes

KEYPOINTS = "two-people.json"
"""The detector's file: COCO's annotations of a video of 120 frames."""

FOCAL, RATE = 1100.0, 25.0
"""What its camera has: focal length in pixels, and frames a second."""


def write_keypoints(folder: Path | str) -> Path:
    """Write the detector's file into a folder, which is made where there is none; returns its path.

    Raises:
        InputError: a place that cannot be written to, or a full disk.

    >>> import tempfile
    >>> from duolift import Camera, Lifter
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Lifter.load().lift_file(write_keypoints(folder), Camera(focal=FOCAL, rate=RATE))
    Scene(120 frames, 2 people, paper19, focal 1100 px (known), 25 frames/s)
    """
    path = Path(folder) / KEYPOINTS
    write_bytes(path, gzip.decompress((files(__name__) / f"{KEYPOINTS}.gz").read_bytes()))
    return path
