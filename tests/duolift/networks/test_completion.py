"""Completion: every occlusion on every skeleton, and what is present stays while what is hidden tells nothing."""

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import CHI3D25, PAPER19, PAPER23, SKELETONS, Skeleton
from duolift.geometry.mirroring import mirrored
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import lift, project
from duolift.networks.architecture import Architecture
from duolift.networks.completer import Completer, CompleterArchitecture
from duolift.networks.completion import STRATEGIES, Completion, lift_visible_parts, strategies_of
from duolift.networks.occlusions import occlusions, random_visibility, visibility_masks
from duolift.networks.part_networks import PartNetworks
from duolift.networks.partners import Partners
from duolift.networks.splits import SPLITS

C = 5.0
PEOPLE = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
EVERY = pytest.mark.parametrize(
    ("split", "strategy"),
    [(split, strategy) for split in SPLITS for strategy in strategies_of(Architecture(split=split))],
)
EVERY_FILL_LIFT = pytest.mark.parametrize("split", SPLITS)
OF_PARTS = pytest.mark.parametrize("split", [split for split in SPLITS if split != "whole"])
NAMES = {"left_arm", "right_arm", "left_leg", "right_leg", "legs", "torso", "left", "right"}


SIZE = CompleterArchitecture(width=24, blocks=1)


def lifting(split: str, skeleton: Skeleton = PAPER19) -> PartNetworks:
    return PartNetworks(skeleton, Architecture(split=split, width=24, blocks=1, elevation_bound=1.0))


def small(split: str, strategy: str, skeleton: Skeleton = PAPER19, flip: bool = False) -> Completion:
    return Completion(lifting(split, skeleton), Completer(skeleton, STRATEGIES[strategy], SIZE), C, flip)


def some_poses(*batch: int, skeleton: Skeleton = PAPER19) -> Tensor:
    poses = 0.1 * torch.randn(*batch, len(skeleton), 2)
    poses[..., skeleton.root_index, :] = 0
    return poses


def some_presence(count: int, skeleton: Skeleton = PAPER19, dropped: float = 0.1) -> Tensor:
    return random_visibility(visibility_masks(skeleton), count, dropped, skeleton.root_index)


def present_but(hidden: str, *batch: int) -> Tensor:
    """The mask (*batch, joint) of a named occlusion."""
    return visibility_masks(PAPER19)[list(occlusions(PAPER19)).index(hidden)].expand(*batch, len(PAPER19))


def moved(poses: Tensor, visible: Tensor, to: float) -> Tensor:
    """The same poses with the hidden joints elsewhere."""
    return torch.where(visible.unsqueeze(-1), poses, to)


# What is hidden -------------------------------------------------------------------------------------------------------


@PEOPLE
def test_the_named_occlusions_hide_limbs_and_what_they_make_up_but_never_the_root(skeleton: Skeleton) -> None:
    hidden = {name: set(joints) for name, joints in occlusions(skeleton).items()}
    assert hidden.keys() == NAMES
    assert all(len(set(joints)) == len(joints) for joints in occlusions(skeleton).values())
    assert all(joints and skeleton.root not in joints and joints < set(skeleton.joints) for joints in hidden.values())
    assert hidden["legs"] == hidden["left_leg"] | hidden["right_leg"] == set(skeleton.parts["legs"]) - {skeleton.root}
    assert hidden["torso"] == set(skeleton.parts["torso"]) > hidden["left_arm"] | hidden["right_arm"]
    assert hidden["legs"] | hidden["torso"] | {skeleton.root} == set(skeleton.joints)
    assert not hidden["legs"] & hidden["torso"]


@PEOPLE
@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
def test_a_side_is_its_limbs_and_mirrors_the_other(skeleton: Skeleton, side: str, other: str) -> None:
    hidden = {name: set(joints) for name, joints in occlusions(skeleton).items()}
    assert hidden[side] == hidden[f"{side}_arm"] | hidden[f"{side}_leg"]
    assert hidden[side] == set(skeleton.joints) - set(skeleton.parts[other])
    for name in ("{}", "{}_arm", "{}_leg"):
        mirrored = {skeleton.mirrored[skeleton.index(joint)] for joint in hidden[name.format(side)]}
        assert mirrored == hidden[name.format(other)]


