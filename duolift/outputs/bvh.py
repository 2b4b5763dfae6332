"""BVH, a file a person: a hierarchy of constant bones, and how each of them turns.

The scene's coordinates, y up, metres. In the rest pose a person stands with arms stretched out and faces +z. A bone is
as long as on average over the sequence, so joints come back where they were as far as bones keep their lengths.
"""

from pathlib import Path

import numpy as np
import roma
import torch
from numpy.typing import NDArray
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.files import write_text
from duolift.outputs.tracks import path_of, people_there, rate_of, without_gaps
from duolift.outputs.turns import SMALLEST, best_turn, shortest_turn
from duolift.scene import Scene

EULER = "ZXY"
"""Order of a joint's rotation channels, each about the axes that the ones before it have turned."""


def write_bvh(reconstruction: Scene, path: Path) -> list[Path]:
    """Write a `.bvh` a person, all on one time line; whoever is gone for a while moves straight on."""
    scene = reconstruction.scene()
    written = []
    for person in people_there(reconstruction, path):
        written.append(path_of(path, reconstruction.identities[person]))
        track = torch.from_numpy(without_gaps(scene[:, person]))
        there = torch.from_numpy(reconstruction.present[:, person])
        offsets = rest_pose(track[there], reconstruction.skeleton)
        write_text(written[-1], bvh_text(track, offsets, reconstruction.skeleton, rate_of(reconstruction)))
    return written


def bvh_text(person: Tensor, offsets: Tensor, skeleton: Skeleton, rate: float) -> str:
    """A BVH's text for one person (frame, joint, 3), finite, y up, and their rest pose."""
    turns = rotations(person, offsets, skeleton)
    joints, lines = _hierarchy(skeleton, offsets.numpy())
    angles = roma.rotmat_to_euler(EULER, turns[:, joints], degrees=True).numpy()  # (frame, joint, 3)
    angles = np.unwrap(angles, period=360, axis=0).reshape(len(person), -1)
    rows = np.concatenate([person[:, skeleton.root_index].numpy(), angles], axis=-1)
    motion = [" ".join(f"{value:.6f}" for value in row) for row in rows]
    header = ["MOTION", f"Frames: {len(person)}", f"Frame Time: {1 / rate:.8f}"]
    return "\n".join(["HIERARCHY", *lines, *header, *motion]) + "\n"


def children_of(skeleton: Skeleton) -> dict[int, list[int]]:
    """Joint -> its children, by index; parents come before their children."""
    children: dict[int, list[int]] = {}
    todo = [skeleton.root_index]
    while todo:
        joint = todo.pop(0)
        children[joint] = [skeleton.index(c) for c, p in skeleton.bones if p == skeleton.joints[joint]]
        todo += children[joint]
    return children


def rest_pose(person: Tensor, skeleton: Skeleton) -> Tensor:
    """Offsets (joint, 3) of the joints from their parents: mean lengths; arms out, legs down, all else up.

    Where several bones leave a joint, they stay as they are to one another on average.
    """
    children, parents = skeleton.bone_ends
    offsets = torch.zeros(len(skeleton), 3, dtype=person.dtype)
    lengths = (person[:, children] - person[:, parents]).norm(dim=-1).mean(0)
    directions = torch.tensor([_rest_direction(child) for child, _ in skeleton.bones], dtype=person.dtype)
    offsets[children] = lengths[:, None] * directions
    for joint, leaving in children_of(skeleton).items():
        if len(leaving) > 1:
            bones = person[:, leaving] - person[:, joint, None]
            turn = best_turn(offsets[leaving], bones)
            mean = (turn.mT[:, None] @ bones[..., None])[..., 0].mean(0)
            offsets[leaving] = mean * (bones.norm(dim=-1).mean(0) / mean.norm(dim=-1).clamp_min(SMALLEST))[:, None]
    return offsets


def rotations(person: Tensor, offsets: Tensor, skeleton: Skeleton) -> Tensor:
    """How each joint is turned against its parent, (frame, joint, 3, 3), so that its bones point at its children.

    The joint's one bone turns the shortest way; several are fitted. Bones aim from where the constant bones before them
    end, so that errors do not add up along a limb.
    """
    count = len(person)
    turned = torch.eye(3, dtype=person.dtype).repeat(count, len(skeleton), 1, 1)  # against the world
    local = turned.clone()
    places = person.clone()
    parent = dict(zip(*skeleton.bone_ends, strict=True))
    for joint, leaving in children_of(skeleton).items():
        before = turned[:, parent[joint]] if joint in parent else turned[:, joint].clone()
        aims = person[:, leaving] - places[:, joint, None]
        if len(leaving) == 1:
            local[:, joint] = shortest_turn(offsets[leaving[0]], (before.mT @ aims[:, 0, :, None])[..., 0])
        elif leaving:
            local[:, joint] = before.mT @ best_turn(offsets[leaving], aims)
        turned[:, joint] = before @ local[:, joint]
        places[:, leaving] = places[:, joint, None] + (turned[:, joint, None] @ offsets[leaving, :, None])[..., 0]
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
        turns = " ".join(f"{axis}rotation" for axis in EULER)
        channels = f"CHANNELS 6 Xposition Yposition Zposition {turns}" if root else f"CHANNELS 3 {turns}"
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
