"""Metres: an image does not tell how large people are, so that they are taken to be of average stature on the mean.

Nothing here branches on its data, so that it can be exported.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real

import torch
from torch import Tensor

from duolift.body.anthropometry import upright_bones, upright_length
from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.geometry.bones import bone_lengths
from duolift.geometry.rotations import levelling, rotate
from duolift.placement.interface import SMALLEST, Placed
from duolift.placement.standing import SIZES

STATURE = 1.7
"""Metres: the mean of the people in a scene. An assumption, not a measurement."""

SHORTEST, TALLEST = 0.4, 2.8
"""Metres; nobody is believed to be shorter or taller."""


SPREAD = SIZES
"""Deviation of people's statures, as a share of them."""

ALIKE = 0.5
"""Share of its square that the people of a scene have in common, as they are of one sex, age or origin: many people are
no measure of a metre. By sex alone it is 0.48, with men of 1.756 +- 0.069 m and women of 1.629 +- 0.064 m (ANSUR II:
Gordon et al., "2012 Anthropometric Survey of U.S. Army Personnel", NATICK/TR-15/007, 2014)."""

MEASURED = 0.035
"""Deviation of a lifted body's stature whose true one is known, as a share: 0.042 on Shelf, 0.037 in four films of two
people, 0.03 and 0.015 on s04 and s03 with COCO's joints 3 pixels off, each of one person over a video."""


@dataclass(frozen=True)
class Statures:
    """How tall people are, as far as it is known, metres.

    Attributes:
        mean: of everybody in a scene; None if it is not known.
        own: of some people, by their identity.

    Raises:
        InputError: a stature that nobody has.

    >>> Statures(own={2: 1.65}).of((1, 2))
    tensor([  nan, 1.6500])
    >>> Statures(mean=182)
    Traceback (most recent call last):
    duolift.errors.InputError: stature is 182; expected metres, from 0.4 to 2.8
    """

    mean: float | None = None
    own: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for value in (*self.own.values(), *([] if self.mean is None else [self.mean])):
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not (number and SHORTEST <= value <= TALLEST):
                raise InputError(f"stature is {value!r}; expected metres, from {SHORTEST:g} to {TALLEST:g}")

    def of(self, identities: Sequence[int]) -> Tensor:
        """Of people, NaN where it is not known: (person,). One known person is measure enough for the others.

        Raises:
            InputError: a stature is given of somebody who is not there.
        """
        if strangers := [number for number in self.own if number not in identities]:
            known = ", ".join(map(str, identities))
            raise InputError(f"stature of person {strangers[0]}: nobody has this number; expected one of {known}")
        return self.among(identities)

    def among(self, identities: Sequence[int]) -> Tensor:
        """The same where people come and go: it does not matter whether those who are known are there.

        >>> Statures(own={2: 1.65}).among((1, 3))
        tensor([nan, nan])
        """
        if self.own:
            return torch.tensor([self.own.get(number, math.nan) for number in identities])
        return torch.full((len(identities),), math.nan if self.mean is None else self.mean)


UNKNOWN_STATURES = Statures()


def in_metres(placed: Placed, valid: Tensor, skeleton: Skeleton, static: bool, stature: Tensor | None = None) -> Placed:
    """The same scenes in metres.

    Args:
        placed: people in any unit.
        valid: (scene, person).
        skeleton: of the people.
        static: all scenes are frames of one static camera, whose height is the same in all of them.
        stature: (person,), metres, NaN where it is not known; None for nobody's.

    >>> from duolift.body.skeleton import PAPER19
    >>> people, up = torch.rand(4, 2, 19, 3), torch.tensor([[0.0, -1.0, 0.0]]).expand(4, 3)
    >>> placed = Placed(people, up, torch.tensor([2.0, 2.1, 1.9, 2.0]), torch.ones(4, 2), torch.ones(4, 2))
    >>> metric = in_metres(placed, torch.ones(4, 2, dtype=torch.bool), PAPER19, static=True)
    >>> metric.height.unique().shape  # one camera, one height
    torch.Size([1])
    """
    above = placed.height > 0  # the camera is above the ground
    height = torch.where(above, placed.height, 1.0)  # (scene,): the camera's height becomes 1
    people, depth = placed.people / height[:, None, None, None], placed.depth / height[:, None]
    unit = metres_per_unit(people, valid, skeleton, static, stature)
    return replace(
        placed,
        people=unit[:, None, None, None] * people,
        height=torch.where(above, unit, unit * placed.height),
        depth=unit[:, None] * depth,
    )


