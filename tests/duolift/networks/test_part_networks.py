"""Networks of parts: every split gives whole poses, and its parts do not see each other."""

import math
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from duolift.body.skeleton import CHI3D25, PAPER19, Skeleton
from duolift.geometry.mirroring import mirrored
from duolift.networks.architecture import Architecture
from duolift.networks.part_networks import PartLifter, PartNetworks
from duolift.networks.splits import SPLITS, parts_of

WAYS_OF_SPLITS = {"whole": [[0]], "left_right": [[0, 1]], "legs_torso": [[0]], "links": [[0, 1], [2]]}
"""Lifter -> the ways of each of its splits."""

WAYS = {lifter: sum(map(len, splits)) for lifter, splits in WAYS_OF_SPLITS.items()}
LIFTERS = [(skeleton, split) for skeleton in (PAPER19, CHI3D25) for split in SPLITS] + [(PAPER19.pair(), "whole")]
EVERY_LIFTER = pytest.mark.parametrize(
    ("skeleton", "split"), LIFTERS, ids=[f"{skeleton.name}-{split}" for skeleton, split in LIFTERS]
)


def small(skeleton: Skeleton, split: str, half: bool = False, **options: float | None) -> PartNetworks:
    network = PartNetworks(skeleton, Architecture(split=split, width=24, blocks=2, **options))  # type: ignore[arg-type]
    network.low_precision = half
    return network


def moved(poses: Tensor, joints: set[str]) -> Tensor:
    """The same poses with other places for some joints."""
    poses = poses.clone()
    indices = PAPER19.indices(joints)
    poses[..., indices, :] += torch.randn_like(poses[..., indices, :])
    return poses


def of_same_weights(lifter: PartNetworks, split: str) -> PartNetworks:
    """The lifter of another split whose networks are this one's."""
    other = small(lifter.skeleton, split)
    weights = lifter.state_dict()
    other.load_state_dict({name: weights[name] for name in other.state_dict()})
    return other


@pytest.mark.parametrize("split", SPLITS)
def test_every_part_has_one_network_and_every_split_is_a_whole_pose(split: str) -> None:
    networks = small(PAPER19, split).networks
    assert list(networks) == list(parts_of(split)) and len(set(parts_of(split))) == len(parts_of(split))
    for parts in SPLITS[split]:
        assert {joint for part in parts for joint in PAPER19.parts[part]} == set(PAPER19.joints)


@EVERY_LIFTER
def test_shapes_and_a_root_that_stays(skeleton: Skeleton, split: str) -> None:
    lifter, poses = small(skeleton, split), torch.randn(5, 3, len(skeleton), 2)
    offsets, theta = lifter(poses)
    assert offsets.shape == (WAYS[split], 5, 3, len(skeleton))
    assert theta.shape == (5, 3)
    moving = offsets.abs().amax((0, 1, 2)) > 0
    assert moving.tolist() == [joint != skeleton.root for joint in skeleton.joints]
    assert lifter.relift(poses.expand(WAYS[split], -1, -1, -1, -1)).shape == offsets.shape


@EVERY_LIFTER
def test_every_parameter_has_a_gradient(skeleton: Skeleton, split: str) -> None:
    lifter = small(skeleton, split)
    offsets, theta = lifter(torch.randn(64, len(skeleton), 2))
    (offsets.square().sum() + theta.square().sum()).backward()
    for name, parameter in lifter.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@EVERY_LIFTER
def test_a_batch_equals_a_loop_and_prediction_is_the_mean_over_the_splits(skeleton: Skeleton, split: str) -> None:
    lifter, poses = small(skeleton, split), torch.randn(5, 3, len(skeleton), 2)
    (offsets, theta), (mean, same_theta) = lifter(poses), lifter.predict(poses)
    of_splits = [sum(offsets[way] for way in ways) / len(ways) for ways in WAYS_OF_SPLITS[split]]
    torch.testing.assert_close(mean, sum(of_splits) / len(of_splits))
    torch.testing.assert_close(same_theta, theta)
    for i, j in torch.cartesian_prod(torch.arange(5), torch.arange(3)).tolist():
        one_offsets, one_theta = lifter(poses[i, j])
        torch.testing.assert_close(one_offsets, offsets[:, i, j])
        torch.testing.assert_close(one_theta, theta[i, j])


