"""People who are none: false detections, and somebody whom a detector found twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duolift.inputs.similarity import size_of

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class GhostSettings:
    """Who is taken for nobody.

    Attributes:
        fleeting: a person in fewer frames of a video may be a false detection, and is noted.
        long: frames of a video from which on such a person is left out.
        share: of a longer video's frames, in fewer of which a person is left out as well, up to `most` frames.
        most: whoever is in as many frames is never left out for being in few.
        believed: nobody is left out for being in few frames where these make up a larger share of everybody's: then
            people are hard to follow, and no ghosts.
        same: sizes of the person; two people whose joints are on average nearer to each other are one, found twice. On
            312 views of motion capture of two people who dance, greet and lift each other they are never below 0.064.
        often: in at least this share of the frames of one of them.
        joints: that both must show in a frame.
    """

    fleeting: int = 5
    long: int = 50
    share: float = 0.01
    most: int = 10
    believed: float = 0.1
    same: float = 0.05
    often: float = 0.8
    joints: int = 6


GHOSTS = GhostSettings()


def ghosts(keypoints: Array, visible: Flags, identities: Sequence[int], video: bool) -> dict[int, str]:
    """Who is nobody, and why.

    Args:
        keypoints: (frame, person, joint, 2), pixels; anything where a joint is not visible.
        visible: (frame, person, joint).
        identities: (person,).
        video: whether the frames are those of a video.

    Returns:
        identity -> the reason, as part of a sentence.

    >>> one = np.random.default_rng(0).uniform(0, 400, (1, 1, 17, 2))
    >>> people = np.concatenate([one, one + 300.0, one + 3.0], axis=1)
    >>> ghosts(people, np.ones((1, 3, 17), dtype=bool), (4, 5, 6), video=False)
    {6: 'is person 4 once more'}
    """
    there = np.asarray(visible.any(-1))  # (frame, person)
    counts: list[int] = there.sum(0).tolist()
    found = {}
    for index in _fleeting(counts, len(there)) if video else ():
        frames = f"{counts[index]} frame{'s' * (counts[index] > 1)}"
        found[identities[index]] = f"is in {frames} of {len(there)} only"
    rest = [index for index, identity in enumerate(identities) if identity not in found and counts[index]]
    rest.sort(key=lambda index: (-counts[index], -visible[:, index].sum(), index))  # whoever is there most is kept
    kept: list[int] = []
    for index in rest:
        original = next((other for other in kept if _is_twice(keypoints, visible, index, other)), None)
        if original is None:
            kept.append(index)
        else:
            found[identities[index]] = f"is person {identities[original]} once more"
    return found


def fleeting_notes(visible: Flags, identities: Sequence[int]) -> list[str]:
    """Notes on people of a video who are in a few frames only.

    >>> fleeting_notes(np.arange(20)[:, None, None] < 2, (1,))
    ['person 1 is in 2 frames only: it may be nobody']
    """
    counts = visible.any(-1).sum(0)
    return [
        f"person {identity} is in {count} frame{'s' * (count > 1)} only: it may be nobody"
        for identity, count in zip(identities, counts.tolist(), strict=True)
        if 0 < count < GHOSTS.fleeting < len(visible)
    ]


def _fleeting(counts: Sequence[int], frames: int) -> list[int]:
    """Indices of the people who are in too few frames of a long video."""
    if frames < GHOSTS.long:
        return []
    limit = max(GHOSTS.fleeting, min(GHOSTS.share * frames, GHOSTS.most))
    few = {index: count for index, count in enumerate(counts) if 0 < count < limit}
    return [*few] if sum(few.values()) <= GHOSTS.believed * sum(counts) else []


def _is_twice(keypoints: Array, visible: Flags, one: int, other: int) -> bool:
    """Whether a person is the same as another in most of their frames."""
    frames = np.flatnonzero(visible[:, one].any(-1))
    both = visible[frames, one] & visible[frames, other]  # (frame, joint)
    shared = both.sum(-1)
    if (shared >= GHOSTS.joints).sum() < GHOSTS.often * len(frames):
        return False
    apart = np.linalg.norm(keypoints[frames, one] - keypoints[frames, other], axis=-1)
    mean = np.where(both, apart, 0.0).sum(-1) / shared.clip(1)
    sizes = np.array([size_of(keypoints[frame, other], visible[frame, other]) for frame in frames])
    return bool(((shared >= GHOSTS.joints) & (mean < GHOSTS.same * sizes)).sum() >= GHOSTS.often * len(frames))
