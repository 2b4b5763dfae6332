"""The choreography of two people: what each does over time, where their hands touch, and how that becomes joints.

A `Choreography` holds a `Motion` for each person (curves over frames) and the `Touch`es between them; `play` turns it
into two posed figures. World frame: z up, metres; a person's frame: x forward, y left; radians; 50 frames a second.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import PchipInterpolator

from datamodules.synthetic.bodies import (
    OUTWARD,
    SIDES,
    Arm,
    Array,
    Body,
    Figure,
    Foot,
    footprints,
    pose_arm,
    pose_head,
    pose_leg,
    pose_trunk,
    smooth_step,
    smoothed,
    turned,
)

FPS = 50

ARM_POSES: dict[str, tuple[float, float, float, float]] = {
    "hanging": (60, -79, 0.985, 0),
    "loose": (30, -72, 0.955, 0),
    "on hip": (30, -76, 0.60, 65),
    "behind back": (190, -70, 0.72, 20),
    "on belly": (-30, -52, 0.52, 15),
    "on chest": (-48, -12, 0.42, 10),
    "folded": (-38, -38, 0.48, 20),
    "at chin": (-45, 22, 0.40, 0),
    "salute": (-30, 55, 0.43, 60),
    "on head": (-25, 62, 0.52, 70),
    "guard": (8, 8, 0.48, 5),
    "offering": (15, -30, 0.78, 0),
    "forward": (5, -3, 0.93, 10),
    "pointing up": (15, 40, 0.95, 10),
    "reaching down": (15, -58, 0.96, 0),
    "out low": (80, -42, 0.93, 10),
    "out": (85, 0, 0.96, 0),
    "W": (75, 30, 0.58, 0),
    "waving": (55, 42, 0.70, 10),
    "V": (75, 48, 0.97, 0),
    "overhead": (45, 78, 0.95, 0),
    "ring": (0, 68, 0.80, 45),
    "across": (-40, -5, 0.72, 25),
    "back swing": (150, -62, 0.93, 0),
}
"""Pose of an arm -> azimuth from forwards to outwards and elevation (degrees), reach (arm lengths), the elbow's swivel
outwards (degrees); all of the finger tip about the shoulder."""

QUIET = (
    *["hanging"] * 6,
    *["loose"] * 3,
    *("out low", "on hip", "behind back", "on belly", "folded", "offering", "at chin", "guard"),
)
"""Poses of an arm that has nothing to do, the frequent ones repeated."""

LEG_POSES: dict[str, tuple[float, float, float, float]] = {
    "knee up": (0.42, 0.05, -0.52, -15),
    "stork": (0.18, 0.20, -0.55, -35),
    "foot back": (-0.32, 0.05, -0.75, -60),
    "arabesque": (-0.58, 0.08, -0.70, -65),
    "side raise": (0.10, 0.50, -0.78, -20),
    "front raise": (0.70, 0.02, -0.62, 25),
    "tap": (0.30, 0.08, -0.88, 15),
}
"""Pose of a raised leg -> ankle from the hip: forwards, outwards, up (leg lengths); pitch of the foot (degrees)."""


def leg_pose(name: str) -> Array:
    """(4,), a row of LEG_POSES in radians."""
    return np.array(LEG_POSES[name]) * [1, 1, 1, np.deg2rad(1)]


# Curves ---------------------------------------------------------------------------------------------------------------


def wander(rng: np.random.Generator, frames: int, size: Array | float, seconds: float = 0.6) -> Array:
    """A smooth random curve of standard deviation `size`: (frame,), or (frame, channel) for an array of sizes."""
    size = np.asarray(size, dtype=float)
    pad, sigma = int(3 * seconds * FPS), seconds * FPS / 2
    noise = smoothed(rng.normal(size=(frames + 2 * pad, *size.shape)), sigma)[pad : pad + frames]
    return size * noise * np.sqrt(2 * sigma * np.sqrt(np.pi))


def ramp(frames: int, start: float, end: float) -> Array:
    """(frame,), 0 before frame `start`, 1 after `end`."""
    return smooth_step((np.arange(frames, dtype=np.float64) - start) / max(end - start, 1.0))


def plateau(frames: int, start: float, full: float, last: float, end: float) -> Array:
    """(frame,), 0, then 1 from frame `full` to `last`, then 0."""
    return ramp(frames, start, full) - ramp(frames, last, end)


def through(frames: int, times: Array, values: Array) -> Array:
    """A smooth curve (frame, channel) through `values (knot, channel)` at frames `times (knot,)`; still at its ends."""
    times = np.maximum.accumulate(np.asarray(times, dtype=float) + 1e-3 * np.arange(len(times)))
    inside = np.clip(np.arange(frames), times[0], times[-1])
    return smoothed(PchipInterpolator(times, values)(inside), 2.5)


# A choreography -------------------------------------------------------------------------------------------------------


@dataclass
class Motion:
    """What one person does; `(frame, ...)` curves in radians, metres and leg lengths.

    Attributes:
        path, heading: (frame, 2) and (frame,), where the person stands and faces.
        bend: (frame, 3) of the trunk: forwards, to the left, twist to the left.
        turn: (frame,) of the pelvis against the feet.
        crouch: (frame,), how far the pelvis sinks.
        sway: (frame,), weight on the left foot (1), both (0) or the right foot (-1).
        head: (frame, 3), nod, tilt and turn; `gaze (frame,)` is how much it turns to the partner.
        arms: side -> what the arm does while it touches nothing.
        spread: side -> (2,), the foot's place in the person's frame; `toe_out` radians; `swing` frames a step.
        lift: side -> (frame,), 1 where the leg is raised to `leg[side] (frame, 4)`: see LEG_POSES, pitch in radians.
    """

    path: Array
    heading: Array
    bend: Array
    turn: Array
    crouch: Array
    sway: Array
    head: Array
    gaze: Array
    arms: dict[str, Arm]
    spread: dict[str, Array]
    toe_out: float
    swing: int
    lift: dict[str, Array]
    leg: dict[str, Array]


Target = Callable[[tuple[Figure, Figure]], Array]
"""Where a touch is, (frame, 3), given both figures posed so far."""


@dataclass(frozen=True)
class Touch:
    """A hand or a foot of one person that rests on the other where `weight (frame,)` is 1."""

    person: int
    side: str
    limb: str
    target: Target
    weight: Array


@dataclass
class Choreography:
    """Two people about to act; the action edits the motions and adds touches."""

    rng: np.random.Generator
    bodies: tuple[Body, Body]
    motions: tuple[Motion, Motion]
    frames: int
    touches: list[Touch] = field(default_factory=list)

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return bool(self.rng.random() < probability)

    def pick(self, *names: str) -> str:
        """One of `names`."""
        return names[int(self.rng.integers(len(names)))]

    def side(self, left: float = 0.5) -> str:
        """A side, the left with probability `left`."""
        return SIDES[int(self.rng.random() >= left)]

    def dip(self, deepest: float) -> float:
        """How far somebody sinks, in leg lengths: mostly little, as knees bend by 35 degrees for 0.05 already."""
        return float(deepest * self.rng.random() ** 3)

    def hold(self, longest: float = 1.6, shortest: float = 0.7, rise: float = 0.5) -> tuple[Array, float, float]:
        """A weight (frame,) that rises, is 1 for some seconds and falls; and the first and last frame of contact."""
        length = self.uniform(shortest, longest) * FPS
        first = self.uniform(0.3, 0.45) * self.frames
        last = min(first + length, 0.8 * self.frames)
        up, down = (FPS * self.uniform(0.9, 1.4) * rise for _ in range(2))
        return plateau(self.frames, first - up, first, last, last + down), first, last

    def touch(self, person: int, side: str, target: Target, weight: Array, limb: str = "hand") -> None:
        """Let a hand, or a foot, of `person` rest on `target` where `weight (frame,)` is 1."""
        self.touches.append(Touch(person, side, limb, target, weight))


def idle(rng: np.random.Generator, frames: int, x: float, heading: float) -> Motion:
    """Somebody standing at `(x, 0)`: stance, posture and small movements drawn at random."""
    arms = {side: gesture(rng, frames, list(rng.choice(QUIET, rng.integers(1, 3)))) for side in SIDES}
    width, stagger = rng.uniform(0.16, 0.42), rng.normal(0, 0.11)
    lean, crouch = rng.normal(0.04, 0.06), 0.12 * rng.random() ** 6
    return Motion(
        path=np.array([x, 0.0]) + wander(rng, frames, np.full(2, 0.03), 1.0),
        heading=heading + rng.normal(0, 0.15) + wander(rng, frames, 0.08, 1.2),
        bend=rng.normal([lean, 0, 0], [0.0, 0.05, 0.10]) + wander(rng, frames, np.array([0.04, 0.04, 0.07])),
        turn=rng.normal(0, 0.12) + wander(rng, frames, 0.05),
        crouch=crouch + np.abs(wander(rng, frames, 0.004)),
        sway=np.clip(rng.normal(0, 0.4) + wander(rng, frames, 0.15, 1.0), -1, 1),
        head=rng.normal([0.08, 0, 0], [0.14, 0.07, 0.15]) + wander(rng, frames, np.array([0.07, 0.04, 0.10])),
        gaze=np.full(frames, rng.uniform(0.3, 1.0)),
        arms=arms,
        spread={side: np.array([OUTWARD[side] * stagger, OUTWARD[side] * width / 2]) for side in SIDES},
        toe_out=rng.uniform(0.0, 0.3),
        swing=int(rng.integers(16, 22)),
        lift={side: np.zeros(frames) for side in SIDES},
        leg={side: np.tile([0.0, 0.0, -0.9, 0.0], (frames, 1)) for side in SIDES},
    )


def gesture(rng: np.random.Generator, frames: int, names: list[str]) -> Arm:
    """An arm that goes through poses of ARM_POSES, one after the other, never quite still."""
    poses = np.array([ARM_POSES[name] for name in names]) * np.deg2rad([1, 1, 180 / np.pi, 1])
    poses = poses + rng.normal(0, [0.12, 0.10, 0.02, 0.2], poses.shape)
    times = np.linspace(0, frames, len(names) + 2)[1:-1] + rng.uniform(-8, 8, len(names))
    curve = through(frames, times, poses) if len(names) > 1 else np.tile(poses, (frames, 1))
    curve = curve + wander(rng, frames, np.array([0.06, 0.05, 0.012, 0.06]))
    return Arm(
        polar=curve[:, :3],
        swivel=curve[:, 3],
        wrist=np.clip(rng.uniform(0.0, 0.45) + wander(rng, frames, 0.1), -0.3, 1.0),
        roll=rng.normal(0, 0.5) + wander(rng, frames, 0.2),
    )


# Playing it ------------------------------------------------------------------------------------------------------


def stand(body: Body, motion: Motion) -> tuple[Figure, dict[str, Foot]]:
    """Trunk and feet: the feet follow the path, the pelvis hangs over the feet that bear weight."""
    heading = motion.heading
    still = motion.lift["left"] + motion.lift["right"]
    feet = footprints(body, motion.path, heading, motion.spread, motion.toe_out, motion.swing, still)
    load = {}
    for side in SIDES:
        share = 0.5 + 0.35 * OUTWARD[side] * np.clip(motion.sway, -1, 1)
        load[side] = (share * (1 - 0.6 * feet[side].air) * (1 - 0.97 * motion.lift[side]) + 1e-3)[:, None]
    centre = sum(load[side] * feet[side].ankle[:, :2] for side in SIDES) / sum(load.values())
    ahead = turned(heading).apply([1.0, 0.0, 0.0])[:, :2]
    # A bow or a squat would topple forwards if the hips did not move back.
    centre = centre + ahead * (0.045 - 0.22 * np.sin(motion.bend[:, :1]) - 0.48 * motion.crouch[:, None])
    faces = 0.5 * (feet["left"].yaw + feet["right"].yaw)
    tilt = 0.07 * motion.sway - 0.06 * (motion.lift["left"] - motion.lift["right"])
    ground, facing = smoothed(centre, 6), smoothed(faces, 6) + motion.turn
    return pose_trunk(body, ground, facing, motion.bend, tilt, motion.crouch, feet, motion.lift), feet


def raised(figure: Figure, side: str, foot: Foot, motion: Motion, goal: Array | None, weight: Array | float) -> Foot:
    """The foot on its way from the ground to the leg's pose and, where `weight` is 1, with its toes at `goal`."""
    lift, pose = motion.lift[side], motion.leg[side]
    local = figure.body.leg * pose[:, :3] * [1.0, OUTWARD[side], 1.0]
    pitch = foot.pitch + lift**2 * (pose[:, 3] - foot.pitch)
    ankle = figure.joints[f"{side}_hip"] + figure.upright.apply(local)
    if goal is not None:
        toe = turned(foot.yaw, -pitch).apply(figure.body.foot_joints()["toe"])
        ankle = ankle + np.asarray(weight)[:, None] * (goal - toe - ankle)
    ankle = foot.ankle + lift[:, None] * (ankle - foot.ankle)
    ankle[:, 2] += 0.5 * lift * (1 - lift)  # off the ground before it moves along
    return Foot(ankle, foot.yaw, pitch, np.maximum(foot.air, lift))


