"""The cycle that teaches lifting without labels: lift, turn, reproject, lift again, turn back.

The method is that of ElePose (https://arxiv.org/abs/2112.07088) and LInKs (https://arxiv.org/abs/2309.07243).

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
    theta: Tensor,
    azimuth: float = torch.pi,
    attached: bool = True,
    everybody: Tensor | None = None,
    elevations: tuple[float, float] | None = None,
) -> Tensor:
    """Rotations that show poses from elsewhere: `R = Rx(a) Ry(b) Rx(theta)`.

    The pose is levelled by its own elevation, turned about the vertical by b, uniform in +-azimuth, and seen from an
    elevation drawn from the distribution of the batch's, `a ~ N(-mean(theta), std(theta))`, or from a known one.

    >>> import torch
    >>> random_views(torch.zeros(5), azimuth=0.0)[0]  # all elevations are 0, and nothing turns
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.]])

    Args:
        theta: (batch,), elevations in radians.
        azimuth: largest turn about the vertical, radians.
        attached: gradients also reach theta through the mean and deviation that a is drawn with.
        everybody: (any number,), the elevations of the whole batch where theta are those of a part of it.
        elevations: mean and deviation of the elevations that people are seen from, radians; None takes the batch's.

    Returns:
        (batch, 3, 3).
    """
    everybody = theta if everybody is None else everybody
    seen_from = everybody if attached else everybody.detach()
    mean, deviation = (seen_from.mean(), seen_from.std(correction=0)) if elevations is None else elevations
    tilt = deviation * torch.randn_like(theta) - mean
    turn = azimuth * (2 * torch.rand_like(theta) - 1)
    return rotation_x(tilt) @ rotation_y(turn) @ rotation_x(theta)


@dataclass(frozen=True)
class Cycle:
    """Everything that the losses compare. A leading axis runs over the ways to lift a pose.

    Attributes:
        body: (way, batch, joint, 3), the lifted poses.
        turned: (way, batch, joint, 3), the same turned to a random view.
        seen: (way, batch, joint, 2), its projection: should be a likely 2D pose.
        relifted: (way, batch, joint, 3), the projection lifted again: should be `turned`.
        returned: (way, batch, joint, 3), that turned back: should be `body`.
        back: (way, batch, joint, 2), its projection: should be the input.

    >>> body, seen = torch.zeros(1, 8, 19, 3), torch.zeros(1, 8, 19, 2)
    >>> perfect = Cycle(body, turned=body, seen=seen, relifted=body, returned=body, back=seen)
    """

    body: Tensor
    turned: Tensor
    seen: Tensor
    relifted: Tensor
    returned: Tensor
    back: Tensor


def cycle(offsets_of: Callable[[Tensor], Tensor], poses: Tensor, offsets: Tensor, views: Tensor, c: float) -> Cycle:
    """Run the cycle of ElePose and LInKs.

    >>> import torch
    >>> def flat(poses):  # a lifter that says that everything is as far away as the root
    ...     return torch.zeros(poses.shape[:-1])
    >>> poses = torch.tensor([[[0.0, 0.0], [0.1, 0.0]]])
    >>> seen = cycle(flat, poses, flat(poses).unsqueeze(0), random_views(torch.zeros(1), azimuth=0.0), c=10.0)
    >>> seen.body[0, 0]  # one head length to the right
    tensor([[0., 0., 0.],
            [1., 0., 0.]])
    >>> torch.allclose(seen.back[0], poses)  # seen from where it was, a pose comes back as it was
    True

    Args:
        offsets_of: lifts poses (way, batch, joint, 2) again, each in its own way: offsets (way, batch, joint).
        poses: (batch, joint, 2).
        offsets: (way, batch, joint), already predicted for `poses`.
        views: (batch, 3, 3), from `random_views`.
        c: head lengths from the camera to every root.
    """
    body = lift(poses, offsets, c)  # (way, batch, joint, 3), as everything in 3D below
    turned = rotate(views, body)
    seen = project(turned, c)
    relifted = lift(seen, offsets_of(seen), c)
    returned = rotate(views.mT, relifted)
    return Cycle(body, turned, seen, relifted, returned, project(returned, c))
