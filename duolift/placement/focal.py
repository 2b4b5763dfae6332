"""A camera's focal length from the people it sees, where nobody calibrated it.

How far below the horizon somebody is seen, in pixels, is the focal length times the tangent of an angle. The lifter
tells the angle: every person's elevation. People who keep their size tell the horizon (`duolift.placement.horizon`). So
every focal length is tried with the tilts that go with it, and what sizes and elevations have against it is added up
over the sequences of one camera. Elevations of a camera share an error, sequences may mislead, and a photograph's focal
length is known a little beforehand: the answer is a mean of what is left possible, with its deviation. Where the
people leave nearly as much possible as before they were seen, the default is taken, and the result says so.

The principal point is taken for the image's centre, and lenses for ideal. Pixels; head lengths; radians.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing, rotate
from duolift.placement.ground import log_size, sequence_means
from duolift.placement.horizon import MISLED, agreed_tilt, informative, thinned, tilt_evidence
from duolift.placement.interface import VERTICAL, FocalSource

FOCAL_PRIOR = 0.35
"""Deviation of a photograph's focal length (logarithm) from the image's diagonal: two of them reach from a telephone's
wide angle, 0.5 diagonals, to a portrait lens, 2."""

FACTORS = (0.4, 2.5, 41)
"""Focal lengths that are tried, in default ones: from, to, how many."""

PITCHES_DEG = (-8.0, 8.0, 17)
"""Tilts that are tried, beside the one that elevations tell."""

SHARED_ERROR_DEG, OWN_ERROR_DEG, FRAME_ERROR_DEG = 1.2, 0.7, 3.0
"""Deviations of elevations: shared by all that a camera sees, by a sequence, and of one person in one frame."""

AS_GOOD_AS = 4.0
"""However many sequences a camera has, they tell no more than so many: errors of lifted people are systematic."""

TOLD = 0.8
"""The people have told a focal length where its deviation is less than this much of the prior's."""


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


def focal_from_people(lifted: Lifted, assumed: Tensor, sequence: Tensor, camera: Tensor) -> FocalLength:
    """The focal lengths for which people keep their size and are seen from where their elevations say.

    Args:
        lifted: people who are all valid, lifted with the assumed focal lengths.
        assumed: (camera,), pixels, the middle of the prior.
        sequence: (scene,), which sequence of a static camera each scene is a frame of.
        camera: (scene,), an index into `assumed`.

    >>> from duolift.body.skeleton import PAPER19
    >>> bodies, rays = torch.randn(6, 2, 19, 3), 0.1 * torch.randn(6, 2, 2)
    >>> lifted = Lifted.of(PAPER19, bodies, torch.zeros(6, 2), rays, 10.0)
    >>> one = torch.zeros(6, dtype=torch.long)  # a sequence of one camera
    >>> focal_from_people(lifted, torch.tensor([1000.0]), one, one).pixels.shape
    torch.Size([1])
    """
    kept, sequence, count = thinned(sequence)
    owner = torch.zeros_like(count).scatter(0, sequence, camera[kept])  # (sequence,)
    lifted = lifted[kept]
    elevation = lifted.elevation
    dtype, device = elevation.dtype, elevation.device
    low, high, number = FACTORS
    factors = torch.linspace(math.log(low), math.log(high), number, dtype=dtype, device=device)  # (factor,), logarithms
    pitches = torch.linspace(*PITCHES_DEG, dtype=dtype, device=device).deg2rad()  # (pitch,)
    size, against, off = log_size(lifted.bodies, lifted.skeleton), [], []
    for factor in factors.exp().tolist():
        turn = facing(lifted.root_rays / factor).mT  # (scene, person, 3, 3)
        people = rotate(turn, lifted.bodies) + (factor * lifted.distance)[..., None, None] * turn[..., None, :, 2]
        down, ahead = (people[..., axis].movedim(-1, 0).contiguous() for axis in (1, 2))  # (joint, scene, person)
        tilts = agreed_tilt(elevation, turn, sequence).unsqueeze(-1) + pitches  # (scene, pitch)
        up = torch.stack([torch.zeros_like(tilts), -tilts.cos(), tilts.sin()], dim=-1)
        above = (turn[..., :, 2] @ up.mT).clamp(-VERTICAL, VERTICAL).asin()  # (scene, person, pitch)
        off.append(sequence_means((elevation.unsqueeze(-1) - above).mean(1), sequence))
        against.append(tilt_evidence(down, ahead, size, tilts, sequence, count))
    likely = _likely(
        torch.stack(against, 1),
        torch.stack(off, 1),
        informative(count) * elevation.shape[-1],
        owner,
        len(assumed),
    )
    chances = (likely - (factors / FOCAL_PRIOR).square() / 2).softmax(-1)  # (camera, factor)
    mean = (chances * factors).sum(-1)
    deviation = (chances * (factors - mean.unsqueeze(-1)).square()).sum(-1).sqrt()
    told = deviation < TOLD * FOCAL_PRIOR
    return FocalLength(
        assumed * torch.where(told, mean, 0).exp(),
        torch.where(told, deviation, FOCAL_PRIOR),
        tuple(FocalSource.PEOPLE if sure else FocalSource.DEFAULT for sure in told.tolist()),
    )


def _likely(against: Tensor, off: Tensor, independent: Tensor, camera: Tensor, cameras: int) -> Tensor:
    """Logarithms of how likely each factor makes what all sequences of a camera show: (camera, factor).

    Args:
        against: (sequence, factor, pitch), evidence of sizes.
        off: (sequence, factor, pitch), how far elevations are above where they should be, radians.
        independent: (sequence,), how many elevations' worth of information a sequence has.
        camera: (sequence,).
    """
    degree = torch.tensor(1.0, dtype=off.dtype).deg2rad()
    variance = (OWN_ERROR_DEG * degree) ** 2 + (FRAME_ERROR_DEG * degree) ** 2 / independent
    share = (AS_GOOD_AS / torch.bincount(camera, minlength=cameras).clamp(min=1)).clamp(max=1)
    sums = []
    for shift in torch.linspace(-2.5, 2.5, 11).tolist():  # deviations of the error that a camera's elevations share
        apart = (off - shift * SHARED_ERROR_DEG * degree).square() / (2 * variance[:, None, None])
        own = (-against - apart).logsumexp(-1).softmax(-1)  # (sequence, factor)
        own = ((1 - MISLED) * own + MISLED / own.shape[-1]).log()
        total = own.new_zeros(cameras, own.shape[-1]).index_add(0, camera, own)
        sums.append(share.unsqueeze(-1) * total - shift**2 / 2)
    return torch.stack(sums).logsumexp(0)
