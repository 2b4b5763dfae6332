"""easy_ViTPose's `--save-json`: people by number in each frame, their joints as y, x and confidence.

`{"keypoints": [{"0": [[y, x, confidence], ...], "1": ...}, ...], "skeleton": {"0": "nose", ...}}`; `skeleton` names the
joints. See https://github.com/JunkyByte/easy_ViTPose.
"""

from collections.abc import Iterator
from typing import Any

from duolift.errors import InputError
from duolift.files.json_stream import JsonStream
from duolift.inputs.json_frames import of_file
from duolift.inputs.keypoints import KeypointFormat, format_of
from duolift.inputs.people import BY_COUNT, DetectionFile, JointReader, RawFrame, RawPerson, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import ITEM, NUMBERED, Peek, file_format


def _recognises(peek: Peek) -> bool:
    return ("keypoints", ITEM, NUMBERED) in peek.lists or {"keypoints", "skeleton"} <= peek.object_at()


@file_format("easy_vitpose", "easy_ViTPose's people by number", recognises=_recognises)
def read_easy_vitpose(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    stream = file.json
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)
    names = _names(stream)

    def frames() -> Iterator[tuple[RawFrame, bool]]:
        for number, people in enumerate(stream.items("keypoints.item")):
            here = f"{file.where}: keypoints[{number}]"
            if not isinstance(people, dict):
                raise InputError(f"{here} is {short(people)}; expected people by their number")
            read = [_person(value, key, joints, names, f"{here}: {key}") for key, value in people.items()]
            yield RawFrame(str(number), "", read, joints.keypoint_format), True

    if not any(event[:2] == ("keypoints", "start_array") for event in stream.events()):
        raise InputError(f"{file.where}: has no list of keypoints; expected what easy_ViTPose writes")
    yield from of_file(file, frames())


def _names(stream: JsonStream) -> list[str]:
    """The joints' names in their order, as far as the file has them."""
    names: Any = next(stream.items("skeleton"), {})
    if not isinstance(names, dict):
        return []
    found = [names.get(str(number)) for number in range(len(names))]
    return [name for name in found if isinstance(name, str)]


def _person(value: Any, key: str, joints: JointReader, names: list[str], where: str) -> RawPerson:
    count = len(value) if isinstance(value, list) else 0
    if joints.body is None and len(names) == count > 0:
        joints.body = _named(names, where)
    y_x, confidence = joints.flat({"keypoints": value}, "keypoints", where)
    return raw_person(y_x[:, ::-1], confidence, int(key) if key.isdecimal() and len(key) < 10 else None, where)


def _named(names: list[str], where: str) -> KeypointFormat | None:
    """The format of the names; None for names of another body, such as a horse's, which the count then refuses."""
    try:
        return format_of(names, f"{where}: skeleton")
    except InputError:
        return None
