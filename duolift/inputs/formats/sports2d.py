"""Sports2D's markers in pixels: `<video>_px_personNN.trc`, a file a person.

A TRC is a table with tabs: three lines of head, of which the second names and the third holds the rate, the number of
markers and their unit, then the markers' names above X, Y and Z, then a row a frame. Z is 0 in pixels, and the unit may
be called m all the same. In a folder the people of a video are read together, and its files in metres left alone. See
https://github.com/davidpagnon/Sports2D.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

import numpy as np

from duolift.errors import InputError
from duolift.files import regular
from duolift.inputs.keypoints import KeypointFormat, format_of
from duolift.inputs.people import Array, DetectionFile, RawFrame, raw_person
from duolift.inputs.registry import file_format

BEGINS = b"PathFileType"
HEAD = 5
"""Lines before the first row; a further one may be empty."""

LONGEST_LINE = 2**16

LARGEST_METRES = 25.0
"""Markers that all are within this are not in pixels."""

PERSON = re.compile(r"(?P<video>.+)_px_person\d+.*")
"""A person's file, of which a video has several."""


@file_format(
    "sports2d",
    "Sports2D's pixel TRC",
    suffix=".trc",
    recognises=lambda peek: peek.start.startswith(BEGINS),
    together=PERSON,
)
def read_sports2d(file: DetectionFile) -> Iterator[RawFrame]:
    """The frames of a video, of the person of the file, and of those of the files beside it in a folder."""
    with ExitStack() as stack:
        files = [(file.file, file.where)]
        files += [(stack.enter_context(regular(path).open("rb")), str(path)) for path in file.beside]
        people = [_person(one, where, file.keypoint_format) for one, where in files]
    body = people[0][0]
    numbers = sorted({number for _, rows in people for number in rows})
    if any(one.joints != body.joints for one, _ in people):
        raise InputError(
            f"{file.where}: has other markers than {files[-1][1]}; expected those of one video to be the same"
        )
    match = PERSON.fullmatch(file.stem)
    for number in numbers:
        found = [
            raw_person(rows[number], np.ones(len(body)), person, f"{files[person - 1][1]}: frame {number}")
            for person, (_, rows) in enumerate(people, 1)
            if number in rows
        ]
        yield RawFrame(str(number), match["video"] if match else file.stem, found, body)


def _person(file: BinaryIO, where: str, given: KeypointFormat | None) -> tuple[KeypointFormat, dict[int, Array]]:
    """The markers, and of every frame (marker, 2), NaN where one is missing."""
    file.seek(0)
    lines = (
        line.decode("utf-8", "replace").rstrip("\r\n").split("\t")
        for line in iter(lambda: file.readline(LONGEST_LINE), b"")
    )
    head = [line for _, line in zip(range(HEAD), lines, strict=False)]
    if len(head) < HEAD or head[0][0] != BEGINS.decode() or head[3][:1] != ["Frame#"]:
        raise InputError(f"{where}: has no head of a TRC; expected lines of PathFileType, DataRate and Frame#")
    names = [name for name in head[3][2:] if name]
    body = given or format_of(names, f"{where}: markers")
    if len(body) != len(names):
        raise InputError(f"{where}: has {len(names)} markers; expected {len(body)} ({body.name})")
    rows: dict[int, Array] = {}
    for at, line in enumerate(lines, HEAD + 1):
        here = f"{where}: line {at}"
        if not any(cell.strip() for cell in line):
            continue
        number, places = _row(line, len(names), here)
        if number in rows:
            raise InputError(f"{here}: has frame {number} again; expected every frame once")
        rows[number] = places
    if not rows:
        raise InputError(f"{where}: has a head and no row; expected a row a frame")
    largest = max((np.nanmax(np.abs(places), initial=0.0) for places in rows.values()), default=0.0)
    if 0 < largest < LARGEST_METRES:
        raise InputError(f"{where}: is in metres; expected Sports2D's file in pixels (..._px_person00.trc)")
    return body, rows


def _row(line: list[str], markers: int, where: str) -> tuple[int, Array]:
    cells = line[: 2 + 3 * markers]
    try:
        number = float(cells[0])
        values = np.array([float(cell) if cell.strip() else np.nan for cell in cells[2:]])
    except ValueError as error:
        raise InputError(f"{where}: {error}; expected numbers") from error
    if len(values) != 3 * markers or number != number // 1 or not abs(number) < 1e9:
        raise InputError(f"{where} has {len(values)} numbers; expected a frame, a time, and X, Y and Z of {markers}")
    return int(number), values.reshape(markers, 3)[:, :2]
