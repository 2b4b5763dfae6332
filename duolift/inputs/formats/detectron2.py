"""Detectron's people in a video, as VideoPose3D's `infer_video_d2.py` and `infer_video.py` save them (`.npz`).

`keypoints` has of every frame a list of classes, of which the second is people: (person, 4, joint), the rows being x,
y, logit and probability, or an empty list. `boxes` has (person, 5), the last being the person's score; `metadata` the
image's width and height. See https://github.com/facebookresearch/VideoPose3D/blob/main/INFERENCE.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from duolift.errors import InputError
from duolift.files.npz import read_objects
from duolift.inputs.json_frames import size_in
from duolift.inputs.keypoints import THRESHOLD
from duolift.inputs.people import BY_COUNT, DetectionFile, JointReader, RawFrame, RawPerson, raw_person
from duolift.inputs.pixels import short
from duolift.inputs.registry import file_format

PERSON = 1
"""The class of people in the list of a frame's classes."""


@dataclass(frozen=True)
class KeypointScores:
    """How Detectron scores joints: the share of the peak in a heat map, which is far lower than other confidences.

    Attributes:
        shown: from this score on Detectron2's visualiser shows a joint (`_KEYPOINT_THRESHOLD`); it stands for the
            confidence from which on joints are used here.
    """

    shown: float = 0.05

    def confidence(self, score: np.ndarray) -> np.ndarray:
        """Scores as confidence, 0 to 1."""
        return np.clip(score * THRESHOLD / self.shown, 0.0, 1.0)


SCORES = KeypointScores()


@file_format(
    "detectron2",
    "Detectron's npz",
    suffix=".npz",
    recognises=lambda peek: peek.has("arrays", "keypoints") and peek.has("arrays", "boxes", "segments"),
)
def read_detectron2(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video."""
    file.file.seek(0)
    content = read_objects(file.file, file.where)
    frames = content.get("keypoints")
    if isinstance(frames, np.ndarray):  # of classes with as many people in every frame
        frames = [*frames]
    if not isinstance(frames, list):
        raise InputError(f"{file.where}: keypoints is {short(frames)}; expected a list of classes a frame")
    about = content.get("metadata")
    image = size_in(about, f"{file.where}: metadata") if isinstance(about, dict) else None
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)
    for number, classes in enumerate(frames):
        people = _people(classes, joints, f"{file.where}: keypoints[{number}]")
        yield RawFrame(str(number), file.stem, people, joints.keypoint_format, image)


def _people(classes: Any, joints: JointReader, where: str) -> list[RawPerson]:
    if not isinstance(classes, list | np.ndarray) or len(classes) <= PERSON:
        raise InputError(f"{where} is {short(classes)}; expected two classes, the second of people")
    people = classes[PERSON]
    if isinstance(people, list) and not people:
        return []
    if isinstance(people, list):
        shapes = {one.shape if isinstance(one, np.ndarray) else None for one in people}
        people = np.stack(people) if len(shapes) == 1 and None not in shapes else people
    if not isinstance(people, np.ndarray) or people.dtype.kind not in "fiu" or people.ndim != 3 or people.shape[1] != 4:
        raise InputError(f"{where}[{PERSON}] is {short(people)}; expected an array (person, 4, joint)")
    if not len(people):
        return []
    joints.check(people.shape[2], f"{where}[{PERSON}]")
    table = people.astype(np.float64)
    return [
        raw_person(one[:2].T, SCORES.confidence(one[3]), None, f"{where}[{PERSON}][{number}]")
        for number, one in enumerate(table)
    ]
