"""GLB, by another reader: one skeleton a person, where its bones are, the mesh that hangs on them and how they move."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pygltflib
import pytest
import roma
import torch

from duolift.body.skeleton import CHI3D25, PAPER19
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.meshes import ABSENT_SCALE
from duolift.outputs.rigs import RIGS, rig_bones
from duolift.scene import Scene

KINDS = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def values(file: pygltflib.GLTF2, number: int) -> np.ndarray:
    accessor = file.accessors[number]
    view = file.bufferViews[accessor.bufferView]
    kind, width = np.dtype(KINDS[accessor.componentType]), WIDTHS[accessor.type]
    start = view.byteOffset + (accessor.byteOffset or 0)
    blob = file.binary_blob()[start : start + kind.itemsize * width * accessor.count]
    return np.frombuffer(blob, kind).reshape(accessor.count, width)


def trembling(skeleton: str = "paper19") -> Scene:
    """A scene of two people whose bones do not keep their lengths; the second is absent from the second frame."""
    scene = example_scene(skeleton={"paper19": PAPER19, "chi3d25": CHI3D25}[skeleton])
    return replace(scene, people=scene.people + 0.04 * np.random.default_rng(0).normal(size=scene.people.shape))


def written(scene: Scene, folder: Path, rig: str = "duolift") -> pygltflib.GLTF2:
    return pygltflib.GLTF2().load(str(write(scene, folder / "scene.glb", rig=rig)[0]))


def matrices(file: pygltflib.GLTF2, frames: int) -> list[np.ndarray]:
    """The transform (frame, 4, 4) of every node in world coordinates, by the definition of a node."""
    tracks = [
        {what: getattr(node, what) for what in ("translation", "rotation", "scale") if getattr(node, what)}
        for node in file.nodes
    ]
    for animation in file.animations:
        for channel in animation.channels:
            sampler = animation.samplers[channel.sampler]
            tracks[channel.target.node][channel.target.path] = values(file, sampler.output)
    parents = {child: number for number, node in enumerate(file.nodes) for child in node.children}
    local = []
    for track in tracks:
        turn = np.broadcast_to(track.get("rotation", [0, 0, 0, 1]), (frames, 4)).astype(np.float64)
        matrix = np.tile(np.eye(4), (frames, 1, 1))
        matrix[:, :3, :3] = roma.unitquat_to_rotmat(torch.tensor(turn)).numpy()
        matrix[:, :3, :3] *= np.broadcast_to(track.get("scale", [1, 1, 1]), (frames, 3))[:, None]
        matrix[:, :3, 3] = track.get("translation", [0, 0, 0])
        local.append(matrix)

    def world(node: int) -> np.ndarray:
        return world(parents[node]) @ local[node] if node in parents else local[node]

    return [world(node) for node in range(len(local))]


@pytest.mark.parametrize("rig", RIGS)
@pytest.mark.parametrize("skeleton", ["paper19", "chi3d25"])
def test_each_person_has_one_skeleton_whose_bones_are_where_the_joints_are(
    tmp_path: Path, skeleton: str, rig: str
) -> None:
    scene = trembling(skeleton)
    file, world = written(scene, tmp_path, rig), scene.world()
    assert [skin.name for skin in file.skins] == ["person 1", "person 2"] and len(file.animations) == 1
    places = matrices(file, 4)
    bones = rig_bones(rig, scene.skeleton.joints)
    for person, skin in enumerate(file.skins):
        assert [file.nodes[joint].name for joint in skin.joints] == [bone.name for bone in bones]
        assert file.nodes[skin.joints[0]].name == file.nodes[skin.skeleton].name == bones[0].name
        valid = scene.valid[:, person]
        for node, bone in zip(skin.joints, bones, strict=True):
            if not bone.share:
                expected = world[valid, person, scene.skeleton.index(bone.joint)]
                assert places[node][valid, :3, 3] == pytest.approx(expected, abs=1e-5), bone.name


def skinned(file: pygltflib.GLTF2, person: int, frame: int) -> np.ndarray:
    """The vertices of a person's mesh in a frame, by the definition of a skin."""
    skin = file.skins[person]
    mesh = next(node.mesh for node in file.nodes if node.skin == person)
    bind = values(file, skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
    places = matrices(file, 4)
    moved = np.stack([places[joint][frame] for joint in skin.joints]) @ bind  # (bone, 4, 4)
    found = []
    for primitive in file.meshes[mesh].primitives:
        vertices, bones, weights = (
            values(file, getattr(primitive.attributes, name)) for name in ("POSITION", "JOINTS_0", "WEIGHTS_0")
        )
        assert weights.sum(1) == pytest.approx(1) and bones.max() < len(skin.joints)
        homogeneous = np.concatenate([vertices, np.ones((len(vertices), 1))], axis=1)
        mixed = (weights[..., None, None] * moved[bones]).sum(1)  # (vertex, 4, 4)
        found.append((mixed @ homogeneous[..., None])[:, :3, 0])
    return np.concatenate(found)


@pytest.mark.parametrize("rig", RIGS)
def test_the_mesh_moves_with_the_bones(tmp_path: Path, rig: str) -> None:
    scene = example_scene()
    file, world = written(scene, tmp_path, rig), scene.world()
    for frame in (0, 3):
        surface = skinned(file, 0, frame)
        away = np.linalg.norm(surface[:, None] - world[frame, 0], axis=-1)  # (vertex, joint)
        assert away.min(0).max() < 0.12, "there is some of it around every joint"
        low, high = world[frame, 0].min(0), world[frame, 0].max(0)
        assert (surface.min(0) > low - 0.3).all() and (surface.max(0) < high + 0.3).all()
    hand = PAPER19.index("right_hand")
    assert np.linalg.norm(world[3, 0, hand] - world[0, 0, hand]) > 0.1, "somebody bends an arm"


def test_nobody_is_seen_where_nobody_is(tmp_path: Path) -> None:
    file = written(example_scene(), tmp_path)
    assert np.ptp(skinned(file, 1, 1), axis=0).max() < 1e-3 < np.ptp(skinned(file, 1, 2), axis=0).min()
    scales = [
        (channel, animation.samplers[channel.sampler])
        for animation in file.animations
        for channel in animation.channels
        if channel.target.path == "scale"
    ]
    ((channel, sampler),) = scales
    assert channel.target.node == file.skins[1].joints[0] and sampler.interpolation == "STEP"
    assert values(file, sampler.output)[:, 0] == pytest.approx([1, ABSENT_SCALE, 1, 1])
    assert values(file, sampler.input)[:, 0] == pytest.approx(np.arange(4) / 25)


def test_a_single_image_has_no_animation(tmp_path: Path) -> None:
    scene = example_scene(frames=1)
    file = written(scene, tmp_path)
    assert not file.animations
    places = [matrix[0, :3, 3] for matrix in matrices(file, 1)]
    found = np.stack([places[joint] for joint in file.skins[1].joints])
    names = [file.nodes[joint].name for joint in file.skins[1].joints]
    assert found == pytest.approx(scene.world()[0, 1, PAPER19.indices(names)], abs=1e-5)


def test_people_have_their_colours_and_stand_on_a_ground(tmp_path: Path) -> None:
    file = written(example_scene(), tmp_path)
    assert [mesh.name for mesh in file.meshes] == ["person 1", "person 2", "ground"]
    assert [len(mesh.primitives) for mesh in file.meshes] == [2, 2, 1]
    assert len({tuple(m.pbrMetallicRoughness.baseColorFactor) for m in file.materials}) == 5
    ground = file.meshes[next(node.mesh for node in file.nodes if node.name == "ground")]
    top = file.accessors[ground.primitives[0].attributes.POSITION].max[1]
    assert top == pytest.approx(0, abs=1e-6)
