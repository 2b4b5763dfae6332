"""One person's captured motion: a tree of joints, and how each of them is turned and moved in every frame.

The file's axes and unit of length. A joint's axes are its parent's, turned; an offset is in the parent's axes. Where a
limb ends there is a joint as well, which is never turned, named after the one before it: `Head end`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

END = "{} end"
"""What the end of a joint's limb is called."""

LEAST_TURN = 1e-6
"""Of the entries of a rotation: what differs less from none is none."""


@dataclass(frozen=True)
class Motion:
    """A tree of joints that moves.

    Attributes:
        names: (joint,), each once; a joint's parent is before it.
        parents: (joint,), the parent's place among the joints; -1 for the root, which is the first.
        offsets: (joint, 3), from the parent.
        rotations: joint -> (frame, 3, 3), against the parent; joints that are not in it are never turned.
        shifts: joint -> (frame, 3), in place of its offset. The root is always in it.
        rate: frames a second.

    >>> quarter = np.array([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])  # a turn about z, one frame
    >>> offsets = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    >>> turns, start = {"shoulder": quarter, "elbow": quarter}, {"shoulder": np.array([[5.0, 0.0, 0.0]])}
    >>> arm = Motion(("shoulder", "elbow", "elbow end"), (-1, 0, 1), offsets, turns, start, rate=30.0)
    >>> arm.positions()["elbow"], arm.positions()["elbow end"]
    (array([[5., 1., 0.]]), array([[ 5., -1.,  0.]]))
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    rotations: dict[str, Array]
    shifts: dict[str, Array]
    rate: float

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.shifts[self.names[0]])

    @property
    def turned(self) -> NDArray[np.bool_]:
        """(frame,), whether any joint is turned; some programs put a rest pose before the motion."""
        unlike = np.zeros(len(self), dtype=bool)
        for turns in self.rotations.values():
            unlike |= np.abs(turns - np.eye(3)).max((1, 2)) > LEAST_TURN
        return unlike

    def positions(self) -> dict[str, Array]:
        """Joint -> (frame, 3), by forward kinematics."""
        places: list[Array] = []
        axes: list[Array] = []  # (frame, 3, 3) of each joint, or (3, 3): its axes in the world
        for name, parent, offset in zip(self.names, self.parents, self.offsets, strict=True):
            turn = self.rotations.get(name, np.eye(3))
            step = self.shifts.get(name, offset)  # (frame, 3) or (3,)
            places.append(step if parent < 0 else places[parent] + (axes[parent] @ step[..., None])[..., 0])
            axes.append(turn if parent < 0 else axes[parent] @ turn)
        return dict(zip(self.names, places, strict=True))

    def offset(self, joint: str) -> Array:
        """(3,), from its parent."""
        return self.offsets[self.names.index(joint)]

    def with_offset(self, joint: str, offset: Array) -> "Motion":
        """The same with a joint (3,) elsewhere in its parent's axes."""
        offsets = self.offsets.copy()
        offsets[self.names.index(joint)] = offset
        return replace(self, offsets=offsets)

    def with_point(self, name: str, joint: str, offset: Array) -> "Motion":
        """The same with one more point, which keeps its place (3,) in a joint's axes."""
        parents = (*self.parents, self.names.index(joint))
        return replace(self, names=(*self.names, name), parents=parents, offsets=np.vstack([self.offsets, offset]))


def kept_frames(frames: int, rate: float, most: float) -> NDArray[np.int64]:
    """Which frames are kept of so many, `rate` a second, for `most` a second.

    >>> kept_frames(7, rate=120.0, most=40.0), kept_frames(3, rate=8.0, most=10.0)
    (array([0, 3, 6]), array([0, 1, 2]))
    """
    return np.arange(0, frames, max(1.0, rate / most)).astype(np.int64)
