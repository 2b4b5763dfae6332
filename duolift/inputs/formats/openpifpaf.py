"""OpenPifPaf's predictions: a list of people of one image, or of a video a line a frame.

`openpifpaf.predict --json-output` writes `<image>.predictions.json`, `[{"keypoints": [x, y, confidence, ...], "bbox":
[...], "score": 0.8, "category_id": 1}]`, which are COCO's results without images; `openpifpaf.video --json-output`
writes lines of `{"frame": 1, "predictions": [...]}`. See https://openpifpaf.github.io/cli_help.html.
"""

from collections.abc import Iterator
from typing import Any

from duolift.inputs.json_frames import json_frames, of_file
from duolift.inputs.people import BY_COUNT, DetectionFile, JointReader, RawFrame, identity_of, raw_person, score_of
from duolift.inputs.registry import Peek, file_format


def _recognises(peek: Peek) -> bool:
    person = peek.object_at("[]")
    alone = "keypoints" in person and not person & {"image_id", "keypoint_scores", "instances"}
    if alone and peek.lists.get(("[]", "keypoints")) == {"number"}:
        return True
    return "predictions" in peek.object_at() and (
        "frame" in peek.object_at() or peek.lists.get(("predictions", "[]", "keypoints")) == {"number"}
    )


def _is_person(value: Any) -> bool:
    return isinstance(value, dict) and "keypoints" in value


@file_format("openpifpaf", "OpenPifPaf's predictions", recognises=_recognises)
def read_openpifpaf(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)

    def frames() -> Iterator[tuple[RawFrame, bool]]:
        for frame in json_frames(file, _is_person, ("predictions",)):
            people = []
            for number, entry in enumerate(frame.people):
                here = f"{frame.where}[{number}]"
                keypoints, confidence = joints.flat(entry, "keypoints", here)
                identity = identity_of(entry, ("id_", "track_id"), here)
                people.append(raw_person(keypoints, confidence, identity, here, score_of(entry)))
            yield RawFrame(frame.name, "", people, joints.keypoint_format, frame.image), frame.numbered

    yield from of_file(file, frames())
