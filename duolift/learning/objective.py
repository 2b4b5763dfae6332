"""What a lifting network learns without 3D labels: the weighted sum of ElePose's and LInKs' loss terms, and ours.

    L = sum over terms of weight * term, each a sum over the ways to lift a pose and a mean over the batch

A term whose weight is 0 is left out: it is not computed.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields
from math import pi
from typing import Any, Self

import torch
from torch import Tensor

from duolift.bounds import NotNegative, check_bounds
from duolift.learning import losses
from duolift.learning.augmentation import Augmentation
from duolift.learning.cycle import Cycle


@dataclass
class LossWeights:
    """The weight of every term of the loss; 0 leaves a term out. The defaults are those of LInKs and ElePose.

    >>> LossWeights(deformation=0.0).terms
    ('likelihood', 'reprojection', 'consistency', 'bone')

    Attributes:
        likelihood: negative log-likelihood of the turned, reprojected pose under the flows.
        reprojection: L1 between the input and the cycled 2D pose.
        consistency: L2 between the turned and the relifted 3D pose.
        deformation: change of the difference between two poses over the cycle.
        bone: deviation of the bones' length ratios from fixed ones.
        augmentation: error in lifting people made of lifted ones, as they are known to be; no term of LInKs or ElePose.
        elevation: how unlike known elevations those of the batch are, see `Objective.elevations`; no term of LInKs or
            ElePose.
    """

    likelihood: NotNegative[float] = 1.0
    reprojection: NotNegative[float] = 1.0
    consistency: NotNegative[float] = 1.0
    deformation: NotNegative[float] = 1.0
    bone: NotNegative[float] = 50.0
    augmentation: NotNegative[float] = 0.0
    elevation: NotNegative[float] = 0.0

    def __post_init__(self) -> None:
        check_bounds(self)

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that have a weight, in the order of the attributes."""
        return tuple(term.name for term in fields(self) if getattr(self, term.name))

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of some terms.

        >>> import torch
        >>> LossWeights().total({"reprojection": torch.tensor(2.0), "bone": torch.tensor(0.1)})
        tensor(7.)
        """
        return torch.stack([getattr(self, name) * value for name, value in terms.items()]).sum()


CYCLE_TERMS = ("reprojection", "consistency", "deformation", "bone")
"""The terms that compare poses of the cycle with each other."""


def cycle_terms(
    poses: Tensor, seen: Cycle, bones: Tensor, ratios: Tensor, wanted: Collection[str] = CYCLE_TERMS
) -> dict[str, Tensor]:
    """The terms that compare poses of the cycle, each summed over the ways to lift a pose.

    >>> import torch
    >>> poses, bodies = torch.zeros(4, 3, 2), torch.rand(1, 4, 3, 3)
    >>> seen = Cycle(body=bodies, turned=bodies, seen=poses[None], relifted=bodies, returned=bodies, back=poses[None])
    >>> bones, ratios = torch.tensor([[1, 0], [2, 1]]), torch.ones(2)
    >>> terms = cycle_terms(poses, seen, bones, ratios, wanted=["reprojection", "consistency"])
    >>> {name: round(value.item(), 3) for name, value in terms.items()}
    {'reprojection': 0.0, 'consistency': 0.0}

    Args:
        poses: (batch, joint, 2), the input.
        seen: the cycle of the input.
        bones: (bone, 2), indices of the joints at both ends.
        ratios: (bone,), the bones' lengths over their mean, as they are known to be.
        wanted: names of the terms to compute; others are left out.
    """
    terms = {
        "reprojection": lambda: losses.reprojection(poses, seen.back),
        "consistency": lambda: losses.consistency(seen.turned, seen.relifted),
        "deformation": lambda: losses.deformation(seen.body, seen.returned),
        "bone": lambda: losses.bone_prior(seen.body, bones, ratios),
    }
    return {name: len(seen.body) * term() for name, term in terms.items() if name in wanted}


@dataclass(frozen=True)
class Objective:
    """What is learned from which views of which poses.

    >>> objective = Objective(bone_ratios=(1.0, 1.0), weights=LossWeights(bone=1.0))
    >>> Objective.from_plain(objective.plain()) == objective
    True

    Attributes:
        bone_ratios: the length of every bone of the skeleton over their mean: the one thing that is known in 3D.
        weights: of the terms of the loss.
        parts: parts of the skeleton whose flows score the views; None takes the parts of the network's split.
        azimuth: views are turned about the vertical by uniformly up to this, radians, to either side.
        attached: gradients reach the elevations also through the distribution that views are drawn from, as in ElePose
            and LInKs; the likelihood then pulls every elevation towards the likeliest.
        elevations: mean and deviation of the elevations that people are seen from, radians, where they are known;
            None draws views from the elevations that are predicted. 2D poses that were taken from afar do not tell
            whether a camera looks up or down, and then both drift.
        mirror: each pose of a batch is mirrored with probability one half.
        sampling: strength of LInKs' generative sampling, which doubles the batch; 0 leaves it out.
        noise: the network sees training poses with Gaussian noise, whose standard deviation is uniform between 0 and
            this, in head lengths, for every pose.
        augmentation: how people are changed for the term of that name.
    """

    bone_ratios: tuple[float, ...]
    weights: LossWeights = field(default_factory=LossWeights)
    parts: tuple[str, ...] | None = None
    azimuth: float = pi
    attached: bool = True
    elevations: tuple[float, float] | None = None
    mirror: bool = False
    sampling: float = 0.0
    noise: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def plain(self) -> dict[str, Any]:
        """The same as dictionaries, tuples and numbers."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Self:
        """What `plain` has made plain; lists may stand for tuples.

        Raises:
            TypeError: other keys.
        """
        nested = {
            "bone_ratios": tuple(values["bone_ratios"]),
            "weights": LossWeights(**values.get("weights") or {}),
            "parts": tuple(values["parts"]) if values.get("parts") else None,
            "elevations": tuple(values["elevations"]) if values.get("elevations") else None,
            "augmentation": Augmentation(**values.get("augmentation") or {}),
        }
        return cls(**values | nested)
