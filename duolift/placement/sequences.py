"""Values of scenes over the sequences that these are frames of: means, quantiles, and what is smoothed over time.

A scene is one frame; `sequence` (scene,) says of which sequence, numbered from 0 on.
"""

import torch
from torch import Tensor

WEIGHTLESS = 1e-3
"""Values whose weights sum to less than this have no mean."""


def numbered(sequence: Tensor | None, like: Tensor) -> Tensor:
    """The sequence of every scene, (scene,), numbered from 0 on; without sequences, each scene is one.

    >>> numbered(torch.tensor([7, 7, 3]), torch.zeros(3, 2))
    tensor([1, 1, 0])
    """
    if sequence is None:
        return torch.arange(len(like), device=like.device)
    _, numbers = sequence.unique(return_inverse=True)
    return numbers


def mean_over(values: Tensor, sequence: Tensor | None) -> Tensor:
    """The mean of values (scene, ...) over each sequence, for every scene again; without sequences, the values.

    >>> mean_over(torch.tensor([1.0, 3.0, 7.0]), torch.tensor([0, 0, 1]))
    tensor([2., 2., 7.])
    """
    return values if sequence is None else sequence_means(values, sequence)[sequence]


def sequence_means(values: Tensor, sequence: Tensor, sequences: int | None = None) -> Tensor:
    """Means of values (scene, ...) over sequences: (sequence, ...), 0 where a number up to the largest has no scene.

    Args:
        values: of scenes.
        sequence: (scene,), numbered from 0 on.
        sequences: how many there are, if it is known: then a device need not be waited for.

    >>> sequence_means(torch.tensor([1.0, 3.0, 7.0]), torch.tensor([0, 0, 1]))
    tensor([2., 7.])
    """
    count = _scenes_of(sequence, sequences)
    total = values.new_zeros(len(count), *values.shape[1:]).index_add(0, sequence, values)
    return total / count.clamp(min=1).view(-1, *[1] * (values.ndim - 1))


def _scenes_of(sequence: Tensor, sequences: int | None) -> Tensor:
    """How many scenes each sequence has, (sequence,)."""
    if sequences is None:
        return torch.bincount(sequence)
    return sequence.new_zeros(sequences).index_add(0, sequence, torch.ones_like(sequence))


def sequence_quantiles(values: Tensor, sequence: Tensor, share: float, sequences: int | None = None) -> Tensor:
    """Quantiles of values (scene, person) over sequences, each person's, NaN left out: (sequence, person).

    What `torch.nanquantile` gives of one sequence, for all of them at once, and so without a step of Python's for each;
    anything for a number up to the largest that no scene has. `sequences` as of `sequence_means`.

    >>> sizes = torch.tensor([[3.0], [1.0], [2.0], [7.0], [torch.nan]])
    >>> sequence_quantiles(sizes, torch.tensor([0, 0, 0, 1, 1]), share=0.25)
    tensor([[1.5000],
            [7.0000]])
    """
    ascending, order = values.sort(dim=0)  # NaN last
    ascending = ascending.gather(0, sequence[order].argsort(dim=0, stable=True))  # one sequence after the other
    count = _scenes_of(sequence, sequences)
    start = (count.cumsum(0) - count).unsqueeze(-1)  # (sequence, 1)
    known = values.new_zeros(len(count), values.shape[1]).index_add(0, sequence, (~values.isnan()).to(values))
    rank = share * (known - 1).clamp(min=0)  # (sequence, person)
    below = rank.long()
    low, high = (ascending.gather(0, start + place) for place in (below, rank.ceil().long()))
    return low.lerp(high, rank - below)


def frames_of(values: Tensor, sequence: Tensor | None) -> Tensor:
    """How many scenes the sequence of every scene (scene,) has, as a number like values (scene,).

    >>> frames_of(torch.zeros(3), torch.tensor([0, 0, 1]))
    tensor([2., 2., 1.])
    """
    return torch.ones_like(values) if sequence is None else torch.bincount(sequence)[sequence].to(values)


def smoothed(values: Tensor, sequence: Tensor | None, deviation: float, valid: Tensor | None = None) -> Tensor:
    """Values (scene, person) after a Gaussian over the frames of each sequence; symmetric, so nothing lags.

    >>> jump = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    >>> smoothed(jump, torch.zeros(4, dtype=torch.long), deviation=1.0).diff(dim=0).max() < 0.5
    tensor(True)
    """
    if sequence is None:
        return values
    valid = torch.ones_like(values) if valid is None else valid
    reach = int(3 * deviation + 0.5)
    offsets = torch.arange(-reach, reach + 1, dtype=values.dtype)
    kernel = (-0.5 * (offsets / deviation).square()).softmax(0).tolist()
    order = sequence.argsort(stable=True)
    change = sequence[order].diff() != 0
    end = change.new_ones(1)
    first, last = torch.cat([end, change]), torch.cat([change, end])
    # the first and the last frame of each sequence, over and over, pad it: one row holds all of them
    padded = order.repeat_interleave(1 + reach * (first.long() + last.long()))
    middle = torch.arange(len(order), device=order.device) + 2 * reach * (first.cumsum(0) - 1)

    def blurred(track: Tensor) -> Tensor:
        """(scene, person), each person's by itself; in order of sequences.

        A sum and no convolution: those of a GPU may keep ten bits of its logarithms.
        """
        row = track[padded].mT.contiguous()  # (person, padded frame)
        count = row.shape[-1] - 2 * reach
        total = row[:, :count] * kernel[0]
        for offset, weight in enumerate(kernel[1:], start=1):
            total = total.add(row[:, offset : offset + count], alpha=weight)
        return total[:, middle].mT

    weight = blurred(valid)
    mean = blurred(valid * values) / weight.clamp(min=WEIGHTLESS)
    return values.index_copy(0, order, torch.where(weight > WEIGHTLESS, mean, values[order]))
