"""All of lifting before placement, as one network: from the slopes of the joints' rays to bodies and distances.

Every person is lifted separately, whatever of them is visible. There is no branch on the data, so the network can be
exported (`duolift.export`) and run on batches of any size.

Nobody's distance is known, so everybody has a size in the image of their own: the length of their visible bones over
the mean length of those bones in training. A person of half that size is at twice the distance.

There are two ways from a pose to a body. A lifting network lifts whole poses, which a completer has filled in before;
it is what learns from 2D poses alone. A detection network does all of it at once, and says how sure it is; it has
learned from the bodies that a lifting network made. Its people are all as large as each other, in space rather than in
the image: a person who is seen from above looks small, and is no further away.

Camera frame: x right, y down, z forward; head lengths.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from duolift.body.skeleton import skeleton_named
from duolift.camera import DETECTOR_NOISE
from duolift.geometry.bones import bone_lengths
from duolift.geometry.constants import constant
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import lift
from duolift.networks import build_network
from duolift.networks.completer import Completer
from duolift.networks.completion import STRATEGIES, Completion
from duolift.networks.detection_network import DetectionNetwork
from duolift.networks.lifting_network import LiftingNetwork
from duolift.networks.partners import Partners
from duolift.networks.people_architecture import PeopleArchitecture

FEWEST_JOINTS = 4
"""People who show fewer joints than this are not lifted: two bones do not tell a size and a pose."""

SMALLEST_UNIT = 1e-6
"""No head length is taken to be a smaller slope than this, which keeps distances finite."""


@dataclass(frozen=True)
class Framed:
    """People as networks take them: each seen by a camera that faces the root.

    >>> import torch
    >>> from duolift.networks.architecture import Architecture
    >>> lifter = PeopleLifter(PeopleArchitecture("paper19", Architecture(width=8, blocks=1), c=10.0))
    >>> visible = torch.ones(5, 2, 19, dtype=torch.bool)
    >>> visible[0, 0, 2:] = False  # of the first person too little is seen
    >>> framed = lifter.framed(torch.randn(5, 2, 19, 2), visible)
    >>> isinstance(framed, Framed), framed.valid.sum()
    (True, tensor(9))

    Attributes:
        poses: (scene, person, joint, 2), in head lengths over c; 0 where not `known`.
        visible: (scene, person, joint), False throughout for people who show too few joints.
        known: (scene, person, joint), the same and the root, whose place is guessed where it is not visible.
        valid: (scene, person), who shows enough joints.
        unit: (scene, person), the slope that a head length looks like.
        roots: (scene, person, 2), slopes of the rays to the roots.
        rays: (scene, person, joint, 2), those to all joints, to the root where a joint is not visible.
    """

    poses: Tensor
    visible: Tensor
    known: Tensor
    valid: Tensor
    unit: Tensor
    roots: Tensor
    rays: Tensor


class PeopleLifter(nn.Module):
    """What lifts a person, and how large people usually look.

    >>> import torch
    >>> from duolift.networks.architecture import Architecture
    >>> lifter = PeopleLifter(PeopleArchitecture("paper19", Architecture(width=8, blocks=1), c=10.0))
    >>> lifter.fit(0.1 * torch.randn(100, 19, 2))
    >>> lifted = lifter(rays=torch.randn(5, 2, 19, 2), visible=torch.ones(5, 2, 19, dtype=torch.bool))
    >>> lifted.bodies.shape, lifted.distance.shape  # two people in each of five images
    (torch.Size([5, 2, 19, 3]), torch.Size([5, 2]))

    Attributes:
        network: the lifting network; None beside a detection network.
        completer: None where joints that are not visible are put where they are on the mean.
        detection: the detection network; None beside a lifting network.
        mean_pose: (joint, 2), the mean training pose, head lengths.
        bone_lengths: (bone,), the mean length of each bone in the image, head lengths.
        body_length: the mean length of all bones of a body together, head lengths; beside a detection network only.
    """

    mean_pose: Tensor
    bone_lengths: Tensor
    body_length: Tensor
    is_root: Tensor

    def __init__(self, architecture: PeopleArchitecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.skeleton = skeleton_named(a.skeleton)
        self.network: LiftingNetwork | None = None
        self.completer: Completer | None = None
        self.detection: DetectionNetwork | None = None
        if a.lifter is not None:
            self.network = build_network(self.skeleton, a.lifter)
        if a.completer is not None:
            self.completer = Completer(self.skeleton, STRATEGIES["fill_lift"], a.completer)
        if a.detection is not None:
            self.detection = DetectionNetwork(self.skeleton, a.detection)
            self.register_buffer("body_length", torch.ones(()))
        self.centre = Normalisation(1.0, a.c, a.centring)
        self.register_buffer("mean_pose", torch.zeros(len(self.skeleton), 2))
        self.register_buffer("bone_lengths", torch.ones(len(self.skeleton.bones)))
        # Not by `torch.arange`: without memory (`weight_shapes`) it imports PyTorch's compiler, for 1.5 seconds.
        is_root = [joint == self.skeleton.root_index for joint in range(len(self.skeleton))]
        self.register_buffer("is_root", torch.tensor(is_root), persistent=False)

    @torch.no_grad()
    def fit(self, poses: Tensor, bodies: Tensor | None = None) -> None:
        """Learn how large people look, from training poses.

        Args:
            poses: (pose, joint, 2), normalised.
            bodies: (pose, joint, 3), what was lifted from them, which a detection network needs; head lengths.
        """
        points = self.architecture.c * poses  # head lengths
        self.mean_pose.copy_(points.mean(0))
        self.bone_lengths.copy_(bone_lengths(points, self.skeleton).mean(0))
        if bodies is not None:
            self.body_length.copy_(bone_lengths(bodies, self.skeleton).sum(-1).mean())

    def in_low_precision(self, low: bool) -> None:
        """Run the network's matrix products in bfloat16, or not."""
        for network in (self.network, self.detection):
            if network is not None:
                network.low_precision = low

    def forward(self, rays: Tensor, visible: Tensor, noise: Tensor | float = DETECTOR_NOISE) -> Lifted:
        """Lift everybody.

        Args:
            rays: (scene, person, joint, 2), slopes; anything, NaN included, where not `visible`.
            visible: (scene, person, joint).
            noise: standard deviation of the visible joints, head lengths; (scene, person) or one for all.
        """
        people = self.framed(rays, visible)
        return (self._filled if self.detection is None else self._detected)(people, noise)

    def framed(self, rays: Tensor, visible: Tensor) -> Framed:
        """Everybody in a size of their own; arguments as of `forward`."""
        root = self.skeleton.root_index
        valid = visible.sum(-1) >= FEWEST_JOINTS  # (scene, person)
        visible = visible & valid.unsqueeze(-1)
        rays = torch.where(visible.unsqueeze(-1), rays, 0.0)  # before any arithmetic: a weight of 0 does not undo NaN
        unit = self._apparent_size(rays, visible)  # (scene, person), slope of a head length
        guessed = self._usual_root(rays, visible, unit)
        roots = torch.where(visible[..., root, None], rays[..., root, :], guessed)  # (scene, person, 2)
        rays = torch.where((visible & ~self.is_root).unsqueeze(-1), rays, roots.unsqueeze(-2))
        known = visible | (self.is_root & valid.unsqueeze(-1))
        poses = self.centre(rays, roots) / unit[..., None, None]  # (scene, person, joint, 2)
        return Framed(poses, visible, known, valid, unit, roots, rays)

    def _filled(self, people: Framed, noise: Tensor | float) -> Lifted:
        """People by the lifting network, whose poses are filled in before."""
        assert self.network is not None
        a, unit = self.architecture, people.unit
        partners = Partners.of(people.rays, people.known, self.centre, self.skeleton, units=unit)
        completed = self._completed(people.poses, people.known, noise, partners)
        offsets, elevation = self.network.predict(completed, a.flip)
        # a head length looks `unit` long, so the root is 1 / unit head lengths away, where a pose is unit * c as large
        bodies = lift(completed * (unit * a.c)[..., None, None], offsets, 1 / unit)
        return Lifted(self.skeleton, bodies, elevation, people.roots, 1 / unit, people.valid)

    def _detected(self, people: Framed, noise: Tensor | float) -> Lifted:
        """People by the detection network, everybody as large as the mean body."""
        assert self.detection is not None
        a, unit = self.architecture, people.unit
        noise = torch.as_tensor(noise, dtype=unit.dtype, device=unit.device).expand(unit.shape)
        found = self.detection.predict(a.c * people.poses, people.visible, unit, noise, a.flip)
        bodies = found.bodies(unit)
        length = bone_lengths(bodies, self.skeleton).sum(-1)  # (scene, person)
        larger = torch.where(length > 0, self.body_length / length.clamp(min=SMALLEST_UNIT), 1.0)
        return Lifted(
            self.skeleton,
            bodies * larger[..., None, None],
            found.elevation,
            people.roots,
            larger / unit,
            people.valid,
            found.deviation * larger.unsqueeze(-1),
            self.detection.told_alone(found),
        )

    def _completed(self, poses: Tensor, visible: Tensor, noise: Tensor | float, partners: Partners) -> Tensor:
        """Whole poses (scene, person, joint, 2)."""
        assert self.network is not None
        if self.completer is None:
            return torch.where(visible.unsqueeze(-1), poses, self.mean_pose / self.architecture.c)
        completion = Completion(self.network, self.completer, self.architecture.c, self.architecture.flip)
        return completion.completed(poses, visible, noise, partners)

    def _apparent_size(self, rays: Tensor, visible: Tensor) -> Tensor:
        """The slope of everybody's head length, (scene, person).

        By the bones whose two ends are visible; where there are none, by how far the visible joints are spread out.
        """
        children, parents = (constant(tuple(ends), rays.device) for ends in self.skeleton.bone_ends)
        whole = (visible[..., children] & visible[..., parents]).to(rays)  # (scene, person, bone)
        length = bone_lengths(rays, self.skeleton)
        by_bones = _ratio((whole * length).sum(-1), (whole * self.bone_lengths).sum(-1))
        weight = visible.to(rays).unsqueeze(-1)  # (scene, person, joint, 1)
        spread, usual = (
            (weight * (points - _mean(points, weight))).square().sum((-1, -2)).clamp(min=SMALLEST_UNIT**2).sqrt()
            for points in (rays, self.mean_pose)
        )
        return torch.where(whole.any(-1), by_bones, _ratio(spread, usual)).clamp(min=SMALLEST_UNIT)

    def _usual_root(self, rays: Tensor, visible: Tensor, unit: Tensor) -> Tensor:
        """The slope of the root's ray, (scene, person, 2), if the visible joints are where they are on the mean."""
        weight = visible.to(rays).unsqueeze(-1)
        return _mean(rays - unit[..., None, None] * self.mean_pose, weight).squeeze(-2)


def weight_shapes(architecture: PeopleArchitecture) -> dict[str, torch.Size]:
    """The shapes of a `PeopleLifter`'s weights by name, worked out without taking the memory.

    >>> from duolift.networks.architecture import Architecture
    >>> weight_shapes(PeopleArchitecture("paper19", Architecture(width=8, blocks=1), c=10.0))["mean_pose"]
    torch.Size([19, 2])
    """
    with torch.device("meta"):
        return {name: weight.shape for name, weight in PeopleLifter(architecture).state_dict().items()}


def _mean(points: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean (..., 1, 2) of points (..., joint, 2), by weights (..., joint, 1) of 0 or 1."""
    return (weight * points).sum(-2, keepdim=True) / weight.sum(-2, keepdim=True).clamp(min=1)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Their ratio; 0 where the denominator is not positive."""
    valid = denominator > 0
    return torch.where(valid, numerator / torch.where(valid, denominator, 1.0), 0.0)
