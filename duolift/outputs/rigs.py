"""Rigs: which bones an armature has, under the names and in the hierarchy that animation programs know.

A rig is a table of bones; joints that a body lacks leave their bones out.

>>> [bone.name for bone in rig_bones("mixamo", {"pelvis", "spine", "neck", "head", "head_top"})][:4]
['mixamorig:Hips', 'mixamorig:Spine', 'mixamorig:Spine1', 'mixamorig:Spine2']
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from duolift.body.skeleton import PARENTS, ROOT, without_side
from duolift.errors import InputError


@dataclass(frozen=True)
class Bone:
    """A bone of a rig.

    >>> Bone("LeftLeg", "LeftUpLeg", "left_knee", "left_ankle").place
    ('left_knee', 'left_knee', 0.0)

    Attributes:
        name: in files.
        parent: the name of the bone that it hangs from; empty for the root.
        joint: where it begins.
        segment: the joint in which the segment of the body ends that it turns with, see `duolift.outputs.segments`.
        towards: another joint, if it begins between the two.
        share: how far from `joint` to `towards`.
    """

    name: str
    parent: str
    joint: str
    segment: str
    towards: str = ""
    share: float = 0.0

    @property
    def place(self) -> tuple[str, str, float]:
        """The joints that it begins between, and how far from the first to the second."""
        return self.joint, self.towards or self.joint, self.share


def _both_sides(*bones: Bone) -> tuple[Bone, ...]:
    """Bones of the left side, and the same of the right: `Left` and `left_` are exchanged, and CMU's `L`."""

    def right(text: str) -> str:
        for left, other in (("left_", "right_"), ("Left", "Right"), ("LHip", "RHip"), ("LThumb", "RThumb")):
            text = text.replace(left, other)
        return text

    others = (
        Bone(
            right(bone.name),
            right(bone.parent),
            right(bone.joint),
            right(bone.segment),
            right(bone.towards),
            bone.share,
        )
        for bone in bones
    )
    return (*bones, *others)


MIXAMO = (
    Bone("Hips", "", ROOT, ROOT),
    Bone("Spine", "Hips", ROOT, "spine", "spine", 0.4),
    Bone("Spine1", "Spine", "spine", "neck"),
    Bone("Spine2", "Spine1", "spine", "neck", "neck", 0.5),
    Bone("Neck", "Spine2", "neck", "head"),
    Bone("Head", "Neck", "head", "head_top"),
    Bone("HeadTop_End", "Head", "head_top", "head_top"),
    *_both_sides(
        Bone("LeftShoulder", "Spine2", "neck", "left_shoulder", "left_shoulder", 0.2),
        Bone("LeftArm", "LeftShoulder", "left_shoulder", "left_elbow"),
        Bone("LeftForeArm", "LeftArm", "left_elbow", "left_wrist"),
        Bone("LeftHand", "LeftForeArm", "left_wrist", "left_hand"),
        Bone("LeftHandMiddle1", "LeftHand", "left_wrist", "left_hand", "left_hand", 0.5),
        Bone("LeftHandMiddle4", "LeftHandMiddle1", "left_hand", "left_hand"),
        Bone("LeftHandThumb4", "LeftHand", "left_thumb", "left_thumb"),
        Bone("LeftUpLeg", "Hips", "left_hip", "left_knee"),
        Bone("LeftLeg", "LeftUpLeg", "left_knee", "left_ankle"),
        Bone("LeftFoot", "LeftLeg", "left_ankle", "left_foot"),
        Bone("LeftToeBase", "LeftFoot", "left_foot", "left_toe"),
        Bone("LeftToe_End", "LeftToeBase", "left_toe", "left_toe"),
    ),
)
"""Bones of the characters and animations of Mixamo (https://www.mixamo.com), without most of the fingers."""

