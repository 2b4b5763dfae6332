"""Lenses and calibrated cameras.

Camera frame: x right, y down, z forward. World frame: z up. Points are `(..., 3)`; a batch of
cameras broadcasts against the points' leading axes.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor

from duolift.geometry.rotations import rotate

UNDISTORTING_STEPS = 8
"""Iterations that undo a lens's distortion: each takes some four fifths of CHI3D's away."""


@dataclass(frozen=True)
class Intrinsics:
    """Lenses with CHI3D's distortion; every field may carry leading batch axes.

    Attributes:
        focal: (..., 2), pixels.
        principal: (..., 2), pixels; the image's centre where nobody calibrated the camera.
        radial: (..., 3), k1 k2 k3; zeros for an ideal lens.
        tangential: (..., 2), p1 p2.
    """

    focal: Tensor
    principal: Tensor
    radial: Tensor
    tangential: Tensor

    @classmethod
    def ideal(cls, focal: Tensor, principal: Tensor) -> "Intrinsics":
        """Lenses without distortion."""
        return Intrinsics(focal, principal, focal.new_zeros(*focal.shape[:-1], 3), torch.zeros_like(focal))

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same cameras with `change` applied to every field."""
        return type(self)(**{f.name: change(getattr(self, f.name)) for f in fields(self)})

    def __getitem__(self, index: Any) -> Self:
        """Cameras chosen along the leading axes."""
        return self.map(lambda field: field[index])

    @property
    def intrinsics(self) -> "Intrinsics":
        """The lens alone."""
        return Intrinsics(self.focal, self.principal, self.radial, self.tangential)

    def project(self, points: Tensor) -> Tensor:
        """Camera-frame points `(..., point, 3)` to pixels `(..., point, 2)`.

        The distortion is the one CHI3D's official tools define. It is not OpenCV's: the tangential
        cross term has no factor 2.
        """
        rays = points[..., :2] / points[..., 2:]
        factor, shift = self._distortion(rays)
        return (rays * factor + shift) * self.focal.unsqueeze(-2) + self.principal.unsqueeze(-2)

    def rays(self, pixels: Tensor) -> Tensor:
        """The slopes `(x/z, y/z)` (..., point, 2) of the rays through pixels `(..., point, 2)`: `project` undone.

        By fixed-point iteration, as lens models have no closed inverse.
        """
        distorted = (pixels - self.principal.unsqueeze(-2)) / self.focal.unsqueeze(-2)
        rays = distorted
        for _ in range(UNDISTORTING_STEPS if self.radial.any() or self.tangential.any() else 0):
            factor, shift = self._distortion(rays)
            rays = (distorted - shift) / factor
        return rays

    def _distortion(self, rays: Tensor) -> tuple[Tensor, Tensor]:
        """What rays are multiplied by, (..., point, 1), and what is added, (..., point, 2)."""
        q = self.tangential.flip(-1).unsqueeze(-2)
        k1, k2, k3 = self.radial.unsqueeze(-2).split(1, dim=-1)
        x, y = rays.split(1, dim=-1)
        r2 = x * x + y * y
        return 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + x * q[..., :1] + y * q[..., 1:], r2 * q


@dataclass(frozen=True)
class CalibratedCamera(Intrinsics):
    """Lenses with a place in the world.

    Attributes:
        rotation: (..., 3, 3), world to camera.
        centre: (..., 3), the camera's place in the world, metres.
    """

    rotation: Tensor
    centre: Tensor

    def to_camera(self, world: Tensor) -> Tensor:
        """World points `(..., point, 3)` in the camera's frame: `X_cam = (X - centre) R^T`."""
        return rotate(self.rotation, world - self.centre.unsqueeze(-2))

    @property
    def up(self) -> Tensor:
        """The world's up in the camera frame, (..., 3)."""
        return self.rotation[..., :, 2]


def elevation(points: Tensor, up: Tensor) -> Tensor:
    """The angle theta (radians) for which `Rx(theta)` levels a pose centred at `points`.

    It is the angle of the ray to the point above the horizon: negative where the camera looks down.

    Args:
        points: (..., 3) camera frame, any unit.
        up: (..., 3) unit vector, camera frame.
    """
    sine = (points * up).sum(-1) / points.norm(dim=-1).clamp(min=torch.finfo(points.dtype).tiny)
    return sine.clamp(-1, 1).asin()
