"""People unlike those in the data: lifted bodies, changed, projected, and lifted again. No term of LInKs or ElePose.

The depth of a lifted body is known, so it can be changed into another body whose depth is known as well: with other
bones, leaning or lying, seen by another camera. The lifter learns to lift the projection of that body. Gradients reach
what it predicts for the new pose, never the body that was changed: else bodies become flat, as flat ones are easy.

Camera frame: x right, y down, z forward; head lengths, every root at depth c on the optical axis.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.bounds import Fraction, NotNegative, check_bounds
from duolift.geometry.bones import either_side
from duolift.geometry.constants import constant
from duolift.geometry.rotations import rotate, rotation_x, rotation_y


@dataclass(frozen=True)
class Augmentation:
    """How far people and cameras are changed: standard deviations of Gaussians, where 0 leaves a thing as it is.

    What the defaults are worth, and another lean, is in docs/study.md.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> bodies, elevation = torch.randn(5, 19, 3), torch.zeros(5)
    >>> other, other_elevation = Augmentation(tilt=0.0)(bodies, elevation, PAPER19)
    >>> other.shape, other_elevation
    (torch.Size([5, 19, 3]), tensor([0., 0., 0., 0., 0.]))

    Attributes:
        bones: of the logarithm of a bone's length, the same left and right.
        size: of the logarithm of a person's size, or of the distance that they are seen from.
        lean: of the angle by which a person leans, in a random direction, degrees.
        leaning: share of the people who lean, 0 to 1.
        tilt: of the camera's elevation, degrees, added to that of another person of the batch.
    """

    bones: NotNegative[float] = 0.1
    size: NotNegative[float] = 0.1
    lean: NotNegative[float] = 45.0
    leaning: Fraction = 0.5
    tilt: NotNegative[float] = 5.0

    def __post_init__(self) -> None:
        check_bounds(self)

    def __call__(self, bodies: Tensor, theta: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
        """Change lifted bodies (batch, joint, 3) and elevations (batch,) into others, of the same shapes.

        Camera coordinates, head lengths, centred on the roots; elevations in radians.
        """
        count = len(bodies)
        # not `torch.randn_like`: compiled by torch 2.13, several of the same tensor are one
        normal = partial(torch.randn, count, device=theta.device, dtype=theta.dtype)
        level = with_bones(rotate(rotation_x(theta), bodies), self._bone_factors(bodies, skeleton), skeleton)
        angle = torch.deg2rad(self.lean * normal()) * (torch.rand_like(theta) < self.leaning)
        towards, turn = torch.pi * (2 * torch.rand(2, count, device=theta.device, dtype=theta.dtype) - 1)
        others = torch.randperm(count, device=theta.device)
        # `theta[others]` would be the same, but torch 2.13 cannot compile that
        elevation = theta.gather(0, others) + torch.deg2rad(self.tilt * normal())
        # lean in the plane of a random direction, turn to a random side, and look from the new elevation
        view = rotation_x(-elevation) @ rotation_y(turn) @ rotation_x(angle) @ rotation_y(towards)
        size = (self.size * normal()).exp()
        return size[:, None, None] * rotate(view, level), elevation

    def _bone_factors(self, bodies: Tensor, skeleton: Skeleton) -> Tensor:
        """A random factor for every bone (batch, bone), the same left and right."""
        drawn = torch.randn(len(bodies), len(skeleton.bones), device=bodies.device, dtype=bodies.dtype)
        factors = (self.bones * drawn).exp()
        return factors[:, constant(tuple(either_side(skeleton)), bodies.device)]


def with_bones(bodies: Tensor, factors: Tensor, skeleton: Skeleton) -> Tensor:
    """Bodies whose bones keep their directions and change their lengths.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> bodies = torch.randn(5, 19, 3)
    >>> bodies = bodies - bodies[:, PAPER19.root_index, None]
    >>> twice = with_bones(bodies, torch.full((5, 18), 2.0), PAPER19)
    >>> torch.allclose(twice, 2 * bodies, atol=1e-5)
    True

    Args:
        bodies: (..., joint, 3).
        factors: (..., bone), on the bones' lengths.
        skeleton: of the bodies.

    Returns:
        (..., joint, 3), centred on the root.
    """
    children, parents = (constant(tuple(ends), bodies.device) for ends in skeleton.bone_ends)
    bones = factors.unsqueeze(-1) * (bodies[..., children, :] - bodies[..., parents, :])
    return chains(skeleton, bones.device, bones.dtype) @ bones


def chains(skeleton: Skeleton, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """(joint, bone): 1 where a bone lies between the root and a joint, so that `chains @ bones` are the joints.

    >>> from duolift.body.skeleton import PAPER19
    >>> chains(PAPER19, torch.device("cpu"))[PAPER19.index("left_ankle")].sum()  # hip, knee, ankle
    tensor(3.)
    """
    return constant(skeleton.chains, device, dtype)
