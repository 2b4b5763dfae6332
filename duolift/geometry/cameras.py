"""Lenses and calibrated cameras.

Camera frame: x right, y down, z forward. World frame: z up. Points are `(..., point, 3)`; a batch of cameras broadcasts
against the leading axes of the points.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor

from duolift.geometry.rotations import rotate

UNDISTORTING_STEPS = 8
"""Iterations that undo a lens's distortion. Each removes about four fifths of what is left of the distortion of CHI3D's
lenses, so that eight of them leave less than 1e-3 pixels anywhere in its images."""


@dataclass(frozen=True)
class Intrinsics:
    """Lenses with CHI3D's distortion model, or OpenCV's; every field may have leading batch axes.

    Attributes:
        focal: (..., 2), pixels, horizontal and vertical.
        principal: (..., 2), pixels; the image's centre if the camera is not calibrated.
        radial: (..., 3), k1 k2 k3; zeros for an ideal lens.
        tangential: (..., 2), p1 p2 of CHI3D's model; zeros for an ideal lens. Or (..., 4), of OpenCV's: see
            `opencv_tangential`.

    >>> import torch
    >>> lens = Intrinsics.ideal(torch.tensor([1000.0, 1000.0]), torch.tensor([640.0, 360.0]))
    >>> pixels = lens.project(torch.tensor([[0.5, 0.0, 2.0]]))
    >>> pixels
    tensor([[890., 360.]])
    >>> lens.rays(pixels)
    tensor([[0.2500, 0.0000]])
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
        """The same cameras with `change` applied to every field, such as a conversion of type."""
        return type(self)(**{f.name: change(getattr(self, f.name)) for f in fields(self)})

    def __getitem__(self, index: Any) -> Self:
        """Some of the cameras, chosen along the leading axes."""
        return self.map(lambda field: field[index])

    @property
    def intrinsics(self) -> "Intrinsics":
        """The lens alone."""
        return Intrinsics(self.focal, self.principal, self.radial, self.tangential)

    def project(self, points: Tensor) -> Tensor:
        """Camera-frame points `(..., point, 3)` to pixels `(..., point, 2)`.

        The distortion is that of CHI3D's official tools, https://github.com/sminchisescu-research/imar_vision_datasets_tools.
        It is not OpenCV's, https://docs.opencv.org/4.x/d9/d0c/group__calib3d.html, whose tangential cross term has a
        factor 2; that is chosen by four tangential coefficients.
        """
        rays = points[..., :2] / points[..., 2:]
        factor, shift = self._distortion(rays)
        return (rays * factor + shift) * self.focal.unsqueeze(-2) + self.principal.unsqueeze(-2)

    def rays(self, pixels: Tensor) -> Tensor:
        """Slopes `(x/z, y/z)` of the rays through pixels, (..., point, 2) both: the inverse of `project`.

        The lens model has no closed inverse, so the distortion is undone by fixed-point iteration.
        """
        distorted = (pixels - self.principal.unsqueeze(-2)) / self.focal.unsqueeze(-2)
        rays = distorted
        for _ in range(UNDISTORTING_STEPS if self.radial.any() or self.tangential.any() else 0):
            factor, shift = self._distortion(rays)
            rays = (distorted - shift) / factor
        return rays

    def _distortion(self, rays: Tensor) -> tuple[Tensor, Tensor]:
        """The factor (..., point, 1) and the shift (..., point, 2) that distort rays (..., point, 2)."""
        q = self.tangential[..., :2].flip(-1).unsqueeze(-2)  # (..., 1, 2)
        crossed = self.tangential[..., -2:].flip(-1).unsqueeze(-2)  # the same but for OpenCV's model
        k1, k2, k3 = self.radial.unsqueeze(-2).split(1, dim=-1)  # (..., 1, 1) each
        x, y = rays.split(1, dim=-1)  # (..., point, 1) each
        r2 = x * x + y * y  # squared distance from the optical axis
        return 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + x * crossed[..., :1] + y * crossed[..., 1:], r2 * q


def opencv_tangential(p: Tensor) -> Tensor:
    """The tangential coefficients (..., 4) of `Intrinsics` that stand for OpenCV's p1 p2 (..., 2).

    >>> opencv_tangential(torch.tensor([0.001, 0.002]))
    tensor([0.0010, 0.0020, 0.0020, 0.0040])
    """
    return torch.cat([p, 2 * p], dim=-1)


@dataclass(frozen=True)
class CalibratedCamera(Intrinsics):
    """Lenses with a pose in the world.

    Attributes:
        rotation: (..., 3, 3), world to camera.
        centre: (..., 3), the camera's position in the world, metres.

    >>> import torch
    >>> lens = Intrinsics.ideal(torch.full((2,), 1000.0), torch.full((2,), 450.0))
    >>> level = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # looks along the world's y
    >>> camera = CalibratedCamera(**vars(lens), rotation=level, centre=torch.tensor([0.0, -4.0, 1.5]))
    >>> camera.to_camera(torch.tensor([[0.0, 0.0, 0.0]]))  # 4 m ahead, 1.5 m below the camera
    tensor([[0.0000, 1.5000, 4.0000]])
    >>> camera.up
    tensor([ 0., -1.,  0.])
    """

    rotation: Tensor
    centre: Tensor

    def to_camera(self, world: Tensor) -> Tensor:
        """World points `(..., point, 3)` in the camera's frame, metres: `X_cam = (X - centre) R^T`."""
        return rotate(self.rotation, world - self.centre.unsqueeze(-2))

    @property
    def up(self) -> Tensor:
        """The world's up in the camera frame, (..., 3)."""
        return self.rotation[..., :, 2]


def elevation(points: Tensor, up: Tensor) -> Tensor:
    """The angle of the rays to points above the horizon, negative where the camera looks down on them.

    It is the paper's theta, the angle for which `rotation_x(theta)` (equation 3) levels a pose centred at the point.

    Args:
        points: (..., 3), camera frame, any unit.
        up: (..., 3), the world's up as a unit vector, camera frame.

    Returns:
        (...), radians.

    >>> import torch
    >>> below = torch.tensor([0.0, 1.0, 1.0])  # as far below the camera as in front of it
    >>> elevation(below, up=torch.tensor([0.0, -1.0, 0.0])).rad2deg().round()
    tensor(-45.)
    """
    sine = (points * up).sum(-1) / points.norm(dim=-1).clamp(min=torch.finfo(points.dtype).tiny)
    return sine.clamp(-1, 1).asin()
