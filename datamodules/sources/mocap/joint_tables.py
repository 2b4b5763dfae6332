"""Where the joints of `duolift.body.skeleton` are in motion capture, for each convention of naming its joints.

A joint is at a place among the file's own joints: at one of them, or at their middle, or along the way from one to
another. Every capture has its own idea of where a joint is. What is ours here, so that all of them agree:

- the pelvis is the middle between the hips, as in Human3.6M, where files have the root of their tree above them;
- the head's top is the crown;
- the hand is where the file's middle or index finger ends, or else its hand.

`metres` is what one unit of length of a file is, in metres.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from datamodules.sources.mocap.motion import END
from duolift.body.skeleton import CHI3D25, PAPER19, PARENTS

Place = Mapping[str, float]
"""File's joint -> weight; the weights add up to 1, and the place is the weighted sum."""

INCH, CENTIMETRE, METRE = 0.0254, 0.01, 1.0

REQUIRED = PAPER19.joints
"""Joints without which a file is refused."""


def at(joint: str) -> Place:
    """At one of the file's joints."""
    return {joint: 1.0}


def middle(*joints: str) -> Place:
    """In the middle of some of the file's joints.

    >>> middle("LeftUpLeg", "RightUpLeg")
    {'LeftUpLeg': 0.5, 'RightUpLeg': 0.5}
    """
    return {joint: 1 / len(joints) for joint in joints}


def along(start: str, end: str, share: float) -> Place:
    """A share of the way from one of the file's joints to another; beyond the other where it is more than 1."""
    return {start: 1 - share, end: share}


@dataclass(frozen=True)
class JointTable:
    """A convention of naming joints.

    Attributes:
        title: whose it is.
        metres: a unit of length.
        joints: joint -> its places, best first; the first that a file has counts.
        lost: file's joint -> (another one, share): where the file has it in the same place as its parent, it is moved
            by that share of the other one's offset. Some converters lose a bone wherever several follow it.
        fixed: name -> (file's joint, (x, y, z)): a further point, fixed in that joint's axes.
    """

    title: str
    metres: float
    joints: Mapping[str, tuple[Place, ...]]
    lost: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    fixed: Mapping[str, tuple[str, tuple[float, float, float]]] = field(default_factory=dict)

    def places(self, names: Collection[str]) -> dict[str, Place]:
        """Joint -> its place among the names of a file's joints, for all joints that the file has.

        >>> JOINT_TABLES["duolift"].places(["pelvis", "head", "head end"])
        {'pelvis': {'pelvis': 1.0}, 'head': {'head': 1.0}, 'head_top': {'head end': 1.0}}
        """
        known = {*names, *(name for name, (joint, _) in self.fixed.items() if joint in names)}
        found = {joint: next((p for p in self.joints[joint] if p.keys() <= known), None) for joint in self.joints}
        return {joint: place for joint, place in found.items() if place is not None}

    def missing(self, names: Collection[str]) -> list[str]:
        """The required joints that a file with these names lacks."""
        found = self.places(names)
        return [joint for joint in REQUIRED if joint not in found]

    def expected(self, joint: str) -> str:
        """What the file's joints may be called at which a joint is."""
        return " or ".join(" and ".join(place) for place in self.joints[joint])


def both_sides(left: str, right: str, **joints: str | tuple[str, ...]) -> dict[str, tuple[Place, ...]]:
    """Places of joints that there are on either side.

    Args:
        left: what stands for `{}` in names on the left side.
        right: on the right side.
        joints: joint without its side -> names of the file, best first.

    >>> both_sides("Left", "Right", knee="{}Leg")
    {'left_knee': ({'LeftLeg': 1.0},), 'right_knee': ({'RightLeg': 1.0},)}
    """
    return {
        f"{side}_{joint}": tuple(at(name.format(said)) for name in ([names] if isinstance(names, str) else names))
        for side, said in (("left", left), ("right", right))
        for joint, names in joints.items()
    }


