"""A scene as meshes (`.glb`): a ball for each joint, a rod for each bone, on a ground; animated if it has more frames.

World coordinates, which are those of glTF: y up, z towards the viewer, metres. Each person is a node that holds nodes
called `<identity>:<joint>` and `<identity>:<joint>-<parent>`, which all share a few meshes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.files import write_bytes
from duolift.geometry.interpolation import interpolate_gaps
from duolift.outputs.colours import colours_of, rgb
from duolift.outputs.libraries import library
from duolift.outputs.rotations import quaternions, shortest_rotation
from duolift.outputs.tracks import rate_of
from duolift.scene import Scene


@dataclass(frozen=True)
class MeshStyle:
    """Sizes in metres, chosen by eye for people of natural size."""

    joint_radius: float = 0.042
    bone_radius: float = 0.032
    ground_margin: float = 1.0
    ground_thickness: float = 0.02
    ground_colour: str = "#d9dcd6"


MESH_STYLE = MeshStyle()

ABSENT_SCALE = 1e-6
"""A person who is not in a frame is scaled by this, since a scale of 0 has no inverse."""

GLTF_FLOAT = 5126
"""glTF's code of a 32-bit float."""

GLTF_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}

Motion = dict[str, NDArray[np.float32]]
"""Translation, rotation (quaternion, x y z w) and scale of a node, whichever it has, each (frame, 3 or 4)."""


def write_glb(scene: Scene, path: Path) -> list[Path]:
    """Write a `.glb`."""
    trimesh = library("trimesh", ".glb")
    meshes = trimesh.Scene()
    motions: dict[str, Motion] = {}
    for person in np.flatnonzero(scene.valid.any(0)).tolist():
        motions |= _add_person(trimesh, meshes, scene, person)
    _add_ground(trimesh, meshes, scene)

    def place(buffers: dict[Any, bytes], tree: dict[str, Any]) -> None:
        _place(buffers, tree, motions, rate_of(scene))

    content = trimesh.exchange.gltf.export_glb(meshes, include_normals=True, buffer_postprocessor=place)
    write_bytes(path, content)
    return [path]


def _add_person(trimesh: Any, meshes: Any, scene: Scene, person: int) -> dict[str, Motion]:
    """Add a person's nodes to the meshes; returns how they move."""
    group = f"person {scene.identities[person]}"
    meshes.graph.update(frame_to=group)
    for left, colour in enumerate(colours_of(person)):
        for shape in ("ball", "rod"):
            meshes.geometry[f"{group} {shape} {left}"] = _mesh(trimesh, shape, colour)
    motions = person_motions(scene, person)
    for name, motion in motions.items():
        if name != group:
            shape = "rod" if "scale" in motion else "ball"
            geometry = f"{group} {shape} {int(':left_' in name)}"
            meshes.graph.update(frame_from=group, frame_to=name, geometry=geometry)
    return motions


def person_motions(scene: Scene, person: int) -> dict[str, Motion]:
    """How a person's nodes move, by name.

    The first is the node that holds the others; it is tiny in frames that the person is not in.
    """
    skeleton, identity = scene.skeleton, scene.identities[person]
    scale = np.where(scene.valid[:, person, None], 1.0, ABSENT_SCALE).astype(np.float32)  # (frame, 1)
    joints = interpolate_gaps(scene.world()[:, person], hold_ends=True)  # (frame, joint, 3)
    motions: dict[str, Motion] = {f"person {identity}": {"scale": np.repeat(scale, 3, axis=1)}}
    for joint, name in enumerate(skeleton.joints):
        motions[f"{identity}:{name}"] = {"translation": joints[:, joint].astype(np.float32)}
    for (child, parent), (end, start) in zip(skeleton.bones, zip(*skeleton.bone_ends, strict=True), strict=True):
        bone = joints[:, end] - joints[:, start]  # (frame, 3)
        rotation = quaternions(shortest_rotation(np.array([0.0, 0.0, 1.0]), bone))
        length = np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), ABSENT_SCALE)
        motions[f"{identity}:{child}-{parent}"] = {
            "translation": joints[:, [end, start]].mean(1).astype(np.float32),
            "rotation": _steady(rotation).astype(np.float32),
            "scale": np.concatenate([np.ones((len(bone), 2)), length], axis=-1).astype(np.float32),
        }
    return motions


