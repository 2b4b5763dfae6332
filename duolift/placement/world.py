"""A calibrated camera's world, as far as its file does not say it: up, the unit, and the ground.

Up, of a world that has any orientation (COLMAP's): people stand upright on the mean, as the lifter sees them, and
cameras are held level. One direction is that of all frames.

The unit, of a world that has any scale: people have a size, and do not move as the camera does. With `k` units of
people (head lengths) to a unit of the world, somebody seen at D from a camera at C is at `k C + D`. Of motion is known
how it is correlated over time (a Gaussian process), so that k is what generalised least squares gives, with its
deviation.

The ground: where the lowest joints are, but for who is in the air (Student's weights). Up is not corrected by it: a
plane through everybody's feet, with everybody's size left open, is 2.0 degrees off on s03 where the people say up to
0.9.

Everything is of one video: NumPy, head lengths of the lifted people, the world's own axes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duolift.placement.sizes import APPARENT, FOOT
from duolift.placement.standing import independent
from duolift.placement.upright import HELD_DEG, SHARED_DEG, WRONG

Array = NDArray[np.float64]

ROUNDS = 20
"""Of reweighting."""

OUTLIER = 3.0
"""Degrees of freedom of Student's t distribution, by which joints are off the ground."""

MOST_FRAMES = 300
"""Frames that are looked at for the unit, evenly spaced."""

WALK = 0.7
"""Deviation of the velocity that somebody keeps over a video, metres a second: half of a walk."""

SWAY = (0.35, 1.0)
"""Deviation, metres, and time, seconds, of what somebody moves to and fro."""

OFF = (0.12, 0.3)
"""Deviation, metres, and time, seconds, of what a lifted place is off by: 3 % of 4 m."""

USUAL_HEAD_LENGTH = 0.75
"""Metres."""


@dataclass(frozen=True)
class Seen:
    """People before a calibrated camera.

    Attributes:
        rotation: (frame, 3, 3), from the world to the camera.
        position: (frame, 3), in the world's unit.
        roots: (frame, person, 3), from the camera, along the world's axes, head lengths; NaN for who is not there.
        lowest: (frame, person, joint, 3), likewise, of the joints that may be lowest.
        upright: (frame, person, 3), where up is by each person, unit vectors along the world's axes; NaN as above.
        unsure: (frame, person), the deviation of that, radians.
        interval: seconds from a frame to the next.

    >>> one, frames = np.ones((2, 1)), np.stack([np.eye(3)] * 2)
    >>> Seen(frames, np.zeros((2, 3)), one[..., None], one[..., None, None], one[..., None], one, 0.15).share
    0.5
    """

    rotation: Array
    position: Array
    roots: Array
    lowest: Array
    upright: Array
    unsure: Array
    interval: float

    @property
    def there(self) -> NDArray[np.bool_]:
        """(frame, person)."""
        return np.asarray(np.isfinite(self.roots).all(-1))

    @property
    def share(self) -> float:
        """How much of a frame is independent of the one before."""
        return independent(self.interval)


@dataclass(frozen=True)
class Estimate:
    """A number, or a direction, and its deviation.

    >>> Estimate(np.array(1.6), 0.1).deviation
    0.1
    """

    value: Array
    deviation: float


def up_by_people(seen: Seen) -> Estimate:
    """Where up is in the world, of length 1, by everybody and by how cameras are held; the deviation in radians.

    >>> frames = np.tile(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), (9, 1, 1))  # level, in a world with z up
    >>> there = np.ones((9, 1, 3))
    >>> seen = Seen(frames, 0 * there[:, 0], there, there[:, :, None], there * [0, 0, 1], 0.1 * there[..., 0], 0.1)
    >>> up_by_people(seen).value.round(3) + 0.0
    array([0., 0., 1.])
    """
    there = seen.there & np.isfinite(seen.upright).all(-1)
    told, precise = seen.upright[there], 1 / np.square(seen.unsure[there])
    _, roll = np.radians(HELD_DEG)  # of a camera's roll: mean and deviation
    sideways = seen.rotation[:, 0]  # (frame, 3), the cameras' x axes, level but for roll
    shared = np.radians(SHARED_DEG[0])
    # as many frames as are independent, and never better than what all share
    held = sideways.T @ sideways * min(1.0, 1 / (seen.share * len(sideways))) / roll[1] ** 2 * seen.share
    up = -seen.rotation[:, 1].mean(0)
    if len(told):
        up = (precise[:, None] * told).sum(0)
    up = _unit(up)
    deviation = shared
    for _ in range(ROUNDS):
        if not len(told):
            break
        off = np.linalg.norm(told - up, axis=-1)
        weight = precise * seen.share / np.maximum(1.0, off * np.sqrt(precise) / WRONG)
        total = weight.sum()
        both = total / (1 + total * shared**2)  # what all are off by alike is as large as ever
        mean = (weight[:, None] * told).sum(0) / total
        up = _unit(np.linalg.solve(both * np.eye(3) + held, both * mean))
        deviation = float(both**-0.5)
    return Estimate(up, deviation)


