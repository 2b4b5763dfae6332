"""What is the same in all frames, settling as evidence gathers: the camera, everybody's size, and their bones.

All of it is what `duolift.placement.fit` and `duolift.motion` make of the poses that are kept (`Memory`). Nothing that
was given out changes, so that what is used follows what is believed over a fraction of a second: nobody jumps.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duolift.camera import Camera
from duolift.geometry.lifted import Lifted
from duolift.lens import Lens
from duolift.levelled import LEVEL, lifted_once
from duolift.motion.fit import GIVES, usual_lengths
from duolift.motion.quadratic import Array
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement.fit import FitPlacement, Settled
from duolift.placement.interface import FocalSource, Placed, SceneCameras
from duolift.placement.standing import STILL, Standing, independent
from duolift.placement.stature import Statures, metres_per_unit
from duolift.placement.up import roll_by
from duolift.placement.upright import known_up
from duolift.streaming.memory import Memory, Pose
from duolift.streaming.rows import Row, from_rows, to_rows

EASE = STILL
"""Seconds in which what is used comes closer to what is believed by two thirds: those that tell something new."""

FOCAL_AFTER = 2.0
"""Seconds of people after which they are asked for the focal length, and again each time that has doubled."""


@dataclass(frozen=True)
class Known:
    """What holds for the frames of now.

    Attributes:
        identities: of the people of whom something is known.
        settled: camera and sizes, of one sequence; the people as `identities`.
        metres: how long the unit of `settled` is.
    """

    identities: tuple[int, ...]
    settled: Settled
    metres: float

    def eased(self, target: "Known", share: float) -> "Known":
        """These values, closer to others by a share; whoever is new has theirs at once."""
        held = {identity: number for number, identity in enumerate(self.identities)}
        numbers = [held.get(identity, -1) for identity in target.identities]
        was, now = self.settled.people, target.settled.people

        def between(old: Tensor, new: Tensor) -> Tensor:
            known = torch.tensor([number >= 0 for number in numbers], device=new.device)
            return torch.where(known, old[..., [max(number, 0) for number in numbers]].lerp(new, share), new)

        people = replace(now, sizes=between(was.sizes, now.sizes), usual=between(was.usual, now.usual))
        up = torch.nn.functional.normalize(self.settled.up.lerp(target.settled.up, share), dim=-1)
        metres = self.metres ** (1 - share) * target.metres**share
        height = self.settled.height.lerp(target.settled.height, share)
        return Known(target.identities, replace(target.settled, up=up, people=people, height=height), metres)

    def of(self, identities: Sequence[int]) -> Settled:
        """Camera and sizes, with these people in this order."""
        numbers = [self.identities.index(identity) for identity in identities]
        people = self.settled.people
        names = ("sizes", "variance", "usual", "always")
        chosen = {name: getattr(people, name)[..., numbers] for name in names}
        return replace(self.settled, people=Standing(**chosen, evidence=people.evidence))

    def size(self, identity: int) -> float:
        """How large a person is, metres."""
        return self.metres * math.exp(float(self.settled.people.sizes[0, self.identities.index(identity)]))


class Settling:
    """What is known of a camera and of the people before it.

    Args:
        people: lifts everybody.
        camera: what the user knows of the camera.
        stature: of people, as far as it is known.
        lens: as it is taken to be until people tell another.
    """

    def __init__(self, people: PeopleLifter, camera: Camera, stature: Statures, lens: Lens) -> None:
        self.people, self.camera, self.stature = people, camera, stature
        self.assumed = self.lens = lens
        self.roll = 0.0
        self.placement, self.memory = FitPlacement(settles=0.0), Memory()
        self.known: Known | None = None
        self._target: Known | None = None
        self._like: Lifted | None = None
        self._stale, self._time, self._first, self._ask = False, -math.inf, math.inf, FOCAL_AFTER

    def lifted(self, pixels: Array, visible: NDArray[np.bool_], noise: Array, lens: Lens | None = None) -> Lifted:
        """People (frame, person, joint) as the lens shows them."""
        lens, device = lens or self.lens, self.people.mean_pose.device
        rays = lens.rays(torch.as_tensor(np.where(visible[..., None], pixels, 0.0), dtype=torch.float32).to(device))
        seen = torch.as_tensor(visible, device=device)
        off = torch.as_tensor(noise, dtype=torch.float32).to(device)

        def lift(rays: Tensor) -> Lifted:
            return self.people(rays, seen, off)

        found = lifted_once(lift, rays, rays.new_full((len(rays),), self.roll)) if self.roll else lift(rays)
        self._like = replace(found, root_rows=lens.rows(found.root_rays))
        return self._like

    def from_rows(self, rows: Row, valid: NDArray[np.bool_]) -> Lifted:
        """People who were lifted before."""
        assert self._like is not None
        return from_rows(rows, valid, self._like)

    def see(self, identity: int, time: float, pose: Pose) -> bool:
        """Whether a person's pose tells something that was not known, and is kept."""
        self._first = min(self._first, time)
        kept = self.memory.see(identity, time, pose)
        self._stale |= kept
        return kept

    def settle(self, time: float) -> bool:
        """Bring what is known to a time; whether people are to be lifted anew.

        They are where the lens is another one now, or the camera turns out to be rolled (`duolift.levelled`).
        """
        other = rolled = False
        if self._stale:
            if self.lens.source != FocalSource.KNOWN and time - self._first >= self._ask:
                self._ask = 2 * (time - self._first)
                other = self._ask_for_focal()
            self._target, self._stale = self._believed(), False
            rolled = self._take_roll(self._target)
            if rolled:
                self._lift_anew()
                self._target = self._believed()
        if self._target is not None:
            share = 1 - math.exp(-(time - self._time) / EASE)
            self.known = self._target if self.known is None or other else self.known.eased(self._target, share)
        self._time = time
        return other or rolled

    def placed(self, lifted: Lifted, identities: Sequence[int], interval: float) -> Placed:
        """People in metres.

        Args:
            lifted: (frame, person) of the last frames.
            identities: of the people.
            interval: seconds from a frame to the next.
        """
        assert self.known is not None
        cameras = SceneCameras(torch.zeros_like(lifted.valid[:, 0], dtype=torch.long), interval=interval)
        placed, metres = self.placement.placed(lifted, cameras, self.known.of(identities)), self.known.metres
        return replace(
            placed, people=metres * placed.people, height=metres * placed.height, depth=metres * placed.depth
        )

    def lengths(self, identity: int) -> tuple[Array, float] | None:
        """Lengths of a person's bones, metres, and how far off they may be; None before anything is known of them."""
        assert self.known is not None
        poses = [pose for pose in self.memory.people[identity].poses.values() if pose.body is not None]
        if not poses:
            return None
        bodies, deviation = (np.stack([getattr(pose, name) for pose in poses]) for name in ("body", "deviation"))
        worth = 1 + independent(self.memory.people[identity].spacing) * (len(poses) - 1)
        lengths = usual_lengths(bodies, deviation, self.people.skeleton)
        return self.known.size(identity) * lengths, max(GIVES[-1], GIVES[0] / math.sqrt(worth))

    def _believed(self) -> Known:
        lifted = self._remembered({id(pose): pose.row for _, _, pose in self._poses()})
        sequence = torch.zeros_like(lifted.valid[:, 0], dtype=torch.long)
        cameras = SceneCameras(sequence, known_up(self.camera.tilt, lifted), self.memory.spacing)
        settled = self.placement.settled(lifted, cameras)
        placed = self.placement.placed(lifted, cameras, settled)
        identities = tuple(self.memory.people)
        stature = self.stature.among(identities).to(lifted.bodies)
        metres = metres_per_unit(placed.people, lifted.valid, lifted.skeleton, True, stature)
        return Known(identities, settled, float(metres[0]))

    def _poses(self) -> list[tuple[float, int, Pose]]:
        """All that are kept, with their time and their person's number."""
        people = enumerate(self.memory.people.values())
        return [(time, number, pose) for number, past in people for time, pose in past.poses.items()]

    def _remembered(self, rows: Mapping[int, Row]) -> Lifted:
        """The poses that are kept, (time, person), by what was lifted of each (`id`)."""
        poses, times = self._poses(), self.memory.times
        frame = {time: number for number, time in enumerate(times)}
        size = len(next(iter(rows.values())))
        packed = np.zeros((len(times), len(self.memory.people), size), dtype=np.float32)
        valid = np.zeros(packed.shape[:2], dtype=bool)
        for time, number, pose in poses:
            packed[frame[time], number], valid[frame[time], number] = rows[id(pose)], True
        return self.from_rows(packed, valid)

    def _ask_for_focal(self) -> bool:
        """Let all poses that are kept tell the focal length; whether it is another one now."""
        before, lifted = self.lens.focal, self._remembered(self._lifted_anew(self.assumed))
        self.lens = self.assumed.told(lifted, self.memory.spacing)
        if self.lens.focal == before:
            return False
        self._lift_anew()
        return True

    def _take_roll(self, believed: Known) -> bool:
        """Take the camera to be rolled as is believed; whether that is another roll than before."""
        roll = float(roll_by(believed.settled.up[0]))
        other = abs(roll - self.roll) > LEVEL
        self.roll = roll if other else self.roll
        return other

    def _lift_anew(self) -> None:
        """Lift all poses that are kept once more."""
        rows = self._lifted_anew(self.lens)
        for _, _, pose in self._poses():
            pose.row = rows[id(pose)]

    def _lifted_anew(self, lens: Lens) -> dict[int, Row]:
        """All poses that are kept (`id`) as a lens shows them."""
        poses = [pose for _, _, pose in self._poses()]
        pixels, visible, noise = (
            np.stack([getattr(pose, name) for pose in poses])[:, None] for name in ("pixels", "visible", "noise")
        )
        rows = to_rows(self.lifted(pixels, visible, noise, lens))
        return {id(pose): row[0] for pose, row in zip(poses, rows, strict=True)}