def test_a_limb_is_hidden_to_its_tips() -> None:
    arm = {f"left_{joint}" for joint in ("shoulder", "elbow", "wrist", "hand")}
    leg = {f"left_{joint}" for joint in ("hip", "knee", "ankle")}
    feet = {"left_foot", "left_toe"}
    assert [set(occlusions(s)["left_arm"]) for s in (PAPER19, PAPER23, CHI3D25)] == [arm, arm, arm | {"left_thumb"}]
    assert [set(occlusions(s)["left_leg"]) for s in (PAPER19, PAPER23, CHI3D25)] == [leg, leg | feet, leg | feet]


@PEOPLE
def test_masks_are_the_occlusions_and_one_of_everything(skeleton: Skeleton) -> None:
    *masks, everything = visibility_masks(skeleton)
    assert everything.all()
    for mask, joints in zip(masks, occlusions(skeleton).values(), strict=True):
        assert {joint for joint, visible in zip(skeleton.joints, mask, strict=True) if not visible} == set(joints)


def test_random_masks_are_each_as_frequent() -> None:
    drawn = some_presence(9000, dropped=0.0)
    frequency = (drawn[:, None] == visibility_masks(PAPER19)).all(-1).float().mean(0)
    torch.testing.assert_close(frequency, torch.full((9,), 1 / 9), atol=0.02, rtol=0)


@PEOPLE
@pytest.mark.parametrize("dropped", [0.05, 0.3, 1.0])
def test_any_joint_but_the_root_is_missing_at_the_asked_rate(skeleton: Skeleton, dropped: float) -> None:
    drawn = random_visibility(visibility_masks(skeleton)[-1:], 20000, dropped, skeleton.root_index)
    rates = 1 - drawn.float().mean(0)
    wanted = torch.full((len(skeleton),), dropped)
    wanted[skeleton.root_index] = 0
    torch.testing.assert_close(rates, wanted, atol=0.02, rtol=0)
    assert rates[skeleton.root_index] == 0


# The network ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimensions", STRATEGIES.values())
@PEOPLE
def test_a_completer_leaves_what_is_exactly_known_and_corrects_what_is_not(dimensions: int, skeleton: Skeleton) -> None:
    completer, known = Completer(skeleton, dimensions, SIZE), some_presence(40, skeleton)
    given = torch.randn(40, len(skeleton), dimensions) * known.unsqueeze(-1)
    exact = completer(given, known, torch.zeros(40))
    assert exact.shape == given.shape and torch.equal(exact[known], given[known])
    assert (exact[~known] != 0).all()
    one, other = (completer(given, known, torch.full((40,), noise)) for noise in (0.02, 0.04))
    moved_joints = known.clone()
    moved_joints[:, skeleton.root_index] = False
    assert (one != given).any(-1)[moved_joints].all() == (dimensions == 2)
    assert (one != other)[~known].all()


@pytest.mark.parametrize("noise", [1e-6, 1e-3])
def test_a_correction_is_as_large_as_the_noise(noise: float) -> None:
    completer, known = Completer(PAPER19, 2, SIZE), torch.ones(40, 19, dtype=torch.bool)
    given = torch.zeros(40, 19, 2)
    corrected = completer(given, known, torch.full((40,), noise)) / noise
    torch.testing.assert_close(corrected, completer(given, known, torch.full((40,), 1e-7)) / 1e-7, atol=0.03, rtol=0)
    assert (corrected != 0).all()


# Prediction -----------------------------------------------------------------------------------------------------------


def test_only_lifters_of_parts_can_lift_before_filling() -> None:
    everything = tuple(STRATEGIES)
    assert {split: strategies_of(Architecture(split=split)) for split in SPLITS} == {
        "whole": ("fill_lift",),
        "left_right": everything,
        "legs_torso": everything,
        "links": everything,
    }
    assert everything == ("fill_lift", "lift_fill")


@EVERY
@pytest.mark.parametrize("flip", [False, True])
def test_who_is_wholly_and_exactly_present_is_lifted_as_by_the_lifter_alone(
    split: str, strategy: str, flip: bool
) -> None:
    completion, poses, visible = small(split, strategy, flip=flip), some_poses(9, 4), visibility_masks(PAPER19)[:, None]
    bodies, theta = completion.predict(poses, visible.expand(9, 4, 19))
    offsets, same_theta = completion.lifter.predict(poses, flip)
    assert torch.equal(bodies[-1], lift(poses, offsets, C)[-1]) and torch.equal(theta[-1], same_theta[-1])
    assert not (theta[:-1] == same_theta[:-1]).any()


