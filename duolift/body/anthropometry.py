"""Published human proportions: the one table of segment lengths, used by the bone prior and by the synthetic bodies.

The numbers are fractions of stature from Drillis and Contini, "Body Segment Parameters" (1966), as tabulated in Winter,
"Biomechanics and Motor Control of Human Movement", figure 4.1, https://doi.org/10.1002/9780470549148. They come from
body measurements, not from poses, so a prior made of them uses no 3D labels.
"""

from dataclasses import dataclass

from duolift.body.skeleton import Skeleton, ancestors, without_side


@dataclass(frozen=True)
class Proportions:
    """Segment lengths, heights and breadths as fractions of stature.

    >>> round(Proportions().trunk, 3)
    0.288
    """

    ankle_height: float = 0.039
    shank: float = 0.246  # knee to ankle
    thigh: float = 0.245  # hip to knee
    hip_height: float = 0.530
    shoulder_height: float = 0.818
    upper_arm: float = 0.186
    forearm: float = 0.146
    open_hand: float = 0.108  # wrist to finger tip
    foot: float = 0.152
    pelvis_breadth: float = 0.191
    shoulder_breadth: float = 0.259

    # The table's breadths are of the skin, its hand is stretched, and it has neither ball of the foot nor thumb. These
    # shares are this project's estimates, made once from anatomy and not tuned on any data.
    hips_share: float = 0.54  # between the hips' joint centres, of the pelvis's breadth
    shoulders_share: float = 0.80  # between the shoulders' joint centres, of the shoulders' breadth
    relaxed_share: float = 0.8  # of a relaxed hand, of an open one
    thumb_share: float = 0.5  # wrist to the thumb's tip, of an open hand
    ball_share: float = 0.52  # ankle to the ball, of the foot
    toe_share: float = 0.27  # ball to the tip, of the foot
    ball_height: float = 0.012  # of a joint in the foot above the ground: 2 cm

    @property
    def trunk(self) -> float:
        """Hip height to shoulder height."""
        return self.shoulder_height - self.hip_height

    @property
    def half_hips(self) -> float:
        """Pelvis to the centre of a hip."""
        return 0.5 * self.hips_share * self.pelvis_breadth

    @property
    def half_shoulders(self) -> float:
        """Neck to the centre of a shoulder."""
        return 0.5 * self.shoulders_share * self.shoulder_breadth

    @property
    def hand(self) -> float:
        """Wrist to the finger tip of a relaxed hand."""
        return self.relaxed_share * self.open_hand

    @property
    def thumb(self) -> float:
        """Wrist to the tip of the thumb."""
        return self.thumb_share * self.open_hand

    @property
    def ball(self) -> float:
        """Ankle to the ball of the foot."""
        return self.ball_share * self.foot

    @property
    def toe(self) -> float:
        """Ball to the tip of the foot."""
        return self.toe_share * self.foot


WINTER = Proportions()

STATURE_FRACTIONS: dict[str, float] = {
    "hip": WINTER.half_hips,
    "knee": WINTER.thigh,
    "ankle": WINTER.shank,
    "foot": WINTER.ball,
    "toe": WINTER.toe,
    # The table has no joint inside the trunk or the head: the prior assumes the spine's half way up the trunk, and the
    # head's half way from the shoulders to the crown.
    "spine": 0.5 * WINTER.trunk,
    "neck": 0.5 * WINTER.trunk,
    "head": 0.5 * (1 - WINTER.shoulder_height),
    "head_top": 0.5 * (1 - WINTER.shoulder_height),
    "shoulder": WINTER.half_shoulders,
    "elbow": WINTER.upper_arm,
    "wrist": WINTER.forearm,
    "hand": WINTER.hand,
    "thumb": WINTER.thumb,
}
"""Joint without its side -> distance to its parent in `PARENTS`, as a fraction of stature."""


def bone_ratios(skeleton: Skeleton) -> tuple[float, ...]:
    """The length of every bone over the mean of all bones: the target of the bone prior.

    Returns:
        (bone,), in the order of `skeleton.bones`, of mean 1.

    >>> from duolift.body.skeleton import PAPER19
    >>> ratios = bone_ratios(PAPER19)
    >>> thigh = [child for child, _ in PAPER19.bones].index("left_knee")
    >>> len(ratios), round(ratios[thigh], 2)
    (18, 1.7)
    """
    lengths = [bone_length(*map(_of_person, bone)) for bone in skeleton.bones]
    return tuple(length * len(lengths) / sum(lengths) for length in lengths)


def mean_bone_length(skeleton: Skeleton) -> float:
    """Mean length of a person's bones, as a fraction of stature.

    >>> from duolift.body.skeleton import PAPER19
    >>> round(mean_bone_length(PAPER19), 4)
    0.1444
    """
    lengths = [bone_length(*map(_of_person, bone)) for bone in skeleton.bones]
    return sum(lengths) / len(lengths)


def upright_bones(skeleton: Skeleton) -> tuple[float, ...]:
    """How much of each bone counts where somebody stands upright: all between pelvis and crown, half of either leg's.

    Their sum is stature but for the ankles' height. Hands and breadths are not in it: what is called a hand is anywhere
    from the knuckles to the finger tips.

    Returns:
        (bone,), in the order of `skeleton.bones`.

    >>> from duolift.body.skeleton import PAPER19
    >>> dict(zip(PAPER19.bones, upright_bones(PAPER19)))[("left_knee", "left_hip")]
    0.5
    >>> round(upright_length(PAPER19), 3)  # as fraction of stature
    0.961
    """
    ankles = [joint for joint in skeleton.joints if without_side(joint) == "ankle"]
    shares = dict.fromkeys(ankles, 1 / max(1, len(ankles))) | {skeleton.head: 1.0}
    chains = dict(zip(skeleton.joints, skeleton.chains, strict=True))
    hips = [without_side(child) != "hip" for child, _ in skeleton.bones]  # from side to side
    each = zip(*([share * on for on in chains[joint]] for joint, share in shares.items()), strict=True)
    return tuple(sum(parts) * up for parts, up in zip(each, hips, strict=True))


def upright_length(skeleton: Skeleton) -> float:
    """How long the `upright_bones` of a person are together, as a fraction of stature.

    >>> from duolift.body.skeleton import CHI3D25, PAPER19
    >>> round(upright_length(CHI3D25) - upright_length(PAPER19), 6)
    0.0
    """
    shares = upright_bones(skeleton)
    return sum(share * bone_length(*bone) for share, bone in zip(shares, skeleton.bones, strict=True))


def sole(skeleton: Skeleton) -> float:
    """How high the lowest joint of somebody who stands is above the ground, as a fraction of stature.

    >>> from duolift.body.skeleton import PAPER19
    >>> sole(PAPER19)  # an ankle
    0.039
    """
    feet = any(joint.endswith(("_foot", "_toe")) for joint in skeleton.joints)
    return WINTER.ball_height if feet else WINTER.ankle_height


def bone_length(child: str, parent: str) -> float:
    """Fraction of stature from a joint to one of its ancestors, along the joints in between.

    >>> bone_length("left_ankle", "left_knee")
    0.246
    >>> round(bone_length("left_ankle", "left_hip"), 3)
    0.491
    """
    chain = [child, *ancestors(child)]
    return sum(STATURE_FRACTIONS[without_side(joint)] for joint in chain[: chain.index(parent)])


def _of_person(joint: str) -> str:
    """A joint's name on one person's skeleton: `1.left_knee` of a pair is a `left_knee`."""
    return joint.rpartition(".")[2]
