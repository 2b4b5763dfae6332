"""Published human proportions, for a bone prior that owes nothing to any 3D labels.

Segment lengths are fractions of stature from Drillis and Contini, "Body Segment Parameters" (1966), as
tabulated in Winter, "Biomechanics and Motor Control of Human Movement", figure 4.1. What that table does
not split is split here: the trunk (hip height 0.530 to shoulder height 0.818) in two halves, shoulders to
crown (0.182) at the nose. Breadths are of the skin; joint centres lie at 0.54 (hip, of 0.191) and 0.80
(shoulder, of 0.259) of them. The foot's 0.152 is split at the ball; a relaxed hand is 0.8 of an open one.
"""

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton, ancestors

STATURE_FRACTIONS: dict[str, float] = {
    "hip": 0.5 * 0.54 * 0.191,
    "knee": 0.245,
    "ankle": 0.246,
    "foot": 0.52 * 0.152,
    "toe": 0.27 * 0.152,
    "spine": 0.5 * 0.288,
    "neck": 0.5 * 0.288,
    "head": 0.5 * 0.182,
    "head_top": 0.5 * 0.182,
    "shoulder": 0.5 * 0.80 * 0.259,
    "elbow": 0.186,
    "wrist": 0.146,
    "hand": 0.8 * 0.108,
    "thumb": 0.5 * 0.108,
}
"""Joint, whichever side -> distance to its parent on the fullest skeleton."""


def bone_ratios(skeleton: Skeleton) -> Tensor:
    """Every bone's length over the mean of all bones, (bone,)."""
    bones = [(child.rpartition(".")[2], parent.rpartition(".")[2]) for child, parent in skeleton.bones]
    lengths = torch.tensor([bone_length(child, parent) for child, parent in bones])
    return lengths / lengths.mean()


def mean_bone_length(skeleton: Skeleton) -> float:
    """Mean length of a person's bones, as a fraction of stature."""
    lengths = [bone_length(child, parent) for child, parent in skeleton.bones]
    return sum(lengths) / len(lengths)


def bone_length(child: str, parent: str) -> float:
    """Fraction of stature from a joint to one of its ancestors, along the joints between them."""
    chain = [child, *ancestors(child)]
    between = chain[: chain.index(parent)]
    return sum(STATURE_FRACTIONS[joint.removeprefix("left_").removeprefix("right_")] for joint in between)