@EVERY
def test_the_flip_option_is_the_lifters(split: str, strategy: str) -> None:
    plain = small(split, strategy)
    flipped = Completion(plain.lifter, plain.completer, C, flip=True)
    poses, visible = some_poses(20), present_but("left_arm", 20)
    completed = project(flipped.predict(poses, visible)[0], C)
    _, theta = flipped.predict(poses, visible)
    torch.testing.assert_close(theta, plain.lifter.predict(completed, flip=True)[1], atol=1e-5, rtol=1e-4)
    assert not torch.isclose(theta, plain.predict(poses, visible)[1], atol=1e-5).all()


@EVERY_FILL_LIFT
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_with_the_flip_test_a_mirror_image_is_completed_as_the_mirror_image(split: str, noise: float) -> None:
    completion, poses, visible = small(split, "fill_lift", flip=True), some_poses(30), some_presence(30)
    partners = some_partners(30)
    bodies, theta = completion.predict(poses, visible, noise, partners)
    other, same = completion.predict(
        mirrored(poses, PAPER19), visible[:, PAPER19.mirror], noise, partners.mirrored(PAPER19)
    )
    torch.testing.assert_close(other, bodies[:, PAPER19.mirror] * torch.tensor([-1.0, 1.0, 1.0]))
    torch.testing.assert_close(same, theta)


@EVERY
@PEOPLE
def test_present_joints_stay_on_their_rays_and_the_root_where_it_is(
    split: str, strategy: str, skeleton: Skeleton
) -> None:
    completion, visible = small(split, strategy, skeleton), some_presence(60, skeleton)
    poses = some_poses(60, skeleton=skeleton)
    bodies, theta = completion.predict(poses, visible)
    assert bodies.shape == (60, len(skeleton), 3) and theta.shape == (60,) and bodies.isfinite().all()
    torch.testing.assert_close(project(bodies, C)[visible], poses[visible])
    assert (bodies[:, skeleton.root_index] == 0).all()


@EVERY
@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("to", [0.0, 1e3, float("inf"), float("nan")])
def test_hidden_coordinates_do_not_matter(split: str, strategy: str, to: float, noise: float) -> None:
    completion, poses, visible = small(split, strategy, flip=True), some_poses(60), some_presence(60)
    found = []
    for hidden in (poses, moved(poses, visible, to)):
        given = hidden.clone().requires_grad_()
        bodies, elevation = completion.predict(given, visible, noise)
        (bodies.square().sum() + elevation.sum()).backward()
        assert given.grad is not None and not given.grad[~visible].any()
        found.append((bodies, elevation, given.grad))
    for one, other in zip(*found, strict=True):
        assert one.isfinite().all() and torch.equal(one, other)


@EVERY
@pytest.mark.parametrize("noisy", [False, True])
def test_every_person_has_a_mask_and_a_noise_of_their_own(split: str, strategy: str, noisy: bool) -> None:
    completion, poses, visible = small(split, strategy), some_poses(5, 2), some_presence(10).view(5, 2, 19)
    noise = 0.05 * torch.arange(10.0).view(5, 2) * noisy
    bodies, theta = completion.predict(poses, visible, noise)
    for scene, person in torch.cartesian_prod(torch.arange(5), torch.arange(2)).tolist():
        body, own = completion.predict(poses[scene, person], visible[scene, person], noise[scene, person])
        torch.testing.assert_close(body, bodies[scene, person])
        torch.testing.assert_close(own, theta[scene, person])


@EVERY
def test_what_is_hidden_depends_on_what_is_present_and_on_what_else_is_hidden(split: str, strategy: str) -> None:
    completion, poses = small(split, strategy), some_poses(20)
    arm = present_but("left_arm", 20)
    fewer = arm.clone()
    fewer[:, PAPER19.index("right_knee")] = False
    hidden = ~arm[0]
    bodies, _ = completion.predict(poses, arm)
    others = [completion.predict(1.1 * poses, arm)[0], completion.predict(poses, fewer)[0]]
    assert all((bodies[:, hidden] != other[:, hidden]).any((1, 2)).all() for other in others)


