"""One take of the embedded set: an act of two people is drawn and played until it is sound, cut and set down.

World frame: z up, metres; 50 frames a second; pixels.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from datamodules.sources.chi3d import IMAGE
from datamodules.synthetic.actions import compose
from datamodules.synthetic.bodies import SIDES, Array, Body, dot, human
from datamodules.synthetic.choreography import FPS, Choreography, play
from duolift.body.skeleton import CHI3D25
from duolift.geometry.cameras import CalibratedCamera


@dataclass(frozen=True)
class Soundness:
    """What a take has to be like, chosen by looking at takes: nobody cut off by the image, nobody inside the other.

    Attributes:
        margin: of every joint from the image's edge, pixels.
        nearest: depth of every joint, metres.
        pelvises, trunks: least distance between the two people's pelvises, and any joints of their trunks, metres.
        trunk_radius: of the tube that no elbow, wrist, knee or ankle may enter, metres.
        miss: how far a hand may be from what it touches, metres.
        shortest_act: frames that are played at least, however few are kept.
        attempts: acts that are drawn at most for one take.
    """

    margin: float = 6.0
    nearest: float = 1.0
    pelvises: float = 0.27
    trunks: float = 0.20
    trunk_radius: float = 0.08
    miss: float = 0.03
    shortest_act: int = 160
    attempts: int = 200


SOUND = Soundness()
TRUNK, LIMBS = ("pelvis", "spine", "neck"), ("elbow", "wrist", "knee", "ankle")


@dataclass(frozen=True)
class SyntheticTake:
    """A take.

    Attributes:
        joints: (2, frame, 25, 3), metres.
        contact: first and last frame of contact, or None where the two never touch.
    """

    joints: Array
    contact: tuple[int, int] | None


def record(
    kind: str, bodies: tuple[Body, Body], cameras: CalibratedCamera, frames: int, rng: np.random.Generator
) -> SyntheticTake:
    """One take of `kind`: acts are drawn until one is sound."""
    for _ in range(SOUND.attempts):
        act = compose(kind, bodies, max(frames + 40, SOUND.shortest_act), rng)
        joints, touching, reached = stage(act)
        if not reached:
            continue
        start = cut(touching, frames, rng)
        joints, touching = joints[:, start : start + frames], touching[start : start + frames]
        joints = settle(joints, rng)
        if human(joints, FPS) and sound(joints, cameras) and touching.any() == bool(act.touches):
            contact = np.flatnonzero(touching)
            return SyntheticTake(joints, (int(contact[0]), int(contact[-1])) if len(contact) else None)
    raise RuntimeError(f"no sound take of {kind} in {SOUND.attempts} acts")


def stage(act: Choreography) -> tuple[Array, NDArray[np.bool_], bool]:
    """Play an act: joints (2, frame, 25, 3), where the two touch, (frame,), and whether all hands got there."""
    figures = play(act)
    touching, reached = np.zeros(act.frames, dtype=bool), True
    for touch in act.touches:
        limb = figures[touch.person].joints[f"{touch.side}_{'hand' if touch.limb == 'hand' else 'toe'}"]
        miss = np.linalg.norm(limb - touch.target(figures), axis=-1)
        held = touch.weight > 0.999
        touching |= held
        reached &= bool(miss[held].max(initial=0) < SOUND.miss)
    return np.stack([figure.stack() for figure in figures]), touching, reached


def cut(touching: NDArray[np.bool_], frames: int, rng: np.random.Generator) -> int:
    """The first frame of a stretch of `frames`; it shows some of the contact, if there is any."""
    last = len(touching) - frames
    contact = np.flatnonzero(touching)
    if not len(contact):
        return int(rng.integers(0, last + 1))
    some = min(12, len(contact), frames)
    low, high = np.clip([contact[0] + some - frames, contact[-1] - some + 1], 0, last)
    return int(rng.integers(low, high + 1))


def settle(joints: Array, rng: np.random.Generator) -> Array:
    """Put the pair near the middle of the stage, facing anywhere."""
    middle = joints[:, :, CHI3D25.root_index].mean((0, 1)) * [1.0, 1.0, 0.0]
    turn = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi)).as_matrix()
    return (joints - middle) @ turn.T + [*rng.uniform(-0.12, 0.12, 2), 0.0]


def sound(joints: Array, cameras: CalibratedCamera) -> bool:
    """Whether both people are inside every camera's image and neither is inside the other."""
    points = cameras.to_camera(torch.from_numpy(joints.reshape(1, -1, 3)))
    pixels = cameras.project(points)
    inside = (pixels > SOUND.margin) & (pixels < torch.tensor(IMAGE) - SOUND.margin)
    seen = bool(inside.all() and (points[..., 2] > SOUND.nearest).all())
    trunks = joints[:, :, CHI3D25.indices(TRUNK)]
    pelvises = np.linalg.norm(trunks[0, :, 0] - trunks[1, :, 0], axis=-1).min()
    apart = np.linalg.norm(trunks[0, :, :, None] - trunks[1, :, None], axis=-1).min()
    return seen and pelvises > SOUND.pelvises and apart > SOUND.trunks and depth_in_trunks(joints) < 0.0


def depth_in_trunks(joints: Array) -> float:
    """How deep the deepest elbow, wrist, knee or ankle is inside the tube that is somebody's trunk; metres."""
    limbs = joints[:, :, CHI3D25.indices(f"{side}_{name}" for side in SIDES for name in LIMBS)]
    points = limbs.transpose(1, 0, 2, 3).reshape(1, joints.shape[1], -1, 1, 3)
    trunks = joints[:, :, None, CHI3D25.indices((*TRUNK, "head_top"))]  # (person, frame, 1, joint, 3)
    start, bone = trunks[..., :-1, :], np.diff(trunks, axis=-2)
    along = np.clip(dot(points - start, bone) / dot(bone, bone), 0, 1)
    return float(SOUND.trunk_radius - np.linalg.norm(points - start - along * bone, axis=-1).min())
