"""People in an image lifted one by one, whatever of them is seen: from the slopes of their joints' rays to bodies.

This is all of lifting that comes before placement, as one network with no branch on its data: what `duolift export`
writes, and what runs on a batch of any size.

Everybody has a size in the image of their own, since nobody knows how far away anybody is: the bones that are seen,
over how long such bones look on the mean.

Camera frame: x right, y down, z forward; head lengths.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from duolift.body.skeleton import skeleton_named
from duolift.camera import DETECTOR_NOISE
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import NEAREST, lift
from duolift.networks.completion import Completer, Completion
from duolift.networks.lifters import LiftingNetwork
from duolift.networks.partners import Partners

FEWEST_JOINTS = 4
"""Who shows fewer joints than this is not lifted."""

LARGEST_NETWORK = 2**16
"""Width, and blocks, of networks."""

SMALLEST_UNIT = 1e-6
"""Nobody's head length is a smaller slope than this."""


@dataclass(frozen=True)
class Architecture:
    """What a `PeopleLifter` is built from: everything but its weights.

    Attributes:
        skeleton: its name.
        split, width, blocks, elevation_bound: see `duolift.networks.lifters.LiftingNetwork`.
        c, centring: see `duolift.geometry.normalisation.Normalisation`.
        flip: lift every pose and its mirror image, and take the mean.
        completer_width, completer_blocks: see `duolift.networks.completion.Completer`; None for no completer.

    Raises:
        ValueError: a value of another type, or out of its range.
    """

    skeleton: str
    split: str
    width: int
    blocks: int
    elevation_bound: float | None
    c: float
    centring: str
    flip: bool
    completer_width: int | None = None
    completer_blocks: int | None = None

    def __post_init__(self) -> None:
        for key in ("width", "blocks", "completer_width", "completer_blocks"):
            count = getattr(self, key)
            optional = key.startswith("completer") and count is None
            if not optional and not (type(count) is int and 0 < count <= LARGEST_NETWORK):
                raise ValueError(f"{key} is {count!r}; expected a whole number up to {LARGEST_NETWORK}")
        if not (_is_number(self.c) and NEAREST < self.c < math.inf):
            raise ValueError(f"c is {self.c!r}; expected head lengths above {NEAREST:.0f}")
        if self.elevation_bound is not None and not (_is_number(self.elevation_bound) and 0 < self.elevation_bound < 2):
            raise ValueError(f"elevation_bound is {self.elevation_bound!r}; expected radians, or none")
        if not all(isinstance(name, str) for name in (self.skeleton, self.split, self.centring)):
            raise ValueError(f"skeleton, split and centring are {self.skeleton!r}, {self.split!r}, {self.centring!r}")

    def shapes(self) -> dict[str, torch.Size]:
        """Of the weights of its `PeopleLifter`, of which nothing is in memory."""
        with torch.device("meta"):
            return {name: weight.shape for name, weight in PeopleLifter(self).state_dict().items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class PeopleLifter(nn.Module):
    """A lifting network, what fills in hidden joints, and how large people usually look.

    Attributes:
        mean_pose: (joint, 2), in head lengths: where joints are of which nothing is seen, without a completer.
        bone_lengths: (bone,), how long each looks on the mean, head lengths.
    """

    mean_pose: Tensor
    bone_lengths: Tensor
    is_root: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.skeleton = skeleton_named(a.skeleton)
        self.network = LiftingNetwork(self.skeleton, a.split, a.width, a.blocks, a.elevation_bound)
        self.completer: Completer | None = None
        if a.completer_width is not None and a.completer_blocks is not None:
            self.completer = Completer(self.skeleton, 2, a.completer_width, a.completer_blocks)
        self.centre = Normalisation(1.0, a.c, a.centring)
        self.register_buffer("mean_pose", torch.zeros(len(self.skeleton), 2))
        self.register_buffer("bone_lengths", torch.ones(len(self.skeleton.bones)))
        self.register_buffer("is_root", torch.arange(len(self.skeleton)) == self.skeleton.root_index, persistent=False)

    @torch.no_grad()
    def fit(self, poses: Tensor) -> None:
        """Learn how large people look, from normalised training poses (pose, joint, 2)."""
        children, parents = self.skeleton.bone_ends
        seen = self.architecture.c * poses
        self.mean_pose.copy_(seen.mean(0))
        self.bone_lengths.copy_((seen[:, children] - seen[:, parents]).norm(dim=-1).mean(0))

    def forward(self, rays: Tensor, visible: Tensor, noise: Tensor | float = DETECTOR_NOISE) -> Lifted:
        """Lift everybody.

        Args:
            rays: (scene, person, joint, 2), slopes, whatever where not `visible`.
            visible: (scene, person, joint), whether a joint is seen.
            noise: deviation of the joints that are seen, head lengths; (scene, person) or one for all.
        """
        a, root = self.architecture, self.skeleton.root_index
        valid = visible.sum(-1) >= FEWEST_JOINTS
        visible = visible & valid.unsqueeze(-1)
        unit = self._apparent(rays, visible)
        roots = torch.where(visible[..., root, None], rays[..., root, :], self._root(rays, visible, unit))
        rays = torch.where((visible & ~self.is_root).unsqueeze(-1), rays, roots.unsqueeze(-2))
        seen = visible | (self.is_root & valid.unsqueeze(-1))
        poses = self.centre(rays, roots) / unit[..., None, None]
        partners = Partners.of(rays, seen, self.centre, self.skeleton, units=unit)
        completed = self._completed(poses, seen, noise, partners)
        offsets, theta = self.network.predict(completed, a.flip)
        bodies = lift(completed * (unit * a.c)[..., None, None], offsets, 1 / unit)
        return Lifted(self.skeleton, bodies, theta, roots, 1 / unit, valid)

    def _completed(self, poses: Tensor, seen: Tensor, noise: Tensor | float, partners: Partners) -> Tensor:
        if self.completer is None:
            return torch.where(seen.unsqueeze(-1), poses, self.mean_pose / self.architecture.c)
        completion = Completion(self.network, self.completer, self.architecture.c, self.architecture.flip)
        return completion.completed(poses, seen, noise, partners)

    def _apparent(self, rays: Tensor, visible: Tensor) -> Tensor:
        """A head length's slope (scene, person), by the bones that are seen; by all that is seen, where no bone is."""
        children, parents = self.skeleton.bone_ends
        whole = (visible[..., children] & visible[..., parents]).to(rays)
        length = (rays[..., children, :] - rays[..., parents, :]).norm(dim=-1)
        bones = _ratio((whole * length).sum(-1), (whole * self.bone_lengths).sum(-1))
        weight = visible.to(rays).unsqueeze(-1)
        spread, usual = (
            (weight * (points - _mean(points, weight))).square().sum((-1, -2)).clamp(min=SMALLEST_UNIT**2).sqrt()
            for points in (rays, self.mean_pose)
        )
        return torch.where(whole.any(-1), bones, _ratio(spread, usual)).clamp(min=SMALLEST_UNIT)

    def _root(self, rays: Tensor, visible: Tensor, unit: Tensor) -> Tensor:
        """Where the root's ray is, (scene, person, 2), if the joints that are seen are where they usually are."""
        weight = visible.to(rays).unsqueeze(-1)
        return _mean(rays - unit[..., None, None] * self.mean_pose, weight).squeeze(-2)


def _mean(points: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean of points (..., joint, 2), (..., 1, 2)."""
    return (weight * points).sum(-2, keepdim=True) / weight.sum(-2, keepdim=True).clamp(min=1)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """0 where there is nothing to divide by."""
    valid = denominator > 0
    return torch.where(valid, numerator / torch.where(valid, denominator, 1.0), 0.0)
