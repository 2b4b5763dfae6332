"""People lifted whatever of them is seen: what is not seen decides nothing, and everybody has a size of their own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19, SKELETONS
from duolift.geometry.bones import bone_lengths
from duolift.networks.architecture import Architecture
from duolift.networks.completer import CompleterArchitecture
from duolift.networks.detection_network import DetectionArchitecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import FEWEST_JOINTS, PeopleLifter
from tests.conftest import tensors_of

COMPLETING = pytest.mark.parametrize("completing", [False, True], ids=["mean pose", "completer"])

WAYS = pytest.mark.parametrize(
    "way", [{}, {"completing": True}, {"detecting": True}], ids=["mean pose", "completer", "detection network"]
)
"""Options of `people_lifter`."""


def everything(rays: Tensor) -> Tensor:
    return torch.ones(rays.shape[:-1], dtype=torch.bool)


@WAYS
@pytest.mark.parametrize("anything", [1e3, 1e30, torch.inf, -torch.inf, torch.nan])
@pytest.mark.parametrize("skeleton", SKELETONS)
def test_what_is_not_visible_decides_nothing_and_gets_no_gradient(
    skeleton: str,
    anything: float,
    way: dict[str, bool],
    people_lifter: Callable[..., PeopleLifter],
    some_rays: Callable[..., Tensor],
) -> None:
    lifter = people_lifter(skeleton, **way)
    rays = some_rays(4, 3, skeleton=lifter.skeleton)
    visible = torch.rand(rays.shape[:-1]) > 0.3
    visible[0, :, lifter.skeleton.root_index] = False
    visible[1, 0, FEWEST_JOINTS - 1 :] = False
    found = []
    for hidden in (rays, torch.full_like(rays, anything)):
        given = torch.where(visible.unsqueeze(-1), rays, hidden).requires_grad_()
        lifted = lifter(given, visible)
        torch.stack([part.square().sum() for part in tensors_of(lifted) if part.requires_grad]).sum().backward()
        assert given.grad is not None and given.grad.isfinite().all() and not given.grad[~visible].any()
        found.append((*tensors_of(lifted), given.grad))
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)


@COMPLETING
def test_seen_joints_stay_on_their_rays_where_there_is_no_noise(
    completing: bool, people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter = people_lifter(completing=completing, centring="shift")
    rays = some_rays(5, 2)
    visible = torch.rand(rays.shape[:-1]) > 0.2
    found = lifter(rays, visible, 0.0)
    depth = (found.bodies[..., 2] + found.distance.unsqueeze(-1)).unsqueeze(-1)
    back = found.bodies[..., :2] / depth + found.root_rays.unsqueeze(-2)
    seen = visible & ~lifter.is_root
    torch.testing.assert_close(back[seen], rays[seen])


def test_a_detection_network_makes_everybody_as_large_as_the_mean_body(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter, rays = people_lifter(detecting=True), some_rays(6, 2)
    found = lifter(rays, everything(rays), 0.0)
    length = bone_lengths(found.bodies, PAPER19).sum(-1)
    torch.testing.assert_close(length, lifter.body_length.expand(6, 2))
    depth = (found.bodies[..., 2] + found.distance.unsqueeze(-1)).unsqueeze(-1)
    assert found.distance.std() > 0 and (depth > 0).all()


def test_somebody_half_as_large_in_the_image_is_twice_as_far_away(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter, rays = people_lifter(centring="shift"), some_rays(6, 1)
    root = rays[..., PAPER19.root_index, None, :]
    near, far = (lifter(root + size * (rays - root), everything(rays)) for size in (1.0, 0.5))
    torch.testing.assert_close(far.distance, 2 * near.distance)
    torch.testing.assert_close(far.elevation, near.elevation)


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
    torch.testing.assert_close(found.root_rays[0, 0], root - 0.1 * lifter.mean_pose[PAPER19.root_index])
    assert found.distance.item() == pytest.approx(10, rel=1e-4)


@WAYS
@pytest.mark.parametrize("shown", [0, 1, FEWEST_JOINTS - 1, FEWEST_JOINTS])
def test_who_shows_too_little_is_not_there(
    shown: int, way: dict[str, bool], people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    rays = some_rays(3, 2)
    visible = everything(rays).clone()
    visible[:, 1, shown:] = False
    found = people_lifter(**way)(rays, visible)
    assert found.valid.tolist() == [[True, shown >= FEWEST_JOINTS]] * 3
    assert all(part.isfinite().all() for part in tensors_of(found))


@WAYS
def test_all_joints_on_one_spot_give_finite_people(
    way: dict[str, bool], people_lifter: Callable[..., PeopleLifter]
) -> None:
    rays = torch.zeros(1, 2, len(PAPER19), 2)
    assert all(part.isfinite().all() for part in tensors_of(people_lifter(**way)(rays, everything(rays))))


def test_a_thousand_people_are_lifted_as_each_alone(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter, rays = people_lifter(), some_rays(1, 1000)
    crowd, alone = lifter(rays, everything(rays)), lifter(rays[:, 500:501], everything(rays[:, 500:501]))
    for together, single in zip(tensors_of(crowd), tensors_of(alone), strict=True):
        torch.testing.assert_close(together[:, 500:501], single)


def test_the_flip_test_treats_left_and_right_alike(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor]
) -> None:
    lifter, rays = people_lifter(centring="shift", flip=True), some_rays(5, 1)
    flip = torch.tensor([-1.0, 1.0])
    one, other = lifter(rays, everything(rays)), lifter(rays[..., PAPER19.mirror, :] * flip, everything(rays))
    torch.testing.assert_close(other.elevation, one.elevation)
    torch.testing.assert_close(other.bodies[..., PAPER19.mirror, :] * torch.tensor([-1.0, 1.0, 1.0]), one.bodies)


LIFTER, COMPLETER, DETECTION = Architecture(width=8, blocks=1), CompleterArchitecture(8, 1), DetectionArchitecture(8, 1)


@pytest.mark.parametrize("networks", [(LIFTER, None, None), (LIFTER, COMPLETER, None), (None, None, DETECTION)])
def test_an_architecture_is_plain_data(networks: tuple[Any, Any, Any]) -> None:
    lifter, completer, detection = networks
    architecture = PeopleArchitecture("paper19", lifter, 10.0, "ray", True, completer, detection)
    assert PeopleArchitecture.from_plain(json.loads(json.dumps(architecture.plain()))) == architecture


@pytest.mark.parametrize(
    "networks", [(None, None, None), (LIFTER, None, DETECTION), (None, COMPLETER, None), (None, COMPLETER, DETECTION)]
)
def test_networks_that_do_not_go_together_are_refused(networks: tuple[Any, Any, Any]) -> None:
    lifter, completer, detection = networks
    with pytest.raises(ValueError, match="expected"):
        PeopleArchitecture("paper19", lifter, 10.0, "ray", True, completer, detection)


@pytest.mark.parametrize("c", [1.0, 0.5, torch.inf, torch.nan, "10", True])
def test_a_distance_that_is_none_is_refused(c: object) -> None:
    with pytest.raises(ValueError, match=r"c is .*; expected head lengths above 1"):
        PeopleArchitecture("paper19", Architecture(), c)  # type: ignore[arg-type]