@EVERY_FILL_LIFT
def test_filling_takes_noise_out_of_all_present_joints_but_the_root(split: str) -> None:
    completion, poses, visible = small(split, "fill_lift"), some_poses(60), some_presence(60)
    bodies, _ = completion.predict(poses, visible, 0.05)
    shift = (project(bodies, C) - poses).norm(dim=-1)
    others = visible.clone()
    others[:, PAPER19.root_index] = False
    assert (shift[others] > 1e-6).all()
    assert (bodies[:, PAPER19.root_index] == 0).all()


@EVERY_FILL_LIFT
def test_one_noise_for_everyone_is_that_noise_for_each(split: str) -> None:
    completion, poses, visible = small(split, "fill_lift"), some_poses(6, 2), some_presence(12).view(6, 2, 19)
    (bodies, theta), (same, same_theta) = (
        completion.predict(poses, visible, noise) for noise in (0.05, torch.full((6, 2), 0.05))
    )
    assert torch.equal(bodies, same) and torch.equal(theta, same_theta)


@EVERY_FILL_LIFT
def test_only_those_seen_with_noise_are_corrected(split: str) -> None:
    completion, poses = small(split, "fill_lift"), some_poses(2)
    everything = torch.ones(2, 19, dtype=torch.bool)
    bodies, _ = completion.predict(poses, everything, torch.tensor([0.0, 0.05]))
    alone = lift(poses, completion.lifter.predict(poses)[0], C)
    torch.testing.assert_close(bodies[0], alone[0])
    assert not torch.allclose(bodies[1], alone[1])


@OF_PARTS
def test_filling_in_3d_takes_no_noise_out(split: str) -> None:
    completion, poses, visible = small(split, "lift_fill"), some_poses(20), some_presence(20)
    for ours, theirs in zip(completion.predict(poses, visible, 0.05), completion.predict(poses, visible), strict=True):
        assert torch.equal(ours, theirs)


@EVERY
def test_what_is_filled_is_what_no_network_knows(split: str, strategy: str) -> None:
    completion, poses, visible = small(split, strategy), some_poses(30), some_presence(30)
    filled, hidden = completion.fill(poses, visible, torch.zeros(30))
    assert filled.shape == (30, 19, STRATEGIES[strategy]) and filled.isfinite().all()
    if strategy == "fill_lift":
        assert torch.equal(hidden, ~visible)
        torch.testing.assert_close(filled[visible], C * poses[visible])
        return
    bodies, known = lift_visible_parts(completion.lifter, moved(poses, visible, 0.0), visible, C)
    assert torch.equal(hidden, ~known)
    assert (known & ~visible).sum() == 0
    torch.testing.assert_close(filled[known], bodies[known])


# Partners -------------------------------------------------------------------------------------------------------------


def some_partners(count: int, skeleton: Skeleton = PAPER19) -> Partners:
    return Partners(some_poses(count, skeleton=skeleton) + 0.2, some_presence(count, skeleton))


@EVERY_FILL_LIFT
def test_a_partner_tells_where_hidden_joints_are_and_what_noise_is(split: str) -> None:
    completion, poses, visible, partners = (
        small(split, "fill_lift"),
        some_poses(20),
        some_presence(20),
        some_partners(20),
    )
    visible[:, PAPER19.index("left_hand")] = False
    for noise in (0.0, 0.05):
        alone, _ = completion.predict(poses, visible, noise)
        stack, _ = completion.predict(poses, visible, noise, partners)
        nearer, _ = completion.predict(poses, visible, noise, Partners(0.9 * partners.poses, partners.visible))
        for other in (alone, nearer):
            assert ((stack - other).norm(dim=-1) > 0)[~visible].all()
    with_noise, told = project(stack, C), visible.clone()
    told[:, PAPER19.root_index] = False
    assert (with_noise != project(alone, C)).any(-1)[told].all()


@EVERY_FILL_LIFT
def test_who_is_wholly_and_exactly_present_needs_no_partner(split: str) -> None:
    completion, poses, everything = small(split, "fill_lift"), some_poses(9), torch.ones(9, 19, dtype=torch.bool)
    for ours, theirs in zip(
        completion.predict(poses, everything, 0.0, some_partners(9)), completion.predict(poses, everything), strict=True
    ):
        assert torch.equal(ours, theirs)


