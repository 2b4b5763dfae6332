"""What Blender makes of the armatures. Skipped without Blender, a program or the module `bpy` of this Python."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duolift.body.skeleton import CHI3D25, PAPER19, Skeleton
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.rigs import RIGS, rig_bones
from duolift.scene import Scene

SCRIPT = str(Path(__file__).with_name("in_blender.py"))

BLENDER = shutil.which("blender")

COMMAND = [BLENDER, "--background", "--factory-startup", "--python", SCRIPT] if BLENDER else [sys.executable, SCRIPT]

NEAR = 0.001
"""Metres; Blender computes in 32 bits."""

pytestmark = pytest.mark.skipif(not (BLENDER or find_spec("bpy")), reason="Blender is not installed")


def imported(file: Path) -> dict[str, Any]:
    """What Blender has of a file of 25 frames a second."""
    output = file.with_suffix(".imported")
    done = subprocess.run([*COMMAND, "--", str(file), "25", str(output)], capture_output=True, text=True)
    assert output.exists(), done.stdout + done.stderr
    return json.loads(output.read_text())


def trembling(skeleton: Skeleton) -> Scene:
    """Two people whose bones do not keep their lengths, as lifted people's do not."""
    scene = example_scene(skeleton=skeleton)
    return replace(scene, people=scene.people + 0.04 * np.random.default_rng(0).normal(size=scene.people.shape))


def assert_bones_are_joints(scene: Scene, person: int, rig: str, frames: list[dict[str, list[float]]]) -> None:
    """Every bone begins where its joint is, in every frame that the person is in."""
    assert len(frames) == len(scene.names)
    bones, world = rig_bones(rig, scene.skeleton.joints), scene.world()
    for frame, places in enumerate(frames):
        assert places.keys() == {bone.name for bone in bones}
        for bone in bones:
            if scene.valid[frame, person] and not bone.share:
                x, y, z = places[bone.name]
                expected = world[frame, person, scene.skeleton.index(bone.joint)]
                assert np.array([x, z, -y]) == pytest.approx(expected, abs=NEAR), (bone.name, frame)


@pytest.mark.parametrize("rig", RIGS)
def test_a_glb_is_an_armature_and_a_mesh_a_person(tmp_path: Path, rig: str) -> None:
    scene = trembling(CHI3D25)
    found = imported(write(scene, tmp_path / "scene.glb", rig=rig)[0])
    assert sorted(found["people"]) == ["person 1", "person 2"] and found["actions"] <= 2
    assert {"person 1 mesh", "person 2 mesh", "ground"} <= {*found["objects"]["MESH"]}
    for person, frames in enumerate(found["people"].values()):
        assert_bones_are_joints(scene, person, rig, frames)


@pytest.mark.parametrize("rig", RIGS)
def test_a_bvh_is_an_armature(tmp_path: Path, rig: str) -> None:
    scene = trembling(PAPER19)
    found = imported(write(scene, tmp_path / "scene.bvh", rig=rig)[0])
    assert found["actions"] == 1
    ((name, frames),) = found["people"].items()
    assert name == "scene-1"
    assert_bones_are_joints(scene, 0, rig, frames)