def look(figure: Figure, partner: Figure, motion: Motion) -> None:
    """Turn the head to the partner's as far as the neck allows."""
    eyes = figure.chest.inv().apply(partner.joints["neck"] - figure.joints["neck"])
    yaw = np.arctan2(eyes[:, 1], eyes[:, 0] + 0.3)
    pitch = np.arctan2(-eyes[:, 2], np.hypot(eyes[:, 0], eyes[:, 1]) + 0.3)
    seen = np.column_stack([0.6 * np.tanh(pitch / 0.6), 0 * yaw, np.tanh(yaw) * np.cos(yaw / 2)])  # nobody looks behind
    limit = np.array([0.75, 0.45, 1.2])
    pose_head(figure, limit * np.tanh((motion.head + motion.gaze[:, None] * seen) / limit))


def play(act: Choreography) -> tuple[Figure, Figure]:
    """Both people's joints: trunks, legs, heads and free arms first, then the limbs that touch, in the order given."""
    stood = [stand(body, motion) for body, motion in zip(act.bodies, act.motions, strict=True)]
    figures = (stood[0][0], stood[1][0])
    touching = {(touch.person, touch.side, touch.limb): touch for touch in act.touches}
    limbs = [(person, side, limb) for person in (0, 1) for side in SIDES for limb in ("foot", "hand")]
    free = [limb for limb in limbs if limb not in touching]
    for person, motion in enumerate(act.motions):
        look(figures[person], figures[1 - person], motion)
    for person, side, limb in [*free, *touching]:
        touch = touching.get((person, side, limb))
        goal, weight = (touch.target(figures), touch.weight) if touch else (None, 0.0)
        figure, motion = figures[person], act.motions[person]
        if limb == "hand":
            pose_arm(figure, side, motion.arms[side], goal, weight)
        else:
            pose_leg(figure, side, raised(figure, side, stood[person][1][side], motion, goal, weight))
    return figures


