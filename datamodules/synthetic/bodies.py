"""A kinematic human body: published segment lengths, a trunk, and closed-form limbs.

World and body frames: x forward, y left, z up; metres, radians. Every pose is an array over frames, `(frame, ...)`.

Segment lengths are those of `duolift.body.anthropometry`; the trunk, the neck and the skull, which that table does not
split, are split here. Statures are those of adults: 1.76 +- 0.07 m (men), 1.62 +- 0.065 m (women).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from duolift.body.anthropometry import WINTER
from duolift.body.skeleton import CHI3D25

Array = NDArray[np.float64]
SIDES = ("left", "right")
OUTWARD = {"left": 1.0, "right": -1.0}
STATURES = {"man": (1.76, 0.07), "woman": (1.62, 0.065)}

SEGMENTS = {
    "ankle_height": WINTER.ankle_height,
    "shank": WINTER.shank,
    "thigh": WINTER.thigh,
    "half_hips": WINTER.half_hips,
    "loin": 0.47 * WINTER.trunk,
    "chest": 0.53 * WINTER.trunk + 0.01,
    "neck": 0.068,
    "skull": 0.092,
    "half_shoulders": WINTER.half_shoulders,
    "upper_arm": WINTER.upper_arm,
    "forearm": WINTER.forearm,
    "hand": WINTER.hand,
    "thumb": WINTER.thumb,
    "foot": WINTER.ball,
    "toes": WINTER.toe,
}
"""Segment -> length as a fraction of stature."""

FULL_LEG = 0.995
"""Hip to ankle of a leg that bears weight, at most, as a fraction of the leg's length."""

ARM_REST, ARM_POLE = np.array([0.70, 0.35, -0.62]), np.array([-0.5, 0.45, -0.75])
"""A left arm held out comfortably: from shoulder to finger tip, and the way its elbow points."""


def unit(vectors: Array) -> Array:
    """`(..., 3)` scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def dot(a: Array, b: Array) -> Array:
    """`(..., 3)` -> `(..., 1)`."""
    return np.sum(a * b, axis=-1, keepdims=True)


def turned(yaw: Array, pitch: Array | float = 0.0, roll: Array | float = 0.0) -> Rotation:
    """Turn left by `yaw`, then bow forwards by `pitch`, then lean left by `roll`; each `(frame,)`."""
    return Rotation.from_euler("ZYX", np.stack(np.broadcast_arrays(yaw, pitch, -np.asarray(roll)), axis=-1))


@dataclass(frozen=True)
class Body:
    """One person's build.

    Attributes:
        stature: metres.
        lengths: segment -> metres, as in SEGMENTS.
    """

    stature: float
    lengths: dict[str, float]

    @classmethod
    def draw(cls, rng: np.random.Generator, build: str) -> "Body":
        """A man or a woman, each segment a few percent off the published mean."""
        mean, deviation = STATURES[build]
        stature = float(mean + deviation * np.clip(rng.normal(), -2, 2))
        ratios = np.clip(rng.normal(1, 0.03, len(SEGMENTS)), 0.93, 1.07)
        return cls(
            stature, {name: stature * SEGMENTS[name] * ratio for name, ratio in zip(SEGMENTS, ratios, strict=True)}
        )

    def __getitem__(self, segment: str) -> float:
        return self.lengths[segment]

    @property
    def leg(self) -> float:
        """Hip to ankle."""
        return self["thigh"] + self["shank"]

    @property
    def arm(self) -> float:
        """Shoulder to finger tip."""
        return self["upper_arm"] + self["forearm"] + self["hand"]

    def foot_joints(self) -> dict[str, Array]:
        """Ball and tip of a foot from its ankle, sole on the ground."""
        ball = np.array([self["foot"], 0.0, 0.35 * self["ankle_height"] - self["ankle_height"]])
        return {"foot": ball, "toe": ball + np.array([self["toes"], 0.0, -0.1 * self["ankle_height"]])}


@dataclass
class Foot:
    """Where a foot is: `ankle (frame, 3)`; `yaw`, `pitch` (toes up) and `air` (1 when lifted), each `(frame,)`."""

    ankle: Array
    yaw: Array
    pitch: Array
    air: Array


@dataclass
class Figure:
    """A body being posed, from the trunk to the limbs: joint -> `(frame, 3)` metres, world.

    Attributes:
        pelvis, chest: their orientations in the world.
        reach: the orientation in which arms are posed, between `upright` and the chest: when a person bows, relaxed
            arms neither stay along the chest nor hang straight down through it.
        upright: the pelvis's orientation without its lean.
    """

    body: Body
    pelvis: Rotation
    chest: Rotation
    reach: Rotation
    upright: Rotation
    joints: dict[str, Array] = field(default_factory=dict)

    def stack(self) -> Array:
        """`(frame, joint, 3)` in the data set's order."""
        return np.stack([self.joints[name] for name in CHI3D25.joints], axis=1)


