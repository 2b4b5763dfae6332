"""A camera's focal length from the people it sees, where nobody calibrated it.

How far below the horizon somebody is seen, in pixels, is the focal length times the tangent of an angle. The lifter
tells the angle: every person's elevation (`duolift.placement.upright`). People who keep their size tell the horizon
(`duolift.placement.horizon`). Both are terms of the fit's energy, and the focal length is one more of its unknowns:
each is tried with the tilts that may go with it, every tilt counts by how well it goes with all of that, and what is
known of lenses beforehand is weighed with the sum. Elevations of a camera share an error, and sequences may mislead.
The answer is the mean of what is left possible, with its deviation; where that is no narrower than what was known
before anybody was seen, it is the default, and the result says so.

The principal point is taken for the image's centre, and lenses for ideal. Pixels; head lengths; radians.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing
from duolift.placement.horizon import REACH, TILTS, agreed_tilt, thinned, tilt_evidence
from duolift.placement.interface import FocalSource
from duolift.placement.standing import worth
from duolift.placement.up import direction
from duolift.placement.upright import DEGREE, OWN_DEG, SHARED_DEG, upright

FOCAL_PRIOR = 0.35
"""Deviation of a photograph's focal length (logarithm) from the image's diagonal: two of them reach from a telephone's
wide angle, 0.5 diagonals, to a portrait lens, 2."""

FACTORS, SHIFTS = 17, 13
"""How many focal lengths are tried, and how many errors that a camera's elevations share: all that are likely
(`duolift.placement.horizon.REACH`)."""

MISLED = 0.2
"""Probability that a sequence says nothing of its camera: somebody is carried, nobody stands."""

AS_GOOD_AS = 4.0
"""However many sequences a camera has, they tell no more than so many: errors of lifted people are systematic."""

TOLD = 0.95
"""The people have told a focal length where its deviation is less than this much of the prior's."""

DOUBTFUL = 0.25
"""A focal length of which people leave open more than this is doubtful, and said to be: 25 %."""


@dataclass(frozen=True)
class FocalLength:
    """Focal lengths of cameras.

    Attributes:
        pixels: (camera,).
        deviation: (camera,), of its logarithm: 0.1 is 10 %.
        source: of each camera, `people` or `default`.

    >>> FocalLength(torch.tensor([1100.0]), torch.tensor([0.1]), (FocalSource.PEOPLE,)).pixels
    tensor([1100.])
    """

    pixels: Tensor
    deviation: Tensor
    source: tuple[FocalSource, ...]


def default_focal(principal: Tensor) -> Tensor:
    """The normal lens: the image's diagonal, 53 degrees across it, for principal points (..., 2) in the centre.

    It shows people as an onlooker sees them, it is the middle of what cameras are used with, and it is what
    others assume of unknown cameras (CLIFF, https://arxiv.org/abs/2208.00571).

    >>> default_focal(torch.tensor([400.0, 300.0]))  # an image of 800 x 600
    tensor(1000.)
    """
    return 2 * principal.norm(dim=-1)


