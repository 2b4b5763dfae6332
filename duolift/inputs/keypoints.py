"""Keypoint formats: what detectors call joints, as data, and the rules that bring any format to the project's joints.

A format is a list of joint names. Names of `duolift.inputs.detections.JOINTS` are those joints; the others (eyes, ears,
the nose, heels) only serve the rules. A rule is an affine combination: its joint lies at the weighted sum of source
joints, and its confidence is the lowest of theirs. Rules fill in joints that a format lacks or a detector did not see.
They are tried in the order of `RULES`, and each is applied where all its sources are visible. A joint that no rule
reaches is missing: its confidence is 0. The spine always is where a format lacks it, since the network that completes
poses places it better than any point between pelvis and neck.

Errors of every rule on motion capture, and the measurements behind these choices, are in `docs/formats.md`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import H36M17, PAPER19, PAPER23, mirror_name
from duolift.bounds import nearest
from duolift.errors import InputError
from duolift.inputs.detections import JOINTS
from duolift.inputs.pixels import short

Array = NDArray[np.float64]

THRESHOLD = 0.3
"""A joint of lower confidence counts as not seen. Not tuned: 0.3 is from where on MMPose draws joints by default."""


@dataclass(frozen=True)
class KeypointFormat:
    """A detector's joints.

    Attributes:
        name: what options and messages call it.
        title: what its makers call it.
        joints: the joints' names, in the order of the file.

    Raises:
        InputError: a joint is named twice.

    >>> KeypointFormat("arm", "an arm", ("left_shoulder", "left_elbow", "left_wrist")).derived
    ('left_hand',)
    >>> FORMATS["coco17"].derived
    ('pelvis', 'neck', 'head', 'head_top', 'left_hand', 'right_hand')
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
        """Joints of `JOINTS` that the format itself has."""
        return tuple(joint for joint in JOINTS.joints if joint in self.joints)

    @property
    def derived(self) -> tuple[str, ...]:
        """Joints of `JOINTS` that follow by rules, if the detector sees everything that the format has."""
        known = {*self.joints}
        for rule in RULES:
            if known.issuperset(rule.weights):
                known.add(rule.joint)
        return tuple(joint for joint in JOINTS.joints if joint in known and joint not in self.joints)

    @property
    def missing(self) -> tuple[str, ...]:
        """Joints of `JOINTS` that the format has no source for."""
        return tuple(joint for joint in JOINTS.joints if joint not in {*self.own, *self.derived})


@dataclass(frozen=True)
class Rule:
    """A joint as the weighted sum of source joints.

    Attributes:
        joint: one of `JOINTS`.
        weights: source joint -> weight; they sum to 1, so that the rule moves with the picture.

    >>> Rule("left_foot", {"left_ankle": 0.25, "left_toe": 0.75}).mirrored()
    Rule(joint='right_foot', weights={'right_ankle': 0.25, 'right_toe': 0.75})
    """

    joint: str
    weights: Mapping[str, float]

    def mirrored(self) -> "Rule":
        """The same rule on the other side of the body."""
        return Rule(mirror_name(self.joint), {mirror_name(joint): w for joint, w in self.weights.items()})


@dataclass(frozen=True)
class Proportions:
    """Where joints that detectors lack lie between or beyond joints that they have.

    Chosen by the error in the image, mm at the person's depth, on motion capture of pairs of people who dance, greet
    and lift each other, in CHI3D's layout (s02, s03 and s04, the README's). The errors that they leave, in that order,
    stand beside them.

    Attributes:
        head: the head joint's place on the way from neck to head top, about at the ears. 21, 10 and 10 mm; the head
            top by its inverse: 36, 17 and 17 mm.
        ball_of_foot: the foot joint's place on the way from ankle to the tip of the big toe. 22, 22 and 20 mm.
        hand: how far beyond the wrist the knuckles are, in forearms. 28, 28 and 20 mm.
        half_hips: from one hip to the pelvis, in shoulder widths. 26, 26 and 28 mm.
    """

    head: float = 0.6
    ball_of_foot: float = 0.67
    hand: float = 0.24
    half_hips: float = 0.26