def carry(pole: Array, rest: Array, direction: Array) -> Array:
    """Where `pole` points after the shortest turn that takes `rest` to `direction (frame, 3)`.

    Its one singularity, opposite to `rest`, is put where no limb goes.
    """
    rest = unit(rest)
    pole = unit(pole - rest * dot(pole, rest))
    return pole - (rest + direction) * dot(direction, pole) / (1 + dot(direction, rest))


def within(length: Array, low: Array | float, high: Array | float, share: float) -> Array:
    """`length` softly clamped between `low` and `high`; unchanged further inside than `share` of `high`."""
    soft = share * np.asarray(high)
    over, under = length - (high - soft), (low + soft) - length
    length = np.where(over > 0, high - soft * np.exp(-np.maximum(over, 0) / soft), length)
    return np.where(under > 0, low + soft * np.exp(-np.maximum(under, 0) / soft), length)


@dataclass(frozen=True)
class Hinge:
    """Knee or elbow: the largest flexion, the largest reach (a fraction of the limb), and how softly it gets there."""

    fold: float
    full: float
    soft: float


KNEE = Hinge(np.deg2rad(140), 0.999, 0.004)
ELBOW = Hinge(np.deg2rad(145), 0.995, 0.02)
"""Flexions as in tables of normal ranges of motion; reach stays short of 1, where the joint's speed is unbounded."""


def two_bone(
    origin: Array, goal: Array, upper: Array | float, lower: Array | float, hinge: Hinge, pole: Array
) -> tuple[Array, Array]:
    """Middle joint and end of a limb that reaches for `goal`: the law of cosines, the middle on the side of `pole`.

    `origin`, `goal` and `pole`, which is perpendicular to goal - origin, are (frame, 3); `upper` and `lower` are the
    bones' lengths, numbers or (frame, 1).
    """
    way, distance = unit(goal - origin), np.linalg.norm(goal - origin, axis=-1, keepdims=True)
    nearest = np.sqrt(upper**2 + lower**2 - 2 * upper * lower * np.cos(np.pi - hinge.fold))
    reach = within(distance, nearest, hinge.full * (upper + lower), hinge.soft)
    cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    middle = origin + upper * (cosine * way + np.sqrt(1 - cosine**2) * unit(pole))
    return middle, origin + reach * way


def pose_trunk(
    body: Body,
    ground: Array,
    yaw: Array,
    bend: Array,
    tilt: Array,
    crouch: Array,
    feet: dict[str, Foot],
    lift: dict[str, Array],
) -> Figure:
    """Pelvis, spine, neck, hips and shoulders over the feet.

    Args:
        body: whose.
        ground: (frame, 2), the pelvis seen from above.
        yaw: (frame,), where the pelvis faces.
        bend: (frame, 3), forwards, to the left, twist to the left; pelvis, loin and chest share it.
        tilt: (frame,), the hip line's own roll.
        crouch: (frame,), how far the pelvis sinks, in leg lengths.
        feet: side -> the foot on the ground.
        lift: side -> (frame,), 1 where the leg is raised and bears no weight.
    """
    shares = np.array([[0.35, 0.10, 0.15], [0.35, 0.50, 0.35], [0.30, 0.40, 0.50]])
    parts = shares[:, None] * bend  # (pelvis | loin | chest, frame, 3)
    pelvis = turned(yaw + parts[0, :, 2], parts[0, :, 0], parts[0, :, 1] + tilt)
    loin = pelvis * turned(parts[1, :, 2], parts[1, :, 0], parts[1, :, 1] - tilt)
    chest = loin * turned(parts[2, :, 2], parts[2, :, 0], parts[2, :, 1])
    upright = turned(yaw)
    reach = upright * Rotation.from_rotvec(0.6 * (upright.inv() * chest).as_rotvec())

    hips = {side: pelvis.apply([0.0, OUTWARD[side] * body["half_hips"], 0.0]) for side in SIDES}
    heights = [body.leg * (FULL_LEG - crouch) + body["ankle_height"]]
    for side in SIDES:
        distance = np.linalg.norm(ground + hips[side][:, :2] - feet[side].ankle[:, :2], axis=-1)
        above = np.sqrt(np.maximum((FULL_LEG * body.leg) ** 2 - distance**2, 0.01))
        heights.append(feet[side].ankle[:, 2] - hips[side][:, 2] + above + 0.5 * lift[side])
    soft = 0.005
    height = -soft * np.logaddexp.reduce(-np.stack(heights) / soft)  # a smooth minimum: no leg overstretches

    figure = Figure(body, pelvis, chest, reach, upright)
    root = np.column_stack([ground, height])
    spine = root + loin.apply([0.006 * body.stature, 0.0, body["loin"]])
    neck = spine + chest.apply([-0.008 * body.stature, 0.0, body["chest"]])
    figure.joints = {
        "pelvis": root,
        "spine": spine,
        "neck": neck,
        **{f"{side}_hip": root + hips[side] for side in SIDES},
    }
    for side in SIDES:
        figure.joints[f"{side}_shoulder"] = neck + chest.apply(collar(body, side))
    return figure


