"""The horizon and the focal length: told by people who walk about and keep their size."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER23
from duolift.geometry.cameras import elevation
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing, rotate, rotation_x
from duolift.placement.focal import FOCAL_PRIOR, FocalLength, default_focal, focal_from_people
from duolift.placement.horizon import FRAMES, thinned, tilt_evidence
from duolift.placement.interface import FocalSource
from duolift.placement.posed import log_size
from duolift.placement.up import direction

ROOT, FEET = PAPER23.root_index, PAPER23.feet
ASSUMED = 1200.0


@dataclass
class Film:
    """Perfect lifts of a static camera's frames, with a focal length that need not be the camera's.

    Attributes:
        bodies, theta, roots, c: what `Lifted` is made of, by the assumed focal length.
        people: (frame, person, joint, 3), where they are.
    """

    bodies: Tensor
    theta: Tensor
    roots: Tensor
    people: Tensor
    c: float

    @property
    def one(self) -> Tensor:
        """All frames are one sequence, or one camera's."""
        return torch.zeros(len(self.bodies), dtype=torch.long)

    @property
    def lifted(self) -> Lifted:
        return Lifted.of(PAPER23, self.bodies, self.theta, self.roots, self.c)

    def focal(self, sequence: Tensor | None = None, camera: Tensor | None = None) -> FocalLength:
        camera = self.one if camera is None else camera
        assumed = torch.full((int(camera.max()) + 1,), ASSUMED, dtype=torch.float64)
        return focal_from_people(self.lifted, assumed, self.one if sequence is None else sequence, camera)


def joined(*films: Film) -> Film:
    names = ("bodies", "theta", "roots", "people")
    return Film(**{name: torch.cat([getattr(film, name) for film in films]) for name in names}, c=films[0].c)


def numbered(*films: Film) -> Tensor:
    return torch.arange(len(films)).repeat_interleave(torch.tensor([len(film.bodies) for film in films]))


@pytest.fixture
def film(random_bodies: Callable[..., Tensor]) -> Callable[..., Film]:
    """`film(focal)`: two people who walk nearer and farther before a camera of that focal length, pixels.

    Args:
        tilt: degrees.
        frames: how many.
        walk: how far, head lengths.
        jump: how high they are off the ground, at random, at most.
    """

    def make(focal: float, tilt: float = -15.0, frames: int = 100, walk: float = 2.5, jump: float = 0.0) -> Film:
        bodies = 0.3 * random_bodies(PAPER23, 1, 2, dtype=torch.float64)
        bodies[..., FEET, 1] += 1.7
        bodies = bodies * (math.log(0.45) - log_size(bodies, PAPER23)).exp()[..., None, None]
        time = torch.linspace(0, 2 * math.pi, frames, dtype=torch.float64).unsqueeze(-1)
        place = torch.tensor([8.0, 8.5], dtype=torch.float64)
        z = place + walk * (time + torch.tensor([0.0, 2.0])).sin()
        x = torch.tensor([-1.0, 1.0], dtype=torch.float64).expand_as(z)
        height = 3.0 - jump * torch.rand_like(z)
        level = bodies + torch.stack([x, height - bodies[..., 1].amax(-1), z], dim=-1).unsqueeze(-2)
        camera = rotation_x(torch.tensor(-math.radians(tilt), dtype=torch.float64))
        people = rotate(camera, level)
        root = people[..., ROOT, :]
        true = root[..., :2] / root[..., 2:]
        faced = rotate(facing(true), people)
        c = 8.0 * ASSUMED / focal
        size = c / faced[..., ROOT, 2]  # lifted to where a person of this size in the image would be
        seen = (faced - faced[..., ROOT, None, :]) * size[..., None, None]
        theta = elevation(root, -camera[:, 1].expand_as(root))
        # the image is the camera's, the slopes of rays are what the assumed focal length makes of it
        return Film(seen, theta, true * focal / ASSUMED, people, c)

    return make


def test_the_normal_lens_is_the_images_diagonal() -> None:
    assert default_focal(torch.tensor([[400.0, 300.0], [450.0, 450.0]])).tolist() == pytest.approx([1000, 900 * 2**0.5])


def takes_of(film: Callable[..., Film], focal: float) -> list[Film]:
    """What one camera saw on four days, tilted otherwise on each."""
    return [film(focal, tilt) for tilt in (-8.0, -12.0, -16.0, -20.0)]


