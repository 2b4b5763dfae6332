"""A scene as meshes (`.glb`): a ball a joint, a rod a bone, on a ground; animated where there are several frames.

The scene's coordinates, which are glTF's: y up, z towards the viewer, metres. A node a person holds nodes called
`<identity>:<joint>` and `<identity>:<joint>-<parent>`, which all share a few meshes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
from numpy.typing import NDArray

from duolift.files import write_bytes
from duolift.outputs.colours import colours_of, rgb
from duolift.outputs.libraries import library
from duolift.outputs.tracks import rate_of, without_gaps
from duolift.outputs.turns import shortest_turn
from duolift.scene import Scene

JOINT_RADIUS, BONE_RADIUS, GROUND_MARGIN, GROUND_THICKNESS = 0.042, 0.032, 1.0, 0.02
"""Metres."""

GROUND_COLOUR = "#d9dcd6"

GONE = 1e-6
"""Somebody who is not in a frame is scaled by this: 0 has no inverse."""

FLOAT = 5126
"""glTF's code of a 32-bit float."""

SHAPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}

Motion = dict[str, NDArray[np.float32]]
"""Translation, rotation (quaternion, x y z w) and scale of a node, whichever it has, each (frame, 3 or 4)."""


def write_glb(reconstruction: Scene, path: Path) -> list[Path]:
    """Write a `.glb`."""
    trimesh = library("trimesh", ".glb")
    scene = trimesh.Scene()
    motions: dict[str, Motion] = {}
    for person in np.flatnonzero(reconstruction.present.any(0)).tolist():
        group = f"person {reconstruction.identities[person]}"
        scene.graph.update(frame_to=group)
        meshes = {
            (shape, left): _mesh(trimesh, shape, colour)
            for shape in ("ball", "rod")
            for left, colour in enumerate(colours_of(person))
        }
        for (shape, left), mesh in meshes.items():
            scene.geometry[f"{group} {shape} {left}"] = mesh
        moving = person_motions(reconstruction, person)
        for name, motion in moving.items():
            if name != group:
                shape = "rod" if "scale" in motion else "ball"
                scene.graph.update(frame_from=group, frame_to=name, geometry=f"{group} {shape} {int(':left_' in name)}")
        motions.update(moving)
    _add_ground(trimesh, scene, reconstruction)

    def place(buffers: dict[Any, bytes], tree: dict[str, Any]) -> None:
        _place(buffers, tree, motions, rate_of(reconstruction))

    content = trimesh.exchange.gltf.export_glb(scene, include_normals=True, buffer_postprocessor=place)
    write_bytes(path, content)
    return [path]


def person_motions(reconstruction: Scene, person: int) -> dict[str, Motion]:
    """How a person's nodes move, by name; the first is the node that holds the others, small where they are gone."""
    skeleton, identity = reconstruction.skeleton, reconstruction.identities[person]
    size = np.where(reconstruction.present[:, person, None], 1.0, GONE).astype(np.float32)
    joints = without_gaps(reconstruction.scene()[:, person]).astype(np.float32)
    motions: dict[str, Motion] = {f"person {identity}": {"scale": np.repeat(size, 3, axis=1)}}
    for joint, name in enumerate(skeleton.joints):
        motions[f"{identity}:{name}"] = {"translation": joints[:, joint]}
    for (child, parent), (end, start) in zip(skeleton.bones, zip(*skeleton.bone_ends, strict=True), strict=True):
        bones = torch.from_numpy(joints[:, end] - joints[:, start]).double()
        turn = roma.rotmat_to_unitquat(shortest_turn(torch.tensor([0.0, 0.0, 1.0]).double(), bones))
        length = bones.norm(dim=-1, keepdim=True).clamp_min(GONE)
        motions[f"{identity}:{child}-{parent}"] = {
            "translation": joints[:, [end, start]].mean(1, dtype=np.float32),
            "rotation": _steady(turn.numpy()).astype(np.float32),
            "scale": torch.cat([torch.ones(len(bones), 2), length], dim=-1).numpy().astype(np.float32),
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
        mesh = trimesh.creation.icosphere(subdivisions=2, radius=JOINT_RADIUS)
    else:
        mesh = trimesh.creation.cylinder(radius=BONE_RADIUS, height=1.0, sections=16)
    return _painted(trimesh, mesh, colour)


def _painted(trimesh: Any, mesh: Any, colour: str) -> Any:
    material = trimesh.visual.material.PBRMaterial(
        name=colour, baseColorFactor=[*rgb(colour), 255], metallicFactor=0.0, roughnessFactor=0.7
    )
    mesh.visual = trimesh.visual.TextureVisuals(material=material)
    return mesh


def _add_ground(trimesh: Any, scene: Any, reconstruction: Scene) -> None:
    """A slab below everybody, its top at height 0."""
    joints = reconstruction.scene()[reconstruction.present].reshape(-1, 3)
    low, high = (joints.min(0), joints.max(0)) if len(joints) else (np.zeros(3), np.zeros(3))
    sides = high - low + 2 * GROUND_MARGIN
    slab = trimesh.creation.box(extents=(sides[0], GROUND_THICKNESS, sides[2]))
    middle = (low + high) / 2
    slab.apply_translation((middle[0], -GROUND_THICKNESS / 2, middle[2]))
    scene.add_geometry(_painted(trimesh, slab, GROUND_COLOUR), node_name="ground", geom_name="ground")


def _place(buffers: dict[Any, bytes], tree: dict[str, Any], motions: dict[str, Motion], rate: float) -> None:
    """Put nodes where they are in the first frame, and add an animation of all frames where there are several."""

    def accessor(values: NDArray[np.float32]) -> int:
        buffers[f"motion {len(buffers)}"] = values.astype("<f4").tobytes()
        flat = values.reshape(len(values), -1)
        tree["accessors"][f"motion {len(tree['accessors'])}"] = {
            "bufferView": len(buffers) - 1,
            "componentType": FLOAT,
            "count": len(values),
            "type": SHAPES[flat.shape[1]],
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
