"""MediaPipe's 33 joints (BlazePose), as scripts write them: lists of landmarks, normalised by the image's size.

MediaPipe writes no files itself. What its results become with `to_dict`, `MessageToDict`, or field by field is one
person a list `[{"x": 0.4, "y": 0.5, "z": -0.1, "visibility": 0.99}, ...]`, alone or as `landmark`; people of an image
under `pose_landmarks`, `poseLandmarks`, `landmarks` or alike, and frames in a list. World landmarks, in metres about
the hips, are left alone. The image's size may stand beside them. See
https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.inputs.formats.named import are_shares
from duolift.inputs.json_frames import is_lines, json_frames, of_file
from duolift.inputs.json_values import member
from duolift.inputs.keypoints import FORMATS
from duolift.inputs.people import DetectionFile, JointReader, RawFrame, RawPerson, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import Peek, file_format

PEOPLE_KEYS = (
    *("pose_landmarks", "poseLandmarks", "landmarks", "landmark", "poses", "pose", "people", "keypoints"),
    *("pose_landmarks_list", "persons"),
)
"""Keys of an image's people, or of its only person's joints."""

MARKS = {"z", "visibility", "presence"}
CONFIDENCE_KEYS = ("visibility", "score", "confidence")


def _recognises(peek: Peek) -> bool:
    return any(
        place[-1:] == ("[]",)
        and {"x", "y"} <= keys
        and keys & MARKS
        and not (place[-2:] == ("keypoints", "[]") and keys & {"name", "part"})
        for place, keys in peek.objects.items()
    )


def _is_person(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_person(value.get("landmark")) or (
            _is_person(value.get("landmarks")) and not {*value} - {"landmarks"}
        )
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "x" in one for one in value)


@file_format("mediapipe", "MediaPipe's landmarks", recognises=_recognises)
def read_mediapipe(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    joints = JointReader(file.where, {33: FORMATS["mediapipe33"]}, file.keypoint_format)
    if _is_one_person(file):
        (value,) = file.json.documents()
        person = _person(value, joints, file.where)
        yield RawFrame(file.stem, "", [person], joints.keypoint_format, normalised=are_shares([person]))
        return

    def frames() -> Iterator[tuple[RawFrame, bool]]:
        for frame in json_frames(file, _is_person, PEOPLE_KEYS):
            people = [_person(one, joints, f"{frame.where}[{number}]") for number, one in enumerate(frame.people)]
            shares = are_shares(people)
            yield RawFrame(frame.name, "", people, joints.keypoint_format, frame.image, normalised=shares), True

    yield from of_file(file, frames())


def _is_one_person(file: DetectionFile) -> bool:
    """Whether a file is the joints of one person: a list of objects with x."""
    objects = (path for path, event, _ in file.json.events(several=True) if event == "start_map")
    if next(objects, None) != "item" or is_lines(file):
        return False
    first = next(file.json.items("item"), None)
    return isinstance(first, dict) and "x" in first


def _person(value: Any, joints: JointReader, where: str) -> RawPerson:
    if isinstance(value, dict):
        key = "landmark" if "landmark" in value else "landmarks"
        value, where = member(value, key, where, list), f"{where}.{key}"
    if not isinstance(value, list):
        raise InputError(f"{where} is {short(value)}; expected a person's landmarks")
    if not value:
        return raw_person(np.zeros((0, 2)), np.zeros(0), None, where)
    joints.check(len(value), where)
    table = np.array([_landmark(one, f"{where}[{number}]") for number, one in enumerate(value)])
    return raw_person(table[:, :2], table[:, 2], None, where)


def _landmark(value: Any, where: str) -> tuple[float, float, float]:
    x, y = (member(value, axis, where, int, float) for axis in "xy")
    key = next((key for key in CONFIDENCE_KEYS if value.get(key) is not None), CONFIDENCE_KEYS[0])
    visibility = member(value, key, where, int, float, default=1.0)
    try:
        return float(x), float(y), float(visibility)
    except OverflowError as error:
        raise InputError(f"{where} is {short(value)}; expected x and y from 0 to 1") from error
