"""Lifting, and the cycle that teaches it: lift, turn, reproject, lift again, turn back.

Camera frame: x right, y down, z forward; head lengths, every root at depth c on the optical axis. A
*posed* body is centred on its root. 2D poses are `(..., joint, 2)` as `Normalisation` makes them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.geometry.projection import lift, project
from duolift.geometry.rotations import rotate, rotation_x, rotation_y


def random_views(
    theta: Tensor, azimuth: float = torch.pi, attached: bool = True, everybody: Tensor | None = None
) -> Tensor:
    """Turns that show a pose from elsewhere: `R = Rx(a) Ry(b) Rx(theta)`.

    The pose is levelled by its own elevation, turned about the vertical by b, uniform in +-azimuth,
    and seen from an elevation drawn as the batch's are: `a ~ N(-mean(theta), std(theta))`.

    Args:
        theta: (batch,), radians.
        attached: gradients also reach theta through the mean and deviation that a is drawn with.
        everybody: (any number,), the batch's elevations where theta are those of a part of it.

    Returns:
        (batch, 3, 3).
    """
    everybody = theta if everybody is None else everybody
    seen_from = everybody if attached else everybody.detach()
    tilt = -seen_from.mean() + seen_from.std(correction=0) * torch.randn_like(theta)
    turn = azimuth * (2 * torch.rand_like(theta) - 1)
    return rotation_x(tilt) @ rotation_y(turn) @ rotation_x(theta)


@dataclass(frozen=True)
class Cycle:
    """Everything the losses compare. A leading axis runs over the ways to assemble a pose.

    Attributes:
        body: (way, batch, joint, 3), the lifted poses.
        turned: (way, batch, joint, 3), the same turned to a random view.
        seen: (way, batch, joint, 2), its projection: should be a likely 2D pose.
        relifted: (way, batch, joint, 3), the projection lifted again: should be `turned`.
        returned: (way, batch, joint, 3), that turned back: should be `body`.
        back: (way, batch, joint, 2), its projection: should be the input.
    """

    body: Tensor
    turned: Tensor
    seen: Tensor
    relifted: Tensor
    returned: Tensor
    back: Tensor


def cycle(offsets_of: Callable[[Tensor], Tensor], poses: Tensor, offsets: Tensor, views: Tensor, c: float) -> Cycle:
    """Run the cycle of ElePose and LInKs.

    Args:
        offsets_of: lifts (way, batch, joint, 2) again, each way by itself: (way, batch, joint).
        poses: (batch, joint, 2).
        offsets: (way, batch, joint), already predicted for `poses`.
        views: (batch, 3, 3), from `random_views`.
    """
    body = lift(poses, offsets, c)
    turned = rotate(views, body)
    seen = project(turned, c)
    relifted = lift(seen, offsets_of(seen), c)
    returned = rotate(views.mT, relifted)
    return Cycle(body, turned, seen, relifted, returned, project(returned, c))
