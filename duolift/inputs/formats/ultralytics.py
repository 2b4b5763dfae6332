"""Ultralytics' results as JSON: `results[0].to_json()`, `.tojson()` or `.summary()`, an image a list.

`[{"name": "person", "class": 0, "track_id": 1, "keypoints": {"x": [...], "y": [...], "visible": [...]}}]`, with further
keys, in pixels, or normalised on request; `visible` is absent where a model has none. A list of these
lists is a video. See https://docs.ultralytics.com/modes/predict/. `yolo` reads what `save_txt` writes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.inputs.json_frames import as_video, json_frames
from duolift.inputs.json_stream import member, numbers
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
    frames = json_frames(
        file, lambda value: isinstance(value, dict) and "keypoints" in value, ("predictions", "people")
    )
    yield from as_video(
        file,
        (
            RawFrame(
                one.name,
                "",
                [_person(person, joints, f"{one.where}[{number}]") for number, person in enumerate(one.people)],
                joints.keypoint_format,
                one.image,
            )
            for one in frames
        ),
    )


def _person(entry: Any, joints: JointReader, where: str) -> RawPerson:
    keypoints, here = member(entry, "keypoints", where, dict), f"{where}.keypoints"
    x, y = (numbers(member(keypoints, axis, here, list), f"{here}.{axis}", "a number of every joint") for axis in "xy")
    joints.check(len(x), f"{here}.x")
    visible = keypoints.get("visible")
    sure = np.ones(len(x)) if visible is None else numbers(visible, f"{here}.visible", "a confidence of every joint")
    if not len(x) == len(y) == len(sure):
        raise InputError(f"{here} has {len(x)} x, {len(y)} y; expected one of each, and of visible, a joint")
    # What a model does not see it puts into the corner; a model without visibility says so in no other way.
    confidence = np.where((x != 0) | (y != 0), sure, 0.0)
    return raw_person(np.stack([x, y], axis=-1), confidence, identity_of(entry, ("track_id",), where), where)
