"""Other people made of people: what is kept, and what changes by how much."""

from dataclasses import replace

import pytest
import torch
from conftest import some_bodies
from torch import Tensor
from torch.nn.functional import normalize

from duolift.body.skeleton import PAPER19, SKELETONS, Skeleton, skeleton_named
from duolift.geometry.bones import bone_lengths
from duolift.learning.variety import PROFILE, Shift, Variety, arms_let_down, facing_front, mixed_limbs, stood_up

NO_SHIFT = Shift(0.0, 0.0, 0.0)
NOTHING = Variety(limbs=0.0, plain=0.0, bones=0.0, hips=NO_SHIFT, shoulders=NO_SHIFT, middles=0.0, standing=0.0)


def level_bodies(count: int = 200, skeleton: Skeleton = PAPER19) -> Tensor:
    return some_bodies(skeleton, count)


def bones(bodies: Tensor, child: str) -> Tensor:
    """Lengths (batch,) of the bone that ends in a joint."""
    return bone_lengths(bodies, PAPER19)[:, [child for child, _ in PAPER19.bones].index(child)]


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_bodies_are_centred_finite_and_as_many(skeleton: str) -> None:
    found = Variety()(level_bodies(64, skeleton_named(skeleton)), skeleton_named(skeleton))
    assert found.shape == (64, len(skeleton_named(skeleton)), 3) and found.isfinite().all()
    assert not found[:, skeleton_named(skeleton).root_index].any()


def test_without_variety_bodies_are_turned_to_the_front_and_nothing_else() -> None:
    bodies = level_bodies()
    found = NOTHING(bodies, PAPER19)
    torch.testing.assert_close(found, facing_front(bodies, PAPER19), rtol=0, atol=1e-5)
    torch.testing.assert_close(found[..., 1], bodies[..., 1], rtol=0, atol=1e-5)


def test_both_arms_come_from_one_body_and_hang_from_their_own_shoulders() -> None:
    bodies = level_bodies(50)
    mixed = mixed_limbs(bodies, PAPER19, share=1.0)
    relative = {}
    for side in ("left", "right"):
        arm, at = (
            PAPER19.indices([f"{side}_{j}" for j in ("elbow", "wrist", "hand")]),
            PAPER19.index(f"{side}_shoulder"),
        )
        theirs, own = mixed[:, arm] - mixed[:, [at]], bodies[:, arm] - bodies[:, [at]]
        relative[side] = (theirs[:, None] - own[None]).abs().amax((-1, -2))  # (mixed, body)
    assert (relative["left"].argmin(1) == relative["right"].argmin(1)).all()
    assert relative["left"].amin(1).max() < 1e-6


def lean(vectors: Tensor, towards: int) -> Tensor:
    """Angles (batch,) between bones and down (1) or up (-1), radians."""
    return torch.arccos((towards * vectors[:, 1] / vectors.norm(dim=-1)).clamp(-1, 1))


def test_people_stand_up_by_any_share_of_the_way_and_keep_their_bones() -> None:
    bodies = level_bodies(2000)
    upright = stood_up(bodies, PAPER19, share=0.6)
    torch.testing.assert_close(bone_lengths(upright, PAPER19), bone_lengths(bodies, PAPER19), rtol=0, atol=1e-4)
    for top, end, towards in (("pelvis", "neck", -1), ("left_hip", "left_knee", 1), ("right_knee", "right_ankle", 1)):
        at, to = PAPER19.index(top), PAPER19.index(end)
        before, after = (lean(some[:, to] - some[:, at], towards) for some in (bodies, upright))
        assert (after <= before + 1e-3).all()
        assert (after < before - 1e-3).float().mean() == pytest.approx(0.6, abs=0.05)
        assert (after < 0.2 * before).any() and ((after > 0.8 * before) & (after < before - 1e-3)).any()


def standing(profile: float, count: int = 40) -> Tensor:
    """People who face the front and stand, (count, joint, 3), plumb or as they were measured to."""
    shin, thigh, trunk = (normalize(torch.tensor([0.0, down, profile * z]), dim=0) for down, z in PROFILE.values())
    body = (2.5 * trunk).expand(len(PAPER19), 3).clone()  # whatever is not placed here goes with the neck
    body[PAPER19.root_index] = 0
    for side, left in (("left", 1.0), ("right", -1.0)):
        hip = torch.tensor([0.5 * left, 0.0, 0.0])
        knee = hip + 2.0 * thigh
        for joint, place in (("hip", hip), ("knee", knee), ("ankle", knee + 2.0 * shin)):
            body[PAPER19.index(f"{side}_{joint}")] = place
    return body.expand(count, -1, -1)


@pytest.mark.parametrize("profile", [0.0, 1.0])
def test_who_stands_like_that_already_is_left_alone(profile: float) -> None:
    people = standing(profile)
    torch.testing.assert_close(stood_up(people, PAPER19, 1.0, profile), people, rtol=0, atol=1e-5)


