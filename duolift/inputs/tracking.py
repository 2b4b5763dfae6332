"""Frames of one camera, one after the other, as people who keep their index.

Who is who is the file's word where it tracks people. Where it does not, people are matched from frame to frame by how
near their joints are to where the person is expected, in units of the person's size: COCO's object keypoint similarity,
with one deviation for all joints, and the assignment that is best for all (Hungarian).

Whoever is out of sight for a few frames is expected where they were going. Nothing is made up in 2D for those frames:
their joints are missing there, and the notes say so. A long video comes in chunks; in each, people have the index of
their first sight in it, and their identity is the same throughout.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, count, groupby

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.inputs.detections import JOINTS, Detections, Frame

Array = NDArray[np.float64]

CHUNK = 1000
"""Frames that are held at once."""

GAP = 10
"""Frames that a person may be out of sight and still be the same."""

DEVIATION = 0.15
"""How far a joint strays from where it is expected from one frame to the next, in sizes of the person."""

SAME = 0.1
"""The least similarity of one person in two frames."""

CLOSE_CALL = 0.1
"""Two people could be taken for each other where their changing places costs less similarity than this."""

UNNAMED = 1_000_000
"""From here on people are numbered whom a file that tracks people leaves without a number."""

FEW = 5
"""Whoever is in fewer frames of a video may be no person."""


@dataclass
class _Track:
    """A person as last seen: in which frame, where (joint, 2), (joint,), and how fast (2,), pixels a frame."""

    identity: int
    frame: int
    keypoints: Array
    confidence: Array
    velocity: Array = field(default_factory=lambda: np.zeros(2))
    first: int = 0
    count: int = 0

    def see(self, frame: int, keypoints: Array, confidence: Array) -> None:
        both = (confidence > 0) & (self.confidence > 0)
        if both.any() and frame > self.frame:
            moved = (keypoints[both] - self.keypoints[both]).mean(0) / (frame - self.frame)
            self.velocity = moved if self.count < 2 else (self.velocity + moved) / 2
        self.frame, self.keypoints, self.confidence, self.count = frame, keypoints, confidence, self.count + 1


@dataclass
class _Notes:
    """What there is to tell of a chunk: who was out of sight for how many frames, who could have been whom."""

    gaps: dict[int, list[int]] = field(default_factory=dict)
    doubts: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    switches: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    def sentences(self) -> Iterator[str]:
        for identity, gaps in sorted(self.gaps.items()):
            frames = f"{sum(gaps)} frame{'s' * (sum(gaps) > 1)}"
            yield f"person {identity} is out of sight for {frames} in {len(gaps)} gap{'s' * (len(gaps) > 1)}"
        for (one, other), names in sorted(self.doubts.items()):
            yield f"people {one} and {other} could be taken for each other in {_listed(names)}"
        for (one, other), names in sorted(self.switches.items()):
            yield f"person {one} looks like person {other} before, in {_listed(names)}: the file may switch them"


def _listed(names: Sequence[str]) -> str:
    return f"frame {names[0]}" if len(names) == 1 else f"{len(names)} frames, the first {names[0]}"


class _Tracker:
    """The people of one video, frame by frame."""

    def __init__(self, gap: int) -> None:
        self.gap, self.frame, self.named = gap, -1, False
        self.tracks: dict[int, _Track] = {}
        self.notes = _Notes()
        self._unnamed = count(1)

    def follow(self, frame: Frame) -> tuple[int, ...]:
        """The identities of a frame's people."""
        from scipy.optimize import linear_sum_assignment

        self.frame += 1
        near = [t for t in self.tracks.values() if self.frame - t.frame <= self.gap + 1]
        alike = np.array([self._similarities(track, frame) for track in near]).reshape(len(near), len(frame.keypoints))
        rows, columns = linear_sum_assignment(-np.where(alike >= SAME, alike, 0.0))
        matched = {int(c): int(r) for r, c in zip(rows, columns, strict=True) if alike[r, c] >= SAME}
        known = {person: near[row].identity for person, row in matched.items()}
        if frame.identities is None:
            people = range(len(frame.keypoints))
            found = tuple(known[person] if person in known else next(self._unnamed) for person in people)
            self._doubt(frame, near, alike, matched)
        else:
            found = frame.identities
            if not self.named:
                self.named, self._unnamed = True, count(UNNAMED)
            self._compare(frame, found, known)
        for identity, keypoints, confidence in zip(found, frame.keypoints, frame.confidence, strict=True):
            track = self.tracks.get(identity)
            if track is None:
                self.tracks[identity] = track = _Track(identity, self.frame, keypoints, confidence, first=self.frame)
            elif self.frame - track.frame > 1:
                self.notes.gaps.setdefault(identity, []).append(self.frame - track.frame - 1)
            track.see(self.frame, keypoints, confidence)
        return found

    def _similarities(self, track: _Track, frame: Frame) -> Array:
        """(person,), 0 to 1: the mean over the joints that both have."""
        elapsed = self.frame - track.frame
        expected = track.keypoints + track.velocity * elapsed
        both = (frame.confidence > 0) & (track.confidence > 0)  # (person, joint)
        sizes = np.array([max(_size(track.keypoints, track.confidence), _size(k, c)) for k, c in _people(frame)])
        off = np.linalg.norm(frame.keypoints - expected, axis=-1) / (DEVIATION * elapsed**0.5 * sizes[:, None])
        return (np.exp(-0.5 * off**2) * both).sum(-1) / both.sum(-1).clip(1)

    def _doubt(self, frame: Frame, near: list[_Track], alike: Array, matched: dict[int, int]) -> None:
        """Notes who could change places."""
        for (one, row), (other, other_row) in combinations(matched.items(), 2):
            kept, changed = alike[row, one] + alike[other_row, other], alike[row, other] + alike[other_row, one]
            if kept - changed < CLOSE_CALL:
                first, second = sorted((near[row].identity, near[other_row].identity))
                self.notes.doubts.setdefault((first, second), []).append(frame.name)

    def _compare(self, frame: Frame, found: tuple[int, ...], known: dict[int, int]) -> None:
        """Notes where the file calls somebody known what it called somebody else."""
        for person, before in known.items():
            if before != found[person] and found[person] in self.tracks and before in found:
                self.notes.switches.setdefault((found[person], before), []).append(frame.name)

    def forget(self) -> None:
        """Drops those who have not been seen for long, but for what the file calls them."""
        self.tracks = {i: track for i, track in self.tracks.items() if self.frame - track.frame <= self.gap}

    def fleeting(self, last: bool) -> list[str]:
        """Of those who are gone, who was hardly there."""
        gone = [t for t in self.tracks.values() if last or self.frame - t.frame > self.gap]
        return [
            f"person {t.identity} is in {t.count} frame{'s' * (t.count > 1)} only: it may be nobody"
            for t in gone
            if t.count < FEW <= self.frame
        ]


