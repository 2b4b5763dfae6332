"""VideoPose3D's 2D poses: `data_2d_custom_<name>.npz`, and those that it has of data sets.

`positions_2d` holds poses (frame, joint, 2) in pixels by subject, action and camera, of one person each, and
`metadata` the joints' layout and, of custom videos, their sizes. See
https://github.com/facebookresearch/VideoPose3D/blob/main/INFERENCE.md.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files.npz import read_objects
from duolift.inputs.json_frames import size_in
from duolift.inputs.keypoints import FORMATS, SHORT_NAMES, KeypointFormat
from duolift.inputs.people import BY_COUNT, Array, DetectionFile, JointReader, RawFrame, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import file_format


@file_format(
    "videopose3d",
    "VideoPose3D's npz",
    suffix=".npz",
    recognises=lambda peek: peek.has("arrays", "positions_2d"),
)
def read_videopose3d(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of every subject, action and camera, each a video."""
    file.file.seek(0)
    content = read_objects(file.file, file.where)
    subjects = _object(content.get("positions_2d"), f"{file.where}: positions_2d")
    about = content.get("metadata")
    about = about if isinstance(about, dict) else {}
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format or _layout(about))
    sizes = about.get("video_metadata")
    sizes = sizes if isinstance(sizes, dict) else {}
    several = sum(len(_object(actions, file.where)) for actions in subjects.values()) > 1
    for subject, actions in subjects.items():
        for action, cameras in actions.items():
            here = f"{file.where}: positions_2d: {subject}: {action}"
            listed = cameras if isinstance(cameras, list) else [cameras]
            image = size_in(sizes[subject], here) if isinstance(sizes.get(subject), dict) else None
            for number, poses in enumerate(listed):
                name = str(subject) if action == "custom" else f"{subject} {action}"
                video = f"{name} {number}" if len(listed) > 1 else name if several else file.stem
                yield from _frames(poses, video, joints, image, f"{here}[{number}]")


def _frames(
    poses: Any, video: str, joints: JointReader, image: tuple[float, float] | None, where: str
) -> Iterator[RawFrame]:
    table = _poses(poses, where)
    joints.check(table.shape[1], where)
    confidence = table[..., 2] if table.shape[2] == 3 else np.ones(table.shape[:2])
    for frame in range(len(table)):
        person = raw_person(table[frame, :, :2], confidence[frame], None, f"{where}: frame {frame}")
        yield RawFrame(str(frame), video, [person], joints.keypoint_format, image)


def _poses(value: Any, where: str) -> Array:
    """(frame, joint, 2 or 3)."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise InputError(f"{where} is {short(value)}; expected an array of numbers")
    if value.ndim != 3 or value.shape[-1] not in (2, 3):
        raise InputError(f"{where} has shape {value.shape}; expected (frame, joint, 2)")
    return value.astype(np.float64)


def _object(value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict) or not value:
        raise InputError(f"{where} is {short(value)}; expected poses by subject and action")
    return value


def _layout(about: dict[Any, Any]) -> KeypointFormat | None:
    """The joints' format by the name of their layout: coco or h36m; None for others, such as HumanEva's 15 joints."""
    name = about.get("layout_name")
    return FORMATS.get(SHORT_NAMES.get(name, name)) if isinstance(name, str) else None
