"""Which joints are hidden together: the limbs, sides and parts that other people and things stand in front of.

A mask is (..., joint), True where a joint is visible. The root always is: poses are centred on it.
"""

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton

LIMBS = {"arm": "shoulder", "leg": "hip"}
"""Limb -> the joint that it hangs from, the first to be hidden with it."""


def occlusions(skeleton: Skeleton) -> dict[str, tuple[str, ...]]:
    """Name -> joints of one person that are hidden together: a limb, both legs, the torso, or a side.

    >>> from duolift.body.skeleton import PAPER19
    >>> occlusions(PAPER19)["left_leg"]
    ('left_hip', 'left_knee', 'left_ankle')
    >>> list(occlusions(PAPER19))
    ['left_arm', 'right_arm', 'left_leg', 'right_leg', 'legs', 'torso', 'left', 'right']
    """
    sides = ("left", "right")
    limbs = {f"{side}_{limb}": skeleton.limb(f"{side}_{top}") for limb, top in LIMBS.items() for side in sides}
    both = {side: limbs[f"{side}_arm"] + limbs[f"{side}_leg"] for side in sides}
    return {**limbs, "legs": limbs["left_leg"] + limbs["right_leg"], "torso": skeleton.parts["torso"], **both}


def visibilities(skeleton: Skeleton) -> tuple[tuple[bool, ...], ...]:
    """`visibility_masks` as plain values, made without a tensor.

    >>> from duolift.body.skeleton import PAPER19
    >>> [sum(mask) for mask in visibilities(PAPER19)][-2:]  # a side is hidden, nothing is
    [12, 19]
    """
    hidden = (*occlusions(skeleton).values(), ())
    return tuple(tuple(joint not in together for joint in skeleton.joints) for together in hidden)


def visibility_masks(skeleton: Skeleton) -> Tensor:
    """Masks (occlusion + 1, joint): what each of `occlusions` leaves visible, and at last everything.

    >>> from duolift.body.skeleton import PAPER19
    >>> visibility_masks(PAPER19).sum(-1)
    tensor([15, 15, 16, 16, 13,  7, 12, 12, 19])
    """
    return torch.tensor(visibilities(skeleton))


def random_visibility(masks: Tensor, count: int, dropped: float, root: int) -> Tensor:
    """Masks for training: one of some masks at random, with single joints missing besides.

    >>> import torch
    >>> random_visibility(torch.ones(1, 4, dtype=torch.bool), count=2, dropped=1.0, root=0)
    tensor([[ True, False, False, False],
            [ True, False, False, False]])

    Args:
        masks: (mask, joint), as of `visibility_masks`.
        count: how many to draw.
        dropped: probability that a joint is missing by itself, as a detector misses it.
        root: index of the root joint, which is never dropped.

    Returns:
        (count, joint).
    """
    chosen = masks[torch.randint(len(masks), (count,), device=masks.device)]
    kept = torch.rand(chosen.shape, device=masks.device) >= dropped
    kept[:, root] = True
    return chosen & kept
