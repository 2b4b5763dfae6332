"""Equation 1 at its edges; the cycle's tests have it between networks."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.geometry.projection import NEAREST, lift, project


@pytest.fixture
def bodies(random_bodies: Callable[..., Tensor]) -> Tensor:
    return random_bodies(PAPER19, 8, dtype=torch.float64)


@pytest.mark.parametrize("c", [0.05, 0.6, 1.0, 1.5, 10.0])
def test_the_root_stays_in_its_place_however_near_it_is(bodies: Tensor, c: float) -> None:
    poses = project(bodies, c)
    for depth in (c, torch.full((8,), c, dtype=torch.float64)):
        assert (lift(poses, bodies[..., 2], depth)[:, PAPER19.root_index] == 0).all()


@pytest.mark.parametrize("c", [0.05, 0.6, 1.0, 1.5, 10.0])
def test_no_joint_is_nearer_than_a_head_length_or_than_the_root(bodies: Tensor, c: float) -> None:
    depth = c + lift(project(bodies, c), 20 * bodies[..., 2], c)[..., 2]
    assert depth.min().item() == pytest.approx(min(c, NEAREST))
    beyond = c + 20 * bodies[..., 2] > NEAREST
    torch.testing.assert_close(depth[beyond], (c + 20 * bodies[..., 2])[beyond])


def test_depths_of_their_own_are_those_of_one_pose_after_the_other(bodies: Tensor) -> None:
    c = torch.tensor([0.3, 0.9, 1.0, 1.1, 2.0, 5.0, 8.0, 20.0], dtype=torch.float64)
    together = lift(project(bodies, c), bodies[..., 2], c)
    for body, depth, lifted in zip(bodies, c.tolist(), together, strict=True):
        torch.testing.assert_close(lifted, lift(project(body, depth), body[..., 2], depth))
