"""The eight kinds of action of CHI3D, each a function that edits the choreography of two people who stand idle.

Both stand at the origin. The first person acts and faces x, the second faces -x; metres, radians, 50 frames a second.
"""

from collections.abc import Callable

import numpy as np

from datamodules.synthetic.bodies import OUTWARD, SIDES, Body
from datamodules.synthetic.choreography import (
    ARM_POSES,
    FPS,
    LEG_POSES,
    Choreography,
    Motion,
    between,
    gesture,
    idle,
    leg_pose,
    plateau,
    ramp,
    spot,
    through,
    wander,
)


def facing(act: Choreography, gap: float, walk: float | None = None) -> None:
    """The two face one another `gap` apart; the first may walk up to the second."""
    a, b = act.motions
    walk = act.uniform(0, 0.7) * act.chance(0.6) if walk is None else walk
    arrival = act.uniform(0.22, 0.32) * act.frames
    a.path[:, 0] += -gap / 2 - walk * (1 - ramp(act.frames, arrival - 25 - 70 * walk, arrival))
    b.path[:, 0] += gap / 2
    a.path[:, 1] += act.uniform(-0.12, 0.12)


def handshake(act: Choreography) -> None:
    """Hands meet half-way and pump."""
    facing(act, act.uniform(0.75, 1.15))
    side = act.side(left=0.3)
    weight, first, _ = act.hold()
    time = np.arange(act.frames) / FPS
    pump = act.uniform(0.015, 0.05) * np.sin(2 * np.pi * act.uniform(1.6, 2.6) * (time - first / FPS))
    up = -act.uniform(0.1, 0.5) + weight * pump
    share, out = act.uniform(0.42, 0.58), act.uniform(-0.1, 0.1)
    for person in (0, 1):
        act.touch(person, side, between((side, side), share, up, out, 0.03, person), weight)
        act.motions[person].bend[:, 0] += weight * act.uniform(0.0, 0.35)
        act.motions[person].bend[:, 2] -= weight * OUTWARD[side] * act.uniform(0.0, 0.3)
    if act.chance(0.25):
        other = SIDES[side == "left"]
        act.touch(0, other, spot(1, act.pick("forearm", "elbow", "shoulder"), side), weight)


def grab(act: Choreography) -> None:
    """One takes hold of the other's arm or shoulders, who pulls away."""
    facing(act, act.uniform(0.45, 0.75))
    a, b = act.motions
    weight, first, last = act.hold()
    both = act.chance(0.4)
    name = act.pick("wrist", "forearm", "elbow", "upper arm", "shoulder", "waist", "nape")
    held = act.side()
    across = SIDES[held == "left"]
    act.touch(0, across, spot(1, name, held), weight)
    if both:
        act.touch(0, held, spot(1, name if name != "nape" else "shoulder", across), weight)
    if name in ("wrist", "forearm", "elbow"):
        b.arms[held] = gesture(act.rng, act.frames, ["hanging", act.pick("offering", "guard", "forward")])
    pull = plateau(act.frames, first, first + 20, last, last + 25)
    b.bend += pull[:, None] * [-act.uniform(0.0, 0.25), act.uniform(-0.2, 0.2), act.uniform(-0.4, 0.4)]
    a.bend += weight[:, None] * [act.uniform(0.0, 0.4), 0, OUTWARD[held] * act.uniform(0.0, 0.3)]
    a.crouch += pull * act.dip(0.12)
    b.crouch += pull * act.dip(0.12)


def hit(act: Choreography) -> None:
    """A swing from far back to the other's head, chest or arm, who flinches with the hands up."""
    facing(act, act.uniform(0.6, 0.95))
    a, b = act.motions
    weight, first, last = act.hold(0.35, 0.12, 0.45)
    side, frames = act.side(left=0.4), act.frames
    name = act.pick("cheek", "cheek", "shoulder", "chest", "belly", "upper arm", "nape")
    act.touch(0, side, spot(1, name, SIDES[side == "left"] if name != "chest" else side), weight)
    back = act.pick("W", "waving", "back swing", "out", "overhead", "guard")
    a.arms[side] = gesture(act.rng, frames, ["loose", back, "guard", "loose"])
    wind = plateau(frames, first - 45, first - 20, first - 16, first)
    a.bend[:, 2] += OUTWARD[side] * (act.uniform(0.2, 0.7) * wind - act.uniform(0.1, 0.5) * weight)
    a.bend[:, 0] += weight * act.uniform(0.0, 0.3) - wind * act.uniform(0.0, 0.15)
    away = plateau(frames, first - 8, first + 12, last + 15, last + 50)
    b.bend += away[:, None] * [act.uniform(-0.3, 0.45), act.uniform(-0.3, 0.3), act.uniform(-0.5, 0.5)]
    b.head += away[:, None] * [act.uniform(-0.4, 0.4), 0, act.uniform(-0.6, 0.6)]
    b.crouch += away * act.dip(0.2)
    for guard in SIDES:
        if act.chance(0.6):
            up = act.pick("guard", "at chin", "on head", "on chest", "salute")
            b.arms[guard] = gesture(act.rng, frames, ["loose", up, up])


