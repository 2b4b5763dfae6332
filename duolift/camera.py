"""Cameras and rotations.

Camera frame: x right, y down, z forward. World frame: z up. Points are `(..., 3)`; a batch of
cameras broadcasts against the points' leading axes.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


def rotation_x(angle: Tensor) -> Tensor:
    """Rx(angle), equation 3 of the paper: (...) radians -> (..., 3, 3).

    With y down and z forward, a negative angle levels a pose seen by a camera that looks down.
    """
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], dim=-1).unflatten(-1, (3, 3))


def rotation_y(angle: Tensor) -> Tensor:
    """Ry(angle), about the vertical: (...) radians -> (..., 3, 3)."""
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], dim=-1).unflatten(-1, (3, 3))


def rotate(rotation: Tensor, points: Tensor) -> Tensor:
    """Turn poses `(..., joint, 3)` by rotations `(..., 3, 3)`."""
    return points @ rotation.mT


def levelling(up: Tensor) -> Tensor:
    """The rotation (..., 3, 3) that turns `up` (..., 3), a unit vector in the camera frame, to -y, and nothing more.

    The camera's forward axis keeps its heading, so a level camera is left as it is.
    """
    forward = torch.zeros_like(up)
    forward[..., 2] = 1
    ahead = torch.nn.functional.normalize(forward - (forward * up).sum(-1, keepdim=True) * up, dim=-1)
    return torch.stack([torch.linalg.cross(-up, ahead), -up, ahead], dim=-2)


@dataclass(frozen=True)
class Camera:
    """Pinhole cameras with CHI3D's distortion; every field may carry leading batch axes.

    Attributes:
        rotation: (..., 3, 3), world to camera.
        centre: (..., 3), the camera's place in the world, metres.
        focal: (..., 2), pixels.
        principal: (..., 2), pixels.
        radial: (..., 3), k1 k2 k3; zeros for an ideal lens.
        tangential: (..., 2), p1 p2.
    """

    rotation: Tensor
    centre: Tensor
    focal: Tensor
    principal: Tensor
    radial: Tensor
    tangential: Tensor

    def __getitem__(self, index: object) -> "Camera":
        """Cameras chosen along the leading axes."""
        return Camera(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def to_camera(self, world: Tensor) -> Tensor:
        """World points `(..., point, 3)` in the camera's frame: `X_cam = (X - centre) R^T`."""
        return rotate(self.rotation, world - self.centre.unsqueeze(-2))

    def project(self, points: Tensor) -> Tensor:
        """Camera-frame points `(..., point, 3)` to pixels `(..., point, 2)`.

        The distortion is the one CHI3D's official tools define. It is not OpenCV's: the tangential
        cross term has no factor 2.
        """
        x = points[..., :2] / points[..., 2:]
        q = self.tangential.flip(-1).unsqueeze(-2)
        r2 = x.square().sum(-1, keepdim=True)
        radial = (self.radial.unsqueeze(-2) * torch.cat([r2, r2**2, r2**3], dim=-1)).sum(-1, keepdim=True)
        cross = (x * q).sum(-1, keepdim=True)
        distorted = x * (1 + radial + cross) + r2 * q
        return distorted * self.focal.unsqueeze(-2) + self.principal.unsqueeze(-2)

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
    sine = (points * up).sum(-1) / points.norm(dim=-1)
    return sine.clamp(-1, 1).asin()
