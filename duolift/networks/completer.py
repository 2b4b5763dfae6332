"""The network that knows where hidden joints are likely to be, from those that are visible."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton
from duolift.networks.architecture import check_size
from duolift.networks.partners import Partners
from duolift.networks.residual_block import ResidualBlock


@dataclass(frozen=True)
class InputUnits:
    """What inputs in head lengths are multiplied by, so that a network is quick to learn what is small beside a pose.

    Chosen on held-out takes of s02 and s03 (docs/completion.md): coordinates four times as large were better than ten
    times and than one time; at 50, a detector's noise of 0.02 head lengths enters as 1.

    >>> InputUnits().noise * 0.02
    1.0
    """

    coordinates: float = 5.0
    noise: float = 50.0


UNITS = InputUnits()


@dataclass(frozen=True)
class CompleterArchitecture:
    """How a `Completer` is built.

    >>> CompleterArchitecture(width=16, blocks=0)
    Traceback (most recent call last):
    ValueError: blocks is 0; expected a whole number from 1 to 65536

    Attributes:
        width: units of a hidden layer.
        blocks: residual blocks of each network.

    Raises:
        ValueError: a value of another type, or out of its range.
    """

    width: int
    blocks: int

    def __post_init__(self) -> None:
        check_size("width", self.width)
        check_size("blocks", self.blocks)


class Completer(nn.Module):
    """Coordinates of all joints from those that are known.

    In 2D it also looks at the nearest other person, and a second network takes the detector's noise out of the joints
    that are known: one network that learns both tasks does either worse (docs/completion.md).

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> completer = Completer(PAPER19, 2, CompleterArchitecture(width=16, blocks=1))
    >>> known = torch.ones(5, 19, dtype=torch.bool)
    >>> known[:, PAPER19.index("left_wrist")] = False
    >>> pose = torch.zeros(5, 19, 2).masked_fill(~known.unsqueeze(-1), torch.nan)
    >>> completed = completer(pose, known, noise=torch.zeros(5))
    >>> completed.shape, completed.isfinite().all().item(), torch.equal(completed[known], pose[known])
    (torch.Size([5, 19, 2]), True, True)

    Args:
        skeleton: of the poses.
        dimensions: of the coordinates that it takes and gives, 2 or 3.
        architecture: of each of its networks.
    """

    def __init__(self, skeleton: Skeleton, dimensions: int, architecture: CompleterArchitecture) -> None:
        super().__init__()
        self.dimensions, in_image = dimensions, dimensions == 2
        width, joints = architecture.width, len(skeleton)
        # coordinates and mask of every joint, in 2D of the partner's as well (2 + 1), and the noise
        inputs = (dimensions + 1 + 3 * in_image) * joints + 1

        def network() -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(inputs, width),
                nn.LeakyReLU(),
                *(ResidualBlock(width) for _ in range(architecture.blocks)),
                nn.Linear(width, dimensions * joints),
                nn.Unflatten(-1, (joints, dimensions)),
            )

        self.filling = network()
        self.correcting = network() if in_image else None

    def forward(self, coordinates: Tensor, known: Tensor, noise: Tensor, partners: Partners | None = None) -> Tensor:
        """Complete the coordinates of people.

        In 2D the known coordinates are corrected by the second network's output times `noise`, so that exactly known
        ones stay as they are; in 3D all known coordinates do.

        Args:
            coordinates: (..., joint, dimensions), head lengths; anything, NaN included, where not known.
            known: (..., joint).
            noise: (...), standard deviation of the known coordinates' noise, head lengths.
            partners: the nearest other person of each, in head lengths as well; None for people who are alone.

        Returns:
            (..., joint, dimensions), head lengths.
        """
        people, seen = coordinates, known
        if self.correcting is not None:  # the partner's joints after the person's own: (..., 2 joint, 2)
            partners = partners or Partners.none(coordinates)
            people, seen = torch.cat([people, partners.poses], dim=-2), torch.cat([seen, partners.visible], dim=-1)
        features = _features(people, seen, noise)
        filled = self.filling(features).to(coordinates.dtype)
        if self.correcting is not None:
            coordinates = coordinates + noise[..., None, None] * self.correcting(features).to(coordinates.dtype)
        return torch.where(known.unsqueeze(-1), coordinates, filled)


def _features(coordinates: Tensor, known: Tensor, noise: Tensor) -> Tensor:
    """Coordinates (..., joint, dimensions), 0 where not known, the mask, the noise (...) -> one vector (..., input)."""
    known = known.unsqueeze(-1)
    joints = torch.cat([UNITS.coordinates * torch.where(known, coordinates, 0.0), known], dim=-1).flatten(-2)
    return torch.cat([joints, UNITS.noise * noise.unsqueeze(-1)], dim=-1)