@EVERY_LIFTER
def test_relifting_takes_each_pose_in_its_own_way(skeleton: Skeleton, split: str) -> None:
    lifter, poses = small(skeleton, split), torch.randn(WAYS[split], 6, len(skeleton), 2)
    relifted = lifter.relift(poses)
    for way in range(WAYS[split]):
        torch.testing.assert_close(relifted[way], lifter(poses[way])[0][way])


@pytest.mark.parametrize(
    ("lifter_name", "number", "part", "others"),
    [
        (name, number, part, others)
        for name, splits in SPLITS.items()
        for number, parts in enumerate(splits)
        for part in parts
        for others in parts
        if part != others
    ],
)
def test_in_a_split_a_parts_depths_depend_on_that_part_alone_and_the_elevation_on_all(
    lifter_name: str, number: int, part: str, others: str
) -> None:
    lifter, poses = small(PAPER19, lifter_name), torch.randn(6, 19, 2)
    elsewhere = set(PAPER19.parts[others]) - set(PAPER19.parts[part])
    own = PAPER19.indices(set(PAPER19.parts[part]) - set(PAPER19.parts[others]))
    (before, theta), (after, new_theta) = lifter(poses), lifter(moved(poses, elsewhere))
    ways = WAYS_OF_SPLITS[lifter_name][number]
    same = (before == after)[ways].all(1).all(0)
    assert same[own].all()
    assert not same[PAPER19.indices(elsewhere - {PAPER19.root})].any()
    assert (theta != new_theta).all()


@pytest.mark.parametrize("split", ["left_right", "links"])
def test_left_and_right_each_give_the_midline_in_their_own_way(split: str) -> None:
    lifter, poses = small(PAPER19, split), torch.randn(6, 19, 2)
    offsets, _ = lifter(poses)
    for way, side in enumerate(("left", "right")):
        for part in ("left", "right"):
            alone, _ = lifter.networks[part](poses[:, PAPER19.part(part)])
            for i, joint in enumerate(PAPER19.parts[part]):
                if joint != PAPER19.root and (part == side or joint not in PAPER19.parts[side]):
                    torch.testing.assert_close(offsets[way, :, PAPER19.index(joint)], alone[:, i])


@pytest.mark.parametrize("flip", [False, True])
def test_links_is_the_mean_of_both_splits_with_the_same_networks(flip: bool) -> None:
    links, poses = small(PAPER19, "links"), torch.randn(6, 4, 19, 2)
    alone = [of_same_weights(links, split).predict(poses, flip) for split in ("left_right", "legs_torso")]
    for together, one, other in zip(links.predict(poses, flip), *alone, strict=True):
        assert not torch.allclose(one, other)
        torch.testing.assert_close(together, (one + other) / 2)


# The flip test --------------------------------------------------------------------------------------------------------


@EVERY_LIFTER
def test_with_a_flip_test_a_mirrored_pose_gives_the_mirrored_prediction(skeleton: Skeleton, split: str) -> None:
    lifter, poses = small(skeleton, split, elevation_bound=1.0), torch.randn(5, 3, len(skeleton), 2)
    in_a_mirror = mirrored(poses, skeleton)
    (offsets, theta), (turned, same_theta) = lifter.predict(poses, flip=True), lifter.predict(in_a_mirror, flip=True)
    torch.testing.assert_close(turned, offsets[..., skeleton.mirror])
    torch.testing.assert_close(same_theta, theta)
    (offsets, theta), (turned, other_theta) = lifter.predict(poses), lifter.predict(in_a_mirror)
    assert not torch.allclose(turned, offsets[..., skeleton.mirror])
    assert not torch.allclose(other_theta, theta)


