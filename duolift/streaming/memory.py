"""What is kept of everybody's past: some poses, evenly spaced over the time in which somebody was seen.

Camera, sizes and bones are the same in all frames, so that frames of long ago tell as much of them as those of now; and
frames that follow each other tell the same twice. A person's poses are therefore kept once in a span of time, and where
there are too many of them, every second one is dropped and spans are twice as long from then on.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from duolift.motion.quadratic import Array
from duolift.streaming.rows import Row


@dataclass(frozen=True)
class MemoryLimits:
    """How much is kept.

    Attributes:
        poses: of a person, at most; half as many from the second doubling on, at least.
        spacing: seconds that they are apart, at first: a third of `duolift.placement.standing.STILL`.
        people: who are kept, at most, or all of one frame: those who were seen last.
    """

    poses: int = 40
    spacing: float = 0.1
    people: int = 16


MEMORY_LIMITS = MemoryLimits()


@dataclass
class Pose:
    """One person in one frame.

    Attributes:
        pixels: (joint, 2), as far as they are settled.
        visible: (joint,).
        noise: what is left of the deviation of the visible joints, head lengths.
        row: the person as lifted (`duolift.streaming.rows`).
        body: (joint, 3), the person as given out, over how large they were taken to be; None where they were not yet.
        deviation: (joint,), how far off joints were expected to be in their body, over the same.
    """

    pixels: Array
    visible: NDArray[np.bool_]
    noise: float
    row: Row
    body: Array | None = None
    deviation: Array | None = None


@dataclass
class Past:
    """A person's poses by their times, and the span of which one is kept."""

    spacing: float
    poses: dict[float, Pose] = field(default_factory=dict)
    seen: float = -np.inf


class Memory:
    """Everybody's past.

    >>> nowhere = Pose(np.zeros((19, 2)), np.ones(19, dtype=bool), 0.02, np.zeros(61, dtype=np.float32))
    >>> memory = Memory(MemoryLimits(poses=4, spacing=1.0))
    >>> for time in np.arange(0.0, 8.0, 0.5):
    ...     kept = memory.see(1, float(time), nowhere)
    >>> [*memory.people[1].poses]
    [0.0, 2.0, 4.0, 6.0]
    """

    def __init__(self, limits: MemoryLimits = MEMORY_LIMITS) -> None:
        self.limits = limits
        self.people: dict[int, Past] = {}

    def see(self, identity: int, time: float, pose: Pose) -> bool:
        """Whether a pose was taken in: whether it is the first of its span."""
        past = self.people.setdefault(identity, Past(self.limits.spacing))
        past.seen = time
        last = next(reversed(past.poses), -np.inf)
        if np.floor(time / past.spacing) <= np.floor(last / past.spacing):
            return False
        past.poses[time] = pose
        while len(past.poses) > self.limits.poses:
            past.spacing *= 2
            first = {np.floor(when / past.spacing): when for when in reversed(past.poses)}
            past.poses = {when: past.poses[when] for when in sorted(first.values())}
        oldest = min(self.people, key=lambda one: self.people[one].seen)
        if len(self.people) > self.limits.people and self.people[oldest].seen < time:
            del self.people[oldest]
        return True

    @property
    def times(self) -> list[float]:
        """Of all poses, ascending."""
        return sorted({time for past in self.people.values() for time in past.poses})

    @property
    def spacing(self) -> float:
        """Seconds from one of these times to the next, on the mean."""
        times = self.times
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else self.limits.spacing
