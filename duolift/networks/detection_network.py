"""The network that lifts people as a detector sees them: some joints missing, all of them off by a little.

It is shown which joints are missing, how noisy the others are and how large the person looks. It says where all joints
are and where up is, and how far off it expects each of these to be. It is no `LiftingNetwork`: those lift whole and
exact poses, and learn from 2D poses alone; this one learns from bodies that such a network has lifted, see
`lightning_modules.distillation`.

Camera frame: x right, y down, z forward; head lengths.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton
from duolift.geometry.mirroring import mirror_order, mirrored
from duolift.geometry.projection import lift
from duolift.networks.architecture import check_size, is_number
from duolift.networks.residual_block import ResidualBlock
from duolift.networks.told_alone import BINS, without_usual


@dataclass(frozen=True)
class InputUnits:
    """What inputs are multiplied by, so that all are about as large. No study varies them.

    >>> InputUnits().noise * 0.02
    1.0

    Attributes:
        coordinates: per head length.
        noise: per head length; a detector's usual 0.02 enters as 1.
        corrections: head lengths that an output of 1 moves a joint that is seen; one that is not is put a whole one
            away from the root.
        size: the slope of a head length whose logarithm enters as 0, that of a person 6 m away.
    """

    coordinates: float = 2.0
    noise: float = 50.0
    corrections: float = 0.1
    size: float = 0.1


UNITS = InputUnits()

LARGEST_LOGARITHM = 5.0
"""Of a deviation, either way: a joint's stays between 4 mm and 90 m, and all stay finite whatever is seen."""


@dataclass(frozen=True)
class DetectionArchitecture:
    """How a `DetectionNetwork` is built.

    >>> DetectionArchitecture(width=16, blocks=0)
    Traceback (most recent call last):
    ValueError: blocks is 0; expected a whole number from 1 to 65536

    Attributes:
        width: units of a hidden layer.
        blocks: residual blocks.
        elevation_bound: elevation and roll are `bound * tanh(raw)`, radians.

    Raises:
        ValueError: a value of another type, or out of its range.
    """

    width: int
    blocks: int
    elevation_bound: float = 1.3

    def __post_init__(self) -> None:
        check_size("width", self.width)
        check_size("blocks", self.blocks)
        if not (is_number(self.elevation_bound) and 0 < self.elevation_bound < 2):
            raise ValueError(f"elevation_bound is {self.elevation_bound!r}; expected radians, above 0 and below 2")


