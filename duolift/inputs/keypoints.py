"""What detectors call joints, as data, and the rules that bring any of them to the project's joints.

A format is a list of joint names. A name of `JOINTS` is that joint; the others (eyes, ears, the nose, heels) serve the
rules alone. A rule is an affine combination: the joint lies at the weighted sum of its sources, and is as sure as the
least sure of them. Rules fill in joints that a format lacks or a detector did not see, in the order of `RULES`, each
where all its sources are there. What no rule reaches is missing, confidence 0: the spine always, since a network that
fills in joints does better than any point of the trunk's chord.

The constants were measured on motion capture of people who dance, greet and lift each other: `docs/formats.md`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import PAPER19, PAPER23, mirror_name
from duolift.errors import InputError
from duolift.inputs.detections import JOINTS

Array = NDArray[np.float64]

THRESHOLD = 0.3
"""A joint of less confidence counts as not seen."""


@dataclass(frozen=True)
class KeypointFormat:
    """A detector's joints.

    Attributes:
        name: what options and messages call it.
        title: what its makers call it.
        joints: its names, in the order of the file.
    """

    name: str
    title: str
    joints: tuple[str, ...]

    def __post_init__(self) -> None:
        repeated = sorted({joint for joint in self.joints if self.joints.count(joint) > 1})
        if repeated:
            raise InputError(f"joints {self.name}: {', '.join(repeated)} more than once; expected every joint once")

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def own(self) -> tuple[str, ...]:
        """Those of `JOINTS` that the format has itself."""
        return tuple(joint for joint in JOINTS.joints if joint in self.joints)

    @property
    def derived(self) -> tuple[str, ...]:
        """Those of `JOINTS` that rules give where the detector sees everything."""
        known = {*self.joints}
        for rule in RULES:
            if known.issuperset(rule.weights):
                known.add(rule.joint)
        return tuple(joint for joint in JOINTS.joints if joint in known and joint not in self.joints)

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of `JOINTS` that are never there."""
        return tuple(joint for joint in JOINTS.joints if joint not in {*self.own, *self.derived})


@dataclass(frozen=True)
class Rule:
    """A joint as the weighted sum of others; the weights' sum is 1."""

    joint: str
    weights: Mapping[str, float]

    def mirrored(self) -> "Rule":
        """The same on the other side of the body."""
        return Rule(mirror_name(self.joint), {mirror_name(joint): w for joint, w in self.weights.items()})


HEAD_HEIGHT = 0.6
"""Where the head joint lies from neck to head top, as ears do."""

BALL_OF_FOOT = 0.67
"""Where the foot joint lies from ankle to the tip of the toes."""

HAND = 0.24
"""How far the hand, at the knuckles, is beyond the wrist, in forearms."""

HALF_HIPS = 0.26
"""From one hip to the pelvis, in shoulder widths."""


def _beyond(joint: str, start: str, end: str, share: float) -> Rule:
    """`joint` at `share` of the way from `start` to `end`."""
    return Rule(joint, {start: 1 - share, end: share})


def _both(*rules: Rule) -> tuple[Rule, ...]:
    """Every rule of the left side, and its mirror image."""
    return tuple(side for rule in rules for side in (rule, rule.mirrored()))


RULES: tuple[Rule, ...] = (
    _beyond("pelvis", "left_hip", "right_hip", 0.5),
    *_both(Rule("pelvis", {"left_hip": 1.0, "right_shoulder": HALF_HIPS, "left_shoulder": -HALF_HIPS})),
    _beyond("neck", "left_shoulder", "right_shoulder", 0.5),
    _beyond("head", "neck", "head_top", HEAD_HEIGHT),
    _beyond("head", "left_ear", "right_ear", 0.5),
    *_both(Rule("head", {"left_ear": 0.5, "left_eye": 0.25, "right_eye": 0.25})),
    *_both(Rule("head", {"left_ear": 1.0})),
    _beyond("head", "left_eye", "right_eye", 0.5),
    Rule("head", {"nose": 1.0}),
    _beyond("head_top", "neck", "head", 1 / HEAD_HEIGHT),
    *_both(_beyond("left_foot", "left_ankle", "left_toe", BALL_OF_FOOT)),
    *_both(_beyond("left_hand", "left_elbow", "left_wrist", 1 + HAND)),
)
"""How joints follow from others; of several rules for one joint the first that can be used."""


