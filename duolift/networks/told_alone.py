"""What a pose alone says of an angle, whatever a network has learned of how often each angle occurs.

A network that is asked for an angle answers with a mean of what it sees and of what is usual (in Bayes' words with the
mean of the posterior; what is usual is the prior). Where half of the cameras that it has learned from are held about
level, a person who is seen from above and shows little is said to be seen by one of these. Several people before one
camera would bring that in several times. So it is taken out again: of every answer, that observation is looked for,
with an error of a Gaussian's kind, which together with what is usual would have given it.
"""

import math

import torch
from torch import Tensor

BINS = 90
"""Of angles from straight down to straight up: 2 degrees each."""

ANYHOW = 1e-3
"""Share of cameras that are taken to be held in any way at all: nothing is impossible."""

AT_MOST = 2.0
"""An observation is as unsure as the answer, or so many times; and off it by so many of its deviations, at most."""

STEPS = 4
"""Where what is usual is that of `Views`, the median answer of a deviation up to 8 degrees is met to 0.1 degrees."""

CAUTION, FASTEST = 0.5, 2.0
"""The share of a step in the precision that is taken, and how many times a step of the mean is as long as it is missed
by, at most: what is usual is no Gaussian."""


def angles(like: Tensor) -> Tensor:
    """The middles of the bins, (bin,), radians.

    >>> angles(torch.zeros(1))[[0, -1]].rad2deg().round()
    tensor([-89.,  89.])
    """
    width = math.pi / BINS
    return torch.linspace((width - math.pi) / 2, (math.pi - width) / 2, BINS, dtype=like.dtype, device=like.device)


def histogram(values: Tensor) -> Tensor:
    """The share of each bin, (bin,), among angles (...), radians.

    >>> histogram(torch.tensor([0.01, 0.02, -0.5, 0.5])).max()
    tensor(0.5000)
    """
    return torch.histc(values, BINS, -math.pi / 2, math.pi / 2) / values.numel()


def bell(mean: Tensor, deviation: Tensor) -> Tensor:
    """The shares (..., bin) of angles of a mean and a deviation (...), radians, as a Gaussian has them.

    >>> bell(torch.tensor(0.0), torch.tensor(0.1))[42:48]
    tensor([0.0952, 0.1214, 0.1372, 0.1372, 0.1214, 0.0952])
    """
    off = (angles(mean) - mean.unsqueeze(-1)) / deviation.clamp(min=1e-3).unsqueeze(-1)
    return (-off.square() / 2).softmax(-1)


def without_usual(said: Tensor, deviation: Tensor, usual: Tensor) -> Tensor:
    """What was observed, with its standard deviation, (..., 2), radians.

    Args:
        said, deviation: (...), the answer and its standard deviation, radians.
        usual: the shares of the bins, (bin,) or broadcast with those of the answers, (..., bin).

    >>> level = bell(torch.tensor(0.0), torch.tensor(0.2))  # most cameras
    >>> surely, hardly = 0.03, 0.12
    >>> without_usual(torch.tensor([-0.3, -0.3]), torch.tensor([surely, hardly]), level).round(decimals=2)
    tensor([[-0.3100,  0.0300],
            [-0.4600,  0.1500]])
    """
    at = angles(said)
    prior = ((1 - ANYHOW) * usual + ANYHOW / BINS).log()  # (..., bin)
    deviation = deviation.clamp(min=math.pi / BINS / 2)  # finer than bins nothing is told
    reach = AT_MOST * deviation
    seen, unsure = said, deviation
    for _ in range(STEPS):
        off = (at - seen.unsqueeze(-1)) / unsure.unsqueeze(-1)
        mean, spread = _moments((prior - off.square() / 2).softmax(-1), at)
        # were what is usual a Gaussian, the mean would move by the ratio of the variances, and the precisions add up
        seen = seen + (said - mean) * (unsure / spread).square().clamp(max=FASTEST)
        seen = seen.clamp(said - reach, said + reach)
        precision = 1 / unsure.square() + CAUTION * (1 / deviation.square() - 1 / spread.square())
        unsure = precision.clamp(min=1e-6).rsqrt().clamp(deviation / AT_MOST, reach)
    return torch.stack([seen.clamp(-torch.pi / 2, torch.pi / 2), unsure], dim=-1)


def _moments(shares: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (...) of angles with shares (..., bin), the deviation at least that within a bin."""
    mean = (shares * at).sum(-1)
    within = (math.pi / BINS) ** 2 / 12
    return mean, (shares * (at - mean.unsqueeze(-1)).square()).sum(-1).clamp(min=within).sqrt()
