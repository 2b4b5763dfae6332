"""Ultralytics' results as JSON: `results[0].to_json()`, `.tojson()` or `.summary()`, an image a list.

`[{"name": "person", "class": 0, "track_id": 1, "keypoints": {"x": [...], "y": [...], "visible": [...]}}]`, with further
keys, in pixels, or normalised on request; `visible` is absent where a model has none. A list of these
lists is a video. See https://docs.ultralytics.com/modes/predict/. `yolo` reads what `save_txt` writes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.inputs.json_frames import json_frames, of_file
from duolift.inputs.json_values import member, numbers
from duolift.inputs.people import BY_COUNT, DetectionFile, JointReader, RawFrame, RawPerson, identity_of, raw_person
from duolift.inputs.registry import Peek, file_format


def _recognises(peek: Peek) -> bool:
    if peek.lists.get(()) == {"string"}:  # a list of what `to_json` returns
        return b'\\"class\\"' in peek.start
    return any(place[-1:] == ("keypoints",) and {"x", "y"} <= keys for place, keys in peek.objects.items())


@file_format("ultralytics", "Ultralytics' results", recognises=_recognises)
def read_ultralytics(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)

    def frames() -> Iterator[tuple[RawFrame, bool]]:
        for frame in json_frames(file, _is_person, ("predictions", "people")):
            people = [_person(one, joints, f"{frame.where}[{number}]") for number, one in enumerate(frame.people)]
            tracked = any(person.identity is not None for person in people)
            yield RawFrame(frame.name, "", people, joints.keypoint_format, frame.image), frame.numbered or tracked

    yield from of_file(file, frames())


def _is_person(value: Any) -> bool:
    return isinstance(value, dict) and "keypoints" in value


def _person(entry: Any, joints: JointReader, where: str) -> RawPerson:
    keypoints, here = member(entry, "keypoints", where, dict), f"{where}.keypoints"
    x, y = (numbers(member(keypoints, axis, here, list), f"{here}.{axis}", "a number of every joint") for axis in "xy")
    if len(x):
        joints.check(len(x), f"{here}.x")
    visible = keypoints.get("visible")
    sure = np.ones(len(x)) if visible is None else numbers(visible, f"{here}.visible", "a confidence of every joint")
    if not len(x) == len(y) == len(sure):
        raise InputError(f"{here} has {len(x)} x, {len(y)} y; expected one of each, and of visible, a joint")
    # What a model does not see it puts into the corner; a model without visibility says so in no other way.
    confidence = np.where((x != 0) | (y != 0), sure, 0.0)
    score = entry.get("confidence")
    return raw_person(
        np.stack([x, y], axis=-1),
        confidence,
        identity_of(entry, ("track_id",), where),
        where,
        float(score) if isinstance(score, int | float) else None,
    )
