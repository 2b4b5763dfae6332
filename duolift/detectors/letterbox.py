"""Fitting a picture of any size into a network's input, and what the network finds back into the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class Letterbox:
    """How a picture lies in an input: scaled as a whole, and from there on black to the right and below.

    Attributes:
        scale: pixels of the input for one of the picture.
        size: width and height of the scaled picture, in pixels of the input.
        canvas: width and height of the input.

    >>> fitted = Letterbox.of((1280, 720), longest=256, multiple=32)
    >>> fitted.size, fitted.canvas
    ((256, 144), (256, 160))
    """

    scale: float
    size: tuple[int, int]
    canvas: tuple[int, int]

    @classmethod
    def of(cls, size: tuple[int, int], longest: int, multiple: int) -> "Letterbox":
        """How a picture of a width and height is fitted.

        Args:
            longest: the longer side of the scaled picture.
            multiple: both sides of the input are multiples of this.
        """
        scale = longest / max(size)
        scaled = tuple(max(1, round(side * scale)) for side in size)
        width, height = (-(-side // multiple) * multiple for side in scaled)
        return cls(scale, (scaled[0], scaled[1]), (width, height))

    def fit(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input for a picture (row, column, 3): (row, column, 3).

        >>> Letterbox.of((4, 2), longest=2, multiple=2).fit(np.full((2, 4, 3), 255, np.uint8))[..., 0]
        array([[255, 255],
               [  0,   0]], dtype=uint8)
        """
        width, height = self.canvas
        canvas = np.zeros((height, width, 3), dtype=np.uint8)
        scaled = Image.fromarray(picture).resize(self.size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        canvas[: self.size[1], : self.size[0]] = np.asarray(scaled)
        return canvas

    def back(self, points: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.floating]:
        """Points of the input (..., 2), as shares of its width and height, in pixels of a picture of that size.

        >>> Letterbox.of((1280, 720), longest=256, multiple=32).back(np.array([1.0, 0.9]), (1280, 720))
        array([1280.,  720.])
        """
        return points * np.array(self.canvas) / np.array(self.size) * np.array(size)
