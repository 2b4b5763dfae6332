"""Completion: every occlusion on every skeleton, and what is present stays while what is hidden tells nothing."""

import pytest
import torch
from torch import Tensor

from duolift.completion import (
    STRATEGIES,
    Completer,
    Completion,
    lift_present,
    occlusions,
    part_shares,
    presence,
    random_presence,
    strategies_of,
)
from duolift.lifters import SPLITS, Lifter
from duolift.lifting import lift, project
from duolift.skeleton import CHI3D25, PAPER19, PAPER23, SKELETONS, Skeleton

C = 5.0
PEOPLE = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
EVERY = pytest.mark.parametrize(
    ("split", "strategy"), [(split, strategy) for split in SPLITS for strategy in strategies_of(split)]
)
NAMES = {"left_arm", "right_arm", "left_leg", "right_leg", "legs", "torso", "left", "right"}


def small(split: str, strategy: str, skeleton: Skeleton = PAPER19, flip: bool = False) -> Completion:
    completer = Completer(skeleton, *STRATEGIES[strategy], width=24, blocks=1)
    return Completion(Lifter(skeleton, split, 24, 1, elevation_bound=1.0), completer, C, flip)


def some_poses(*batch: int, skeleton: Skeleton = PAPER19) -> Tensor:
    poses = 0.1 * torch.randn(*batch, len(skeleton), 2)
    poses[..., skeleton.root_index, :] = 0
    return poses


def some_presence(count: int, skeleton: Skeleton = PAPER19, dropped: float = 0.1) -> Tensor:
    return random_presence(presence(skeleton), count, dropped, skeleton.root_index)


def moved(poses: Tensor, present: Tensor, to: float) -> Tensor:
    """The same poses with the hidden joints elsewhere."""
    return torch.where(present.unsqueeze(-1), poses, to)


# What is hidden -------------------------------------------------------------------------------------------------------


@PEOPLE
def test_the_named_occlusions_hide_limbs_and_what_they_make_up_but_never_the_root(skeleton: Skeleton) -> None:
    hidden = {name: set(joints) for name, joints in occlusions(skeleton).items()}
    assert hidden.keys() == NAMES
    assert all(joints and skeleton.root not in joints and joints < set(skeleton.joints) for joints in hidden.values())
    assert hidden["legs"] == hidden["left_leg"] | hidden["right_leg"] == set(skeleton.parts["legs"]) - {skeleton.root}
    assert hidden["torso"] == set(skeleton.parts["torso"]) > hidden["left_arm"] | hidden["right_arm"]
    for side, other in (("left", "right"), ("right", "left")):
        assert hidden[side] == hidden[f"{side}_arm"] | hidden[f"{side}_leg"]
        assert hidden[side] == set(skeleton.joints) - set(skeleton.parts[other])
        mirrored = {skeleton.mirrored[skeleton.index(joint)] for joint in hidden[side]}
        assert mirrored == hidden[other]


def test_a_limb_is_hidden_to_its_tips() -> None:
    arm = {f"left_{joint}" for joint in ("shoulder", "elbow", "wrist", "hand")}
    leg = {f"left_{joint}" for joint in ("hip", "knee", "ankle")}
    feet = {"left_foot", "left_toe"}
    assert [set(occlusions(s)["left_arm"]) for s in (PAPER19, PAPER23, CHI3D25)] == [arm, arm, arm | {"left_thumb"}]
    assert [set(occlusions(s)["left_leg"]) for s in (PAPER19, PAPER23, CHI3D25)] == [leg, leg | feet, leg | feet]


@PEOPLE
def test_masks_are_the_occlusions_and_one_of_everything(skeleton: Skeleton) -> None:
    *masks, everything = presence(skeleton)
    assert everything.all()
    for mask, joints in zip(masks, occlusions(skeleton).values(), strict=True):
        assert {joint for joint, present in zip(skeleton.joints, mask, strict=True) if not present} == set(joints)


def test_random_masks_are_each_as_frequent_and_drop_joints_at_the_asked_rate_but_never_the_root() -> None:
    masks, root = presence(PAPER19), PAPER19.root_index
    drawn = some_presence(9000, dropped=0.0)
    frequency = (drawn[:, None] == masks).all(-1).float().mean(0)
    torch.testing.assert_close(frequency, torch.full((9,), 1 / 9), atol=0.02, rtol=0)
    dropped = random_presence(masks[-1:], 20000, 0.05, root)
    rates = 1 - dropped.float().mean(0)
    assert rates[root] == 0
    rates[root] = 0.05
    torch.testing.assert_close(rates, torch.full((19,), 0.05), atol=0.01, rtol=0)


# Prediction -----------------------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("flip", [False, True])
def test_who_is_wholly_present_is_lifted_as_by_the_lifter_alone(split: str, strategy: str, flip: bool) -> None:
    completion, poses, present = small(split, strategy, flip=flip), some_poses(9, 4), presence(PAPER19)[:, None]
    bodies, theta = completion.predict(poses, present.expand(9, 4, 19))
    offsets, same_theta = completion.lifter.predict(poses, flip)
    assert torch.equal(bodies[-1], lift(poses, offsets, C)[-1]) and torch.equal(theta[-1], same_theta[-1])
    assert not (theta[:-1] == same_theta[:-1]).any()