@EVERY_FILL_LIFT
@pytest.mark.parametrize("to", [0.0, 1e3, float("nan")])
def test_what_is_hidden_of_a_partner_does_not_matter_nor_does_one_who_is_not_there(split: str, to: float) -> None:
    completion, poses, visible, partners = (
        small(split, "fill_lift"),
        some_poses(30),
        some_presence(30),
        some_partners(30),
    )
    elsewhere = Partners(moved(partners.poses, partners.visible, to), partners.visible)
    none = Partners(torch.full_like(poses, to), torch.zeros_like(visible))
    for noise in (0.0, 0.05):
        for given, same in ((partners, elsewhere), (None, none), (None, Partners.none(poses))):
            ours, theirs = (completion.predict(poses, visible, noise, which) for which in (given, same))
            assert all(
                torch.equal(one, other) and one.isfinite().all() for one, other in zip(ours, theirs, strict=True)
            )


@OF_PARTS
def test_filling_in_3d_looks_at_no_partner(split: str) -> None:
    completion, poses, visible = small(split, "lift_fill"), some_poses(20), some_presence(20)
    stack, alone = completion.predict(poses, visible, 0.0, some_partners(20)), completion.predict(poses, visible)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(stack, alone, strict=True))


@EVERY
@pytest.mark.parametrize("people", [1, 2, 4])
@pytest.mark.parametrize("centring", ["shift", "ray"])
def test_everybody_in_a_scene_may_have_hidden_joints_at_once(
    split: str, strategy: str, people: int, centring: str
) -> None:
    completion, normalisation = small(split, strategy), Normalisation(0.2, C, centring)
    coordinates = 0.05 * torch.randn(7, people, 1, 2) + 0.05 * torch.randn(7, people, 19, 2)
    visible = some_presence(7 * people).view(7, people, 19)
    visible[..., PAPER19.index("left_hand")] = False
    coordinates[~visible] = float("nan")
    poses = normalisation(coordinates, coordinates[..., PAPER19.root_index, :])
    partners = Partners.of(coordinates, visible, normalisation, PAPER19)
    bodies, theta = completion.predict(poses, visible, 0.0, partners)
    assert bodies.shape == (7, people, 19, 3) and theta.shape == (7, people)
    assert bodies.isfinite().all() and theta.isfinite().all()
    torch.testing.assert_close(project(bodies, C)[visible], poses[visible])
    alone, _ = completion.predict(poses, visible)
    looks = people > 1 and strategy == "fill_lift"
    assert (bodies != alone)[~visible].any(-1).all() == looks and (looks or torch.equal(bodies, alone))


# Training -------------------------------------------------------------------------------------------------------------


@EVERY
def test_every_parameter_of_the_completer_has_a_gradient(split: str, strategy: str) -> None:
    completion = small(split, strategy)
    filled, _ = completion.fill(some_poses(64), some_presence(64), torch.full((64,), 0.05), some_partners(64))
    filled.square().sum().backward()
    for name, parameter in completion.completer.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


@EVERY_FILL_LIFT
def test_noise_on_present_joints_is_not_the_filling_networks_and_hidden_joints_are_not_the_others(split: str) -> None:
    completion, poses, visible, noise = small(split, "fill_lift"), some_poses(64), some_presence(64), torch.ones(64)
    for wanted in ("filling", "correcting"):
        completion.completer.zero_grad()
        filled, hidden = completion.fill(poses, visible, noise, some_partners(64))
        filled[hidden if wanted == "filling" else ~hidden].square().sum().backward()
        for name, parameter in completion.completer.named_parameters():
            assert parameter.grad is None or bool(parameter.grad.any()) == name.startswith(wanted), name


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_completer_learns_that_one_side_mirrors_the_other(strategy: str) -> None:
    completion = small("left_right", strategy)
    completion.lifter.requires_grad_(False)
    optimiser, errors = torch.optim.Adam(completion.completer.parameters(), 1e-2), []
    for _ in range(300):
        poses = some_poses(64)
        poses = (poses + poses[:, PAPER19.mirror] * torch.tensor([-1.0, 1.0])) / 2
        visible = visibility_masks(PAPER19)[torch.randint(2, (64,))]
        filled, _ = completion.fill(poses, visible, torch.zeros(64))
        hidden = (~visible).unsqueeze(-1)
        error = ((filled[..., :2] - C * poses) * hidden).square().sum() / hidden.sum()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(error.item())
    assert sum(errors[-10:]) < 0.2 * sum(errors[:10])


