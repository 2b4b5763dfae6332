"""People unlike those seen: what a lifter made of a pose, changed, and shown to it again.

A lifted body is a body whose depth is known, so it can be another body: with other bones, leaning or lying, seen by
another camera. The lifter learns to lift what it then looks like as it is known to be. Gradients reach the answers to
the new poses alone, never the bodies that they were made from, so that no body becomes flat because flat ones are easy.

Camera frame: x right, y down, z forward; head lengths, every root at depth c on the optical axis.
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.bounds import Fraction, NotNegative, check_bounds
from duolift.geometry.rotations import rotate, rotation_x, rotation_y


@dataclass(frozen=True)
class Augmentation:
    """How far people and cameras are changed; every deviation is of a Gaussian, and 0 leaves a thing as it is.

    Attributes:
        bones: deviation of a bone's length (logarithm), the same left and right.
        size: of a person's size, or of the distance that they are seen from (logarithm).
        lean: of the angle by which a person leans, degrees, towards anywhere.
        leaning: the share of people who do.
        tilt: of the camera's elevation angle, degrees, beyond that of the batch.
    """

    bones: NotNegative[float] = 0.1
    size: NotNegative[float] = 0.1
    lean: NotNegative[float] = 45.0
    leaning: Fraction = 0.5
    tilt: NotNegative[float] = 5.0

    def __post_init__(self) -> None:
        check_bounds(self)

    def __call__(self, bodies: Tensor, theta: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
        """Lifted bodies (batch, joint, 3) and their elevations (batch,) -> other bodies, and theirs."""
        count = len(bodies)
        level = with_bones(rotate(rotation_x(theta), bodies), self._bone_factors(bodies, skeleton), skeleton)
        angle = torch.deg2rad(self.lean * torch.randn_like(theta)) * (torch.rand_like(theta) < self.leaning)
        towards, turn = torch.pi * (2 * torch.rand(2, count, device=theta.device, dtype=theta.dtype) - 1)
        elevation = theta[torch.randperm(count, device=theta.device)] + torch.deg2rad(
            self.tilt * torch.randn_like(theta)
        )
        view = rotation_x(-elevation) @ rotation_y(turn) @ rotation_x(angle) @ rotation_y(towards)
        size = (self.size * torch.randn_like(theta)).exp()
        return size[:, None, None] * rotate(view, level), elevation

    def _bone_factors(self, bodies: Tensor, skeleton: Skeleton) -> Tensor:
        """A factor for every bone (batch, bone), one for both sides."""
        factors = (self.bones * bodies.new_empty(len(bodies), len(skeleton.bones)).normal_()).exp()
        return factors[:, either_side(skeleton)]


def either_side(skeleton: Skeleton) -> list[int]:
    """For every bone the number of the first of it and its mirror image."""
    number = {skeleton.index(child): number for number, (child, _) in enumerate(skeleton.bones)}
    return [min(of, number[skeleton.mirror[joint]]) for joint, of in number.items()]


def with_bones(bodies: Tensor, factors: Tensor, skeleton: Skeleton) -> Tensor:
    """Bodies (..., joint, 3) centred on the root, with bones (..., bone) times as long in the same directions."""
    children, parents = skeleton.bone_ends
    bones = factors.unsqueeze(-1) * (bodies[..., children, :] - bodies[..., parents, :])
    return chains(skeleton, bones.device).to(bones.dtype) @ bones


def chains(skeleton: Skeleton, device: torch.device | None = None) -> Tensor:
    """(joint, bone): 1 where a bone lies between the root and a joint; made once a device."""
    return _chains(skeleton.joints, skeleton.bones, device)


@cache
def _chains(joints: tuple[str, ...], bones: tuple[tuple[str, str], ...], device: torch.device | None) -> Tensor:
    between, parent = torch.zeros(len(joints), len(bones)), dict(bones)
    bone_of = {child: number for number, (child, _) in enumerate(bones)}
    for row, joint in zip(between, joints, strict=True):
        while joint in parent:
            row[bone_of[joint]] = 1
            joint = parent[joint]
    return between.to(device)
