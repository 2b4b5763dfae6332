"""People as detectors find them, joints hidden or off: one small network, two ways to combine it with a lifter.

What a person shows tells where the rest is, in all likelihood. A `Completer` takes the joints that are present and
their mask, and gives all of them. In 2D or in 3D is the strategy:

- `fill_lift`: fill the pose in 2D and take the detector's noise out of it, then lift it. Any lifter. It also looks at
  the nearest other person, where there is one: who holds a hand shows where the hidden one is.
- `lift_fill`, LInKs': lift with the part networks whose part is wholly present, then fill in 3D. Lifters of parts.

Camera frame: x right, y down, z forward; head lengths. `visible` is a mask (..., joint), True where a joint is seen,
as the root always is: poses are centred on it. A present joint stays on its ray, but for what `fill_lift` takes for
noise.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from duolift.body.skeleton import WHOLE, Skeleton, ancestors
from duolift.geometry.mirroring import mirrored
from duolift.geometry.projection import lift, project
from duolift.networks.lifters import SPLITS, LiftingNetwork, PartLifter, ResidualBlock
from duolift.networks.partners import Partners

STRATEGIES: dict[str, int] = {"fill_lift": 2, "lift_fill": 3}
"""Strategy -> dimensions of the coordinates that its completer takes and gives."""

COORDINATE_UNIT = 5.0
"""What coordinates, in head lengths, are multiplied by on their way into the networks, which are quicker to learn what
is small beside a pose: noise, and which of two places a hand is in."""

NOISE_UNIT = 50.0
"""What noise, in head lengths, is multiplied by on its way into the network: a detector's becomes about 1."""

LIMBS = {"arm": "shoulder", "leg": "hip"}
"""Limb -> the joint that it hangs from, the first to be hidden with it."""


def strategies_of(split: str) -> tuple[str, ...]:
    """The strategies that a lifter allows: without networks of parts there is nothing to lift before filling."""
    return tuple(name for name in STRATEGIES if name != "lift_fill" or SPLITS[split] != ((WHOLE,),))


def occlusions(skeleton: Skeleton) -> dict[str, tuple[str, ...]]:
    """Name -> joints of one person that are hidden together: a limb, both legs, the torso, or a side."""
    sides = ("left", "right")
    limbs = {
        f"{side}_{limb}": tuple(j for j in skeleton.joints if f"{side}_{top}" in (j, *ancestors(j)))
        for limb, top in LIMBS.items()
        for side in sides
    }
    both = {side: limbs[f"{side}_arm"] + limbs[f"{side}_leg"] for side in sides}
    return {**limbs, "legs": limbs["left_leg"] + limbs["right_leg"], "torso": skeleton.parts["torso"], **both}


def visibility_masks(skeleton: Skeleton) -> Tensor:
    """Masks (occlusion + 1, joint) of what each of `occlusions` leaves present, and one of everything."""
    masks = torch.ones(len(occlusions(skeleton)) + 1, len(skeleton), dtype=torch.bool)
    for mask, hidden in zip(masks, occlusions(skeleton).values(), strict=False):
        mask[skeleton.indices(hidden)] = False
    return masks


def random_visibility(masks: Tensor, count: int, dropped: float, root: int) -> Tensor:
    """Masks (count, joint) drawn from `masks` (mask, joint), where any joint but the root is missing more often.

    Args:
        dropped: probability that a joint is missing by itself, as a detector misses it.
    """
    chosen = masks[torch.randint(len(masks), (count,), device=masks.device)]
    kept = torch.rand(chosen.shape, device=masks.device) >= dropped
    kept[:, root] = True
    return chosen & kept


