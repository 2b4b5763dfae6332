"""Small captures of a person, as BVH in several programs' names and as ASF/AMC, and where their joints are.

The figure of `small_tree` turned to face +z, in the files' axes: x to its left, y up. Joints turn by random angles, and
knees bend. Places are computed here a frame and a joint at a time, by products of plain matrices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from small_tree import standing

from duolift.body.skeleton import CHI3D25

Array = NDArray[np.float64]
SIDES = ("left", "right")
INCH = 0.0254

FIGURE: dict[str, Array] = {
    joint: np.array([-x, z, y]) for joint, (x, y, z) in zip(CHI3D25.joints, standing(), strict=True)
}
"""Joint -> (3,), metres, in a file's axes."""


def sided(entries: Mapping[str, tuple[str, str]], left: str, right: str) -> dict[str, tuple[str, str]]:
    """Both sides of file's joint -> (its parent, the joint it is at); `{}` stands for the side in the file's names."""
    return {
        name.format(said): (parent.format(said), f"{side}_{joint}")
        for side, said in (("left", left), ("right", right))
        for name, (parent, joint) in entries.items()
    }


MIXAMO = {
    "Hips": ("", "pelvis"),
    "Spine": ("Hips", "pelvis"),
    "Spine1": ("Spine", "spine"),
    "Spine2": ("Spine1", "spine"),
    "Neck": ("Spine2", "neck"),
    "Head": ("Neck", "head"),
    "HeadTop_End": ("Head", "head_top"),
    **sided(
        {
            "{}UpLeg": ("Hips", "hip"),
            "{}Leg": ("{}UpLeg", "knee"),
            "{}Foot": ("{}Leg", "ankle"),
            "{}ToeBase": ("{}Foot", "foot"),
            "{}Toe_End": ("{}ToeBase", "toe"),
            "{}Shoulder": ("Spine2", "shoulder"),
            "{}Arm": ("{}Shoulder", "shoulder"),
            "{}ForeArm": ("{}Arm", "elbow"),
            "{}Hand": ("{}ForeArm", "wrist"),
            "{}HandMiddle4": ("{}Hand", "hand"),
            "{}HandThumb4": ("{}Hand", "thumb"),
        },
        "Left",
        "Right",
    ),
}
XSENS = {
    "Hips": ("", "pelvis"),
    "Chest": ("Hips", "pelvis"),
    "Chest2": ("Chest", "spine"),
    "Chest3": ("Chest2", "spine"),
    "Neck": ("Chest3", "neck"),
    "Head": ("Neck", "head"),
    "Head end": ("Head", "head_top"),
    **sided(
        {
            "{}Hip": ("Hips", "hip"),
            "{}Knee": ("{}Hip", "knee"),
            "{}Ankle": ("{}Knee", "ankle"),
            "{}Toe": ("{}Ankle", "foot"),
            "{}Toe end": ("{}Toe", "toe"),
            "{}Shoulder": ("Chest3", "shoulder"),
            "{}Elbow": ("{}Shoulder", "elbow"),
            "{}Wrist": ("{}Elbow", "wrist"),
            "{}Wrist end": ("{}Wrist", "hand"),
        },
        "Left",
        "Right",
    ),
}
ROKOKO = {
    "Hips": ("", "pelvis"),
    "Spine1": ("Hips", "pelvis"),
    "Spine2": ("Spine1", "spine"),
    "Neck": ("Spine2", "neck"),
    "Head": ("Neck", "head"),
    "Head end": ("Head", "head_top"),
    **sided(
        {
            "{}Thigh": ("Hips", "hip"),
            "{}Shin": ("{}Thigh", "knee"),
            "{}Foot": ("{}Shin", "ankle"),
            "{}Toe": ("{}Foot", "foot"),
            "{}Toe end": ("{}Toe", "toe"),
            "{}Arm": ("Spine2", "shoulder"),
            "{}ForeArm": ("{}Arm", "elbow"),
            "{}Hand": ("{}ForeArm", "wrist"),
            "{}Finger1Distal": ("{}Hand", "wrist"),
            "{}Finger1Distal end": ("{}Finger1Distal", "thumb"),
            "{}Finger3Distal": ("{}Hand", "wrist"),
            "{}Finger3Distal end": ("{}Finger3Distal", "hand"),
        },
        "Left",
        "Right",
    ),
}
OPTITRACK = {
    "Hip": ("", "pelvis"),
    "Ab": ("Hip", "pelvis"),
    "Chest": ("Ab", "spine"),
    "Neck": ("Chest", "neck"),
    "Head": ("Neck", "head"),
    "Head end": ("Head", "head_top"),
    **sided(
        {
            "{}Thigh": ("Hip", "hip"),
            "{}Shin": ("{}Thigh", "knee"),
            "{}Foot": ("{}Shin", "ankle"),
            "{}Toe": ("{}Foot", "foot"),
            "{}Toe end": ("{}Toe", "toe"),
            "{}UArm": ("Chest", "shoulder"),
            "{}FArm": ("{}UArm", "elbow"),
            "{}Hand": ("{}FArm", "wrist"),
            "{}Hand end": ("{}Hand", "hand"),
        },
        "L",
        "R",
    ),
}
PROGRAMS = {"Mixamo": MIXAMO, "Xsens": XSENS, "Rokoko": ROKOKO, "OptiTrack": OPTITRACK}
"""Program -> file's joint -> (its parent, the joint of ours it is at). What ends in ` end` becomes an End Site."""


