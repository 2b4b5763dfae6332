"""Ultralytics' `save_txt=True`, an image a file and a person a line, and the labels of its pose data sets.

`class x y width height`, then `x y confidence` of every joint, or `x y` of a model without visibility, all in shares of
the image's size, which the files do not have; then the person's confidence with `save_conf=True`, and the track's
number with `model.track`. Labels have 2 for a visible joint and 1 for a hidden one in place of confidence. See
https://docs.ultralytics.com/datasets/pose/.
"""

import re
from collections.abc import Iterator

import numpy as np

from duolift.errors import InputError
from duolift.inputs.formats.coco import HIDDEN
from duolift.inputs.keypoints import KeypointFormat
from duolift.inputs.people import BY_COUNT, Array, DetectionFile, JointReader, RawFrame, RawPerson, raw_person
from duolift.inputs.registry import Peek, file_format

BOX = 5
"""Numbers before the joints: class, x, y, width, height."""

LONGEST_LINE = 2**16
"""Characters of a line; a person of 133 joints takes 4,000."""

_LINE = re.compile(rb"\d+( -?[\d.]+(e-?\d+)?){20,}", re.IGNORECASE)


def _recognises(peek: Peek) -> bool:
    return bool(_LINE.match(peek.start))


@file_format("yolo", "Ultralytics' text files", suffix=".txt", recognises=_recognises)
def read_yolo(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file."""
    file.file.seek(0)
    joints = JointReader(file.where, BY_COUNT, file.keypoint_format)
    rows = []
    for number, line in enumerate(iter(lambda: file.file.readline(LONGEST_LINE), b""), 1):
        here = f"{file.where}: line {number}"
        if line.strip():
            rows.append((_numbers(line, here), here))
    tracked = all(_is_number_of_track(row) for row, _ in rows)
    people = [_person(row, joints, tracked, here) for row, here in rows]
    yield RawFrame(file.stem, "", people, joints.keypoint_format, normalised=True)


def _numbers(line: bytes, where: str) -> Array:
    try:
        return np.array([float(word) for word in line.split()])
    except ValueError as error:
        raise InputError(f"{where}: {error}; expected class, box and joints as numbers") from error


def _is_number_of_track(row: Array) -> bool:
    """Whether a line's last number can be a track's, where it is no joint's."""
    return bool(len(row)) and bool(row[-1] >= 1) and bool(row[-1] == np.floor(row[-1]))


def _layout(count: int, body: KeypointFormat | None, where: str) -> tuple[int, int, int]:
    """How many joints a line of so many numbers has, how many numbers a joint, and how many numbers are after them."""
    for joints in [len(body)] if body is not None else BY_COUNT:
        for values in (3, 2):
            if 0 <= (after := count - BOX - values * joints) <= 2:
                return joints, values, after
    known = (
        f"{len(body)} joints ({body.name})" if body else f"joints of a known format ({', '.join(map(str, BY_COUNT))})"
    )
    raise InputError(f"{where} has {count} numbers; expected class, box and 3 or 2 numbers for each of {known}")


def _person(row: Array, joints: JointReader, tracked: bool, where: str) -> RawPerson:
    count, values, after = _layout(len(row), joints.body, where)
    joints.check(count, where)
    table = row[BOX : BOX + count * values].reshape(count, values)
    confidence = table[:, 2] if values == 3 else (table != 0).any(-1).astype(np.float64)
    if (confidence == 2).any() and np.isin(confidence, (0, 1, 2)).all():
        confidence = np.where(confidence == 1, HIDDEN, confidence)
    has_track = after == 2 or (after == 1 and tracked)
    number = row[-1]
    if has_track and not (0 <= number < 1e9 and number == np.floor(number)):
        raise InputError(f"{where} ends with {number:g}; expected a track's whole number")
    return raw_person(table[:, :2], confidence, int(number) if has_track else None, where)
