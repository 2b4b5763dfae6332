"""More people than there are: bodies with other proportions, joints as others define them, and limbs of each other.

A network that learns from some hundred thousand bodies of one studio learns that studio's skeleton by heart. A detector
puts hips and shoulders elsewhere in the body, and a thigh that is a little short in the image is then taken for a bent
knee.

Bodies are level: x right, y down, z forward, their verticals along y; head lengths, centred on the roots.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import normalize

from duolift.body.skeleton import Skeleton
from duolift.bounds import Fraction, NotNegative, check_bounds
from duolift.geometry.bones import either_side
from duolift.geometry.constants import constant
from duolift.geometry.rotations import rotate, rotation_y
from duolift.learning.augmentation import with_bones

SIDES = ("left", "right")

PROFILE = {"shin": (42.0, 3.8), "thigh": (42.0, 2.4), "trunk": (-49.0, 2.4)}
"""How people stand, seen from the side: how far the lower end of a shin or a thigh, and the upper one of the trunk, is
below the other end and behind it, centimetres. Hips are 6 ahead of the ankles, and shoulders back over the knees: means
of Woodhull, Maltrud and Mello, "Alignment of the human body in standing", 1985, https://doi.org/10.1007/BF00426309."""

MIDDLES = {"pelvis": "hip", "neck": "shoulder"}
"""Joint -> the joints of either side that its middle is taken for."""


@dataclass(frozen=True)
class Shift:
    """How differently a pair of joints is defined: standard deviations of Gaussians.

    >>> Shift(apart=0.1, up=-0.05, ahead=0.0)
    Traceback (most recent call last):
    ValueError: up is -0.05; expected 0 or more, and finite

    Attributes:
        apart: of their distance, as a share of it.
        up: along the spine, in spine lengths.
        ahead: to the front of the body, in spine lengths.
    """

    apart: NotNegative[float]
    up: NotNegative[float]
    ahead: NotNegative[float]

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True)
class Variety:
    """How far people are changed. What the parts are worth is in docs/detections.md.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> bodies = torch.randn(5, 19, 3)
    >>> Variety()(bodies - bodies[:, :1], PAPER19).shape
    torch.Size([5, 19, 3])

    Attributes:
        limbs: share of limbs that are another person's.
        plain: share of people whose proportions and joints stay as they are.
        bones: deviation of the logarithm of a bone's length, the same left and right.
        hips, shoulders: how differently they are defined.
        middles: share of people whose pelvis, or neck, is the middle of the hips, or of the shoulders.
        standing: share of people who stand more upright than they did. Motion capture and the embedded set show people
            who do something, nine in ten with knees bent by over 15 degrees, and most people just stand.
        profile: how far who stands does so as people are measured to, seen from the side: 0 is plumb, 1 as measured.
        hanging: share of people who let their arms hang further down than they did.
    """

    limbs: Fraction = 0.5
    plain: Fraction = 0.15
    bones: NotNegative[float] = 0.07
    hips: Shift = Shift(apart=0.2, up=0.09, ahead=0.05)
    shoulders: Shift = Shift(apart=0.1, up=0.05, ahead=0.03)
    middles: Fraction = 0.7
    standing: Fraction = 0.5
    profile: Fraction = 0.0
    hanging: Fraction = 0.0

    def __post_init__(self) -> None:
        check_bounds(self)

    def __call__(self, bodies: Tensor, skeleton: Skeleton) -> Tensor:
        """Change level bodies (batch, joint, 3) of one size into others, of the same shape."""
        bodies = mixed_limbs(facing_front(bodies, skeleton), skeleton, self.limbs)
        bodies = stood_up(bodies, skeleton, self.standing, self.profile)
        bodies = arms_let_down(bodies, skeleton, self.hanging)
        changed = torch.rand_like(bodies[:, 0, 0]) >= self.plain  # (batch,)
        return torch.where(changed[:, None, None], self._redefined(bodies, skeleton), bodies)

    def _redefined(self, bodies: Tensor, skeleton: Skeleton) -> Tensor:
        factors = (self.bones * torch.randn_like(bodies[:, : len(skeleton.bones), 0])).exp()  # (batch, bone)
        bodies = with_bones(bodies, factors[:, constant(tuple(either_side(skeleton)), bodies.device)], skeleton)
        for joint, shift in (("hip", self.hips), ("shoulder", self.shoulders)):
            bodies = _shifted(bodies, skeleton, joint, shift)
        for middle, joint in MIDDLES.items():
            bodies = _with_middle(bodies, skeleton, middle, joint, self.middles)
        return bodies - bodies[:, skeleton.root_index, None]


