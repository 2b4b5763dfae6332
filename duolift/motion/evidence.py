"""What is known of one person over a video, before the fit of joints."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.motion.quadratic import Array

NEVER_EXACT = 1e-3
"""Metres; no keypoint, no joint of a lifted body and nothing that was given out is believed to be known better."""


@dataclass(frozen=True)
class Evidence:
    """One person's lifted bodies, keypoints and place. Metres, in the frame of a static camera, or in the world.

    Attributes:
        skeleton: of the person.
        points: (frame, joint, 3), as they were lifted and placed.
        rays: (frame, joint, 2), slopes of the rays through the keypoints.
        seen: (frame, joint), whether there is a keypoint.
        across: (frame,), deviation of a keypoint, at the person's distance.
        deviation: (frame, joint), how far off a joint is expected to be in its body.
        there: (frame,), whether the person is in the frame.
        lengths: (bone,), of the person's bones.
        gives: deviation of a bone's length, metres.
        interval: seconds from a frame to the next, as a rule.
        steps: (frame,), seconds from the frame before; None where frames come evenly.
        given: (frame, joint, 3), what was given out already, metres; NaN for frames that were not, None for all of a
            video that is looked at as a whole.
        firmness: (frame,), how far off that may be, metres; anything for frames that were not given out.
        rotation: (frame, 3, 3), from the world to the camera; None where points are in the camera's frame.
        centre: (frame, 3), of the camera in the world; None as above.

    >>> from duolift.body.skeleton import PAPER19
    >>> still, one = np.ones((9, 19, 3)), np.ones((9, 19))
    >>> known = Evidence(PAPER19, still, still[..., :2], one > 0, one[:, 0], one, one[:, 0] > 0, one[0, 1:], 0.01, 0.1)
    >>> len(known[2:5].points)
    3
    """

    skeleton: Skeleton
    points: Array
    rays: Array
    seen: NDArray[np.bool_]
    across: Array
    deviation: Array
    there: NDArray[np.bool_]
    lengths: Array
    gives: float
    interval: float
    steps: Array | None = None
    given: Array | None = None
    firmness: Array | None = None
    rotation: Array | None = None
    centre: Array | None = None

    def __getitem__(self, frames: slice) -> Self:
        """Some of the frames."""
        return replace(self, **{name: value[frames] for name, value in self._over_time.items()})

    @property
    def in_double_precision(self) -> Self:
        """The same, whatever precision it came in: that of a long video need not be kept in more than it has."""
        exact: dict[str, Any] = {
            name: value.astype(np.float64) for name, value in self._over_time.items() if value.dtype != bool
        }
        return replace(self, **exact)

    @property
    def _over_time(self) -> dict[str, Any]:
        """What has a value in every frame."""
        names = ("points", "rays", "seen", "across", "deviation", "there")
        optional = ("steps", "given", "firmness", "rotation", "centre")
        values = {name: getattr(self, name) for name in (*names, *optional)}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def towards(self) -> Array:
        """Unit vectors along the lines of sight to the joints, (frame, joint, 3)."""
        from_camera = self.from_camera(self.points)
        return from_camera / np.linalg.norm(from_camera, axis=-1, keepdims=True).clip(min=1e-6)

    def from_camera(self, points: Array) -> Array:
        """Points (frame, ..., 3) as seen from the camera, along the axes that they have."""
        return points if self.centre is None else points - self.centre.reshape(-1, *[1] * (points.ndim - 2), 3)