CROWN = 1.9
"""Head bones of the CMU database from the head's joint to the crown. The bone ends at the height of the markers round
the head: 0.13 of a stature above the shoulders, where the crown is 0.18 (Winter's table)."""

CMU_ASF = JointTable(
    "the CMU database's own bones",
    INCH,
    {
        "pelvis": (middle("lfemur", "rfemur"),),
        "spine": (at("upperback"),),
        "neck": (middle("lowerneck", "upperneck"),),  # the bones fork 5 cm below the shoulders
        "head": (at("head"),),
        "head_top": (along("head", END.format("head"), CROWN),),
        **both_sides("l", "r", hip="{}femur", knee="{}tibia", ankle="{}foot", foot="{}toes", toe="{}toes end"),
        # lwrist is the forearm's lower third, and the hand bends where lhand begins
        **both_sides("l", "r", shoulder="{}humerus", elbow="{}radius", wrist="{}hand", hand="{}fingers end"),
        **both_sides("l", "r", thumb="{}thumb end"),
    },
)

CMU_BVH = JointTable(
    "the CMU database as converted for MotionBuilder (cgspeed)",
    INCH / 0.45,
    {
        "pelvis": (middle("LeftUpLeg", "RightUpLeg"),),
        "spine": (at("Spine"),),
        "neck": (middle("Neck", "Neck1"),),
        "head": (at("Head"),),
        "head_top": (along("Head", END.format("Head"), CROWN),),
        **both_sides("Left", "Right", hip="{}UpLeg", knee="{}Leg", ankle="{}Foot"),
        **both_sides("Left", "Right", foot="{}ToeBase", toe="{}ToeBase end"),
        **both_sides("Left", "Right", shoulder="{}Arm", elbow="{}ForeArm", wrist="{}FingerBase"),
        **both_sides("Left", "Right", hand="{}HandIndex1 end"),
        **both_sides("L", "R", thumb="{}Thumb end"),
    },
    # The conversion has no bone from Spine1 up to the neck and the shoulders (12 cm), nor the forearm's lower third. In
    # the database the first is as long as the one below it (within 1 %), and the second half as long as the upper part.
    lost={
        **dict.fromkeys(("Neck", "LeftShoulder", "RightShoulder"), ("Spine1", 1.0)),
        **dict.fromkeys(("LeftFingerBase", "LThumb"), ("LeftHand", 0.5)),
        **dict.fromkeys(("RightFingerBase", "RThumb"), ("RightHand", 0.5)),
    },
)

CMU_DAZ = JointTable(
    "the CMU database as converted for DAZ's figures, with fingers (cgspeed)",
    0.95 * CENTIMETRE,
    {
        "pelvis": (middle("lThigh", "rThigh"),),
        "spine": (middle("abdomen", "chest"),),
        "neck": (at("neck"),),
        "head": (at("head"),),
        "head_top": (at("crown"),),
        **both_sides("l", "r", hip="{}Thigh", knee="{}Shin", ankle="{}Foot", foot="{}Foot end"),  # no toes
        **both_sides("l", "r", shoulder="{}Shldr", elbow="{}ForeArm", wrist="{}Hand"),
        **both_sides("l", "r", hand="{}Mid2 end", thumb="{}Thumb2 end"),
    },
    # The figure has eyes, 8 units above the head's joint, and no crown: eyes are 0.064 of the stature below it.
    fixed={"crown": ("head", (0.24, 19.0, 0.0))},
)

_FINGERS = ("{}HandMiddle4", "{}HandMiddle3 end", "{}HandIndex4", "{}HandIndex3 end", "{}Hand end")

