"""All of lifting before placement, as one network: from the slopes of the joints' rays to bodies and distances.

Every person is lifted separately, whatever of them is visible. There is no branch on the data, so the network can be
exported (`duolift.export`) and run on batches of any size.

Nobody's distance is known, so everybody has a size in the image of their own: the length of their visible bones over
the mean length of those bones in training. A person of half that size is at twice the distance.

Camera frame: x right, y down, z forward; head lengths.
"""

import torch
from torch import Tensor, nn

from duolift.body.skeleton import skeleton_named
from duolift.camera import DETECTOR_NOISE
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import lift
from duolift.networks import build_network
from duolift.networks.completer import Completer
from duolift.networks.completion import STRATEGIES, Completion
from duolift.networks.partners import Partners
from duolift.networks.people_architecture import PeopleArchitecture

FEWEST_JOINTS = 4
"""People who show fewer joints than this are not lifted: two bones do not tell a size and a pose."""

SMALLEST_UNIT = 1e-6
"""No head length is taken to be a smaller slope than this, which keeps distances finite."""


class PeopleLifter(nn.Module):
    """A lifting network, a network that completes poses, and how large people usually look.

    >>> import torch
    >>> from duolift.networks.architecture import Architecture
    >>> lifter = PeopleLifter(PeopleArchitecture("paper19", Architecture(width=8, blocks=1), c=10.0))
    >>> lifter.fit(0.1 * torch.randn(100, 19, 2))
    >>> lifted = lifter(rays=torch.randn(5, 2, 19, 2), visible=torch.ones(5, 2, 19, dtype=torch.bool))
    >>> lifted.bodies.shape, lifted.distance.shape  # two people in each of five images
    (torch.Size([5, 2, 19, 3]), torch.Size([5, 2]))

    Attributes:
        network: the lifting network.
        completer: None where joints that are not visible are put where they are on the mean.
        mean_pose: (joint, 2), the mean training pose, head lengths.
        bone_lengths: (bone,), the mean length of each bone in the image, head lengths.
    """

    mean_pose: Tensor
    bone_lengths: Tensor
    is_root: Tensor

    def __init__(self, architecture: PeopleArchitecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.skeleton = skeleton_named(a.skeleton)
        self.network = build_network(self.skeleton, a.lifter)
        self.completer: Completer | None = None
        if a.completer is not None:
            self.completer = Completer(self.skeleton, STRATEGIES["fill_lift"], a.completer)
        self.centre = Normalisation(1.0, a.c, a.centring)
        self.register_buffer("mean_pose", torch.zeros(len(self.skeleton), 2))
        self.register_buffer("bone_lengths", torch.ones(len(self.skeleton.bones)))
        self.register_buffer("is_root", torch.arange(len(self.skeleton)) == self.skeleton.root_index, persistent=False)

    @torch.no_grad()
    def fit(self, poses: Tensor) -> None:
        """Learn how large people look, from normalised training poses (pose, joint, 2)."""
        children, parents = self.skeleton.bone_ends
        points = self.architecture.c * poses  # head lengths
        self.mean_pose.copy_(points.mean(0))
        self.bone_lengths.copy_((points[:, children] - points[:, parents]).norm(dim=-1).mean(0))

    def forward(self, rays: Tensor, visible: Tensor, noise: Tensor | float = DETECTOR_NOISE) -> Lifted:
        """Lift everybody.

        Args:
            rays: (scene, person, joint, 2), slopes; anything, NaN included, where not `visible`.
            visible: (scene, person, joint).
            noise: standard deviation of the visible joints, head lengths; (scene, person) or one for all.
        """
        a, root = self.architecture, self.skeleton.root_index
        valid = visible.sum(-1) >= FEWEST_JOINTS  # (scene, person)
        visible = visible & valid.unsqueeze(-1)
        rays = torch.where(visible.unsqueeze(-1), rays, 0.0)  # before any arithmetic: a weight of 0 does not undo NaN
        unit = self._apparent_size(rays, visible)  # (scene, person), slope of a head length
        guessed = self._usual_root(rays, visible, unit)
        roots = torch.where(visible[..., root, None], rays[..., root, :], guessed)  # (scene, person, 2)
        rays = torch.where((visible & ~self.is_root).unsqueeze(-1), rays, roots.unsqueeze(-2))
        visible = visible | (self.is_root & valid.unsqueeze(-1))  # the root is known now, if by a guess
        poses = self.centre(rays, roots) / unit[..., None, None]  # (scene, person, joint, 2)
        partners = Partners.of(rays, visible, self.centre, self.skeleton, units=unit)
        completed = self._completed(poses, visible, noise, partners)
        offsets, elevation = self.network.predict(completed, a.flip)
        # a head length looks `unit` long, so the root is 1 / unit head lengths away, where a pose is unit * c as large
        bodies = lift(completed * (unit * a.c)[..., None, None], offsets, 1 / unit)
        return Lifted(self.skeleton, bodies, elevation, roots, 1 / unit, valid)

    def _completed(self, poses: Tensor, visible: Tensor, noise: Tensor | float, partners: Partners) -> Tensor:
        """Whole poses (scene, person, joint, 2)."""
        if self.completer is None:
            return torch.where(visible.unsqueeze(-1), poses, self.mean_pose / self.architecture.c)
        completion = Completion(self.network, self.completer, self.architecture.c, self.architecture.flip)
        return completion.completed(poses, visible, noise, partners)

    def _apparent_size(self, rays: Tensor, visible: Tensor) -> Tensor:
        """The slope of everybody's head length, (scene, person).

        By the bones whose two ends are visible; where there are none, by how far the visible joints are spread out.
        """
        children, parents = self.skeleton.bone_ends
        whole = (visible[..., children] & visible[..., parents]).to(rays)  # (scene, person, bone)
        length = (rays[..., children, :] - rays[..., parents, :]).norm(dim=-1)
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
