"""COCO's results, and AlphaPose's default output: a list of people, each with the image that they are in.

`[{"image_id": 1, "category_id": 1, "keypoints": [x, y, confidence, ...], "score": 0.9}, ...]`, in any order. AlphaPose
names images instead of numbering them, and its trackers add `idx`. See https://cocodataset.org/#format-results.
"""

from collections.abc import Iterator
from typing import Any

from duolift.errors import InputError
from duolift.inputs.json_values import member
from duolift.inputs.people import (
    BY_COUNT,
    DetectionFile,
    JointReader,
    RawFrame,
    RawPerson,
    identity_of,
    raw_person,
    score_of,
    unwrapped,
)
from duolift.inputs.pixels import short
from duolift.inputs.registry import Peek, file_format
from duolift.inputs.scattered import PendingImage, frames_in_order


def _recognises(peek: Peek) -> bool:
    of_mmpose = peek.has("list", "instances", "keypoint_scores")
    return peek.has("list", "image_id") and peek.has("list", "keypoints") and not of_mmpose


@file_format("results", "COCO's results", recognises=_recognises)
def read_results(file: DetectionFile) -> Iterator[RawFrame]:
    """The images that people name, in the order of their first person.

    A file whose people are tracked is a video.
    """
    where, stream = file.where, file.json
    if stream.root() != "start_array":
        raise InputError(f"{where}: holds no list; expected COCO's results, a list of people with image_id")
    joints = JointReader(where, BY_COUNT, file.keypoint_format)
    keys = list(dict.fromkeys(_checked_id(key, where) for key in stream.items("item.image_id")))
    # AlphaPose's trackers number people from 1; where none was used, everybody is 0.
    indexed = any(bool(unwrapped(index)) for index in stream.items("item.idx"))
    tracked = indexed or any(number not in (None, -1) for number in stream.items("item.track_id"))
    images = {key: PendingImage(str(key), file.stem if tracked else "") for key in keys}
    identity_keys = ("track_id", "idx") if indexed else ("track_id",)

    def people() -> Iterator[tuple[Any, RawPerson | None]]:
        for number, entry in enumerate(stream.items("item")):
            here = f"{where}: [{number}]"
            key = member(entry, "image_id", here, int, str)
            identity = identity_of(entry, identity_keys, here)
            yield key, raw_person(*joints.flat(entry, "keypoints", here), identity, here, score_of(entry))

    yield from frames_in_order(images, people(), joints, stream.items("item.image_id"))


def _checked_id(key: Any, where: str) -> int | str:
    if not isinstance(key, int | str):
        raise InputError(f"{where}: image_id is {short(key)}; expected a number or a text")
    return key
