"""Cameras from anywhere: where they are, and which way is up."""

import pytest
import torch
from conftest import some_bodies

from duolift.body.skeleton import PAPER19
from duolift.geometry.rotations import levelling, rotate
from duolift.learning.views import CLEARANCE, Views
from duolift.networks.told_alone import angles

COUNT = 5000


def test_a_body_levelled_by_the_direction_up_is_the_body_turned_about_the_vertical() -> None:
    bodies = some_bodies(PAPER19, 300)
    view = Views()(bodies)
    level = rotate(levelling(view.up), view.bodies)
    torch.testing.assert_close(level[..., 1], bodies[..., 1], rtol=0, atol=1e-5)
    torch.testing.assert_close(level.norm(dim=-1), bodies.norm(dim=-1), rtol=0, atol=1e-5)


def test_cameras_look_from_the_heights_that_they_are_told() -> None:
    view = Views(elevation_deg=[-10.0, 50.0], usual=0.0, roll_deg=0.0)(some_bodies(PAPER19, COUNT))
    ahead = torch.tensor([0.0, 0.0, 1.0])
    down = -(view.up @ ahead).asin().rad2deg()
    assert down.min() >= -10.01 and down.max() <= 50.01 and down.mean() == pytest.approx(20, abs=1)


def test_usual_cameras_are_so_many() -> None:
    views = Views(elevation_deg=[40.0, 41.0], usual_deg=[0.0, 1.0], usual=0.25, roll_deg=0.0)
    down = -views(some_bodies(PAPER19, COUNT)).up[:, 2].asin().rad2deg()
    assert (down < 20).float().mean() == pytest.approx(0.25, abs=0.03)


def test_how_often_cameras_are_held_how_is_told_without_disturbing_what_is_drawn() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    elevations, rolls = Views(usual_deg=[-6.0, 24.0], roll_deg=3.0, aside_deg=[-0.01, 0.01]).frequencies()
    assert torch.equal(torch.rand(3), expected)
    at = angles(elevations).rad2deg()
    assert elevations[(at > -24) & (at < 6)].sum() == pytest.approx(0.5 + 0.5 / 3, abs=0.02)
    assert elevations[(at < -66) | (at > 26)].sum() == 0
    assert (rolls * at).sum() == pytest.approx(0, abs=0.1)
    assert (rolls * at.square()).sum().sqrt() == pytest.approx(3, abs=0.1)


def test_nobody_is_behind_the_camera_or_beyond_reach() -> None:
    view = Views(distance=[1.0, 20.0])(some_bodies(PAPER19, COUNT))
    assert view.points[..., 2].min() >= CLEARANCE - 1e-5
    assert view.distance.max() <= 20.001
    torch.testing.assert_close(view.points - view.bodies, view.points[:, [0]].expand_as(view.points), rtol=0, atol=1e-5)


def test_a_focal_length_is_wrong_for_so_many() -> None:
    size = torch.full((COUNT,), 0.1)
    told = Views(focal=0.3, uncalibrated=0.5).misjudged(size)
    wrong = told != size
    assert wrong.float().mean() == pytest.approx(0.5, abs=0.03)
    assert (told[wrong] / size[wrong]).log().std() == pytest.approx(0.3, rel=0.1)


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="elevation_deg"):
        Views(elevation_deg=[30.0, 10.0])
