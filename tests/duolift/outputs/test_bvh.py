"""BVH: another reader's skeleton stands where the people stand."""

from dataclasses import replace
from pathlib import Path

import bvhio
import numpy as np
import pytest

from duolift.body.skeleton import CHI3D25, PAPER19, PAPER23, SKELETONS, Skeleton
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.bvh import children_of, joint_rotations, rest_pose

ROUNDED = 1e-5
"""Metres by which numbers of six decimals put a joint wrong at most, at the end of a chain."""


def places_read(path: Path, frame: int) -> dict[str, np.ndarray]:
    """Joints' places by another reader; end sites have no name."""
    places = {}
    root = bvhio.readAsHierarchy(str(path))
    root.loadPose(frame)
    for joint, _, _ in root.layout():
        places[joint.Name] = np.array(joint.PositionWorld)
    return places


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_another_reader_finds_the_joints_where_they_are(tmp_path: Path, skeleton: Skeleton) -> None:
    scene = example_scene(skeleton=skeleton)
    first, second = write(scene, tmp_path / "scene.bvh")
    world = scene.world()
    for frame in range(4):
        for person, path in enumerate((first, second)):
            places = places_read(path, frame)
            assert len(places) >= len(skeleton) - 5, "all but the ends of limbs have a name"
            if scene.valid[frame, person]:
                for name, place in places.items():
                    assert place == pytest.approx(world[frame, person, skeleton.index(name)], abs=ROUNDED), name
            else:
                between = world[[frame - 1, frame + 1], person, skeleton.root_index].mean(0)
                assert places["pelvis"] == pytest.approx(between, abs=ROUNDED)


def test_the_header_tells_hierarchy_and_time(tmp_path: Path) -> None:
    path = write(example_scene(skeleton=CHI3D25), tmp_path / "scene.bvh")[0]
    read = bvhio.readAsBvh(str(path))
    assert (read.FrameCount, read.FrameTime) == (4, pytest.approx(1 / 25))
    parents = {child.Name: joint.Name for joint, _, _ in read.Root.layout() for child in joint.Children}
    named = {child: parent for child, parent in CHI3D25.bones if child in parents}
    assert parents == named
    assert {"left_thumb", "left_hand", "right_foot", "head"} <= set(parents), "who share a parent keep names"
    ends = [line for line in path.read_text().splitlines() if "End Site" in line]
    assert len(ends) == 7, "head, two toes, two thumbs, two hands"


def test_images_that_stand_alone_are_a_second_apart(tmp_path: Path) -> None:
    path = write(example_scene(rate=None), tmp_path / "scene.bvh")[0]
    assert "Frame Time: 1.00000000" in path.read_text()


def forward(skeleton: Skeleton, root: np.ndarray, offsets: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Joints' places (frame, joint, 3) by the definition of a hierarchy."""
    places, world = np.zeros((len(root), len(skeleton), 3)), {}
    parent = dict(zip(*skeleton.bone_ends, strict=True))
    for joint in children_of(skeleton):
        above = parent.get(joint)
        before = np.tile(np.eye(3), (len(root), 1, 1)) if above is None else world[above]
        places[:, joint] = root if above is None else places[:, above] + before @ offsets[joint]
        world[joint] = before @ rotations[:, joint]
    return places


def test_bones_that_change_their_length_do_not_add_up() -> None:
    walk = example_scene(frames=60, people=1).world()[:, 0].astype(np.float64)
    noise = 0.01 * np.random.default_rng(0).normal(size=walk.shape)
    walk = walk + noise
    offsets = rest_pose(walk, PAPER19)
    rotations = joint_rotations(walk, offsets, PAPER19)
    found = forward(PAPER19, walk[:, PAPER19.root_index], offsets, rotations)
    error, typical = np.linalg.norm(found - walk, axis=-1), np.linalg.norm(noise, axis=-1).mean()
    assert error.mean() < typical, "joints are as near as the noise lets them"
    hand = PAPER19.indices(["right_hand", "left_hand"])
    assert error[:, hand].mean() < typical, "at the ends of limbs too"
    assert np.linalg.det(rotations) == pytest.approx(np.ones((60, 19)), abs=1e-9)


def test_the_rest_pose_stands_with_arms_out() -> None:
    person = example_scene(people=1, skeleton=PAPER23).world()[:, 0].astype(np.float64)
    offsets = rest_pose(person, PAPER23)
    for joint, direction in (("left_elbow", (1, 0, 0)), ("right_elbow", (-1, 0, 0)), ("left_knee", (0, -1, 0))):
        offset = offsets[PAPER23.index(joint)]
        assert (offset / np.linalg.norm(offset)).tolist() == pytest.approx(direction)
    assert offsets[PAPER23.index("left_toe"), 2] > 0
    assert offsets[PAPER23.index("left_hip"), 0] > 0 > offsets[PAPER23.index("right_hip"), 0]


def test_a_person_with_bones_of_no_length_is_written(tmp_path: Path) -> None:
    scene = example_scene(people=1)
    flat = replace(scene, people=0 * scene.people)
    path = write(flat, tmp_path / "scene.bvh")[0]
    assert "nan" not in path.read_text()