# Where hands go -------------------------------------------------------------------------------------------------------

SPOTS: dict[str, tuple[str, str, float, tuple[float, float, float]]] = {
    "wrist": ("{side}_elbow", "{side}_wrist", 0.92, (0.0, 0.0, 0.025)),
    "forearm": ("{side}_elbow", "{side}_wrist", 0.5, (0.0, 0.0, 0.03)),
    "elbow": ("{side}_shoulder", "{side}_elbow", 0.92, (0.0, 0.03, 0.02)),
    "upper arm": ("{side}_shoulder", "{side}_elbow", 0.55, (0.0, 0.045, 0.0)),
    "shoulder": ("{side}_shoulder", "neck", 0.0, (0.01, 0.02, 0.05)),
    "far shoulder": ("{side}_shoulder", "neck", 0.1, (-0.03, 0.0, 0.05)),
    "chest": ("spine", "neck", 0.72, (0.11, 0.09, 0.0)),
    "belly": ("pelvis", "spine", 0.85, (0.12, 0.06, 0.0)),
    "upper back": ("spine", "neck", 0.55, (-0.09, 0.10, 0.0)),
    "lower back": ("pelvis", "spine", 0.85, (-0.10, 0.09, 0.0)),
    "waist": ("pelvis", "spine", 0.75, (-0.02, 0.15, 0.0)),
    "nape": ("neck", "head", 0.35, (-0.06, 0.02, 0.0)),
    "cheek": ("neck", "head", 1.0, (0.03, 0.075, 0.0)),
    "hand": ("{side}_wrist", "{side}_hand", 0.6, (0.0, 0.0, 0.02)),
    "thigh": ("{side}_hip", "{side}_knee", 0.55, (0.06, 0.0, 0.0)),
    "shin": ("{side}_knee", "{side}_ankle", 0.45, (0.05, 0.0, 0.0)),
    "seat": ("{side}_hip", "{side}_knee", 0.0, (-0.12, 0.03, 0.0)),
    "hip": ("{side}_hip", "{side}_knee", 0.05, (0.03, 0.10, 0.02)),
}
"""Spot on the skin -> from which joint to which, how far along, and its offset forwards, outwards and up in metres."""


