"""People as lists in lists, `[[x, y, confidence], ...]`: what `tolist()` makes of an array of joints.

A joint may have two numbers; four are x, y, z and confidence, as of MediaPipe. Alone, one person, the people of an
image, or these of frames; or as `keypoints` of an object a person, beside which may be `scores` where the lists have no
third number (such as Hugging Face's `post_process_pose_estimation` gives them).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.inputs.formats.named import are_shares
from duolift.inputs.json_frames import NUMBER_KEYS, is_lines, json_frames, of_file
from duolift.inputs.json_values import member, numbers
from duolift.inputs.keypoints import FORMATS
from duolift.inputs.people import BY_COUNT, DetectionFile, JointReader, RawFrame, RawPerson, identity_of, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import Peek, file_format

SCORES_KEYS = ("scores", "keypoint_scores", "keypoints_scores", "confidence", "confidences", "visibility", "visible")
"""Keys of the joints' confidence, where it is beside them."""

IDENTITY_KEYS = ("track_id", "person_id", "id", "idx")
CONTAINERS = {"[]", "people", "predictions", "keypoints"}
"""What leads to a joint's numbers: lists, and these keys."""

DEEPEST = 5
"""Steps that lead to them: frames, people of a frame and its list, joints and their list."""

EXPECTED = "[x, y, confidence] of every joint"


def _recognises(peek: Peek) -> bool:
    if {"image_id", "keypoint_scores", "instances", "images"} & (peek.object_at("[]") | peek.keys.keys()):
        return False
    return any(
        place[-1:] == ("[]",) and len(place) <= DEEPEST and kinds == {"number"} and {*place} <= CONTAINERS
        for place, kinds in peek.lists.items()
    )


def _is_joints(value: Any) -> bool:
    """Whether a value is a list of `[x, y]` or `[x, y, confidence]`."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, list) and _is_joint(one) for one in value)


def _is_joint(value: list[Any]) -> bool:
    return len(value) in (2, 3, 4) and not any(isinstance(one, list | dict) for one in value)


def _is_person(value: Any) -> bool:
    return _is_joints(value) or (isinstance(value, dict) and "keypoints" in value and not _is_image(value))


def _is_image(value: dict[str, Any]) -> bool:
    """Whether `keypoints` are those of an image's people."""
    keypoints = value["keypoints"]
    if keypoints in ([], None):
        return any(key in value for key in NUMBER_KEYS)
    return isinstance(keypoints, list) and all(_is_joints(one) for one in keypoints)


@file_format("nested", "lists of [x, y, confidence]", recognises=_recognises)
def read_nested(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)
    if _is_one_person(file):
        (value,) = file.json.documents()
        person = _person(value, joints, file.where)
        shares = joints.body is FORMATS["mediapipe33"] and are_shares([person])
        yield RawFrame(file.stem, "", [person], joints.keypoint_format, normalised=shares)
        return

    def frames() -> Iterator[tuple[RawFrame, bool]]:
        for frame in json_frames(file, _is_person, ("people", "predictions", "keypoints")):
            people = [_person(one, joints, f"{frame.where}[{number}]") for number, one in enumerate(frame.people)]
            shares = joints.body is FORMATS["mediapipe33"] and are_shares(people)
            raw = RawFrame(frame.name, "", people, joints.keypoint_format, frame.image, normalised=shares)
            yield raw, frame.numbered

    yield from of_file(file, frames())


def _is_one_person(file: DetectionFile) -> bool:
    """Whether a file is the joints of one person: a list of lists of numbers."""
    events = [event for (_, event, _), _ in zip(file.json.events(several=True), range(3), strict=False)]
    inner = events[:2] == ["start_array", "start_array"] and events[2:] not in (["start_array"], ["start_map"])
    return inner and events[2:] != ["end_array"] and not is_lines(file)


def _person(value: Any, joints: JointReader, where: str) -> RawPerson:
    points = value if isinstance(value, list) else member(value, "keypoints", where, list)
    entry = value if isinstance(value, dict) else {}
    if not points:
        return raw_person(np.zeros((0, 2)), np.zeros(0), None, where)
    joints.check(len(points), where)
    if not _is_joints(points) or len({len(one) for one in points}) > 1:
        raise InputError(f"{where} is {short(points)}; expected {EXPECTED}")
    table = numbers([number for one in points for number in one], where, EXPECTED).reshape(len(points), -1)
    confidence = table[:, -1] if table.shape[1] > 2 else np.ones(len(table))
    if table.shape[1] == 3 and joints.body is FORMATS["mediapipe33"] and (confidence < 0).any():
        confidence = np.ones(len(table))  # it is z
    key = next((key for key in SCORES_KEYS if isinstance(entry.get(key), list)), None)
    if key is not None:
        confidence = numbers(entry[key], f"{where}.{key}", "a confidence of every joint")
        if len(confidence) != len(table):
            raise InputError(f"{where}.{key} has {len(confidence)} numbers; expected {len(table)}, one a joint")
    return raw_person(table[:, :2], confidence, identity_of(entry, IDENTITY_KEYS, where), where)