@dataclass(frozen=True)
class Estimate:
    """What the network makes of people.

    >>> pose, depth, one = torch.zeros(5, 19, 2), torch.zeros(5, 19), torch.zeros(5)
    >>> found = Estimate(pose, depth, one, one, depth + 0.2, torch.full((5, 2), 0.1))
    >>> other = Estimate(pose, depth, one + 0.2, one, depth + 0.4, torch.full((5, 2), 0.1))
    >>> found.mean(other).elevation
    tensor([0.1000, 0.1000, 0.1000, 0.1000, 0.1000])

    Attributes:
        poses: (..., joint, 2), whole and without noise, head lengths, 0 at the root.
        offsets: (..., joint), depth behind the root, head lengths, 0 at the root.
        elevation: (...), radians, negative where the camera looks down.
        roll: (...), radians: how far up leans to the right in the image of the camera that faces the root.
        deviation: (..., joint), how far off in space a joint is expected to be, head lengths.
        up_deviation: (..., 2), of the elevation and of the roll, radians.
    """

    poses: Tensor
    offsets: Tensor
    elevation: Tensor
    roll: Tensor
    deviation: Tensor
    up_deviation: Tensor

    @property
    def up(self) -> Tensor:
        """Elevation and roll, (..., 2)."""
        return torch.stack([self.elevation, self.roll], dim=-1)

    def bodies(self, size: Tensor) -> Tensor:
        """The bodies (..., joint, 3), head lengths, centred on the roots, which are `1 / size` away.

        Args:
            size: (...), the slope that a head length looks like.
        """
        return lift(self.poses * size[..., None, None], self.offsets, 1 / size)

    def unbind(self) -> tuple[Self, ...]:
        """The estimates of a stack of people, one after the other."""
        values = [getattr(self, field.name).unbind() for field in fields(self)]
        return tuple(type(self)(*each) for each in zip(*values, strict=True))

    def mirrored(self, skeleton: Skeleton) -> Self:
        """The same of the mirrored people."""
        order = mirror_order(skeleton, self.offsets.device)
        return replace(
            self,
            poses=mirrored(self.poses, skeleton),
            offsets=self.offsets[..., order],
            roll=-self.roll,
            deviation=self.deviation[..., order],
        )

    def mean(self, other: Self) -> Self:
        """The mean of two estimates of the same people."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return type(self)(*((one + two) / 2 for one, two in pairs))


class DetectionNetwork(nn.Module):
    """Residual blocks from what is seen of a person to where all joints are.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> network = DetectionNetwork(PAPER19, DetectionArchitecture(width=16, blocks=1))
    >>> visible = torch.ones(5, 19, dtype=torch.bool)
    >>> visible[:, PAPER19.index("left_wrist")] = False
    >>> poses = torch.zeros(5, 19, 2).masked_fill(~visible.unsqueeze(-1), torch.nan)
    >>> found = network.predict(poses, visible, torch.full((5,), 0.1), torch.zeros(5), flip=True)
    >>> found.poses.shape, found.offsets.shape, found.elevation.shape, bool(found.poses.isfinite().all())
    (torch.Size([5, 19, 2]), torch.Size([5, 19]), torch.Size([5]), True)

    Args:
        skeleton: of the poses.
        architecture: its size.

    Attributes:
        low_precision: run matrix products in bfloat16.
        fitted: (joint,), what deviations are multiplied by in use: how much less a joint is off once its body has been
            moved, turned and scaled as a whole to where it fits best.
        fitted_up: (2,), the same of the deviations of the elevation and of the roll, which are standard deviations
            then.
        usual: (2, bin), how often elevations and rolls were trained on (see `duolift.networks.told_alone`): what an
            estimate is drawn to where a pose tells little.
        range: (2, 2), the lowest and highest elevations, and sizes, that were trained on.
        free: (joint,), 0 at the root, which is where it is by definition, and 1 elsewhere.
    """

    fitted: Tensor
    fitted_up: Tensor
    usual: Tensor
    range: Tensor
    free: Tensor

    def __init__(self, skeleton: Skeleton, architecture: DetectionArchitecture) -> None:
        super().__init__()
        self.skeleton, self.architecture, self.low_precision = skeleton, architecture, False
        joints, width = len(skeleton), architecture.width
        self.layers = nn.Sequential(
            nn.Linear(3 * joints + 2, width),  # coordinates and mask of every joint, the size, the noise
            nn.LeakyReLU(inplace=True),
            *(ResidualBlock(width) for _ in range(architecture.blocks)),
            nn.Linear(width, 4 * joints + 4),  # corrections, depths and deviations; where up is, and deviations of that
        )
        self.register_buffer("fitted", torch.ones(joints))
        self.register_buffer("fitted_up", torch.ones(2))
        self.register_buffer("usual", torch.full((2, BINS), 1 / BINS))
        self.register_buffer("range", torch.zeros(2, 2))
        free = torch.ones(joints)
        free[skeleton.root_index] = 0
        self.register_buffer("free", free, persistent=False)

    def forward(self, poses: Tensor, visible: Tensor, size: Tensor, noise: Tensor) -> Estimate:
        """Lift people.

        Args:
            poses: (..., joint, 2), centred on their roots, head lengths; anything, NaN included, where not `visible`.
            visible: (..., joint).
            size: (...), the slope that a head length looks like: the smaller, the weaker perspective is.
            noise: (...), standard deviation of the visible joints, head lengths.
        """
        seen, joints = visible.unsqueeze(-1), len(self.skeleton)
        poses = torch.where(seen, poses, 0.0)
        inputs = [
            UNITS.coordinates * poses.flatten(-2),
            visible.to(poses),
            (size / UNITS.size).log().unsqueeze(-1),
            UNITS.noise * noise.unsqueeze(-1),
        ]
        with self.precision(poses):
            outputs = self.layers(torch.cat(inputs, dim=-1))
        moves, offsets, spread, up, up_spread = outputs.to(poses.dtype).split(
            [2 * joints, joints, joints, 2, 2], dim=-1
        )
        moves = moves.unflatten(-1, (joints, 2))
        completed = torch.where(seen, poses + UNITS.corrections * moves, moves)
        deviation, up_deviation = (s.clamp(-LARGEST_LOGARITHM, LARGEST_LOGARITHM).exp() for s in (spread, up_spread))
        elevation, roll = (self.architecture.elevation_bound * up.tanh()).unbind(-1)
        return Estimate(
            completed * self.free.unsqueeze(-1), offsets * self.free, elevation, roll, deviation, up_deviation
        )

    def precision(self, poses: Tensor) -> torch.autocast:
        """The precision of matrix products, as a context."""
        return torch.autocast(poses.device.type, torch.bfloat16, enabled=self.low_precision)

    def predict(self, poses: Tensor, visible: Tensor, size: Tensor, noise: Tensor, flip: bool = False) -> Estimate:
        """Lift people as in use.

        Args:
            poses, visible, size, noise: as of `forward`.
            flip: lift the mirrored people as well, and take the mean of both (the field's flip test).
        """
        if flip:  # both in one batch, so that the weights are read once
            order = mirror_order(self.skeleton, visible.device)
            both = torch.stack([poses, mirrored(poses, self.skeleton)])
            seen = torch.stack([visible, visible[..., order]])
            one, other = self(both, seen, torch.stack([size, size]), torch.stack([noise, noise])).unbind()
            found = one.mean(other.mirrored(self.skeleton))
        else:
            found = self(poses, visible, size, noise)
        return replace(found, deviation=self.fitted * found.deviation, up_deviation=self.fitted_up * found.up_deviation)

    def told_alone(self, found: Estimate) -> Tensor:
        """What poses alone say of elevation and roll, whatever the network has learned of how cameras are held.

        What the network says is a mean of both. Several people of one camera would bring the second in several times.

        Args:
            found: as `predict` gives it.

        Returns:
            (..., 2, 2), each of both with its standard deviation, radians.
        """
        return without_usual(found.up, found.up_deviation, self.usual)
