"""Lenses: from points before a camera to pixels, and back to rays.

The models are OpenCV's, https://docs.opencv.org/4.x/d9/d0c/group__calib3d.html: a pinhole, with radial and tangential
distortion or not, and the fisheye of Kannala and Brandt. Undoing a distortion has no closed form: a few steps of
fixed-point iteration, as OpenCV takes them, and then Newton's method. OpenCV itself is a hundred times as large as what
is needed of it here.

Camera frame: x right, y down, z forward. Pixels count from the centre of the first one, as detectors' do. Nothing here
imports PyTorch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COEFFICIENTS = {"opencv": (0, 4, 5, 8, 12), "fisheye": (0, 4)}
"""Model -> how many coefficients it may have, those at the end left out being 0."""

NEAREST = 1e-6
"""Points are taken to be at least this far before the camera, of any unit."""

FIXED_POINT_STEPS, NEWTON_STEPS = 20, 6

STEP = 1e-5
"""Of a slope, for derivatives by differences."""

WIDEST = 20.0
"""Slopes beyond which nothing is told from a ray: 87 degrees off the optical axis."""

WITHIN = 0.5
"""Pixels by which a ray may miss the pixel that it was found for; else the lens shows nothing there."""


@dataclass(frozen=True)
class Lens:
    """A lens.

    Attributes:
        focal: horizontal and vertical, pixels.
        principal: x and y, pixels.
        distortion: `opencv`: k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4; `fisheye`: k1 k2 k3 k4; those at the end may be left
            out.
        model: `opencv` or `fisheye`.

    >>> lens = Lens((1000.0, 1000.0), (640.0, 360.0), (-0.2, 0.05, 0.0, 0.0))
    >>> pixels = lens.pixels(np.array([[0.5, 0.2, 1.0]]))
    >>> pixels.round(1), lens.rays(pixels).round(6)
    (array([[1113.1,  549.2]]), array([[0.5, 0.2]]))
    """

    focal: tuple[float, float]
    principal: tuple[float, float]
    distortion: tuple[float, ...] = ()
    model: str = "opencv"

    @property
    def ideal(self) -> bool:
        """Whether straight lines are straight in the image."""
        return self.model == "opencv" and not any(self.distortion)

    def pixels(self, points: NDArray[np.floating]) -> Array:
        """Points (..., 3) of the camera's frame as pixels (..., 2); points behind it as if they were beside it."""
        points = np.asarray(points, np.float64)
        return self._seen(points[..., :2] / np.maximum(points[..., 2:], NEAREST))

    def rays(self, pixels: NDArray[np.floating]) -> Array:
        """Slopes x/z, y/z (..., 2) of the rays through pixels (..., 2); NaN where the lens shows nothing.

        >>> Lens((500.0, 500.0), (0.0, 0.0), (-0.3, 0.0, 0.0, 0.0)).rays(np.array([[400.0, 0.0]]))  # beyond its rim
        array([[nan, nan]])
        """
        pixels = np.asarray(pixels, np.float64)
        straight: Array = np.asarray((pixels - self.principal) / self.focal, np.float64)
        if self.ideal:
            return straight
        rays = self._fisheye_rays(straight) if self.model == "fisheye" else self._undistorted(straight)
        with np.errstate(invalid="ignore"):
            off = np.abs(self._seen(rays) - pixels).max(-1, keepdims=True)
            found = (off < WITHIN) & (np.abs(rays).max(-1, keepdims=True) < WIDEST)
        return np.where(found, rays, np.nan)

    def _seen(self, slopes: Array) -> Array:
        """Slopes (..., 2) as pixels (..., 2)."""
        bent = slopes if self.ideal else self._distorted(slopes)
        return bent * self.focal + self.principal

    def _distorted(self, slopes: Array) -> Array:
        """Slopes (..., 2) as the lens bends them."""
        k = np.zeros(12)
        k[: len(self.distortion)] = self.distortion
        x, y = slopes[..., 0], slopes[..., 1]
        r2 = x * x + y * y
        if self.model == "fisheye":
            r = np.sqrt(r2)
            angle = np.arctan(r)
            a2 = angle * angle
            bent = angle * (1 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3]))))
            return slopes * np.where(r > 1e-8, bent / np.maximum(r, 1e-8), 1.0)[..., None]
        radial = (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))
        return slopes * radial[..., None] + self._aside(x, y, r2, k)

    @staticmethod
    def _aside(x: Array, y: Array, r2: Array, k: Array) -> Array:
        """By how much tangential distortion and a thin prism move slopes, (..., 2)."""
        p1, p2, (s1, s2, s3, s4) = k[2], k[3], k[8:12]
        return np.stack(
            [
                2 * p1 * x * y + p2 * (r2 + 2 * x * x) + r2 * (s1 + r2 * s2),
                p1 * (r2 + 2 * y * y) + 2 * p2 * x * y + r2 * (s3 + r2 * s4),
            ],
            axis=-1,
        )

    def _undistorted(self, bent: Array) -> Array:
        """The slopes (..., 2) that the lens bends to these."""
        slopes = bent
        for _ in range(FIXED_POINT_STEPS):
            slopes = slopes + np.clip(bent - self._distorted(slopes), -0.5, 0.5)
            slopes = np.clip(slopes, -WIDEST, WIDEST)
        for _ in range(NEWTON_STEPS):
            here = self._distorted(slopes)
            by_x, by_y = ((self._distorted(slopes + STEP * np.eye(2)[axis]) - here) / STEP for axis in (0, 1))
            off = bent - here
            determinant = by_x[..., 0] * by_y[..., 1] - by_x[..., 1] * by_y[..., 0]
            # where the image folds back on itself there is no way on
            determinant = np.where(determinant > 1e-3, determinant, np.inf)
            step_x = (off[..., 0] * by_y[..., 1] - off[..., 1] * by_y[..., 0]) / determinant
            step_y = (off[..., 1] * by_x[..., 0] - off[..., 0] * by_x[..., 1]) / determinant
            slopes = np.clip(slopes + np.stack([step_x, step_y], axis=-1), -WIDEST, WIDEST)
        return slopes

    def _fisheye_rays(self, bent: Array) -> Array:
        """The slopes (..., 2) that a fisheye lens bends to these."""
        k = np.zeros(4)
        k[: len(self.distortion)] = self.distortion
        radius = np.linalg.norm(bent, axis=-1)
        angle = np.minimum(radius, np.arctan(WIDEST))
        for _ in range(FIXED_POINT_STEPS):
            a2 = angle * angle
            value = angle * (1 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3]))))
            slope = 1 + a2 * (3 * k[0] + a2 * (5 * k[1] + a2 * (7 * k[2] + a2 * 9 * k[3])))
            angle = np.clip(angle - (value - radius) / np.maximum(slope, 0.1), 0.0, np.arctan(WIDEST))
        return bent * np.where(radius > 1e-8, np.tan(angle) / np.maximum(radius, 1e-8), 1.0)[..., None]


def rays_of(lenses: Sequence[Lens], pixels: NDArray[np.floating]) -> Array:
    """Slopes (frame, ..., 2) of the rays through pixels (frame, ..., 2), by one lens for all frames or one for each.

    >>> near, far = Lens((500.0, 500.0), (0.0, 0.0)), Lens((1000.0, 1000.0), (0.0, 0.0))
    >>> rays_of([near, far], np.full((2, 1, 2), 100.0)).tolist()
    [[[0.2, 0.2]], [[0.1, 0.1]]]
    """
    if len(lenses) == 1:
        return lenses[0].rays(pixels)
    rays = np.empty(np.shape(pixels))
    for lens, frames in by_lens(lenses).items():
        rays[frames] = lens.rays(np.asarray(pixels)[frames])
    return rays


def by_lens(lenses: Sequence[Lens]) -> dict[Lens, list[int]]:
    """The frames that each lens took.

    >>> wide = Lens((500.0, 500.0), (0.0, 0.0))
    >>> [*by_lens([wide, wide]).values()]
    [[0, 1]]
    """
    frames: dict[Lens, list[int]] = {}
    for frame, lens in enumerate(lenses):
        frames.setdefault(lens, []).append(frame)
    return frames
