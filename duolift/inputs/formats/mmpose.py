"""MMPose's predictions.

A list of instances (people) of one image, `[{"keypoints": [[x, y], ...], "keypoint_scores": [...]}]`, or of frames,
`[{"frame_id": 0, "instances": [...]}]`; either of these also as `instance_info` beside `meta_info`, which names the
joints. See https://mmpose.readthedocs.io/en/latest/user_guides/inference.html.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files.json_stream import JsonStream
from duolift.inputs.json_values import member, numbers
from duolift.inputs.keypoints import KeypointFormat, format_of
from duolift.inputs.people import (
    BY_COUNT,
    DetectionFile,
    JointReader,
    RawFrame,
    RawPerson,
    identity_of,
    raw_person,
    score_of,
)
from duolift.inputs.pixels import short
from duolift.inputs.registry import Peek, file_format

JOINT_NUMBER = re.compile(r"[0-9]{1,9}")
"""A joint's number, as a key of `keypoint_id2name`."""


def _recognises(peek: Peek) -> bool:
    saved = peek.has("object", "instance_info", "meta_info")
    return saved or peek.empty or peek.has("list", "instances", "keypoint_scores")  # an empty list: nobody


@file_format("mmpose", "MMPose's predictions", recognises=_recognises)
def read_mmpose(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video, or the one image of a file."""
    where, stream = file.where, file.json
    saved = stream.root() == "start_map"  # with meta_info
    names = _named_joints(stream, where) if saved and file.keypoint_format is None else None
    joints = JointReader(where, BY_COUNT, file.keypoint_format or names, partly_named=names is not None)
    path, listed = ("instance_info.item", "instance_info") if saved else ("item", "")
    people: list[RawPerson] = []  # of no frame
    frames = 0
    for number, entry in enumerate(stream.items(path)):
        here = f"{where}: {listed}[{number}]"
        if isinstance(entry, dict) and "instances" in entry:
            frames += 1
            yield _frame(entry, number, joints, here, file)
        else:
            people.append(_instance(entry, joints, here))
    if people and frames:
        raise InputError(f"{where}: holds frames and {len(people)} people of no frame; expected one or the other")
    if saved and not frames and not any(event[:2] == ("instance_info", "start_array") for event in stream.events()):
        raise InputError(f"{where}: has no instance_info; expected MMPose's predictions")
    if not frames:
        yield RawFrame(file.stem, "", people, joints.keypoint_format)


def _frame(entry: Any, number: int, joints: JointReader, where: str, file: DetectionFile) -> RawFrame:
    instances = member(entry, "instances", where, list)
    name = str(member(entry, "frame_id", where, int, str, default=number))
    people = [_instance(one, joints, f"{where}.instances[{index}]") for index, one in enumerate(instances)]
    return RawFrame(name, file.stem, people, joints.keypoint_format)


def _named_joints(stream: JsonStream, where: str) -> KeypointFormat | None:
    """The format that `meta_info` names, if it does."""
    for names in stream.items("meta_info.keypoint_id2name"):
        here = f"{where}: meta_info.keypoint_id2name"
        if not isinstance(names, dict) or not all(JOINT_NUMBER.fullmatch(key) for key in names):
            raise InputError(f"{here} is {short(names)}; expected names by number")
        if names:
            return format_of([member(names, key, here, str) for key in sorted(names, key=int)], here)
    return None


def _instance(entry: Any, joints: JointReader, where: str) -> RawPerson:
    """A person; one without joints has an empty list of them."""
    points = member(entry, "keypoints", where, list)
    if not points:
        return raw_person(np.zeros((0, 2)), np.zeros(0), None, where)
    joints.check(len(points), f"{where}.keypoints")
    flat = [number for point in points for number in (point if isinstance(point, list) else [point])]
    keypoints = numbers(flat, f"{where}.keypoints", "[x, y] of every joint")
    wrong = [point for point in points if not isinstance(point, list) or len(point) != 2]
    if wrong:
        raise InputError(f"{where}.keypoints holds {short(wrong[0])}; expected [x, y] of every joint")
    scores = member(entry, "keypoint_scores", where, list)
    confidence = numbers(scores, f"{where}.keypoint_scores", "a confidence of every joint")
    if len(confidence) != len(points):
        raise InputError(f"{where}.keypoint_scores has {len(confidence)} numbers; expected {len(points)}, one a joint")
    identity = identity_of(entry, ("track_id", "instance_id"), where)
    return raw_person(keypoints.reshape(-1, 2), confidence, identity, where, score_of(entry))