def holding_hands(act: Choreography) -> None:
    """Hand in hand: face to face with one or both hands, or side by side, standing, swinging or walking."""
    weight, _, _ = act.hold(2.4, 1.2)
    swing = wander(act.rng, act.frames, act.uniform(0.02, 0.14), 0.8)
    if act.chance(0.5):
        beside(act, act.uniform(0.55, 0.85), act.uniform(0, 0.5) * act.chance(0.6))
        pairs = [("right", "left")]
        up, out = -act.uniform(0.35, 0.52), act.uniform(0.0, 0.15)
    else:
        facing(act, act.uniform(0.65, 1.1))
        both = [("left", "right"), ("right", "left")]
        pairs = both if act.chance(0.6) else [both[int(act.chance(0.5))]]
        up, out = act.uniform(-0.5, 0.35), act.uniform(-0.1, 0.1)
    share = act.uniform(0.42, 0.58)
    for pair in pairs:
        for person in (0, 1):
            act.touch(person, pair[person], between(pair, share, up + 0.5 * swing, out + swing, 0.03, person), weight)
    for motion in act.motions:
        motion.bend[:, 1] += weight * act.uniform(-0.15, 0.15)
        motion.crouch += weight * act.dip(0.15)


def beside(act: Choreography, gap: float, walk: float) -> None:
    """The two stand side by side, looking the same way, the first on the left; they may walk on."""
    a, b = act.motions
    a.path[:, 0] -= gap / 2
    b.path[:, 0] += gap / 2
    a.heading += act.uniform(0.9, 1.5)
    b.heading -= act.uniform(0.9, 1.5)
    stride = walk * (ramp(act.frames, 0.1 * act.frames, 0.9 * act.frames) - 0.5)
    for motion in act.motions:
        motion.path[:, 1] += stride


def hug(act: Choreography) -> None:
    """Arms round one another, high or low."""
    facing(act, act.uniform(0.24, 0.36), act.uniform(0.2, 0.8))
    weight, _, _ = act.hold(2.2, 1.0, 0.7)
    high, low = ("upper back", "far shoulder", "nape", "upper back"), ("lower back", "upper back", "waist")
    aim = act.side()
    for person in (0, 1):
        motion = act.motions[person]
        for side in SIDES:
            over = side == aim if act.chance(0.6) else person == 0
            name = act.pick(*(high if over else low))
            act.touch(person, side, spot(1 - person, name, SIDES[side == "left"]), weight)
            arm = gesture(act.rng, act.frames, [act.pick("W", "out", "out low", "offering"), "loose"])
            # Elbows out and hands bent inwards: arms go round the other, not through.
            arm.swivel += weight * act.uniform(0.3, 0.9)
            arm.wrist -= weight * (arm.wrist + act.uniform(0.4, 0.7))
            motion.arms[side] = arm
        motion.bend[:, 0] += weight * act.uniform(0.08, 0.3)
        motion.head[:, 1] += weight * OUTWARD[aim] * -act.uniform(0.1, 0.35)
        motion.gaze *= 1 - 0.9 * weight
        motion.path[:, 1] += OUTWARD[aim] * (0.07 if person == 0 else -0.07)
    sway = weight * wander(act.rng, act.frames, 0.3, 1.2)
    for person, motion in enumerate(act.motions):
        motion.sway += sway * (1 - 2 * person)


def kick(act: Choreography) -> None:
    """A foot to the shin, thigh or seat of the other, who raises hands or bends."""
    facing(act, act.uniform(0.75, 1.05), 0.0)
    a, b = act.motions
    frames = act.frames
    weight, first, last = act.hold(0.3, 0.12, 0.3)
    side = act.side(left=0.4)
    name = act.pick("shin", "thigh", "thigh", "hip", "seat")
    if name == "seat":
        b.heading += np.pi + act.uniform(-0.5, 0.5)
        b.gaze *= 0.4
    struck = SIDES[(side == "left") != (name == "seat")]
    a.lift[side] = plateau(frames, first - 32, first - 10, last + 8, last + 36)
    pose = act.pick("knee up", "foot back")
    a.leg[side] = np.tile(leg_pose(pose), (frames, 1))
    a.leg[side][:, 3] += weight * (act.uniform(0.1, 0.6) - a.leg[side][:, 3])  # the toes come up on the way
    act.touch(0, side, spot(1, name, struck), weight, limb="foot")
    a.bend += plateau(frames, first - 15, first, last, last + 25)[:, None] * [act.uniform(-0.35, 0.0), 0, 0]
    away = plateau(frames, first - 8, first + 12, last + 15, last + 50)
    b.bend += away[:, None] * [act.uniform(-0.1, 0.6), act.uniform(-0.2, 0.2), act.uniform(-0.4, 0.4)]
    b.crouch += away * act.dip(0.15)
    balance = ("guard", "out low", "out", "W", "reaching down", "loose", "waving")
    for motion in act.motions:
        for arm in SIDES:
            if act.chance(0.7):
                motion.arms[arm] = gesture(act.rng, frames, [act.pick(*balance), act.pick(*balance)])


