"""Lifting people who are not wholly or not exactly seen: two ways to combine a lifting network with a `Completer`.

- `fill_lift`: fill the pose in 2D and take the detector's noise out of it, then lift it. With any lifting network. It
  also looks at the nearest other person, where there is one: people who hold hands show where each other's hands are.
- `lift_fill`, that of LInKs (https://arxiv.org/abs/2309.07243): lift with the part networks whose part is wholly
  visible, then fill in 3D. With lifting networks of parts alone.

Camera frame: x right, y down, z forward; head lengths. `visible` is a mask (..., joint), True where a joint is seen.
The root has to be visible: poses are centred on it. A visible joint stays on its ray, but for the noise that
`fill_lift` takes out.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from duolift.geometry.mirroring import mirrored
from duolift.geometry.projection import lift, project
from duolift.networks import NETWORKS
from duolift.networks.architecture import Architecture
from duolift.networks.completer import Completer
from duolift.networks.lifting_network import LiftingNetwork
from duolift.networks.part_networks import PartNetworks
from duolift.networks.partners import Partners
from duolift.networks.splits import parts_of

STRATEGIES: dict[str, int] = {"fill_lift": 2, "lift_fill": 3}
"""Strategy -> dimensions of the coordinates that its completer takes and gives."""


def strategies_of(architecture: Architecture) -> tuple[str, ...]:
    """The strategies that a lifting network allows: one without networks of parts cannot lift before filling.

    >>> strategies_of(Architecture(split="whole")), strategies_of(Architecture(split="links"))
    (('fill_lift',), ('fill_lift', 'lift_fill'))
    """
    in_parts = issubclass(NETWORKS[architecture.network], PartNetworks) and len(parts_of(architecture.split)) > 1
    return tuple(name for name in STRATEGIES if name != "lift_fill" or in_parts)


@dataclass(frozen=True)
class Completion:
    """A lifting network for people who are not wholly or not exactly seen.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> from duolift.networks import build_network
    >>> from duolift.networks.completer import CompleterArchitecture
    >>> network = build_network(PAPER19, Architecture(width=16, blocks=1))
    >>> completer = Completer(PAPER19, STRATEGIES["fill_lift"], CompleterArchitecture(width=16, blocks=1))
    >>> visible = torch.rand(5, 19) > 0.2
    >>> visible[:, PAPER19.root_index] = True
    >>> bodies, elevation = Completion(network, completer, c=10.0).predict(torch.zeros(5, 19, 2), visible)
    >>> bodies.shape, elevation.shape
    (torch.Size([5, 19, 3]), torch.Size([5]))

    Attributes:
        lifter: trained on whole poses.
        completer: its dimensions are those of the strategy, see `STRATEGIES`.
        c: head lengths from the camera to every root.
        flip: use the flip test, in completing poses in 2D and in lifting them.
    """

    lifter: LiftingNetwork
    completer: Completer
    c: float
    flip: bool = False

    def predict(
        self, poses: Tensor, visible: Tensor, noise: Tensor | float = 0.0, partners: Partners | None = None
    ) -> tuple[Tensor, Tensor]:
        """Lift people, whatever is visible of them.

        The elevation is the one that the lifting network predicts from the completed pose. People who are wholly and
        exactly known are lifted by the lifting network alone.

        Args:
            poses: (..., joint, 2); anything, NaN included, where not `visible`.
            visible: (..., joint).
            noise: (...), the detector's standard deviation in head lengths; only `fill_lift` takes noise out.
            partners: the nearest other person of each, seen with the same noise; None where everybody is alone.

        Returns:
            bodies (..., joint, 3) in head lengths, centred on their roots, and elevations (...) in radians.
        """
        if self.completer.dimensions == 2:
            completed = self.completed(poses, visible, noise, partners)
            offsets, elevation = self.lifter.predict(completed, self.flip)
            return lift(completed, offsets, self.c), elevation
        seen = visible.unsqueeze(-1)
        filled, _ = self.fill(poses, visible, _of_people(noise, visible))  # (..., joint, 3)
        completed = torch.where(seen, poses, project(filled, self.c))  # (..., joint, 2)
        offsets, elevation = self.lifter.predict(completed, self.flip)
        # visible joints keep their rays, whatever depth they were given; the others are where they were filled in
        on_rays = lift(completed, filled[..., 2] * self.lifter.free, self.c)
        bodies = torch.where(seen, on_rays, filled)
        return torch.where(seen.all(-2, keepdim=True), lift(completed, offsets, self.c), bodies), elevation

    def completed(
        self, poses: Tensor, visible: Tensor, noise: Tensor | float = 0.0, partners: Partners | None = None
    ) -> Tensor:
        """Poses (..., joint, 2) as `fill_lift` lifts them: whole, and without noise; arguments as of `predict`."""
        noise = _of_people(noise, visible)
        if self.flip:
            skeleton = self.lifter.skeleton
            partners = partners or Partners.none(poses)
            filled, _ = self.fill(
                torch.stack([poses, mirrored(poses, skeleton)]),
                torch.stack([visible, visible[..., skeleton.mirror]]),
                torch.stack([noise, noise]),
                partners.stack(partners.mirrored(skeleton)),
            )
            filled = (filled[0] + mirrored(filled[1], skeleton)) / 2
        else:
            filled, _ = self.fill(poses, visible, noise, partners)
        exact = (visible & (noise == 0).unsqueeze(-1)).unsqueeze(-1)
        return torch.where(exact, poses, filled / self.c)

    def fill(
        self, poses: Tensor, visible: Tensor, noise: Tensor, partners: Partners | None = None
    ) -> tuple[Tensor, Tensor]:
        """The completer's own answer: coordinates (..., joint, 2|3) in head lengths, and which joints it filled in.

        Args:
            poses, visible, partners: as of `predict`.
            noise: (...), head lengths.
        """
        poses = torch.where(visible.unsqueeze(-1), poses, 0.0)
        if self.completer.dimensions == 2:
            in_head_lengths = partners and replace(partners, poses=self.c * partners.poses)
            with self.lifter.precision(poses):
                filled = self.completer(self.c * poses, visible, noise, in_head_lengths)
            return filled * self.lifter.free.unsqueeze(-1), ~visible
        assert isinstance(self.lifter, PartNetworks)
        bodies, known = lift_visible_parts(self.lifter, poses, visible, self.c)
        with self.lifter.precision(poses):
            return self.completer(bodies, known, torch.zeros_like(noise)), ~known


def _of_people(noise: Tensor | float, visible: Tensor) -> Tensor:
    """One noise, or everybody's, as (...) for masks (..., joint)."""
    return torch.as_tensor(noise, dtype=torch.get_default_dtype(), device=visible.device).expand(visible.shape[:-1])


