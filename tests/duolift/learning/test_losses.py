"""Loss terms, each against a loop in plain Python, with gradients that never fail."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.learning.losses import (
    ELEVATION_WEIGHT,
    bone_prior,
    bone_ratios,
    consistency,
    deformation,
    elevation_prior,
    known,
    reprojection,
)

BONES = torch.tensor([[1, 0], [2, 1], [3, 1]])


def random_poses(*batch: int, axes: int = 3) -> Tensor:
    return torch.randn(*batch, 4, axes, dtype=torch.float64)


def distance(a: Tensor, b: Tensor) -> float:
    return math.dist(a.flatten().tolist(), b.flatten().tolist())


def test_reprojection_sums_over_the_pose_and_averages_over_the_batch() -> None:
    poses, back = random_poses(5, axes=2), random_poses(2, 5, axes=2)
    expected = [
        sum(abs(p - q) for p, q in zip(poses[i].flatten().tolist(), back[way, i].flatten().tolist(), strict=True))
        for way in range(2)
        for i in range(5)
    ]
    assert reprojection(poses, back).item() == pytest.approx(sum(expected) / 10)


def test_consistency_is_the_mean_norm_over_the_whole_pose() -> None:
    turned, relifted = random_poses(2, 5), random_poses(2, 5)
    expected = [distance(turned[way, i], relifted[way, i]) for way in range(2) for i in range(5)]
    assert consistency(turned, relifted).item() == pytest.approx(sum(expected) / 10)


@pytest.mark.parametrize("batch", [2, 4, 5])
def test_deformation_compares_neighbours_and_leaves_an_odd_one_out(batch: int) -> None:
    body, returned = random_poses(2, batch), random_poses(2, batch)
    expected = [
        distance(body[way, i + 1] - body[way, i], returned[way, i + 1] - returned[way, i])
        for way in range(2)
        for i in range(0, batch - 1, 2)
    ]
    assert deformation(body, returned).item() == pytest.approx(sum(expected) / len(expected))


def test_deformation_of_a_single_pose_is_zero() -> None:
    assert deformation(random_poses(2, 1), random_poses(2, 1)).item() == 0


def test_deformation_ignores_what_all_poses_share() -> None:
    body = random_poses(1, 6)
    assert deformation(body, body + random_poses(1, 1)) < 1e-5


def test_bone_ratios_and_prior() -> None:
    body, ratios = random_poses(2, 5), torch.tensor([0.5, 1.0, 1.5], dtype=torch.float64)
    total = 0.0
    for way in range(2):
        for i in range(5):
            lengths = [distance(body[way, i, a], body[way, i, b]) for a, b in BONES.tolist()]
            of_one = [length / (sum(lengths) / 3) for length in lengths]
            assert bone_ratios(body, BONES)[way, i].tolist() == pytest.approx(of_one)
            total += sum((r - wanted) ** 2 for r, wanted in zip(of_one, ratios.tolist(), strict=True))
    assert bone_prior(body, BONES, ratios).item() == pytest.approx(total / 10)


def test_the_bone_prior_is_blind_to_size_and_zero_on_its_own_ratios(random_bodies: Callable[..., Tensor]) -> None:
    bones = torch.tensor([PAPER19.indices(bone) for bone in PAPER19.bones])
    body = random_bodies(PAPER19, 1)
    ratios = bone_ratios(body, bones)[0]
    assert bone_prior(7 * body, bones, ratios) < 1e-9
    assert bone_prior(random_bodies(PAPER19, 1), bones, ratios) > 0.1


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: reprojection(x, x.detach()),
        lambda x: consistency(x, x.detach()),
        lambda x: deformation(x, x.detach()),
        lambda x: bone_prior(x * torch.tensor([1, 1, 1, 0])[:, None], BONES, torch.ones(3)),
    ],
    ids=["reprojection", "consistency", "deformation", "bone prior with a bone of no length"],
)
def test_gradients_are_finite_at_zero(loss: Callable[[Tensor], Tensor]) -> None:
    poses = random_poses(1, 4)
    poses[..., 1, :] = 0
    poses.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(poses), poses)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: reprojection(x[0], x[1]),
        lambda x: consistency(x[0], x[1]),
        lambda x: deformation(x[0], x[1]),
        lambda x: bone_prior(x, BONES, torch.tensor([0.5, 1.0, 1.5])),
    ],
    ids=["reprojection", "consistency", "deformation", "bone prior"],
)
def test_gradients_are_the_numerical_ones(loss: Callable[[Tensor], Tensor]) -> None:
    assert torch.autograd.gradcheck(loss, random_poses(2, 5).requires_grad_())


def test_what_is_known_costs_nothing_where_it_is_met_and_both_terms_where_it_is_not() -> None:
    body, theta = torch.randn(4, 5, 3, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    assert sum(term.item() for term in known(body, body, theta, theta).values()) == pytest.approx(0.0, abs=1e-5)
    off = known(body + torch.tensor([0.0, 0.0, 0.3]), body, theta + 0.1, theta)
    assert off["pose"].item() == pytest.approx(0.3 * 5**0.5)
    assert off["elevation"].item() == pytest.approx(ELEVATION_WEIGHT * 0.01)


def test_the_elevation_prior_is_the_divergence_of_two_gaussians() -> None:
    theta = 0.3 * torch.randn(4000) - 0.2
    batch = torch.distributions.Normal(theta.mean(), theta.std(correction=0))
    known = torch.distributions.Normal(torch.tensor(-0.1), torch.tensor(0.2))
    expected = torch.distributions.kl_divergence(batch, known)
    torch.testing.assert_close(elevation_prior(theta, -0.1, 0.2), expected, rtol=1e-4, atol=1e-5)
