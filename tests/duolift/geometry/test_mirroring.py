"""Poses in a mirror."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import CHI3D25, PAPER19, Skeleton
from duolift.geometry.mirroring import mirrored
from duolift.geometry.projection import project


@pytest.mark.parametrize("skeleton", [PAPER19, CHI3D25, PAPER19.pair()], ids=lambda s: s.name)
def test_mirrored_twice_is_the_pose_and_mirrored_bodies_project_to_mirrored_poses(
    skeleton: Skeleton, random_bodies: Callable[..., Tensor]
) -> None:
    bodies = random_bodies(skeleton, 7)
    poses = project(bodies, 10.0)
    assert torch.equal(mirrored(mirrored(poses, skeleton), skeleton), poses)
    in_a_mirror = bodies[:, skeleton.mirror] * torch.tensor([-1, 1, 1])
    torch.testing.assert_close(project(in_a_mirror, 10.0), mirrored(poses, skeleton))
