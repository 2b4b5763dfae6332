"""Where up is, by what every lifted body says, how sure it is, and how cameras are held.

A camera has a tilt (the angle above the horizon, negative where it looks down) and a roll (how far up leans to the
right in its image). Whoever is lifted says two things of them: the elevation of the ray to the root, and, if the lifter
says that, how far up leans in the image of the camera that faces the root. That is a small problem of weighted least
squares, nonlinear in both angles: Gauss and Newton's steps, reweighted for who is wrong.

Camera frame: x right, y down, z forward; radians.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.placement.ground import mean_over
from duolift.placement.interface import VERTICAL

DEGREE = torch.pi / 180

ELEVATION_DEG = 3.5
"""Deviation of an elevation of which the lifter says none: 3.9 on s03 and s04 of the motion capture, with COCO's joints
3 pixels off, and 3.3 with exact ones."""

SHARED_DEG = (2.0, 1.0)
"""Deviations of what all of a camera's people are wrong by, however many they are, about elevation and about roll:
means over a sequence are off by 1.5 and 2.9 (elevation, s04 and s03), and by 0.8 and 0.5 (roll)."""

OWN_DEG = 2.0
"""Deviation of what somebody is wrong by about elevation and roll in all frames alike, beside what all are wrong by:
differences between two people's means over a sequence say 1.9 (s04), 2.0 (s03) and 2.6 (s02)."""

HELD_DEG = ((-10.0, 25.0), (0.0, 3.0))
"""Mean and deviation of a camera's tilt and roll before anybody is seen: held or hung by people, more or less level.
For the tilt 15 to 40 degrees are as good: 3.1 to 3.2 degrees off on Shelf's images, 2.9 on those of s03, 2.2 to 2.3 on
those of s04."""

WRONG = 2.0
"""Deviations from which somebody who disagrees counts for less, by Huber's weights."""

DEGREES_OF_FREEDOM = 4.0
"""Of Student's t distribution, which two things are taken to follow: what somebody is wrong by throughout, as who lies
or is carried all the time is wrong by far more than others; and how cameras are held, as some are far from level. The
usual choice."""

STEPS = 8


@dataclass(frozen=True)
class Up:
    """Where up is, scene by scene.

    Attributes:
        tilt, roll: (scene,).
        deviation: (scene,), of the tilt.

    >>> level = Up(torch.zeros(1), torch.zeros(1), torch.ones(1))
    >>> level.vector + 0.0
    tensor([[ 0., -1.,  0.]])
    """

    tilt: Tensor
    roll: Tensor
    deviation: Tensor

    @property
    def vector(self) -> Tensor:
        """Unit vectors (scene, 3)."""
        return direction(self.tilt, self.roll)


def direction(tilt: Tensor, roll: Tensor) -> Tensor:
    """Where up is, (..., 3), for a camera's tilt and roll (...).

    >>> direction(torch.tensor(-torch.pi / 2), torch.tensor(0.0)).round() + 0.0
    tensor([ 0.,  0., -1.])
    """
    return torch.stack([roll.sin() * tilt.cos(), -roll.cos() * tilt.cos(), tilt.sin()], dim=-1)


def known_up(tilt: float | None, lifted: Lifted) -> Tensor | None:
    """Where up is in every frame, (frame, 3), by how far a level camera is known to look down; None where it is not.

    Args:
        tilt: degrees, or None.
        lifted: people of all frames.

    >>> from duolift.body.skeleton import PAPER19
    >>> lifted = Lifted.of(PAPER19, torch.randn(4, 2, 19, 3), torch.zeros(4, 2), torch.zeros(4, 2, 2), 10.0)
    >>> known_up(90.0, lifted)[0].round() + 0.0
    tensor([ 0.,  0., -1.])
    """
    if tilt is None:
        return None
    radians = lifted.elevation.new_tensor(-tilt).deg2rad()
    return direction(radians, torch.zeros_like(radians)).expand(len(lifted), 3)


