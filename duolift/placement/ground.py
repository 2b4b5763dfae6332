"""Ground placement: everybody at their own depth, beyond the paper.

The paper puts every root at one depth. But one camera has one tilt, people stand on one ground, and a root lies
on the ray through its pixel, so the relative depth is there to be had:

1. Every lifted pose says where up is in the camera's frame. The scene's up is their robust mean: over the people of
   an image and, for a static camera, over all of its images.
2. Every pose, turned back from the camera that faces its root, is scaled about the real camera until its lowest
   joint meets the ground: a foot where people stand, a hand where they do push-ups.
3. Somebody off the ground would come out too far away and too large: beside much smaller people, like sizes decide.
   Over a sequence sizes are constant, which corrects the tilt and settles who is off the ground, and depths are smooth.

Camera frame: x right, y down, z forward; head lengths. A logarithm of a scale is a relative error: 0.02 of it is 2 % of
the distance. Everything is batched over scenes (scene, person, ...) and differentiable. `valid` (scene, person), 1 or
0, says who is in an image: whatever is given of the others decides nothing.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing, rotate
from duolift.placement.interface import SMALLEST, VERTICAL, FocalSource, Method, Placed, SceneCameras, Variant
from duolift.placement.leaning import LEAN_DEG, leaning
from duolift.placement.posed import LEANS, along, drop, level_ahead, posed
from duolift.placement.sequences import frames_of, mean_over, sequence_quantiles, smoothed
from duolift.placement.sizes import below

CANCELLED = 1e-6
"""Sums of unit vectors shorter than this have no direction."""

SIZE_SPREAD = 0.07
"""Deviation of people's sizes (logarithm)."""

LARGER = 0.25
"""Who comes out larger than the smallest person by this much is off the ground: 2.5 deviations of a difference."""

AIRBORNE = 0.06
"""Who comes out larger than their own size over the sequence by this much is off the ground."""

SOFTNESS, AIRBORNE_SOFTNESS = 0.03, 0.015
"""Widths of these transitions."""

ON_THE_GROUND = 0.25
"""The quantile of a person's sizes over a sequence that is taken for their size: who leaves the ground looks larger."""

BELIEVED = 0.8
"""So much of a change of somebody's size that is left over a sequence is taken for a change of distance."""

TILTS_DEG = 8.0
"""Corrections of a sequence's tilt are sought within this."""

TILT_PRIOR = 0.03
"""Weight of a squared correction (radians) against the variance of sizes (logarithms) that it removes."""

TOUCH_ACROSS = 0.05
"""Joints that touch are about this close across the line of sight, head lengths."""

TOUCH_ALONG = 0.1
"""And seem to be this close along it."""

MOST_PULL = 1.0
"""Contact never changes a scale (logarithm) by more: who nearly is in the camera is nobody's measure."""

ROLL_PRIOR_DEG = 5.0
"""Deviation of cameras' rolls before anything is seen."""

NEARLY_EVERYBODY = 4
"""The power of the share of upright people by which a sequence is believed: half of them tell a sixteenth."""

UNHURRIED = 0.1
"""So many frames of a sequence show people lean in another way than before."""

TYPICAL_TILT_ERROR = 0.1
"""Radians by which a person's own up may differ from the scene's without counting against them."""


