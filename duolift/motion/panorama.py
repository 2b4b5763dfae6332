"""Where joints are seen from a camera that turns, as if it did not: longitudes and latitudes round the camera.

What a camera's turns do to an image is no motion of people. Rays that are turned back into the world, and laid out as a
map about an axis that is far from all of them, move as people and the camera's place do. The map is Mercator's: what is
small on it has its own shape, so that noise is as large across as along.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from duolift.motion.inertia import Array

STEEPEST = np.radians(80.0)
"""Latitudes are not taken to be higher, where the map ends."""

AHEAD = 0.02
"""Least depth of a ray of length 1: nobody is seen from behind the camera."""


@dataclass(frozen=True)
class Panorama:
    """The map of a video.

    Attributes:
        rotation: (frame, 3, 3), from the world to the camera.
        axes: (3, 3), two axes on the map's equator, and its pole, in the world.
        heading: (frame,), longitudes of the optical axes, continuous over time.

    >>> turned = np.stack([np.eye(3), [[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]])  # a quarter to the right
    >>> rays = np.zeros((2, 1, 3, 2)) + [[0.0, 0.0], [0.1, 0.1], [-0.1, 0.2]]
    >>> seen = Panorama.of(rays, np.ones((2, 1, 3), dtype=bool), turned)
    >>> bool(np.allclose(seen.rays(seen.coordinates(rays)), rays))
    True
    """

    rotation: Array
    axes: Array
    heading: Array

    @classmethod
    def of(cls, rays: Array, visible: NDArray[np.bool_], rotation: Array) -> Self:
        """The map for rays (frame, person, joint, 2), where visible, of cameras (frame, 3, 3)."""
        towards = _directions(np.where(visible[..., None], rays, 0.0)) @ rotation[:, None]
        ahead = rotation[:, 2]  # (frame, 3), optical axes
        seen = np.concatenate([towards[visible], ahead])
        _, vectors = np.linalg.eigh(seen.T @ seen)
        pole = vectors[:, 0]  # what everything is as far from as can be
        first = np.linalg.svd(pole[None])[2][1]
        axes = np.stack([first, np.cross(pole, first), pole])
        return cls(rotation, axes, np.unwrap(np.arctan2(ahead @ axes[1], ahead @ axes[0])))

    def coordinates(self, rays: Array) -> Array:
        """Places on the map (frame, person, joint, 2) of rays, radians at the equator."""
        x, y, z = np.moveaxis(_directions(rays) @ self.rotation[:, None] @ self.axes.T, -1, 0)
        heading = self.heading[:, None, None]
        off = np.arctan2(y, x) - heading
        latitude = np.clip(np.arcsin(np.clip(z, -1, 1)), -STEEPEST, STEEPEST)
        return np.stack([heading + np.arctan2(np.sin(off), np.cos(off)), np.arctanh(np.sin(latitude))], axis=-1)

    def rays(self, places: Array) -> Array:
        """The rays (frame, person, joint, 2) to places on the map."""
        sine = np.tanh(places[..., 1])
        level, longitude = np.sqrt(np.maximum(1 - sine * sine, 0.0)), places[..., 0]
        towards = np.stack([level * np.cos(longitude), level * np.sin(longitude), sine], axis=-1) @ self.axes
        seen = towards @ self.rotation[:, None].swapaxes(-1, -2)
        return np.asarray(seen[..., :2] / np.maximum(seen[..., 2:], AHEAD))

    def size(self, slope: Array, rays: Array) -> Array:
        """How large on the map (frame, person) something is that has a slope (frame, person) where rays lead to.

        Args:
            slope: of a head length, say.
            rays: (frame, person, 2).
        """
        latitude = self.coordinates(rays[:, :, None])[:, :, 0, 1]
        return np.asarray(slope * np.cosh(latitude) / np.sqrt(1 + np.square(rays).sum(-1)))


def _directions(rays: Array) -> Array:
    """Unit vectors (..., 3) along rays (..., 2), camera frame."""
    towards = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    return np.asarray(towards / np.linalg.norm(towards, axis=-1, keepdims=True))
