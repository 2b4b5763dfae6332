"""Square pieces of a picture, turned so that a person stands upright in them, for networks that see one person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class Crop:
    """A square of a picture, which may reach beyond it: black there.

    Attributes:
        centre: (x, y) in the picture's pixels.
        side: of the square, in the picture's pixels.
        up: (x, y), the unit vector of the picture that points up in the square.

    >>> Crop((50.0, 40.0), 20.0, (0.0, -1.0)).back(np.array([[0.0, 0.0], [1.0, 0.5]]))
    array([[40., 30.],
           [60., 40.]])
    """

    centre: tuple[float, float]
    side: float
    up: tuple[float, float]

    @property
    def _axes(self) -> NDArray[np.float64]:
        """The square's right and down as rows, in the picture's pixels, as long as the square."""
        x, y = self.up
        return self.side * np.array([[-y, x], [-x, -y]])

    def back(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points of the square (..., 2), as shares of its side from its upper left, in the picture's pixels."""
        return (np.asarray(points, dtype=np.float64) - 0.5) @ self._axes + np.array(self.centre)

    def cut(self, picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """The square's pixels, scaled to a size: (row, column, 3).

        What is scaled down by 2 or more is averaged first, so that nothing flickers.

        >>> picture = np.zeros((80, 100, 3), np.uint8)
        >>> picture[30:40] = 255
        >>> Crop((50.0, 40.0), 20.0, (0.0, -1.0)).cut(picture, 4)[:, 0, 0]
        array([255, 255,   0,   0], dtype=uint8)
        """
        corners = self.back(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
        limit = np.array([picture.shape[1], picture.shape[0]])
        low = np.clip(np.floor(corners.min(0)).astype(int), 0, limit)
        high = np.clip(np.ceil(corners.max(0)).astype(int), 0, limit)
        if (high <= low).any():
            return np.zeros((size, size, 3), dtype=np.uint8)
        piece = Image.fromarray(picture[low[1] : high[1], low[0] : high[0]])
        factor = max(1, int(self.side / size))
        piece = piece.reduce(factor) if factor > 1 else piece
        right, down = self._axes / size / factor  # of one pixel of the result, in pixels of the piece
        start = (corners[0] - low) / factor
        affine = (right[0], down[0], start[0], right[1], down[1], start[1])
        return np.asarray(piece.transform((size, size), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR))