PROPORTIONS = Proportions()


def _along(joint: str, start: str, end: str, share: float) -> Rule:
    """`joint` lies at `share` of the way from `start` to `end`; above 1 it is beyond `end`."""
    return Rule(joint, {start: 1 - share, end: share})


def _across(joint: str, start: str, left: str, right: str, widths: float) -> Rule:
    """`joint` lies at `start` plus so many times the way from `left` to `right`."""
    return Rule(joint, {start: 1.0, right: widths, left: -widths})


def _both(*rules: Rule) -> tuple[Rule, ...]:
    """Rules of the left side, each followed by its mirror image."""
    return tuple(side for rule in rules for side in (rule, rule.mirrored()))


RULES: tuple[Rule, ...] = (
    _along("pelvis", "left_hip", "right_hip", 0.5),
    *_both(_across("pelvis", "left_hip", "left_shoulder", "right_shoulder", PROPORTIONS.half_hips)),
    _along("neck", "left_shoulder", "right_shoulder", 0.5),
    _along("head", "neck", "head_top", PROPORTIONS.head),
    _along("head", "left_ear", "right_ear", 0.5),
    *_both(Rule("head", {"left_ear": 0.5, "left_eye": 0.25, "right_eye": 0.25})),
    *_both(Rule("head", {"left_ear": 1.0})),
    _along("head", "left_eye", "right_eye", 0.5),
    Rule("head", {"nose": 1.0}),
    _along("head_top", "neck", "head", 1 / PROPORTIONS.head),
    *_both(_along("left_hand", "left_index_knuckle", "left_little_knuckle", 0.5)),
    *_both(_along("left_foot", "left_ankle", "left_toe", PROPORTIONS.ball_of_foot)),
    *_both(_along("left_hand", "left_elbow", "left_wrist", 1 + PROPORTIONS.hand)),
)
"""How joints follow from others. Of several rules for one joint the first whose sources are all visible is used."""

_USED = {*JOINTS.joints, *(source for rule in RULES for source in rule.weights)}
"""Joints that matter to the result: those of `JOINTS` and all sources of rules, but not 68 points of a face."""


def _sides(*names: str, sides: tuple[str, ...] = ("left", "right")) -> tuple[str, ...]:
    """Joint by joint, each on both sides: left_eye, right_eye, left_ear ..."""
    return tuple(f"{side}_{name}" for name in names for side in sides)


def _limb(side: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names)


def _hand(side: str) -> tuple[str, ...]:
    """A detector's 21 points of a hand: its root, then four of the thumb and of each finger, tips last.

    The middle finger's knuckle is the project's hand, the tip of the thumb its thumb.
    """
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
"""Side -> names of a hand's points, for files that keep hands apart from the body."""

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
BODY25B = KeypointFormat(
    "body25b",
    "OpenPose BODY_25B",
    (*_BODY17, "head_bottom", "head_top", *_FEET),
)
HUMAN36M17 = KeypointFormat("h36m17", "Human3.6M, VideoPose3D", H36M17.joints)
MEDIAPIPE33 = KeypointFormat(
    "mediapipe33",
    "MediaPipe, BlazePose",
    (
        *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer"),
        *_sides("ear", "mouth", *_ARM, "little_knuckle", "index_knuckle", "thumb_knuckle", *_LEG, "heel", "toe"),
    ),
)
HALPE26 = KeypointFormat("halpe26", "Halpe, body and feet", _BODY26)
HALPE68 = KeypointFormat("halpe68", "Halpe, body, feet and hands", (*_BODY26, *HANDS["left"], *HANDS["right"]))
HALPE136 = KeypointFormat("halpe136", "Halpe, whole body", (*_BODY26, *_FACE, *HANDS["left"], *HANDS["right"]))

FORMATS: dict[str, KeypointFormat] = {
    known.name: known
    for known in (
        *(BODY25, COCO18, MPI15, COCO17, CROWDPOSE14, POSETRACK17, MPII16, WHOLEBODY133, HALPE26, HALPE68, HALPE136),
        *(HUMAN36M17, BODY25B, MEDIAPIPE33),
        KeypointFormat(JOINTS.name, "CHI3D", JOINTS.joints),
        KeypointFormat(PAPER19.name, "the paper's 19", PAPER19.joints),
        KeypointFormat(PAPER23.name, "the paper's, with feet", PAPER23.joints),
    )
}
"""Name -> keypoint format, of all that are known."""

