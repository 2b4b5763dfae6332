"""Biovision Hierarchy (`.bvh`): a tree of joints, and a line of numbers a frame.

The tree is read by bvhio (MIT, https://github.com/Wasserwecken/bvhio), the numbers, a plain table, here: only the lines
that are kept are converted, and forward kinematics is done for all frames at once, where bvhio goes frame by frame and
joint by joint. bvhio also waits for ever for the end of a hierarchy that is cut off, so that it is given none.

Rotations follow one another in the order of the channels, each about the axes that the ones before it have turned;
position channels stand in place of the joint's offset. Format: https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/BVH.html
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from datamodules.sources.mocap.motion import END, Array, Motion, kept_frames
from duolift.errors import InputError
from duolift.files import read_bytes
from duolift.outputs.libraries import library

MOST_BYTES = 256 * 2**20
"""Of a file, at most."""

INSTALL = "pip install -e '.[mocap]'"

MOTION = re.compile(r"^[ \t]*MOTION\s+Frames:\s*(\S+)\s+Frame Time:\s*(\S+)[^\n]*$", re.MULTILINE)
"""What stands between the tree and the numbers."""

END_SITE = re.compile(r"^[ \t]*End\s", re.MULTILINE)

KINDS = ("rotation", "position")


@dataclass
class _Tree:
    """A hierarchy, from its root to its ends.

    Attributes:
        channels: joint -> its channels, such as `Xposition`, in the order of the numbers.
    """

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: dict[str, list[str]] = field(default_factory=dict)

    def add(self, joint: Any, parent: int) -> None:
        """Add bvhio's joint, and all that hang on it."""
        self._append(joint.Name, parent, joint.Offset)
        self.channels[joint.Name] = joint.Channels
        place = len(self.names) - 1
        for child in joint.Children:
            self.add(child, place)
        if not joint.Children:
            self._append(END.format(joint.Name), place, joint.EndSite)

    def _append(self, name: str, parent: int, offset: Any) -> None:
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append([float(value) for value in offset])


def read_bvh(path: Path, most: float) -> Motion:
    """Read a person's motion, thinned.

    Args:
        path: of the file.
        most: frames a second that are kept, at most.

    Raises:
        InputError: the file is no BVH, or cut off, or holds what is no finite number; or bvhio is not installed.
    """
    text = read_bytes(path, MOST_BYTES).decode("utf-8", "replace").replace("\r", "\n")
    found = MOTION.search(text)
    if found is None:
        raise InputError(f"{path}: no lines MOTION, Frames and Frame Time; expected a BVH file, is it cut off?")
    tree = _tree(path, text[: found.start()])
    rate = _rate(path, found[2])
    lines = [line for line in text[found.end() :].split("\n") if line.strip()]
    if not lines or found[1] != str(len(lines)):
        raise InputError(f"{path}: Frames is {found[1]}, and {len(lines)} lines of numbers follow; expected as many")
    columns = [(joint, channel) for joint, channels in tree.channels.items() for channel in channels]
    kept = kept_frames(len(lines), rate, most)
    table = _table(path, lines, kept.tolist(), columns)
    return _moving(path, tree, table, min(rate, most))


def _tree(path: Path, hierarchy: str) -> _Tree:
    bvhio = library("bvhio", path.suffix, INSTALL)
    tree = _Tree()
    try:
        tree.add(bvhio.readAsBvh(str(path), loadKeyFrames=False).Root, -1)
    except (SyntaxError, ValueError, IndexError, RecursionError, OSError) as error:
        said = str(getattr(error, "msg", error))[:100]
        raise InputError(f"{path}: its hierarchy is not as BVH has it ({said})") from error
    ends, sites = sum(name.endswith(END.format("")) for name in tree.names), len(END_SITE.findall(hierarchy))
    if ends != sites:
        raise InputError(f"{path}: {ends} limbs end, and there are {sites} End Sites; expected one for every limb")
    if doubled := {name for name in tree.names if tree.names.count(name) > 1}:
        raise InputError(f"{path}: several joints are called {', '.join(sorted(doubled))}; expected each name once")
    for joint, channels in tree.channels.items():
        for channel in channels:
            if channel[:1].upper() not in ("X", "Y", "Z") or channel[1:].lower() not in KINDS:
                raise InputError(f"{path}: {joint} has a channel {channel}; expected Xposition, Xrotation and the like")
    return tree


def _rate(path: Path, frame_time: str) -> float:
    try:
        seconds = float(frame_time)
    except ValueError:
        seconds = 0.0
    if not 1e-5 < seconds < 1e3:
        raise InputError(f"{path}: Frame Time is {frame_time}; expected seconds from a frame to the next")
    return 1 / seconds


def _table(path: Path, lines: list[str], kept: list[int], columns: list[tuple[str, str]]) -> Array:
    """The numbers of the frames that are kept, (frame, channel)."""
    for frame in dict.fromkeys([*kept, len(lines) - 1]):
        if (found := len(lines[frame].split())) != len(columns):
            raise InputError(
                f"{path}: frame {frame} has {found} numbers; expected {len(columns)}, is the file cut off?"
            )
    try:
        table = np.array([lines[frame].split() for frame in kept], dtype=np.float64)
    except ValueError as error:
        raise InputError(f"{path}: a frame holds what is no number ({str(error)[:100]})") from error
    if not (finite := np.abs(table) < np.finfo(np.float32).max).all():
        row, column = np.argwhere(~finite)[0]
        where = " ".join(columns[column])
        raise InputError(f"{path}: frame {kept[row]} has {where} {table[row, column]}; expected finite numbers")
    return table


def _moving(path: Path, tree: _Tree, table: Array, rate: float) -> Motion:
    """The tree as the table moves it."""
    column = 0
    rotations: dict[str, Array] = {}
    shifts = {tree.names[0]: np.tile(tree.offsets[0], (len(table), 1))}
    for joint, channels in tree.channels.items():
        numbers = {
            kind: [column + at for at, name in enumerate(channels) if name[1:].lower() == kind] for kind in KINDS
        }
        axes = {kind: "".join(channels[at - column][0].upper() for at in numbers[kind]) for kind in KINDS}
        column += len(channels)
        if axes["rotation"]:
            rotations[joint] = _rotations(path, joint, axes["rotation"], table[:, numbers["rotation"]])
        if axes["position"]:
            shifts[joint] = np.tile(tree.offsets[tree.names.index(joint)], (len(table), 1))
            shifts[joint][:, ["XYZ".index(axis) for axis in axes["position"]]] = table[:, numbers["position"]]
    return Motion(tuple(tree.names), tuple(tree.parents), np.array(tree.offsets), rotations, shifts, rate)


def _rotations(path: Path, joint: str, axes: str, degrees: Array) -> Array:
    """(frame, 3, 3) of angles (frame, axis) about axes such as ZYX, each of which turns the ones after it."""
    try:
        return Rotation.from_euler(axes, degrees, degrees=True).as_matrix()
    except ValueError as error:
        raise InputError(
            f"{path}: {joint} turns about {axes}; expected up to three axes, no two alike in a row"
        ) from error
