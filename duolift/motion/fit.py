"""A person's joints over a video, from all that is known of them at once.

The energy is the sum of `duolift.motion.terms.TERMS`, and is minimised by Gauss and Newton's method. Long videos are
solved in pieces which overlap by more than a frame is felt; memory does not grow with them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.geometry.bones import either_side
from duolift.motion.evidence import NEVER_EXACT, Evidence
from duolift.motion.quadratic import Array, Quadratic
from duolift.motion.terms import TERMS, Term

GIVES = (0.03, 0.01, 0.003)
"""Metres, the deviations of a bone's length in turn. In the end bones are constant to a percent; on the way there they
settle on lengths that all frames can have."""

STEPS = 2
"""Of Gauss and Newton's method, each time."""

PIECE = 300
"""Frames that are solved at once."""

FELT = 2.0
"""Seconds on either side of a piece that are solved with it, and then left out: a frame is felt for a fifth of one."""


USUAL = 0.05
"""Metres that joints are taken to be off where the lifter does not say."""


def people_in_motion(
    points: Array,
    rays: Array,
    seen: Array,
    noise: Array,
    deviation: Array,
    there: Array,
    skeleton: Skeleton,
    interval: float,
    cameras: tuple[Array, Array] | None = None,
) -> Array:
    """Everybody over a video, one after the other, piece by piece in double precision whatever is given.

    Args:
        points: (frame, person, joint, 3), as they were lifted and placed; metres, in a static frame or the world.
        rays: (frame, person, joint, 2), slopes of the rays through their keypoints.
        seen: (frame, person, joint), whether there is a keypoint.
        noise: (frame, person), deviation of a keypoint at the person's distance, metres.
        deviation: (frame, person, joint), how far off a joint is expected to be in its body, metres; NaN where that is
            not known.
        there: (frame, person), whether a person is in a frame.
        skeleton: of everybody.
        interval: seconds from a frame to the next.
        cameras: rotations (frame, 3, 3) from the world, and positions in it (frame, 3), where points are in the world.

    Returns:
        as points; unchanged where somebody is not there.
    """
    moving = points.copy()
    for person in range(points.shape[1]):
        present = there[:, person] > 0
        if present.sum() < 3:
            continue
        (frames,) = present.nonzero()
        span = slice(frames[0], frames[-1] + 1)
        at, present = (span, person), present[span]
        usual = points[at][present].mean(0, dtype=np.float64).astype(points.dtype)
        body = np.where(present[:, None, None], points[at], usual)
        known = evidence_of(body, rays[at], seen[at], noise[at], deviation[at], present, skeleton, interval)
        if cameras is not None:
            known = replace(known, rotation=cameras[0][span], centre=cameras[1][span])
        body = fitted(known)
        for gives in GIVES:
            lengths = usual_lengths(body[present], known.deviation[present], skeleton)
            body = fitted(replace(known, lengths=lengths, gives=gives), body)
        moving[at] = np.where(present[:, None, None], body, points[at])
    return moving


def evidence_of(
    points: Array,
    rays: Array,
    seen: Array,
    noise: Array,
    deviation: Array,
    there: NDArray[np.bool_],
    skeleton: Skeleton,
    interval: float,
    steps: Array | None = None,
) -> Evidence:
    """What is known of one person, whose bones may have any length; arguments as of `people_in_motion`.

    >>> from duolift.body.skeleton import PAPER19
    >>> one, still = np.ones((9, 19)), np.ones((9, 19, 3))
    >>> evidence_of(still, still[..., :2], one, one[:, 0], one, one[:, 0] > 0, PAPER19, 0.1).gives
    inf
    """
    return Evidence(
        skeleton=skeleton,
        points=points,
        rays=np.where(there[:, None, None], rays, 0.0),
        seen=(seen > 0) & there[:, None],
        across=np.where(there, noise, 1.0).clip(min=NEVER_EXACT),
        deviation=np.where(np.isfinite(deviation), deviation, USUAL),
        there=there,
        lengths=np.zeros(len(skeleton.bones)),
        gives=np.inf,
        interval=interval,
        steps=steps,
    )


