"""BVH, a file a person: a hierarchy of bones of constant length, and the rotation of each in every frame.

World coordinates (y up), metres. In the rest pose a person stands with arms stretched out and faces +z. A bone is as
long as on average over the sequence, so joints come back where they were as far as bones keep their lengths.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.files import write_text
from duolift.geometry.interpolation import interpolate_gaps
from duolift.outputs.rotations import SMALLEST_LENGTH, best_rotation, shortest_rotation, zxy_angles
from duolift.outputs.tracks import ever_valid, path_of, rate_of
from duolift.scene import Scene

EULER_ORDER = "ZXY"
"""Order of a joint's rotation channels, each about the axes that the ones before it have turned."""

Floats = NDArray[np.float64]


def write_bvh(scene: Scene, path: Path) -> list[Path]:
    """Write a `.bvh` a person, all on one time line.

    BVH cannot say that somebody is absent: the person moves straight to where they return, and stands still before
    their first frame and after their last.
    """
    world = scene.world()
    written = []
    for person in ever_valid(scene, path):
        written.append(path_of(path, scene.identities[person]))
        track = interpolate_gaps(world[:, person], hold_ends=True)
        offsets = rest_pose(track[scene.valid[:, person]], scene.skeleton)
        write_text(written[-1], bvh_text(track, offsets, scene.skeleton, rate_of(scene)))
    return written


def bvh_text(person: Floats, offsets: Floats, skeleton: Skeleton, rate: float) -> str:
    """The text of a BVH.

    Args:
        person: (frame, joint, 3), finite, world coordinates.
        offsets: (joint, 3), of the rest pose, see `rest_pose`.
        rate: frames a second.
    """
    rotations = joint_rotations(person, offsets, skeleton)
    joints, lines = _hierarchy(skeleton, offsets)
    angles = zxy_angles(rotations[:, joints])  # (frame, joint, 3)
    angles = np.unwrap(angles, period=360, axis=0).reshape(len(person), -1)
    rows = np.concatenate([person[:, skeleton.root_index], angles], axis=-1)
    motion = [" ".join(f"{value:.6f}" for value in row) for row in rows]
    header = ["MOTION", f"Frames: {len(person)}", f"Frame Time: {1 / rate:.8f}"]
    return "\n".join(["HIERARCHY", *lines, *header, *motion]) + "\n"


def children_of(skeleton: Skeleton) -> dict[int, list[int]]:
    """Joint -> its children, by index; parents come before their children."""
    children: dict[int, list[int]] = {}
    queue = [skeleton.root_index]
    while queue:
        joint = queue.pop(0)
        children[joint] = [skeleton.index(c) for c, p in skeleton.bones if p == skeleton.joints[joint]]
        queue += children[joint]
    return children


def rest_pose(person: Floats, skeleton: Skeleton) -> Floats:
    """Offsets (joint, 3) of the joints from their parents: mean lengths; arms out, legs down, all else up.

    Where several bones leave a joint, the angles between them are those of the mean over the sequence.

    Args:
        person: (frame, joint, 3), finite, world coordinates.
    """
    children, parents = skeleton.bone_ends
    offsets = np.zeros((len(skeleton), 3))
    lengths = np.linalg.norm(person[:, children] - person[:, parents], axis=-1).mean(0)  # (bone,)
    offsets[children] = lengths[:, None] * np.array([_rest_direction(child) for child, _ in skeleton.bones])
    for joint, leaving in children_of(skeleton).items():
        if len(leaving) > 1:
            bones = person[:, leaving] - person[:, joint, None]  # (frame, bone, 3)
            rotation = best_rotation(offsets[leaving], bones)  # (frame, 3, 3)
            mean = (bones @ rotation).mean(0)  # turned back to the rest pose, (bone, 3)
            mean_length = np.maximum(np.linalg.norm(mean, axis=-1), SMALLEST_LENGTH)
            offsets[leaving] = mean * (np.linalg.norm(bones, axis=-1).mean(0) / mean_length)[:, None]
    return offsets


def joint_rotations(person: Floats, offsets: Floats, skeleton: Skeleton) -> Floats:
    """The rotation of each joint against its parent that points its bones at its children.

    A single bone turns the shortest way; several bones are fitted. Bones aim from where the constant bones before them
    end, so that errors do not add up along a limb.

    Args:
        person: (frame, joint, 3), finite, world coordinates.
        offsets: (joint, 3), of the rest pose.

    Returns:
        (frame, joint, 3, 3)
    """
    world = np.tile(np.eye(3), (len(person), len(skeleton), 1, 1))  # every joint's axes
    local = world.copy()
    reached = person.copy()  # where the bones that are done end
    parent = dict(zip(*skeleton.bone_ends, strict=True))
    for joint, leaving in children_of(skeleton).items():
        before = world[:, parent[joint]] if joint in parent else world[:, joint].copy()  # (frame, 3, 3)
        back = before.swapaxes(-1, -2)
        aims = person[:, leaving] - reached[:, joint, None]  # (frame, bone, 3)
        if len(leaving) == 1:
            local[:, joint] = shortest_rotation(offsets[leaving[0]], (back @ aims[:, 0, :, None])[..., 0])
        elif leaving:
            local[:, joint] = back @ best_rotation(offsets[leaving], aims)
        world[:, joint] = before @ local[:, joint]
        reached[:, leaving] = reached[:, joint, None] + (world[:, joint, None] @ offsets[leaving, :, None])[..., 0]
    return local


def _rest_direction(joint: str) -> list[float]:
    side, _, part = joint.partition("_")
    across = {"left": 1.0, "right": -1.0}.get(side, 0.0)
    if part in ("knee", "ankle"):
        return [0.0, -1.0, 0.0]
    if part in ("foot", "toe", "thumb"):
        return [0.0, 0.0, 1.0]
    return [across, 0.0, 0.0] if across else [0.0, 1.0, 0.0]


def _hierarchy(skeleton: Skeleton, offsets: NDArray[np.float64]) -> tuple[list[int], list[str]]:
    """The joints that have channels, in the file's order, and its lines. A lone last joint is an end site."""
    children = children_of(skeleton)
    joints: list[int] = []
    lines: list[str] = []

    def place(offset: NDArray[np.float64]) -> str:
        return "OFFSET " + " ".join(f"{value:.6f}" for value in offset)

    def add(joint: int, depth: int) -> None:
        indent, inner = "\t" * depth, "\t" * (depth + 1)
        root = joint == skeleton.root_index
        rotation = " ".join(f"{axis}rotation" for axis in EULER_ORDER)
        channels = f"CHANNELS 6 Xposition Yposition Zposition {rotation}" if root else f"CHANNELS 3 {rotation}"
        joints.append(joint)
        lines.append(f"{indent}{'ROOT' if root else 'JOINT'} {skeleton.joints[joint]}")
        lines.extend([f"{indent}{{", inner + place(offsets[joint]), inner + channels])
        leaving = children[joint]
        if len(leaving) <= 1 and not any(children[child] for child in leaving):
            end = offsets[leaving[0]] if leaving else np.zeros(3)
            lines.extend([f"{inner}End Site", f"{inner}{{", "\t" * (depth + 2) + place(end), f"{inner}}}"])
        else:
            for child in leaving:
                add(child, depth + 1)
        lines.append(f"{indent}}}")

    add(skeleton.root_index, 0)
    return joints, lines