SIDE_NUMBERS = (("1", "right"), ("2", "left"))
"""How DeepLabCut's human model of MPII's joints (`full_human`) calls the sides."""

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
    **{f"{side}_foot_index": f"{side}_toe" for side in ("left", "right")},
    **{f"{side}_pinky": f"{side}_little_knuckle" for side in ("left", "right")},
    **{f"{side}_index": f"{side}_index_knuckle" for side in ("left", "right")},
    **{f"{joint}{number}": f"{side}_{joint}" for joint in (*_ARM, *_LEG) for number, side in SIDE_NUMBERS},
    "chin": "head_bottom",
    "forehead": "head_top",
}
"""Other projects' names of joints -> the names used here."""

SHORT_NAMES = {
    "coco": "coco17",
    "openpose": "body25",
    "crowdpose": "crowdpose14",
    "posetrack": "posetrack17",
    "mpii": "mpii16",
    "wholebody": "wholebody133",
    "halpe": "halpe26",
    "h36m": "h36m17",
    "chi3d": "chi3d25",
}
"""Short name -> name of the format that it usually stands for."""


def format_named(name: str) -> KeypointFormat:
    """The keypoint format of that name, or short name. Raises InputError for any other.

    >>> format_named("coco").name
    'coco17'
    """
    known = FORMATS.get(SHORT_NAMES.get(name, name))
    if known is None:
        known_names = (*FORMATS, *SHORT_NAMES)
        hint = nearest(name.lower().replace("_", "").replace("-", ""), known_names)
        raise InputError(f"joints {name!r} are unknown{hint}; expected one of {', '.join(FORMATS)}")
    return known


def formats_with(count: int) -> tuple[str, ...]:
    """Names of the keypoint formats that have so many joints.

    >>> formats_with(17)
    ('coco17', 'posetrack17', 'h36m17')
    """
    return tuple(name for name, known in FORMATS.items() if len(known) == count)


def whose_joints(count: int) -> str:
    """Which formats have so many joints, as part of a message.

    >>> whose_joints(17), whose_joints(11)
    ("17 joints are coco17's, posetrack17's or h36m17's", 'no known format has 11 joints')
    """
    *others, last = [f"{name}'s" for name in formats_with(count)] or [""]
    owners = f"{', '.join(others)} or {last}" if others else last
    return f"{count} joints are {owners}" if owners else f"no known format has {count} joints"