def collar(body: Body, side: str) -> Array:
    """The shoulder from the neck, arms hanging."""
    return np.array([0.0, OUTWARD[side] * body["half_shoulders"], -0.012 * body.stature])


def pose_head(figure: Figure, turn: Array) -> None:
    """Head and its top; `turn (frame, 3)` nods forwards, tilts left and turns left."""
    body, head = figure.body, figure.chest * turned(turn[:, 2], turn[:, 0], turn[:, 1])
    middle = figure.chest * turned(turn[:, 2] / 2, turn[:, 0] / 2, turn[:, 1] / 2)
    figure.joints["head"] = figure.joints["neck"] + middle.apply([0.020 * body.stature, 0.0, body["neck"]])
    figure.joints["head_top"] = figure.joints["head"] + head.apply([-0.004 * body.stature, 0.0, body["skull"]])


def pose_leg(figure: Figure, side: str, foot: Foot) -> None:
    """Knee, ankle, ball and toes of a leg whose foot is, or tries to be, at `foot`; the knee points with the toes."""
    body, hip = figure.body, figure.joints[f"{side}_hip"]
    facing = unit(figure.upright.apply([1.0, 0.0, 0.0]) + turned(foot.yaw).apply([1.0, 0.0, 0.0]))
    pole = carry(facing, np.array([0.0, 0.0, -1.0]), unit(foot.ankle - hip))
    knee, ankle = two_bone(hip, foot.ankle, body["thigh"], body["shank"], KNEE, pole)
    figure.joints |= {f"{side}_knee": knee, f"{side}_ankle": ankle}
    sole = turned(foot.yaw, -foot.pitch)
    for name, offset in body.foot_joints().items():
        figure.joints[f"{side}_{name}"] = ankle + sole.apply(offset)


def to_polar(vectors: Array, side: str) -> Array:
    """`(frame, 3)` to azimuth from forwards to outwards, elevation and length; azimuths from -120 to 240 degrees."""
    x, y, z = vectors[:, 0], OUTWARD[side] * vectors[:, 1], vectors[:, 2]
    azimuth = np.mod(np.arctan2(y, x) + np.deg2rad(120), 2 * np.pi) - np.deg2rad(120)
    return np.column_stack([azimuth, np.arctan2(z, np.hypot(x, y)), np.linalg.norm(vectors, axis=-1)])


def from_polar(polar: Array, side: str) -> Array:
    """The inverse of `to_polar`."""
    azimuth, elevation, length = polar.T
    level = length * np.cos(elevation)
    return np.column_stack(
        [level * np.cos(azimuth), OUTWARD[side] * level * np.sin(azimuth), length * np.sin(elevation)]
    )


@dataclass
class Arm:
    """What one arm does when it touches nothing.

    Attributes:
        polar: (frame, 3), azimuth, elevation, and reach in arm lengths of the finger tip about the shoulder.
        swivel: (frame,), the elbow's turn outwards about the line from shoulder to finger tip.
        wrist: (frame,), the bend at the wrist.
        roll: (frame,), the forearm's roll, which turns the thumb.
    """

    polar: Array
    swivel: Array
    wrist: Array
    roll: Array


