"""How people are seen: cameras from anywhere.

Camera frame: x right, y down, z forward; head lengths. Level bodies have their verticals along y.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor

from duolift.bounds import Fraction, Interval, NotNegative, check_bounds
from duolift.geometry.rotations import rotate, rotation_x, rotation_y, rotation_z
from duolift.networks.told_alone import bell, histogram

DRAWN = 1 << 17
"""Cameras that are drawn to tell what is usual."""

CLEARANCE = 1.0
"""Head lengths from the camera to the nearest joint, at least."""


@dataclass(frozen=True)
class View:
    """People as cameras see them.

    >>> view = View(torch.zeros(5, 19, 3), distance=torch.full((5,), 8.0), up=torch.tensor([0.0, -1.0, 0.0]))
    >>> view.points[0, 0]
    tensor([0., 0., 8.])

    Attributes:
        bodies: (batch, joint, 3), in the cameras' frames, centred on the roots, which lie on the optical axes.
        distance: (batch,), to the roots, head lengths.
        up: (batch, 3), the direction against gravity.
    """

    bodies: Tensor
    distance: Tensor
    up: Tensor

    @property
    def points(self) -> Tensor:
        """The joints from the camera, (batch, joint, 3)."""
        return self.bodies + torch.nn.functional.pad(self.distance.unsqueeze(-1), (2, 0)).unsqueeze(-2)


@dataclass(frozen=True)
class Views:
    """What cameras are drawn from, evenly within each range.

    >>> import torch
    >>> view = Views()(torch.randn(5, 19, 3))
    >>> view.bodies.shape, view.distance.shape, view.up.shape
    (torch.Size([5, 19, 3]), torch.Size([5]), torch.Size([5, 3]))

    Attributes:
        elevation_deg: how steeply a camera looks down on people; negative looks up at them from below.
        usual_deg: the same of those cameras that hang or are held as most are.
        usual: their share.
        roll_deg: deviation of the angle that a camera is turned by about its optical axis.
        aside_deg: how far to the side of the optical axis people are seen. The camera that faces them instead is rolled
            by that if it looks down: what is upright leans to the side at the edge of an image from above.
        distance: head lengths, evenly in its logarithm: 2.4 to 32 are 1.5 to 20 m.
        focal: deviation of the logarithm of a wrong focal length, by which distances are misjudged.
        uncalibrated: share of people seen by a camera of unknown focal length.
    """

    elevation_deg: Annotated[list[float], Interval(-89, 89)] = field(default_factory=lambda: [-25.0, 65.0])
    usual_deg: Annotated[list[float], Interval(-89, 89)] = field(default_factory=lambda: [-5.0, 25.0])
    usual: Fraction = 0.5
    roll_deg: NotNegative[float] = 4.0
    aside_deg: Annotated[list[float], Interval(-89, 89)] = field(default_factory=lambda: [-35.0, 35.0])
    distance: Annotated[list[float], Interval(1.0, 1000)] = field(default_factory=lambda: [2.4, 32.0])
    focal: NotNegative[float] = 0.3
    uncalibrated: Fraction = 0.5

    def __post_init__(self) -> None:
        check_bounds(self)

    def __call__(self, bodies: Tensor) -> View:
        """Look at level bodies (batch, joint, 3), each with a camera of its own."""
        count = len(bodies)
        turn = 2 * torch.pi * self._even(bodies)
        usual = self._even(bodies) < self.usual
        down = torch.where(usual, self._within(self.usual_deg, bodies), self._within(self.elevation_deg, bodies))
        down, aside = torch.deg2rad(down), torch.deg2rad(self._within(self.aside_deg, bodies))
        roll = math.radians(self.roll_deg) * torch.randn(count, device=bodies.device, dtype=bodies.dtype)
        roll = roll + (aside.sin() * down.tan()).atan()
        look = rotation_z(roll) @ rotation_x(down) @ rotation_y(turn)
        seen = rotate(look, bodies)
        nearest, furthest = (math.log(distance) for distance in self.distance)
        distance = (nearest + (furthest - nearest) * self._even(bodies)).exp()
        distance = torch.maximum(distance, CLEARANCE - seen[..., 2].amin(-1))
        return View(seen, distance, -look[..., 1])

    def frequencies(self) -> Tensor:
        """How often each elevation and roll is drawn, (2, bin), as `duolift.networks.told_alone` has it.

        How far cameras are rolled depends on how steeply they look down, so that of rolls no more than mean and
        deviation is told. It draws on no other randomness than its own.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            right, down, ahead = self(torch.zeros(DRAWN, 1, 3)).up.unbind(-1)
        roll = torch.atan2(right, -down)
        return torch.stack([histogram(ahead.asin()), bell(roll.mean(), roll.std())])

    def misjudged(self, size: Tensor) -> Tensor:
        """Apparent sizes (batch,) as slopes, by the focal length that cameras are thought to have."""
        wrong = self._even(size) < self.uncalibrated
        return size * torch.where(wrong, self.focal * torch.randn_like(size), 0.0).exp()

    def _even(self, like: Tensor) -> Tensor:
        """Numbers between 0 and 1, one a person."""
        return torch.rand(len(like), device=like.device, dtype=like.dtype)

    def _within(self, range_: list[float], like: Tensor) -> Tensor:
        lowest, highest = range_
        return lowest + (highest - lowest) * self._even(like)