def plain_name(name: str) -> str:
    """A joint's name in lower case with underscores, its side in front.

    >>> [plain_name(name) for name in ("leftHip", "LHip", "Left Hip", "hip-left", "RBigToe", "Neck")]
    ['left_hip', 'left_hip', 'left_hip', 'left_hip', 'right_big_toe', 'neck']
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=^[LR])(?=[A-Z][a-z])|[\s.-]+", "_", name.strip()).lower().split("_")
    words = [word for word in words if word]
    for at in (0, -1):
        if len(words) > 1 and (side := _SIDES.get(words[at])):
            del words[at]
            return "_".join((side, *words))
    return "_".join(words)


_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}


def format_of(names: Iterable[str], where: str) -> KeypointFormat:
    """The format of joints that a file names itself, in any number and order.

    A joint called `head` is the top of the head, as in CrowdPose and Halpe, unless there is a `head_top` as well.
    A `foot` is the ankle, as in Human3.6M, unless there are ankles.

    Args:
        names: the file's names; case, blanks and hyphens do not matter, nor how and where the side is named.
        where: the file and the key, for messages.

    Raises:
        InputError: hips or shoulders are not among the names, or a name is there twice.

    >>> joints = format_of(["Left Hip", "Right Hip", "Left Shoulder", "Right Shoulder", "Thorax"], "a.json: joints")
    >>> joints.own
    ('left_hip', 'right_hip', 'neck', 'left_shoulder', 'right_shoulder')
    """
    given = [plain_name(name) for name in names]
    crown = {} if "head_top" in given else {"head": "head_top"}
    ankles = {} if "left_ankle" in given else {f"{side}_foot": f"{side}_ankle" for side in ("left", "right")}
    joints = [{**ALIASES, **crown, **ankles}.get(name, name) for name in given]
    needed = _sides("hip", "shoulder")
    if not {*needed} <= {*joints}:
        lacking = ", ".join(joint for joint in needed if joint not in joints)
        raise InputError(f"{where} lacks {lacking}; expected names of joints, such as {', '.join(COCO17.joints[5:9])}")
    same = [known for known in FORMATS.values() if known.joints == tuple(joints)]
    return same[0] if same else KeypointFormat(where, where, tuple(joints))


def format_given_or_of(given: KeypointFormat | None, names: Sequence[str], where: str) -> KeypointFormat:
    """The format that the user says, or else that of the names; the file has a column for each of its joints.

    >>> format_given_or_of(COCO17, ["a", "b"], "a.csv: columns")
    Traceback (most recent call last):
    duolift.errors.InputError: a.csv: columns are 2; expected 17 (coco17)

    Raises:
        InputError: the file has another number of names than the format has joints; else as `format_of`.
    """
    if given is None:
        return format_of(names, where)
    if len(names) != len(given):
        raise InputError(f"{where} are {len(names)}; expected {len(given)} ({given.name})")
    return given


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that is no confidence. Raises InputError.

    >>> check_threshold(0.3)
    >>> check_threshold(30)
    Traceback (most recent call last):
    duolift.errors.InputError: threshold is 30; expected a confidence from 0 to 1
    """
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not 0 <= threshold <= 1:
        raise InputError(f"threshold is {short(threshold)}; expected a confidence from 0 to 1")


def to_joints(
    keypoints: Array, confidence: Array, keypoint_format: KeypointFormat, threshold: float = THRESHOLD
) -> tuple[Array, Array]:
    """Bring a detector's joints to the project's.

    Args:
        keypoints: (..., joint of the format, 2), pixels; any values where a joint is not seen.
        confidence: (..., joint of the format), 0 to 1.
        threshold: a joint of lower confidence is not seen.

    Returns:
        keypoints (..., joint, 2) and confidence (..., joint) of `JOINTS`, both 0 where a joint is missing.

    >>> keypoints = np.arange(34.0).reshape(17, 2)
    >>> joints, confidence = to_joints(keypoints, np.full(17, 0.9), FORMATS["coco17"])
    >>> joints[JOINTS.index("pelvis")], keypoints[[11, 12]].mean(0)  # the middle of the hips
    (array([23., 24.]), array([23., 24.]))
    >>> float(confidence[JOINTS.index("spine")])  # COCO has no source for it
    0.0
    """
    seen = (confidence > 0) & (confidence >= threshold)
    keypoints, confidence = np.where(seen[..., None], keypoints, 0.0), np.where(seen, confidence, 0.0)
    used = [(number, joint) for number, joint in enumerate(keypoint_format.joints) if joint in _USED]
    positions = {joint: keypoints[..., number, :] for number, joint in used}  # joint -> (..., 2)
    confidences = {joint: confidence[..., number] for number, joint in used}  # joint -> (...)
    origin, none = np.zeros((*confidence.shape[:-1], 2)), np.zeros(confidence.shape[:-1])
    for rule in RULES:
        known = confidences.get(rule.joint, none)
        if known.all() or not confidences.keys() >= rule.weights.keys():
            continue
        lowest = reduce(np.minimum, [confidences[source] for source in rule.weights])
        combined = reduce(np.add, [weight * positions[source] for source, weight in rule.weights.items()])
        new = (known == 0) & (lowest > 0)
        positions[rule.joint] = np.where(new[..., None], combined, positions.get(rule.joint, origin))
        confidences[rule.joint] = np.where(new, lowest, known)
    return (
        np.stack([positions.get(joint, origin) for joint in JOINTS.joints], axis=-2),
        np.stack([confidences.get(joint, none) for joint in JOINTS.joints], axis=-1),
    )
