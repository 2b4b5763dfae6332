"""Frames of one camera, one after the other, as people who keep their index.

Identities are the file's where it tracks people. Elsewhere people are matched from frame to frame by the similarity of
their joints to where the person is expected to be: COCO's object keypoint similarity (OKS,
https://cocodataset.org/#keypoints-eval) with one deviation for all joints, in units of the person's size, and the
assignment with the largest sum (Hungarian method).

A person who is out of sight is expected to go on at the same velocity for a few frames, and to come back to where they
were for some seconds, less and less exactly. So whoever hides somebody else looks like them as well, and yet is who was
there a frame ago. Nor is anybody their legs alone, which a detector may take for a person of their own.

No 2D joints are made up for frames in which somebody is out of sight: they are missing, and the notes say so. A long
video comes in chunks, in each of which people have the index of their first appearance; their identity is the same in
all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, count, groupby

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.inputs.detections import JOINTS, Detections, Frame, sample_of
from duolift.inputs.similarity import joint_similarities

Array = NDArray[np.float64]

RATE = 30.0
"""Frames a second in which time is counted here. The frames of slower films, and of files that say no rate, count as
one each."""

SHORTEST = 0.25
"""Frames at `RATE` that a frame counts at least: how far off joints are detected has an end as well."""


@dataclass(frozen=True)
class TrackingSettings:
    """How people are followed.

    Checked on motion capture of two people who dance, lift and greet each other, and on real detections (Shelf): see
    `docs/formats.md`. `back` and `least_back` were chosen on 32 views of the first, of people who are lost for half a
    second to three seconds, again and again.

    Attributes:
        chunk: frames that are held at once.
        gap: frames at `RATE` that a person may be out of sight and still be the same: a third of a second.
        back: frames at `RATE` after which a person who comes back to where they were, in about the same pose, is still
            the same.
        least_back: the similarity that this takes, with joints as far off as after a gap.
        deviation: of a joint from where it is expected in the next frame, in sizes of the person (diagonals of the
            box around their joints).
        least_similarity: of one person in two frames. Joints that all are off by 2.1 deviations have it.
        close_call: two people could have been confused where exchanging them lowers the similarities by less than this.
            That of somebody who is gone counts less, as their place is less certain.
        first_unnamed: number of the first person whom a file that tracks people leaves without a number.
    """

    chunk: int = 1000
    gap: int = 10
    back: int = 90
    least_back: float = 0.5
    deviation: float = 0.15
    least_similarity: float = 0.1
    close_call: float = 0.1
    first_unnamed: int = 1_000_000


TRACKING = TrackingSettings()


def counted(rate: float | None) -> float:
    """As how many frames at `RATE` each frame of a video counts.

    Args:
        rate: its frames a second, where known.

    >>> counted(60), counted(25), counted(None)
    (0.5, 1.0, 1.0)
    """
    return min(1.0, RATE / rate) if rate else 1.0


def track(
    frames: Iterable[Frame], chunk: int = TRACKING.chunk, gap: int = TRACKING.gap, rate: float | None = None
) -> Iterator[Detections]:
    """Give people an index that they keep: images that stand alone one by one, videos in chunks.

    Args:
        frames: those of a video one after the other; asked for as they are needed, a chunk and one frame at a time.
        chunk: frames of a video that come at once, at most.
        gap: frames at `RATE` that a person may be out of sight and still be the same.
        rate: frames a second of the videos; None for what the frames say.

    Raises:
        ValueError: chunk is below 1, or gap below 0.
        InputError: the frames of a video differ in size.

    >>> body = np.arange(2.0 * len(JOINTS)).reshape(len(JOINTS), 2)
    >>> def frame(number, *places):  # people at places, in that order
    ...     people = np.stack([body + np.array(place) for place in places])
    ...     return Frame(str(number), "clip", people, np.ones(people.shape[:-1]))
    >>> (detections,) = track([frame(0, (0, 0), (200, 0)), frame(1, (202, 0), (1, 0))])
    >>> detections.keypoints[:, :, 0, 0]  # (frame, person): the pelvis, across
    array([[  0., 200.],
           [  1., 202.]])
    """
    if chunk < 1 or gap < 0:
        raise ValueError(f"chunk is {chunk} and gap {gap}: expected at least 1 and 0")
    for video, consecutive in groupby(frames, key=lambda frame: frame.video):
        if not video:
            yield from (_stacked([frame], [_identities(frame)], []) for frame in consecutive)
            continue
        tracker = Tracker(gap)
        held: list[Frame] = []
        for frame in consecutive:
            held.append(frame)
            if len(held) > chunk:  # one frame more than a chunk tells that this chunk is not the last
                yield _chunk(held[:-1], tracker, rate)
                held = held[-1:]
        yield _chunk(held, tracker, rate)


def _chunk(frames: list[Frame], tracker: "Tracker", rate: float | None) -> Detections:
    tracker.notes = _Notes()
    identities = [tracker.follow(frame, _elapsed(frame, rate)) for frame in frames]
    notes = [*tracker.notes.sentences()]
    tracker.forget()
    return _stacked(frames, identities, notes)


def _elapsed(frame: Frame, rate: float | None) -> float:
    """How long after the one before a frame of a file comes, in frames at `RATE`."""
    of_video = rate or frame.rate
    return counted(of_video / frame.step if of_video else None)


def _identities(frame: Frame) -> tuple[int, ...]:
    return frame.identities or tuple(range(1, len(frame.keypoints) + 1))


def _stacked(frames: list[Frame], identities: list[tuple[int, ...]], notes: list[str]) -> Detections:
    """Frames as arrays in which each identity has one index.

    Args:
        identities: (frame,), of the people of each frame.
    """
    everybody = tuple(dict.fromkeys(identity for of_frame in identities for identity in of_frame))
    keypoints = np.zeros((len(frames), len(everybody), len(JOINTS), 2))
    confidence = np.zeros(keypoints.shape[:-1])
    index = {identity: number for number, identity in enumerate(everybody)}
    for number, (frame, of_frame) in enumerate(zip(frames, identities, strict=True)):
        columns = [index[identity] for identity in of_frame]
        keypoints[number, columns], confidence[number, columns] = frame.keypoints, frame.confidence
    return Detections(
        video=frames[0].video,
        names=tuple(frame.name for frame in frames),
        keypoints=keypoints,
        confidence=confidence,
        identities=everybody,
        image=_one_size(frames),
        focal=next((frame.focal for frame in frames if frame.focal is not None), None),
        rate=next((frame.rate for frame in frames if frame.rate is not None), None),
        step=max(frame.step for frame in frames),
        detected=sample_of(frame.detected for frame in frames),
        notes=(*dict.fromkeys(note for frame in frames for note in frame.notes), *notes, *_hardly_seen(frames)),
    )


def _hardly_seen(frames: list[Frame]) -> Iterator[str]:
    """Notes on people who are not sure enough, and on nobody."""
    faint = [value for frame in frames for value in frame.faint]
    low = [value for frame in frames for value in frame.low_scores]
    nobody = not any(len(frame.keypoints) for frame in frames)
    threshold = max(frame.threshold for frame in frames)
    found = "nobody was found"
    if seen := [value for value in faint if value > 0]:
        poses = f"{len(seen)} pose{'s' * (len(seen) > 1)} {'are' if len(seen) > 1 else 'is'} left out"
        lower = np.floor(100 * max(seen) + 1e-6) / 100
        reason = f"too few joints reach the threshold of {threshold:g} (--threshold {lower:g} takes the surest in)"
        found = f"{found}: {poses}, of which {reason}" if nobody else f"{poses}: {reason}"
    if nobody or seen:
        yield found
    if low:
        yield (
            f"the scores of {len(low)} pose{'s' * (len(low) > 1)} are as low as {min(low):.2g}, below the threshold of "
            f"{threshold:g} (--threshold): they are kept, since most of their joints are sure"
        )


def _one_size(frames: list[Frame]) -> tuple[float, float] | None:
    sizes = list(dict.fromkeys(frame.image for frame in frames if frame.image is not None))
    if len(sizes) > 1:
        other = next(frame.name for frame in frames if frame.image == sizes[1])
        raise InputError(
            f"{frames[0].video}: image {other} has {sizes[1]} pixels and those before {sizes[0]}; "
            "expected one size, as one camera has"
        )
    return sizes[0] if sizes else None


@dataclass
class _Track:
    """A person as last seen, each joint by itself: of whom only the legs are found, the rest is where it was.

    Attributes:
        identity: their number.
        time, number: when they were last seen, in frames at `RATE`, and in which of the frames.
        keypoints: (joint, 2), pixels, where joints were last seen.
        seen: (joint,), when that was; minus infinity where a joint never was.
        velocity: (2,), pixels a frame at `RATE`, of all joints together.
        count: frames in which they were seen.
    """

    identity: int
    time: float
    number: int
    keypoints: Array
    seen: Array
    velocity: Array = field(default_factory=lambda: np.zeros(2))
    count: int = 0

    @classmethod
    def begun(cls, identity: int, time: float, number: int, keypoints: Array) -> "_Track":
        """Of somebody of whom nothing is known yet."""
        return cls(identity, time, number, keypoints, np.full(len(keypoints), -np.inf))

    def see(self, time: float, number: int, keypoints: Array, confidence: Array) -> None:
        """Take over where the person is now. Velocity is averaged with the one before, which halves its noise."""
        now = confidence > 0
        both = now & (self.seen == self.time)
        if both.any() and time > self.time:
            moved = (keypoints[both] - self.keypoints[both]).mean(0) / (time - self.time)
            self.velocity = moved if self.count < 2 else (self.velocity + moved) / 2
        self.time, self.number, self.count = time, number, self.count + 1
        self.keypoints = np.where(now[:, None], keypoints, self.keypoints)
        self.seen = np.where(now, time, self.seen)


def _compared(tracks: list[_Track], frame: Frame, time: float, gap: int) -> tuple[Array, Array]:
    """How similar each person of a frame is to each track's, 0 to 1, and how likely to be them, (track, person) each.

    Similar is OKS over the joints that both have, and less where these are fewer than half of what either shows: which
    ones a detector sees changes from frame to frame, but somebody's legs are not yet somebody. Likely is less where a
    joint is not expected as exactly as one that was seen a frame ago.

    Args:
        time: of the frame.
        gap: frames at `RATE` that a person may be out of sight and still be the same. What was seen longer ago is
            expected where it was, as nobody keeps a velocity.
    """
    if not tracks:
        nobody = np.zeros((0, len(frame.keypoints)))
        return nobody, nobody
    places = np.array([one.keypoints for one in tracks])  # (track, joint, 2)
    velocities = np.array([one.velocity for one in tracks])  # (track, 2)
    elapsed = time - np.array([one.seen for one in tracks])  # (track, joint)
    known = elapsed <= time - np.array([[one.time] for one in tracks]) + gap + 1
    elapsed = np.where(known, elapsed, 1.0)
    expected = places + velocities[:, None] * (elapsed * (elapsed <= gap + 1))[..., None]  # (track, joint, 2)
    spread = np.minimum(elapsed, gap + 1) ** 0.5  # of a random walk, until the end of a gap
    here, there = known.astype(np.float64), frame.confidence  # (track, joint), (person, joint)
    near = joint_similarities(
        expected[:, None], here[:, None], frame.keypoints, there, TRACKING.deviation * spread[:, None]
    )  # (track, person, joint)
    shared = here @ (there > 0).T  # (track, person)
    most = np.maximum(here.sum(-1)[:, None], (there > 0).sum(-1))
    part = np.minimum(2 * shared / most.clip(1), 1) / shared.clip(1)
    return part * near.sum(-1), part * (near / spread[:, None]).sum(-1)


class Tracker:
    """The people of one video, frame by frame.

    Args:
        gap: frames at `RATE` that a person may be out of sight and still be the same, wherever they come back.

    >>> people = np.stack([np.arange(50.0).reshape(25, 2) + place for place in (0, 200)])
    >>> both, one = Frame("0", "", people, np.ones((2, 25))), Frame("1", "", people[1:], np.ones((1, 25)))
    >>> tracker = Tracker(gap=10)
    >>> tracker.follow(both), tracker.follow(one)
    ((1, 2), (2,))
    """

    def __init__(self, gap: int) -> None:
        self.gap, self.back = gap, max(gap, TRACKING.back)
        self.time, self.number = 0.0, 0
        self.tracks: dict[int, _Track] = {}  # identity -> track
        self.notes = _Notes()
        self._file_tracks = False
        self._unnamed = count(1)

    def follow(self, frame: Frame, elapsed: float = 1.0) -> tuple[int, ...]:
        """The identities of the next frame's people.

        Args:
            elapsed: since the frame before, in frames at `RATE`; no less than `SHORTEST` counts.
        """
        self.time, self.number = self.time + max(elapsed, SHORTEST), self.number + 1
        near = [one for one in self.tracks.values() if self.time - one.time <= self.back + 1]
        similar, likely = _compared(near, frame, self.time, self.gap)
        short = np.array([self.time - one.time <= self.gap + 1 for one in near], dtype=bool)
        least = np.where(short, TRACKING.least_similarity, TRACKING.least_back)
        matches = _matches(likely, similar >= least[:, None])
        matched = {person: near[row].identity for person, row in matches.items()}
        if frame.identities is None:
            people = range(len(frame.keypoints))
            identities = tuple(matched[p] if p in matched else next(self._unnamed) for p in people)
            self._note_close_calls(frame, near, likely, matches)
        else:
            identities = frame.identities
            if not self._file_tracks:
                self._file_tracks, self._unnamed = True, count(TRACKING.first_unnamed)
            self._note_switches(frame, identities, matched)
        for identity, keypoints, confidence in zip(identities, frame.keypoints, frame.confidence, strict=True):
            self._see(identity, keypoints, confidence)
        return identities

    def _see(self, identity: int, keypoints: Array, confidence: Array) -> None:
        one = self.tracks.get(identity)
        if one is None:
            self.tracks[identity] = one = _Track.begun(identity, self.time, self.number, keypoints)
        elif missed := self.number - one.number - 1:
            self.notes.gaps.setdefault(identity, []).append(missed)
        one.see(self.time, self.number, keypoints, confidence)

    def _note_close_calls(self, frame: Frame, near: list[_Track], likely: Array, matches: dict[int, int]) -> None:
        """Note pairs who fit each other's tracks nearly as well as their own."""
        for (one, row), (other, other_row) in combinations(matches.items(), 2):
            kept = likely[row, one] + likely[other_row, other]
            exchanged = likely[row, other] + likely[other_row, one]
            if kept - exchanged < TRACKING.close_call:
                first, second = sorted((near[row].identity, near[other_row].identity))
                self.notes.close_calls.setdefault((first, second), []).append(frame.name)

    def _note_switches(self, frame: Frame, identities: tuple[int, ...], matched: dict[int, int]) -> None:
        """Note people to whom the file gives the number of somebody else who is also there."""
        for person, before in matched.items():
            now = identities[person]
            if before != now and now in self.tracks and before in identities:
                self.notes.switches.setdefault((now, before), []).append(frame.name)

    def forget(self) -> None:
        """Drop people who have been gone for too long to come back."""
        self.tracks = {i: one for i, one in self.tracks.items() if self.time - one.time <= self.back}