def usual_lengths(points: Array, deviation: Array, skeleton: Skeleton) -> Array:
    """The lengths (bone,) of a person's bones, by bodies (frame, joint, 3): the left as long as the right.

    Bones whose ends are expected to be off (frame, joint) count for less.

    >>> from duolift.body.skeleton import PAPER19
    >>> usual_lengths(np.ones((5, 19, 3)), np.ones((5, 19)), PAPER19).shape
    (18,)
    """
    children, parents = (list(ends) for ends in skeleton.bone_ends)
    some = range(0, len(points), PIECE)
    length = np.concatenate([_lengths(points[at : at + PIECE], children, parents) for at in some])  # (frame, bone)
    variance = np.square(deviation, dtype=np.float64)
    weight = 1 / (variance[:, children] + variance[:, parents]).clip(min=1e-6)
    side = np.array(either_side(skeleton))
    usual = {s: _weighted_median(length[:, side == s].ravel(), weight[:, side == s].ravel()) for s in set(side)}
    return np.array([usual[s] for s in side])


def _lengths(points: Array, children: list[int], parents: list[int]) -> Array:
    return np.asarray(np.linalg.norm(points[:, children] - points[:, parents], axis=-1))


def _weighted_median(values: Array, weights: Array) -> float:
    order = values.argsort()
    share = weights[order].cumsum()
    return float(values[order][np.searchsorted(share, share[-1] / 2)])


def fitted(known: Evidence, start: Array | None = None, terms: Mapping[str, Term] = TERMS) -> Array:
    """Where the joints are, (frame, joint, 3), metres.

    Args:
        known: of the person.
        start: (frame, joint, 3), where to begin; None for where they were lifted.
        terms: of the energy.

    >>> from duolift.body.skeleton import PAPER19
    >>> random = np.random.default_rng(0)
    >>> body = random.normal(0, 0.3, (19, 3)) + [0, 0, 4]
    >>> shown = body + random.normal(0, 0.05, (40, 19, 3))
    >>> child, parent = PAPER19.bone_ends
    >>> lengths = np.linalg.norm(body[list(child)] - body[list(parent)], axis=-1)
    >>> rays, seen = np.broadcast_to(body[:, :2] / body[:, 2:], (40, 19, 2)), np.ones((40, 19), dtype=bool)
    >>> off, there = np.full((40, 19), 0.05), np.ones(40, dtype=bool)
    >>> known = Evidence(PAPER19, shown, rays, seen, np.full(40, 0.01), off, there, lengths, 0.01, 1 / 30)
    >>> found = fitted(known)
    >>> bool(np.abs(found - body).mean() < np.abs(shown - body).mean() / 3)
    True
    """
    start = known.points if start is None else start
    points = start.astype(np.float64)
    for part, kept in pieces(len(points), PIECE, round(FELT / known.interval)):
        begin = start[part].astype(np.float64)
        points[part][kept] = _solved(known[part].in_double_precision, begin, terms.values())[kept]
    return points


def pieces(frames: int, length: int, margin: int) -> Iterator[tuple[slice, slice]]:
    """Pieces of a video with their margins, and what is kept of each.

    >>> [*pieces(10, length=6, margin=2)]
    [(slice(0, 8, None), slice(0, 6, None)), (slice(4, 10, None), slice(2, 6, None))]
    """
    for start in range(0, frames, length):
        end = min(start + length, frames)
        first = max(0, start - margin)
        yield slice(first, min(end + margin, frames)), slice(start - first, end - first)


def _solved(known: Evidence, points: Array, terms: Iterable[Term]) -> Array:
    terms = [*terms]
    frames, joints, _ = points.shape
    absent = np.where(known.there, 0.0, 1.0)[:, None]
    each = np.arange(3 * joints)
    for _ in range(STEPS):
        equations = Quadratic.zero(frames, 3 * joints)
        equations.within[:, each, each] += absent
        for term in terms:
            term(known, points, equations)
        points = points + equations.solved().reshape(points.shape)
    return points