class Completer(nn.Module):
    """Coordinates of all joints from those that are known. In 2D it looks at the nearest other person as well, and a
    second network takes the detector's noise out: learnt by one, either task would cost the other.

    Args:
        skeleton: of the poses.
        dimensions: of the coordinates it takes and gives.
        width, blocks: of each network: a stem, residual blocks, a head.
    """

    def __init__(self, skeleton: Skeleton, dimensions: int, width: int, blocks: int) -> None:
        super().__init__()
        self.dimensions, in_image = dimensions, dimensions == 2
        inputs = (dimensions + 1 + 3 * in_image) * len(skeleton) + 1

        def network() -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(inputs, width),
                nn.LeakyReLU(),
                *(ResidualBlock(width) for _ in range(blocks)),
                nn.Linear(width, dimensions * len(skeleton)),
                nn.Unflatten(-1, (len(skeleton), dimensions)),
            )

        self.filling = network()
        self.correcting = network() if in_image else None

    def forward(self, coordinates: Tensor, known: Tensor, noise: Tensor, partners: Partners | None = None) -> Tensor:
        """Coordinates (..., joint, dimensions) in head lengths, whatever they hold where not known -> all of them.

        Where they are known with noise, the network gives their correction in units of its deviation; exactly known
        ones are left as they are, and so is everything known in 3D.

        Args:
            known: mask (..., joint).
            noise: (...), deviation of the known coordinates' noise, head lengths.
            partners: in head lengths as well; None for people who are alone.
        """
        people, seen = coordinates, known
        if self.correcting is not None:  # the partner's joints after the person's
            stack = partners or Partners.none(coordinates)
            people, seen = torch.cat([people, stack.poses], dim=-2), torch.cat([seen, stack.visible], dim=-1)
        features = _features(people, seen, noise)
        filled = self.filling(features).to(coordinates.dtype)
        if self.correcting is not None:
            coordinates = coordinates + noise[..., None, None] * self.correcting(features).to(coordinates.dtype)
        return torch.where(known.unsqueeze(-1), coordinates, filled)


def _features(coordinates: Tensor, known: Tensor, noise: Tensor) -> Tensor:
    """Coordinates (..., joint, dimensions), 0 where not known, the mask and the noise (...) as a vector."""
    known = known.unsqueeze(-1)
    joints = torch.cat([COORDINATE_UNIT * torch.where(known, coordinates, 0.0), known], dim=-1).flatten(-2)
    return torch.cat([joints, NOISE_UNIT * noise.unsqueeze(-1)], dim=-1)


