"""PoseFlow's tracked people, by the names of images.

`{"0.jpg": [{"keypoints": [x, y, confidence, ...], "scores": 3.1, "idx": 1}, ...], "1.jpg": [...]}`, as the tracker
beside AlphaPose writes it. See https://github.com/YuliangXiu/PoseFlow.
"""

from collections.abc import Iterator

from duolift.errors import InputError
from duolift.inputs.people import BY_COUNT, DetectionFile, JointReader, RawFrame, identity_of, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import NUMBERED, Peek, file_format


def _recognises(peek: Peek) -> bool:
    return peek.root == "object" and "keypoints" in peek.object_at(NUMBERED, "[]")


@file_format("poseflow", "PoseFlow's images by name", recognises=_recognises)
def read_poseflow(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video."""
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)
    frames = 0
    for name, people in file.json.members(""):
        if not isinstance(people, list):
            raise InputError(f"{file.where}: {name} is {short(people)}; expected a list of people")
        read = []
        for number, entry in enumerate(people):
            here = f"{file.where}: {name}[{number}]"
            keypoints, confidence = joints.flat(entry, "keypoints", here)
            read.append(raw_person(keypoints, confidence, identity_of(entry, ("idx", "track_id"), here), here))
        frames += 1
        yield RawFrame(name, file.stem, read, joints.keypoint_format)
    if not frames:
        raise InputError(f"{file.where}: holds no image; expected lists of people by the images' names")