def unit_by_people(seen: Seen) -> Estimate:
    """How many head lengths a unit of the world is; the deviation is of its logarithm, infinite where nothing tells.

    >>> camera = np.linspace(0, 3, 90)[:, None] * [1.0, 0, 0]  # it moves sideways by 3 units
    >>> roots = np.array([0.0, 0, 5]) - 2.0 * camera  # of somebody who stands still, at 2 head lengths to a unit
    >>> frames = np.tile(np.eye(3), (90, 1, 1))
    >>> seen = Seen(frames, camera, roots[:, None], roots[:, None, None], roots[:, None], np.ones((90, 1)), 1 / 30)
    >>> float(unit_by_people(seen).value.round(3))
    2.0
    """
    some = np.unique(np.linspace(0, len(seen.roots) - 1, min(len(seen.roots), MOST_FRAMES)).round().astype(int))
    head = 1 / USUAL_HEAD_LENGTH
    information = pull = 0.0
    for person in range(seen.roots.shape[1]):
        frames = some[seen.there[some, person]]
        if len(frames) < 3:
            continue
        time = frames * seen.interval
        time = time - time.mean()
        apart = np.abs(time[:, None] - time)
        covariance = (WALK * head) ** 2 * np.outer(time, time)
        for size, settles in (SWAY, OFF):
            covariance += (size * head) ** 2 * np.exp(-apart / settles)
        covariance += 1e4 * head**2  # somebody may be anywhere
        covariance += 1e-6 * np.eye(len(frames))
        camera = seen.position[frames] - seen.position[frames].mean(0)
        weighed = np.linalg.solve(covariance, np.concatenate([camera, seen.roots[frames, person]], axis=-1))
        information += float((camera * weighed[:, :3]).sum())
        pull -= float((camera * weighed[:, 3:]).sum())
    if information <= 0 or pull <= 0:
        return Estimate(np.array(1.0), np.inf)
    value = pull / information
    return Estimate(np.array(value), float(information**-0.5 / value))


def ground_by_people(seen: Seen, unit: float, up: Array) -> Estimate:
    """Where the ground is, how far up from the world's origin, head lengths.

    Args:
        seen: the people.
        unit: head lengths of a unit of the world.
        up: (3,), of the world.

    >>> frames, there = np.tile(np.eye(3), (90, 1, 1)), np.random.default_rng(0).uniform(-2, 2, (90, 1, 3))
    >>> feet = there * [1, 0, 1] + [0, 2.0, 6]  # 2 below the camera
    >>> seen = Seen(frames, np.zeros((90, 3)), feet, feet[:, :, None], there, there[..., 0], 1 / 30)
    >>> ground_by_people(seen, 1.0, np.array([0.0, -1.0, 0.0])).value.round(2)
    np.float64(-2.0)
    """
    there = seen.there
    if not there.any():
        return Estimate(np.array(0.0), np.inf)
    low = (seen.lowest[there] @ up).min(-1)  # (pose,), above the camera
    height = unit * (seen.position[np.nonzero(there)[0]] @ up) + low
    variance = FOOT**2 + np.square(APPARENT * low)
    ground, weight = np.median(height), 1 / variance
    for _ in range(ROUNDS):
        weight = (OUTLIER + 1) / (OUTLIER + np.square(height - ground) / variance) / variance
        ground = (weight * height).sum() / weight.sum()
    return Estimate(np.asarray(ground), float((seen.share * weight.sum()) ** -0.5))


def _unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