def test_people_stand_as_they_were_measured_to() -> None:
    """Seen from the side, by any share of the way: hips come ahead of the ankles, and shoulders back over the hips."""
    found = stood_up(standing(0.0), PAPER19, 1.0, profile=1.0)
    ankle, neck, hip = (found[:, PAPER19.index(joint), 2] for joint in ("left_ankle", "neck", "left_hip"))  # behind
    legs, trunk = 4.0 * (3.8 + 2.4) / 84, 2.5 * 2.4 / 49
    assert ((ankle - hip) > 0).all() and (ankle - hip).max() == pytest.approx(legs, rel=0.1)
    assert ((neck - hip) > 0).all() and (neck - hip).max() == pytest.approx(trunk, rel=0.1)


def test_arms_hang_by_any_share_of_the_way_and_keep_their_bones() -> None:
    bodies = level_bodies(2000)
    found = arms_let_down(bodies, PAPER19, share=0.6)
    torch.testing.assert_close(bone_lengths(found, PAPER19), bone_lengths(bodies, PAPER19), rtol=0, atol=1e-4)
    for top, end in (("left_shoulder", "left_elbow"), ("right_elbow", "right_wrist")):
        at, to = PAPER19.index(top), PAPER19.index(end)
        before, after = (lean(some[:, to] - some[:, at], 1) for some in (bodies, found))
        assert (after <= before + 1e-3).all()
        assert (after < before - 1e-3).float().mean() == pytest.approx(0.6, abs=0.05)
    still = [joint for joint in PAPER19.joints if not joint.endswith(("_elbow", "_wrist", "_hand"))]
    assert torch.equal(found[:, PAPER19.indices(still)], bodies[:, PAPER19.indices(still)])
    assert torch.equal(arms_let_down(bodies, PAPER19, share=0.0), bodies)


def test_what_hangs_from_trunk_and_ankles_goes_with_them() -> None:
    skeleton = skeleton_named("paper23")
    bodies = some_bodies(skeleton, 50)
    bodies = bodies - bodies[:, [skeleton.root_index]]
    upright = stood_up(bodies, skeleton, share=1.0)
    trunk = skeleton.indices(["neck", "head_top", *skeleton.limb("left_shoulder"), *skeleton.limb("right_shoulder")])
    torch.testing.assert_close(torch.cdist(*2 * [upright[:, trunk]]), torch.cdist(*2 * [bodies[:, trunk]]))
    ankle, toe = ((upright - bodies)[:, skeleton.index(f"left_{joint}")] for joint in ("ankle", "toe"))
    torch.testing.assert_close(ankle, toe, rtol=0, atol=1e-5)
    assert torch.equal(upright[:, skeleton.index("left_hip")], bodies[:, skeleton.index("left_hip")])


def test_bones_change_alike_on_both_sides() -> None:
    bodies = level_bodies()
    changed = replace(NOTHING, bones=0.1)(bodies, PAPER19)
    factors = {side: bones(changed, f"{side}_knee") / bones(bodies, f"{side}_knee") for side in ("left", "right")}
    torch.testing.assert_close(factors["left"], factors["right"])
    assert factors["left"].log().std() == pytest.approx(0.1, rel=0.2)


def test_hips_move_together_and_stay_symmetrical() -> None:
    bodies = facing_front(level_bodies(), PAPER19)
    moved = replace(NOTHING, hips=Shift(0.2, 0.1, 0.0))(bodies, PAPER19)
    left, right = (
        moved[:, PAPER19.index(f"{s}_hip")] - bodies[:, PAPER19.index(f"{s}_hip")] for s in ("left", "right")
    )
    spine = bodies[:, PAPER19.index("neck")]
    along = ((left + right) / 2 * spine).sum(-1) / spine.square().sum(-1)
    assert along.std() == pytest.approx(0.1, rel=0.25)
    torch.testing.assert_close((left + right) / 2, along.unsqueeze(-1) * spine, rtol=0, atol=1e-5)


def test_a_pelvis_is_the_middle_of_the_hips_of_so_many() -> None:
    found = replace(NOTHING, middles=0.7)(level_bodies(2000), PAPER19)
    middle = (found[:, PAPER19.index("left_hip")] + found[:, PAPER19.index("right_hip")]) / 2
    assert (middle.norm(dim=-1) < 1e-5).float().mean() == pytest.approx(0.7, abs=0.05)


def test_some_people_stay_as_they_are() -> None:
    bodies = level_bodies(2000)
    found = Variety(limbs=0.0, plain=0.3, standing=0.0)(bodies, PAPER19)
    same = torch.isclose(found, facing_front(bodies, PAPER19), rtol=0, atol=1e-5).all(-1).all(-1)
    assert same.float().mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("values", [{"limbs": 1.5}, {"bones": -0.1}, {"plain": float("nan")}])
def test_values_out_of_range_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        Variety(**values)  # type: ignore[arg-type]
