"""Equation 1, its inverse, random views, and a cycle that closes for a perfect lifter."""

import math
from collections.abc import Callable

import pytest
import scipy.stats
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.geometry.projection import lift, project
from duolift.geometry.rotations import rotate, rotation_x
from duolift.learning import losses
from duolift.learning.cycle import cycle, random_views

C = 10.0


def test_equation_1_joint_by_joint() -> None:
    poses, offsets = torch.randn(3, 4, 5, 2), 8 * torch.randn(3, 4, 5)
    offsets[0, 0] = torch.tensor([-8.9, -9.0, -9.1, -20.0, 0.0])  # about the clamp
    bodies = lift(poses, offsets, C)
    for i, j, k in torch.cartesian_prod(torch.arange(3), torch.arange(4), torch.arange(5)).tolist():
        z = max(1.0, offsets[i, j, k].item() + C)
        x, y = poses[i, j, k].tolist()
        assert bodies[i, j, k].tolist() == pytest.approx([x * z, y * z, z - C], rel=1e-5, abs=1e-5)


def test_projecting_a_lifted_pose_gives_the_pose_even_where_depth_is_clamped() -> None:
    poses, offsets = torch.randn(200, 19, 2), 8 * torch.randn(200, 19)
    assert (offsets < 1 - C).any()
    torch.testing.assert_close(project(lift(poses, offsets, C), C), poses)


def test_lifting_a_projection_with_its_true_depths_gives_the_body(random_bodies: Callable[..., Tensor]) -> None:
    bodies = random_bodies(PAPER19, 20)
    torch.testing.assert_close(lift(project(bodies, C), bodies[..., 2], C), bodies)


def test_projection_is_bounded_behind_the_camera() -> None:
    assert torch.equal(project(torch.tensor([[2.0, 3.0, -C], [2.0, 3.0, -50.0]]), C), torch.tensor([[2.0, 3.0]] * 2))


@pytest.mark.parametrize("azimuth", [math.pi, 0.5])
def test_random_views_undo_the_elevation_turn_about_the_vertical_and_tilt_as_the_batch_does(azimuth: float) -> None:
    theta = -0.3 + 0.1 * torch.randn(20_000, dtype=torch.float64)
    views = random_views(theta, azimuth)
    torch.testing.assert_close(views @ views.mT, torch.eye(3, dtype=torch.float64).expand_as(views))
    assert torch.linalg.det(views).min() > 0
    rest = views @ rotation_x(theta).mT  # Rx(a) Ry(b)
    tilt, turn = torch.atan2(rest[:, 2, 1], rest[:, 1, 1]), torch.atan2(rest[:, 0, 2], rest[:, 0, 0])
    assert rest[:, 0, 1].abs().max() < 1e-12
    assert scipy.stats.kstest(tilt, scipy.stats.norm(-theta.mean().item(), theta.std().item()).cdf).pvalue > 1e-3
    assert scipy.stats.kstest(turn, scipy.stats.uniform(-azimuth, 2 * azimuth).cdf).pvalue > 1e-3
    assert abs(scipy.stats.pearsonr(tilt, turn).statistic) < 0.03


def test_known_elevations_take_the_place_of_the_batchs() -> None:
    torch.manual_seed(0)
    theta = torch.full((20_000,), 0.7)  # whatever is predicted
    tilt = random_views(theta, azimuth=0.0, elevations=(-0.2, 0.1)) @ rotation_x(-theta)
    angle = torch.atan2(tilt[:, 2, 1], tilt[:, 1, 1])
    assert angle.mean().item() == pytest.approx(0.2, abs=0.005) and angle.std().item() == pytest.approx(0.1, abs=0.005)


def test_random_views_of_a_single_pose_are_finite() -> None:
    assert torch.isfinite(random_views(torch.tensor([-0.3]))).all()


def test_a_perfect_lifter_closes_the_cycle(random_bodies: Callable[..., Tensor]) -> None:
    bodies, views = random_bodies(PAPER19, 8), random_views(-0.3 + 0.1 * torch.randn(8))
    turned = rotate(views, bodies).expand(2, -1, -1, -1)
    offsets = bodies[..., 2].expand(2, -1, -1)
    result = cycle(lambda seen: turned[..., 2], project(bodies, C), offsets, views, C)
    torch.testing.assert_close(result.body, bodies.expand_as(turned))
    torch.testing.assert_close(result.turned, turned)
    torch.testing.assert_close(result.seen, project(turned, C))
    assert losses.consistency(result.turned, result.relifted) < 1e-4
    assert losses.reprojection(project(bodies, C), result.back) < 1e-4
    assert losses.deformation(result.body, result.returned) < 1e-4


def test_a_lifter_that_sees_no_depth_leaves_the_cycle_open(random_bodies: Callable[..., Tensor]) -> None:
    bodies, views = random_bodies(PAPER19, 8), random_views(0.1 * torch.randn(8))
    poses, offsets = project(bodies, C), bodies[None, ..., 2]
    result = cycle(lambda seen: torch.zeros_like(seen[..., 0]), poses, offsets, views, C)
    assert losses.consistency(result.turned, result.relifted) > 0.1
    assert losses.reprojection(poses, result.back) > 0.1
    assert losses.deformation(result.body, result.returned) > 0.1


@pytest.mark.parametrize("attached", [False, True])
def test_elevations_learn_from_the_views_distribution_only_where_attached(attached: bool) -> None:
    """Nothing but the turns to the drawn elevations depends on the others' elevations."""
    theta = torch.tensor([-0.2, -0.3, 0.1], requires_grad=True)
    turns = random_views(theta, attached=attached)
    (gradient,) = torch.autograd.grad(turns[0].sum(), theta)
    assert gradient[0] != 0 and bool((gradient[1:] != 0).all()) is attached
