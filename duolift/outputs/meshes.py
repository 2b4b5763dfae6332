"""A scene as glTF (`.glb`): everybody as one mesh, skinned on one skeleton, on a ground; one animation moves them all.

World coordinates, which are those of glTF: y up, z towards the viewer, metres. Each person is a node
`person <identity>` that holds the bones, and a node `person <identity> mesh`. Nodes stand as in the first frame, and
the skin's inverse bind matrices hold the rest pose, with arms out (glTF 2.0 specification, 3.7.3,
https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duolift.files import write_bytes
from duolift.outputs.armature import Armature, armatures
from duolift.outputs.colours import colours_of, rgb
from duolift.outputs.libraries import library, needs
from duolift.outputs.mannequin import Surface, surfaces
from duolift.outputs.rigs import DEFAULT_RIG, check_rig
from duolift.outputs.rotations import quaternions
from duolift.outputs.tracks import rate_of
from duolift.scene import Scene


@dataclass(frozen=True)
class GroundStyle:
    """Sizes in metres, chosen by eye."""

    margin: float = 1.0
    thickness: float = 0.02
    colour: str = "#d9dcd6"


GROUND_STYLE = GroundStyle()

ABSENT_SCALE = 1e-6
"""The root bone of a person who is not in a frame is scaled by this, since a scale of 0 has no inverse."""

GLTF_FLOAT = 5126
"""glTF's code of a 32-bit float."""

GLTF_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}

SKINNING = ("JOINTS_0", "WEIGHTS_0")
"""A vertex's attributes that hang it on bones; the library writes them as `_JOINTS_0`, as it does all that it does not
know."""


@dataclass(frozen=True)
class Moving:
    """A person's bones as they move, without all else that an armature holds: of an hour that is five times as much.

    Attributes:
        person: position on the person axis.
        names: (bone,), of the bones.
        parents: (bone,), as `Armature`.
        rest: (bone, 3), as `Armature`.
        motions: (bone,), the `translation` (frame, 3) and the `rotation` (frame, 4) of each.
    """

    person: int
    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest: NDArray[np.float64]
    motions: tuple[dict[str, NDArray[np.float32]], ...]

    @classmethod
    def of(cls, person: int, armature: Armature) -> Self:
        motions = tuple(
            {
                "translation": armature.translations[:, bone].astype(np.float32),
                "rotation": _steady(quaternions(armature.rotations[:, bone])).astype(np.float32),
            }
            for bone in range(len(armature.bones))
        )
        return cls(person, tuple(bone.name for bone in armature.bones), armature.parents, armature.rest, motions)


@needs("trimesh")
def write_glb(scene: Scene, path: Path, rig: str = DEFAULT_RIG) -> list[Path]:
    """Write a `.glb`, its bones those of a rig."""
    check_rig(rig)
    trimesh = library("trimesh", ".glb")
    people: dict[str, Moving] = {}
    meshes, parts = trimesh.Scene(), {}
    for person, armature in armatures(scene, rig):
        name = f"person {scene.identities[person]}"
        skins = surfaces(armature, trimesh)
        parts[name] = len(skins)
        for number, surface in enumerate(skins):
            meshes.geometry[f"{name} {number}"] = _skinned(trimesh, surface, colours_of(person)[surface.left])
        people[name] = Moving.of(person, armature)
        del armature  # before the next one is made
    meshes.geometry["ground"] = _ground(trimesh, scene)

    def put_together(buffers: dict[Any, bytes], tree: dict[str, Any]) -> None:
        tree["meshes"] = _merged(tree["meshes"], parts)
        nodes = Nodes(buffers, tree)
        for mesh, (name, moving) in enumerate(people.items()):
            _add_person(nodes, name, mesh, moving, scene.valid[:, moving.person])
        nodes.add("ground", mesh=len(people), in_scene=True)
        nodes.finish(rate_of(scene))

    content = trimesh.exchange.gltf.export_glb(meshes, include_normals=True, buffer_postprocessor=put_together)
    write_bytes(path, content)
    return [path]


def _merged(meshes: list[dict[str, Any]], parts: dict[str, int]) -> list[dict[str, Any]]:
    """The library's meshes, those of one person as one, and the ground; attributes of skins by their own names."""
    for mesh in meshes:
        attributes = mesh["primitives"][0]["attributes"]
        for name in SKINNING:
            if f"_{name}" in attributes:
                attributes[name] = attributes.pop(f"_{name}")
    rest, merged = iter(meshes), []
    for name, count in parts.items():
        merged.append({"name": name, "primitives": [next(rest)["primitives"][0] for _ in range(count)]})
    return [*merged, *rest]


def _add_person(nodes: "Nodes", name: str, mesh: int, moving: Moving, valid: NDArray[np.bool_]) -> None:
    """A person's nodes: one that holds the bones, the mesh, and how the bones move."""
    holder = nodes.add(name, in_scene=True)
    bones: list[int] = []
    for bone, parent, motion in zip(moving.names, moving.parents, moving.motions, strict=True):
        if parent < 0 and not valid.all():
            motion = motion | {"scale": np.where(valid[:, None], np.ones(3), ABSENT_SCALE)}
        bones.append(nodes.add(bone, holder if parent < 0 else bones[parent], motion=motion))
    bind = np.tile(np.eye(4), (len(bones), 1, 1))
    bind[:, 3, :3] = -moving.rest  # a column after the other, as glTF has matrices
    skin = nodes.add_skin({"name": name, "joints": bones, "skeleton": bones[0]}, bind.reshape(-1, 16))
    nodes.add(f"{name} mesh", mesh=mesh, skin=skin, in_scene=True)  # a skinned mesh stands where its bones are


