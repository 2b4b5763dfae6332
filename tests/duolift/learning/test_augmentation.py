"""Properties of augmentation: other bones, other leans, other cameras, and elevations that stay true."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import SKELETONS, Skeleton
from duolift.geometry.bones import either_side
from duolift.geometry.rotations import rotate, rotation_x
from duolift.learning.augmentation import Augmentation, chains, with_bones
from duolift.learning.losses import bone_ratios

STILL = {"bones": 0.0, "size": 0.0, "lean": 0.0, "leaning": 0.0, "tilt": 0.0}


@pytest.fixture(params=SKELETONS.values(), ids=SKELETONS)
def skeleton(request: pytest.FixtureRequest) -> Skeleton:
    found: Skeleton = request.param
    return found


def lengths(bodies: Tensor, skeleton: Skeleton) -> Tensor:
    children, parents = (skeleton.indices(ends) for ends in zip(*skeleton.bones, strict=True))
    return (bodies[..., children, :] - bodies[..., parents, :]).norm(dim=-1)


def test_bones_get_the_lengths_they_are_told_and_keep_their_directions(
    random_bodies: Callable[..., Tensor], skeleton: Skeleton
) -> None:
    bodies, factors = random_bodies(skeleton, 7), 0.5 + torch.rand(7, len(skeleton.bones))
    changed = with_bones(bodies, factors, skeleton)
    assert torch.allclose(lengths(changed, skeleton), factors * lengths(bodies, skeleton), atol=1e-5)
    for child, parent in skeleton.bones:
        before, after = (b[:, skeleton.index(child)] - b[:, skeleton.index(parent)] for b in (bodies, changed))
        assert torch.allclose(torch.cosine_similarity(before, after), torch.ones(7), atol=1e-4)
    assert torch.equal(changed[:, skeleton.root_index], torch.zeros(7, 3))


def test_bones_of_one_length_leave_a_body_as_it_is(random_bodies: Callable[..., Tensor], skeleton: Skeleton) -> None:
    bodies = random_bodies(skeleton, 3)
    assert torch.allclose(with_bones(bodies, torch.ones(3, len(skeleton.bones)), skeleton), bodies, atol=1e-5)


def test_a_chain_is_the_bones_from_the_root_to_a_joint(skeleton: Skeleton) -> None:
    table, parent = chains(skeleton, torch.device("cpu")), dict(skeleton.bones)
    wrist = table[skeleton.index("left_wrist")]
    on_the_way = [child for (child, _), there in zip(skeleton.bones, wrist.tolist(), strict=True) if there]
    joint, expected = "left_wrist", []
    while joint in parent:
        expected, joint = [*expected, joint], parent[joint]
    assert sorted(on_the_way) == sorted(expected) and "left_elbow" in expected
    assert not table[skeleton.root_index].any()


def test_both_sides_share_a_factor(random_bodies: Callable[..., Tensor], skeleton: Skeleton) -> None:
    bodies, theta = random_bodies(skeleton, 5), torch.zeros(5)
    other, _ = Augmentation(**{**STILL, "bones": 0.3})(bodies, theta, skeleton)
    factors = lengths(other, skeleton) / lengths(bodies, skeleton)
    children = [skeleton.index(child) for child, _ in skeleton.bones]
    for number, joint in enumerate(children):
        twin = children.index(skeleton.mirror[joint])
        assert torch.allclose(factors[:, number], factors[:, twin], rtol=1e-4)
        assert either_side(skeleton)[number] == either_side(skeleton)[twin]
    assert factors.log().std() > 0.1


def test_without_changes_a_person_is_turned_alone(random_bodies: Callable[..., Tensor], skeleton: Skeleton) -> None:
    """The heights above the ground stay what they were, by the elevations of other people of the batch."""
    bodies, theta = random_bodies(skeleton, 50), 0.3 * torch.randn(50)
    other, elevation = Augmentation(**STILL)(bodies, theta, skeleton)
    heights = [rotate(rotation_x(angle), people)[..., 1] for people, angle in ((bodies, theta), (other, elevation))]
    assert torch.allclose(*heights, atol=1e-4)
    assert torch.equal(elevation.sort().values, theta.sort().values) and not torch.equal(elevation, theta)
    assert not torch.allclose(other[..., 2], bodies[..., 2], atol=0.1)


def test_size_is_one_factor_a_person(random_bodies: Callable[..., Tensor], skeleton: Skeleton) -> None:
    bodies = random_bodies(skeleton, 400)
    other, _ = Augmentation(**{**STILL, "size": 0.2})(bodies, torch.zeros(400), skeleton)
    ratio = lengths(other, skeleton) / lengths(bodies, skeleton)
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-3)
    assert ratio[:, 0].log().std().item() == pytest.approx(0.2, rel=0.15)


def test_who_leans_is_a_share_and_by_the_angle_told(skeleton: Skeleton) -> None:
    """A body of one upright bone: its angle with the vertical is the lean."""
    bodies = torch.zeros(4000, len(skeleton), 3)
    bodies[:, skeleton.head_index, 1] = -1.0
    other, theta = Augmentation(**{**STILL, "lean": 20.0, "leaning": 0.5})(bodies, torch.zeros(4000), skeleton)
    head = rotate(rotation_x(theta), other)[:, skeleton.head_index]
    angle = (-head[:, 1] / head.norm(dim=-1)).clamp(-1, 1).acos().rad2deg()
    leans = angle > 0.05
    assert leans.float().mean().item() == pytest.approx(0.5, abs=0.04)
    assert angle[leans].square().mean().sqrt().item() == pytest.approx(20.0, rel=0.1)
    assert head[leans][:, [0, 2]].mean(0).abs().max() < 0.03, "towards anywhere"


def test_the_default_makes_other_people_about_the_same_root(
    random_bodies: Callable[..., Tensor], skeleton: Skeleton
) -> None:
    bodies = random_bodies(skeleton, 6)
    other, theta = Augmentation()(bodies, torch.zeros(6), skeleton)
    bones = torch.tensor([skeleton.indices(bone) for bone in skeleton.bones])
    assert other.shape == bodies.shape and theta.shape == (6,) and torch.isfinite(other).all()
    assert not torch.allclose(bone_ratios(other, bones), bone_ratios(bodies, bones), atol=0.02)
    assert torch.allclose(other[:, skeleton.root_index], torch.zeros(3), atol=1e-6)
