"""The horizon, from people who keep their size.

Whoever walks towards a camera looks larger and stands lower in the image. The tilt for which people on the ground
have like sizes, and keep them over a sequence, is the camera's: told by where people are in the image, while elevation
angles are a lifter's guess at every single pose. `duolift.placement.focal` weighs the two.

Camera frame: x right, y down, z forward; head lengths; radians.
"""

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.placement.ground import per_person_up, robust_mean
from duolift.placement.interface import VERTICAL
from duolift.placement.posed import along_rays, log_size
from duolift.placement.sizes import APPARENT, FOOT, by_ground
from duolift.placement.standing import OUTSIDE, standing

REACH, TILTS = OUTSIDE, 31
"""Tilts that are tried: up to so many deviations off what the bodies say, and how many."""

FRAMES = 60
"""At most so many frames of a sequence are looked at, evenly spaced."""


def agreed_tilt(lifted: Lifted, turn: Tensor, roll: Tensor, sequence: Tensor) -> Tensor:
    """The tilt (scene,) that a sequence's elevations agree on, whoever bows or lies.

    Args:
        lifted: the people.
        turn: (scene, person, 3, 3), from the cameras that face the roots to the real one.
        roll: (scene,), the camera's, radians.
        sequence: (scene,), numbered from 0 on.
    """
    said = lifted.elevation if lifted.up is None else lifted.up[..., 0, 0]
    up = robust_mean(per_person_up(said, turn, roll), sequence, lifted.valid.to(said))
    return up[..., 2].clamp(-VERTICAL, VERTICAL).asin()


def thinned(sequence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Few scenes of each sequence: their indices, their sequences numbered from 0 on, and how many each had."""
    _, number, count = sequence.unique(return_inverse=True, return_counts=True)
    order, start, few = number.argsort(stable=True), count.cumsum(0) - count, count.clamp(max=FRAMES)
    number = torch.arange(len(count), device=count.device).repeat_interleave(few)
    step = torch.arange(len(number), device=count.device) - (few.cumsum(0) - few)[number]  # 0 to FRAMES - 1
    place = step * (count - 1)[number] // (few - 1).clamp(min=1)[number]
    return order[start[number] + place], number, count


def tilt_evidence(
    lifted: Lifted,
    ups: Tensor,
    sequence: Tensor,
    information: Tensor,
    foot: float = FOOT,
    looks: float = APPARENT,
) -> Tensor:
    """Logarithms of how likely each of several tilts makes people's sizes by the ground, (sequence, tilt).

    Args:
        lifted: the people.
        ups: (scene, tilt, 3), where up is by each tilt.
        sequence: (scene,), numbered from 0 on.
        information: (sequence,), how many independent frames a sequence is worth.
        foot: deviation of a lifted body's lowest joint, head lengths.
        looks: deviation of how large somebody looks in one frame (logarithm).
    """
    people = along_rays(lifted, lifted.bodies)
    height = (people.flatten(1, 2) @ ups.mT).unflatten(1, people.shape[1:3])  # (scene, person, joint, tilt)
    size = log_size(lifted.bodies, lifted.skeleton).unsqueeze(1)  # (scene, 1, person)
    seen = by_ground(height.amin(2).mT, size, lifted.skeleton, foot, looks)
    return standing(seen, lifted.valid.to(size), sequence, information).evidence
