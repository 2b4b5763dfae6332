"""Sums of squares over the frames of a video, near a guess: what Gauss and Newton's method solves.

Unknown are the coordinates of a person's joints in all frames. A term of the energy ties coordinates of one frame to
each other in any way, and a coordinate to the same one of the next two frames; so the normal equations have few
diagonals, and SciPy (LAPACK) solves them in a time that grows with the frames.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Quadratic:
    """Normal equations `A step = b` of some terms.

    Attributes:
        within: (frame, coordinate, coordinate), what ties coordinates of a frame to each other; symmetric.
        following: (frame, coordinate), what ties a coordinate to itself in the next frame.
        second: (frame, coordinate), and in the one after that.
        pull: (frame, coordinate), the right-hand side.

    >>> equations = Quadratic.zero(frames=3, coordinates=2)
    >>> equations.within += np.eye(2)
    >>> equations.pull[1] = 5.0
    >>> equations.solved().round(3)
    array([[0., 0.],
           [5., 5.],
           [0., 0.]])
    """

    within: Array
    following: Array
    second: Array
    pull: Array

    @classmethod
    def zero(cls, frames: int, coordinates: int) -> Self:
        """Without any term."""
        flat = np.zeros((3, frames, coordinates))
        return cls(np.zeros((frames, coordinates, coordinates)), *flat)

    def add(self, blocks: Array) -> None:
        """Tie the coordinates of every joint to each other: (frame, joint, 3, 3)."""
        each = np.arange(blocks.shape[1])
        self.between_joints[:, each, :, each] += blocks.swapaxes(0, 1)

    @property
    def between_joints(self) -> Array:
        """The view (frame, joint, 3, joint, 3) of `within`."""
        frames, size, _ = self.within.shape
        return self.within.reshape(frames, size // 3, 3, size // 3, 3)

    @property
    def joint_pull(self) -> Array:
        """The view (frame, joint, 3) of `pull`."""
        return self.pull.reshape(len(self.pull), -1, 3)

    def solved(self) -> Array:
        """The step, (frame, coordinate)."""
        from scipy.linalg import solveh_banded  # 0.1 s, which single images need not wait for

        frames, size = self.pull.shape
        bands = np.zeros((2 * size + 1, frames, size))  # lower form: bands[k, i] is A[i + k, i]
        for row in range(size):
            below = np.arange(row, size)
            bands[below - row, :, row] = self.within[:, below, row].T
        bands[size] += self.following
        bands[2 * size] += self.second
        matrix = bands.reshape(2 * size + 1, -1)
        matrix[0] += 1e-12 * matrix[0].max()
        return solveh_banded(matrix, self.pull.ravel(), lower=True, overwrite_ab=True).reshape(frames, size)