def facing_front(bodies: Tensor, skeleton: Skeleton) -> Tensor:
    """Level bodies (batch, joint, 3) turned about the vertical until their left is at +x.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> front = facing_front(torch.randn(5, 19, 3), PAPER19)
    >>> left, right = (PAPER19.indices([f"{side}_hip", f"{side}_shoulder"]) for side in ("left", "right"))
    >>> across = front[:, left].sum(1) - front[:, right].sum(1)
    >>> bool((across[:, 0] > 0).all()), bool((across[:, 2].abs() < 1e-5).all())
    (True, True)
    """
    pairs = [[skeleton.index(f"{side}_{joint}") for side in SIDES] for joint in ("hip", "shoulder")]
    across = torch.stack([bodies[:, left] - bodies[:, right] for left, right in pairs]).sum(0)  # (batch, 3)
    return rotate(rotation_y(torch.atan2(across[:, 2], across[:, 0])), bodies)


def mixed_limbs(bodies: Tensor, skeleton: Skeleton, share: float) -> Tensor:
    """Bodies (batch, joint, 3) some of whose limbs are another body's, hung from their own hip or shoulder.

    Both arms, or both legs, come from the same body: what they do together is kept.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> bodies = torch.randn(50, 19, 3)
    >>> mixed = mixed_limbs(bodies, PAPER19, share=1.0)
    >>> torso = PAPER19.indices(["pelvis", "neck", "left_hip", "left_shoulder"])
    >>> torch.equal(mixed[:, torso], bodies[:, torso]), torch.equal(mixed, bodies)
    (True, False)
    """
    mixed = bodies
    for top in ("hip", "shoulder"):
        others = bodies[torch.randperm(len(bodies), device=bodies.device)]
        chosen = (torch.rand_like(bodies[:, 0, 0]) < share)[:, None, None]
        for side in SIDES:
            at, limb = skeleton.index(f"{side}_{top}"), skeleton.indices(skeleton.limb(f"{side}_{top}"))
            hanging = _marked(skeleton, bodies, {joint: float(joint != at) for joint in limb}) > 0  # (joint, 1)
            hung = others + (bodies[:, at] - others[:, at]).unsqueeze(1)
            mixed = torch.where(chosen & hanging, hung, mixed)
    return mixed


