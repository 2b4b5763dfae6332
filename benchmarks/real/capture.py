"""Real people before calibrated cameras: what a detector found in every view, and where their joints truly are.

World frame: z up, metres. Camera frame: x right, y down, z forward. A data set is a function that gives a `Capture`;
`benchmarks.real.sets` is the table of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from duolift.geometry.cameras import CalibratedCamera


@dataclass(frozen=True)
class TruePeople:
    """Everybody whose place is known in one frame.

    Attributes:
        points: (person, joint, 3), world, metres; any values where a joint is not valid.
        valid: (person, joint), whether the joint's place is known.
        identities: (person,), where the data set has them.

    >>> import torch
    >>> TruePeople(torch.zeros(2, 14, 3), torch.ones(2, 14, dtype=torch.bool)).points.shape
    torch.Size([2, 14, 3])
    """

    points: Tensor
    valid: Tensor
    identities: tuple[int, ...] = ()


@dataclass(frozen=True)
class Truth:
    """The true people of all frames.

    Attributes:
        joints: names of the joint axis, as in `duolift.body.skeleton` where a skeleton has the joint.
        frames: in their order; nobody in some of them.
    """

    joints: tuple[str, ...]
    frames: tuple[TruePeople, ...]


@dataclass(frozen=True)
class Turn:
    """How pictures are turned about their middle.

    Attributes:
        rotation: (2, 2), of pixels.
        before, after: width and height of the pictures, pixels.

    >>> Turn(np.array([[0.0, -1.0], [1.0, 0.0]]), (200.0, 100.0), (100.0, 200.0))(np.array([200.0, 100.0]))
    array([  0., 200.])
    """

    rotation: NDArray[np.float64]
    before: tuple[float, float]
    after: tuple[float, float]

    def __call__(self, pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where pixels (..., 2) come to lie."""
        return (pixels - np.array(self.before) / 2) @ self.rotation.T + np.array(self.after) / 2


@dataclass(frozen=True)
class View:
    """One camera.

    Attributes:
        name: unique in the capture.
        camera: its lens and its pose in the world, double precision.
        image: width and height, pixels.
        detections: a detector's file or folder of files, as `duolift lift` reads them.
        frames: the image's name in those files -> which frame of the truth it is; images without truth are left out.
        group: the views that a table's column is of; None where it is of this one.
        turn: from the pictures that the detector had to those of this view; None where they are the same.
    """

    name: str
    camera: CalibratedCamera
    image: tuple[float, float]
    detections: Path
    frames: Mapping[str, int]
    group: str | None = None
    turn: Turn | None = None

    @property
    def focal(self) -> float:
        """The one focal length that a user would give, pixels: the mean of the horizontal and the vertical one."""
        return float(self.camera.focal.mean())


@dataclass(frozen=True)
class Capture:
    """A data set, read.

    Attributes:
        title: what it shows, in a few words.
        views: its cameras.
        truths: by name; the first is the one to go by, others come from another method.
        rate: frames a second.
    """

    title: str
    views: tuple[View, ...]
    truths: Mapping[str, Truth]
    rate: float