CMU = (
    Bone("Hips", "", ROOT, ROOT),
    *_both_sides(
        Bone("LHipJoint", "Hips", ROOT, "left_hip"),
        Bone("LeftUpLeg", "LHipJoint", "left_hip", "left_knee"),
        Bone("LeftLeg", "LeftUpLeg", "left_knee", "left_ankle"),
        Bone("LeftFoot", "LeftLeg", "left_ankle", "left_foot"),
        Bone("LeftToeBase", "LeftFoot", "left_foot", "left_toe"),
    ),
    Bone("LowerBack", "Hips", ROOT, "spine"),
    Bone("Spine", "LowerBack", "spine", "neck"),
    Bone("Spine1", "Spine", "neck", "neck"),
    Bone("Neck", "Spine1", "neck", "head"),
    Bone("Neck1", "Neck", "neck", "head", "head", 0.5),
    Bone("Head", "Neck1", "head", "head_top"),
    *_both_sides(
        Bone("LeftShoulder", "Spine1", "neck", "left_shoulder"),
        Bone("LeftArm", "LeftShoulder", "left_shoulder", "left_elbow"),
        Bone("LeftForeArm", "LeftArm", "left_elbow", "left_wrist"),
        Bone("LeftHand", "LeftForeArm", "left_wrist", "left_hand"),
        Bone("LeftFingerBase", "LeftHand", "left_wrist", "left_hand"),
        Bone("LeftHandIndex1", "LeftFingerBase", "left_wrist", "left_hand", "left_hand", 0.5),
        Bone("LThumb", "LeftHand", "left_wrist", "left_thumb", "left_thumb", 0.0),
    ),
)
"""Bones of the CMU Graphics Lab Motion Capture Database (http://mocap.cs.cmu.edu) as it is spread as BVH, which
MotionBuilder characterizes by itself."""

ALONG = {
    "spine": "neck",
    "neck": "head",
    "head": "head_top",
    "hip": "knee",
    "knee": "ankle",
    "ankle": "foot",
    "foot": "toe",
    "shoulder": "elbow",
    "elbow": "wrist",
    "wrist": "hand",
}
"""Joint without its side -> the joint that a limb goes on to."""

RIGS: dict[str, tuple[str, tuple[Bone, ...]]] = {
    "duolift": (
        "",
        tuple(
            Bone(
                joint,
                "spine" if joint.endswith("_shoulder") else PARENTS.get(joint, ""),  # so that necks do not move arms
                joint,
                joint.removesuffix(without_side(joint)) + ALONG.get(without_side(joint), without_side(joint)),
            )
            for joint in (ROOT, *PARENTS)
        ),
    ),
    "mixamo": ("mixamorig:", MIXAMO),
    "cmu": ("", CMU),
}
"""Name of a rig -> what its bones' names begin with, and its bones."""

DEFAULT_RIG = "duolift"
"""The rig whose bones are called as the joints are in which they begin."""


def check_rig(rig: str) -> None:
    """Refuse an unknown rig.

    Raises:
        InputError: it is none of `RIGS`.

    >>> check_rig("biped")
    Traceback (most recent call last):
    duolift.errors.InputError: rig 'biped' is unknown; expected one of duolift, mixamo, cmu
    """
    if rig not in RIGS:
        raise InputError(f"rig {rig!r} is unknown; expected one of {', '.join(RIGS)}")


def rig_bones(rig: str, joints: Collection[str]) -> list[Bone]:
    """The bones of a rig that a body has, parents before their children.

    Args:
        rig: one of `RIGS`.
        joints: of the body. A bone of a joint that is not among them is left out, and those that hang from it hang from
            the one before.

    Raises:
        InputError: an unknown rig.
    """
    check_rig(rig)
    prefix, bones = RIGS[rig]
    parents = {bone.name: bone.parent for bone in bones}
    kept = [bone for bone in bones if {*bone.place[:2]} <= {*joints}]
    names = {bone.name for bone in kept}

    def parent(name: str) -> str:
        above = parents[name]
        while above and above not in names:
            above = parents[above]
        return above

    named = {name: prefix + name if name else "" for name in ("", *names)}
    return [replace(bone, name=named[bone.name], parent=named[parent(bone.name)]) for bone in kept]
