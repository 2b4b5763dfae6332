"""Where a long take is cut: a camera that stands still sees people well while they stay about where they are."""

import numpy as np

from datamodules.sources.mocap.motion import Array


def stretches(roots: Array, longest: int, spread: float) -> list[slice]:
    """Consecutive stretches of a take, each as long as may be.

    Args:
        roots: (frame, person, 3), pelvises, metres, z up.
        longest: frames of a stretch, at most.
        spread: between pelvises of a stretch along either axis of the ground, metres, at most; a single frame may
            have more.

    Returns:
        all frames, in order.

    >>> walk = np.zeros((6, 1, 3))
    >>> walk[:, 0, 0] = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    >>> stretches(walk, longest=100, spread=1.0)
    [slice(0, 3, None), slice(3, 6, None)]
    >>> stretches(walk, longest=2, spread=10.0)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    cuts = [0]
    low = high = roots[0, 0, :2]
    for frame, ground in enumerate(roots[:, :, :2]):  # (person, 2)
        wide_low, wide_high = np.minimum(low, ground.min(0)), np.maximum(high, ground.max(0))
        if frame > cuts[-1] and (frame - cuts[-1] >= longest or (wide_high - wide_low).max() > spread):
            cuts.append(frame)
            wide_low, wide_high = ground.min(0), ground.max(0)
        low, high = wide_low, wide_high
    return [slice(start, end) for start, end in zip(cuts, [*cuts[1:], len(roots)], strict=True)]
