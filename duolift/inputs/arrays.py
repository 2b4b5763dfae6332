"""Keypoints in arrays, as a program has them, brought to the project's joints."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duolift.errors import InputError
from duolift.inputs.detections import Detections
from duolift.inputs.keypoints import FORMATS, KeypointFormat, format_named, to_joints


def from_arrays(keypoints: ArrayLike, confidence: ArrayLike | None, format: str, threshold: float) -> Detections:
    """Detections of one image, or of a video in which people keep their index.

    Args:
        keypoints: (person, joint, 2|3), or (frame, person, joint, 2|3); pixels, and confidence as a third number. NaN
            where a joint is not seen.
        confidence: as keypoints without the last axis, 0 where a joint is not seen; None takes the third number.
        format: of the joints, a name or short name of `duolift.inputs.keypoints.FORMATS`.
        threshold: a joint of less confidence counts as not seen.

    Raises:
        InputError: arrays of another shape or that hold no numbers, coordinates that are no pixels, or an unknown
            format.

    Example:
        >>> from_arrays(np.full((2, 17, 2), 300.0), None, "coco", 0.3).keypoints.shape
        (1, 2, 25, 2)
    """
    layout = format_named(format)
    points = _numbers("keypoints", keypoints)
    if points.ndim not in (3, 4) or points.shape[-1] not in (2, 3) or points.shape[-2] != len(layout):
        raise InputError(
            f"keypoints have shape {points.shape}; expected (person, {len(layout)}, 2 or 3) for {layout.name}, "
            f"or frames of that{_other_formats(points, layout)}"
        )
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold is {threshold}; expected 0 to 1")
    video = "keypoints" if points.ndim == 4 else ""
    seen = np.asarray(np.isfinite(points).all(-1))  # (..., person, joint)
    sure = points[..., 2] if points.shape[-1] == 3 else np.ones(seen.shape)
    if confidence is not None:
        sure = _numbers("confidence", confidence)
        if sure.shape != seen.shape:
            raise InputError(f"confidence has shape {sure.shape}; expected {seen.shape}, a number for every joint")
    sure = np.where(seen, sure, 0.0)
    places, sure = to_joints(points[..., :2], sure, layout, threshold)
    places, sure = (array if video else array[None] for array in (places, sure))  # (frame, person, joint, ...)
    return Detections(
        video=video,
        names=tuple(str(number) for number in range(len(places))),
        keypoints=places,
        confidence=sure,
        identities=tuple(range(1, places.shape[1] + 1)),
    )


def _numbers(name: str, value: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers ({error}); expected one") from error


def _other_formats(points: NDArray[np.float64], layout: KeypointFormat) -> str:
    """What formats have as many joints as the array, to be named in the message."""
    if points.ndim not in (3, 4) or points.shape[-1] not in (2, 3):
        return ""
    names = [name for name, known in FORMATS.items() if len(known) == points.shape[-2]]
    return f"; format={' or '.join(map(repr, names))} has {points.shape[-2]} joints" if names else ""