@dataclass(frozen=True)
class GroundPlacement:
    """Ground placement with its options; sequences are consecutive frames in which a person keeps their index.

    Attributes:
        tilt: one tilt for all frames of a sequence, not one a frame.
        sizes: one size a person over a sequence, and the tilt that makes sizes constant.
        lean: who says of the camera's tilt something else than the scene is wrong about it, and about as wrong about
            how far they lean: this share of the difference is taken off the lifted body's pitch.
        smooth: deviation in frames of the Gaussian that depths are smoothed with; 0 for none.
        roll: the camera may roll: people stand upright on the mean over a sequence. Else it is taken not to.
        contact: people whose joints meet in the image are pulled together in depth. A joint that touches lies a
            hand's breadth from what it touches, the ground tells depths as well as that: it does not pay.
        size_sigma: deviation of a size that the ground tells (logarithm), by errors of lifted feet and of the tilt; 0
            for perfect lifts.
    """

    tilt: bool = False
    sizes: bool = False
    smooth: float = 0.0
    contact: bool = False
    size_sigma: float = 0.025
    roll: bool = False
    lean: float = LEANS

    @property
    def camera_estimate(self) -> tuple[bool, ...]:
        """The options that decide what is taken for up."""
        return self.tilt, self.sizes, self.roll

    @property
    def keeps_bodies(self) -> bool:
        return not self.lean

    def __call__(self, lifted: Lifted, cameras: SceneCameras) -> Placed:
        """Place people in one scene.

        Example:
            >>> from duolift.body.skeleton import PAPER19
            >>> lifted = Lifted.of(PAPER19, torch.randn(1, 2, 19, 3), torch.zeros(1, 2), torch.zeros(1, 2, 2), 10.0)
            >>> GroundPlacement()(lifted, SceneCameras()).people.shape
            torch.Size([1, 2, 19, 3])
        """
        lifted, skeleton, sequence, up = lifted.without_invalid(), lifted.skeleton, cameras.sequence, cameras.up
        distance, valid = lifted.distance, lifted.valid.to(lifted.bodies)
        turn = facing(lifted.root_rays).mT  # (scene, person, 3, 3), from the camera that faces a root to the real one
        roll = camera_roll(rotate(turn, lifted.bodies), skeleton, sequence, valid) if self.roll else None
        own = per_person_up(lifted.elevation, turn, roll)
        if up is None:
            up = robust_mean(own, sequence if self.tilt else None, valid)
            if self.sizes:
                up = tilt_of_constant_sizes(*posed(lifted, up, lean=0.0), up, sequence, valid)
        people, size = posed(lifted, up, self.lean)
        sizes = size - drop(people, up).log()  # on a ground one head length below the camera
        if self.sizes:
            grounded, sizes = over_time(sizes, sequence, self.size_sigma, valid)
        else:
            grounded, sizes = plausible(sizes, self.size_sigma, valid)
        scale = sizes - size
        if self.smooth:
            scale = smoothed(scale + distance.log(), sequence, self.smooth, valid) - distance.log()
        if self.contact:
            scale = contacts(people, scale, skeleton, valid)
        scale = scale - _weighted_mean(scale, valid).unsqueeze(-1)
        placed = scale.exp()[..., None, None] * people
        off = (1 - (own * up.unsqueeze(-2)).sum(-1)).clamp(min=0) * 2  # squared angle
        return Placed(
            people=placed,
            up=up,
            height=_weighted_mean(drop(placed, up), grounded),
            depth=distance * scale.exp(),
            confidence=grounded * (-off / (2 * TYPICAL_TILT_ERROR**2)).exp(),
        )


EVERYTHING = GroundPlacement(tilt=True, sizes=True, smooth=5.0)
"""What pays where a static camera took a sequence."""

STEPS: dict[str, GroundPlacement] = {
    "ground": GroundPlacement(),
    "+ one tilt a sequence": GroundPlacement(tilt=True),
    "+ one size a person": GroundPlacement(tilt=True, sizes=True),
    "+ smooth depths": EVERYTHING,
    "+ contact": replace(EVERYTHING, contact=True),
}
"""Ground placement with one option more each; the last does not pay."""

MAIN = "+ smooth depths"
"""The row of everything that pays."""

METHOD = Method(
    image=GroundPlacement(),
    video=EVERYTHING,
    variants=(
        *(
            Variant(name, placement, on_perfect_lifts=replace(placement, size_sigma=0.0, lean=0.0))
            for name, placement in STEPS.items()
        ),
        Variant("ground, leans as lifted", replace(EVERYTHING, lean=0.0)),
        Variant("ground, the camera may roll", replace(EVERYTHING, roll=True)),
        Variant("ground, known camera", EVERYTHING, up_known=True),
        Variant("ground, focal length from the people", EVERYTHING, focal=FocalSource.PEOPLE),
        Variant("ground, default focal length", EVERYTHING, focal=FocalSource.DEFAULT),
    ),
)


