"""Bodies as flat shapes to fill: what the volumes of `duolift.outputs.volumes` look like from somewhere.

A view is how points come onto a picture: `(..., 3)` metres in, `(..., 4)` out: across, up, towards the viewer, and how
large a metre looks there. Everything far is drawn first, and each part with a dark edge and a lighter middle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.outputs.colours import colours_of, darker, lighter, rgb
from duolift.outputs.volumes import BODY_SHAPE, Limb, has_torso, limbs, torso_rings

View = Callable[[NDArray[np.floating]], NDArray[np.float64]]
"""Points (..., 3), metres -> (..., 4): across, up, towards the viewer, and how large a metre is in the picture."""

Points = NDArray[np.float64]
Pair = tuple[str, str]
"""The two colours of a person."""

AROUND = 14
"""Corners of half a circle."""

IN_FRONT = 2.5
"""Half a head's widths by which it counts as nearer than its middle, so that it hides the neck."""

FILLED = 0.35
"""Opacity of what was filled in."""

LAYERS = ((1.0, 0.0, darker, 0.3), (1.0, 0.0, lighter, 0.0), (0.72, 0.1, lighter, 0.1), (0.4, 0.2, lighter, 0.22))
"""How large each layer of a part is, how far it lies towards the light, in radii, and how its colour is changed."""

LIGHT = np.array([-0.6, 0.8])
"""The light comes from there, in the picture."""


@dataclass(frozen=True)
class Part:
    """A part of a body in a picture.

    >>> Part([np.zeros((3, 2))], [(1.0, 0.0, 0.0, 1.0)], towards=2.0).towards
    2.0

    Attributes:
        outlines: one a layer, (corner, 2), from below to above.
        colours: of the layers, red, green, blue and opacity from 0 to 1.
        towards: how near to the viewer it is.
    """

    outlines: list[NDArray[np.float64]]
    colours: list[tuple[float, float, float, float]]
    towards: float


class BodyPainter:
    """Draws people of a skeleton as parts.

    Args:
        skeleton: of everybody.
        scale: (person,), see `duolift.outputs.volumes.scale_of`.
        edge: how much wider the darkest layer is, in the picture's units.

    >>> from duolift import Scene
    >>> scene = Scene.example()
    >>> def front(points):
    ...     return np.concatenate([points, np.ones_like(points[..., :1])], axis=-1)
    >>> parts = BodyPainter(scene.skeleton, np.ones(2), 0.01).parts(scene.world()[0], scene.seen[0], front)
    >>> len(parts), parts[0].towards < parts[-1].towards
    (30, True)
    """

    def __init__(self, skeleton: Skeleton, scale: NDArray[np.floating], edge: float) -> None:
        self.skeleton, self.scale, self.edge = skeleton, scale, edge
        self.limbs: Sequence[Limb] = limbs(skeleton)
        self._starts = [limb.start for limb in self.limbs]
        self._ends = [limb.end for limb in self.limbs]
        self._radii = np.array([limb.radii for limb in self.limbs]).reshape(-1, 2)

    def parts(self, people: NDArray[np.floating], seen: NDArray[np.bool_], view: View) -> list[Part]:
        """The parts of everybody, the furthest first.

        Args:
            people: (person, joint, 3), metres; NaN for who is absent.
            seen: (person, joint); what is drawn from a joint that was filled in is pale.
            view: how points come onto the picture.
        """
        present = np.flatnonzero(np.isfinite(people).all((-1, -2)))
        if not len(present):
            return []
        poses, seen, scale = (
            people[present].astype(np.float64),
            seen[present],
            np.asarray(self.scale[present], np.float64),
        )
        pairs = [colours_of(person) for person in present.tolist()]
        found = self._limbs(poses, seen, scale, pairs, view)
        if "head" in self.skeleton.joints:
            found += self._heads(poses, seen, scale, pairs, view)
        if has_torso(self.skeleton):
            found += self._torsos(poses, seen, scale, pairs, view)
        return sorted(found, key=lambda part: part.towards)

    def _limbs(
        self, poses: Points, seen: NDArray[np.bool_], scale: Points, pairs: Sequence[Pair], view: View
    ) -> list[Part]:
        shown = view(poses)  # (person, joint, 4)
        start, end = shown[:, self._starts], shown[:, self._ends]  # (person, limb, 4)
        outlines = self._layered(start, end, self._radii * scale[:, None, None])
        sure = seen[:, self._starts] & seen[:, self._ends]
        towards = (start[..., 2] + end[..., 2]) / 2
        return [
            _part(outlines[person, number], pair[limb.left], bool(sure[person, number]), towards[person, number])
            for person, pair in enumerate(pairs)
            for number, limb in enumerate(self.limbs)
        ]

    def _heads(
        self, poses: Points, seen: NDArray[np.bool_], scale: Points, pairs: Sequence[Pair], view: View
    ) -> list[Part]:
        head, top = (self.skeleton.index(name) for name in ("head", "head_top"))
        wide = BODY_SHAPE.head * scale  # (person,)
        along = poses[:, top] - poses[:, head]
        middle = poses[:, head] + BODY_SHAPE.head_at * along
        tip = along * ((BODY_SHAPE.head_length - 1) * wide / np.maximum(_length(along), 1e-9))[:, None]
        start, end = view(middle - tip)[:, None], view(middle + tip)[:, None]  # (person, 1, 4)
        outlines = self._layered(start, end, np.repeat(wide[:, None, None], 2, axis=-1))
        towards = (start[..., 2] + end[..., 2])[:, 0] / 2 + IN_FRONT * wide
        sure = seen[:, head] | seen[:, top]
        return [
            _part(outlines[person, 0], pair[0], bool(sure[person]), towards[person])
            for person, pair in enumerate(pairs)
        ]

    def _layered(self, start: Points, end: Points, radii: Points) -> Points:
        """The layers' outlines of capsules, (person, limb, layer, corner, 2).

        Args:
            start, end: (person, limb, 4), in a view.
            radii: (person, limb, 2), metres at both.
        """
        radii = radii * np.stack([start[..., 3], end[..., 3]], axis=-1)
        sizes, shifts, edges = self._layers()
        starts, ends = (
            place[..., None, :2] + shifts * radii[..., None, [side]] for side, place in enumerate((start, end))
        )  # (person, limb, layer, 2)
        first, second = (sizes * radii[..., None, side] + edges for side in (0, 1))
        return capsules(starts, ends, first, second)

    def _torsos(
        self, poses: Points, seen: NDArray[np.bool_], scale: Points, pairs: Sequence[Pair], view: View
    ) -> list[Part]:
        centre, across, ahead = torso_rings(poses, self.skeleton, scale)  # (person, ring, 3) each
        middle = view(centre)
        sides = [view(centre + axis)[..., :2] - middle[..., :2] for axis in (across, ahead)]
        spine = np.gradient(middle[..., :2], axis=-2)
        spine /= np.maximum(_length(spine), 1e-9)[..., None]
        normal = np.stack([-spine[..., 1], spine[..., 0]], axis=-1)
        half = np.sqrt(sum((side * normal).sum(-1) ** 2 for side in sides))  # of each ring, as far as it is seen
        outlines = []
        for size, shift, edge in zip(*self._layers(), strict=True):
            reach = (size * half + edge)[..., None] * normal
            ring = middle[..., :2] + 0.5 * half[..., None] * shift
            below, above = ring[:, :1] - edge * spine[:, :1], ring[:, -1:] + edge * spine[:, -1:]
            outlines.append(np.concatenate([ring + reach, above, (ring - reach)[:, ::-1], below], axis=1))
        layers = np.stack(outlines, axis=1)  # (person, layer, corner, 2)
        joints = self.skeleton.indices(("right_hip", "left_hip", "right_shoulder", "left_shoulder"))
        sure, towards = np.asarray(seen[:, joints].all(-1)), middle[..., 2].mean(-1)
        return [
            _part(layers[person], pair[0], bool(sure[person]), towards[person]) for person, pair in enumerate(pairs)
        ]

    def _layers(self) -> tuple[Points, Points, Points]:
        """Of each layer how large it is, (layer,), how far it is shifted, (layer, 2), and its edge, (layer,)."""
        sizes, towards = (np.array([layer[column] for layer in LAYERS]) for column in (0, 1))
        edges = np.where(np.arange(len(LAYERS)) == 0, self.edge, 0.0)
        return sizes, towards[:, None] * LIGHT, edges