def rotation(axis: str, degrees: float) -> Array:
    """The matrix that turns about an axis."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis.upper()]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[second, first], matrix[first, second] = sin, -sin
    return matrix


@dataclass
class Capture:
    """A tree of joints and its motion, in metres.

    Attributes:
        parents: joint -> its parent, parents first; the root's is empty. What ends in ` end` has no angles.
        offsets: joint -> (3,), from its parent.
        order: of a joint's angles.
        start: (frame, 3), of the root.
        angles: joint -> (frame, 3), degrees, in that order.
    """

    parents: dict[str, str]
    offsets: dict[str, Array]
    order: str
    start: Array
    angles: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, program: str = "Mixamo", frames: int = 6, seed: int = 0, order: str = "ZXY") -> "Capture":
        """The figure in a program's names, turned at random."""
        joints, rng = PROGRAMS[program], np.random.default_rng(seed)
        offsets = {
            name: FIGURE[at] - (FIGURE[joints[parent][1]] if parent else FIGURE[at])
            for name, (parent, at) in joints.items()
        }
        start = FIGURE["pelvis"] + rng.uniform(-0.2, 0.2, (frames, 3))
        capture = cls({name: parent for name, (parent, _) in joints.items()}, offsets, order, start)
        for name, (_, at) in joints.items():
            if not name.endswith(" end"):
                capture.angles[name] = rng.uniform(-12, 12, (frames, 3))
                if at.endswith("_knee"):
                    capture.angles[name] *= 0.1
                    capture.angles[name][:, order.index("X")] = rng.uniform(20, 60, frames)
        return capture

    def places(self) -> dict[str, Array]:
        """Joint -> (frame, 3), metres, by the definition of a hierarchy."""
        found: dict[str, list[Array]] = {name: [] for name in self.parents}
        for frame in range(len(self.start)):
            axes: dict[str, Array] = {}
            for name, parent in self.parents.items():
                turn = np.eye(3)
                for axis, degrees in zip(
                    self.order, self.angles.get(name, np.zeros((frame + 1, 3)))[frame], strict=True
                ):
                    turn = turn @ rotation(axis, degrees)
                axes[name] = axes[parent] @ turn if parent else turn
                moved = axes[parent] @ self.offsets[name] if parent else self.start[frame]
                found[name].append(found[parent][frame] + moved if parent else moved)
        return {name: np.array(places) for name, places in found.items()}

    def text(self, unit: float = 0.01, rate: float = 30.0, six: Sequence[str] = (), prefix: str = "") -> str:
        """The capture as BVH.

        Args:
            unit: metres.
            rate: frames a second.
            six: joints that have position channels as well, which say what their offset would.
            prefix: before every name.
        """
        lines, columns = ["HIERARCHY"], []

        def add(name: str, depth: int) -> None:
            pad = "  " * depth
            children = [child for child, parent in self.parents.items() if parent == name]
            end = name.endswith(" end")
            kind = "End Site" if end else f"{'JOINT' if self.parents[name] else 'ROOT'} {prefix}{name}"
            place = " ".join(f"{value / unit:.8f}" for value in self.offsets[name])
            lines.extend([f"{pad}{kind}", f"{pad}{{", f"{pad}  OFFSET {place}"])
            if not end:
                turns = " ".join(f"{axis}rotation" for axis in self.order)
                moves = "Xposition Yposition Zposition " if name in six or not self.parents[name] else ""
                lines.append(f"{pad}  CHANNELS {6 if moves else 3} {moves}{turns}")
                if moves:
                    step = self.start if not self.parents[name] else np.tile(self.offsets[name], (len(self.start), 1))
                    columns.append(step / unit)
                columns.append(self.angles[name])
            for child in children:
                add(child, depth + 1)
            if not end and not children:
                lines.extend([f"{pad}  End Site", f"{pad}  {{", f"{pad}    OFFSET 0 0 0", f"{pad}  }}"])
            lines.append(f"{pad}}}")

        add(next(iter(self.parents)), 0)
        rows = [" ".join(f"{value:.8f}" for value in row) for row in np.concatenate(columns, axis=1)]
        return "\n".join([*lines, "MOTION", f"Frames: {len(rows)}", f"Frame Time: {1 / rate:.9f}", *rows]) + "\n"