def upright(lifted: Lifted, turn: Tensor, sequence: Tensor | None, information: Tensor) -> Up:
    """The camera's tilt and roll by everybody in a scene, or in a sequence.

    Args:
        lifted: the people, none of whose numbers is NaN.
        turn: (scene, person, 3, 3), from the cameras that face the roots to the real one.
        sequence: (scene,), numbered from 0 on; None for a camera of its own for each.
        information: (scene,), how many independent frames the scene's sequence is worth.

    >>> from duolift.body.skeleton import PAPER19
    >>> level = Lifted.of(PAPER19, torch.zeros(1, 2, 19, 3), torch.zeros(1, 2), torch.zeros(1, 2, 2), 10.0)
    >>> up = upright(level, torch.eye(3).expand(1, 2, 3, 3), None, torch.ones(1))
    >>> bool(up.tilt.abs() < 0.01)  # by what is usual, cameras look down a little
    True
    """
    told, precision = _told(lifted)  # (scene, person, 2)
    held = told.new_tensor(HELD_DEG) * DEGREE
    more, own_error = (information - 1).view(-1, 1, 1), (OWN_DEG * DEGREE) ** 2
    usual, loose, shared = held[:, 0], 1 / held[:, 1].square(), (told.new_tensor(SHARED_DEG) * DEGREE).square()
    state = usual.expand(len(told), 2)  # tilt and roll
    people = mean_over(lifted.valid.to(told).sum(-1), sequence)  # in a frame
    normal = torch.diag_embed(loose.expand(len(told), 2))
    for done in range(STEPS):
        up = direction(*state.unbind(-1))
        slopes = _slopes(state)  # (scene, 2 angles, 3)
        own = (turn.mT @ up[:, None, :, None]).squeeze(-1)  # (scene, person, 3), as the cameras that face roots have it
        own_slopes = slopes.unsqueeze(1) @ turn  # (scene, person, 2 angles, 3)
        across = own[..., :2].square().sum(-1).clamp(min=1 - VERTICAL)  # (scene, person)
        said = torch.stack([own[..., 2].clamp(-VERTICAL, VERTICAL).asin(), torch.atan2(own[..., 0], -own[..., 1])], -1)
        by_elevation = own_slopes[..., 2] / across.sqrt().unsqueeze(-1)
        by_roll = (own[..., :1] * own_slopes[..., 1] - own[..., 1:2] * own_slopes[..., 0]) / across.unsqueeze(-1)
        jacobian = torch.stack([by_elevation, by_roll], dim=-2)  # (scene, person, 2 said, 2 angles)
        off = told - said
        off = torch.stack([off[..., 0], torch.atan2(off[..., 1].sin(), off[..., 1].cos())], dim=-1)
        # whoever disagrees by more than all may be wrong by counts for less: (scene, person, 2)
        weight = precision * WRONG / (off.abs() / (1 / precision.clamp(min=1e-9) + shared).sqrt()).clamp(min=WRONG)
        # what somebody is wrong by throughout is as large as ever, however many frames there are
        mean_weight = mean_over(weight, sequence)
        throughout = mean_over(weight * off, sequence) / mean_weight.clamp(min=1e-9)
        variance = shared + own_error + 1 / ((1 + more) * mean_weight).clamp(min=1e-9)
        lies = (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + throughout.square() / variance)
        # at first everybody is off by as much as the camera is rolled, and nobody lies
        lies = torch.where((more > 0) & (done >= STEPS // 2), lies, 1.0)
        weight = lies * weight / (1 + more * (own_error * mean_weight).clamp(max=1))
        weighted = jacobian * weight.unsqueeze(-1)
        total = mean_over((weighted.mT @ jacobian).sum(1), sequence)  # (scene, 2, 2)
        pull = mean_over((weighted * off.unsqueeze(-1)).sum((1, 2)), sequence)  # (scene, 2)
        # errors that all share are as large as ever, however many people there are
        alike = information.unsqueeze(-1) * total.diagonal(dim1=-1, dim2=-2)  # (scene, 2)
        share = (information.unsqueeze(-1) / (1 + shared * alike)).sqrt()
        # few cameras are askew, and they may be very much so: near what is usual it is a Gaussian
        rare = DEGREES_OF_FREEDOM / (DEGREES_OF_FREEDOM + loose * (usual - state).square())  # (scene, 2)
        prior = rare * loose
        normal = torch.diag_embed(prior) + share.unsqueeze(-1) * total * share.unsqueeze(-2)
        step = share * (share * pull) + prior * (usual - state)
        state = state + torch.linalg.solve(normal, step)
        state = state.clamp(-torch.pi / 2 + 0.01, torch.pi / 2 - 0.01)
    state = torch.where((people > 0).unsqueeze(-1), state, usual)
    return Up(state[:, 0], state[:, 1], normal[:, 0, 0].rsqrt())


def _told(lifted: Lifted) -> tuple[Tensor, Tensor]:
    """What everybody says of elevation and roll, (scene, person, 2), and how precisely: 0 where nothing is said."""
    valid = lifted.valid.to(lifted.elevation).unsqueeze(-1)
    if lifted.up is not None:
        return lifted.up[..., 0], valid / lifted.up[..., 1].square()
    told = torch.stack([lifted.elevation, torch.zeros_like(lifted.elevation)], dim=-1)
    precision = told.new_tensor([(ELEVATION_DEG * DEGREE) ** -2, 0.0])
    return told, valid * precision


def _slopes(state: Tensor) -> Tensor:
    """How up changes with tilt and with roll (scene, 2): (scene, 2, 3)."""
    tilt, roll = state.unbind(-1)
    by_tilt = torch.stack([-roll.sin() * tilt.sin(), roll.cos() * tilt.sin(), tilt.cos()], dim=-1)
    by_roll = torch.stack([roll.cos() * tilt.cos(), roll.sin() * tilt.cos(), torch.zeros_like(tilt)], dim=-1)
    return torch.stack([by_tilt, by_roll], dim=-2)