def _steady(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quaternions (frame, 4) of such signs that neighbours are near each other."""
    turned = np.sign((quaternions[1:] * quaternions[:-1]).sum(-1))
    signs = np.cumprod(np.concatenate([[1.0], np.where(turned == 0, 1.0, turned)]))
    return quaternions * signs[:, None]


def _mesh(trimesh: Any, shape: str, colour: str) -> Any:
    """A ball, or a rod of length 1 along z, around the origin."""
    if shape == "ball":
        mesh = trimesh.creation.icosphere(subdivisions=2, radius=MESH_STYLE.joint_radius)
    else:
        mesh = trimesh.creation.cylinder(radius=MESH_STYLE.bone_radius, height=1.0, sections=16)
    return _painted(trimesh, mesh, colour)


def _painted(trimesh: Any, mesh: Any, colour: str) -> Any:
    material = trimesh.visual.material.PBRMaterial(
        name=colour, baseColorFactor=[*rgb(colour), 255], metallicFactor=0.0, roughnessFactor=0.7
    )
    mesh.visual = trimesh.visual.TextureVisuals(material=material)
    return mesh


def _add_ground(trimesh: Any, meshes: Any, scene: Scene) -> None:
    """Add a slab below everybody, its top at height 0."""
    joints = scene.world()[scene.valid].reshape(-1, 3)
    low, high = (joints.min(0), joints.max(0)) if len(joints) else (np.zeros(3), np.zeros(3))
    sides = high - low + 2 * MESH_STYLE.ground_margin
    slab = trimesh.creation.box(extents=(sides[0], MESH_STYLE.ground_thickness, sides[2]))
    middle = (low + high) / 2
    slab.apply_translation((middle[0], -MESH_STYLE.ground_thickness / 2, middle[2]))
    painted = _painted(trimesh, slab, MESH_STYLE.ground_colour)
    meshes.add_geometry(painted, node_name="ground", geom_name="ground")


def _place(buffers: dict[Any, bytes], tree: dict[str, Any], motions: dict[str, Motion], rate: float) -> None:
    """Put nodes where they are in the first frame, and add an animation of all frames where there are several."""

    def accessor(values: NDArray[np.float32]) -> int:
        buffers[f"motion {len(buffers)}"] = values.astype("<f4").tobytes()
        flat = values.reshape(len(values), -1)
        tree["accessors"][f"motion {len(tree['accessors'])}"] = {
            "bufferView": len(buffers) - 1,
            "componentType": GLTF_FLOAT,
            "count": len(values),
            "type": GLTF_TYPES[flat.shape[1]],
            "min": flat.min(0).tolist(),
            "max": flat.max(0).tolist(),
        }
        return len(tree["accessors"]) - 1

    nodes = {node["name"]: number for number, node in enumerate(tree["nodes"])}
    frames = max((len(values) for motion in motions.values() for values in motion.values()), default=0)
    times = accessor((np.arange(frames) / rate).astype(np.float32)) if frames > 1 else None
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    for name, motion in motions.items():
        node = tree["nodes"][nodes[name]]
        node.pop("matrix", None)
        node.update({what: values[0].tolist() for what, values in motion.items()})
        if times is None:
            continue
        for what, values in motion.items():
            if not np.ptp(values, axis=0).any():
                continue
            channels.append({"sampler": len(samplers), "target": {"node": nodes[name], "path": what}})
            way = "STEP" if name.startswith("person ") else "LINEAR"
            samplers.append({"input": times, "output": accessor(values), "interpolation": way})
    if channels:
        tree["animations"] = [{"name": "scene", "samplers": samplers, "channels": channels}]
