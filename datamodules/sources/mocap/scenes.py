"""Takes in stretches, each before cameras of its own.

Random numbers are of a stretch's own name, so that it has the same cameras whatever is read beside it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from datamodules.sources.mocap.company import in_company
from datamodules.sources.mocap.motion import Array
from datamodules.sources.mocap.people import Performance
from datamodules.sources.mocap.settings import MocapConfig
from datamodules.sources.mocap.stretches import stretches
from datamodules.sources.mocap.virtual_cameras import place_cameras
from duolift.body.skeleton import ROOT
from duolift.geometry.cameras import CalibratedCamera


@dataclass(frozen=True)
class Stretch:
    """A part of a take in which people stay about where they are.

    Attributes:
        name: `<subject>/<take> <number>`.
        world: (frame, person, joint, 3), metres, z up.
        views: the cameras (camera,) that film it.
    """

    name: str
    world: Array
    views: CalibratedCamera


def filmed(performances: Sequence[Performance], joints: Sequence[str], settings: MocapConfig) -> Iterator[Stretch]:
    """Takes, subject by subject, in stretches before cameras; who is alone is set down with others of their subject.

    Args:
        performances: the takes of each subject one after the other.
        joints: to film, the pelvis among them.
        settings: of stretches, company and cameras.

    Raises:
        InputError: no camera of these settings has a whole stretch in its picture.
    """
    root = joints.index(ROOT)
    for subject, takes in groupby(performances, lambda take: take.subject):
        cut = [part for take in takes for part in _cut(take, joints, settings)]
        alone = [world[:, 0] for _, world in cut if world.shape[1] == 1]
        for name, world in cut:
            rng = _random(name, settings)
            if world.shape[1] == 1:
                person = world[:, 0]
                others = [other for other in alone if not np.shares_memory(other, person)] or [person]
                world = in_company(person, others, settings.people, settings.apart, root, rng)
            views = place_cameras(world.reshape(-1, 3), settings.cameras, rng, name)
            yield Stretch(f"{subject}/{name}", world, views)


def _cut(take: Performance, joints: Sequence[str], settings: MocapConfig) -> list[tuple[str, Array]]:
    """The name and the world (frame, person, joint, 3) of each stretch of a take."""
    world = take.world(joints)
    longest = max(1, round(settings.longest * take.rate))
    parts = stretches(world[:, :, joints.index(ROOT)], longest, settings.spread)
    return [(f"{take.name} {number}", world[part]) for number, part in enumerate(parts, start=1)]


def _random(name: str, settings: MocapConfig) -> np.random.Generator:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.random.default_rng([settings.seed, int.from_bytes(digest, "big")])
