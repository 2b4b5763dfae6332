"""BVH: another reader's skeleton stands where the people stand, whether or not bones keep their lengths."""

from dataclasses import replace
from pathlib import Path

import bvhio
import numpy as np
import pytest

from duolift.body.skeleton import CHI3D25, SKELETONS, Skeleton
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.rigs import RIGS, rig_bones
from duolift.scene import Scene

ROUNDED = 1e-5
"""Metres by which numbers of six decimals put a joint wrong at most, at the end of a chain."""


def trembling(skeleton: Skeleton) -> Scene:
    """A scene of two people whose bones do not keep their lengths, as lifted people's do not."""
    scene = example_scene(skeleton=skeleton)
    return replace(scene, people=scene.people + 0.04 * np.random.default_rng(0).normal(size=scene.people.shape))


def places_read(path: Path, frame: int) -> dict[str, np.ndarray]:
    """Bones' places by another reader."""
    places = {}
    root = bvhio.readAsHierarchy(str(path))
    root.loadPose(frame)
    for joint, _, _ in root.layout():
        places[joint.Name] = np.array(joint.PositionWorld)
    return places


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_another_reader_finds_the_joints_where_they_are(tmp_path: Path, skeleton: Skeleton) -> None:
    scene = trembling(skeleton)
    first, second = write(scene, tmp_path / "scene.bvh")
    world = scene.world()
    for frame in range(4):
        for person, path in enumerate((first, second)):
            places = places_read(path, frame)
            assert places.keys() == {*skeleton.joints}
            if scene.valid[frame, person]:
                for name, place in places.items():
                    assert place == pytest.approx(world[frame, person, skeleton.index(name)], abs=ROUNDED), name
            else:
                between = world[[frame - 1, frame + 1], person, skeleton.root_index].mean(0)
                assert places["pelvis"] == pytest.approx(between, abs=ROUNDED)


@pytest.mark.parametrize("rig", RIGS)
def test_the_header_tells_hierarchy_and_time(tmp_path: Path, rig: str) -> None:
    path = write(example_scene(skeleton=CHI3D25), tmp_path / "scene.bvh", rig=rig)[0]
    read = bvhio.readAsBvh(str(path))
    assert (read.FrameCount, read.FrameTime) == (4, pytest.approx(1 / 25))
    parents = {child.Name: joint.Name for joint, _, _ in read.Root.layout() for child in joint.Children}
    assert {read.Root.Name: "", **parents} == {bone.name: bone.parent for bone in rig_bones(rig, CHI3D25.joints)}
    ends = path.read_text().count("End Site")
    assert ends == len(parents) + 1 - len({*parents.values()}), "every last bone has a length"


def test_images_that_stand_alone_are_a_second_apart(tmp_path: Path) -> None:
    path = write(example_scene(rate=None), tmp_path / "scene.bvh")[0]
    assert "Frame Time: 1.00000000" in path.read_text()


def test_a_person_with_bones_of_no_length_is_written(tmp_path: Path) -> None:
    scene = example_scene(people=1)
    flat = replace(scene, people=0 * scene.people)
    path = write(flat, tmp_path / "scene.bvh")[0]
    assert "nan" not in path.read_text()
