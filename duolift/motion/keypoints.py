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

WINDOW = 1.0
"""Seconds over which somebody's size in the image is taken to be the same."""


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
        pixels: (frame, person, joint, 2); anything where not `visible`.
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
    frames = len(pixels)
    left = np.full(size.shape, float(noise))
    if not noise or frames < 3:
        return Tracks(pixels, visible, left)
    size = _steady(size, max(1, round(WINDOW / interval)))  # (frame, person)
    together = _connected(visible, round(GAP / interval))
    tracks = visible.transpose(1, 2, 0)  # (person, joint, frame)
    scale = np.broadcast_to(size.T[:, None], tracks.shape).reshape(-1, frames)  # (track, frame)
    precision = np.where(tracks.reshape(-1, frames), 1 / (noise * scale) ** 2, 0.0)
    measured = np.where(visible[..., None], pixels, 0.0).transpose(1, 2, 0, 3).reshape(-1, frames, 2)
    bend = bending(DENSITY * scale**2, interval if steps is None else Bends.of(steps).interval)
    goes_on = together.transpose(1, 2, 0).reshape(-1, frames)
    track = settled(measured.astype(np.float64), precision, bend, goes_on, outliers=True, steps=steps)
    off = (track - measured) / scale[..., None]  # head lengths
    off = np.where(precision[..., None] > 0, off, np.nan).reshape(*tracks.shape, 2)
    white = _middle_deviation(off)  # (person,)
    left[:] = noise * np.sqrt(1 - np.minimum(white / noise, WHITE) ** 2)
    return Tracks(track.reshape(*tracks.shape, 2).transpose(2, 0, 1, 3), visible | together, left)


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


def _middle_deviation(off: Array) -> Array:
    """Standard deviation of most values (person, joint, frame, 2), by their median; 0 for who has none: (person,)."""
    flat = np.abs(off).reshape(len(off), -1)
    flat = np.where(np.isfinite(flat).any(1, keepdims=True), flat, 0.0)
    return 1.4826 * np.nanmedian(flat, axis=1)