BONES: dict[str, tuple[str, str]] = {
    "lowerback": ("root", "pelvis"),
    "upperback": ("lowerback", "spine"),
    "thorax": ("upperback", "neck"),
    "lowerneck": ("thorax", "head"),
    "upperneck": ("lowerneck", "head"),
    "head": ("upperneck", "head_top"),
    **sided(
        {
            "{}hipjoint": ("root", "hip"),
            "{}femur": ("{}hipjoint", "knee"),
            "{}tibia": ("{}femur", "ankle"),
            "{}foot": ("{}tibia", "foot"),
            "{}toes": ("{}foot", "toe"),
            "{}clavicle": ("thorax", "shoulder"),
            "{}humerus": ("{}clavicle", "elbow"),
            "{}radius": ("{}humerus", "wrist"),
            "{}wrist": ("{}radius", "wrist"),
            "{}hand": ("{}wrist", "hand"),
            "{}fingers": ("{}hand", "hand"),
            "{}thumb": ("{}wrist", "thumb"),
        },
        "l",
        "r",
    ),
}
"""Bone of the CMU database -> (the bone before it, the joint where it ends)."""

FREEDOM = {"femur": "xyz", "tibia": "x", "foot": "xz", "humerus": "xyz", "radius": "x", "wrist": "y", "hand": "xz"}
"""Bone without its side -> what it turns about; the trunk turns about all, and the rest not at all."""