def stood_up(bodies: Tensor, skeleton: Skeleton, share: float, profile: float = 0.0) -> Tensor:
    """Level bodies (batch, joint, 3), some of whom stand more upright: thighs, shins and trunk turned to the vertical,
    or to where they are in people who stand.

    How far is even between not at all and all the way, the same for a whole body. Bones keep their lengths, and arms
    and head go with the trunk.

    Args:
        bodies: they face the front, as `facing_front` has them.
        skeleton: of the bodies.
        share: of them who are changed.
        profile: 0 for a plumb posture, 1 for the measured one, `PROFILE`.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> bodies = torch.randn(50, 19, 3)
    >>> bodies = bodies - bodies[:, :1]
    >>> neck = PAPER19.index("neck")
    >>> bool((stood_up(bodies, PAPER19, share=1.0)[:, neck, 1] < bodies[:, neck, 1] + 1e-5).all())
    True
    """
    chosen = torch.rand_like(bodies[:, 0, 0]) < share
    amount = (chosen * torch.rand_like(bodies[:, 0, 0])).unsqueeze(-1)  # (batch, 1)
    shin, thigh, trunk = (
        normalize(constant((0.0, down, profile * behind), bodies.device, bodies.dtype), dim=-1)
        for down, behind in PROFILE.values()
    )
    legs = [joint for side in SIDES for joint in skeleton.limb(f"{side}_hip")]
    above = {skeleton.index(joint): 1.0 for joint in skeleton.joints if joint not in (*legs, skeleton.root)}
    turned = rotate(_rotation_towards(trunk, bodies[:, skeleton.index("neck")], amount), bodies)
    upright = torch.where(_marked(skeleton, bodies, above) > 0, turned, bodies)
    for side in SIDES:
        leg = (f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        upright = _limb_turned(upright, skeleton, leg, (thigh, shin), (amount, amount))
    return upright


def arms_let_down(bodies: Tensor, skeleton: Skeleton, share: float) -> Tensor:
    """Level bodies (batch, joint, 3), some of whose arms hang: upper arms and forearms turned downwards.

    How far is even between not at all and all the way, of upper arms and of forearms each, and the same for both sides.
    Bones keep their lengths.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> bodies = torch.randn(50, 19, 3)
    >>> wrist, hip = PAPER19.index("left_wrist"), PAPER19.index("left_hip")
    >>> lower = arms_let_down(bodies, PAPER19, share=1.0) - bodies
    >>> bool((lower[:, wrist, 1] > -1e-5).all()), bool((lower[:, hip] == 0).all())
    (True, True)
    """
    if not share:
        return bodies
    chosen = torch.rand_like(bodies[:, 0, 0]) < share
    upper, fore = ((chosen * torch.rand_like(bodies[:, 0, 0])).unsqueeze(-1) for _ in range(2))  # (batch, 1) each
    down = constant((0.0, 1.0, 0.0), bodies.device, bodies.dtype)
    for side in SIDES:
        arm = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        bodies = _limb_turned(bodies, skeleton, arm, (down, down), (upper, fore))
    return bodies


def _limb_turned(
    bodies: Tensor,
    skeleton: Skeleton,
    limb: tuple[str, str, str],
    to: tuple[Tensor, Tensor],
    amounts: tuple[Tensor, Tensor],
) -> Tensor:
    """Bodies (batch, joint, 3) with both bones of a limb of three joints turned as `_turned` does; what hangs from its
    end goes with that."""
    top, middle, end = (bodies[:, skeleton.index(joint)] for joint in limb)  # (batch, 3) each
    moved_middle = top + _turned(middle - top, to[0], amounts[0])
    moved_end = moved_middle + _turned(end - middle, to[1], amounts[1])
    for joints, move in ((limb[1:2], moved_middle - middle), (skeleton.limb(limb[2]), moved_end - end)):
        at = _marked(skeleton, bodies, dict.fromkeys(skeleton.indices(joints), 1.0))  # (joint, 1)
        bodies = bodies + at * move.unsqueeze(1)
    return bodies


def _turned(bones: Tensor, to: Tensor, amount: Tensor) -> Tensor:
    """Bones (batch, 3) turned to a direction (3,) of length 1, by shares (batch, 1) of the way, as long as before."""
    length = bones.norm(dim=-1, keepdim=True)
    return length * normalize(torch.lerp(bones, length * to, amount), dim=-1)


def _rotation_towards(to: Tensor, bones: Tensor, amount: Tensor) -> Tensor:
    """The smallest rotations (batch, 3, 3) that turn bones as `_turned` does: two half turns, about the bone and about
    the middle of where it was and where it goes."""
    before, after = normalize(bones, dim=-1), normalize(_turned(bones, to, amount), dim=-1)
    return _half_turn(normalize(before + after, dim=-1)) @ _half_turn(before)


def _half_turn(axis: Tensor) -> Tensor:
    """Rotations (batch, 3, 3) by 180 degrees about axes (batch, 3) of length 1."""
    return 2 * axis.unsqueeze(-1) * axis.unsqueeze(-2) - torch.eye(3, device=axis.device, dtype=axis.dtype)


def _shifted(bodies: Tensor, skeleton: Skeleton, joint: str, shift: Shift) -> Tensor:
    """Bodies (batch, joint, 3) with both joints of a name elsewhere in the body, symmetrically."""
    normal = partial(torch.randn, len(bodies), 1, device=bodies.device, dtype=bodies.dtype)
    left, right = (skeleton.index(f"{side}_{joint}") for side in SIDES)
    spine = bodies[:, skeleton.index("neck")] - bodies[:, skeleton.root_index]  # (batch, 3)
    across = bodies[:, left] - bodies[:, right]
    ahead = torch.linalg.cross(spine, across)
    ahead = ahead * (spine.norm(dim=-1) / ahead.norm(dim=-1).clamp(min=1e-6)).unsqueeze(-1)
    moved = shift.up * normal() * spine + shift.ahead * normal() * ahead
    wider = shift.apart * normal() * across / 2
    both = _marked(skeleton, bodies, {left: 1.0, right: 1.0})  # (joint, 1)
    outwards = _marked(skeleton, bodies, {left: 1.0, right: -1.0})
    return bodies + both * moved.unsqueeze(1) + outwards * wider.unsqueeze(1)


def _with_middle(bodies: Tensor, skeleton: Skeleton, middle: str, joint: str, share: float) -> Tensor:
    """Bodies (batch, joint, 3), a share of whom have a joint in the middle of two others."""
    left, right = (skeleton.index(f"{side}_{joint}") for side in SIDES)
    chosen = (torch.rand_like(bodies[:, 0, 0]) < share)[:, None, None]
    at = _marked(skeleton, bodies, {skeleton.index(middle): 1.0}) > 0
    return torch.where(chosen & at, ((bodies[:, left] + bodies[:, right]) / 2).unsqueeze(1), bodies)


def _marked(skeleton: Skeleton, like: Tensor, values: dict[int, float]) -> Tensor:
    """(joint, 1): some joints' values, 0 for the others."""
    return constant(tuple(values.get(i, 0.0) for i in range(len(skeleton))), like.device, like.dtype).unsqueeze(-1)
