"""AlphaPose's people, each with their own frames: `*_alphapose_tracked_person.json`.

`{"1": {"0000": {"keypoints": [x, y, confidence, ...], "scores": null}, "0001": ...}, "2": ...}`, person by person, as
the data sets of anomaly detection have them (gepc, STG-NF, PoseLift). See https://github.com/amirmk89/gepc.
"""

from collections.abc import Iterator

from duolift.errors import InputError
from duolift.inputs.people import BY_COUNT, DetectionFile, JointReader, RawFrame, RawPerson, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import NUMBERED, Peek, file_format


def _recognises(peek: Peek) -> bool:
    return peek.root == "object" and "keypoints" in peek.object_at(NUMBERED, NUMBERED)


@file_format("tracked_person", "AlphaPose's frames by person", recognises=_recognises)
def read_tracked_person(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video: all are read before the first is given, since each person has their own."""
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)
    frames: dict[int, tuple[str, list[RawPerson]]] = {}  # number -> name and people
    for person, places in file.json.members(""):
        here = f"{file.where}: {person}"
        identity = _number(person, here)
        if not isinstance(places, dict):
            raise InputError(f"{here} is {short(places)}; expected an object of frames")
        for name, entry in places.items():
            where = f"{here}: {name}"
            keypoints, confidence = joints.flat(entry, "keypoints", where)
            _, people = frames.setdefault(_number(name, where), (name, []))
            people.append(raw_person(keypoints, confidence, identity, where))
    if not frames:
        raise InputError(f"{file.where}: holds nobody; expected people, each with an object of frames")
    for _, (name, people) in sorted(frames.items()):
        yield RawFrame(name, file.stem, people, joints.keypoint_format)


def _number(text: str, where: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InputError(f"{where} is {short(text)}; expected a number")
    return int(text)