@dataclass
class AcclaimCapture:
    """The figure as bones with axes of their own, turned at random.

    Attributes:
        vectors: bone -> (3,), metres.
        axes: bone -> (3,), degrees about x, then y, then z.
        freedom: bone -> what it turns about, in order.
        start: (frame, 3), metres.
        angles: bone -> (frame, freedom), degrees; the root's are about x, y and z.
    """

    vectors: dict[str, Array]
    axes: dict[str, Array]
    freedom: dict[str, str]
    start: Array
    angles: dict[str, Array]

    @classmethod
    def of(cls, frames: int = 6, seed: int = 0) -> "AcclaimCapture":
        rng = np.random.default_rng(seed)
        ends = {"root": FIGURE["pelvis"], **{bone: FIGURE[at] for bone, (_, at) in BONES.items()}}
        ends["thorax"] = 2 * FIGURE["neck"] - FIGURE["head"]  # the neck is in the middle of lowerneck
        ends |= {f"{side[0]}hand": (FIGURE[f"{side}_wrist"] + FIGURE[f"{side}_hand"]) / 2 for side in SIDES}
        vectors = {bone: ends[bone] - ends[before] for bone, (before, _) in BONES.items()}
        vectors["head"] = vectors["head"] / 1.9
        trunk = ("lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head")
        freedom = {bone: "xyz" if bone in trunk else FREEDOM.get(bone[1:], "") for bone in BONES}
        # a thigh's and a shank's x stays the figure's, so that knees bend the human way
        axes = {bone: rng.uniform(-30, 30, 3) * (0 if bone[1:] in ("femur", "tibia") else 1) for bone in BONES}
        angles = {bone: rng.uniform(-12, 12, (frames, len(turns))) for bone, turns in freedom.items() if turns}
        angles |= {bone: rng.uniform(20, 60, (frames, 1)) for bone in ("ltibia", "rtibia")}
        angles["root"] = rng.uniform(-12, 12, (frames, 3))
        start = FIGURE["pelvis"] + rng.uniform(-0.2, 0.2, (frames, 3))
        return cls(vectors, axes, freedom, start, angles)

    def places(self) -> dict[str, Array]:
        """Bone -> (frame, 3), where it ends, metres, by the format's definition."""
        found: dict[str, list[Array]] = {bone: [] for bone in ("root", *BONES)}
        for frame, start in enumerate(self.start):
            turned = {"root": self._turn("xyz", self.angles["root"][frame])}
            found["root"].append(start)
            for bone, (before, _) in BONES.items():
                own, turn = self._turn("xyz", self.axes[bone]), np.eye(3)
                if self.freedom[bone]:
                    turn = self._turn(self.freedom[bone], self.angles[bone][frame])
                turned[bone] = turned[before] @ own @ turn @ own.T
                found[bone].append(found[before][frame] + turned[bone] @ self.vectors[bone])
        return {bone: np.array(places) for bone, places in found.items()}

    @staticmethod
    def _turn(order: str, degrees: Array) -> Array:
        """Turned about axes that stay where they are."""
        turn = np.eye(3)
        for axis, angle in zip(order, degrees, strict=True):
            turn = rotation(axis, angle) @ turn
        return turn

    def asf(self, unit: float = INCH / 0.45) -> str:
        lines = [":version 1.10", ":name VICON", ":units", "  mass 1.0", "  length 0.45", "  angle deg"]
        lines += [":documentation", "   of a figure", ":root", "   order TX TY TZ RX RY RZ", "   axis XYZ"]
        lines += ["   position 0 0 0", "   orientation 0 0 0", ":bonedata"]
        for number, (bone, vector) in enumerate(self.vectors.items(), start=1):
            length = float(np.linalg.norm(vector))
            direction = vector / length if length else np.array([0.0, 1.0, 0.0])
            lines += ["  begin", f"     id {number}", f"     name {bone}"]
            lines += [f"     direction {' '.join(f'{value:.9f}' for value in direction)}"]
            lines += [f"     length {length / unit:.9f}"]
            lines += [f"     axis {' '.join(f'{value:.9f}' for value in self.axes[bone])}  XYZ"]
            if self.freedom[bone]:
                lines += [f"    dof {' '.join(f'r{axis}' for axis in self.freedom[bone])}"]
                lines += ["    limits (-160.0 20.0)", *["           (-70.0 70.0)"] * (len(self.freedom[bone]) - 1)]
            lines += ["  end"]
        lines += [":hierarchy", "  begin"]
        for before in ("root", *BONES):
            if after := [bone for bone, (parent, _) in BONES.items() if parent == before]:
                lines.append(f"    {' '.join([before, *after])}")
        return "\n".join([*lines, "  end"]) + "\n"

    def amc(self, unit: float = INCH / 0.45) -> str:
        lines = ["#!OML:ASF figure.ASF", ":FULLY-SPECIFIED", ":DEGREES"]
        for frame, start in enumerate(self.start):
            lines += [str(frame + 1)]
            lines += ["root " + " ".join(f"{value:.9f}" for value in [*(start / unit), *self.angles["root"][frame]])]
            for bone, turns in self.freedom.items():
                if turns:
                    lines.append(f"{bone} " + " ".join(f"{value:.9f}" for value in self.angles[bone][frame]))
        return "\n".join(lines) + "\n"


def in_the_world(places: Array) -> Array:
    """Places (..., 3) of a file in the world, z up."""
    return np.stack([places[..., 0], -places[..., 2], places[..., 1]], axis=-1)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_folder(root: Path, frames: int = 40) -> Path:
    """Three subjects: two with two BVH files each, and one with two AMC of one skeleton; 30 frames a second."""
    for number, subject in enumerate(("02", "05")):
        for take in (1, 2):
            text = Capture.of("Mixamo", frames, seed=10 * number + take).text(prefix="mixamorig:")
            write(root / "bvh" / subject / f"{subject}_0{take}.bvh", text)
    for take in (1, 2):
        figure = AcclaimCapture.of(frames, seed=90 + take)
        write(root / "asfamc" / "07" / f"07_0{take}.amc", figure.amc())
    write(root / "asfamc" / "07" / "07.asf", AcclaimCapture.of(frames, seed=91).asf())
    return root
