"""Everybody in a take: their files read, thinned, checked and put into one world."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.sources.mocap.asf_amc import read_amc, read_asf
from datamodules.sources.mocap.bodies import body_of, refuse_swapped_sides
from datamodules.sources.mocap.bvh import read_bvh
from datamodules.sources.mocap.files import AMC, Recording, skeleton_file
from datamodules.sources.mocap.motion import Array, Motion
from datamodules.sources.mocap.settings import MocapConfig
from duolift.errors import InputError


@dataclass(frozen=True)
class Performance:
    """A take's people.

    Attributes:
        subject: whose take it is, as it was asked for.
        name: of the take, within the subject.
        bodies: of each person, joint -> (frame, 3), metres, z up; as many frames of all.
        rate: frames a second.
    """

    subject: str
    name: str
    bodies: Sequence[dict[str, Array]]
    rate: float

    def world(self, joints: Sequence[str]) -> Array:
        """Some of the joints, (frame, person, joint, 3)."""
        return np.stack([np.stack([body[joint] for joint in joints], axis=1) for body in self.bodies], axis=1)


def performance_of(recording: Recording, settings: MocapConfig) -> Performance:
    """Read a take: the frames in which everybody is posed.

    Raises:
        InputError: a file is not as its format has it, or is no person's motion, or people do not fit together.
    """
    motions = [_motion(capture, settings) for capture in recording.captures]
    names = " and ".join(map(str, recording.captures))
    counts = [len(motion) for motion in motions]
    if max(counts) - min(counts) > 1 or len({round(motion.rate, 2) for motion in motions}) > 1:
        found = " and ".join(f"{len(motion)} frames, {motion.rate:.4g} a second" for motion in motions)
        raise InputError(f"{names}: people of one take have {found}; expected as many of all")
    frames = min(counts)
    posed = np.all([motion.turned[:frames] for motion in motions], axis=0)
    if not posed.any():
        raise InputError(f"{names}: no joint is turned in any frame; expected motion")
    bodies = []
    for motion, capture in zip(motions, recording.captures, strict=True):
        body = {joint: places[:frames][posed] for joint, places in body_of(motion, capture, settings).items()}
        refuse_swapped_sides(body, capture)
        bodies.append(body)
    return Performance(recording.subject, recording.name, bodies, motions[0].rate)


def _motion(capture: Path, settings: MocapConfig) -> Motion:
    if capture.suffix.lower() == AMC:
        return read_amc(capture, read_asf(skeleton_file(capture)), settings.amc_rate, settings.rate)
    return read_bvh(capture, settings.rate)