def spot(person: int, name: str, side: str) -> Target:
    """A spot on a person's skin."""
    start, end, fraction, offset = SPOTS[name]
    low = name in ("thigh", "shin", "seat", "hip")

    def target(figures: tuple[Figure, Figure]) -> Array:
        figure = figures[person]
        a, b = (figure.joints[joint.format(side=side)] for joint in (start, end))
        frame = figure.pelvis if low else figure.chest
        return a + fraction * (b - a) + frame.apply(np.array(offset) * [1.0, OUTWARD[side], 1.0])

    return target


def between(
    sides: tuple[str, str], share: float, up: Array | float, out: Array | float, overlap: float, person: int
) -> Target:
    """Where two hands meet: a point between the shoulders of `sides`, for `person`'s finger tip.

    Args:
        sides: of the first person's hand and the second's.
        share: 0 at the first person's shoulder, 1 at the second's.
        up: metres above the shoulders' line, (frame,) or a number.
        out: metres to the first person's left.
        overlap: how far each tip goes beyond the meeting point, metres.
        person: whose finger tip.
    """

    def target(figures: tuple[Figure, Figure]) -> Array:
        a, b = (f.joints[f"{s}_shoulder"] for f, s in zip(figures, sides, strict=True))
        level = (b - a) * [1.0, 1.0, 0.0]
        along = level / np.maximum(np.linalg.norm(level, axis=-1, keepdims=True), 0.05)
        left = np.cross([0.0, 0.0, 1.0], along)
        meet = a + share * (b - a) + left * np.reshape(out, (-1, 1)) + np.array([0, 0, 1.0]) * np.reshape(up, (-1, 1))
        return meet + (1 - 2 * person) * overlap * along

    return target