@EVERY
@PEOPLE
def test_present_joints_stay_on_their_rays_and_the_root_where_it_is(
    split: str, strategy: str, skeleton: Skeleton
) -> None:
    completion, present = small(split, strategy, skeleton), some_presence(60, skeleton)
    poses = some_poses(60, skeleton=skeleton)
    bodies, theta = completion.predict(poses, present)
    assert bodies.shape == (60, len(skeleton), 3) and theta.shape == (60,) and bodies.isfinite().all()
    torch.testing.assert_close(project(bodies, C)[present], poses[present])
    assert (bodies[:, skeleton.root_index] == 0).all()


@EVERY
@pytest.mark.parametrize("to", [0.0, 1e3, float("nan")])
def test_hidden_coordinates_do_not_leak(split: str, strategy: str, to: float) -> None:
    completion, poses, present = small(split, strategy, flip=True), some_poses(60), some_presence(60)
    for ours, theirs in zip(
        completion.predict(poses, present), completion.predict(moved(poses, present, to), present), strict=True
    ):
        assert torch.equal(ours, theirs)


@EVERY
def test_every_person_has_a_mask_of_their_own(split: str, strategy: str) -> None:
    completion, poses, present = small(split, strategy), some_poses(5, 2), some_presence(10).view(5, 2, 19)
    bodies, theta = completion.predict(poses, present)
    for scene, person in torch.cartesian_prod(torch.arange(5), torch.arange(2)).tolist():
        body, own_theta = completion.predict(poses[scene, person], present[scene, person])
        torch.testing.assert_close(body, bodies[scene, person])
        torch.testing.assert_close(own_theta, theta[scene, person])


@EVERY
def test_what_is_hidden_depends_on_what_is_present_and_on_what_is_hidden(split: str, strategy: str) -> None:
    completion, poses = small(split, strategy), some_poses(20)
    arm = presence(PAPER19)[0].expand(20, 19)
    fewer = arm.clone()
    fewer[:, PAPER19.index("right_knee")] = False
    hidden = ~arm[0]
    bodies, _ = completion.predict(poses, arm)
    others = [completion.predict(1.1 * poses, arm)[0], completion.predict(poses, fewer)[0]]
    assert all((bodies[:, hidden] != other[:, hidden]).any((1, 2)).all() for other in others)


@EVERY
def test_every_parameter_of_the_completer_has_a_gradient(split: str, strategy: str) -> None:
    completion = small(split, strategy)
    filled, completed = completion.fill(some_poses(64), some_presence(64))
    filled[completed].square().sum().backward()
    for name, parameter in completion.completer.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_completer_learns_that_one_side_mirrors_the_other(strategy: str) -> None:
    completion = small("left_right", strategy)
    completion.lifter.requires_grad_(False)
    optimiser, errors = torch.optim.Adam(completion.completer.parameters(), 1e-2), []
    for _ in range(300):
        poses = some_poses(64)
        poses = (poses + poses[:, PAPER19.mirror] * torch.tensor([-1.0, 1.0])) / 2
        present = presence(PAPER19)[torch.randint(2, (64,))]
        filled, _ = completion.fill(poses, present)
        hidden = (~present).unsqueeze(-1)
        error = ((filled[..., :2] - C * poses) * hidden).square().sum() / hidden.sum()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(error.item())
    assert sum(errors[-10:]) < 0.2 * sum(errors[:10])


# Lifting what is present ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", [split for split in SPLITS if split != "whole"])
def test_with_everything_present_the_parts_give_what_the_lifter_gives(split: str) -> None:
    lifter, poses = Lifter(PAPER19, split, 24, 1), some_poses(5, 3)
    bodies, lifted = lift_present(lifter, poses, torch.ones(5, 3, 19, dtype=torch.bool), C)
    torch.testing.assert_close(bodies, lift(poses, lifter.predict(poses)[0], C))
    assert lifted.all()
    torch.testing.assert_close(sum(part_shares(lifter).values(), torch.zeros(19)), torch.ones(19))


@pytest.mark.parametrize(
    ("split", "hidden", "usable"),
    [
        ("links", "left_arm", ("right", "legs")),
        ("links", "legs", ("torso",)),
        ("links", "torso", ("legs",)),
        ("left_right", "left_leg", ("right",)),
        ("left_right", "torso", ()),
        ("legs_torso", "right", ()),
    ],
)
def test_a_network_lifts_where_its_whole_part_is_present(split: str, hidden: str, usable: tuple[str, ...]) -> None:
    lifter, poses = Lifter(PAPER19, split, 24, 1), some_poses(6)
    present = presence(PAPER19)[list(occlusions(PAPER19)).index(hidden)].expand(6, 19)
    poses = moved(poses, present, 0.0)
    bodies, lifted = lift_present(lifter, poses, present, C)
    covered = {joint for part in usable for joint in PAPER19.parts[part]}
    assert {joint for joint, there in zip(PAPER19.joints, lifted[0], strict=True) if there} == covered
    torch.testing.assert_close(bodies[~lifted], torch.nn.functional.pad(C * poses[~lifted], (0, 1)))
    if len(usable) == 1:
        alone = lifter.networks[usable[0]].offsets(poses[:, PAPER19.part(usable[0])])
        depths = bodies[:, PAPER19.part(usable[0]), 2]
        free = lifter.free[PAPER19.part(usable[0])]
        torch.testing.assert_close(depths, alone * free)


def test_only_lifters_of_parts_can_lift_before_filling() -> None:
    assert [strategies_of(split) for split in ("whole", "links")] == [("fill_lift", "direct"), tuple(STRATEGIES)]
