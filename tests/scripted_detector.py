"""A detector that finds what a test has drawn: people as bars of one colour, each a person who stands upright."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from duolift.inputs.keypoints import FORMATS

COLOURS = ((255, 0, 0), (0, 0, 255))
"""Of the people who can be drawn."""

SURE = 0.9

_HEIGHTS = {"nose": 0.06, "eye": 0.04, "ear": 0.05, "shoulder": 0.18, "elbow": 0.34, "wrist": 0.48, "hip": 0.5}
_HEIGHTS |= {"knee": 0.74, "ankle": 0.97}


def standing() -> np.ndarray:
    """A person as COCO has them, (joint, 2): x about the middle and y from the top, in the person's height."""
    sides = {"left": 0.1, "right": -0.1}
    return np.array(
        [(sides.get(joint.split("_")[0], 0.0), _HEIGHTS[joint.split("_")[-1]]) for joint in FORMATS["coco17"].joints]
    )


def drawn(size: tuple[int, int], people: Sequence[tuple[int, int, int] | None]) -> np.ndarray:
    """A picture (row, column, 3) with a bar for each person: the column it is in, its top and its bottom row."""
    width, height = size
    picture = np.full((height, width, 3), 60, np.uint8)
    for colour, person in zip(COLOURS, people, strict=False):
        if person is not None:
            column, top, bottom = person
            half = max(3, (bottom - top) // 16)
            picture[top:bottom, max(0, column - half) : column + half] = colour
    return picture


@dataclass
class Scripted:
    """Finds the bars.

    Attributes:
        seen: sizes of the pictures that it has looked at.
        interrupted_at: the call at which Ctrl-C is pressed; None for none.
    """

    name: str = "scripted"
    joints: str = "coco17"
    seen: list[tuple[int, int]] = field(default_factory=list)
    interrupted_at: int | None = None

    def detect(self, picture: np.ndarray) -> np.ndarray:
        if len(self.seen) == self.interrupted_at:
            raise KeyboardInterrupt
        assert picture.dtype == np.uint8 and picture.flags.c_contiguous
        self.seen.append((picture.shape[1], picture.shape[0]))
        found = []
        for colour in COLOURS:
            rows, columns = np.nonzero(np.abs(picture.astype(int) - colour).max(-1) < 80)
            if len(rows) > 20:
                top, bottom = rows.min(), rows.max() + 1
                places = standing() * (bottom - top) + (columns.mean(), top)
                found.append(np.concatenate([places, np.full((len(places), 1), SURE)], axis=-1))
        found.sort(key=lambda one: one[0, 0])  # from left to right: who is who is not its to say
        return np.array(found, dtype=np.float32).reshape(-1, 17, 3)