@dataclass(frozen=True)
class Completion:
    """A lifter for people who are not wholly or exactly seen.

    Attributes:
        lifter: trained on whole poses.
        completer: its dimensions are those of the strategy.
        c: head lengths from the camera to every root.
        flip: take the flip test in completing poses in 2D, and in lifting them.
    """

    lifter: LiftingNetwork
    completer: Completer
    c: float
    flip: bool = False

    def predict(
        self, poses: Tensor, visible: Tensor, noise: Tensor | float = 0.0, partners: Partners | None = None
    ) -> tuple[Tensor, Tensor]:
        """Poses (..., joint, 2), whatever they hold where not `visible`, -> bodies (..., joint, 3) and theta (...).

        The elevation is the one that the lifter sees in the completed pose. Who is wholly and exactly known is simply
        lifted.

        Args:
            noise: (...), the detector's deviation in head lengths; only `fill_lift` takes noise out.
            partners: the nearest other person of each, seen with the same noise; None leaves everybody alone.
        """
        if self.completer.dimensions == 2:
            completed = self.completed(poses, visible, noise, partners)
            offsets, theta = self.lifter.predict(completed, self.flip)
            return lift(completed, offsets, self.c), theta
        seen = visible.unsqueeze(-1)
        filled, _ = self.fill(poses, visible, _of_people(noise, visible))
        completed = torch.where(seen, poses, project(filled, self.c))
        offsets, theta = self.lifter.predict(completed, self.flip)
        on_rays = lift(completed, filled[..., 2] * self.lifter.free, self.c)
        bodies = torch.where(seen, on_rays, filled)
        return torch.where(seen.all(-2, keepdim=True), lift(completed, offsets, self.c), bodies), theta

    def completed(
        self, poses: Tensor, visible: Tensor, noise: Tensor | float = 0.0, partners: Partners | None = None
    ) -> Tensor:
        """Poses (..., joint, 2) as `fill_lift` lifts them: whole, and without noise; arguments as of `predict`."""
        noise = _of_people(noise, visible)
        if self.flip:
            skeleton = self.lifter.skeleton
            company = partners or Partners.none(poses)
            filled, _ = self.fill(
                torch.stack([poses, mirrored(poses, skeleton)]),
                torch.stack([visible, visible[..., skeleton.mirror]]),
                torch.stack([noise, noise]),
                company.stack(company.mirrored(skeleton)),
            )
            filled = (filled[0] + mirrored(filled[1], skeleton)) / 2
        else:
            filled, _ = self.fill(poses, visible, noise, partners)
        exact = (visible & (noise == 0).unsqueeze(-1)).unsqueeze(-1)
        return torch.where(exact, poses, filled / self.c)

    def fill(
        self, poses: Tensor, visible: Tensor, noise: Tensor, partners: Partners | None = None
    ) -> tuple[Tensor, Tensor]:
        """What the strategy gives, (..., joint, 2|3) in head lengths, and which joints it had to fill (..., joint)."""
        poses = torch.where(visible.unsqueeze(-1), poses, 0.0)
        if self.completer.dimensions == 2:
            stack = partners and replace(partners, poses=self.c * partners.poses)
            with self.lifter.precision(poses):
                filled = self.completer(self.c * poses, visible, noise, stack)
            return filled * self.lifter.free.unsqueeze(-1), ~visible
        bodies, known = lift_present(self.lifter, poses, visible, self.c)
        with self.lifter.precision(poses):
            return self.completer(bodies, known, torch.zeros_like(noise)), ~known


def _of_people(noise: Tensor | float, visible: Tensor) -> Tensor:
    """A noise of everybody's, (...), for masks (..., joint)."""
    return torch.as_tensor(noise, dtype=torch.get_default_dtype(), device=visible.device).expand(visible.shape[:-1])


def lift_present(lifter: LiftingNetwork, poses: Tensor, visible: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """What the networks can lift whose part is wholly present.

    A joint's depth is their mean, weighed as `LiftingNetwork.predict` weighs them: with everything present the two
    agree, but for the flip test.

    Args:
        poses: (..., joint, 2), 0 where not `visible`.

    Returns:
        bodies (..., joint, 3), flat at the root's depth where no network lifts, and where one does (..., joint).
    """
    total, offsets = torch.zeros_like(poses[..., 0]), torch.zeros_like(poses[..., 0])
    for part, shares in part_shares(lifter).items():
        joints = lifter.skeleton.part(part)
        network = lifter.networks[part]
        assert isinstance(network, PartLifter)
        weights = shares[joints] * visible[..., joints].all(-1, keepdim=True)  # (..., joint of the part)
        total[..., joints] += weights
        with lifter.precision(poses):
            found = network.offsets(poses[..., joints, :])
        offsets[..., joints] += weights * found.to(poses.dtype)
    lifted = total > 0
    return lift(poses, offsets / torch.where(lifted, total, 1.0) * lifter.free, c), lifted


def part_shares(lifter: LiftingNetwork) -> dict[str, Tensor]:
    """Part -> its network's share (joint,) in the depths that the lifter predicts."""
    skeleton, shares = lifter.skeleton, {part: [0.0] * len(lifter.skeleton) for part in lifter.networks}
    for way, share in zip(lifter.ways, lifter.share.tolist(), strict=True):
        for index, joint in enumerate(skeleton.joints):
            shares[next(part for part in way if joint in skeleton.parts[part])][index] += share
    return {part: lifter.share.new_tensor(of_part) for part, of_part in shares.items()}