def per_person_up(theta: Tensor, turn: Tensor, roll: Tensor | None = None) -> Tensor:
    """Where up is in the camera's frame by each person's elevation: (scene, person, 3).

    The ray r to a root is theta above the horizon: `up . r = sin(theta)`, with up in the plane of y and z, or in one
    that is rolled from it.

    Args:
        turn: (scene, person, 3, 3), from the camera that faces a root to the real one.
        roll: (scene,), radians: up leans to the right in the image by this much. None for no roll.
    """
    roll = torch.zeros_like(theta) if roll is None else roll.unsqueeze(-1).expand_as(theta)
    down = roll.cos() * turn[..., 1, 2] - roll.sin() * turn[..., 0, 2]
    ahead = turn[..., 2, 2]
    sine = (theta.sin() / torch.stack([down, ahead], dim=-1).norm(dim=-1)).clamp(-VERTICAL, VERTICAL)
    tilt = torch.atan2(down, ahead) + sine.asin()
    return torch.stack([roll.sin() * tilt.cos(), -roll.cos() * tilt.cos(), tilt.sin()], dim=-1)


def camera_roll(
    bodies: Tensor, skeleton: Skeleton, sequence: Tensor | None, valid: Tensor | None = None, rounds: int = 10
) -> Tensor:
    """How far up leans to the right in a sequence's images: (scene,), radians.

    Whoever stands has the neck above the ankles, on the mean. Those who lean far from that mean lie, or reach: they
    count for nothing (Tukey's weights), and so do those whose legs are bent. What few frames tell, or frames in which
    few people stand, is drawn towards no roll.

    Args:
        bodies: (scene, person, joint, 3), in the camera's frame, anywhere.
    """
    lean, standing = leaning(bodies, skeleton)
    valid = torch.ones_like(lean) if valid is None else valid
    standing = valid * standing
    spread = torch.tensor(LEAN_DEG, dtype=lean.dtype).deg2rad().item()
    size_sigma = (LEAN_DEG / ROLL_PRIOR_DEG) ** 2
    frames = 1 + UNHURRIED * (frames_of(lean[:, 0], sequence) - 1)
    people = mean_over(valid.sum(-1), sequence)  # in a frame, on the mean
    roll = torch.zeros_like(lean[:, 0])
    for _ in range(rounds):
        apart = (lean - roll.unsqueeze(-1)) / (3 * spread)
        weight = (1 - apart.square()).clamp(min=0).square() * standing
        told, share = (mean_over(w.sum(-1), sequence) / people.clamp(min=SMALLEST) for w in (weight * lean, weight))
        sure = frames * people * share**NEARLY_EVERYBODY
        roll = sure * told / share.clamp(min=SMALLEST) / (sure + size_sigma)
    return roll


def robust_mean(
    up_vectors: Tensor, sequence: Tensor | None = None, valid: Tensor | None = None, rounds: int = 5, knee: float = 0.1
) -> Tensor:
    """The direction (scene, 3) that unit vectors (scene, person, 3) of a sequence agree on, by Huber's weights.

    Args:
        knee: radians from which a vector counts for less.
    """
    valid = torch.ones_like(up_vectors[..., 0]) if valid is None else valid
    weight = valid.unsqueeze(-1)
    mean = _direction(mean_over((weight * up_vectors).sum(-2), sequence))
    for _ in range(rounds):
        apart = (up_vectors - mean.unsqueeze(-2)).norm(dim=-1, keepdim=True)
        weight = valid.unsqueeze(-1) * knee / apart.clamp(min=knee)
        mean = _direction(mean_over((weight * up_vectors).sum(-2), sequence))
    return mean


def _direction(sums: Tensor) -> Tensor:
    """Unit vectors along (..., 3); the camera's own up, as of a level camera, where they cancel out."""
    length = sums.norm(dim=-1, keepdim=True)
    level = sums.new_zeros(3)
    level[1] = -1.0  # on the device: a list of Python's would make it wait
    return torch.where(length > CANCELLED, sums / length.clamp(min=CANCELLED), level)


