"""Keypoints over time: what a detector finds in one frame is checked by the frames around it.

A lifter that is shown one trembling pose after the other draws each to the mean, by as much as it takes for noise. So
the tracks of the joints in the image are settled before anybody is lifted: noise, outliers and joints missed for a
moment do not get any further.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duolift.motion.inertia import Array, Bends, bending, settled

DENSITY = 2.0
"""Of the accelerations of people's joints, squared head lengths over cubed seconds. From 0.5 to 20 anything is as good
to 0.4 mm a person, on s03 and s04 of the motion capture with 3 pixels of noise at 30 and at 10 frames a second."""

GAP = 0.15
"""Seconds for which a joint that the detector has missed is still known from before and after."""

WHITE = 0.9
"""At most so much of a detector's noise is taken to differ from frame to frame: some of it is always the same."""

MEDIAN_TO_DEVIATION = 1.4826
"""From a Gaussian's median absolute deviation to its standard deviation."""

WINDOW = 1.0
"""Seconds over which somebody's size in the image is taken to be the same."""

AT_ONCE = 2**17
"""Frames of all joints that are settled at once, at least of one joint: memory is that of these."""


@dataclass(frozen=True)
class Tracks:
    """Joints in the image, over time.

    Attributes:
        pixels: (frame, person, joint, 2).
        visible: (frame, person, joint), also where a joint was missed for a moment.
        noise: (frame, person), what is left of the deviation of the visible joints, head lengths.

    >>> Tracks(np.zeros((9, 2, 19, 2)), np.ones((9, 2, 19), dtype=bool), np.full((9, 2), 0.01)).noise.shape
    (9, 2)
    """

    pixels: Array
    visible: NDArray[np.bool_]
    noise: Array


def tracked(
    pixels: Array,
    visible: NDArray[np.bool_],
    size: Array,
    noise: float,
    interval: float,
    steps: Array | None = None,
) -> Tracks:
    """The joints' tracks in a static camera's video.

    How much of the noise is gone is told by how far the joints were from their tracks.

    Args:
        pixels: (frame, person, joint, 2); anything where not `visible`. Tracks are as precise as these are given.
        visible: (frame, person, joint).
        size: (frame, person), of a head length, pixels; NaN for whoever is not there.
        noise: deviation of the visible joints, head lengths; 0 leaves them where they are.
        interval: seconds from a frame to the next, as a rule.
        steps: (frame,), seconds from the frame before; None where frames come evenly.

    >>> random = np.random.default_rng(0)
    >>> walking = np.linspace(100, 300, 60)[:, None, None, None] + np.zeros((60, 1, 19, 2))
    >>> seen = np.ones((60, 1, 19), dtype=bool)
    >>> found = tracked(walking + random.normal(0, 2, walking.shape), seen, np.full((60, 1), 100.0), 0.02, 1 / 30)
    >>> bool(np.abs(found.pixels - walking).mean() < 0.8), bool(found.noise.mean() < 0.015)
    (True, True)
    """
    left = np.full(size.shape, float(noise))
    if not noise or len(pixels) < 3:
        return Tracks(pixels, visible, left)
    size = _steady(size, max(1, round(WINDOW / interval)))  # (frame, person)
    together = _connected(visible, round(GAP / interval))
    track = np.empty_like(pixels)
    even = interval if steps is None else Bends.of(steps).interval
    for person in range(pixels.shape[1]):  # one after the other: a long video's system of equations is large
        at = slice(None), person
        bend = bending(DENSITY * np.square(size[at]), even)  # (frame,)
        track[at], white = _of_one(pixels[at], visible[at], noise * size[at], bend, together[at], steps)
        left[at] = noise * np.sqrt(1 - min(white, WHITE) ** 2)
    return Tracks(track, visible | together, left)


def _of_one(
    pixels: Array,
    visible: NDArray[np.bool_],
    noise: Array,
    bend: Array,
    together: NDArray[np.bool_],
    steps: Array | None,
) -> tuple[Array, float]:
    """The joints' tracks (frame, joint, 2) of one person, and how far off joints were, by the noise.

    Args:
        pixels, visible, together: (frame, joint, ...).
        noise, bend: (frame,), of every joint.
        steps: (frame,), or None.
    """
    frames, joints, _ = pixels.shape
    track, off = np.empty_like(pixels), []
    some = max(1, AT_ONCE // frames)
    for first in range(0, joints, some):
        at = slice(None), slice(first, first + some)
        shown = visible[at].T  # (joint, frame)
        measured = np.where(visible[at][..., None], pixels[at], 0.0).swapaxes(0, 1).astype(np.float64)
        precision = np.where(shown, 1 / np.square(noise), 0.0)
        stiff = np.broadcast_to(bend, shown.shape)
        found = settled(measured, precision, stiff, together[at].T, outliers=True, steps=steps)  # (joint, frame, 2)
        off.append(np.abs(found - measured)[shown] / np.broadcast_to(noise, shown.shape)[shown][:, None])
        track[at] = found.swapaxes(0, 1)
    apart = np.concatenate(off)
    return track, MEDIAN_TO_DEVIATION * float(np.median(apart)) if apart.size else 0.0


def _connected(visible: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """(frame, ...): whether a track goes on from the frame before, its last sighting at most `gap` frames before the
    next one."""
    frames = np.arange(len(visible)).reshape(-1, *[1] * (visible.ndim - 1))
    last = np.maximum.accumulate(np.where(visible, frames, -len(visible)), axis=0)
    following = np.minimum.accumulate(np.where(visible, frames, 2 * len(visible))[::-1], axis=0)[::-1]
    before = np.concatenate([np.full_like(last[:1], -len(visible)), last[:-1]])  # last sighting before the frame
    return following - before <= gap + 1


def _steady(size: Array, window: int) -> Array:
    """Sizes (frame, person) without what changes within a window; everywhere a number."""
    from scipy.ndimage import median_filter

    there = np.isfinite(size)
    usual = np.nanmedian(np.where(there.any(0), size, 1.0), axis=0)
    return median_filter(np.where(there, size, usual), size=(window, 1), mode="nearest")
