"""Equation 1 at its edge: the root stays at depth c, however near that is, and projecting undoes lifting."""

import pytest
import torch

from duolift.geometry.projection import NEAREST, lift, project

NEAR = pytest.mark.parametrize("c", [1e-3, 0.3, 0.999, 1.0, 1.001, 10.0])
KIND = pytest.mark.parametrize("of_poses", [False, True], ids=["one depth", "a depth of every pose"])


@NEAR
@KIND
def test_the_root_stays_at_depth_c_and_no_joint_comes_nearer_than_it_or_a_head_length(c: float, of_poses: bool) -> None:
    poses, offsets = torch.randn(50, 19, 2), 3 * torch.randn(50, 19)
    poses[:, 0], offsets[:, 0] = 0, 0
    depth = torch.full((50,), c) if of_poses else c
    bodies = lift(poses, offsets, depth)
    assert not bodies[:, 0].any()
    nearest = min(c, NEAREST)
    expected = (offsets + c).clamp(min=nearest)
    torch.testing.assert_close(bodies[..., 2] + c, expected)
    torch.testing.assert_close(bodies[..., :2], poses * expected.unsqueeze(-1))
    torch.testing.assert_close(project(bodies, depth), poses, rtol=1e-4, atol=1e-4)


@KIND
def test_depths_of_both_sides_of_a_head_length_meet(of_poses: bool) -> None:
    poses, offsets = torch.randn(50, 19, 2), 3 * torch.randn(50, 19)
    below, above = (lift(poses, offsets, torch.full((50,), c) if of_poses else c) for c in (1 - 1e-6, 1 + 1e-6))
    torch.testing.assert_close(below, above, rtol=1e-4, atol=1e-4)
