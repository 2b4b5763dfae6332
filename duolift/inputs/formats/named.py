"""People whose joints have names: TensorFlow.js' PoseNet, MoveNet and BlazePose, and ml5.js.

`[{"score": 0.9, "keypoints": [{"x": 3, "y": 4, "score": 0.9, "name": "nose"}, ...]}]`, of PoseNet with `part` and
`position`, of ml5.js in `pose`, or an object with the joints under their names. A list of these lists is a video. See
https://github.com/tensorflow/tfjs-models/tree/master/pose-detection.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.inputs.json_frames import json_frames, of_file
from duolift.inputs.json_values import member
from duolift.inputs.keypoints import FORMATS, KeypointFormat, format_of, plain_name
from duolift.inputs.people import DetectionFile, RawFrame, RawPerson, identity_of, raw_person, score_of
from duolift.inputs.pixels import short
from duolift.inputs.registry import Peek, file_format

CONFIDENCE_KEYS = ("score", "confidence", "visibility", "likelihood", "conf", "c")
PEOPLE_KEYS = ("poses", "pose", "people", "predictions", "persons", "keypoints", "landmarks")
IDENTITY_KEYS = ("id", "track_id", "person_id")
WITHOUT_CONFIDENCE = 1.0

NORMALISED_BELOW = 3.0
"""Where half of all numbers of an image are below it they are shares of its size, of somebody who is partly outside."""


def _recognises(peek: Peek) -> bool:
    named = any(
        place[-2:] == ("keypoints", "[]") and keys & {"name", "part"} and keys & {"x", "position"}
        for place, keys in peek.objects.items()
    )
    return named or any(_has_hips(keys) for keys in peek.objects.values())


def _has_hips(names: Any) -> bool:
    return {"left_hip", "right_hip", "left_shoulder"} <= {plain_name(name) for name in names if len(name) < 20}


def _joints(value: Any) -> list[tuple[str, Any]] | None:
    """The names and places of a person's joints; None for what is no person."""
    if isinstance(value, dict):
        if _has_hips(value):
            return [(name, place) for name, place in value.items() if isinstance(place, dict | list)]
        for key in ("keypoints", "landmarks", "joints"):
            inner = value.get(key)
            if isinstance(inner, dict):
                return _joints(inner)
            if isinstance(inner, list) and all(_is_named(one) for one in inner):
                return [(_name_of(one), one) for one in inner]
        if isinstance(value.get("pose"), dict):
            return _joints(value["pose"])
    return None


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(_name_of(value), str)


def _name_of(value: Mapping[str, Any]) -> Any:
    return value.get("name", value.get("part"))


@file_format("named", "joints by name", recognises=_recognises)
def read_named(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    body = file.keypoint_format

    def frames() -> Iterator[tuple[RawFrame, bool]]:
        nonlocal body
        for frame in json_frames(file, lambda value: _joints(value) is not None, PEOPLE_KEYS):
            people = []
            for number, value in enumerate(frame.people):
                here = f"{frame.where}[{number}]"
                joints = _joints(value)
                if joints is None:
                    raise InputError(f"{here} is {short(value)}; expected a person with joints by name")
                if joints:
                    body = body or _format_of([name for name, _ in joints], here)
                    people.append(_person(joints, body, value, here))
                else:
                    people.append(raw_person(np.zeros((0, 2)), np.zeros(0), None, here))
            shares = are_shares(people)
            raw = RawFrame(frame.name, "", people, body or FORMATS["coco17"], frame.image, normalised=shares)
            yield raw, frame.numbered

    yield from of_file(file, frames())


def _format_of(names: list[str], where: str) -> KeypointFormat:
    """The smallest known format that has all these names; else one of these names alone."""
    plain = [plain_name(name) for name in names]
    same = [known for known in (FORMATS["coco17"], FORMATS["mediapipe33"]) if {*plain} <= {*known.joints}]
    return same[0] if same else format_of(plain, where)


def _person(joints: list[tuple[str, Any]], body: KeypointFormat, value: Any, where: str) -> RawPerson:
    places, confidence = np.zeros((len(body), 2)), np.zeros(len(body))
    own = format_of([name for name, _ in joints], where).joints
    for joint, (name, place) in zip(own, joints, strict=True):
        if joint not in body.joints:
            raise InputError(f"{where} has the joint {short(name)}; expected {', '.join(body.joints[:5])} ...")
        at = body.joints.index(joint)
        places[at], confidence[at] = _place(place, f"{where}: {name}")
    entry = value if isinstance(value, dict) and not _has_hips(value) else {}
    return raw_person(places, confidence, identity_of(entry, IDENTITY_KEYS, where), where, score_of(entry))


def _place(value: Any, where: str) -> tuple[tuple[float, float], float]:
    """x and y, and confidence, of a joint."""
    if isinstance(value, list):
        value = dict(zip(("x", "y", "score"), value, strict=False))
    inner = value.get("position")
    x, y = (_number(inner if isinstance(inner, dict) else value, axis, where) for axis in "xy")
    key = next((key for key in CONFIDENCE_KEYS if value.get(key) is not None), None)
    return (x, y), WITHOUT_CONFIDENCE if key is None else _number(value, key, where)


def _number(value: Any, key: str, where: str) -> float:
    """A number, NaN where the file has null."""
    if isinstance(value, dict) and key in value and value[key] is None:
        return float("nan")
    try:
        return float(member(value, key, where, int, float))
    except OverflowError as error:
        raise InputError(f"{where}.{key} is {short(value[key])}; expected a number") from error


def are_shares(people: list[RawPerson]) -> bool:
    """Whether people's joints are shares of the image's size, though some are outside of it."""
    seen = [person.keypoints[person.confidence > 0] for person in people]
    return (
        bool(seen)
        and bool(np.concatenate(seen).size)
        and bool(np.median(np.abs(np.concatenate(seen)).max(-1)) < NORMALISED_BELOW)
    )
