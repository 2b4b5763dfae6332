"""BVH, a file a person: a hierarchy of bones, and the translation and rotation of each in every frame.

World coordinates (y up), metres. In the rest pose a person stands with arms stretched out and faces +z. Every bone has
position channels, as in the files of "BVH with displacement" that motion capture suits write, since bones of constant
length would put joints centimetres wrong (`duolift.outputs.armature`): they replace the bone's offset in a frame, as
Blender and MotionBuilder read them. Offsets are mean lengths, for programs that take rotations alone.
"""

from pathlib import Path

import numpy as np

from duolift.files import write_text
from duolift.outputs.armature import Armature, Floats, armatures
from duolift.outputs.rigs import DEFAULT_RIG
from duolift.outputs.rotations import zxy_angles
from duolift.outputs.tracks import ever_valid, path_of, rate_of
from duolift.scene import Scene

EULER_ORDER = "ZXY"
"""Order of a bone's rotation channels, each about the axes that the ones before it have turned."""

CHANNELS = f"CHANNELS 6 Xposition Yposition Zposition {' '.join(f'{axis}rotation' for axis in EULER_ORDER)}"


def write_bvh(scene: Scene, path: Path, rig: str = DEFAULT_RIG) -> list[Path]:
    """Write a `.bvh` a person, all on one time line.

    BVH cannot say that somebody is absent: the person moves straight to where they return, and stands still before
    their first frame and after their last.
    """
    written = []
    ever_valid(scene, path)
    for person, armature in armatures(scene, rig):
        written.append(path_of(path, scene.identities[person]))
        write_text(written[-1], bvh_text(armature, rate_of(scene)))
    return written


def bvh_text(armature: Armature, rate: float) -> str:
    """The text of a BVH.

    Args:
        rate: frames a second.
    """
    order, lines = _hierarchy(armature)
    angles = np.unwrap(zxy_angles(armature.rotations[:, order]), period=360, axis=0)  # (frame, bone, 3)
    rows = np.concatenate([armature.translations[:, order], angles], axis=-1).reshape(len(angles), -1)
    motion = [" ".join(f"{value:.6f}" for value in row) for row in rows]
    header = ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {1 / rate:.8f}"]
    return "\n".join(["HIERARCHY", *lines, *header, *motion]) + "\n"


def _hierarchy(armature: Armature) -> tuple[list[int], list[str]]:
    """The bones in the file's order, and the lines that tell of them. The root's offset is 0."""
    order: list[int] = []
    lines: list[str] = []

    def place(offset: Floats) -> str:
        return "OFFSET " + " ".join(f"{value:.6f}" for value in offset)

    def add(bone: int, depth: int) -> None:
        indent, inner = "\t" * depth, "\t" * (depth + 1)
        order.append(bone)
        lines.append(f"{indent}{'JOINT' if depth else 'ROOT'} {armature.bones[bone].name}")
        lines.extend([f"{indent}{{", inner + place(armature.offsets[bone] if depth else np.zeros(3)), inner + CHANNELS])
        for child in armature.children(bone):
            add(child, depth + 1)
        if not armature.children(bone):
            end = "\t" * (depth + 2) + place(armature.ends[bone])
            lines.extend([f"{inner}End Site", f"{inner}{{", end, f"{inner}}}"])
        lines.append(f"{indent}}}")

    add(0, 0)
    return order, lines
