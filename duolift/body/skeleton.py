"""Skeletons as data: joints, bones, mirror pairs and parts, all by name.

One table of parents serves every skeleton: a skeleton is a choice of joints, and each bone runs to the nearest ancestor
among them. Code asks for `skeleton.index("left_wrist")` or `skeleton.feet`, never for a number.

>>> PAPER19.index("left_wrist")
13
>>> [PAPER19.joints[joint] for joint in PAPER19.feet]
['right_ankle', 'left_ankle']
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from duolift.errors import InputError

PARENTS: dict[str, str] = {
    "spine": "pelvis",
    "neck": "spine",
    "head": "neck",
    "head_top": "head",
    **{f"{side}_hip": "pelvis" for side in ("left", "right")},
    **{f"{side}_knee": f"{side}_hip" for side in ("left", "right")},
    **{f"{side}_ankle": f"{side}_knee" for side in ("left", "right")},
    **{f"{side}_foot": f"{side}_ankle" for side in ("left", "right")},
    **{f"{side}_toe": f"{side}_foot" for side in ("left", "right")},
    **{f"{side}_shoulder": "neck" for side in ("left", "right")},
    **{f"{side}_elbow": f"{side}_shoulder" for side in ("left", "right")},
    **{f"{side}_wrist": f"{side}_elbow" for side in ("left", "right")},
    **{f"{side}_hand": f"{side}_wrist" for side in ("left", "right")},
    **{f"{side}_thumb": f"{side}_wrist" for side in ("left", "right")},
}
"""Joint -> parent, over all joints that any skeleton has; the pelvis has no parent."""

ROOT = "pelvis"
HEAD = "head_top"

WHOLE = "whole"
"""Name of the part that every skeleton has: all of its joints."""


def ancestors(joint: str) -> list[str]:
    """The chain of parents of `joint`, nearest first.

    >>> ancestors("left_wrist")
    ['left_elbow', 'left_shoulder', 'neck', 'spine', 'pelvis']
    """
    chain = []
    while joint in PARENTS:
        joint = PARENTS[joint]
        chain.append(joint)
    return chain


def mirror_name(joint: str) -> str:
    """The joint's name on the other side of the body; midline joints are their own mirror.

    >>> mirror_name("left_knee"), mirror_name("spine")
    ('right_knee', 'spine')
    """
    swap = {"left": "right", "right": "left"}
    side, _, rest = joint.partition("_")
    return f"{swap[side]}_{rest}" if side in swap else joint


def without_side(joint: str) -> str:
    """The joint's name without its side.

    >>> without_side("left_knee"), without_side("spine")
    ('knee', 'spine')
    """
    return joint.removeprefix("left_").removeprefix("right_")


@dataclass(frozen=True)
class Skeleton:
    """An ordered choice of joints, for one person or for several treated as one body.

    Attributes:
        name: its name in checkpoints and settings.
        joints: names in the order of the joint axis of every pose tensor.
        root: the joint at the origin of a centred pose.
        head: the joint whose distance to the root is the unit of length: the head top, or the neck where there is none.
        bones: (child, parent) pairs.
        parts: name -> joints; `whole` is always among them.
        mirrored: for every joint its name on the other side of the body.

    >>> arm = Skeleton.person("arm", ["pelvis", "head_top", "left_shoulder", "left_hand"])
    >>> arm.bones
    (('head_top', 'pelvis'), ('left_shoulder', 'pelvis'), ('left_hand', 'left_shoulder'))
    >>> len(arm), arm.root_index, arm.part("torso")
    (4, 0, [1, 2, 3])
    """

    name: str
    joints: tuple[str, ...]
    root: str
    head: str
    bones: tuple[tuple[str, str], ...]
    parts: dict[str, tuple[str, ...]]
    mirrored: tuple[str, ...]

    @classmethod
    def person(cls, name: str, joints: Iterable[str]) -> "Skeleton":
        """One person's skeleton; bones, parts and mirror pairs follow from the joints' names.

        Raises:
            ValueError: a joint that is not in `PARENTS`, one that is named twice, or no pelvis, head top or neck.
        """
        joints = tuple(joints)
        unknown = [j for j in joints if j != ROOT and j not in PARENTS]
        head = HEAD if HEAD in joints else "neck"
        if unknown or len(set(joints)) != len(joints) or not {ROOT, head} <= set(joints):
            raise ValueError(f"skeleton {name}: joints must be unique, known and hold {ROOT} and {HEAD}: {joints}")
        bones = tuple((j, next(a for a in ancestors(j) if a in joints)) for j in joints if j != ROOT)
        legs = tuple(j for j in joints if j == ROOT or any(a.endswith("_hip") for a in [j, *ancestors(j)]))
        sides = {
            side: tuple(j for j in joints if not j.startswith(other))
            for side, other in (("left", "right_"), ("right", "left_"))
        }
        parts = {WHOLE: joints, "legs": legs, "torso": tuple(j for j in joints if j not in legs), **sides}
        return cls(name, joints, ROOT, head, bones, parts, tuple(mirror_name(j) for j in joints))

    def pair(self) -> "Skeleton":
        """Two people as one body about the mid-point of their roots: the baseline of the paper's figure 1.

        Joints are `middle`, then `1.pelvis` ... `2.right_hand`. Its only part is the whole.

        >>> pair = PAPER19.pair()
        >>> len(pair), pair.joints[0], pair.joints[1], pair.joints[-1]
        (39, 'middle', '1.pelvis', '2.right_hand')
        """
        people = ("1.", "2.")
        joints = ("middle", *(p + j for p in people for j in self.joints))
        return Skeleton(
            name=f"{self.name}_pair",
            joints=joints,
            root="middle",
            head="1." + self.head,
            bones=tuple((p + child, p + parent) for p in people for child, parent in self.bones),
            parts={WHOLE: joints},
            mirrored=("middle", *(p + j for p in people for j in self.mirrored)),
        )

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Position of `joint` on the joint axis. Raises ValueError where the skeleton lacks it."""
        return self.joints.index(joint)

    def indices(self, joints: Iterable[str]) -> list[int]:
        """Positions of several joints, in the order asked for."""
        return [self.index(j) for j in joints]

    def limb(self, top: str) -> tuple[str, ...]:
        """A joint and all that hang from it, such as the left arm from the left shoulder on.

        >>> PAPER19.limb("left_shoulder")
        ('left_shoulder', 'left_elbow', 'left_wrist', 'left_hand')
        """
        return tuple(joint for joint in self.joints if top in (joint, *ancestors(joint)))

    def part(self, name: str) -> list[int]:
        """Positions of a part's joints."""
        return self.indices(self.parts[name])

    @cached_property
    def root_index(self) -> int:
        return self.index(self.root)

    @cached_property
    def head_index(self) -> int:
        return self.index(self.head)

    @cached_property
    def mirror(self) -> list[int]:
        """Positions for which `pose[mirror]` swaps left and right; doing so twice changes nothing."""
        return self.indices(self.mirrored)

    @cached_property
    def bone_ends(self) -> tuple[list[int], list[int]]:
        """Positions of every bone's child, and of every bone's parent."""
        return self.indices(child for child, _ in self.bones), self.indices(parent for _, parent in self.bones)

    @cached_property
    def chains(self) -> tuple[tuple[float, ...], ...]:
        """For every joint and every bone 1 where the bone lies between the root and the joint, 0 elsewhere."""
        rows, parent = [], dict(self.bones)
        for joint in self.joints:
            between = []
            while joint in parent:
                between.append(joint)
                joint = parent[joint]
            rows.append(tuple(float(child in between) for child, _ in self.bones))
        return tuple(rows)

    @cached_property
    def feet(self) -> list[int]:
        """Positions of the joints that may rest on the ground: ankles, and feet and toes if there are any."""
        return [i for i, j in enumerate(self.joints) if j.endswith(("_ankle", "_foot", "_toe"))]

    @cached_property
    def hands(self) -> list[int]:
        """Positions of the joints that people touch each other with: wrists, and hands and thumbs if there are any."""
        return [i for i, j in enumerate(self.joints) if j.endswith(("_wrist", "_hand", "_thumb"))]


