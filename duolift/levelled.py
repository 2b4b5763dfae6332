"""People as a level camera would see them.

A camera that is rolled, turned about its optical axis, sees the people that a level one sees, turned in the image. Few
cameras are, so that a lifter has seen few such people: of those before a camera that is rolled by 20 degrees it says
that they are seen from 6 degrees further above, and their bodies are a tenth worse. But what a level camera would see
is known once the roll is, and everybody's bodies say that well: so people are lifted once more, as it sees them.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import in_plane
from duolift.placement.interface import SceneCameras
from duolift.placement.up import Up, roll_by
from duolift.placement.upright import DEGREE, HELD_DEG, told_by_all

LEVEL = HELD_DEG[1][1] * DEGREE
"""A camera that is rolled by less than this is as good as level: most are."""

LOOKS = 4
"""How often people are lifted at most: twice is enough for 30 degrees, three times for 45."""


def lifted_level(
    lift: Callable[[Tensor], Lifted], rays: Tensor, cameras_of: Callable[[Lifted], SceneCameras]
) -> tuple[Lifted, Up | None]:
    """People before cameras that may be rolled.

    Args:
        lift: lifts rays (scene, person, joint, 2), slopes.
        rays: what the cameras see; anything where a joint is not visible.
        cameras_of: what is known of the cameras, once people are lifted.

    Returns:
        lifted: the people.
        told: where up is by all of them; None where it is known, or where they were not asked again.

    >>> from duolift.body.skeleton import PAPER19
    >>> seen = []
    >>> def lift(rays: Tensor) -> Lifted:
    ...     seen.append(rays)
    ...     return Lifted.of(PAPER19, torch.zeros(1, 2, 19, 3), torch.zeros(1, 2), rays[:, :, 0], 10.0)
    >>> held = SceneCameras(up=torch.tensor([[0.5, -(0.75**0.5), 0.0]]))  # rolled by 30 degrees
    >>> lifted, _ = lifted_level(lift, torch.rand(1, 2, 19, 2), lambda lifted: held)
    >>> len(seen), bool((lifted.root_rays - seen[0][:, :, 0]).norm() < 1e-6)
    (2, True)
    """
    lifted, roll = lift(rays), rays.new_zeros(len(rays))
    for _ in range(LOOKS - 1):
        cameras = cameras_of(lifted)
        if cameras.up is None:
            told = told_by_all(lifted, cameras)
            found = told.roll
        else:
            told, found = None, roll_by(cameras.up)
        further = (found - roll).abs() > LEVEL
        if not further.any():
            return lifted, told
        roll = torch.where(further, found, roll)
        lifted = lifted_once(lift, rays, roll)
    return lifted, None


def lifted_once(lift: Callable[[Tensor], Lifted], rays: Tensor, roll: Tensor) -> Lifted:
    """People before cameras that are rolled by so much (scene,), radians, lifted as level ones would see them.

    >>> from duolift.body.skeleton import PAPER19
    >>> nobody = lambda rays: Lifted.of(PAPER19, torch.zeros(1, 0, 19, 3), torch.zeros(1, 0), rays[:, :, 0], 10.0)
    >>> lifted_once(nobody, torch.zeros(1, 0, 19, 2), torch.tensor([0.5])).root_rays.shape
    torch.Size([1, 0, 2])
    """
    return lift(in_plane(rays, -roll[:, None, None])).rolled(roll)