def push(act: Choreography) -> None:
    """One or two hands to chest, shoulders or back; the other gives way and steps back."""
    facing(act, act.uniform(0.55, 0.9))
    a, b = act.motions
    frames = act.frames
    weight, first, last = act.hold(0.7, 0.25, 0.4)
    name = act.pick("chest", "shoulder", "upper arm", "belly", "upper back")
    if name == "upper back":
        b.heading += np.pi + act.uniform(-0.4, 0.4)
    for side in SIDES if act.chance(0.7) else [act.side()]:
        act.touch(0, side, spot(1, name, side if name == "upper back" else SIDES[side == "left"]), weight)
        a.arms[side] = gesture(act.rng, frames, ["loose", "guard", "forward", "loose"])
    a.bend[:, 0] += weight * act.uniform(0.05, 0.45)
    a.crouch += weight * act.dip(0.12)
    away = ramp(frames, last - 10, last + 40)
    b.path[:, 0] += away * act.uniform(0.1, 0.45)
    fall = plateau(frames, first, last + 5, last + 10, last + 50)
    b.bend[:, 0] += fall * act.uniform(-0.35, 0.1) * (-1 if name == "upper back" else 1)
    b.bend[:, 2] += fall * act.uniform(-0.3, 0.3)
    for side in SIDES:
        if act.chance(0.6):
            b.arms[side] = gesture(act.rng, frames, ["loose", act.pick("out", "W", "out low", "forward"), "loose"])


def posing(act: Choreography) -> None:
    """For the camera: an arm round the shoulders, or each in a pose: dancing, bowing, squatting, on one leg."""
    together = act.chance(0.35)
    if together:
        beside(act, act.uniform(0.42, 0.6), 0.0)
    elif act.chance(0.5):
        beside(act, act.uniform(0.8, 1.1), 0.0)
    else:
        facing(act, act.uniform(0.8, 1.2))
        for motion in act.motions:
            motion.heading += act.uniform(-2.5, 2.5)
    for motion in act.motions:
        strike_pose(act, motion)
    if together:
        weight, _, _ = act.hold(2.4, 1.2)
        spots = ("far shoulder", "upper back", "waist", "lower back")
        act.touch(0, "right", spot(1, act.pick(*spots), "left"), weight)
        if act.chance(0.6):
            act.touch(1, "left", spot(0, act.pick(*spots), "right"), weight)


def strike_pose(act: Choreography, motion: Motion) -> None:
    """Three poses, one after the other, of arms, trunk, knees and possibly a raised leg."""
    rng, frames = act.rng, act.frames
    alike = act.chance(0.4)
    names = {side: [act.pick(*ARM_POSES) for _ in range(3)] for side in SIDES}
    for side in SIDES:
        motion.arms[side] = gesture(rng, frames, names["left" if alike else side])
    times = frames * np.array([0.1, 0.5, 0.9]) + rng.uniform(-12, 12, 3)
    squat = 0.42 * rng.random(3) ** 2 * act.chance(0.6)
    motion.crouch += through(frames, times, squat[:, None])[:, 0]
    bends = rng.normal(0, [0.30, 0.22, 0.35], (3, 3)) + (squat * 0.8 + 0.1)[:, None] * [1, 0, 0]
    bends[:, 0] += 0.9 * rng.random() ** 3
    most = np.column_stack([1.2 - 1.8 * squat, np.full(3, 0.5), np.full(3, 0.7)])  # thighs stay off the chest
    motion.bend += through(frames, times, np.clip(bends, [-0.3, -0.5, -0.7], most))
    motion.gaze *= act.uniform(0, 0.6)
    motion.head += rng.normal(0, [0.2, 0.15, 0.3])
    wider = rng.uniform(1.0, [1.8, 1.9])
    if squat.max() < 0.1 and act.chance(0.45):
        side = act.side()
        pose = leg_pose(act.pick(*LEG_POSES))
        first, last = act.uniform(0.25, 0.4) * frames, act.uniform(0.6, 0.75) * frames
        motion.lift[side] = plateau(frames, first - 35, first, last, last + 35)
        motion.leg[side] = pose + wander(rng, frames, np.array([0.02, 0.02, 0.02, 0.08]))
    else:
        motion.spread = {side: place * wider for side, place in motion.spread.items()}


ACTIONS: dict[str, Callable[[Choreography], None]] = {
    "Grab": grab,
    "Handshake": handshake,
    "Hit": hit,
    "HoldingHands": holding_hands,
    "Hug": hug,
    "Kick": kick,
    "Posing": posing,
    "Push": push,
}


def compose(kind: str, bodies: tuple[Body, Body], frames: int, rng: np.random.Generator) -> Choreography:
    """A choreography of `kind` between two people, the first of whom acts."""
    motions = (idle(rng, frames, 0.0, 0.0), idle(rng, frames, 0.0, np.pi))
    act = Choreography(rng, bodies, motions, frames)
    ACTIONS[kind](act)
    return act