_USED = {*JOINTS.joints, *(source for rule in RULES for source in rule.weights)}
"""The joints that anything is made of; a face's sixty-eight points are not."""


def _sides(*names: str, sides: tuple[str, ...] = ("left", "right")) -> tuple[str, ...]:
    """Joint by joint, each on both sides: left_eye, right_eye, left_ear ..."""
    return tuple(f"{side}_{name}" for name in names for side in sides)


def _limb(side: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names)


def _hand(side: str) -> tuple[str, ...]:
    """A detector's 21 points of a hand: root, then four of the thumb and of each finger, to the tips. The middle
    finger's knuckle is the hand, the thumb's tip the thumb."""
    ours = {4: "thumb", 9: "hand"}
    return tuple(f"{side}_{ours.get(number, f'hand_{number}')}" for number in range(21))


_FACE = tuple(f"face_{number}" for number in range(68))
_BODY17 = ("nose", *_sides("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
_BODY26 = (*_BODY17, "head_top", "neck", "pelvis", *_sides("toe", "small_toe", "heel"))
_ARM, _LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
_ARMS_RIGHT_FIRST = (*_limb("right", *_ARM), *_limb("left", *_ARM))
_LEGS_RIGHT_FIRST = (*_limb("right", *_LEG), *_limb("left", *_LEG))
_FEET = (*_limb("left", "toe", "small_toe", "heel"), *_limb("right", "toe", "small_toe", "heel"))
_EYES_EARS_RIGHT_FIRST = _sides("eye", "ear", sides=("right", "left"))

HANDS = {side: _hand(side) for side in ("left", "right")}
"""The points of each hand, where a file has them apart from the body."""

BODY25 = KeypointFormat(
    "body25",
    "OpenPose BODY_25",
    ("nose", "neck", *_ARMS_RIGHT_FIRST, "pelvis", *_LEGS_RIGHT_FIRST, *_EYES_EARS_RIGHT_FIRST, *_FEET),
)
COCO18 = KeypointFormat(
    "coco18",
    "OpenPose COCO, AlphaPose cmu and open",
    ("nose", "neck", *_ARMS_RIGHT_FIRST, *_LEGS_RIGHT_FIRST, *_EYES_EARS_RIGHT_FIRST),
)
MPI15 = KeypointFormat("mpi15", "OpenPose MPI", ("head_top", "neck", *_ARMS_RIGHT_FIRST, *_LEGS_RIGHT_FIRST, "chest"))
COCO17 = KeypointFormat("coco17", "COCO", _BODY17)
CROWDPOSE14 = KeypointFormat(
    "crowdpose14", "CrowdPose", (*_sides("shoulder", "elbow", "wrist", "hip", "knee", "ankle"), "head_top", "neck")
)
POSETRACK17 = KeypointFormat("posetrack17", "PoseTrack", ("nose", "head_bottom", "head_top", *_BODY17[3:]))
MPII16 = KeypointFormat(
    "mpii16",
    "MPII",
    (
        *_limb("right", *reversed(_LEG)),
        *_limb("left", *_LEG),
        *("pelvis", "neck", "head_bottom", "head_top"),
        *_limb("right", *reversed(_ARM)),
        *_limb("left", *_ARM),
    ),
)
WHOLEBODY133 = KeypointFormat(
    "wholebody133", "COCO-WholeBody", (*_BODY17, *_FEET, *_FACE, *HANDS["left"], *HANDS["right"])
)
HALPE26 = KeypointFormat("halpe26", "Halpe, body and feet", _BODY26)
HALPE68 = KeypointFormat("halpe68", "Halpe, body, feet and hands", (*_BODY26, *HANDS["left"], *HANDS["right"]))
HALPE136 = KeypointFormat("halpe136", "Halpe, whole body", (*_BODY26, *_FACE, *HANDS["left"], *HANDS["right"]))

FORMATS: dict[str, KeypointFormat] = {
    known.name: known
    for known in (
        *(BODY25, COCO18, MPI15, COCO17, CROWDPOSE14, POSETRACK17, MPII16, WHOLEBODY133, HALPE26, HALPE68, HALPE136),
        KeypointFormat(JOINTS.name, "CHI3D", JOINTS.joints),
        KeypointFormat(PAPER19.name, "the paper's 19", PAPER19.joints),
        KeypointFormat(PAPER23.name, "the paper's, with feet", PAPER23.joints),
    )
}
"""The formats that are known, by name."""

ALIASES = {
    "top_head": "head_top",
    "upper_neck": "head_bottom",
    "thorax": "neck",
    "neck_base": "head",
    "hip": "pelvis",
    "mid_hip": "pelvis",
    "root": "pelvis",
    **{f"{side}_big_toe": f"{side}_toe" for side in ("left", "right")},
    **{f"{side}_middle_finger1": f"{side}_hand" for side in ("left", "right")},
    **{f"{side}_thumb4": f"{side}_thumb" for side in ("left", "right")},
}
"""What other projects call joints that are known here."""


SHORT = {
    "coco": "coco17",
    "openpose": "body25",
    "crowdpose": "crowdpose14",
    "posetrack": "posetrack17",
    "mpii": "mpii16",
    "wholebody": "wholebody133",
    "halpe": "halpe26",
    "chi3d": "chi3d25",
}
"""What formats are called for short."""


def format_named(name: str) -> KeypointFormat:
    """The format of that name, or short name. Raises InputError for any other."""
    known = FORMATS.get(SHORT.get(name, name))
    if known is None:
        raise InputError(f"joints {name!r} are unknown; expected one of {', '.join(FORMATS)}")
    return known


def format_of(names: Iterable[str], where: str) -> KeypointFormat:
    """The format of joints that a file names itself, whatever their number and order.

    A joint called `head` is the top of the head, as CrowdPose and Halpe have it, unless there is a `head_top` as well.
    A `foot` is the ankle, as in Human3.6M, unless there are ankles.

    Args:
        names: the file's.
        where: the file and the key, for the message.

    Raises:
        InputError: no hips or no shoulders are among the names, or one is there twice.
    """
    given = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in names]
    crown = {} if "head_top" in given else {"head": "head_top"}
    ankles = {} if "left_ankle" in given else {f"{side}_foot": f"{side}_ankle" for side in ("left", "right")}
    joints = [{**ALIASES, **crown, **ankles}.get(name, name) for name in given]
    needed = _sides("hip", "shoulder")
    if not {*needed} <= {*joints}:
        lacking = ", ".join(joint for joint in needed if joint not in joints)
        raise InputError(f"{where} lacks {lacking}; expected names of joints, such as {', '.join(COCO17.joints[5:9])}")
    same = [known for known in FORMATS.values() if known.joints == tuple(joints)]
    return same[0] if same else KeypointFormat(where, where, tuple(joints))


def to_joints(
    keypoints: Array, confidence: Array, layout: KeypointFormat, threshold: float = THRESHOLD
) -> tuple[Array, Array]:
    """A detector's joints as the project's.

    Args:
        keypoints: (..., joint of the format, 2), pixels, whatever they hold where a joint is not seen.
        confidence: (..., joint of the format), 0 to 1.
        threshold: a joint of less confidence is not seen.

    Returns:
        keypoints (..., joint, 2) and confidence (..., joint) of `JOINTS`, both 0 where a joint is missing.
    """
    seen = (confidence > 0) & (confidence >= threshold)
    keypoints, confidence = np.where(seen[..., None], keypoints, 0.0), np.where(seen, confidence, 0.0)
    used = [(number, joint) for number, joint in enumerate(layout.joints) if joint in _USED]
    places = {joint: keypoints[..., number, :] for number, joint in used}
    sure = {joint: confidence[..., number] for number, joint in used}
    nowhere, unsure = np.zeros((*confidence.shape[:-1], 2)), np.zeros(confidence.shape[:-1])
    for rule in RULES:
        known = sure.get(rule.joint, unsure)
        if known.all() or not sure.keys() >= rule.weights.keys():
            continue
        least = reduce(np.minimum, [sure[source] for source in rule.weights])
        place = reduce(np.add, [weight * places[source] for source, weight in rule.weights.items()])
        new = (known == 0) & (least > 0)
        places[rule.joint] = np.where(new[..., None], place, places.get(rule.joint, nowhere))
        sure[rule.joint] = np.where(new, least, known)
    return (
        np.stack([places.get(joint, nowhere) for joint in JOINTS.joints], axis=-2),
        np.stack([sure.get(joint, unsure) for joint in JOINTS.joints], axis=-1),
    )
