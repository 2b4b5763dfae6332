"""Arrays of keypoints, as NumPy's `savez` writes them: the way in for what no other format fits.

`keypoints` (frame, person, joint, 2 or 3; the third is confidence), NaN where a joint is not visible, and optionally
`confidence` (frame, person, joint), `joints` (names, or the name of a keypoint format), `names` (frame,), `ids`
(person,) or (frame, person) with -1 for nobody's, `image` (width, height) and `focal`, both in pixels.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files.npz import read_arrays
from duolift.inputs.keypoints import KeypointFormat, format_named, format_of
from duolift.inputs.mistaken import A_SCENE
from duolift.inputs.people import BY_COUNT, Array, DetectionFile, JointReader, RawFrame, raw_person
from duolift.inputs.pixels import image_size, positive_pixels
from duolift.inputs.registry import Peek, file_format

SCENE_KEY = "about"
"""In the arrays of a scene that duolift wrote, and in no others."""


def _recognises(peek: Peek) -> bool:
    """Any archive that is no other program's."""
    return peek.root == "arrays" and not peek.has("arrays", "positions_2d", "boxes", "segments")


@file_format("npz", "an npz with keypoints", suffix=".npz", recognises=_recognises)
def read_npz(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video, or the one image of a file."""
    where = file.where
    file.file.seek(0)
    arrays = read_arrays(file.file, where)
    if SCENE_KEY in arrays:
        raise InputError(f"{where}: {A_SCENE}")
    keypoints, confidence = _poses(arrays, where)  # (frame, person, joint, 2), (frame, person, joint)
    frames, count, joint_count = confidence.shape
    joints = JointReader(where, BY_COUNT, file.keypoint_format or _named_joints(arrays, where))
    keypoint_format = joints.check(joint_count, f"{where}: keypoints")
    identities = _identities(arrays, where, frames, count)
    names = [str(name) for name in np.atleast_1d(arrays.get("names", np.arange(frames)))]
    if len(names) != frames:
        raise InputError(f"{where}: names has {len(names)} entries; expected {frames}, one a frame")
    image = image_size(arrays["image"], f"{where}: image") if "image" in arrays else None
    focal = positive_pixels(arrays["focal"], f"{where}: focal", 1)[0] if "focal" in arrays else None
    for frame in range(frames):
        people = [
            raw_person(
                keypoints[frame, person],
                confidence[frame, person],
                None if identities is None or identities[frame, person] < 0 else int(identities[frame, person]),
                f"{where}: keypoints[{frame}, {person}]",
            )
            for person in range(count)
        ]
        video = file.stem if frames > 1 else ""
        yield RawFrame(names[frame], video, people, keypoint_format, image, focal)


def _poses(arrays: dict[str, Any], where: str) -> tuple[Array, Array]:
    keypoints = _array(arrays, "keypoints", where)
    if keypoints.ndim != 4 or keypoints.shape[-1] not in (2, 3):
        raise InputError(f"{where}: keypoints has shape {keypoints.shape}; expected (frame, person, joint, 2 or 3)")
    confidence = keypoints[..., 2] if keypoints.shape[-1] == 3 else np.ones(keypoints.shape[:3])
    if "confidence" in arrays:
        confidence = _array(arrays, "confidence", where)
    if confidence.shape != keypoints.shape[:3]:
        raise InputError(f"{where}: confidence has shape {confidence.shape}; expected {keypoints.shape[:3]}")
    return keypoints[..., :2], confidence


def _identities(arrays: dict[str, Any], where: str, frames: int, count: int) -> Array | None:
    """(frame, person), if the file has them."""
    if "ids" not in arrays:
        return None
    identities = _array(arrays, "ids", where)
    if identities.shape not in ((count,), (frames, count)) or not (identities == identities // 1).all():
        shapes = f"({count},) or ({frames}, {count})"
        raise InputError(f"{where}: ids has shape {identities.shape}; expected whole numbers, {shapes}")
    return np.broadcast_to(identities, (frames, count))


def _named_joints(arrays: dict[str, Any], where: str) -> KeypointFormat | None:
    if "joints" not in arrays:
        return None
    names = [str(name) for name in np.atleast_1d(arrays["joints"])]
    return format_named(names[0]) if len(names) == 1 else format_of(names, f"{where}: joints")


def _array(arrays: dict[str, Any], key: str, where: str) -> Array:
    if key not in arrays:
        raise InputError(f"{where}: no {key}, only {', '.join(arrays) or 'nothing'}")
    try:
        array: Array = arrays[key].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {key} holds {arrays[key].dtype}; expected numbers") from error
    return array
