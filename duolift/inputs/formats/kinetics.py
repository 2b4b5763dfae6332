"""Skeleton clips of action recognition: kinetics-skeleton (ST-GCN) and mmskeleton.

`{"data": [{"frame_index": 1, "skeleton": [{"pose": [x, y, ...], "score": [...]}]}], "label": ..., "label_index": ...}`,
for Kinetics in shares of the image's size; mmskeleton's `{"info": {"resolution": [340, 256], ...}, "annotations":
[{"frame_index": 0, "person_id": null, "keypoints": [[x, y, score], ...]}]}`. See
https://github.com/yysijie/st-gcn/blob/master/OLD_README.md and https://github.com/open-mmlab/mmskeleton.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files.json_stream import JsonStream
from duolift.inputs.json_frames import size_in
from duolift.inputs.json_values import member, numbers
from duolift.inputs.people import (
    OPENPOSE_BY_COUNT,
    DetectionFile,
    JointReader,
    RawFrame,
    RawPerson,
    identity_of,
    raw_person,
)
from duolift.inputs.registry import Peek, file_format
from duolift.inputs.scattered import PendingImage, frames_in_order

CLIP_KEYS = {"keypoint_channels", "num_frame", "num_keypoints"}
"""Keys of `info` that COCO's annotations have not."""


def _recognises(peek: Peek) -> bool:
    frames = peek.object_at("data", "[]")
    return {"frame_index", "skeleton"} <= frames or is_clip(peek)


def is_clip(peek: Peek) -> bool:
    """Whether annotations are mmskeleton's, and not COCO's."""
    return peek.root == "object" and (
        bool(peek.object_at("info") & CLIP_KEYS) or {"frame_index", "keypoints"} <= peek.object_at("annotations", "[]")
    )


@file_format("kinetics", "kinetics-skeleton and mmskeleton", recognises=_recognises)
def read_kinetics(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a clip."""
    stream = file.json
    joints = JointReader(file.where, OPENPOSE_BY_COUNT, file.keypoint_format)
    image = next(
        (
            size_in(member({"info": info}, "info", file.where, dict), f"{file.where}: info")
            for info in stream.items("info")
        ),
        None,
    )
    if any(event == ("data", "start_array", None) for event in stream.events()):
        yield from _frames(file, stream, joints, image)
    else:
        yield from _scattered(file, stream, joints, image)


def _frames(
    file: DetectionFile, stream: JsonStream, joints: JointReader, image: tuple[float, float] | None
) -> Iterator[RawFrame]:
    for number, entry in enumerate(stream.items("data.item")):
        here = f"{file.where}: data[{number}]"
        index = member(entry, "frame_index", here, int)
        people = []
        for one, person in enumerate(member(entry, "skeleton", here, list)):
            people.append(_person(person, joints, f"{here}.skeleton[{one}]"))
        yield RawFrame(str(index), file.stem, people, joints.keypoint_format, image)


def _person(entry: Any, joints: JointReader, where: str) -> RawPerson:
    pose = numbers(member(entry, "pose", where, list), f"{where}.pose", "x and y of every joint")
    score = numbers(member(entry, "score", where, list), f"{where}.score", "a score of every joint")
    if len(pose) != 2 * len(score):
        raise InputError(f"{where}.pose has {len(pose)} numbers; expected {2 * len(score)}, x and y of every score")
    joints.check(len(score), f"{where}.pose")
    seen = np.where((pose.reshape(-1, 2) == 0).all(-1), 0.0, score)  # both are 0 for a joint that was not found
    return raw_person(pose.reshape(-1, 2), seen, identity_of(entry, ("person_id", "track_id"), where), where)


def _scattered(
    file: DetectionFile, stream: JsonStream, joints: JointReader, image: tuple[float, float] | None
) -> Iterator[RawFrame]:
    indices = [key for key in stream.items("annotations.item.frame_index") if isinstance(key, int)]
    images = {key: PendingImage(str(key), file.stem, image) for key in sorted({*indices})}

    def people() -> Iterator[tuple[Any, RawPerson | None]]:
        for number, entry in enumerate(stream.items("annotations.item")):
            here = f"{file.where}: annotations[{number}]"
            key = member(entry, "frame_index", here, int)
            keypoints, confidence = joints.flat(entry, "keypoints", here)
            identity = identity_of(entry, ("person_id", "track_id"), here)
            yield key, raw_person(keypoints, confidence, identity, here)

    if not images:
        raise InputError(f"{file.where}: holds neither data nor annotations with frames; expected a clip's frames")
    yield from frames_in_order(images, people(), joints, indices)
