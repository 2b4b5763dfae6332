"""Metres: an image does not tell how large people are, so that they are taken to be of average stature on the mean.

Nothing here branches on its data, so that it can be exported.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from duolift.body.anthropometry import mean_bone_length
from duolift.body.skeleton import Skeleton
from duolift.geometry.rotations import levelling, rotate
from duolift.placement.ground import log_size
from duolift.placement.interface import Placed

STATURE = 1.7
"""Metres: the mean of the people in a scene. An assumption, not a measurement."""


def in_metres(placed: Placed, valid: Tensor, skeleton: Skeleton, static: bool) -> Placed:
    """The same scenes in metres.

    Args:
        placed: people in any unit.
        valid: (scene, person).
        skeleton: of the people.
        static: all scenes are frames of one static camera, whose height is the same in all of them.

    >>> from duolift.body.skeleton import PAPER19
    >>> people, up = torch.rand(4, 2, 19, 3), torch.tensor([[0.0, -1.0, 0.0]]).expand(4, 3)
    >>> placed = Placed(people, up, torch.tensor([2.0, 2.1, 1.9, 2.0]), torch.ones(4, 2), torch.ones(4, 2))
    >>> metric = in_metres(placed, torch.ones(4, 2, dtype=torch.bool), PAPER19, static=True)
    >>> metric.height.unique().shape  # one camera, one height
    torch.Size([1])
    """
    above = placed.height > 0  # the camera is above the ground
    height = torch.where(above, placed.height, 1.0)  # (scene,): the camera's height becomes 1
    people, depth = placed.people / height[:, None, None, None], placed.depth / height[:, None]
    unit = metres_per_unit(people, valid, skeleton, static)
    return replace(
        placed,
        people=unit[:, None, None, None] * people,
        height=torch.where(above, unit, unit * placed.height),
        depth=unit[:, None] * depth,
    )


def metres_per_unit(people: Tensor, valid: Tensor, skeleton: Skeleton, static: bool) -> Tensor:
    """What lengths are multiplied by for the people of a scene to be of mean stature: (scene,).

    Args:
        people: (scene, person, joint, 3), any unit.
        valid: (scene, person).
        static: one factor for all scenes.

    >>> from duolift.body.skeleton import PAPER19
    >>> people, valid = torch.rand(1, 2, 19, 3), torch.ones(1, 2, dtype=torch.bool)
    >>> once = metres_per_unit(people, valid, PAPER19, static=False)
    >>> torch.allclose(metres_per_unit(10 * people, valid, PAPER19, static=False), once / 10)
    True
    """
    weight = valid.to(people)
    usual = math.log(STATURE * mean_bone_length(skeleton))
    factor, count = (weight * (usual - log_size(people, skeleton))).sum(-1), weight.sum(-1)  # (scene,) each
    if static:
        factor, count = factor.sum().expand_as(factor), count.sum().expand_as(count)
    return (factor / count.clamp(min=1)).exp()


def on_ground_of(level: Placed, other: Placed, valid: Tensor, skeleton: Skeleton, static: bool) -> Tensor:
    """People who were placed before a level camera, as another placement's camera sees them on its ground.

    Two placements can then be shown in one scene.

    Args:
        level: people in the frame of a level camera, any unit.
        other: metres; its camera is taken.
        valid, skeleton, static: see `in_metres`.

    Returns:
        (scene, person, joint, 3), metres, in the frame of `other`.

    >>> from duolift.body.skeleton import PAPER19
    >>> up = torch.tensor([[0.0, -1.0, 0.0]])
    >>> level = Placed(torch.rand(1, 2, 19, 3), up, torch.ones(1), torch.ones(1, 2), torch.ones(1, 2))
    >>> other = Placed(level.people, up, torch.tensor([1.6]), level.depth, level.confidence)
    >>> people = on_ground_of(level, other, torch.ones(1, 2, dtype=torch.bool), PAPER19, static=False)
    >>> people[..., PAPER19.feet, 1].max()  # the lowest foot is on the ground, 1.6 m below the camera
    tensor(1.6000)
    """
    people = level.people * metres_per_unit(level.people, valid, skeleton, static)[:, None, None, None]
    lowest = people[..., skeleton.feet, 1].amax(-1).masked_fill(~valid, -torch.inf).amax(-1)  # (scene,)
    shift = torch.where(lowest.isinf(), 0.0, other.height - lowest)
    people = people + people.new_tensor([0.0, 1.0, 0.0]) * shift[:, None, None, None]
    return rotate(levelling(other.up).mT.unsqueeze(1), people)
