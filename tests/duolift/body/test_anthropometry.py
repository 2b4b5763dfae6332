"""Published proportions as a bone prior."""

import pytest
import torch

from duolift.body.anthropometry import STATURE_FRACTIONS, bone_length, bone_ratios
from duolift.body.skeleton import CHI3D25, PAPER19, PARENTS, SKELETONS, Skeleton, ancestors
from duolift.placement.stature import log_stature


@pytest.mark.parametrize("skeleton", [*SKELETONS.values(), PAPER19.pair()], ids=lambda s: s.name)
def test_ratios_are_one_a_bone_with_mean_one_and_the_same_on_both_sides(skeleton: Skeleton) -> None:
    ratios = bone_ratios(skeleton)
    assert len(ratios) == len(skeleton.bones)
    assert min(ratios) > 0
    assert sum(ratios) / len(ratios) == pytest.approx(1)
    of = {child: ratio for (child, _), ratio in zip(skeleton.bones, ratios, strict=True)}
    for child in of:
        assert of[child] == of[skeleton.mirrored[skeleton.index(child)]]


def test_bones_have_the_same_proportions_on_every_skeleton() -> None:
    def thigh_over_forearm(skeleton: Skeleton) -> float:
        children = [child for child, _ in skeleton.bones]
        ratios = bone_ratios(skeleton)
        return ratios[children.index("left_knee")] / ratios[children.index("right_wrist")]

    assert thigh_over_forearm(PAPER19) == pytest.approx(0.245 / 0.146)
    assert thigh_over_forearm(CHI3D25) == pytest.approx(0.245 / 0.146)


def test_the_segments_stack_up_to_the_stature() -> None:
    """From the ankle, 0.039 of the stature above the ground, to the crown; and every joint has a length."""
    column = ("ankle", "knee", "spine", "neck", "head", "head_top")
    assert 0.039 + sum(STATURE_FRACTIONS[name] for name in column) == pytest.approx(1)
    assert {j.removeprefix("left_").removeprefix("right_") for j in PARENTS} == set(STATURE_FRACTIONS)


def test_a_bone_over_missing_joints_is_as_long_as_the_segments_between() -> None:
    short = Skeleton.person("short", [joint for joint in PAPER19.joints if joint != "spine"])
    of = dict(zip([child for child, _ in short.bones], bone_ratios(short), strict=True))
    assert of["neck"] / of["left_knee"] == pytest.approx(0.288 / 0.245)


@pytest.mark.parametrize("skeleton", [*SKELETONS.values()], ids=[*SKELETONS])
def test_stature_is_read_off_whoever_stands_upright(skeleton: Skeleton) -> None:
    """People of the table's proportions, whatever joints are known and however long their hands are."""
    tall = 1.65
    lengths = tall * torch.tensor([bone_length(*bone) for bone in skeleton.bones])
    points = torch.zeros(len(skeleton), 3)
    for joint in sorted(skeleton.joints, key=lambda joint: len(ancestors(joint))):
        if joint != skeleton.root:
            number = [child for child, _ in skeleton.bones].index(joint)
            parent = points[skeleton.index(skeleton.bones[number][1])]
            points[skeleton.index(joint)] = parent + torch.tensor([0.6, 0.8, 0.0]) * lengths[number]
    assert log_stature(points, skeleton).exp().item() == pytest.approx(tall)
    for joint in (joint for joint in skeleton.joints if joint.endswith(("_hand", "_thumb", "_wrist", "_toe"))):
        points[skeleton.index(joint)] *= 2
    assert log_stature(points, skeleton).exp().item() == pytest.approx(tall)
