"""The frames of the last moment: people's keypoints over time, and what was lifted of them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from duolift.motion.keypoints import tracked
from duolift.motion.quadratic import Array
from duolift.streaming.rows import Row


@dataclass
class Sighting:
    """One person in one frame.

    Attributes:
        pixels: (joint, 2), as they were detected.
        visible: (joint,).
        size: of a head length, pixels.
        track: (joint, 2), pixels by the frames around as far as they have come.
        known: (joint,), whether a joint has a track there.
        noise: what is left of the deviation of the visible joints, head lengths.
        row: the person as lifted; None where they are to be lifted (anew).
        points: (joint, 3), metres, where the joints were found to be last; None before.
    """

    pixels: Array
    visible: NDArray[np.bool_]
    size: float
    track: Array
    known: NDArray[np.bool_]
    noise: float
    row: Row | None = None
    points: Array | None = None


@dataclass
class Moment:
    """One frame.

    Attributes:
        name: of the image.
        time: seconds.
        people: who is there, by identity.
        given: whether it was given out; nothing of it changes any more.
        firmness: how far off what was given out may be (`duolift.motion.terms.given`), metres.
    """

    name: str
    time: float
    people: dict[int, Sighting]
    given: bool = False
    firmness: float = np.inf


@dataclass(frozen=True)
class WindowLimits:
    """How much is kept.

    Attributes:
        past: seconds before the frame that is given out.
        frames: at most.
        felt: seconds for which a frame before is felt, where it was not given out firmly.
        firm: metres that a frame which was given out firmly may be off.
    """

    past: float = 0.6
    frames: int = 64
    felt: float = 0.3
    firm: float = 0.003


WINDOW_LIMITS = WindowLimits()


@dataclass
class Window:
    """The frames from a moment before the one that is given out to the newest one.

    Attributes:
        noise: deviation of the detector's joints, head lengths.
        lag: seconds that frames are held back, at most.
        usual: seconds from a frame to the next, until some have come.

    >>> window = Window(noise=0.02, lag=0.2, usual=0.1)
    >>> for number in range(5):
    ...     window.add(Moment(str(number), 0.1 * number, {}))
    >>> [moment.name for moment in window.due()]  # with the next frame, another one would be 0.3 s late
    ['0', '1', '2']
    """

    noise: float
    lag: float
    usual: float
    moments: list[Moment] = field(default_factory=list)
    limits: WindowLimits = WINDOW_LIMITS

    def add(self, moment: Moment) -> None:
        """The newest frame comes, and those that are too old go."""
        self.moments.append(moment)
        spare, oldest = len(self.moments) - self.limits.frames, moment.time - self.lag - self.limits.past
        old = (m.given and (m.time < oldest or number < spare) for number, m in enumerate(self.moments))
        self.moments = [m for m, gone in zip(self.moments, [*old], strict=True) if not gone]

    @property
    def interval(self) -> float:
        """Seconds from a frame to the next, as a rule."""
        return float(np.median(np.diff(self.times))) if len(self.moments) > 1 else self.usual

    @property
    def times(self) -> Array:
        """(frame,), seconds."""
        return np.array([moment.time for moment in self.moments])

    @property
    def identities(self) -> tuple[int, ...]:
        """Of everybody who is in any of the frames."""
        return tuple(dict.fromkeys(identity for moment in self.moments for identity in moment.people))

    def due(self) -> list[Moment]:
        """The frames that would be late with the next one, in order."""
        latest = self.moments[-1].time - self.lag + (1 - 1e-3) * self.interval
        held = len(self.moments) - self.limits.frames // 2
        return [
            moment
            for number, moment in enumerate(self.moments)
            if not moment.given and (moment.time <= latest or number < held)
        ]

    def latest(self) -> list[Moment]:
        """The frames that are not given out yet, and those before from which everybody goes on: two that were given out
        as firmly as can be, or what there is of the last moment."""
        firm: dict[int, int] = {}
        latest, oldest = [], self.moments[-1].time - self.lag - self.limits.felt
        for moment in reversed(self.moments):
            if not moment.given or any(firm.get(identity, 0) < 2 for identity in moment.people):
                latest.append(moment)
            if moment.given and (moment.firmness <= self.limits.firm or moment.time < oldest):
                firm |= {identity: firm.get(identity, 0) + 1 for identity in moment.people}
        return latest[::-1]

    def track(self) -> None:
        """Find everybody's keypoints over time, in the frames that were not given out."""
        identities = self.identities
        if not identities:
            return
        joints = next(iter(next(m for m in self.moments if m.people).people.values())).visible.shape[0]
        pixels = np.zeros((len(self.moments), len(identities), joints, 2))
        visible, size = np.zeros(pixels.shape[:-1], dtype=bool), np.full(pixels.shape[:2], np.nan)
        for frame, moment in enumerate(self.moments):
            for identity, seen in moment.people.items():
                place = frame, identities.index(identity)
                pixels[place], visible[place], size[place] = seen.pixels, seen.visible, seen.size
        steps = np.diff(self.times, prepend=self.times[0] - self.interval)
        found = tracked(pixels, visible, size, self.noise, self.interval, steps)
        for frame, moment in enumerate(self.moments):
            for identity, seen in () if moment.given else moment.people.items():
                place = frame, identities.index(identity)
                seen.track, seen.known, seen.noise = found.pixels[place], found.visible[place], found.noise[place]
                seen.row = None