def lift_visible_parts(lifter: PartNetworks, poses: Tensor, visible: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """Lift with the part networks whose part is wholly visible.

    A joint's depth is their mean, weighted with `PartNetworks.part_shares`: where everything is visible, this is
    `LiftingNetwork.predict` without the flip test.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> lifter = PartNetworks(PAPER19, Architecture(split="legs_torso", width=16, blocks=1))
    >>> visible = torch.ones(5, 19, dtype=torch.bool)
    >>> visible[:, PAPER19.index("left_knee")] = False
    >>> bodies, lifted = lift_visible_parts(lifter, torch.zeros(5, 19, 2), visible, c=10.0)
    >>> lifted[0, PAPER19.indices(["left_ankle", "left_wrist"])]
    tensor([False,  True])

    Args:
        poses: (..., joint, 2), 0 where not visible.
        visible: (..., joint).
        c: head lengths from the camera to every root.

    Returns:
        bodies (..., joint, 3), at the root's depth where no network lifts a joint; and where one does (..., joint).
    """
    weight, offsets = torch.zeros_like(poses[..., 0]), torch.zeros_like(poses[..., 0])  # (..., joint), sums over parts
    for part, shares in lifter.part_shares().items():
        joints = lifter.joints(part)
        of_part = shares[joints] * visible[..., joints].all(-1, keepdim=True)  # (..., joint of the part)
        weight[..., joints] += of_part
        with lifter.precision(poses):
            predicted = lifter.network(part).offsets(poses[..., joints, :])
        offsets[..., joints] += of_part * predicted.to(poses.dtype)
    lifted = weight > 0
    return lift(poses, offsets / torch.where(lifted, weight, 1.0) * lifter.free, c), lifted