def plausible(sizes: Tensor, size_sigma: float, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Who stands on the ground, and sizes after what is known of people: they differ by little.

    Who comes out far larger than the smallest person is off the ground, and takes that one's size. The others move
    towards their mean by the ground's share of the variance: people's sizes are a measurement as well.

    Args:
        sizes: (scene, person), logarithms, of people scaled until they touch the ground.
        size_sigma: see `GroundPlacement`.

    Returns:
        probabilities, 0 for who is not there, and sizes, (scene, person).
    """
    valid = torch.ones_like(sizes) if valid is None else valid
    absent = valid == 0
    smallest = sizes.masked_fill(absent, torch.inf).amin(-1, keepdim=True)
    smallest = torch.where(smallest.isinf(), sizes, smallest)  # nobody is there
    grounded = valid * ((LARGER - (sizes - smallest)) / SOFTNESS).sigmoid()
    sizes = smallest + grounded * (sizes - smallest)
    mean = _weighted_mean(sizes, valid).unsqueeze(-1)
    return grounded, mean + (sizes - mean) * SIZE_SPREAD**2 / (SIZE_SPREAD**2 + size_sigma**2)


def over_time(
    sizes: Tensor, sequence: Tensor | None, size_sigma: float, valid: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The same for a sequence, in which people keep their sizes: most of what is left of a change is believed."""
    valid = torch.ones_like(sizes) if valid is None else valid
    own, ever = sizes, valid
    if sequence is not None:
        usual = sequence_quantiles(sizes.masked_fill(valid == 0, torch.nan), sequence, ON_THE_GROUND)[sequence]
        own, ever = usual.nan_to_num(), (~usual.isnan()).to(valid)
    grounded = valid * ((AIRBORNE - (sizes - own)) / AIRBORNE_SOFTNESS).sigmoid()
    always, settled = plausible(own, size_sigma, ever)
    return grounded * always, settled + BELIEVED * grounded * (sizes - own)


def tilt_of_constant_sizes(people: Tensor, size: Tensor, up: Tensor, sequence: Tensor | None, valid: Tensor) -> Tensor:
    """The sequences' up (scene, 3), pitched so that people on the ground keep their size: a horizon from feet."""
    ahead = level_ahead(up)
    height, forward = (
        along(people, axis).movedim(-1, 0).contiguous() for axis in (up, ahead)
    )  # the joint first: quick
    pitches = torch.linspace(-TILTS_DEG, TILTS_DEG, 33).deg2rad().tolist()
    lowest = [torch.add(height, forward, alpha=pitch).amin(0) / (1 + pitch**2) ** 0.5 for pitch in pitches]
    sizes = size.unsqueeze(1) - below(torch.stack(lowest, dim=1)).log()  # (scene, pitch, person)
    valid, pitch = valid.unsqueeze(1), up.new_tensor(pitches)
    mean = mean_over(valid * sizes, sequence) / mean_over(valid, sequence).clamp(min=SMALLEST)
    change = (valid * (sizes - mean).square().clamp(max=LARGER**2)).sum(-1)
    best = pitch[(mean_over(change, sequence) + TILT_PRIOR * pitch.square()).argmin(-1)]
    return torch.nn.functional.normalize(up + best.unsqueeze(-1) * ahead, dim=-1)


def contacts(people: Tensor, scale: Tensor, skeleton: Skeleton, valid: Tensor | None = None) -> Tensor:
    """Scales (scene, person) after people who touch in the image are pulled together in depth.

    A hand of one person and a joint of another touch where they are close across the line of sight and could be along
    it. The more of them touch, the more of their mean gap is closed: a quarter for one sure pair, never over half.
    """
    valid = torch.ones_like(scale) if valid is None else valid
    placed = scale.exp()[..., None, None] * people
    distance = placed.norm(dim=-1)  # (scene, person, joint)
    rays = placed / distance.unsqueeze(-1)
    pull, hands = torch.zeros_like(scale), skeleton.hands
    for i in range(scale.shape[-1] - 1):  # everybody with all who come after
        mine, theirs = distance[:, i, None, :, None], distance[:, i + 1 :, None, :]
        across = torch.cdist(rays[:, i, None], rays[:, i + 1 :]) * (mine + theirs) / 2
        along = theirs - mine  # (scene, other, joint of i, joint of other)
        likely = torch.zeros_like(along)
        likely[..., hands, :] = 1
        likely[..., hands] = 1
        likely = likely * (-0.5 * ((across / TOUCH_ACROSS).square() + (along / TOUCH_ALONG).square())).exp()
        gap = valid[:, i, None] * valid[:, i + 1 :] * (likely * along).sum((-1, -2)) / (likely.sum((-1, -2)) + 1)
        roots = distance[..., skeleton.root_index]
        closer = gap / (roots[:, i, None] + roots[:, i + 1 :]) / 2
        change = torch.nn.functional.pad(-closer, (i + 1, 0))
        change[:, i] = closer.sum(-1)
        pull = pull + change
    return scale + pull.clamp(-MOST_PULL, MOST_PULL)


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    weights = weights + torch.finfo(values.dtype).eps
    return (values * weights).sum(-1) / weights.sum(-1)