def _sides(*names: str, sides: tuple[str, ...] = ("left", "right")) -> list[str]:
    return [f"{side}_{name}" for side in sides for name in names]


_LEGS, _SPINE, _ARMS, _FEET = (
    ("hip", "knee", "ankle"),
    ("spine", "neck", "head", "head_top"),
    ("shoulder", "elbow", "wrist"),
    ("foot", "toe"),
)
_HUMAN36M = [ROOT, *_sides(*_LEGS, sides=("right", "left")), *_SPINE, *_sides(*_ARMS)]

CHI3D25 = Skeleton.person(
    "chi3d25", [ROOT, *_sides(*_LEGS), *_SPINE, *_sides(*_ARMS), *_sides(*_FEET), *_sides("thumb", "hand")]
)
"""CHI3D's joints in its own order (https://ci3d.imar.ro): pelv lhip lkne lank rhip rkne rank spin neck head htop lsho
lelb lwri rsho relb rwri lfoo ltoe rfoo rtoe lthu lfin rthu rfin; the finger tip is called the hand."""

H36M17 = Skeleton.person("h36m17", _HUMAN36M)
"""Human3.6M's 17 joints in the order of VideoPose3D and LInKs: right leg first, left arm first."""

PAPER19 = Skeleton.person("paper19", [*_HUMAN36M, *_sides("hand")])
"""The paper's joints: Human3.6M's 17, and both hands."""

PAPER23 = Skeleton.person("paper23", [*PAPER19.joints, *_sides(*_FEET)])
"""The paper's 19 joints with feet and toes."""

DETECTOR15 = Skeleton.person(
    "detector15",
    [j for j in PAPER19.joints if j not in ("spine", "head") and not j.endswith("_hand")],
)
"""The joints that every detector of whole bodies has, or of which its own tell the place: the paper's 19 without the
spine, which none has, the hands, and the head, which lies between neck and head top."""

LIMBS14 = Skeleton.person("limbs14", [j for j in DETECTOR15.joints if j != HEAD])
"""The same without a head, which 3DPW's pairs do not have in SoMoF's files."""

SKELETONS: dict[str, Skeleton] = {s.name: s for s in (PAPER19, PAPER23, CHI3D25, DETECTOR15, H36M17, LIMBS14)}


def skeleton_named(name: str) -> Skeleton:
    """A skeleton by its name; `<name>_pair` is two people as one body.

    Raises:
        InputError: an unknown name.

    >>> skeleton_named("paper19_pair") == PAPER19.pair()
    True
    """
    if name.removesuffix("_pair") not in SKELETONS:
        raise InputError(f"skeleton {name!r} is unknown; expected one of {', '.join(SKELETONS)}")
    skeleton = SKELETONS[name.removesuffix("_pair")]
    return skeleton.pair() if name.endswith("_pair") else skeleton