def metres_per_unit(
    people: Tensor, valid: Tensor, skeleton: Skeleton, static: bool, stature: Tensor | None = None
) -> Tensor:
    """What lengths are multiplied by for the people of a scene to be as tall as they are, or as people are on the mean:
    (scene,).

    Args:
        people: (scene, person, joint, 3), any unit.
        valid: (scene, person).
        static: one factor for all scenes.
        stature: (person,), see `in_metres`. Where anybody's is known, the others' do not matter.

    >>> from duolift.body.skeleton import PAPER19
    >>> people, valid = torch.rand(1, 2, 19, 3), torch.ones(1, 2, dtype=torch.bool)
    >>> once = metres_per_unit(people, valid, PAPER19, static=False)
    >>> torch.allclose(metres_per_unit(10 * people, valid, PAPER19, static=False), once / 10)
    True
    """
    weight, tall = _told(valid, stature, people)
    factor, count = (weight * (tall.log() - log_stature(people, skeleton))).sum(-1), weight.sum(-1)  # (scene,) each
    if static:
        factor, count = factor.sum().expand_as(factor), count.sum().expand_as(count)
    return (factor / count.clamp(min=1)).exp()


def log_stature(people: Tensor, skeleton: Skeleton) -> Tensor:
    """Logarithms of how tall people (..., joint, 3) are, (...), in their unit: by their legs, trunk, neck and head.

    By the mean of all bones, people in their true places seem shorter than they are, and are made too large for it:
    by 8 to 12 % on s03 and s04, 5 % on Shelf and in films; by these they are right to 2 % there. Hands end at the
    knuckles in data sets and detections and at the finger tips in the table, whose upper arms are long as well.

    >>> from duolift.body.skeleton import PAPER19
    >>> people = torch.rand(2, 19, 3)
    >>> bool((log_stature(2 * people, PAPER19) - log_stature(people, PAPER19) - math.log(2)).abs().max() < 1e-5)
    True
    """
    shares = people.new_tensor(upright_bones(skeleton))
    tall = (bone_lengths(people, skeleton) * shares).sum(-1) / upright_length(skeleton)
    return tall.clamp(min=SMALLEST).log()


def on_ground_of(
    level: Placed, other: Placed, valid: Tensor, skeleton: Skeleton, static: bool, stature: Tensor | None = None
) -> Tensor:
    """People who were placed before a level camera, as another placement's camera sees them on its ground.

    Two placements can then be shown in one scene.

    Args:
        level: people in the frame of a level camera, any unit.
        other: metres; its camera is taken.
        valid, skeleton, static, stature: see `in_metres`.

    Returns:
        (scene, person, joint, 3), metres, in the frame of `other`.

    >>> from duolift.body.skeleton import PAPER19
    >>> up = torch.tensor([[0.0, -1.0, 0.0]])
    >>> level = Placed(torch.rand(1, 2, 19, 3), up, torch.ones(1), torch.ones(1, 2), torch.ones(1, 2))
    >>> other = Placed(level.people, up, torch.tensor([1.6]), level.depth, level.confidence)
    >>> people = on_ground_of(level, other, torch.ones(1, 2, dtype=torch.bool), PAPER19, static=False)
    >>> people[..., PAPER19.feet, 1].max()  # the lowest foot is on the ground, 1.6 m below the camera
    tensor(1.6000)
    """
    unit = metres_per_unit(level.people, valid, skeleton, static, stature)
    people = level.people * unit[:, None, None, None]
    lowest = people[..., skeleton.feet, 1].amax(-1).masked_fill(~valid, -torch.inf).amax(-1)  # (scene,)
    shift = torch.where(lowest.isinf(), 0.0, other.height - lowest)
    people = people + people.new_tensor([0.0, 1.0, 0.0]) * shift[:, None, None, None]
    return rotate(levelling(other.up).mT.unsqueeze(1), people)