def focal_from_people(
    lifted: Lifted, assumed: Tensor, sequence: Tensor, camera: Tensor, interval: float = 1 / 30
) -> FocalLength:
    """The focal lengths for which people keep their size and are seen from where their elevations say.

    Args:
        lifted: people who were lifted with the assumed focal lengths; they keep their index over a sequence.
        assumed: (camera,), pixels, the middle of the prior.
        sequence: (scene,), which sequence of a static camera each scene is a frame of.
        camera: (scene,), an index into `assumed`.
        interval: seconds from a frame of a sequence to the next.

    >>> from duolift.body.skeleton import PAPER19
    >>> bodies, rays = torch.randn(6, 2, 19, 3), 0.1 * torch.randn(6, 2, 2)
    >>> lifted = Lifted.of(PAPER19, bodies, torch.zeros(6, 2), rays, 10.0)
    >>> one = torch.zeros(6, dtype=torch.long)  # a sequence of one camera
    >>> focal_from_people(lifted, torch.tensor([1000.0]), one, one).pixels.shape
    torch.Size([1])
    """
    kept, sequence, count = thinned(sequence)
    owner = torch.zeros_like(count).scatter(0, sequence, camera[kept])  # (sequence,)
    lifted = lifted[kept].without_invalid()
    information = worth(count, interval)  # (sequence,)
    factors = FOCAL_PRIOR * torch.linspace(-REACH, REACH, FACTORS).to(lifted.bodies)  # (factor,), logarithms
    own = torch.stack([_own(lifted, factor, sequence, information) for factor in factors.exp().tolist()], 1)
    likely = _likely(own, owner, len(assumed))
    chances = (likely - (factors / FOCAL_PRIOR).square() / 2).softmax(-1)  # (camera, factor)
    mean = (chances * factors).sum(-1)
    deviation = (chances * (factors - mean.unsqueeze(-1)).square()).sum(-1).sqrt()
    told = deviation < TOLD * FOCAL_PRIOR
    return FocalLength(
        assumed * torch.where(told, mean, 0).exp(),
        torch.where(told, deviation, FOCAL_PRIOR),
        tuple(FocalSource.PEOPLE if sure else FocalSource.DEFAULT for sure in told.tolist()),
    )


def _own(lifted: Lifted, factor: float, sequence: Tensor, information: Tensor) -> Tensor:
    """What each sequence says of a focal length that is so many times the assumed one: (sequence, shift), logarithms,
    for each error that a camera's elevations may share.

    Args:
        lifted: few people of each sequence, with numbers in place of those who are not valid.
        sequence: (scene,), numbered from 0 on.
        information: (sequence,), how many independent frames a sequence is worth.
    """
    through = replace(lifted, root_rays=lifted.root_rays / factor, distance=lifted.distance * factor)
    turn = facing(through.root_rays).mT  # (scene, person, 3, 3)
    told = upright(through, turn, sequence, information[sequence])
    roll = told.roll if lifted.up is not None else torch.zeros_like(told.roll)  # elevations alone tell little of it
    tilt = agreed_tilt(through, turn, roll, sequence)
    shared = SHARED_DEG[0] * DEGREE
    each = torch.arange(len(sequence), device=sequence.device)
    first = torch.full_like(information, len(sequence), dtype=torch.long).scatter_reduce(0, sequence, each, "amin")
    variance = (told.deviation[first].square() - shared**2).clamp(min=0) + (OWN_DEG * DEGREE) ** 2  # (sequence,)
    off = (variance + shared**2).sqrt().unsqueeze(-1) * torch.linspace(-REACH, REACH, TILTS).to(variance)
    tilts = tilt.unsqueeze(-1) + off[sequence]  # (scene, tilt)
    ups = direction(tilts, roll.unsqueeze(-1).expand_as(tilts))
    sizes = tilt_evidence(through, ups, sequence, information)  # (sequence, tilt)
    shift = shared * torch.linspace(-REACH, REACH, SHIFTS).to(variance)
    apart = (off.unsqueeze(1) - shift.unsqueeze(-1)).square() / (2 * variance[:, None, None])  # (sequence, shift, tilt)
    return (sizes.unsqueeze(1) - apart).logsumexp(-1) + off[:, :2].diff(dim=-1).log()


def _likely(own: Tensor, camera: Tensor, cameras: int) -> Tensor:
    """Logarithms of how likely each factor makes what all sequences of a camera show: (camera, factor).

    Args:
        own: (sequence, factor, shift), what each says.
        camera: (sequence,).
    """
    share = (AS_GOOD_AS / torch.bincount(camera, minlength=cameras).clamp(min=1)).clamp(max=1)
    chances = own.softmax(1)
    chances = ((1 - MISLED) * chances + MISLED / own.shape[1]).log()
    total = own.new_zeros(cameras, *own.shape[1:]).index_add(0, camera, chances)
    shifts = torch.linspace(-REACH, REACH, SHIFTS).to(own)
    return (share[:, None, None] * total - shifts.square() / 2).logsumexp(-1)
