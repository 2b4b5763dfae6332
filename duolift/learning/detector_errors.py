"""What a detector makes of people: noise, joints that it misses, sides that it swaps, joints that it does not have.

Coordinates are slopes of rays, (batch, joint, 2).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19, Skeleton
from duolift.bounds import Fraction, NotNegative, check_bounds
from duolift.geometry.constants import constant
from duolift.inputs.keypoints import FORMATS, RULES, Rule
from duolift.networks.occlusions import visibilities
from duolift.networks.people_lifter import FEWEST_JOINTS


@dataclass(frozen=True)
class Sighting:
    """What is detected of people.

    >>> import torch
    >>> seen = Sighting(torch.zeros(5, 19, 2), torch.ones(5, 19, dtype=torch.bool), torch.zeros(5))
    >>> int(seen.visible.sum())
    95

    Attributes:
        rays: (batch, joint, 2).
        visible: (batch, joint).
        noise: (batch,), standard deviation of the visible joints, head lengths.
    """

    rays: Tensor
    visible: Tensor
    noise: Tensor


@dataclass(frozen=True)
class DetectorErrors:
    """How wrong a detector is. What its parts are worth is in docs/detections.md.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> seen = DetectorErrors()(0.1 * torch.randn(5, 19, 2), torch.full((5,), 0.1), PAPER19)
    >>> seen.rays.shape, seen.visible.shape, bool((seen.visible.sum(-1) >= 4).all())
    (torch.Size([5, 19, 2]), torch.Size([5, 19]), True)

    Attributes:
        noise: the largest standard deviation of a person's joints, head lengths.
        exact: share of people whose joints are exact.
        outliers: share of joints that are off `far` times as much as the others.
        hidden: share of people who are partly hidden: one of `duolift.networks.occlusions.occlusions`.
        cut: share of people who are cut off by the image's lower edge.
        missed: the largest share of single joints that a detector misses of one person.
        missing: share of people of whom it misses any.
        real: share of people seen by a real detector, which swaps sides and lacks joints; others are motion capture.
        swapped: share of arms, legs, wrists and ankles that it takes for the other side's.
        derived: share of people of whom a joint is not detected, but follows from others as
            `duolift.inputs.keypoints.RULES` has it.
    """

    noise: NotNegative[float] = 0.06
    exact: Fraction = 0.2
    outliers: Fraction = 0.05
    far: NotNegative[float] = 4.0
    hidden: Fraction = 0.5
    cut: Fraction = 0.15
    missed: Fraction = 0.25
    missing: Fraction = 0.5
    real: Fraction = 0.7
    swapped: Fraction = 0.015
    derived: Fraction = 0.7

    def __post_init__(self) -> None:
        check_bounds(self)

    def __call__(self, rays: Tensor, size: Tensor, skeleton: Skeleton) -> Sighting:
        """Detect people.

        Args:
            rays: (batch, joint, 2), true.
            size: (batch,), the slope that a head length looks like.
            skeleton: of the people.
        """
        noise = self.noise * torch.rand_like(size) * (torch.rand_like(size) >= self.exact)  # (batch,)
        far = torch.where(torch.rand_like(rays[..., :1]) < self.outliers, self.far, 1.0)
        rays = rays + (noise * size)[:, None, None] * far * torch.randn_like(rays)
        seen = Sighting(rays, self._visible(rays, skeleton), noise)
        real = torch.rand_like(size) < self.real
        for pair in swaps(skeleton):
            seen = _swapped(seen, pair, real & (torch.rand_like(size) < self.swapped))
        for rule in rules_within(skeleton):
            seen = _derived(seen, skeleton, rule, real & (torch.rand_like(size) < self.derived))
        lacking = constant(tuple(j in SELDOM_DETECTED for j in skeleton.joints), rays.device, torch.bool)
        enough = seen.visible.sum(-1, keepdim=True) > FEWEST_JOINTS  # one more than is lifted: one may be lacking
        return replace(seen, visible=(seen.visible | ~enough) & ~(lacking & real.unsqueeze(-1)))

    def _visible(self, rays: Tensor, skeleton: Skeleton) -> Tensor:
        """Which joints are neither hidden nor cut off nor missed, (batch, joint)."""
        even = torch.rand(5, len(rays), 1, device=rays.device, dtype=rays.dtype)  # (5, batch, 1)
        masks = constant(visibilities(skeleton), rays.device, torch.bool)
        hidden = masks[torch.randint(len(masks), (len(rays),), device=rays.device)] | (even[0] >= self.hidden)
        rows = rays[..., 1]
        highest, lowest = rows.amin(-1, keepdim=True), rows.amax(-1, keepdim=True)
        edge = torch.lerp(highest, lowest, 0.35 + 0.65 * even[1])  # at least the head and the shoulders stay
        within = (rows <= edge) | (even[2] >= self.cut)
        found = torch.rand_like(rows) >= self.missed * even[3] * (even[4] < self.missing)
        return hidden & within & found


SELDOM_DETECTED = frozenset(
    joint for joint in PAPER19.joints if sum(joint in known.missing for known in FORMATS.values()) > len(FORMATS) / 2
)
"""Joints for which most formats have no source."""


def swaps(skeleton: Skeleton) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Joints that are taken for the other side's together, left and right: arms, legs, wrists and ankles.

    >>> from duolift.body.skeleton import PAPER19
    >>> [[PAPER19.joints[i] for i in left] for left, _ in swaps(PAPER19)][2:]
    [['left_wrist', 'left_hand'], ['left_ankle']]
    """
    lefts = [tuple(skeleton.indices(skeleton.limb(f"left_{top}"))) for top in ("shoulder", "hip", "wrist", "ankle")]
    return tuple((left, tuple(skeleton.mirror[i] for i in left)) for left in lefts)