@EVERY_LIFTER
def test_a_flip_test_is_the_mean_of_the_pose_and_its_mirror_image_joint_by_joint(
    skeleton: Skeleton, split: str
) -> None:
    lifter, poses = small(skeleton, split), torch.randn(5, len(skeleton), 2)
    in_a_mirror = torch.stack([poses[:, joint] * torch.tensor([-1.0, 1.0]) for joint in skeleton.mirror], dim=1)
    (offsets, theta), (turned, other_theta) = lifter.predict(poses), lifter.predict(in_a_mirror)
    found, found_theta = lifter.predict(poses, flip=True)
    torch.testing.assert_close(found_theta, (theta + other_theta) / 2)
    for joint, name in enumerate(skeleton.joints):
        opposite = skeleton.index(skeleton.mirrored[joint])
        torch.testing.assert_close(found[:, joint], (offsets[:, joint] + turned[:, opposite]) / 2, msg=name)


# Precision and bounds -------------------------------------------------------------------------------------------------


def test_a_parts_offsets_alone_are_those_it_gives_with_its_angle() -> None:
    network, part = PartLifter(19, width=24, blocks=2), torch.randn(4, 19, 2)
    assert torch.equal(network(part)[0], network.offsets(part))


@pytest.mark.parametrize("split", SPLITS)
def test_the_elevation_is_bounded_only_where_asked(split: str) -> None:
    bounded, free = small(PAPER19, split, elevation_bound=0.8), small(PAPER19, split)
    bounded.load_state_dict(free.state_dict())
    poses = 1000 * torch.randn(500, 19, 2)
    raw, theta = free(poses)[1], bounded(poses)[1]
    assert raw.abs().max() > 2
    assert 0.7 < theta.abs().max() <= 0.8
    torch.testing.assert_close(theta, 0.8 * raw.tanh())


@pytest.mark.parametrize("split", SPLITS)
def test_half_precision_is_close_to_full_and_gives_float32(split: str) -> None:
    half, full = small(PAPER19, split, half=True), small(PAPER19, split)
    half.load_state_dict(full.state_dict())
    poses = torch.randn(WAYS[split], 50, 19, 2)
    pairs = [*zip(half(poses), full(poses), strict=True), (half.relift(poses), full.relift(poses))]
    for low, high in pairs:
        assert low.dtype == torch.float32
        assert not torch.equal(low, high)
        assert (low - high).norm() < 0.02 * high.norm()


class Casts(TorchDispatchMode):
    """Counts how often each of some tensors is brought to another type."""

    def __init__(self, watched: Iterable[Tensor]) -> None:
        super().__init__()
        self.counts = {tensor.data_ptr(): 0 for tensor in watched}

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        if operation is torch.ops.aten._to_copy.default and arguments[0].data_ptr() in self.counts:
            self.counts[arguments[0].data_ptr()] += 1
        return operation(*arguments, **(named or {}))


@pytest.mark.parametrize("split", SPLITS)
def test_shared_casts_are_made_once_and_teach_the_same(split: str) -> None:
    network, poses, gradients = small(PAPER19, split, half=True), torch.randn(WAYS[split], 50, 19, 2), []
    for context, times in ((network.shared_casts(poses), {1}), (nullcontext(), {2, 3, 4})):  # by use in ways
        network.zero_grad()
        with Casts(network.parameters()) as casts, context:
            offsets = [network(poses[0])[0], network.relift(poses), network(poses[0] + 1)[0]]
        assert set(casts.counts.values()) <= times
        torch.stack([some.square().sum() for some in offsets]).sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
    assert (gradients[0] - gradients[1]).norm() < 0.02 * gradients[1].norm()


@pytest.mark.parametrize("bound", [None, 1.0])
@pytest.mark.parametrize("split", SPLITS)
def test_an_untrained_lifter_starts_nearer_to_the_initial_elevation(split: str, bound: float | None) -> None:
    poses, angles = 0.05 * torch.randn(200, 19, 2), []
    for initial in (0.0, -0.2):
        torch.manual_seed(1)
        theta = small(PAPER19, split, elevation_bound=bound, initial_elevation=initial)(poses)[1]
        angles.append(theta if bound is None else (theta / bound).atanh())
    expected = -0.2 if bound is None else math.atanh(-0.2 / bound)
    torch.testing.assert_close(angles[1] - angles[0], torch.full((200,), expected), atol=1e-5, rtol=0)
