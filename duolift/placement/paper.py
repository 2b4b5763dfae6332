"""The paper's placement: people lifted one at a time, put into one scene.

Camera frame: x right, y down, z forward; head lengths. Every root starts at depth c. People are any
number; every function is batched over leading axes and differentiable.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.geometry.rotations import rotate, rotation_x

LEVEL_PIXELS = 50.0
"""Roots no further apart than this, vertically, count as level (the rule of section 3.2)."""

LARGEST_SCALE = 4.0
"""A person is never scaled by more than this, or less than its inverse."""

SCALE_ABOUT = ("camera", "root", "origin")


@dataclass(frozen=True)
class PaperPlacement:
    """One row of Table 1.

    Attributes:
        elevation: roots take their height from the elevation angles (equation 2), not from the image.
        rotation: every pose is levelled by its own elevation angle (equation 3).
        rule: people whose roots are within 50 pixels vertically share one elevation angle, their mean,
            and, where heights come from the image, one height.
        scale_about: the point about which people are scaled until their lower feet share a plane. The
            paper leaves it open: `camera` scales pose and root together about the camera, which moves
            people in depth; `root` each pose about its own root; `origin` pose and root about the
            point midway between the roots.
    """

    elevation: bool = True
    rotation: bool = True
    rule: bool = True
    scale_about: str = "camera"

    def __post_init__(self) -> None:
        if self.scale_about not in SCALE_ABOUT:
            raise ValueError(f"scale_about is {self.scale_about!r}; expected one of {', '.join(SCALE_ABOUT)}")

    def __call__(
        self,
        bodies: Tensor,
        theta: Tensor,
        places: Tensor,
        rows: Tensor,
        c: float,
        feet: list[int],
    ) -> Tensor:
        """Place lifted people in one scene.

        Args:
            bodies: (..., person, joint, 3), lifted and centred on the root.
            theta: (..., person), elevation angles in radians.
            places: (..., person, 2), right of and below the camera, of the roots at depth c, head lengths.
            rows: (..., person), the roots' rows of pixels, for the rule.
            c: depth of the roots, head lengths.
            feet: indices of the joints that may rest on the ground.

        Returns:
            (..., person, joint, 3), head lengths, camera frame, turned level where `rotation`.
        """
        group = level_groups(rows) if self.rule else None
        if group is not None:
            theta = group_mean(theta, group)
        if self.rotation:
            bodies = rotate(rotation_x(theta), bodies)
        x, y = places.unbind(-1)
        if self.elevation:
            y = -c * theta.tan()
        elif group is not None:
            y = group_mean(y, group)
        return self._scale(bodies, torch.stack([x, y, torch.full_like(x, c)], dim=-1), feet)

    def _scale(self, bodies: Tensor, places: Tensor, feet: list[int]) -> Tensor:
        """Scale every person until the lower foot of each lies on one plane y = ground.

        The plane is the mean of the unscaled feet's heights. Where a foot is not below the point that
        it is scaled about, no scale reaches the plane: the person keeps its size.
        """
        if self.scale_about == "camera":
            origin = torch.zeros_like(places)
        elif self.scale_about == "root":
            origin = places
        else:
            origin = places.mean(-2, keepdim=True).expand_as(places)
        foot = bodies[..., feet, 1].amax(-1) + places[..., 1]  # (..., person)
        ground = foot.mean(-1, keepdim=True)
        reach, wanted = foot - origin[..., 1], ground - origin[..., 1]
        possible = (reach > 0) & (wanted > 0)
        scale = torch.where(possible, wanted / torch.where(possible, reach, 1), 1).clamp(
            1 / LARGEST_SCALE, LARGEST_SCALE
        )
        people = bodies + places.unsqueeze(-2)
        return origin.unsqueeze(-2) + scale[..., None, None] * (people - origin.unsqueeze(-2))


TABLE_1 = (
    PaperPlacement(elevation=False, rotation=False, rule=False),
    PaperPlacement(elevation=False, rotation=False, rule=True),
    PaperPlacement(elevation=False, rotation=True, rule=True),
    PaperPlacement(elevation=True, rotation=True, rule=True),
)
"""The paper's rows, in its order."""


def level_groups(heights: Tensor) -> Tensor:
    """People whose roots are level with each other, directly or through others between them.

    Args:
        heights: (..., person), vertical pixels of the roots.

    Returns:
        (..., person), a group's number a person.
    """
    ordered, order = heights.sort(dim=-1)
    number = torch.zeros_like(order)
    number[..., 1:] = (ordered.diff(dim=-1) > LEVEL_PIXELS).cumsum(-1)
    return torch.empty_like(number).scatter_(-1, order, number)


def group_mean(values: Tensor, group: Tensor) -> Tensor:
    """Every value (..., person) replaced by the mean over its group."""
    same = (group.unsqueeze(-1) == group.unsqueeze(-2)).to(values.dtype)
    return (same @ values.unsqueeze(-1)).squeeze(-1) / same.sum(-1)
