"""How far people lean to the side, who stand: it is how far a camera is rolled, where nobody says."""

import math

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.lifted import Lifted
from duolift.placement.interface import SMALLEST
from duolift.placement.sequences import mean_over

LEAN_DEG = 8.0
"""Deviation of how far right or left people lean, a frame, while they stand; who leans by far more does not stand."""

FALLEN_DEG = 45.0
"""Whoever leans by this much lies, as likely as they stand before a camera that is rolled."""

STRAIGHT, STRAIGHT_SOFTNESS = 0.9, 0.02
"""Whoever's neck is this much of legs and trunk above the ankles stands, and the width of this transition."""


def leaning(bodies: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
    """How far people lean, and whether they stand.

    Whoever stands has the neck above the ankles, on the mean, and straight legs.

    Args:
        bodies: (..., joint, 3), in a camera's frame, anywhere.
        skeleton: of the people.

    Returns:
        lean: (...), radians, to the right in the image; 0 of who points at the camera.
        standing: (...), 0 to 1.

    >>> from duolift.body.skeleton import PAPER19
    >>> body = torch.zeros(19, 3)
    >>> body[PAPER19.index("neck")] = torch.tensor([0.5, -0.5, 0.0])
    >>> leaning(body, PAPER19)[0].rad2deg()
    tensor(45.)
    """
    sides = ("left", "right")
    hips, knees, ankles = (skeleton.indices(f"{side}_{name}" for side in sides) for name in ("hip", "knee", "ankle"))
    neck, pelvis, rise = (
        bodies[..., skeleton.index("neck"), :],
        bodies[..., skeleton.root_index, :],
        _rise(bodies, skeleton),
    )
    legs = sum(
        (bodies[..., a, :] - bodies[..., b, :]).norm(dim=-1).mean(-1) for a, b in ((hips, knees), (knees, ankles))
    )
    straight = rise.norm(dim=-1) / (legs + (neck - pelvis).norm(dim=-1)).clamp(min=SMALLEST)
    seen = (rise[..., :2].norm(dim=-1) > SMALLEST).to(rise)
    lean = torch.atan2(seen * rise[..., 0], (1 - seen) - seen * rise[..., 1])
    return lean, seen * ((straight - STRAIGHT) / STRAIGHT_SOFTNESS).sigmoid()


def roll_by_leaning(lifted: Lifted, sequence: Tensor | None) -> tuple[Tensor, Tensor]:
    """What people say of a camera's roll by how they stand.

    The more upright they are in the image, and the more of a sequence's people stand, the more they are believed; who
    lies says nothing.

    Args:
        lifted: the people, none of whose numbers is NaN.
        sequence: (scene,), numbered from 0 on; None for scenes that stand alone.

    Returns:
        roll: (scene, person), radians, in the images of the cameras that face the roots.
        precision: (scene, person), one over its variance; 0 where nothing is said.

    >>> from duolift.body.skeleton import PAPER19
    >>> lying = torch.zeros(1, 2, 19, 3)
    >>> lying[..., PAPER19.index("neck"), 0] = 1.0
    >>> roll_by_leaning(Lifted.of(PAPER19, lying, torch.zeros(1, 2), torch.zeros(1, 2, 2), 10.0), None)[1]
    tensor([[0., 0.]])
    """
    skeleton, bodies = lifted.skeleton, lifted.bodies
    lean, standing = leaning(bodies, skeleton)
    rise = _rise(bodies, skeleton)
    # how far somebody's neck is beside the ankles turns into the larger an angle, the less of them the image shows
    shown = rise[..., :2].square().sum(-1) / rise.square().sum(-1).clamp(min=SMALLEST**2)
    upright = (1 - (lean / math.radians(FALLEN_DEG)).square()).clamp(min=0).square()  # Tukey's weights
    weight = standing * upright * shown * lifted.valid
    share = mean_over(weight.sum(-1), sequence) / mean_over(lifted.valid.to(weight).sum(-1), sequence).clamp(
        min=SMALLEST
    )
    return lean, weight * share.unsqueeze(-1) / math.radians(LEAN_DEG) ** 2


def _rise(bodies: Tensor, skeleton: Skeleton) -> Tensor:
    """From the middle of the ankles to the neck, (..., 3)."""
    ankles = skeleton.indices(("left_ankle", "right_ankle"))
    return bodies[..., skeleton.index("neck"), :] - bodies[..., ankles, :].mean(-2)
