"""Two people who greet each other, as a detector sees them, 25 frames a second: those of the demo."""

from dataclasses import replace
from pathlib import Path

from duolift.demo import write_keypoints
from duolift.inputs import read
from duolift.inputs.detections import Frame


def greeting(folder: Path, count: int) -> list[Frame]:
    """The first frames, without the identities that their file has."""
    return [replace(frame, identities=None) for frame in [*read(write_keypoints(folder))][:count]]
