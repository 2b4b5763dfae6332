"""People in one space: what lifting gives, and what every output is written from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton

OF_PEOPLE = ("people", "by_paper", "seen", "confidence", "keypoints")
"""Fields of a `Scene` with axes (frame, person)."""

STRAIGHT = 1e-6
"""Sine of the angle between a view and the vertical, below which it is vertical."""


@dataclass(frozen=True)
class Scene:
    """People of one camera in one space, frame by frame.

    Lengths are metres, as long as people are of average stature: an image does not tell sizes. Two frames of
    coordinates: the camera's (x right, y down, z forward), and the scene's (x right, y up, z towards the camera; the
    origin on the ground below the camera), see `scene`.

    Attributes:
        skeleton: of the people.
        names: (frame,), of the images.
        identities: (person,), what the people are called.
        people: (frame, person, joint, 3), camera's coordinates; NaN for a person who is not in a frame.
        by_paper: (frame, person, joint, 3), the same by the paper's placement.
        seen: (frame, person, joint), whether a joint was detected; the others were filled in.
        confidence: (frame, person), 0 to 1, of a person's place; 0 for one who is not in a frame.
        up: (frame, 3), unit vector, camera's coordinates.
        height: (frame,), of the camera above the ground.
        keypoints: (frame, person, joint, 2), the 2D poses in pixels that were lifted; NaN where nothing was seen.
        image: width and height of the images in pixels.
        focal: focal length in pixels.
        focal_source: `known`, `people` or `default`.
        rate: frames a second; None for images that stand alone.
        notes: fallbacks and doubts, in words.
    """

    skeleton: Skeleton
    names: tuple[str, ...]
    identities: tuple[int, ...]
    people: NDArray[np.float32]
    by_paper: NDArray[np.float32]
    seen: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    up: NDArray[np.float32]
    height: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    image: tuple[float, float]
    focal: float
    focal_source: str
    rate: float | None = None
    notes: tuple[str, ...] = ()

    def of(self, people: Sequence[int]) -> Self:
        """Some of the people, by their indices, in all frames."""
        chosen = {name: getattr(self, name)[:, list(people)] for name in OF_PEOPLE}
        return replace(self, identities=tuple(self.identities[i] for i in people), **chosen)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The parts of one video, one after the other; who is not in a part is absent from its frames.

        The camera is that of the first part with somebody in it.
        """
        first = next((part for part in parts if part.present.any()), parts[0])
        identities = tuple(dict.fromkeys(identity for part in parts for identity in part.identities))
        together: dict[str, Any] = {}
        for name in OF_PEOPLE:
            shape, kind = getattr(parts[0], name).shape[2:], getattr(parts[0], name).dtype
            absent = np.nan if name in ("people", "by_paper", "keypoints") else 0
            together[name] = np.full((sum(len(p.names) for p in parts), len(identities), *shape), absent, kind)
        start = 0
        for part in parts:
            frames = slice(start, start + len(part.names))
            places = [identities.index(identity) for identity in part.identities]
            for name, values in together.items():
                values[frames, places] = getattr(part, name)
            start = frames.stop
        return replace(
            first,
            names=tuple(name for part in parts for name in part.names),
            identities=identities,
            up=np.concatenate([part.up for part in parts]),
            height=np.concatenate([part.height for part in parts]),
            notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
            **together,
        )

    def bridged(self, gap: int) -> Self:
        """Whoever is out of sight for up to `gap` frames moves straight from where they were to where they come back.

        Their confidence stays 0, and no joint counts as seen.
        """
        people, by_paper = self.people.copy(), self.by_paper.copy()
        for person, there in enumerate(self.present.T):
            frames = np.flatnonzero(there)
            for last, back in pairwise(frames):
                if 1 < back - last <= gap + 1:
                    share = (np.arange(last + 1, back) - last)[:, None, None] / (back - last)
                    for placed in (people, by_paper):
                        before, after = placed[last, person], placed[back, person]
                        placed[last + 1 : back, person] = before + share * (after - before)
        return replace(self, people=people, by_paper=by_paper)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether a person is in a frame, (frame, person)."""
        return np.asarray(np.isfinite(self.people).all((-1, -2)))

    def scene(self, people: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """People (frame, person, joint, 3), `people` unless told otherwise, in the scene's coordinates."""
        placed = np.einsum("fij,fpkj->fpki", scene_axes(self.up), self.people if people is None else people)
        placed[..., 1] += self.height[:, None, None]
        return placed.astype(np.float32)


def scene_axes(up: NDArray[np.floating]) -> NDArray[np.float64]:
    """The scene's axes x, y and z as rows, camera's coordinates, (..., 3, 3), for `up` (..., 3).

    A camera that looks straight up or down has its own x for the scene's.
    """
    up = np.asarray(up, np.float64)
    up = up / np.linalg.norm(up, axis=-1, keepdims=True)
    right = np.cross([0.0, 0.0, 1.0], up)
    length = np.linalg.norm(right, axis=-1, keepdims=True)
    right = np.where(length > STRAIGHT, right / np.maximum(length, STRAIGHT), [1.0, 0.0, 0.0])
    return np.stack([right, up, np.cross(right, up)], axis=-2)


def to_camera(
    scene: NDArray[np.floating], up: NDArray[np.floating], height: NDArray[np.floating]
) -> NDArray[np.float32]:
    """The other way: people (frame, person, joint, 3) from the scene's coordinates to the camera's."""
    below = np.asarray(scene, np.float64) - height[:, None, None, None] * np.array([0.0, 1.0, 0.0])
    return np.einsum("fji,fpkj->fpki", scene_axes(up), below).astype(np.float32)
