"""Where up is, by what every lifted body says, how sure it is, and how cameras are held.

A camera has a tilt (the angle above the horizon, negative where it looks down) and a roll (how far up leans to the
right in its image). Whoever is lifted says two things of them: the elevation of the ray to the root, and, if the lifter
says that, how far up leans in the image of the camera that faces the root. That is a small problem of weighted least
squares, nonlinear in both angles: Gauss and Newton's steps, reweighted for who is wrong.

Camera frame: x right, y down, z forward; radians.
"""

import math

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing
from duolift.placement.interface import VERTICAL, SceneCameras
from duolift.placement.leaning import roll_by_leaning
from duolift.placement.sequences import mean_over, numbered
from duolift.placement.standing import worth
from duolift.placement.up import Up, direction, roll_by

DEGREE = torch.pi / 180

SHARED_DEG = (2.0, 1.0)
"""Deviations of what all of a camera's people are wrong by, however many they are, about elevation and about roll:
means over a sequence are off by 1.5 and 2.9 (elevation, s04 and s03), and by 0.8 and 0.5 (roll)."""

OWN_DEG = 2.0
"""Deviation of what somebody is wrong by about elevation and roll in all frames alike, beside what all are wrong by:
differences between two people's means over a sequence say 1.9 (s04), 2.0 (s03) and 2.6 (s02)."""

ELEVATION_DEG = math.hypot(OWN_DEG, SHARED_DEG[0])
"""Deviation of an elevation of which the lifter says none, 2.8 degrees: what all and somebody are wrong by throughout.
In a frame it is 3.9 on s03 and s04 with COCO's joints 3 pixels off, and 3.3 with exact ones, but 3.5 places nobody
better."""

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


def told_by_all(lifted: Lifted, cameras: SceneCameras) -> Up:
    """Where up is by everybody in a scene, or in a sequence, as `upright` has it.

    Args:
        lifted: the people.
        cameras: of their scenes.

    >>> from duolift.body.skeleton import PAPER19
    >>> level = Lifted.of(PAPER19, torch.zeros(3, 2, 19, 3), torch.zeros(3, 2), torch.zeros(3, 2, 2), 10.0)
    >>> told_by_all(level, SceneCameras(torch.zeros(3, dtype=torch.long))).tilt.shape
    torch.Size([3])
    """
    sequence = numbered(cameras.sequence, lifted.elevation)
    information = worth(torch.bincount(sequence), cameras.interval)[sequence]
    turn = facing(lifted.root_rays).mT
    return upright(lifted.without_invalid(), turn, None if cameras.sequence is None else sequence, information)


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
    said, precision = _said(lifted, sequence)
    usual, loose = _held(said)
    shared = (said.new_tensor(SHARED_DEG) * DEGREE).square()
    state = usual.expand(len(said), 2)
    normal = torch.diag_embed(loose.expand(len(said), 2))
    for step in range(STEPS):
        expected, slopes = _expected(state, turn)
        off = _turned(said - expected)
        weight = _of_who_is_right(off, precision, shared)
        # at first everybody is off by as much as the camera is rolled: nobody lies, and it may be rolled by any angle
        found = step >= STEPS // 2
        weight = _of_who_is_right_throughout(off, weight, shared, sequence, information, lies=found)
        weighted = slopes * weight.unsqueeze(-1)
        told = mean_over((weighted.mT @ slopes).sum(1), sequence)  # (scene, 2, 2), how precisely, a frame
        pull = mean_over((weighted * off.unsqueeze(-1)).sum((1, 2)), sequence)  # (scene, 2)
        share = _of_all_people(told, shared, information)
        prior = _of_how_cameras_are_held(state, usual, loose) if found else loose.amin().expand_as(state)
        normal = torch.diag_embed(prior) + share.unsqueeze(-1) * told * share.unsqueeze(-2)
        state = state + torch.linalg.solve(normal, share * (share * pull) + prior * (usual - state))
        state = state.clamp(-torch.pi / 2 + 0.01, torch.pi / 2 - 0.01)
    anybody = mean_over(lifted.valid.to(said).sum(-1), sequence) > 0  # (scene,)
    state = torch.where(anybody.unsqueeze(-1), state, usual)
    return Up(state[:, 0], state[:, 1], normal[:, 0, 0].rsqrt())


def _said(lifted: Lifted, sequence: Tensor | None) -> tuple[Tensor, Tensor]:
    """What everybody says of elevation and roll, (scene, person, 2), and how precisely: 0 where nothing is said.

    Where the lifter says no roll, who stands is as upright as people are.
    """
    valid = lifted.valid.to(lifted.elevation)
    if lifted.up is not None:
        return lifted.up[..., 0], valid.unsqueeze(-1) / lifted.up[..., 1].square()
    lean, precision = roll_by_leaning(lifted, sequence)
    of_elevation = valid * (ELEVATION_DEG * DEGREE) ** -2
    return torch.stack([lifted.elevation, lean], dim=-1), torch.stack([of_elevation, precision], dim=-1)


