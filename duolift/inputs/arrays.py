"""Keypoints in arrays, as a program has them, brought to the project's joints."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duolift.errors import InputError
from duolift.inputs.detections import DetectedPoses, Detections, sample_of
from duolift.inputs.keypoints import (
    KeypointFormat,
    check_threshold,
    format_named,
    formats_with,
    to_joints,
    whose_joints,
)
from duolift.inputs.pixels import check_pixels, visible


def from_arrays(keypoints: ArrayLike, confidence: ArrayLike | None, format: str, threshold: float) -> Detections:
    """Detections of one image, or of a video in which people keep their index.

    Args:
        keypoints: (person, joint, 2|3), or (frame, person, joint, 2|3); pixels, and confidence as a third number. NaN
            where a joint is not seen.
        confidence: as keypoints without the last axis, 0 where a joint is not seen; None takes the third number.
        format: of the joints, a name or short name of `duolift.inputs.keypoints.FORMATS`.
        threshold: a joint of lower confidence is not seen.

    Raises:
        InputError: arrays of another shape or that hold no numbers, coordinates that are no pixels (as of
            `duolift.inputs.pixels.check_pixels`), or an unknown format.

    >>> from_arrays(np.full((2, 17, 2), 300.0), None, "coco", 0.3).keypoints.shape
    (1, 2, 25, 2)
    >>> from_arrays(np.full((2, 17, 2), 300.0), None, "body25", 0.3)
    Traceback (most recent call last):
    duolift.errors.InputError: keypoints have shape (2, 17, 2); expected (person, 25, 2 or 3) for body25, or frames of \
that; 17 joints are coco17's, posetrack17's or h36m17's (format='coco17')
    """
    keypoint_format = format_named(format)
    points = _numbers("keypoints", keypoints)
    _check_shape(points, keypoint_format)
    check_threshold(threshold)
    pixels = points[..., :2]  # (..., person, joint, 2)
    sure = points[..., 2] if points.shape[-1] == 3 else np.ones(points.shape[:-1])  # (..., person, joint)
    if confidence is not None:
        sure = _numbers("confidence", confidence)
        if sure.shape != points.shape[:-1]:
            raise InputError(
                f"confidence has shape {sure.shape}; expected {points.shape[:-1]}, a number for every joint"
            )
    check_pixels(pixels, sure, "keypoints")
    sure = np.where(visible(pixels, sure), sure, 0.0).clip(0.0, 1.0)
    poses = pixels.reshape(-1, *pixels.shape[-2:]), sure.reshape(-1, sure.shape[-1])
    detected = DetectedPoses(keypoint_format.name, *poses, threshold)
    joints, sure = to_joints(pixels, sure, keypoint_format, threshold)
    video = "keypoints" if points.ndim == 4 else ""
    joints, sure = (array if video else array[None] for array in (joints, sure))  # (frame, person, joint, ...)
    return Detections(
        video=video,
        names=tuple(str(number) for number in range(len(joints))),
        keypoints=joints,
        confidence=sure,
        identities=tuple(range(1, joints.shape[1] + 1)),
        detected=sample_of([detected]),
    )


def _numbers(name: str, value: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no array of numbers ({error}); expected one") from error


def _check_shape(points: NDArray[np.float64], keypoint_format: KeypointFormat) -> None:
    expected, hint = len(keypoint_format), ""
    if points.ndim in (3, 4) and points.shape[-1] in (2, 3):
        count = points.shape[-2]
        if count == expected:
            return
        names = formats_with(count)
        hint = f"; {whose_joints(count)}" + (f" (format={names[0]!r})" if names else "")
    raise InputError(
        f"keypoints have shape {points.shape}; expected (person, {expected}, 2 or 3) for {keypoint_format.name}, "
        f"or frames of that{hint}"
    )