def test_a_completer_learns_whose_hand_is_held() -> None:
    completion, errors = small("whole", "fill_lift"), []
    completion.lifter.requires_grad_(False)
    optimiser = torch.optim.Adam(completion.completer.parameters(), 1e-2)
    hand, held, visible = PAPER19.index("left_hand"), PAPER19.index("right_hand"), torch.ones(64, 19, dtype=torch.bool)
    visible[:, hand] = False
    for step in range(300):
        poses, partners = some_poses(64), Partners(some_poses(64) + 0.2, torch.ones(64, 19, dtype=torch.bool))
        poses[:, hand] = partners.poses[:, held]
        if mirror := step % 2:
            poses, partners = mirrored(poses, PAPER19), Partners(mirrored(partners.poses, PAPER19), partners.visible)
        seen = visible[:, PAPER19.mirror] if mirror else visible
        filled, hidden = completion.fill(poses, seen, torch.zeros(64), partners)
        error = (filled - C * poses)[hidden].square().sum(-1).mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(error.item())
    assert sum(errors[-10:]) < 0.2 * sum(errors[:10])


# Lifting what is present ----------------------------------------------------------------------------------------------


@OF_PARTS
@PEOPLE
def test_with_everything_present_the_parts_give_what_the_lifter_gives(split: str, skeleton: Skeleton) -> None:
    lifter, poses = lifting(split, skeleton), some_poses(5, 3, skeleton=skeleton)
    bodies, lifted = lift_visible_parts(lifter, poses, torch.ones(5, 3, len(skeleton), dtype=torch.bool), C)
    torch.testing.assert_close(bodies, lift(poses, lifter.predict(poses)[0], C))
    assert lifted.all()
    total = sum(lifter.part_shares().values(), torch.zeros(len(skeleton)))
    torch.testing.assert_close(total, torch.ones(len(skeleton)))


USABLE = [
    ("links", "left_arm", ("right", "legs")),
    ("links", "legs", ("torso",)),
    ("links", "torso", ("legs",)),
    ("links", "right", ("left",)),
    ("left_right", "left_leg", ("right",)),
    ("left_right", "torso", ()),
    ("legs_torso", "left_arm", ("legs",)),
    ("legs_torso", "right", ()),
]


@pytest.mark.parametrize(("split", "hidden", "usable"), USABLE)
def test_only_networks_whose_whole_part_is_present_lift_their_mean_by_share(
    split: str, hidden: str, usable: tuple[str, ...]
) -> None:
    lifter, visible = lifting(split), present_but(hidden, 6)
    poses = moved(some_poses(6), visible, 0.0)
    bodies, lifted = lift_visible_parts(lifter, poses, visible, C)
    covered = {joint for part in usable for joint in PAPER19.parts[part]}
    assert {joint for joint, valid in zip(PAPER19.joints, lifted[0], strict=True) if valid} == covered
    assert (lifted == lifted[0]).all()
    torch.testing.assert_close(bodies[~lifted], torch.nn.functional.pad(C * poses[~lifted], (0, 1)))
    depths, shares = torch.zeros(6, 19), torch.zeros(19)
    for part in usable:
        given = lifter.networks[part](poses[:, PAPER19.part(part)])[0]
        for column, joint in enumerate(PAPER19.part(part)):
            share = lifter.part_shares()[part][joint]
            depths[:, joint] += share * given[:, column]
            shares[joint] += share
    depths = torch.where(shares > 0, depths / shares, 0.0)
    depths[:, PAPER19.root_index] = 0
    torch.testing.assert_close(bodies, lift(poses, depths, C))


@pytest.mark.parametrize(
    ("split", "joint", "shares"),
    [
        ("links", "left_wrist", {"left": 0.5, "torso": 0.5}),
        ("links", "neck", {"left": 0.25, "right": 0.25, "torso": 0.5}),
        ("links", "right_knee", {"right": 0.5, "legs": 0.5}),
        ("left_right", "neck", {"left": 0.5, "right": 0.5}),
        ("legs_torso", "neck", {"torso": 1.0}),
    ],
)
def test_a_parts_share_is_its_weight_in_the_prediction(split: str, joint: str, shares: dict[str, float]) -> None:
    found = lifting(split).part_shares()
    index = PAPER19.index(joint)
    assert {part: float(share[index]) for part, share in found.items() if share[index]} == shares
