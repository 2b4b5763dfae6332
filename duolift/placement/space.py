"""Lifted people in one space, metres: placed, and scaled to an average stature, since an image does not tell sizes.

`by_ground` has no branch on its data, so that it can be exported.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from duolift.body.anthropometry import mean_bone_length
from duolift.body.skeleton import Skeleton
from duolift.geometry.rotations import levelling, rotate
from duolift.networks.people_lifter import Lifted
from duolift.placement.ground import GroundPlacement, Placed, log_size
from duolift.placement.paper import PaperPlacement

STATURE = 1.7
"""Metres: people are taken to be so tall on the mean."""


def by_ground(
    lifted: Lifted,
    skeleton: Skeleton,
    placement: GroundPlacement,
    sequence: Tensor | None = None,
    up: Tensor | None = None,
) -> Placed:
    """People on one ground, metres.

    An image of nobody has a level camera. A static camera has one height in all frames.

    Args:
        sequence: (scene,), zeros where all scenes are frames of one static camera; None where each stands alone.
        up: (scene, 3), the world's up in the camera's frame, where it is known.
    """
    valid = lifted.valid
    placed = placement(lifted.bodies, lifted.theta, lifted.roots, lifted.distance, skeleton, sequence, up, valid)
    somebody = valid.any(-1)
    height = torch.where(somebody, placed.height, 1.0)
    people, depth = placed.people / height[:, None, None, None], placed.depth / height[:, None]
    height = metres(people, valid, skeleton, sequence is not None)
    return replace(
        placed,
        people=height[:, None, None, None] * people,
        up=torch.where(somebody.unsqueeze(-1), placed.up, placed.up.new_tensor([0.0, -1.0, 0.0])),
        height=height,
        depth=height[:, None] * depth,
    )


def by_paper(lifted: Lifted, rows: Tensor, up: Tensor, height: Tensor, skeleton: Skeleton, static: bool) -> Tensor:
    """The same people by the paper's placement, everybody at one depth: (scene, person, joint, 3), metres.

    Args:
        rows: (scene, person), of the roots in the image, pixels.
        up: (scene, 3), the world's up in the camera's frame, which the people are turned back by.
        height: (scene,), of the camera above the ground, metres.
        static: the scenes are frames of one static camera.
    """
    placement = PaperPlacement()
    c = float(lifted.distance[lifted.valid].log().mean().exp()) if lifted.valid.any() else 1.0
    alike = lifted.bodies * (c / lifted.distance)[..., None, None]
    people = alike.clone()
    for scenes, who in visibility_groups(lifted.valid):
        at = scenes.nonzero(), who.nonzero().squeeze(-1)
        bodies, theta, places, heights = (
            part[scenes][:, who] for part in (alike, lifted.theta, c * lifted.roots, rows)
        )
        people[at] = placement(bodies, theta, places, heights, c, skeleton.feet)
    people = people * metres(people, lifted.valid, skeleton, static)[:, None, None, None]
    lowest = people[..., skeleton.feet, 1].amax(-1).masked_fill(~lifted.valid, -torch.inf).amax(-1)
    people[..., 1] += torch.where(lowest.isinf(), 0.0, height - lowest)[:, None, None]
    return rotate(levelling(up).mT.unsqueeze(1), people)


def visibility_groups(valid: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Scenes (scene,) in which the same people (person,) are there, as masks; scenes of nobody are left out."""
    for who in valid.unique(dim=0):
        if who.any():
            yield (valid == who).all(-1), who


def metres(people: Tensor, valid: Tensor, skeleton: Skeleton, static: bool = False) -> Tensor:
    """What lengths are multiplied by for the people in a scene to be of mean stature, (scene,); in all, if `static`."""
    weight = valid.to(people)
    usual = math.log(STATURE * mean_bone_length(skeleton))
    factor, count = (weight * (usual - log_size(people, skeleton))).sum(-1), weight.sum(-1)
    if static:
        factor, count = factor.sum().expand_as(factor), count.sum().expand_as(count)
    return (factor / count.clamp(min=1)).exp()