def detections(frames: Iterable[Frame], chunk: int = CHUNK, gap: int = GAP) -> Iterator[Detections]:
    """People who keep their index: an image that stands alone by itself, a video in chunks.

    Args:
        frames: those of a video one after the other; they are asked for as they are needed, a chunk at a time.
        chunk: frames of a video that come at once.
        gap: frames that a person may be out of sight and still be the same.

    Raises:
        ValueError: chunk or gap is too small.
        InputError: a video's frames are of different sizes.
    """
    if chunk < 1 or gap < 0:
        raise ValueError(f"chunk is {chunk} and gap {gap}: expected at least 1 and 0")
    for video, consecutive in groupby(frames, key=lambda frame: frame.video):
        if not video:
            yield from (_together([frame], [_identities(frame)], []) for frame in consecutive)
            continue
        tracker = _Tracker(gap)
        held: list[Frame] = []
        for frame in consecutive:
            held.append(frame)
            if len(held) > chunk:
                yield _chunk(held[:-1], tracker, last=False)
                held = held[-1:]
        yield _chunk(held, tracker, last=True)


def _chunk(frames: list[Frame], tracker: _Tracker, last: bool) -> Detections:
    tracker.notes = _Notes()
    found = [tracker.follow(frame) for frame in frames]
    notes = [*tracker.notes.sentences(), *tracker.fleeting(last)]
    tracker.forget()
    return _together(frames, found, notes)


def _identities(frame: Frame) -> tuple[int, ...]:
    return frame.identities or tuple(range(1, len(frame.keypoints) + 1))


def _together(frames: list[Frame], found: list[tuple[int, ...]], notes: list[str]) -> Detections:
    identities = tuple(dict.fromkeys(identity for identities in found for identity in identities))
    keypoints = np.zeros((len(frames), len(identities), len(JOINTS), 2))
    confidence = np.zeros(keypoints.shape[:-1])
    index = {identity: number for number, identity in enumerate(identities)}
    for number, (frame, people) in enumerate(zip(frames, found, strict=True)):
        places = [index[identity] for identity in people]
        keypoints[number, places], confidence[number, places] = frame.keypoints, frame.confidence
    return Detections(
        video=frames[0].video,
        names=tuple(frame.name for frame in frames),
        keypoints=keypoints,
        confidence=confidence,
        identities=identities,
        image=_one_image(frames),
        focal=next((frame.focal for frame in frames if frame.focal is not None), None),
        notes=(*notes, *(["nobody was found"] if not identities else [])),
    )


def _one_image(frames: list[Frame]) -> tuple[float, float] | None:
    sizes = list(dict.fromkeys(frame.image for frame in frames if frame.image is not None))
    if len(sizes) > 1:
        other = next(frame.name for frame in frames if frame.image == sizes[1])
        raise InputError(
            f"{frames[0].video}: image {other} has {sizes[1]} pixels and those before {sizes[0]}; "
            "expected one size, as one camera has"
        )
    return sizes[0] if sizes else None


def _people(frame: Frame) -> Iterator[tuple[Array, Array]]:
    yield from zip(frame.keypoints, frame.confidence, strict=True)


def _size(keypoints: Array, confidence: Array) -> float:
    """Pixels: the diagonal of the box around the joints that are seen, at least 1."""
    seen = keypoints[confidence > 0]
    return max(1.0, float(np.linalg.norm(np.ptp(seen, axis=0)))) if len(seen) else 1.0
