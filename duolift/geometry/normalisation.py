"""From pixels to centred poses in units that a network can learn from.

The training set's mean head-to-root distance becomes 1/c, so that a pose lifted to depth c has a mean
head-to-root distance of about one head length. There are two ways to centre a pose on its root:

- `shift`, the paper's: `x = (u - u_root) / scale / c`, as if a shifted picture showed the person from the front.
- `ray`: the camera is turned to face the root, which is what the person looks like from the front. It
  takes known intrinsics; then a perfect lift is the person, exactly, and lies exactly on the root's ray.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.rotations import facing, rotate
from duolift.geometry.scene_batch import SceneBatch

PAPER_C = 10.0
"""Distance from the camera to every root, in head lengths, in ElePose, LInKs and the paper."""


CENTRINGS = ("shift", "ray")

SIDEWAYS = 0.01
"""Least depth of a ray turned to face the root: joints to the side of that camera, or behind it, stay finite."""


def head_to_root(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Mean distance between head top and root over poses `(..., joint, 2)`, in their unit."""
    offset = poses[..., skeleton.head_index, :] - poses[..., skeleton.root_index, :]
    return offset.norm(dim=-1).mean()


@dataclass(frozen=True)
class Normalisation:
    """How image coordinates become poses, and what a unit of a pose means.

    Attributes:
        scale: a head length in the image, the mean head-to-root distance of the data set: pixels for
            `shift`, slope of rays for `ray`.
        c: head lengths from the camera to every root.
        centring: `shift` or `ray`.
    """

    scale: float
    c: float
    centring: str = "shift"

    def __post_init__(self) -> None:
        if self.centring not in CENTRINGS:
            raise ValueError(f"centring is {self.centring!r}; expected one of {', '.join(CENTRINGS)}")

    @classmethod
    def fitted(cls, scenes: SceneBatch, skeleton: Skeleton, c: float | None, centring: str) -> "Normalisation":
        """The unit of a data set.

        Args:
            c: None takes the cameras' own: a head length seen `scale` pixels long is `focal / scale` away.
        """
        unscaled = cls(1.0, 1.0, centring)
        coordinates = unscaled.coordinates(scenes)
        scale = float(head_to_root(unscaled(coordinates, coordinates[..., skeleton.root_index, :]), skeleton))
        return cls(scale, cls(scale, 1.0, centring).distance(scenes) if c is None else c, centring)

    def coordinates(self, scenes: SceneBatch) -> Tensor:
        """What this normalisation centres, (scene, person, joint, 2): pixels, or slopes of rays."""
        return scenes.rays if self.centring == "ray" else scenes.pixels

    def __call__(self, coordinates: Tensor, root: Tensor) -> Tensor:
        """Poses `(..., joint, 2)` centred on `root` `(..., 2)`, both in `coordinates`."""
        if self.centring == "ray":
            rays = torch.nn.functional.pad(coordinates, (0, 1), value=1.0)
            faced = rotate(facing(root), rays)
            centred = faced[..., :2] / faced[..., 2:].clamp(min=SIDEWAYS)
        else:
            centred = coordinates - root.unsqueeze(-2)
        return centred / (self.scale * self.c)

    def distance(self, scenes: SceneBatch) -> float:
        """How far away a head length looks as long as it does in these images, in head lengths."""
        return (1.0 if self.centring == "ray" else float(scenes.intrinsics.focal.mean())) / self.scale

    def places(self, scenes: SceneBatch, joint: int) -> Tensor:
        """Where a joint lies at depth c, right of and below the camera in head lengths: (scene, person, 2)."""
        if self.centring == "ray":
            return scenes.rays_to(joint) / self.scale
        return (scenes.pixels[:, :, joint] - scenes.intrinsics.principal.unsqueeze(-2)) / self.scale

    def true_bodies(self, scenes: SceneBatch, skeleton: Skeleton) -> Tensor:
        """What a lifter would give that makes no error, (scene, person, joint, 3); scenes with ground truth.

        Each person is seen from the front, centred on the root, at the depth where a head length has its usual size.
        """
        assert scenes.truth is not None
        root = scenes.truth[:, :, skeleton.root_index]
        faced = rotate(facing(root[..., :2] / root[..., 2:]), scenes.truth)
        size = self.distance(scenes) / faced[:, :, skeleton.root_index, 2]
        return (faced - faced[:, :, skeleton.root_index, None]) * size[..., None, None]


def join_pair(points: Tensor, skeleton: Skeleton) -> Tensor:
    """Two people as one body: (scene, 2, joint, 2) -> (scene, 1, 1 + 2 joint, 2), `Skeleton.pair`'s order."""
    middle = points[:, :, skeleton.root_index].mean(dim=1, keepdim=True)  # (scene, 1, 2)
    return torch.cat([middle, points.flatten(1, 2)], dim=1).unsqueeze(1)


def split_pair(points: Tensor) -> Tensor:
    """One body as two people again: (scene, 1, 1 + 2 joint, 3) -> (scene, 2, joint, 3)."""
    return points[:, 0, 1:].unflatten(1, (2, -1))


def noisy_offsets(poses: Tensor, deviation: Tensor, root: int) -> Tensor:
    """What a detector's Gaussian noise does to centred poses (..., joint, 2): the root's moves all other joints.

    Args:
        deviation: (...), of each joint, in the poses' unit.
    """
    noise = deviation[..., None, None] * torch.randn_like(poses)
    return noise - noise[..., root, None, :]


def mirrored(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Centred poses (..., joint, 2) as a mirror shows them: x negated, left and right swapped."""
    flip = torch.tensor([-1.0, 1.0], device=poses.device, dtype=poses.dtype)
    return poses[..., skeleton.mirror, :] * flip
