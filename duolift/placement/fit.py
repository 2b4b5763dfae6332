"""The fit: camera, sizes, who stands and who is where, from all that is known of them at once.

What is known of an image, or of a static camera's video, and how well:

- every lifted body says where up is in the camera's frame, and how sure it is (`duolift.placement.upright`);
- people stand on one ground, or are above it, the taller the higher their ankles, and have sizes that differ by little
  and stay the same (`duolift.placement.standing`);
- people have mass: depths do not tremble.

Every tilt that is likely by the first is tried, and weighed by the second; sizes, ground and depths then follow for the
mean of what is left. docs/ground.md derives it, and says where each deviation was measured.

Camera frame: x right, y down, z forward; head lengths. Everything is batched over scenes (scene, person, ...) and
differentiable.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.placement.horizon import REACH, TILTS, thinned, tilt_evidence
from duolift.placement.interface import FocalSource, Method, Placed, SceneCameras, Variant
from duolift.placement.posed import LEANS, along, level_ahead, posed
from duolift.placement.sequences import numbered, sequence_means, smoothed
from duolift.placement.sizes import APPARENT, FOOT, LOWEST_DROP, GroundSizes, above_ground, below, by_ground
from duolift.placement.standing import STILL, Standing, standing, worth
from duolift.placement.up import Up, direction
from duolift.placement.upright import told_by_all

AT_ONCE = 1024
"""Scenes whose people are turned at once: memory beside what is kept of them is that of these."""

SETTLES = STILL / 3**0.5
"""Seconds, the deviation of the Gaussian that depths are smoothed with: that of a mean over the time in which errors of
a lifted body are the same, before and after."""


@dataclass(frozen=True)
class Settled:
    """What is the same in all frames of a static camera.

    >>> from duolift.body.skeleton import PAPER19
    >>> lifted = Lifted.of(PAPER19, torch.randn(5, 2, 19, 3), torch.zeros(5, 2), torch.zeros(5, 2, 2), 10.0)
    >>> settled: Settled = FitPlacement().settled(lifted, SceneCameras(torch.zeros(5, dtype=torch.long)))
    >>> settled.up.shape, settled.people.sizes.shape  # of one camera, and of two people
    (torch.Size([1, 3]), torch.Size([1, 2]))

    Attributes:
        up: (sequence, 3); of cameras that move, that of the first frame.
        deviation: (sequence,), of the tilt, radians; None where it was given.
        people: their sizes, and who stands.
        height: (sequence,), of the camera above the plane on which people's lowest joints are.
    """

    up: Tensor
    deviation: Tensor | None
    people: Standing
    height: Tensor


@dataclass(frozen=True)
class _Posed:
    """People turned as the camera is, anywhere along their rays; their sizes (scene, person) there, and by ground."""

    people: Tensor
    size: Tensor
    seen: GroundSizes


@dataclass(frozen=True)
class FitPlacement:
    """The fit with its options.

    Attributes:
        foot: deviation of a lifted body's lowest joint, head lengths.
        looks: deviation of how large somebody looks in one frame (logarithm).
        lean: see `duolift.placement.posed.LEANS`.
        settles: see `SETTLES`; 0 leaves depths as each frame has them.
    """

    foot: float = FOOT
    looks: float = APPARENT
    lean: float = LEANS
    settles: float = SETTLES

    @property
    def camera_estimate(self) -> tuple[float, ...]:
        """The options that decide what is taken for up."""
        return self.foot, self.looks

    @property
    def keeps_bodies(self) -> bool:
        return not self.lean

    def __call__(self, lifted: Lifted, cameras: SceneCameras) -> Placed:
        """Place people in one scene.

        Example:
            >>> from duolift.body.skeleton import PAPER19
            >>> lifted = Lifted.of(PAPER19, torch.randn(1, 2, 19, 3), torch.zeros(1, 2), torch.zeros(1, 2, 2), 10.0)
            >>> FitPlacement()(lifted, SceneCameras()).people.shape
            torch.Size([1, 2, 19, 3])
        """
        sequence = numbered(cameras.sequence, lifted.bodies)
        lifted = lifted.without_invalid()
        settled, posed = self._settled(lifted, cameras, sequence)
        return self._placed(lifted, posed, cameras, sequence, settled)

    def settled(self, lifted: Lifted, cameras: SceneCameras) -> Settled:
        """The camera and everybody's size, by all frames of each sequence."""
        return self._settled(lifted.without_invalid(), cameras, numbered(cameras.sequence, lifted.bodies))[0]

    def placed(self, lifted: Lifted, cameras: SceneCameras, settled: Settled) -> Placed:
        """People in scenes of which camera and sizes are settled, by these frames or by others of the same people."""
        lifted, sequence = lifted.without_invalid(), numbered(cameras.sequence, lifted.bodies)
        posed = self._posed(lifted, _ups(cameras, sequence, settled), cameras)
        return self._placed(lifted, posed, cameras, sequence, settled)

    def _settled(self, lifted: Lifted, cameras: SceneCameras, sequence: Tensor) -> tuple[Settled, _Posed]:
        valid, count = lifted.valid.to(lifted.bodies), torch.bincount(sequence)
        information = worth(count, cameras.interval)  # (sequence,)
        each = torch.arange(len(lifted), device=count.device)
        first = torch.full_like(count, len(lifted)).scatter_reduce(0, sequence, each, "amin")  # (sequence,), a scene
        up, deviation = cameras.up, None
        if up is None:
            told = cameras.told or told_by_all(lifted, cameras)
            up, deviation = self._weighed(lifted, told, sequence, information)
            deviation = deviation[first]
        posed = self._posed(lifted, up, cameras)
        # of known heights, sizes are as large as people are on the mean; else they are so beside each other
        usual = posed.size[lifted.valid].median() if cameras.height is not None and lifted.valid.any() else None
        people = standing(posed.seen, valid, sequence, information, usual)
        ever = (sequence_means(valid, sequence) > 0).to(valid)  # (sequence, person)
        ankles = (ever * above_ground(people.sizes, lifted.skeleton)).sum(-1) / ever.sum(-1).clamp(min=1)
        return Settled(up[first], deviation, people, (1 - ankles).clamp(min=LOWEST_DROP)), posed

    def _posed(self, lifted: Lifted, up: Tensor, cameras: SceneCameras) -> _Posed:
        parts = [slice(first, first + AT_ONCE) for first in range(0, max(len(lifted), 1), AT_ONCE)]
        each = [posed(lifted[part], up[part], self.lean) for part in parts]
        people, size = (torch.cat(some) for some in zip(*each, strict=True))
        ground: Tensor | float = 1.0  # how far below the camera
        if cameras.height is not None:
            ankles = above_ground(size[lifted.valid], lifted.skeleton)
            usual = ankles.median() if len(ankles) else 0.0
            ground = (cameras.height.clamp(min=LOWEST_DROP) + usual).unsqueeze(-1)
        lowest = along(people, up).amin(-1)
        return _Posed(people, size, by_ground(lowest, size, lifted.skeleton, self.foot, self.looks, ground))

    def _placed(
        self, lifted: Lifted, posed: _Posed, cameras: SceneCameras, sequence: Tensor, settled: Settled
    ) -> Placed:
        valid, up = lifted.valid.to(lifted.bodies), _ups(cameras, sequence, settled)
        deviation = None if settled.deviation is None else settled.deviation[sequence]
        grounded = settled.people.grounded(posed.seen, valid, sequence)
        # how large somebody looks and where the feet are both tell how far away they are
        by_size, by_feet = torch.full_like(posed.size, self.looks**-2), grounded / posed.seen.feet
        weight = by_size + by_feet
        scale = (by_size * settled.people.sizes[sequence] + by_feet * posed.seen.sizes) / weight - posed.size
        if cameras.sequence is not None and self.settles:
            depth = smoothed(scale + lifted.distance.log(), sequence, self.settles / cameras.interval, valid * weight)
            scale = depth - lifted.distance.log()
        variance = settled.people.variance[sequence]
        return Placed(
            people=scale.exp()[..., None, None] * posed.people,
            up=up,
            height=settled.height[sequence] if cameras.height is None else cameras.height.clamp(min=LOWEST_DROP),
            depth=lifted.distance * scale.exp(),
            confidence=grounded,
            depth_deviation=self._uncertain(posed.people, up, deviation, valid, by_feet, variance),
            tilt_deviation=deviation,
        )

    def _uncertain(
        self, people: Tensor, up: Tensor, tilt: Tensor | None, valid: Tensor, by_feet: Tensor, sizes: Tensor
    ) -> Tensor:
        """Deviations (scene, person) of people's distances from each other's, as shares of them.

        Args:
            people: (scene, person, joint, 3), anywhere along their rays.
            up: (scene, 3).
            tilt: (scene,), its deviation; None where it is known.
            valid: (scene, person).
            by_feet: (scene, person), how precisely the ground tells a distance.
            sizes: (scene, person), variances of people's sizes.
        """
        variance = 1 / (1 / (self.looks**2 + sizes) + by_feet)
        if tilt is not None:
            height = along(people, up)  # (scene, person, joint)
            lowest = height.argmin(-1, keepdim=True)
            further = along(people, level_ahead(up)).abs().gather(-1, lowest).squeeze(-1)
            # a radian of tilt changes a distance by that
            nearer = further / below(height.gather(-1, lowest).squeeze(-1))
            apart = nearer - (valid * nearer).sum(-1, keepdim=True) / valid.sum(-1, keepdim=True).clamp(min=1)
            variance = variance + (by_feet * variance * apart * tilt.unsqueeze(-1)).square()
        return variance.sqrt()

    def _weighed(self, lifted: Lifted, told: Up, sequence: Tensor, information: Tensor) -> tuple[Tensor, Tensor]:
        """Where up is (scene, 3) once people's sizes have been heard as well, and the deviation of the tilt (scene,).

        Args:
            information: (sequence,), how many independent frames a sequence is worth.
        """
        kept, few, _ = thinned(sequence)
        steps = torch.linspace(-REACH, REACH, TILTS, dtype=told.tilt.dtype, device=told.tilt.device)
        tilts = told.tilt.unsqueeze(-1) + told.deviation.unsqueeze(-1) * steps  # (scene, tilt)
        ups = direction(tilts, told.roll.unsqueeze(-1).expand_as(tilts))[kept]  # (some scene, tilt, 3)
        evidence = tilt_evidence(lifted[kept], ups, few, information, self.foot, self.looks)
        chances = (evidence - steps.square() / 2).softmax(-1)  # (sequence, tilt)
        mean = (chances * steps).sum(-1)
        spread = (chances * (steps - mean.unsqueeze(-1)).square()).sum(-1).sqrt()  # (sequence,)
        deviation = told.deviation * spread[sequence]
        tilt = told.tilt + told.deviation * mean[sequence]
        return direction(tilt, told.roll), deviation


def _ups(cameras: SceneCameras, sequence: Tensor, settled: Settled) -> Tensor:
    """Where up is in every scene, (scene, 3)."""
    return settled.up[sequence] if cameras.up is None else cameras.up


PERFECT = FitPlacement(looks=0.003, lean=0.0, settles=0.0)
"""For bodies that were lifted without error: only their ankles are higher or lower above the ground than expected."""

METHOD = Method(
    image=FitPlacement(),
    video=FitPlacement(),
    variants=(
        Variant("fit", FitPlacement(), on_perfect_lifts=PERFECT),
        Variant("fit, leans as lifted", FitPlacement(lean=0.0)),
        Variant("fit, known camera", FitPlacement(), up_known=True),
        Variant("fit, focal length from the people", FitPlacement(), focal=FocalSource.PEOPLE),
        Variant("fit, default focal length", FitPlacement(), focal=FocalSource.DEFAULT),
    ),
)
