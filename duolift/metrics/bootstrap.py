"""How sure a mean is: the bootstrap over groups, such as the sequences of a data set.

Frames of a sequence are alike, so that a thousand of them are not a thousand measurements. Groups are drawn with
replacement, and all that is in a group comes with it; the spread of the means is how far off the mean may be.

Davison and Hinkley, "Bootstrap Methods and their Application", Cambridge University Press 1997, section 3.8,
https://doi.org/10.1017/CBO9780511802843.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence interval.

    Attributes:
        mean: of all values.
        low, high: the ends of the interval.

    >>> Interval(1.0, -0.5, 2.5).sure
    False
    """

    mean: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the interval does not contain 0: of a difference, whether there is one."""
        return self.low > 0 or self.high < 0


def bootstrapped(values: Array, groups: Sequence[Hashable], samples: int, seed: int = 0) -> Array:
    """Means of values whose groups are drawn anew, with replacement and as many as there are.

    Columns are drawn together, so that differences between them are those of the same draws: paired.

    Args:
        values: (value, column); NaN where there is none, which counts for nothing.
        groups: the group of each value.
        samples: how many draws.
        seed: of the draws.

    Returns:
        (sample, column), NaN where nothing was drawn.

    Raises:
        ValueError: there are fewer than two groups, or not a group for each value.

    >>> means = bootstrapped(np.array([[1.0], [2.0], [6.0]]), ["a", "a", "b"], samples=1000)
    >>> means.shape, float(means.min()), float(means.max())
    ((1000, 1), 1.5, 6.0)
    """
    if len(values) != len(groups):
        raise ValueError(f"{len(values)} values and {len(groups)} groups; expected a group for each value")
    number_of = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    if len(number_of) < 2:
        raise ValueError(f"{len(number_of)} group; expected two or more, of which some are drawn")
    member = np.array([number_of[group] for group in groups])
    known = ~np.isnan(values)
    sums, counts = np.zeros((2, len(number_of), values.shape[1]))
    np.add.at(sums, member, np.where(known, values, 0.0))
    np.add.at(counts, member, known)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(number_of), np.full(len(number_of), 1 / len(number_of)), samples)  # (sample, group)
    totals, numbers = drawn @ sums, drawn @ counts
    return np.where(numbers > 0, totals / np.maximum(numbers, 1), np.nan)


def interval(values: Array, means: Array, confidence: float = 0.95) -> Interval:
    """The interval in which so many of the bootstrapped means lie, around the mean of the values themselves.

    Args:
        values: (value,), NaN where there is none.
        means: (sample,), as `bootstrapped` gives them.
        confidence: the share of means within it.

    >>> interval(np.array([1.0, 3.0]), np.array([1.0, 1.5, 2.0, 2.5, 3.0]), confidence=0.5)
    Interval(mean=2.0, low=1.5, high=2.5)
    """
    low, high = np.nanquantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(np.nanmean(values)), float(low), float(high))
