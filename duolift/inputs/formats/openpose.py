"""OpenPose's JSON, one image a file, and the bodies of a single image that AlphaPose writes like it.

`{"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, confidence, ...]}]}`, and hands under
`hand_left_keypoints_2d` and `hand_right_keypoints_2d` where they were detected.
"""

from collections.abc import Iterator
from typing import Any

from duolift.errors import InputError
from duolift.inputs.json_frames import size_in
from duolift.inputs.json_values import member
from duolift.inputs.people import (
    OPENPOSE_BY_COUNT,
    OPENPOSE_EXTRAS,
    DetectionFile,
    JointReader,
    RawFrame,
    identity_of,
    raw_person,
)
from duolift.inputs.pixels import short
from duolift.inputs.registry import file_format

POSE_KEYS = ("pose_keypoints_2d", "pose_keypoints", "joints")
"""Keys of a person's joints: OpenPose's of today and of its first version, and AlphaPose's `cmu`."""


@file_format("openpose", "OpenPose's people", recognises=lambda peek: peek.has("object", "people"))
def read_openpose(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file."""
    joints = openpose_joints(file)
    for image in file.json.items(""):
        people = member(image, "people", file.where, list)
        yield frame_of_bodies(people, file.stem, "", joints, f"{file.where}: people", image=size_in(image, file.where))


def openpose_joints(file: DetectionFile) -> JointReader:
    return JointReader(file.where, OPENPOSE_BY_COUNT, file.keypoint_format, OPENPOSE_EXTRAS)


def frame_of_bodies(
    people: Any,
    name: str,
    video: str,
    joints: JointReader,
    where: str,
    image: tuple[float, float] | None = None,
) -> RawFrame:
    """An image of OpenPose's list of people.

    Args:
        people: what should be the list.
        name, video, image: as of `RawFrame`.
        joints: the joints of all people of the file.
        where: the file and the list's path, for messages.

    Raises:
        InputError: no list, or not of people.
    """
    if not isinstance(people, list):
        raise InputError(f"{where} is {short(people)}; expected a list of people")
    read = []
    for number, entry in enumerate(people):
        here = f"{where}[{number}]"
        key = next((key for key in POSE_KEYS if isinstance(entry, dict) and key in entry), POSE_KEYS[0])
        if isinstance(entry, dict) and key in entry and entry[key] is None:
            continue  # only a face or hands were found
        keypoints, confidence = joints.flat(entry, key, here)
        read.append(raw_person(keypoints, confidence, identity_of(entry, ("person_id", "idx"), here), here))
    return RawFrame(name, video, read, joints.keypoint_format, image)
