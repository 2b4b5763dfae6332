"""Rigs: complete, alike on both sides, and those that the programs know."""

import re
from pathlib import Path

import pytest
from conftest import SHARED

from duolift.body.skeleton import CHI3D25, PAPER19
from duolift.errors import InputError
from duolift.outputs.rigs import RIGS, rig_bones


def other_side(name: str) -> str:
    swap = {"Left": "Right", "Right": "Left", "left_": "right_", "right_": "left_"}
    mirrored = re.sub("Left|Right|left_|right_", lambda found: swap[found[0]], name)
    return {"L": "R", "R": "L"}[name[0]] + name[1:] if re.match(r"[LR](Hip|Thumb)", name) else mirrored


@pytest.mark.parametrize("rig", RIGS)
def test_parents_come_first_and_sides_are_alike(rig: str) -> None:
    bones = rig_bones(rig, CHI3D25.joints)
    names = [bone.name for bone in bones]
    assert [bone.name for bone in bones if not bone.parent] == names[:1] and len({*names}) == len(names)
    for number, bone in enumerate(bones[1:], 1):
        assert bone.parent in names[:number], bone.name
        assert {bone.joint, bone.segment, bone.towards} <= {*CHI3D25.joints, ""}
    prefix = RIGS[rig][0]
    sides = {bone.name.removeprefix(prefix): bone for bone in bones}
    for name, bone in sides.items():
        mirrored = sides[other_side(name)]
        assert mirrored.parent.removeprefix(prefix) == other_side(bone.parent.removeprefix(prefix))
        assert mirrored.place == (*map(other_side, bone.place[:2]), bone.share)


@pytest.mark.parametrize("rig", RIGS)
def test_every_joint_has_a_bone_or_an_end(rig: str) -> None:
    bones = rig_bones(rig, CHI3D25.joints)
    begun = {bone.joint for bone in bones if not bone.share} | {bone.segment for bone in bones}
    assert begun >= {*CHI3D25.joints}


def test_what_a_body_lacks_is_left_out() -> None:
    names = {bone.name: bone.parent for bone in rig_bones("mixamo", PAPER19.joints)}
    assert "mixamorig:LeftToeBase" not in names and names["mixamorig:LeftFoot"] == "mixamorig:LeftLeg"
    handless = {bone.name: bone.parent for bone in rig_bones("duolift", {*CHI3D25.joints} - {"neck", "left_wrist"})}
    assert handless["left_hand"] == "left_elbow" and handless["head"] == "spine"


def test_an_unknown_rig_is_refused() -> None:
    with pytest.raises(InputError, match="rig 'biped' is unknown; expected one of duolift, mixamo, cmu"):
        rig_bones("biped", PAPER19.joints)


CAPTURE = SHARED / "data" / "mocap" / "bvh" / "35" / "35_01.bvh"


@pytest.mark.skipif(not CAPTURE.exists(), reason="the data base's files are not there")
def test_the_cmu_rig_is_that_of_the_data_base() -> None:
    assert {bone.name: bone.parent for bone in rig_bones("cmu", CHI3D25.joints)} == hierarchy_of(CAPTURE)


def hierarchy_of(path: Path) -> dict[str, str]:
    """The bones of a BVH, each with its parent."""
    parents: dict[str, str] = {}
    above = [""]
    for line in path.read_text().split("MOTION")[0].splitlines():
        word, *rest = line.split()
        if word in ("ROOT", "JOINT"):
            parents[rest[0]] = above[-1]
            above.append(rest[0])
        elif word == "End":
            above.append("")
        elif word == "}":
            above.pop()
    return parents
