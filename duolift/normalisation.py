"""From pixels to centred poses in units that a network can learn from.

`x = (u - u_root) / scale / c`: the training set's mean head-to-root distance becomes 1/c, so that a
pose lifted to depth c has a mean head-to-root distance of about one head length.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.skeleton import Skeleton

PAPER_C = 10.0
"""Distance from the camera to every root, in head lengths, in ElePose, LInKs and the paper."""


def head_to_root(pixels: Tensor, skeleton: Skeleton) -> Tensor:
    """Mean distance between head top and root, in pixels, over poses `(..., joint, 2)`."""
    offset = pixels[..., skeleton.head_index, :] - pixels[..., skeleton.root_index, :]
    return offset.norm(dim=-1).mean()


@dataclass(frozen=True)
class Normalisation:
    """What one number of pixels means.

    Attributes:
        scale: pixels a head length: the mean head-to-root distance of the data set.
        c: head lengths from the camera to every root.
    """

    scale: float
    c: float

    @classmethod
    def calibrated(cls, scale: float, focal: float) -> "Normalisation":
        """c from the cameras: a head length seen `scale` pixels long is `focal / scale` away."""
        return cls(scale, focal / scale)

    def __call__(self, pixels: Tensor, root: Tensor) -> Tensor:
        """Poses `(..., joint, 2)` centred on `root` `(..., 2)`, both in pixels."""
        return (pixels - root.unsqueeze(-2)) / (self.scale * self.c)


def join_pair(pixels: Tensor, skeleton: Skeleton) -> Tensor:
    """Two people as one body: (scene, 2, joint, 2) -> (scene, 1, 1 + 2 joint, 2), `Skeleton.pair`'s order."""
    middle = pixels[:, :, skeleton.root_index].mean(dim=1, keepdim=True)  # (scene, 1, 2)
    return torch.cat([middle, pixels.flatten(1, 2)], dim=1).unsqueeze(1)


def split_pair(points: Tensor) -> Tensor:
    """One body as two people again: (scene, 1, 1 + 2 joint, 3) -> (scene, 2, joint, 3)."""
    return points[:, 0, 1:].unflatten(1, (2, -1))


def mirrored(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Centred poses (..., joint, 2) as a mirror shows them: x negated, left and right swapped."""
    flip = torch.tensor([-1.0, 1.0], device=poses.device, dtype=poses.dtype)
    return poses[..., skeleton.mirror, :] * flip