def rules_within(skeleton: Skeleton) -> tuple[Rule, ...]:
    """The first rule for each joint that follows from others of the skeleton; hips do not, every detector has them.

    >>> from duolift.body.skeleton import PAPER19
    >>> [rule.joint for rule in rules_within(PAPER19)]
    ['pelvis', 'neck', 'head', 'head_top', 'left_hand', 'right_hand']
    """
    known = {*skeleton.joints}
    first: dict[str, Rule] = {}
    for rule in RULES:
        if {rule.joint, *rule.weights} <= known and not rule.joint.endswith("_hip"):
            first.setdefault(rule.joint, rule)
    return tuple(first.values())


def _swapped(seen: Sighting, pair: tuple[tuple[int, ...], tuple[int, ...]], chosen: Tensor) -> Sighting:
    """The chosen people (batch,) with two limbs taken for each other."""
    left, right = pair
    other = dict(zip(left + right, right + left, strict=True))
    order = constant(tuple(other.get(i, i) for i in range(seen.visible.shape[1])), seen.rays.device)
    rays = torch.where(chosen[:, None, None], seen.rays[:, order], seen.rays)
    return replace(seen, rays=rays, visible=torch.where(chosen[:, None], seen.visible[:, order], seen.visible))


def _derived(seen: Sighting, skeleton: Skeleton, rule: Rule, chosen: Tensor) -> Sighting:
    """The chosen people (batch,) with a joint where a rule puts it."""
    device = seen.rays.device
    at = constant(tuple(joint == rule.joint for joint in skeleton.joints), device, torch.bool)
    sources = constant(tuple(skeleton.indices(rule.weights)), device)
    weights = constant(tuple(rule.weights.values()), device, seen.rays.dtype)
    place = torch.einsum("s,bsd->bd", weights, seen.rays[:, sources])
    changed = chosen.unsqueeze(-1) & at  # (batch, joint)
    rays = torch.where(changed.unsqueeze(-1), place.unsqueeze(1), seen.rays)
    found = seen.visible[:, sources].all(-1, keepdim=True)
    return replace(seen, rays=rays, visible=torch.where(changed, found, seen.visible))