def _matches(likely: Array, alike: NDArray[np.bool_]) -> dict[int, int]:
    """Person -> track, of the likeliest assignment.

    Args:
        likely: (track, person), how likely the person is to be the track's.
        alike: (track, person), whether it can be.
    """
    from scipy.optimize import linear_sum_assignment  # 0.3 s, which files of single images need not wait for

    rows, columns = linear_sum_assignment(-np.where(alike, likely, 0.0))
    return {int(person): int(row) for row, person in zip(rows, columns, strict=True) if alike[row, person]}


@dataclass
class _Notes:
    """What there is to say of a chunk.

    Attributes:
        gaps: identity -> lengths of the gaps in which the person was out of sight, frames.
        close_calls: pair of identities -> names of the frames in which they could have been confused.
        switches: the file's number and the one by similarity -> names of the frames in which they differ.
    """

    gaps: dict[int, list[int]] = field(default_factory=dict)
    close_calls: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    switches: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    def sentences(self) -> Iterator[str]:
        for identity, gaps in sorted(self.gaps.items()):
            frames = f"{sum(gaps)} frame{'s' * (sum(gaps) > 1)}"
            yield f"person {identity} is out of sight for {frames} in {len(gaps)} gap{'s' * (len(gaps) > 1)}"
        for (one, other), names in sorted(self.close_calls.items()):
            yield f"people {one} and {other} could be taken for each other in {_listed(names)}"
        for (one, other), names in sorted(self.switches.items()):
            where = f"person {one} looks like person {other} before, in {_listed(names)}"
            yield f"{where}: the file may switch them (--track anew goes by where people are)"


def _listed(names: Sequence[str]) -> str:
    return f"frame {names[0]}" if len(names) == 1 else f"{len(names)} frames, the first {names[0]}"