def capsules(start: Points, end: Points, radius: Points, other: Points) -> Points:
    """The outlines round pairs of discs, (..., corner, 2); of a disc within the other it is the larger one.

    Args:
        start, end: (..., 2), the discs' middles.
        radius, other: (...,), their radii.

    >>> capsules(np.zeros(2), np.array([2.0, 0.0]), np.array(1.0), np.array(1.0)).max(0).round(2)
    array([2.99, 1.  ])
    """
    within = np.abs(radius - other) >= _length(end - start)
    middle, most = np.where(np.expand_dims(radius >= other, -1), start, end), np.maximum(radius, other)
    start, end = (np.where(np.expand_dims(within, -1), middle, place) for place in (start, end))
    radius, other = (np.where(within, most, size) for size in (radius, other))
    along = end - start
    direction = np.expand_dims(np.arctan2(along[..., 1], along[..., 0]), -1)
    slope = np.clip((radius - other) / np.maximum(_length(along), 1e-12), -1, 1)
    lean = np.expand_dims(np.arccos(slope), -1)  # of the common tangent
    steps = np.linspace(0, 1, AROUND)
    far = direction - lean + 2 * lean * steps
    near = direction + lean + (2 * np.pi - 2 * lean) * steps
    arcs = [
        place[..., None, :] + np.expand_dims(size, (-1, -2)) * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        for place, size, turn in ((end, other, far), (start, radius, near))
    ]
    return np.concatenate(arcs, axis=-2)


def _part(outlines: Points, colour: str, seen: bool, towards: float) -> Part:
    if not seen:  # one layer, which is seen through
        return Part([outlines[1]], [_rgba(colour, FILLED)], float(towards))
    return Part([*outlines], [_rgba(change(colour, share)) for _, _, change, share in LAYERS], float(towards))


def _length(vectors: Points) -> Points:
    return np.asarray(np.linalg.norm(vectors, axis=-1))


@cache
def _rgba(colour: str, opacity: float = 1.0) -> tuple[float, float, float, float]:
    red, green, blue = rgb(colour)
    return red / 255, green / 255, blue / 255, opacity
