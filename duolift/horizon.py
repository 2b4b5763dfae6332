"""The horizon, from people who keep their size.

Whoever walks towards a camera looks larger and stands lower in the image. The tilt for which people on the ground
keep their size over a sequence is the camera's: told by 2D poses alone, and slowly, where elevation angles are a
lifter's guess at every single pose. Two things follow:

- which tilts a sequence speaks for (`tilt_evidence`), which `duolift.focal` goes on with;
- a straight line for elevations (`ElevationLine`). What a lifter learns from 2D poses is drawn towards the middle of
  what it was trained on: a camera that looks down by 24 degrees is told to by 20, one at 7 by 10. That is a property
  of the lifter, so the training sequences, whose cameras are known, tell it without a label.

Camera frame: x right, y down, z forward; head lengths; radians. Evidence is a negative logarithm of a likelihood.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.camera import facing, rotate
from duolift.ground import LARGER, LOWEST_DROP, PEOPLE, log_size, mean_over, own_ups, robust_mean
from duolift.skeleton import Skeleton

SIZE_ERROR = 0.05
"""Deviation of a size (logarithm) that a lifted person on the ground has in one frame."""

INDEPENDENT = 0.1
"""So many frames of a sequence tell something that the others do not."""

MISLED = 0.2
"""Probability that a sequence says nothing of its camera: somebody is carried, nobody stands."""

FRAMES = 60
"""At most so many frames of a sequence are looked at, evenly spaced."""

TILTS_DEG = (-50.0, 15.0, 131)
"""Tilts that are tried: from, to, how many."""

CENTRE_DEG = -12.0
"""Where the prior of a line's offset applies: an elevation in the middle of what cameras see."""

OFFSETS_DEG, SLOPES = (-6.0, 6.0, 49), (0.6, 2.4, 37)
"""Lines that are tried: offsets at `CENTRE_DEG`, and slopes."""

OFFSET_PRIOR_DEG, SLOPE_PRIOR = 4.0, 0.7
"""Deviations of a line's offset, and of the logarithm of its slope, before anything is seen."""


@dataclass(frozen=True)
class ElevationLine:
    """What a sequence's mean elevation is, given what a lifter says it is: `offset + slope * mean`, radians."""

    offset: float = 0.0
    slope: float = 1.0

    def __call__(self, theta: Tensor, sequence: Tensor) -> Tensor:
        """Elevations (scene, person) of a lifter, each sequence moved by what its mean is off the line."""
        mean = mean_over(theta, sequence).mean(-1, keepdim=True)
        return theta + self.offset + (self.slope - 1) * mean

    @classmethod
    def fitted(
        cls, bodies: Tensor, theta: Tensor, roots: Tensor, c: float, skeleton: Skeleton, sequence: Tensor
    ) -> "ElevationLine":
        """The most likely line, by the tilts for which people keep their sizes. Arguments as of `GroundPlacement`.

        Sequences that speak for other tilts than any line does count for little: `MISLED`.
        """
        bodies, theta, roots, sequence, count = thinned(bodies, theta, roots, sequence)
        turn = facing(roots).mT
        people = rotate(turn, bodies) + c * turn[..., None, :, 2]
        told, mean = sequence_means(
            torch.stack([agreed_tilt(theta, turn, sequence), theta.mean(-1)], -1), sequence
        ).unbind(-1)
        tilts = torch.linspace(*TILTS_DEG, dtype=theta.dtype, device=theta.device).deg2rad()
        size = log_size(bodies, skeleton)
        evidence = torch.stack(
            [tilt_evidence(people, size, tilt.expand(len(size)), sequence, count) for tilt in tilts], dim=-1
        )
        likely = (1 - MISLED) * (-evidence).softmax(-1) + MISLED / len(tilts)  # (sequence, tilt)
        offsets = torch.linspace(*OFFSETS_DEG, dtype=theta.dtype, device=theta.device).deg2rad()
        centre = torch.tensor(CENTRE_DEG, dtype=theta.dtype).deg2rad().item()
        best, line = -torch.inf, cls()
        for slope in torch.linspace(*SLOPES, dtype=theta.dtype).tolist():
            wanted = told + offsets.unsqueeze(-1) + (slope - 1) * (mean - centre)  # (offset, sequence)
            place = ((wanted - tilts[0]) / (tilts[1] - tilts[0])).round().long().clamp(0, len(tilts) - 1)
            total = likely.gather(1, place.mT).log().sum(0) - (offsets.rad2deg() / OFFSET_PRIOR_DEG).square() / 2
            total = total - (torch.tensor(slope).log().item() / SLOPE_PRIOR) ** 2 / 2
            if total.max().item() > best:
                best = total.max().item()
                line = cls(offsets[total.argmax()].item() - (slope - 1) * centre, slope)
        return line


def agreed_tilt(theta: Tensor, turn: Tensor, sequence: Tensor) -> Tensor:
    """The tilt (scene,) that a sequence's elevations (scene, person) agree on."""
    return robust_mean(own_ups(theta, turn), sequence)[..., 2].asin()


def thinned(
    bodies: Tensor, theta: Tensor, roots: Tensor, sequence: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The same with few frames of each sequence, sequences numbered from 0 on, and how many frames each had."""
    present, number, count = sequence.unique(return_inverse=True, return_counts=True)
    frames = [(number == i).nonzero().squeeze(-1) for i in range(len(present))]
    kept = torch.cat([some[torch.linspace(0, len(some) - 1, min(FRAMES, len(some))).long()] for some in frames])
    return bodies[kept], theta[kept], roots[kept], number[kept], count


def sequence_means(values: Tensor, sequence: Tensor) -> Tensor:
    """Means of (scene, ...) over sequences that are numbered from 0 on: (sequence, ...)."""
    count = torch.bincount(sequence)
    total = values.new_zeros(len(count), *values.shape[1:]).index_add(0, sequence, values)
    return total / count.view(-1, *[1] * (values.ndim - 1))


def informative(count: Tensor) -> Tensor:
    """How many frames' worth of information a sequence of so many frames has."""
    return 1 + INDEPENDENT * (count - 1)


def tilt_evidence(people: Tensor, size: Tensor, tilt: Tensor, sequence: Tensor, count: Tensor) -> Tensor:
    """What constant sizes have against a camera's tilt: (sequence,).

    Args:
        people: (scene, person, joint, 3), anywhere along their rays.
        size: (scene, person), logarithms of the sizes that `people` have.
        tilt: (scene,), radians, negative where the camera looks down.
        sequence: (scene,), numbered from 0 on.
        count: (sequence,), frames in a sequence.
    """
    low = people[..., 1] * tilt.cos()[:, None, None] - people[..., 2] * tilt.sin()[:, None, None]
    sizes = size - low.amax(-1).clamp(min=LOWEST_DROP).log()  # on a ground one head length below
    mean = sequence_means(sizes, sequence)
    change = sequence_means((sizes - mean[sequence]).square().clamp(max=LARGER**2).sum(-1), sequence)
    unlike = (mean - mean.mean(-1, keepdim=True)).square().clamp(max=LARGER**2).sum(-1)
    return informative(count) * change / (2 * SIZE_ERROR**2) + unlike / (2 * PEOPLE**2)
