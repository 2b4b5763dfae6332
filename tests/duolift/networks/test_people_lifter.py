"""People lifted whatever of them is seen: what is not seen decides nothing, and everybody has a size of their own."""

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19, SKELETONS
from duolift.networks.people_lifter import FEWEST_JOINTS, Architecture, PeopleLifter

COMPLETING = pytest.mark.parametrize("completing", [False, True], ids=["mean pose", "completer"])


def everything(rays: Tensor) -> Tensor:
    return torch.ones(rays.shape[:-1], dtype=torch.bool)


@COMPLETING
@pytest.mark.parametrize("skeleton", SKELETONS)
def test_what_is_not_seen_decides_nothing(
    skeleton: str, completing: bool, people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter = people_lifter(skeleton, completing=completing)
    rays = some_rays(4, 3, skeleton=lifter.skeleton)
    visible = torch.rand(rays.shape[:-1]) > 0.3
    other = torch.where(visible.unsqueeze(-1), rays, 1e3 * torch.randn_like(rays))
    for one, two in zip(lifter(rays, visible), lifter(other, visible), strict=True):
        torch.testing.assert_close(one, two)


@COMPLETING
def test_seen_joints_stay_on_their_rays_where_there_is_no_noise(
    completing: bool, people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter = people_lifter(completing=completing, centring="shift")
    rays = some_rays(5, 2)
    visible = torch.rand(rays.shape[:-1]) > 0.2
    found = lifter(rays, visible, 0.0)
    depth = (found.bodies[..., 2] + found.distance.unsqueeze(-1)).unsqueeze(-1)
    back = found.bodies[..., :2] / depth + found.roots.unsqueeze(-2)
    seen = visible & ~lifter.is_root
    torch.testing.assert_close(back[seen], rays[seen])


def test_somebody_half_as_large_in_the_image_is_twice_as_far_away(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter, rays = people_lifter(centring="shift"), some_rays(6, 1)
    root = rays[..., PAPER19.root_index, None, :]
    near, far = (lifter(root + size * (rays - root), everything(rays)) for size in (1.0, 0.5))
    torch.testing.assert_close(far.distance, 2 * near.distance)
    torch.testing.assert_close(far.theta, near.theta)


def test_a_hidden_root_is_where_it_usually_is(people_lifter: Callable[..., PeopleLifter]) -> None:
    lifter = people_lifter(centring="shift")
    pose = lifter.mean_pose - lifter.mean_pose[PAPER19.root_index]
    children, parents = PAPER19.bone_ends
    lifter.bone_lengths.copy_((pose[children] - pose[parents]).norm(dim=-1))
    root = torch.tensor([0.3, -0.2])
    rays = (root + 0.1 * pose)[None, None]
    visible = everything(rays).clone()
    visible[..., PAPER19.root_index] = False
    found = lifter(rays, visible)
    torch.testing.assert_close(found.roots[0, 0], root - 0.1 * lifter.mean_pose[PAPER19.root_index])
    assert found.distance.item() == pytest.approx(10, rel=1e-4)


@COMPLETING
@pytest.mark.parametrize("shown", [0, 1, FEWEST_JOINTS - 1, FEWEST_JOINTS])
def test_who_shows_too_little_is_not_there(
    shown: int, completing: bool, people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    rays = some_rays(3, 2)
    visible = everything(rays).clone()
    visible[:, 1, shown:] = False
    found = people_lifter(completing=completing)(rays, visible)
    assert found.valid.tolist() == [[True, shown >= FEWEST_JOINTS]] * 3
    assert all(part.isfinite().all() for part in found)


def test_all_joints_on_one_spot_give_finite_people(people_lifter: Callable[..., PeopleLifter]) -> None:
    rays = torch.zeros(1, 2, len(PAPER19), 2)
    assert all(part.isfinite().all() for part in people_lifter(completing=True)(rays, everything(rays)))


def test_a_thousand_people_are_lifted_as_each_alone(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter, rays = people_lifter(), some_rays(1, 1000)
    crowd, alone = lifter(rays, everything(rays)), lifter(rays[:, 500:501], everything(rays[:, 500:501]))
    for together, single in zip(crowd, alone, strict=True):
        torch.testing.assert_close(together[:, 500:501], single)


def test_the_flip_test_treats_left_and_right_alike(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter, rays = people_lifter(centring="shift", flip=True), some_rays(5, 1)
    flip = torch.tensor([-1.0, 1.0])
    one, other = lifter(rays, everything(rays)), lifter(rays[..., PAPER19.mirror, :] * flip, everything(rays))
    torch.testing.assert_close(other.theta, one.theta)
    torch.testing.assert_close(other.bodies[..., PAPER19.mirror, :] * torch.tensor([-1.0, 1.0, 1.0]), one.bodies)


def test_an_architecture_is_plain_data() -> None:
    architecture = Architecture("paper19", "whole", 8, 1, None, 10.0, "ray", True)
    assert replace(architecture) == Architecture(**asdict(architecture))
