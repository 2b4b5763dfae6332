"""The nearest other person: people who dance, greet or lift each other show where each other's hidden joints are.

A person's partner is the person whose root is nearest in the image, if it is within reach. Its pose is expressed as the
person's own is: centred on the person's root (with `ray`, turned by the camera that faces it) and in the same unit. A
person whose root is not visible has no partner, and is nobody's partner.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.mirroring import mirrored
from duolift.geometry.normalisation import Normalisation

REACH = 2.5
"""Roots further apart in the image than this, in head lengths, are no partners: about what two stretched arms reach.
No study varies it."""


@dataclass(frozen=True)
class Partners:
    """The nearest other person of each, as struct of arrays.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> rays = torch.zeros(1, 3, 19, 2)  # an image of three people
    >>> rays[0, 1, :, 0], rays[0, 2, :, 0] = 0.1, 0.9  # the second stands near the first, the third far to the right
    >>> unit = Normalisation(scale=0.1, c=10.0, centring="shift")
    >>> partners = Partners.of(rays, torch.ones(1, 3, 19, dtype=torch.bool), unit, PAPER19)
    >>> partners.visible.any(-1)  # the third person has no partner
    tensor([[ True,  True, False]])
    >>> unit.c * partners.poses[0, :2, 0]  # one head length to the right of the first, and to the left of the second
    tensor([[ 1.,  0.],
            [-1.,  0.]])

    Attributes:
        poses: (..., joint, 2), centred on the root of the person whose partner it is; anything where not `visible`.
        visible: (..., joint), False throughout where nobody else is near.
    """

    poses: Tensor
    visible: Tensor

    @classmethod
    def none(cls, poses: Tensor) -> Self:
        """No partners, for poses (..., joint, 2) of people who are each alone."""
        return cls(torch.zeros_like(poses), torch.zeros_like(poses[..., 0], dtype=torch.bool))

    @classmethod
    def of(
        cls,
        coordinates: Tensor,
        visible: Tensor,
        normalisation: Normalisation,
        skeleton: Skeleton,
        reach: float = REACH,
        units: Tensor | float = 1.0,
    ) -> Self:
        """Everybody's partner, among any number of people in an image.

        Args:
            coordinates: (scene, person, joint, 2), as `normalisation` centres them: pixels, or slopes of rays;
                anything, NaN included, where not `visible`.
            visible: (scene, person, joint).
            normalisation: of the people's own poses.
            skeleton: of the people.
            reach: the largest distance between the roots of partners, head lengths.
            units: (scene, person), what poses are divided by besides, where people have sizes of their own.
        """
        coordinates = torch.where(visible.unsqueeze(-1), coordinates, 0.0)
        roots = coordinates[..., skeleton.root_index, :]  # (scene, person, 2)
        nearest, valid = nearest_others(roots, visible[..., skeleton.root_index])  # (scene, person) both
        theirs = coordinates.gather(1, nearest[..., None, None].expand_as(coordinates))  # (scene, person, joint, 2)
        poses = normalisation(theirs, roots) / torch.as_tensor(units)[..., None, None]
        near = normalisation.c * poses[..., skeleton.root_index, :].norm(dim=-1) <= reach
        return cls(poses, visible.gather(1, nearest[..., None].expand_as(visible)) & (valid & near).unsqueeze(-1))

    def mirrored(self, skeleton: Skeleton) -> Self:
        """The partners of the mirrored people."""
        return type(self)(mirrored(self.poses, skeleton), self.visible[..., skeleton.mirror])

    def stack(self, others: Self) -> Self:
        """These and others, stacked along a new leading axis."""
        return type(self)(torch.stack([self.poses, others.poses]), torch.stack([self.visible, others.visible]))

    def __getitem__(self, index: Any) -> Self:
        """The partners of some of the people, by an index of leading axes."""
        return self.map(lambda tensor: tensor[index])

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same partners with `change` applied to every tensor."""
        return type(self)(change(self.poses), change(self.visible))


def nearest_others(roots: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """For each person the nearest other one.

    >>> import torch
    >>> roots = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]])
    >>> nearest_others(roots, torch.tensor([[True, True, False]]))  # the third person is not there
    (tensor([[1, 0, 0]]), tensor([[True, True, True]]))

    Args:
        roots: (scene, person, 2), places in the image; anything where not `valid`.
        valid: (scene, person), whether a person is there.

    Returns:
        the nearest other person's index (scene, person), and whether there is any (scene, person).
    """
    places = torch.where(valid.unsqueeze(-1), roots, 0.0)
    distance = (places.unsqueeze(2) - places.unsqueeze(1)).norm(dim=-1)  # (scene, person, other)
    others = valid.unsqueeze(1) & ~torch.eye(roots.shape[1], dtype=torch.bool, device=roots.device)
    return torch.where(others, distance, torch.inf).argmin(-1), others.any(-1)
