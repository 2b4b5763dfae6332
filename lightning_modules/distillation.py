"""Stage three: a network that lifts what detectors see, taught by the trained lifter, or by several.

The lifter learns from 2D poses that are whole and exact; it has to, as likelihoods are of such poses. What it makes of
them are bodies, and a body can be seen from anywhere, by any detector: its 3D is known then. So the network learns on
the lifter's own bodies, and no 3D label is needed. In machine learning this is called distillation, or self-training.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from duolift.geometry.bones import bone_lengths
from duolift.geometry.rotations import facing, rotate, rotation_x
from duolift.learning.detector_errors import DetectorErrors, Sighting
from duolift.learning.variety import Variety
from duolift.learning.views import View, Views
from duolift.metrics.fast_alignment import align
from duolift.networks.detection_network import DetectionNetwork, Estimate
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import Framed, PeopleLifter
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import OptimiserSettings, StageModule, adam, randomly_mirrored

MEAN_TO_STANDARD = (torch.pi / 2) ** 0.5
"""From a Gaussian's mean absolute deviation to its standard deviation."""

LARGEST = 4.0
"""People who look so many times as large, or as small, as they are do not count: they show next to nothing."""


@dataclass(frozen=True)
class DistillationWeights:
    """How much the terms of the loss count. No study varies them.

    Attributes:
        joints: the mean distance of joints, head lengths.
        deviation: the negative logarithm of the likelihood of these distances, if a joint's are distributed
            exponentially with the deviation that was said as their mean.
        up: the mean absolute error of elevation and roll, radians.
        up_deviation: the same of them as `deviation` is of joints.
    """

    joints: float = 10.0
    deviation: float = 0.3
    up: float = 5.0
    up_deviation: float = 0.3


@dataclass(frozen=True)
class Lesson:
    """What a perfect network would say of some people.

    Attributes:
        unit: (batch,), the slope that a head length looks like.
        target: (batch, joint, 3), bodies whose roots are `1 / unit` head lengths away.
        up: (batch, 2), elevations and rolls.
        counts: (batch,), 1 for people who count, 0 for others.
    """

    unit: Tensor
    target: Tensor
    up: Tensor
    counts: Tensor


