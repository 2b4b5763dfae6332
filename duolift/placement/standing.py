"""Sizes, and who stands on the ground: what the ground says of people, weighed with what is known of sizes.

By the ground everybody has a size (`duolift.placement.sizes`): of who stands it is their own, and who is in the air
comes out too large. Over a video a person's size is one, and it is seen in two ways: by how large the person looks, and
by the ground. So sizes settle who stands, and who stands settles sizes: a mixture of two, solved by a few rounds of
expectation and maximisation.

Logarithms of sizes are relative errors: 0.02 is 2 %. `tilt` is any number of further axes, for what is tried.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.placement.sequences import sequence_means, sequence_quantiles
from duolift.placement.sizes import GroundSizes

SIZES = 0.07
"""Deviation of people's sizes: of adults' statures, women and men together, it is 0.06, and there are children."""

STILL = 0.3
"""Seconds after which the errors of a lifted body are others: their correlation is 0.4 after 0.17 s, and 0.15 after
0.5 s, with COCO's joints 3 pixels off."""

OUTSIDE = 3.0
"""Deviations beyond which a size is more likely to be that of somebody who does not stand."""

ROUNDS = 5


def independent(interval: float) -> float:
    """How much of a frame is independent of the one that is so many seconds before, 0 to 1.

    >>> independent(0.15)
    0.5
    """
    return min(1.0, interval / STILL)


def worth(count: Tensor, interval: float) -> Tensor:
    """How many independent frames sequences of so many frames (sequence,) are worth.

    >>> worth(torch.tensor([1, 21]), 0.15)
    tensor([ 1., 11.])
    """
    return 1 + independent(interval) * (count - 1).clamp(min=0)


@dataclass(frozen=True)
class Standing:
    """What was found of people.

    >>> one = torch.ones(1, 2)
    >>> found = Standing(sizes=0 * one, variance=0.001 * one, usual=0 * one, always=one, evidence=torch.zeros(1))
    >>> seen = GroundSizes(torch.tensor([[0.0, 0.5]]), 0.001 * one, looks=0.0, above=0 * one)
    >>> found.grounded(seen, one, torch.zeros(1, dtype=torch.long)).round()
    tensor([[1., 0.]])

    Attributes:
        sizes: (sequence, *tilt, person), logarithms.
        variance: as sizes, how well they are known beside each other.
        usual: as sizes, what the ground alone says of them.
        always: as sizes, how likely it is that somebody stands at all.
        evidence: (sequence, *tilt), logarithm of how well all of it goes together.

    """

    sizes: Tensor
    variance: Tensor
    usual: Tensor
    always: Tensor
    evidence: Tensor

    def grounded(self, seen: GroundSizes, valid: Tensor, sequence: Tensor) -> Tensor:
        """How likely people stand, (scene, *tilt, person), 0 for who is not there; arguments as of `standing`."""
        likely, _ = _mixture(seen.sizes - self.usual[sequence], seen.variance, seen.above)
        valid = valid.view(len(valid), *[1] * (likely.ndim - 2), -1)
        return valid * likely * self.always[sequence]


def standing(
    seen: GroundSizes, valid: Tensor, sequence: Tensor, information: Tensor, usual: Tensor | None = None
) -> Standing:
    """Everybody's size, and who stands.

    Args:
        seen: people by the ground, of each frame.
        valid: (scene, person).
        sequence: (scene,), numbered from 0 on; people keep their index throughout.
        information: (sequence,), how many independent frames a sequence is worth.
        usual: the size that people have on the mean, where the ground tells sizes as they are; None where it tells them
            beside each other, and the first guess is the size that most people have.

    >>> sizes = torch.tensor([[0.0, 0.1], [0.0, 0.1], [0.0, 0.5]])  # the second one jumps in the third frame
    >>> one, sequence = torch.ones(3, 2), torch.zeros(3, dtype=torch.long)
    >>> seen = GroundSizes(sizes, 0.001 * one, looks=0.0, above=0 * one)
    >>> standing(seen, one, sequence, torch.tensor([2.0])).grounded(seen, one, sequence).round()
    tensor([[1., 1.],
            [1., 1.],
            [1., 0.]])
    """
    sizes, uncertain, above = seen.sizes, seen.variance, seen.above
    axes, sequences = [1] * (sizes.ndim - 2), len(information)
    valid = valid.view(len(valid), *axes, -1).expand_as(sizes)  # (scene, *tilt, person)
    information = information.view(-1, *axes, 1)
    ascending = sizes.masked_fill(valid == 0, torch.nan).flatten(1)
    own = sequence_quantiles(ascending, sequence, 0.5, sequences).unflatten(1, sizes.shape[1:])  # their medians
    ever = (~own.isnan()).to(sizes)  # (sequence, *tilt, person)
    own, weight = own.nan_to_num(), torch.zeros_like(own)
    for _ in range(ROUNDS):
        grounded, likely = _mixture(sizes - own[sequence], uncertain, above)
        each = valid * grounded / uncertain
        weight = sequence_means(each, sequence, sequences)
        own = torch.where(weight > 0, sequence_means(each * sizes, sequence, sequences) / weight.clamp(min=1e-9), own)
    _, likely = _mixture(sizes - own[sequence], uncertain, above)
    own_variance = 1 / (weight * information).clamp(min=1e-6)
    mean, always, alike = _together(own, own_variance, ever, usual)
    believed = always * SIZES**2 / (SIZES**2 + own_variance)  # the ground's share of what is known of a size
    shrunk, variance = mean + believed * (own - mean), (1 - believed) * SIZES**2
    in_frames = information.squeeze(-1) * sequence_means((valid * likely).sum(-1), sequence, sequences)
    return Standing(shrunk, variance, own, always, in_frames + (ever * alike).sum(-1))


def _together(own: Tensor, variance: Tensor, ever: Tensor, usual: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The mean size of people (sequence, *tilt, person) who ever stand, (..., 1); who does; how likely that is."""
    total = variance + SIZES**2
    first = _of_most(own, total, ever)
    mean = first if usual is None else usual.expand_as(first)
    for _ in range(ROUNDS):
        always, _ = _mixture(own - mean, total)
        weight = ever * always / total
        enough = weight.sum(-1, keepdim=True)
        mean = torch.where(enough > 0, (weight * own).sum(-1, keepdim=True) / enough.clamp(min=1e-9), mean)
    return mean, *_mixture(own - mean, total)


def _of_most(own: Tensor, variance: Tensor, ever: Tensor) -> Tensor:
    """The size (..., 1) that most people (..., person) may have. Of as many it is the smaller: who is in the air comes
    out larger."""
    apart = (own.unsqueeze(-2) - own.unsqueeze(-1)).abs()  # (..., person, other)
    alike = (ever.unsqueeze(-2) * (apart < OUTSIDE * variance.sqrt().unsqueeze(-2))).sum(-1).masked_fill(ever == 0, -1)
    smallest = own.masked_fill(alike < alike.amax(-1, keepdim=True), torch.inf).amin(-1, keepdim=True)
    return torch.where(ever.sum(-1, keepdim=True) > 0, smallest, 0.0)


def _mixture(off: Tensor, variance: Tensor, above: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
    """How likely a size that is off by so much is that of somebody who stands, and the logarithm of the likelihood."""
    near = -(off.square() / variance + above**2) / 2
    likely = torch.logaddexp(near, torch.full_like(near, -(OUTSIDE**2) / 2))
    return (near - likely).exp(), likely