@dataclass
class Nodes:
    """The nodes, skins and the animation of a glTF file, in place of those that the library has made.

    Attributes:
        buffers, tree: of the library: bytes by name, and the file's JSON, whose accessors are by name as well.
        motions: (node, `translation`, `rotation` or `scale`, its values in all frames).
    """

    buffers: dict[Any, bytes]
    tree: dict[str, Any]
    motions: list[tuple[int, str, NDArray[np.floating]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tree["nodes"], self.tree["scenes"][0]["nodes"] = [], []

    def add(
        self,
        name: str,
        parent: int | None = None,
        motion: Mapping[str, NDArray[np.floating]] | None = None,
        in_scene: bool = False,
        **properties: Any,
    ) -> int:
        """Add a node where it is in the first frame; returns its number."""
        first = {what: values[0].tolist() for what, values in (motion or {}).items()}
        self.tree["nodes"].append({"name": name, **first, **properties})
        number = len(self.tree["nodes"]) - 1
        if in_scene:
            self.tree["scenes"][0]["nodes"].append(number)
        if parent is not None:
            self.tree["nodes"][parent].setdefault("children", []).append(number)
        self.motions += [(number, what, values) for what, values in (motion or {}).items()]
        return number

    def add_skin(self, skin: dict[str, Any], inverse_bind_matrices: NDArray[np.float64]) -> int:
        """Add a skin; returns its number."""
        skins = self.tree.setdefault("skins", [])
        skins.append({**skin, "inverseBindMatrices": self._accessor(inverse_bind_matrices)})
        return len(skins) - 1

    def finish(self, rate: float) -> None:
        """Add the animation of what moves."""
        moving = [(node, what, values) for node, what, values in self.motions if np.ptp(values, axis=0).any()]
        if not moving:
            return
        times = self._accessor(np.arange(len(moving[0][2]))[:, None] / rate)
        samplers: list[dict[str, Any]] = []
        channels: list[dict[str, Any]] = []
        for node, what, values in moving:
            channels.append({"sampler": len(samplers), "target": {"node": node, "path": what}})
            way = "STEP" if what == "scale" else "LINEAR"  # nobody shrinks slowly
            samplers.append({"input": times, "output": self._accessor(values), "interpolation": way})
        self.tree["animations"] = [{"name": "scene", "samplers": samplers, "channels": channels}]

    def _accessor(self, values: NDArray[np.floating]) -> int:
        """Store an array (row, number) as 32-bit floats; returns the number of its accessor."""
        stored = values.astype("<f4")
        self.buffers[f"motion {len(self.buffers)}"] = stored.tobytes()
        self.tree["accessors"][f"motion {len(self.tree['accessors'])}"] = {
            "bufferView": len(self.buffers) - 1,
            "componentType": GLTF_FLOAT,
            "count": len(stored),
            "type": GLTF_TYPES[stored.shape[1]],
            "min": stored.min(0).tolist(),
            "max": stored.max(0).tolist(),
        }
        return len(self.tree["accessors"]) - 1


def _steady(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quaternions (frame, 4) of such signs that neighbours are near each other."""
    turned = np.sign((quaternions[1:] * quaternions[:-1]).sum(-1))
    signs = np.cumprod(np.concatenate([[1.0], np.where(turned == 0, 1.0, turned)]))
    return quaternions * signs[:, None]


def _skinned(trimesh: Any, surface: Surface, colour: str) -> Any:
    """A surface as a mesh, every vertex on one bone alone."""
    mesh = trimesh.Trimesh(surface.vertices, surface.faces, vertex_normals=surface.normals, process=False)
    bones = np.zeros((len(surface.bones), 4), np.uint16)
    bones[:, 0] = surface.bones
    mesh.vertex_attributes["_JOINTS_0"] = bones
    mesh.vertex_attributes["_WEIGHTS_0"] = np.tile(np.array([1, 0, 0, 0], np.float32), (len(bones), 1))
    return _painted(trimesh, mesh, colour)


def _painted(trimesh: Any, mesh: Any, colour: str) -> Any:
    material = trimesh.visual.material.PBRMaterial(
        name=colour, baseColorFactor=[*rgb(colour), 255], metallicFactor=0.0, roughnessFactor=0.7
    )
    mesh.visual = trimesh.visual.TextureVisuals(material=material)
    return mesh


def _ground(trimesh: Any, scene: Scene) -> Any:
    """A slab below everybody, its top at height 0."""
    joints = scene.world()[scene.valid].reshape(-1, 3)
    low, high = (joints.min(0), joints.max(0)) if len(joints) else (np.zeros(3), np.zeros(3))
    sides = high - low + 2 * GROUND_STYLE.margin
    slab = trimesh.creation.box(extents=(sides[0], GROUND_STYLE.thickness, sides[2]))
    middle = (low + high) / 2
    slab.apply_translation((middle[0], -GROUND_STYLE.thickness / 2, middle[2]))
    return _painted(trimesh, slab, GROUND_STYLE.colour)
