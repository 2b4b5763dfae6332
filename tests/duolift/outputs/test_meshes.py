"""GLB, by another reader: where the nodes are, what they show and how they move."""

from pathlib import Path

import numpy as np
import pygltflib
import pytest
import roma
import torch

from duolift.body.skeleton import PAPER19
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.meshes import ABSENT_SCALE


def values(file: pygltflib.GLTF2, number: int) -> np.ndarray:
    accessor = file.accessors[number]
    view = file.bufferViews[accessor.bufferView]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor.type]
    start = view.byteOffset + (accessor.byteOffset or 0)
    blob = file.binary_blob()[start : start + 4 * width * accessor.count]
    return np.frombuffer(blob, "<f4").reshape(accessor.count, width)


def test_nodes_stand_where_the_joints_stand_and_move_as_they_move(tmp_path: Path) -> None:
    scene = example_scene()
    write(scene, tmp_path / "scene.glb")
    file = pygltflib.GLTF2().load(str(tmp_path / "scene.glb"))
    nodes = {node.name: node for node in file.nodes}
    world = scene.world()
    tracks: dict[tuple[str, str], np.ndarray] = {}
    for channel in file.animations[0].channels:
        sampler = file.animations[0].samplers[channel.sampler]
        assert values(file, sampler.input)[:, 0] == pytest.approx(np.arange(4) / 25)
        tracks[file.nodes[channel.target.node].name, channel.target.path] = values(file, sampler.output)
    for index, joint in enumerate(PAPER19.joints):
        node = nodes[f"1:{joint}"]
        assert node.matrix is None and node.translation == pytest.approx(world[0, 0, index].tolist(), abs=1e-5)
        assert tracks[f"1:{joint}", "translation"] == pytest.approx(world[:, 0, index], abs=1e-5)
    assert tracks["person 2", "scale"][:, 0] == pytest.approx([1, ABSENT_SCALE, 1, 1]), "gone from the second frame"


def test_rods_join_the_joints_that_they_are_named_after(tmp_path: Path) -> None:
    scene = example_scene(frames=1)
    write(scene, tmp_path / "scene.glb")
    file = pygltflib.GLTF2().load(str(tmp_path / "scene.glb"))
    assert not file.animations, "one frame does not move"
    nodes = {node.name: node for node in file.nodes}
    for child, parent in PAPER19.bones:
        node = nodes[f"2:{child}-{parent}"]
        turn = roma.unitquat_to_rotmat(torch.tensor(node.rotation).double()).numpy()
        half = turn @ (np.array(node.scale) * (0, 0, 0.5))
        start, end = scene.world()[0, 1, PAPER19.indices([parent, child])]
        assert np.array(node.translation) + half == pytest.approx(end, abs=1e-5)
        assert np.array(node.translation) - half == pytest.approx(start, abs=1e-5)


def test_people_hold_their_nodes_have_their_colours_and_stand_on_a_ground(tmp_path: Path) -> None:
    write(example_scene(), tmp_path / "scene.glb")
    file = pygltflib.GLTF2().load(str(tmp_path / "scene.glb"))
    children = {node.name: {file.nodes[i].name for i in node.children} for node in file.nodes if node.children}
    assert {name.split(":")[0] for name in children["person 2"]} == {"2"} and len(children["person 2"]) == 19 + 18
    assert len({tuple(m.pbrMetallicRoughness.baseColorFactor) for m in file.materials}) == 5
    ground = file.meshes[next(node.mesh for node in file.nodes if node.name == "ground")]
    top = file.accessors[ground.primitives[0].attributes.POSITION].max[1]
    assert top == pytest.approx(0, abs=1e-6)
