"""Pictures and films, in which a detector finds people, as frames of the joints that it gives.

A detector is given (`Options.detector`), as nothing here knows a network. Pictures are looked at one at a time, so that
a film takes no more memory the longer it is. What was found is kept in a record where there is one, from which frames
that have been looked at before are taken (`duolift.inputs.record`).
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files.films import Film, is_film
from duolift.files.pictures import pictures_in, read_picture, size_of
from duolift.files.signatures import (
    OTHER_PICTURE_SUFFIXES,
    PICTURE_SUFFIXES,
    SOUND,
    SUFFIXES,
    VIDEO,
    signature_of,
)
from duolift.inputs.keypoints import KeypointFormat, format_named
from duolift.inputs.people import RawFrame, RawPerson, raw_person
from duolift.inputs.pictures import camera_of_picture
from duolift.inputs.record import FoundFrame, Record

if TYPE_CHECKING:  # networks are no business of the reading of files
    from duolift.detectors.interface import Detector

DIGITS = 6
"""Of the number in the name of a film's frame, at least."""


def is_media(path: Path) -> bool:
    """Whether a file is a picture, a film or sound: by what it holds, and by its suffix where that does not tell.

    >>> is_media(Path("dance.mp4")), is_media(Path("photograph.jpg")), is_media(Path("keypoints.json"))
    (True, True, False)
    """
    if path.is_dir():
        return False
    if path.is_file() and path.suffix.lower() in (".json", ".npz"):
        return signature_of(path) is not None
    known = path.suffix.lower() in (*PICTURE_SUFFIXES, *OTHER_PICTURE_SUFFIXES)
    return known or signature_of(path) is not None or is_film(path)


def held_in(path: Path) -> str:
    """What a picture's or a film's file is, in words.

    >>> held_in(Path("dance.mp4")), held_in(Path("photograph.jpg"))
    ('a video', 'a picture')
    """
    return signature_of(path) or SUFFIXES.get(path.suffix.lower(), VIDEO)


def found_frames(
    path: Path, stem: str, detector: "Detector", record: Record | None, every: int | None = None
) -> Iterator[RawFrame]:
    """The frames of a film, or the one of a picture, with the people that a detector finds.

    Args:
        stem: name of the film, as a video's.
        record: what has been found before, and where it is kept; None keeps nothing.
        every: of a film, every so manyth frame; None gives all, some of which are not looked at (`watching.watch`).

    Raises:
        InputError: a file that cannot be read as a picture or a film; a detector that gives something else than joints.
    """
    joints = format_named(detector.joints)
    frames = _of_film(path, stem, detector, record, every) if _holds_film(path) else _of_picture(path, detector, record)
    for found, notes in frames:
        yield _raw(found, joints, notes, every or 1)


def frame_numbers(path: Path, every: int | None = None) -> list[int] | None:
    """The numbers of the frames that `found_frames` gives of a film; None for a picture, which has none."""
    if not _holds_film(path):
        return None
    from duolift.detectors.watching import bridged, moments

    film, unit = Film(path), every or 1
    return moments(film.every(unit), bridged(film.frame_rate), unit)


def frame_count(path: Path, every: int | None = None) -> int:
    """How many frames `found_frames` gives of a file: 0 where it cannot be read, of which whoever reads it says why."""
    try:
        numbers = frame_numbers(path, every)
    except InputError:
        return 0
    return 1 if numbers is None else max(1, len(numbers))


def _holds_film(path: Path) -> bool:
    return is_film(path) or signature_of(path) == SOUND


def _of_picture(path: Path, detector: "Detector", record: Record | None) -> Iterator[tuple[FoundFrame, list[str]]]:
    known = None if record is None else record.known(path, 0)
    if known is not None:
        yield known, []
        return
    pixels = read_picture(path)
    _, focal = camera_of_picture(path)
    found = FoundFrame(path.name, "", 0, size_of(pixels), focal, None, _found(detector, path, pixels))
    if record is not None:
        record.add(path, found)
    several = pictures_in(path)
    yield found, [f"{path}: holds {several} pictures, of which the first is looked at"] if several > 1 else []


def _of_film(
    path: Path, stem: str, detector: "Detector", record: Record | None, every: int | None
) -> Iterator[tuple[FoundFrame, list[str]]]:
    """A film's frames, each with what there is to say of it."""
    from duolift.detectors.following import for_a_film
    from duolift.detectors.watching import Watched, bridged, moments, stride, watch

    film, unit = Film(path), every or 1
    held: FoundFrame | None = None
    look = partial(_found, for_a_film(detector, unit), path)
    step = unit if every else stride(film.frame_rate)
    shown, gap = film.every(unit), bridged(film.frame_rate)
    added = len(moments(shown, gap, unit)) - len(shown)
    known = 0 if record is None else record.next_number(path)
    for number in range(known):
        before = record.known(path, number) if record is not None else None
        if before is not None:
            if held is not None:
                yield held, []
            held = before
    last = None if held is None else Watched(held.number, held.image, held.people)
    for seen in watch(film.frames(known, unit), look, step, gap, unit, last):
        if held is not None:
            yield held, []
        name = f"{stem}_{seen.number:0{DIGITS}}"
        held = FoundFrame(name, stem, seen.number, seen.image, None, film.frame_rate, seen.people)
        if record is not None:
            record.add(path, held)
    if held is not None:
        count = f"{added} moments have" if added > 1 else "1 moment has"
        without = f"{path}: {count} no frame: people are on their way from the one before to the one after"
        yield held, [*film.doubts(), *([without] if added else [])]


def _found(detector: "Detector", path: Path, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What a detector finds, (person, joint, 3), as exact as it is kept."""
    found = np.asarray(detector.detect(pixels), dtype=np.float64)
    joints = len(format_named(detector.joints))
    if found.ndim != 3 or found.shape[1:] != (joints, 3) or not np.isfinite(found).all():
        raise InputError(
            f"{path}: detector {detector.name} gave an array of shape {found.shape}; expected finite numbers "
            f"(person, {joints}, 3)"
        )
    return found


def _raw(found: FoundFrame, joints: KeypointFormat, notes: list[str], every: int) -> RawFrame:
    people: list[RawPerson] = [
        raw_person(one[:, :2], one[:, 2], None, f"{found.name}: person {number}")
        for number, one in enumerate(found.people)
    ]
    number = found.number if found.video else None
    return RawFrame(
        found.name,
        found.video,
        people,
        joints,
        found.image,
        found.focal,
        number=number,
        rate=found.rate,
        step=every if found.video else 1,
        notes=tuple(notes),
    )


def pictures_of(files: Sequence[Path], names: Sequence[str]) -> Path | None:
    """Where the pictures of a scene's images are, as outputs that are drawn over them take it; None where nowhere.

    Args:
        files: that were looked at.
        names: of the scene's images.

    >>> pictures_of([Path("party/dance.mp4"), Path("party/1.jpg")], ["dance_000000", "dance_000001"]).name
    'dance.mp4'
    >>> pictures_of([Path("party/1.jpg"), Path("party/2.jpg")], ["1.jpg", "2.jpg"]).name
    'party'
    """
    if not names:
        return None
    film = next((file for file in files if re.fullmatch(rf"{re.escape(file.stem)}_\d+", names[0])), None)
    if film is not None and _holds_film(film):
        return film
    picture = next((file for file in files if file.name == names[0]), None)
    return picture if picture is None or len(names) == 1 else picture.parent