def pose_arm(figure: Figure, side: str, arm: Arm, goal: Array | None = None, weight: Array | float = 0.0) -> None:
    """Shoulder to finger tip and thumb; the tip is at `goal (frame, 3)` where `weight (frame,)` is 1.

    Goal and gesture are blended in polar coordinates about the shoulder, so that a hand swings round the body instead
    of passing through it. The collar bone follows the arm up and forwards.
    """
    body, sign = figure.body, OUTWARD[side]
    shoulder = figure.joints["neck"] + figure.chest.apply(collar(body, side))
    polar = arm.polar * [1.0, 1.0, body.arm]
    if goal is not None:
        polar = polar + np.asarray(weight)[..., None] * (
            to_polar(figure.reach.inv().apply(goal - shoulder), side) - polar
        )
    local = from_polar(polar, side)
    tip = shoulder + figure.reach.apply(local)

    raising, push = 0.35 * np.clip(local[:, 2] / body.arm + 0.3, 0, None) ** 2, 0.12 * local[:, 0] / body.arm
    girdle = figure.chest * Rotation.from_rotvec(np.column_stack([sign * raising, 0 * push, -sign * push]))
    shoulder = figure.joints["neck"] + girdle.apply(collar(body, side))

    way = unit(tip - shoulder)
    mirror = np.array([1.0, sign, 1.0])
    pole = figure.reach.apply(carry(ARM_POLE * mirror, ARM_REST * mirror, figure.reach.inv().apply(way)))
    swivel = sign * arm.swivel[:, None]
    pole = pole * np.cos(swivel) + np.cross(way, pole) * np.sin(swivel)

    slack = 1 - polar[:, 2] / body.arm  # bent towards the elbow's side, a wrist would overstretch a straight elbow
    bend = smoothed(np.maximum(arm.wrist, -2.5 * np.maximum(slack - 0.03, 0)), 2.0)[:, None]
    fore, hand = body["forearm"], body["hand"]
    lower = np.sqrt(fore**2 + hand**2 + 2 * fore * hand * np.cos(bend))  # elbow to finger tip, the wrist bent
    elbow, tip = two_bone(shoulder, tip, body["upper_arm"], lower, ELBOW, pole)
    along = unit(tip - elbow)
    inside = unit(-pole + along * dot(pole, along))
    sine = hand * np.sin(bend) / lower
    wrist = elbow + fore * (np.sqrt(1 - sine**2) * along + sine * inside)

    palm = unit(tip - wrist)
    up = unit(inside - palm * dot(inside, palm))
    roll = sign * arm.roll[:, None]
    thumbward = up * np.cos(roll) + np.cross(palm, up) * np.sin(roll)
    names = ("shoulder", "elbow", "wrist", "hand", "thumb")
    thumb = wrist + body["thumb"] * unit(0.7 * palm + 0.7 * thumbward)
    figure.joints |= {
        f"{side}_{name}": at for name, at in zip(names, (shoulder, elbow, wrist, tip, thumb), strict=True)
    }


def smooth_step(x: Array) -> Array:
    """0 to 1 with zero speed and acceleration at both ends."""
    x = np.clip(x, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x**2)