MOTIONBUILDER = JointTable(
    "MotionBuilder's names: Mixamo, OptiTrack, Perception Neuron, LaFAN1",
    CENTIMETRE,
    {
        "pelvis": (middle("LeftUpLeg", "RightUpLeg"),),
        "spine": (at("Spine1"), at("Spine")),
        "neck": (at("Neck"),),
        "head": (at("Head"),),
        "head_top": (at("HeadTop_End"), at(END.format("Head"))),
        **both_sides("Left", "Right", hip="{}UpLeg", knee="{}Leg", ankle="{}Foot"),
        **both_sides("Left", "Right", foot=("{}ToeBase", "{}Toe", "{}Foot end")),
        **both_sides("Left", "Right", toe=("{}Toe_End", "{}ToeBase end", "{}Toe end")),
        **both_sides("Left", "Right", shoulder="{}Arm", elbow="{}ForeArm", wrist="{}Hand", hand=_FINGERS),
        **both_sides("Left", "Right", thumb=("{}HandThumb4", "{}HandThumb3 end")),
    },
)

OPTITRACK = JointTable(
    "OptiTrack Motive's own names",
    CENTIMETRE,
    {
        "pelvis": (middle("LThigh", "RThigh"),),
        "spine": (at("Chest"), at("Ab")),
        "neck": (at("Neck"),),
        "head": (at("Head"),),
        "head_top": (at(END.format("Head")),),
        **both_sides("L", "R", hip="{}Thigh", knee="{}Shin", ankle="{}Foot"),
        **both_sides("L", "R", foot=("{}Toe", "{}Foot end"), toe="{}Toe end"),
        **both_sides("L", "R", shoulder="{}UArm", elbow="{}FArm", wrist="{}Hand"),
        **both_sides("L", "R", hand=("{}Middle3 end", "{}Hand end"), thumb="{}Thumb3 end"),
    },
)

XSENS = JointTable(
    "Xsens MVN",
    CENTIMETRE,
    {
        "pelvis": (middle("LeftHip", "RightHip"),),
        "spine": (middle("Chest2", "Chest3"),),
        "neck": (at("Neck"),),
        "head": (at("Head"),),
        "head_top": (at(END.format("Head")),),
        **both_sides("Left", "Right", hip="{}Hip", knee="{}Knee", ankle="{}Ankle", foot="{}Toe", toe="{}Toe end"),
        **both_sides("Left", "Right", shoulder="{}Shoulder", elbow="{}Elbow", wrist="{}Wrist", hand="{}Wrist end"),
    },
)

ROKOKO = JointTable(
    "Rokoko",
    CENTIMETRE,
    {
        "pelvis": (middle("LeftThigh", "RightThigh"),),
        "spine": (at("Spine2"),),
        "neck": (at("Neck"),),
        "head": (at("Head"),),
        "head_top": (at("HeadTip"), at(END.format("Head"))),
        **both_sides("Left", "Right", hip="{}Thigh", knee="{}Shin", ankle="{}Foot"),
        **both_sides("Left", "Right", foot="{}Toe", toe=("{}ToeTip", "{}Toe end")),
        **both_sides("Left", "Right", shoulder="{}Arm", elbow="{}ForeArm", wrist="{}Hand"),
        **both_sides("Left", "Right", hand=("{}Finger3Tip", "{}Finger3Distal end", "{}Hand end")),
        **both_sides("Left", "Right", thumb=("{}Finger1Tip", "{}Finger1Distal end")),
    },
)

_LAST = ("head_top", "left_ankle", "right_ankle", "left_toe", "right_toe", "left_hand", "right_hand")
"""Joints of duolift's that are where a limb ends, unless more of the limb was written."""

DUOLIFT = JointTable(
    "what duolift writes",
    METRE,
    {
        joint: (at(joint), at(END.format(PARENTS[joint]))) if joint in _LAST else (at(joint),)
        for joint in CHI3D25.joints
    },
)

JOINT_TABLES: dict[str, JointTable] = {
    "cmu_asf": CMU_ASF,
    "cmu_bvh": CMU_BVH,
    "cmu_daz": CMU_DAZ,
    "duolift": DUOLIFT,
    "motionbuilder": MOTIONBUILDER,
    "optitrack": OPTITRACK,
    "xsens": XSENS,
    "rokoko": ROKOKO,
}
"""Name -> convention: the first one all of whose required joints a file has is the file's. `JOINT_TABLES["mine"] = ...`
adds one from outside."""