def scale_deviation(people: Tensor, known: Tensor) -> Tensor:
    """How far off all lengths of a scene together are expected to be, as a share of them, by what is known of statures.

    Args:
        people: how many there are, (...).
        known: of how many of them the stature is known, (...).

    >>> scale_deviation(torch.tensor([1, 4, 1000, 4]), torch.tensor([0, 0, 0, 4]))
    tensor([0.0700, 0.0553, 0.0495, 0.0175])
    """
    unknown = SPREAD * (ALIKE + (1 - ALIKE) / people.clamp(min=1)).sqrt()
    return torch.where(known > 0, MEASURED / known.clamp(min=1).sqrt(), unknown)


def distance_deviation(placed: Placed, valid: Tensor, stature: Tensor, lens: float = 0.0) -> Tensor:
    """How far off people's distances from the camera are expected to be, (scene, person), metres.

    Where nobody's stature is known, all distances of a scene are off together, by as much as its people are taller or
    shorter than others; and all are off alike by as much as the focal length is. NaN for whoever is not there, and
    where the placement does not say.

    Args:
        placed: people in metres.
        valid: (scene, person).
        stature: (person,), see `in_metres`.
        lens: deviation of the focal length, as a share of it.

    >>> up = torch.tensor([[0.0, -1.0, 0.0]])
    >>> placed = Placed(torch.rand(1, 2, 19, 3), up, torch.ones(1), torch.full((1, 2), 4.0), torch.ones(1, 2))
    >>> placed = replace(placed, depth_deviation=torch.full((1, 2), 0.03))
    >>> there = torch.ones(1, 2, dtype=torch.bool)
    >>> distance_deviation(placed, there, torch.full((2,), torch.nan)), distance_deviation(placed, there, torch.ones(2))
    (tensor([[0.2706, 0.2706]]), tensor([[0.1556, 0.1556]]))
    """
    if placed.depth_deviation is None:
        return torch.full_like(placed.depth, torch.nan)
    known = (valid & ~stature.isnan()).sum(-1, keepdim=True)  # (scene, 1), whose stature is known
    together = scale_deviation(valid.sum(-1, keepdim=True), known).to(placed.depth)
    deviation = placed.depth * (placed.depth_deviation.square() + together.square() + lens**2).sqrt()
    return deviation.masked_fill(~valid, torch.nan)


def tilt_deviation(placed: Placed) -> Tensor:
    """How far off the camera's tilt is expected to be, (scene,), degrees; NaN where the placement does not say.

    >>> up = torch.tensor([[0.0, -1.0, 0.0]])
    >>> placed = Placed(torch.rand(1, 2, 19, 3), up, torch.ones(1), torch.ones(1, 2), torch.ones(1, 2))
    >>> tilt_deviation(placed)
    tensor([nan])
    """
    if placed.tilt_deviation is None:
        return torch.full_like(placed.height, torch.nan)
    return placed.tilt_deviation.rad2deg()


def _told(valid: Tensor, stature: Tensor | None, like: Tensor) -> tuple[Tensor, Tensor]:
    """Who tells how large a metre is, (scene, person), 1 or 0, and everybody's stature (person,)."""
    there = valid.to(like)
    stature = like.new_full(valid.shape[-1:], math.nan) if stature is None else stature.to(like)
    known = there * (~stature.isnan()).to(like)
    any_known = known.sum() > 0  # of the scenes together: a person may leave
    return torch.where(any_known, known, there), stature.nan_to_num(STATURE)
