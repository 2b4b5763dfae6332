"""Skeletons as data: joints, bones, mirror pairs and parts, all by name.

One table of parents serves every skeleton: a skeleton is a choice of joints, and its bones run to
the nearest ancestor it has. Code asks `skeleton.index("left_wrist")` or `skeleton.feet`, never a number.
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
"""Joint -> parent, on the fullest skeleton there is; the pelvis has none."""

ROOT = "pelvis"
HEAD = "head_top"

WHOLE = "whole"
"""The part that every skeleton has: all of its joints."""


def ancestors(joint: str) -> list[str]:
    """The chain of parents of `joint`, nearest first."""
    chain = []
    while joint in PARENTS:
        joint = PARENTS[joint]
        chain.append(joint)
    return chain


def mirror_name(joint: str) -> str:
    """The joint's name on the other side of the body; midline joints are their own mirror."""
    swap = {"left": "right", "right": "left"}
    side, _, rest = joint.partition("_")
    return f"{swap[side]}_{rest}" if side in swap else joint


@dataclass(frozen=True)
class Skeleton:
    """An ordered choice of joints, for one person or for several treated as one body.

    Attributes:
        name: what checkpoints and configs call it.
        joints: names in the order of the joint axis of every pose tensor.
        root: the joint at the origin of a centred pose.
        head: the joint whose distance to the root is the unit of length.
        bones: (child, parent) pairs.
        parts: name -> joints; `whole` is always there.
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
        """One person's skeleton; bones, parts and mirror pairs follow from the joints' names."""
        joints = tuple(joints)
        unknown = [j for j in joints if j != ROOT and j not in PARENTS]
        if unknown or len(set(joints)) != len(joints) or not {ROOT, HEAD} <= set(joints):
            raise ValueError(f"skeleton {name}: joints must be unique, known and hold {ROOT} and {HEAD}: {joints}")
        bones = tuple((j, next(a for a in ancestors(j) if a in joints)) for j in joints if j != ROOT)
        legs = tuple(j for j in joints if j == ROOT or any(a.endswith("_hip") for a in [j, *ancestors(j)]))
        sides = {
            side: tuple(j for j in joints if not j.startswith(other))
            for side, other in (("left", "right_"), ("right", "left_"))
        }
        parts = {WHOLE: joints, "legs": legs, "torso": tuple(j for j in joints if j not in legs), **sides}
        return cls(name, joints, ROOT, HEAD, bones, parts, tuple(mirror_name(j) for j in joints))

    def pair(self) -> "Skeleton":
        """Two people as one body about the mid-point of their roots (Figure 1's baseline).

        Joints are `middle`, then `1.pelvis` ... `2.right_hand`. Its one part is the whole.
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
        """`pose[mirror]` swaps left and right; an involution."""
        return self.indices(self.mirrored)

    @cached_property
    def bone_ends(self) -> tuple[list[int], list[int]]:
        """Positions of every bone's child, and of its parent."""
        return self.indices(child for child, _ in self.bones), self.indices(parent for _, parent in self.bones)

    @cached_property
    def feet(self) -> list[int]:
        """Joints that may rest on the ground: ankles, and feet and toes where there are any."""
        return [i for i, j in enumerate(self.joints) if j.endswith(("_ankle", "_foot", "_toe"))]

    @cached_property
    def hands(self) -> list[int]:
        """Joints that people touch each other with: wrists, and hands and thumbs where there are any."""
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
"""The data set's own order: pelv lhip lkne lank rhip rkne rank spin neck head htop lsho lelb lwri rsho
relb rwri lfoo ltoe rfoo rtoe lthu lfin rthu rfin; the finger tip is called the hand."""

PAPER19 = Skeleton.person("paper19", [*_HUMAN36M, *_sides("hand")])
"""The paper's: Human3.6M's 17 in LInKs' order (right leg first, left arm first), and both hands."""

PAPER23 = Skeleton.person("paper23", [*PAPER19.joints, *_sides(*_FEET)])
"""The paper's 19 with feet and toes."""

SKELETONS: dict[str, Skeleton] = {s.name: s for s in (PAPER19, PAPER23, CHI3D25)}


def skeleton_named(name: str) -> Skeleton:
    """The skeleton of that name, `<name>_pair` for two people as one body. Raises InputError for any other."""
    if name.removesuffix("_pair") not in SKELETONS:
        raise InputError(f"skeleton {name!r} is unknown; expected one of {', '.join(SKELETONS)}")
    skeleton = SKELETONS[name.removesuffix("_pair")]
    return skeleton.pair() if name.endswith("_pair") else skeleton