class DistillationModule(StageModule):
    """A `PeopleLifter` with a detection network, and how it learns from a trained lifter's bodies.

    A batch holds normalised poses (batch, joint, 2), whole and exact.

    >>> from duolift.networks.detection_network import DetectionArchitecture
    >>> architecture = PeopleArchitecture("paper19", None, c=10.0, detection=DetectionArchitecture(width=8, blocks=1))
    >>> module = DistillationModule(architecture)
    >>> bodies = 0.3 * torch.randn(6, 19, 3)
    >>> loss, terms = module.lesson(bodies - bodies[:, :1])
    >>> list(terms)
    ['joints', 'deviation', 'up', 'up_deviation']

    Args:
        architecture: of what is trained.
        variety, views, detector: who is seen from where by what; None for the defaults.
        learning_rate: Adam's highest, with the schedule `one_cycle`.
        half: run the network's matrix products in bfloat16.

    The architecture may also be given as the plain values that checkpoints hold; they do not hold who was seen how.

    Validation also finds out how much closer a body comes when it is moved, turned and scaled as a whole, which is how
    errors are told, and what is said in use is brought to that.
    """

    def __init__(
        self,
        architecture: PeopleArchitecture | dict[str, Any],
        variety: Variety | None = None,
        views: Views | None = None,
        detector: DetectorErrors | None = None,
        learning_rate: float = 1e-3,
        half: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(architecture, dict):
            architecture = PeopleArchitecture.from_plain(architecture)
        self.variety, self.views, self.detector = variety or Variety(), views or Views(), detector or DetectorErrors()
        self.weights = DistillationWeights()
        self.optimiser = OptimiserSettings(learning_rate, "one_cycle", weight_decay=0.0)
        self.save_hyperparameters({"architecture": architecture.plain(), "learning_rate": learning_rate, "half": half})
        self.people = PeopleLifter(architecture)
        self.people.in_low_precision(half)
        self.skeleton = self.people.skeleton
        self.teachers = nn.ModuleList()
        self.strict_loading = False  # teachers are no part of the checkpoints that training goes on from

    def attach_teachers(self, teachers: Iterable[LifterModule], poses: Tensor) -> Self:
        """Take the trained lifters whose bodies are learned from, of several their mean. They are frozen, and no part
        of the checkpoints.

        Args:
            teachers: of the same skeleton and normalisation.
            poses: (pose, joint, 2), some training poses, which tell how large people are.
        """
        self.teachers = nn.ModuleList(teacher.eval().requires_grad_(False) for teacher in teachers)
        self.people.fit(poses, self._bodies(poses)[0])
        return self

    @property
    def network(self) -> DetectionNetwork:
        """What is trained."""
        assert self.people.detection is not None
        return self.people.detection

    def losses(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss, values = self.lesson(self._level(randomly_mirrored(batch, self.skeleton)))
        return loss, {f"train/{name}": value for name, value in (values | {"loss": loss}).items()}

    def on_train_start(self) -> None:
        super().on_train_start()
        self.network.usual.copy_(self.views.frequencies())  # of these cameras, whatever a start has learned from

    def on_validation_epoch_start(self) -> None:
        self._sums = torch.zeros(0, device=self.device)
        self._extremes = torch.full((4,), -torch.inf, device=self.device)

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        lesson, found = self._asked(self._level(batch))
        bodies, counts = found.bodies(lesson.unit), lesson.counts.unsqueeze(-1)  # (batch, 1)
        errors = (align(bodies, lesson.target) - lesson.target).norm(dim=-1)  # (batch, joint)
        up_errors = (found.up - lesson.up).abs()  # (batch, 2)
        told = [errors, found.deviation, up_errors, found.up_deviation, counts]
        sums = (counts * torch.cat(told, dim=-1)).sum(0)
        self._sums = sums + (self._sums if len(self._sums) else 0)
        seen = torch.stack([lesson.up[:, 0], lesson.unit], dim=-1)
        seen = torch.cat([-seen, seen], dim=-1).masked_fill(counts == 0, -torch.inf)
        self._extremes = torch.maximum(self._extremes, seen.amax(0))
        self.log_dict({f"val/{name}": value for name, value in self._terms(lesson, found).items()}, sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        """Calibrate what is said, and remember what was seen.

        Deviations are said of bodies as they are; from now on of bodies that are fitted as a whole.
        """
        network, joints = self.network, len(self.skeleton)
        sums = cast(Tensor, self.all_gather(self._sums)).view(-1, len(self._sums)).sum(0)
        extremes = cast(Tensor, self.all_gather(self._extremes)).view(-1, 2, 2).amax(0)
        if not sums[-1]:  # nobody counted
            return
        errors, said, up_errors, up_said = (sums[:-1] / sums[-1]).split([joints, joints, 2, 2])
        network.fitted.copy_(errors / said.clamp(min=1e-6))
        network.fitted_up.copy_(MEAN_TO_STANDARD * up_errors / up_said.clamp(min=1e-6))
        network.range.copy_(torch.stack([-extremes[0], extremes[1]], dim=-1))

    def lesson(self, level: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of level bodies (batch, joint, 3), in head lengths, and its terms, unweighted."""
        values = self._terms(*self._asked(level))
        return torch.stack([weight * values[name] for name, weight in asdict(self.weights).items()]).sum(), values

    def _asked(self, level: Tensor) -> tuple["Lesson", Estimate]:
        """What is to be learned from level bodies, and what the network says."""
        with torch.no_grad():
            view, people, seen = self._seen(level)
            target, up = in_frame(view, people, self.skeleton.root_index)
            lesson = Lesson(people.unit, target, up, self._counting(people, view))
        poses, size = self.people.architecture.c * people.poses, self.views.misjudged(people.unit)
        return lesson, self.network(poses, people.visible, size, seen.noise)

    def _seen(self, level: Tensor) -> tuple[View, Framed, Sighting]:
        """Level bodies as a detector sees others like them."""
        length = self.people.body_length / bone_lengths(level, self.skeleton).sum(-1)  # (batch,)
        view = self.views(self.variety(level * length[:, None, None], self.skeleton))
        points = view.points
        seen = self.detector(points[..., :2] / points[..., 2:], 1 / view.distance, self.skeleton)
        return view, self.people.framed(seen.rays, seen.visible), seen

    @staticmethod
    def _counting(people: Framed, view: View) -> Tensor:
        """1 for people (batch,) who look about as large as they are, 0 for others."""
        larger = people.unit * view.distance
        return ((larger < LARGEST) & (larger > 1 / LARGEST)).to(larger)

    @staticmethod
    def _terms(lesson: "Lesson", found: Estimate) -> dict[str, Tensor]:
        """The terms of the loss, unweighted."""
        off = ((found.bodies(lesson.unit) - lesson.target).square().sum(-1) + 1e-8).sqrt()  # (batch, joint)
        up_off = (found.up - lesson.up).abs()  # (batch, 2)
        values = {
            "joints": off,
            "deviation": off / found.deviation + found.deviation.log(),
            "up": up_off,
            "up_deviation": up_off / found.up_deviation + found.up_deviation.log(),
        }
        share = lesson.counts / lesson.counts.sum().clamp(min=1)  # (batch,)
        return {name: (share * value.mean(-1)).sum() for name, value in values.items()}

    @torch.no_grad()
    def _bodies(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """What the teachers make of poses (batch, joint, 2), on the mean: bodies, and elevations."""
        if not self.teachers:
            raise RuntimeError("no lifter to learn from: call attach_teachers with trained ones first")
        bodies, thetas = zip(*(teacher(poses) for teacher in self.teachers), strict=True)
        return torch.stack(bodies).mean(0), torch.stack(thetas).mean(0)

    def _level(self, poses: Tensor) -> Tensor:
        """The teachers' bodies (batch, joint, 3), level."""
        bodies, theta = self._bodies(poses)
        return rotate(rotation_x(theta), bodies)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        weights = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: value for name, value in weights.items() if not name.startswith("teachers.")}

    def configure_optimizers(self) -> Any:
        return adam(self, self.network.parameters(), self.optimiser)


def in_frame(view: View, people: Framed, root: int) -> tuple[Tensor, Tensor]:
    """True bodies (batch, joint, 3), elevations and rolls (batch, 2) as a perfect network would give them.

    Bodies are seen by the camera that faces the root, wherever the detector saw it, and as large as people look: their
    roots are `1 / people.unit` away, in head lengths.

    Args:
        view: the true people.
        people: what was seen of them.
        root: index of the root joint.
    """
    facing_root = facing(people.roots)
    turned = rotate(facing_root, view.points)  # (batch, joint, 3)
    right, down, ahead = (facing_root @ view.up.unsqueeze(-1)).squeeze(-1).unbind(-1)
    up = torch.stack([ahead.clamp(-1, 1).asin(), torch.atan2(right, -down)], dim=-1)
    return (turned - turned[:, root, None]) / (people.unit * view.distance)[:, None, None], up
