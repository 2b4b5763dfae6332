"""Skeletons: the data set's order, and bones, parts and mirrors that follow from the joints' names."""

import pytest

from duolift.body.skeleton import CHI3D25, PAPER19, PAPER23, SKELETONS, Skeleton, skeleton_named
from duolift.errors import InputError

PEOPLE = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
ALL = pytest.mark.parametrize(
    "skeleton", [*SKELETONS.values(), *(s.pair() for s in SKELETONS.values())], ids=lambda s: s.name
)


def test_chi3d25_has_the_data_sets_order() -> None:
    order = (
        "pelv lhip lkne lank rhip rkne rank spin neck head htop lsho lelb lwri rsho relb rwri "
        "lfoo ltoe rfoo rtoe lthu lfin rthu rfin"
    )
    words = {"elbow": "elb", "knee": "kne", "ankle": "ank", "wrist": "wri", "shoulder": "sho", "head_top": "htop"}
    words |= {"foot": "foo", "thumb": "thu", "hand": "fin", "pelvis": "pelv", "spine": "spin"}

    def short(joint: str) -> str:
        side, _, rest = joint.partition("_")
        return side[0] + words.get(rest, rest) if side in ("left", "right") else words.get(joint, joint)

    assert " ".join(short(j) for j in CHI3D25.joints) == order


def test_the_papers_joints_from_the_data_sets() -> None:
    expected = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 22, 24]
    assert CHI3D25.indices(PAPER19.joints) == expected
    assert CHI3D25.indices(PAPER23.joints) == [*expected, 17, 18, 19, 20]


@ALL
def test_mirror_is_an_involution_that_maps_bones_to_bones_and_keeps_the_midline(skeleton: Skeleton) -> None:
    mirror = skeleton.mirror
    assert [mirror[i] for i in mirror] == list(range(len(skeleton)))
    other = {child: skeleton.joints[mirror[skeleton.index(child)]] for child in skeleton.joints}
    assert {(other[child], other[parent]) for child, parent in skeleton.bones} == set(skeleton.bones)
    for joint in skeleton.joints:
        expected = joint.replace("left_", "R").replace("right_", "left_").replace("R", "right_")
        assert other[joint] == expected


@ALL
def test_bones_form_a_tree_rooted_at_every_pelvis(skeleton: Skeleton) -> None:
    parent = dict(skeleton.bones)
    pelvises = {j for j in skeleton.joints if j.endswith("pelvis")}
    assert len(parent) == len(skeleton.bones)
    assert set(parent) == set(skeleton.joints) - pelvises - {skeleton.root}
    for joint in parent:
        steps = 0
        while joint in parent:
            joint, steps = parent[joint], steps + 1
            assert steps < len(skeleton), "a loop"
        assert joint in pelvises


@PEOPLE
def test_parts_cover_the_skeleton(skeleton: Skeleton) -> None:
    everything = list(range(len(skeleton)))
    assert skeleton.part("whole") == everything
    assert sorted(skeleton.part("legs") + skeleton.part("torso")) == everything
    left, right = set(skeleton.part("left")), set(skeleton.part("right"))
    assert left | right == set(everything)
    assert left & right == {i for i in everything if skeleton.mirror[i] == i}
    assert {skeleton.mirror[i] for i in left} == right


def test_the_papers_parts_have_linkss_sizes() -> None:
    assert {name: len(joints) for name, joints in PAPER19.parts.items()} == {
        "whole": 19, "legs": 7, "torso": 12, "left": 12, "right": 12,
    }  # fmt: skip
    midline = set(PAPER19.parts["left"]) & set(PAPER19.parts["right"])
    assert midline == {"pelvis", "spine", "neck", "head", "head_top"}


@PEOPLE
def test_only_feet_rest_on_the_ground(skeleton: Skeleton) -> None:
    feet = {skeleton.joints[i] for i in skeleton.feet}
    lower = {j for j in skeleton.parts["legs"] if j.partition("_")[2] in ("ankle", "foot", "toe")}
    assert feet == lower
    assert len(feet) >= 2


@PEOPLE
def test_a_pair_is_two_people_about_their_middle(skeleton: Skeleton) -> None:
    pair = skeleton.pair()
    assert len(pair) == 1 + 2 * len(skeleton)
    assert pair.joints[pair.root_index] == "middle"
    assert pair.root_index == 0
    for number, person in enumerate(("1.", "2.")):
        assert pair.indices(person + j for j in skeleton.joints) == [
            1 + number * len(skeleton) + i for i in range(len(skeleton))
        ]
    assert pair.joints[pair.head_index] == f"1.{skeleton.head}"
    assert len(pair.bones) == 2 * len(skeleton.bones)
    assert len(pair.feet) == 2 * len(skeleton.feet)


def test_bones_run_to_the_nearest_ancestor_there_is() -> None:
    bones = Skeleton.person("sparse", ["pelvis", "left_ankle", "head_top", "left_hand"]).bones
    assert bones == (("left_ankle", "pelvis"), ("head_top", "pelvis"), ("left_hand", "pelvis"))


@ALL
def test_skeletons_are_found_by_name(skeleton: Skeleton) -> None:
    assert skeleton_named(skeleton.name) == skeleton


@pytest.mark.parametrize("name", ["", "paper18", "paper19_pair_pair", "_pair"])
def test_an_unknown_skeleton_is_an_input_error_that_names_it(name: str) -> None:
    with pytest.raises(InputError, match=repr(name)):
        skeleton_named(name)


def test_an_unknown_joint_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        PAPER19.index("tail")


@pytest.mark.parametrize(
    "joints",
    [["pelvis", "head_top", "tail"], ["pelvis", "head_top", "pelvis"], ["pelvis", "head"], ["head_top", "spine"]],
    ids=["unknown", "twice", "no head top", "no pelvis"],
)
def test_impossible_skeletons_are_refused(joints: list[str]) -> None:
    with pytest.raises(ValueError, match="skeleton odd"):
        Skeleton.person("odd", joints)