def footprints(
    body: Body, path: Array, heading: Array, spread: dict[str, Array], toe_out: float, swing: int, still: Array
) -> dict[str, Foot]:
    """Feet that follow a path: each stays where it is until it is out of place and its turn to step has come.

    Args:
        body: whose.
        path: (frame, 2), the middle between the feet.
        heading: (frame,).
        spread: side -> (2,), a foot's place in the person's own frame.
        toe_out: radians.
        swing: frames a step takes.
        still: (frame,), where it is more than 0 nobody steps.
    """
    frames = len(path)

    def wanted(side: str, frame: int) -> Array:
        frame = min(frame, frames - 1)
        cos, sin = np.cos(heading[frame]), np.sin(heading[frame])
        x, y = path[frame] + np.array([[cos, -sin], [sin, cos]]) @ spread[side]
        return np.array([x, y, heading[frame] + OUTWARD[side] * toe_out])

    places = {side: np.tile(wanted(side, 0), (frames, 1)) for side in SIDES}
    phases = {side: np.zeros(frames) for side in SIDES}
    frame, side = 0, max(SIDES, key=lambda s: spread[s][0])
    while frame + swing < frames:
        side = SIDES[side == "left"]
        old, new = places[side][-1], wanted(side, frame + swing + swing // 2)
        out_of_place = np.linalg.norm(new[:2] - old[:2]) > 0.05 or abs(new[2] - old[2]) > 0.15
        if out_of_place and not still[frame : frame + swing].any():
            progress = np.arange(frames - frame) / swing
            places[side][frame:] = old + smooth_step(1.25 * progress - 0.125)[:, None] * (new - old)
            phases[side][frame:] = np.where(progress < 1, progress, 0)
            frame += swing
        frame += 2
    return {side: planted(body, places[side], phases[side]) for side in SIDES}


def planted(body: Body, place: Array, phase: Array) -> Foot:
    """A foot at `place (frame, 3)` (x, y, yaw), lifted where `phase (frame,)` runs from 0 to 1: up, along, down."""
    air = smooth_step(2.5 * phase) - smooth_step(2.5 * phase - 1.5)
    ankle = np.column_stack([place[:, :2], body["ankle_height"] + 0.08 * air])
    return Foot(ankle, place[:, 2], -0.2 * air, air)


def smoothed(curve: Array, frames: float) -> Array:
    """A curve without corners."""
    return gaussian_filter1d(curve, frames, axis=0, mode="nearest")


LIMITS = {"hip": (0, 130), "knee": (0, 145), "elbow": (0, 150), "ankle": (55, 145), "waist": (0, 50), "nape": (0, 50)}
"""Joint -> smallest and largest angle in degrees; the ankle's is between shank and foot, the others are bends."""
SHOULDER_BACK = 65.0
"""How far behind the chest an upper arm goes, degrees."""
PACE = {"limbs": (9.0, 150.0), "pelvis": (1.8, 55.0)}
"""The largest speed and acceleration, m/s and m/s^2; punches and kicks come near the limbs'."""


def degrees_between(a: Array, b: Array) -> Array:
    """Angles between vectors `(..., 3)`, degrees."""
    return np.rad2deg(np.arccos(np.clip(dot(unit(a), unit(b))[..., 0], -1, 1)))


def angles(pose: Array) -> dict[str, Array]:
    """The angles of LIMITS, and `shoulder_back`, of `pose (..., 25, 3)`: (..., side) or (..., 1), degrees."""

    def bone(start: str, end: str) -> Array:
        sides = SIDES if "{}" in start + end else ("",)
        ends = [pose[..., CHI3D25.indices([name.format(side) for side in sides]), :] for name in (start, end)]
        return ends[1] - ends[0]

    across, up = bone("right_shoulder", "left_shoulder"), bone("spine", "neck")
    thigh, shank, upper = bone("{}_hip", "{}_knee"), bone("{}_knee", "{}_ankle"), bone("{}_shoulder", "{}_elbow")
    return {
        "hip": degrees_between(thigh, bone("spine", "pelvis")),
        "knee": degrees_between(thigh, shank),
        "elbow": degrees_between(upper, bone("{}_elbow", "{}_wrist")),
        "ankle": degrees_between(-shank, bone("{}_ankle", "{}_foot")),
        "waist": degrees_between(up, bone("pelvis", "spine")),
        "nape": degrees_between(up, bone("neck", "head_top")),
        "shoulder_back": degrees_between(upper, np.cross(across, up)) - 90,
    }


def human(joints: Array, fps: float) -> bool:
    """Whether a take `(person, frame, 25, 3)` keeps to human joint limits, speeds and accelerations."""
    found = angles(joints)
    limbs = all(low <= found[joint].min() and found[joint].max() <= high for joint, (low, high) in LIMITS.items())
    slow = True
    for points, bounds in ((joints, PACE["limbs"]), (joints[:, :, CHI3D25.root_index], PACE["pelvis"])):
        for order, bound in enumerate(bounds, start=1):
            change = np.diff(points, order, axis=1) * fps**order
            slow &= bool(np.linalg.norm(change, axis=-1).max(initial=0) < bound)
    return limbs and slow and bool(found["shoulder_back"].max() <= SHOULDER_BACK)