@pytest.mark.parametrize("focal", [700.0, 900.0, 1200.0, 1600.0, 2000.0])
def test_walking_people_tell_the_focal_length(film: Callable[..., Film], focal: float) -> None:
    takes = takes_of(film, focal)
    found = joined(*takes).focal(numbered(*takes))
    assert found.source == (FocalSource.PEOPLE,)
    error, before = math.log(found.pixels.item() / focal), math.log(ASSUMED / focal)
    assert abs(error) < max(0.065, 0.6 * abs(before)), "much nearer than the default"
    assert error * before > -0.01, "on the side of the default, which is the middle of the prior"
    assert abs(error) < 1.5 * found.deviation.item()


def test_people_who_stand_still_leave_the_default_and_the_result_says_so(film: Callable[..., Film]) -> None:
    found = film(800.0, frames=1).focal()
    assert found.source == (FocalSource.DEFAULT,)
    assert found.pixels.item() == ASSUMED and found.deviation.item() == FOCAL_PRIOR


@pytest.mark.parametrize("focal", [800.0, 1900.0])
def test_people_in_the_air_all_the_time_do_not_mislead(film: Callable[..., Film], focal: float) -> None:
    still = film(focal, jump=1.5, walk=0.0).focal()
    assert abs(math.log(still.pixels.item() / focal)) < abs(math.log(ASSUMED / focal)) + 0.1


def test_more_takes_of_a_camera_tell_it_better_and_one_bad_take_does_little_harm(film: Callable[..., Film]) -> None:
    takes = takes_of(film, 800.0)
    bad = film(800.0, jump=1.5)
    bad.theta += 0.3
    one, good, mixed = (
        joined(*some).focal(numbered(*some), joined(*some).one) for some in ([takes[0]], takes, [*takes, bad])
    )
    assert good.deviation < 0.9 * one.deviation and good.deviation < FOCAL_PRIOR
    assert abs(math.log(mixed.pixels.item() / 800)) <= abs(math.log(ASSUMED / 800)) + 1e-9


def test_cameras_do_not_learn_from_each_other(film: Callable[..., Film]) -> None:
    films = [film(800.0, frames=30), film(1600.0, frames=50), film(1200.0, frames=40)]
    sequence = numbered(*films)
    for some in films[1:]:  # one unit of length
        some.bodies *= films[0].c / some.c
        some.c = films[0].c
    found = joined(*films).focal(sequence, sequence)
    for number, some in enumerate(films):
        assert found.pixels[number].item() == pytest.approx(some.focal().pixels.item(), rel=1e-6)


def test_the_order_of_people_and_the_mixing_of_frames_do_not_matter(film: Callable[..., Film]) -> None:
    some = film(900.0, frames=40)
    other = Film(some.bodies.flip(1), some.theta.flip(1), some.roots.flip(1), some.people.flip(1), some.c)
    torch.testing.assert_close(other.focal().pixels, some.focal().pixels)
    mixed = torch.randperm(40)
    shuffled = Film(some.bodies[mixed], some.theta[mixed], some.roots[mixed], some.people[mixed], some.c)
    torch.testing.assert_close(shuffled.focal().pixels, some.focal().pixels)


@pytest.mark.parametrize("tilt", [-30.0, -12.0, 0.0])
def test_the_true_tilt_is_the_likeliest(film: Callable[..., Film], tilt: float) -> None:
    some = film(ASSUMED, tilt)
    tilts = torch.linspace(-40, 10, 51, dtype=torch.float64).deg2rad()
    ups = direction(tilts, torch.zeros_like(tilts)).expand(100, -1, 3)
    likely = tilt_evidence(some.lifted, ups, some.one, torch.tensor([10.0], dtype=torch.float64))[0]
    assert tilts[likely.argmax()].rad2deg().item() == pytest.approx(tilt)


def test_a_horizon_at_peoples_feet_explains_nothing(film: Callable[..., Film]) -> None:
    """Everybody would be of any size there, and no tilt goes well with people who are in the air half of the time."""
    some = film(ASSUMED, tilt=-12.0, jump=1.5)
    tilts = torch.linspace(-40, 40, 81, dtype=torch.float64).deg2rad()
    ups = direction(tilts, torch.zeros_like(tilts)).expand(100, -1, 3)
    likely = tilt_evidence(some.lifted, ups, some.one, torch.tensor([10.0], dtype=torch.float64))[0]
    assert tilts[likely.argmax()].rad2deg().item() == pytest.approx(-12.0, abs=10.0)


def test_thinning_keeps_a_few_frames_of_every_sequence() -> None:
    sequence = torch.tensor([7] * 3 + [2] * (3 * FRAMES) + [4])
    kept, number, count = thinned(sequence)
    assert count.tolist() == [3 * FRAMES, 1, 3]
    assert torch.bincount(number).tolist() == [FRAMES, 1, 3]
    assert (sequence[kept] == torch.tensor([2, 4, 7])[number]).all()
