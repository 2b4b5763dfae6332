"""Who is next to whom: people who dance, greet or lift each other show where each other's hidden joints are.

A person's partner is whoever is nearest in the image, by their roots, and within reach. Partners are seen as the
person is: centred on the person's root, with `ray` by the camera that faces it, in the same unit. A person whose own
root is not present is not there at all, and nobody's partner.
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
"""Roots further apart in the image than this, in head lengths, are nobody's partners: beyond the reach of two arms,
people tell little of each other's joints."""


@dataclass(frozen=True)
class Partners:
    """The nearest other person of each, as that person's own camera sees them.

    Attributes:
        poses: (..., joint, 2), centred on the root of the person whose partner it is; whatever where not `visible`.
        visible: (..., joint), False throughout where nobody else is near.
    """

    poses: Tensor
    visible: Tensor

    @classmethod
    def none(cls, poses: Tensor) -> Self:
        """For people (..., joint, 2) who are each alone."""
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
            coordinates: (scene, person, joint, 2), as `Normalisation.coordinates` has them.
            visible: (scene, person, joint).
            reach: head lengths; see `REACH`.
            units: (scene, person), what poses are divided by where people have units of their own.
        """
        roots = coordinates[..., skeleton.root_index, :]
        nearest, valid = nearest_others(roots, visible[..., skeleton.root_index])
        theirs = coordinates.gather(1, nearest[..., None, None].expand_as(coordinates))
        poses = normalisation(theirs, roots) / torch.as_tensor(units)[..., None, None]
        near = normalisation.c * poses[..., skeleton.root_index, :].norm(dim=-1) <= reach
        return cls(poses, visible.gather(1, nearest[..., None].expand_as(visible)) & (valid & near).unsqueeze(-1))

    def mirrored(self, skeleton: Skeleton) -> Self:
        """The partners beside people that a mirror shows."""
        return type(self)(mirrored(self.poses, skeleton), self.visible[..., skeleton.mirror])

    def stack(self, others: Self) -> Self:
        """These and others, along a new leading axis."""
        return type(self)(torch.stack([self.poses, others.poses]), torch.stack([self.visible, others.visible]))

    def __getitem__(self, index: Any) -> Self:
        """Some of them, along the leading axes."""
        return self.map(lambda tensor: tensor[index])

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same partners with `change` applied to every tensor."""
        return type(self)(change(self.poses), change(self.visible))


def nearest_others(roots: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Who is nearest to each, of those that are there.

    Args:
        roots: (scene, person, 2), places in the image.
        valid: (scene, person).

    Returns:
        the nearest other person's index (scene, person), and whether there is one (scene, person).
    """
    places = torch.where(valid.unsqueeze(-1), roots, 0.0)
    apart = (places.unsqueeze(2) - places.unsqueeze(1)).norm(dim=-1)  # (scene, person, other)
    others = valid.unsqueeze(1) & ~torch.eye(roots.shape[1], dtype=torch.bool, device=roots.device)
    return torch.where(others, apart, torch.inf).argmin(-1), others.any(-1)