def _held(like: Tensor) -> tuple[Tensor, Tensor]:
    """Usual tilt and roll of a camera, and how precisely they are known before anybody is seen: (2,) each."""
    held = like.new_tensor(HELD_DEG) * DEGREE
    return held[:, 0], 1 / held[:, 1].square()


def _expected(state: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    """What everybody would say if they were right, (scene, person, 2 said), for tilt and roll (scene, 2), and how that
    changes with those, (scene, person, 2 said, 2 angles).

    The ray to a root is above the horizon by the sine of how far up lies along it; and up leans in the image of the
    camera that faces the root.
    """
    up = direction(*state.unbind(-1))
    own = (turn.mT @ up[:, None, :, None]).squeeze(-1)  # (scene, person, 3), up in the cameras that face the roots
    changes = _slopes(state).unsqueeze(1) @ turn  # (scene, person, 2 angles, 3), of that
    across = own[..., :2].square().sum(-1).clamp(min=1 - VERTICAL)  # (scene, person)
    elevation = own[..., 2].clamp(-VERTICAL, VERTICAL).asin()
    roll = roll_by(own)
    of_elevation = changes[..., 2] / across.sqrt().unsqueeze(-1)
    of_roll = (own[..., :1] * changes[..., 1] - own[..., 1:2] * changes[..., 0]) / across.unsqueeze(-1)
    return torch.stack([elevation, roll], dim=-1), torch.stack([of_elevation, of_roll], dim=-2)


def _turned(off: Tensor) -> Tensor:
    """Differences of elevation and roll (..., 2), those of roll the short way round."""
    return torch.stack([off[..., 0], torch.atan2(off[..., 1].sin(), off[..., 1].cos())], dim=-1)


def _of_who_is_right(off: Tensor, precision: Tensor, shared: Tensor) -> Tensor:
    """Huber's weights (scene, person, 2) of what is said in a frame.

    Whoever disagrees by more than all may be wrong by counts for less.
    """
    deviation = (1 / precision.clamp(min=1e-9) + shared).sqrt()
    return precision * WRONG / (off.abs() / deviation).clamp(min=WRONG)


def _of_who_is_right_throughout(
    off: Tensor, weight: Tensor, shared: Tensor, sequence: Tensor | None, information: Tensor, lies: bool
) -> Tensor:
    """The same (scene, person, 2) where somebody is wrong in all frames alike: by as much as ever, however many.

    With `lies`, some are wrong by far more than others (Student's t).
    """
    more, own = (information - 1).view(-1, 1, 1), (OWN_DEG * DEGREE) ** 2
    in_a_frame = mean_over(weight, sequence)
    throughout = mean_over(weight * off, sequence) / in_a_frame.clamp(min=1e-9)
    variance = shared + own + 1 / ((1 + more) * in_a_frame).clamp(min=1e-9)
    right = (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + throughout.square() / variance)
    right = torch.where((more > 0) & lies, right, 1.0)
    return right * weight / (1 + more * (own * in_a_frame).clamp(max=1))


def _of_all_people(told: Tensor, shared: Tensor, information: Tensor) -> Tensor:
    """Roots of how many frames (scene, 2) count beside what is told in one (scene, 2, 2).

    Errors that all people share are as large as ever, however many people and frames there are.
    """
    frames = information.unsqueeze(-1)
    return (frames / (1 + shared * (frames * told.diagonal(dim1=-1, dim2=-2)))).sqrt()


def _of_how_cameras_are_held(state: Tensor, usual: Tensor, loose: Tensor) -> Tensor:
    """How precisely (scene, 2) the usual tilt and roll are believed, for a state (scene, 2).

    Few cameras are askew, and they may be very much so: Student's t, near what is usual a Gaussian.
    """
    return DEGREES_OF_FREEDOM / (DEGREES_OF_FREEDOM + loose * (usual - state).square()) * loose


def _slopes(state: Tensor) -> Tensor:
    """How up changes with tilt and with roll (scene, 2): (scene, 2, 3)."""
    tilt, roll = state.unbind(-1)
    by_tilt = torch.stack([-roll.sin() * tilt.sin(), roll.cos() * tilt.sin(), tilt.cos()], dim=-1)
    by_roll = torch.stack([roll.cos() * tilt.cos(), roll.sin() * tilt.cos(), torch.zeros_like(tilt)], dim=-1)
    return torch.stack([by_tilt, by_roll], dim=-2)
