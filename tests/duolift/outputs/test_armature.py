"""Armatures: whatever the rig, bones begin where the joints are, in every frame."""

from dataclasses import replace

import numpy as np
import pytest

from duolift.body.skeleton import CHI3D25, PAPER19, SKELETONS, Skeleton
from duolift.example import example_scene
from duolift.outputs.armature import Armature, armature_of, armatures
from duolift.outputs.rigs import RIGS


def noisy(skeleton: Skeleton, frames: int = 5) -> np.ndarray:
    """Somebody whose bones do not keep their lengths (frame, joint, 3)."""
    walk = example_scene(frames=frames, people=1, skeleton=skeleton).world()[:, 0].astype(np.float64)
    return walk + 0.04 * np.random.default_rng(0).normal(size=walk.shape)


def forward(armature: Armature) -> np.ndarray:
    """Where bones begin (frame, bone, 3), by the definition of a hierarchy."""
    places, turns = np.zeros_like(armature.places), np.zeros_like(armature.turns)
    for bone, up in enumerate(armature.parents):
        before = np.eye(3) if up < 0 else turns[:, up]
        at = 0.0 if up < 0 else places[:, up]
        places[:, bone] = at + (before @ armature.translations[:, bone, :, None])[..., 0]
        turns[:, bone] = before @ armature.rotations[:, bone]
    return places


@pytest.mark.parametrize("rig", RIGS)
@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_bones_begin_where_the_joints_are_though_lengths_change(skeleton: Skeleton, rig: str) -> None:
    walk = noisy(skeleton)
    armature = armature_of(walk, skeleton, rig)
    places = forward(armature)
    begun = set()
    for number, bone in enumerate(armature.bones):
        if not bone.share and bone.joint in skeleton.joints:
            begun.add(bone.joint)
            assert places[:, number] == pytest.approx(walk[:, skeleton.index(bone.joint)]), bone.name
    assert len(begun) >= len(skeleton) - 7, "all but the ends of limbs"
    assert rig != "duolift" or begun == {*skeleton.joints}


def test_offsets_are_mean_lengths_and_the_rest_pose_stands_on_the_ground() -> None:
    walk = noisy(CHI3D25)
    armature = armature_of(walk, CHI3D25)
    names = [bone.name for bone in armature.bones]
    length = np.linalg.norm(walk[:, CHI3D25.index("left_knee")] - walk[:, CHI3D25.index("left_hip")], axis=-1)
    assert np.linalg.norm(armature.offsets[names.index("left_knee")]) == pytest.approx(length.mean())
    assert armature.offsets[0] == pytest.approx(armature.rest[0])
    assert (armature.rest + armature.ends)[:, 1].min() == pytest.approx(0)


def test_last_bones_have_lengths_of_their_kind() -> None:
    armature = armature_of(noisy(PAPER19), PAPER19)
    ends = {bone.name: end for bone, end in zip(armature.bones, armature.ends, strict=True) if end.any()}
    assert ends.keys() == {f"{side}_{part}" for side in ("left", "right") for part in ("ankle", "hand")} | {"head_top"}
    assert 0.15 < np.linalg.norm(ends["left_ankle"]) < 0.3 and ends["left_ankle"][2] > 0, "a foot, forward"
    mixamo = armature_of(noisy(PAPER19), PAPER19, "mixamo")
    foot = [bone.name for bone in mixamo.bones].index("mixamorig:LeftFoot")
    assert mixamo.ends[foot] == pytest.approx(ends["left_ankle"])


def test_everybody_who_is_in_a_frame_gets_an_armature() -> None:
    scene = example_scene(people=3)
    gone = replace(scene, people=np.where(np.array([1, np.nan, 1])[:, None, None], scene.people, 0))
    gone.people[:, 1] = np.nan
    found = dict(armatures(gone))
    assert found.keys() == {0, 2} and all(len(one.places) == len(scene.names) for one in found.values())
