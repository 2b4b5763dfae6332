"""The horizon, from people who keep their size.

Whoever walks towards a camera looks larger and stands lower in the image. The tilt for which people on the ground
keep their size over a sequence is the camera's: told by 2D poses alone, where elevation angles are a lifter's guess at
every single pose. `duolift.placement.focal` weighs the two.

Camera frame: x right, y down, z forward; head lengths; radians. Evidence is a negative logarithm of a likelihood.
"""

import torch
from torch import Tensor

from duolift.placement.ground import (
    LARGER,
    LOWEST_DROP,
    SIZE_SPREAD,
    per_person_up,
    robust_mean,
    sequence_means,
)
from duolift.placement.interface import VERTICAL

SIZE_ERROR = 0.05
"""Deviation of a size (logarithm) that a lifted person on the ground has in one frame."""

INDEPENDENT = 0.1
"""So many frames of a sequence tell something that the others do not."""

MISLED = 0.2
"""Probability that a sequence says nothing of its camera: somebody is carried, nobody stands."""

FRAMES = 60
"""At most so many frames of a sequence are looked at, evenly spaced."""


def agreed_tilt(theta: Tensor, turn: Tensor, sequence: Tensor) -> Tensor:
    """The tilt (scene,) that a sequence's elevations (scene, person) agree on."""
    return robust_mean(per_person_up(theta, turn), sequence)[..., 2].clamp(-VERTICAL, VERTICAL).asin()


def thinned(sequence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Few scenes of each sequence: their indices, their sequences numbered from 0 on, and how many each had."""
    _, number, count = sequence.unique(return_inverse=True, return_counts=True)
    order, start, few = number.argsort(stable=True), count.cumsum(0) - count, count.clamp(max=FRAMES)
    number = torch.arange(len(count), device=count.device).repeat_interleave(few)
    step = torch.arange(len(number), device=count.device) - (few.cumsum(0) - few)[number]  # 0 to FRAMES - 1
    place = step * (count - 1)[number] // (few - 1).clamp(min=1)[number]
    return order[start[number] + place], number, count


def informative(count: Tensor) -> Tensor:
    """How many frames' worth of information a sequence of so many frames has."""
    return 1 + INDEPENDENT * (count - 1)


def tilt_evidence(
    down: Tensor, distance: Tensor, size: Tensor, tilts: Tensor, sequence: Tensor, count: Tensor
) -> Tensor:
    """What constant sizes have against tilts of a camera: (sequence, tilt).

    Args:
        down, distance: (joint, scene, person), y and z of people anywhere along their rays.
        size: (scene, person), logarithms of the sizes that these people have.
        tilts: (scene, tilt), radians, negative where the camera looks down.
        sequence: (scene,), numbered from 0 on.
        count: (sequence,), frames in a sequence.
    """
    low = [(down * t.cos()).addcmul_(distance, t.sin(), value=-1).amax(0) for t in tilts.split(1, -1)]
    sizes = size.unsqueeze(1) - torch.stack(low, 1).clamp(min=LOWEST_DROP).log()  # on a ground one head length below
    mean = sequence_means(sizes, sequence)  # (sequence, tilt, person)
    change = sequence_means((sizes - mean[sequence]).square().clamp(max=LARGER**2).sum(-1), sequence)
    unlike = (mean - mean.mean(-1, keepdim=True)).square().clamp(max=LARGER**2).sum(-1)
    return informative(count).unsqueeze(-1) * change / (2 * SIZE_ERROR**2) + unlike / (2 * SIZE_SPREAD**2)
