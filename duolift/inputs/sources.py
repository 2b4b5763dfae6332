"""Files, folders and standard input as frames on the joints of the file.

A folder is read file by file. Its numbered files with an image each are series, which may be videos.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby, islice
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

import duolift.inputs.formats  # noqa: F401  (registers them)
from duolift.errors import InputError
from duolift.files import regular
from duolift.inputs.folders import detector_files, media_files, parts_of, suffixes
from duolift.inputs.formats.npz import SCENE_KEY
from duolift.inputs.keypoints import FORMATS, format_named
from duolift.inputs.media import found_frames, frame_numbers, held_in, is_media
from duolift.inputs.mistaken import DETECT_FIRST
from duolift.inputs.options import Options
from duolift.inputs.people import DetectionFile, RawFrame
from duolift.inputs.registry import FILE_FORMATS, recognised
from duolift.inputs.sequences import OPENPOSE_FRAME, Numbering, numbering_of, series_of
from duolift.inputs.skipping import Skipped
from duolift.inputs.videos import sequenced

STDIN, STDIN_NAME = "-", "standard input"

Source = Path | str | Sequence[Path]
"""A file, a folder, `-` for standard input, or pictures of one folder, which are read as a folder of them is."""


def check_source(source: Source) -> None:
    """Refuse a source in which `read` would find no file, without reading any: cheap enough to be called first.

    Args:
        source: a file, a folder, `-` for standard input, or pictures of one folder.

    Raises:
        InputError: nothing is there, it is a pipe or a device, or a folder without a file of any known format's suffix.

    >>> check_source("gone.json")
    Traceback (most recent call last):
    duolift.errors.InputError: gone.json: cannot be read (No such file or directory)
    """
    files_of(source)


def raw_frames(source: Source, options: Options, skipped: Skipped) -> Iterator[RawFrame]:
    """Frames as the files have them, those of a video under its name and in the order of time.

    Args:
        source: a file, a folder, `-` for standard input, or pictures of one folder.
        skipped: counts what is left out of a folder.

    Raises:
        InputError: as `duolift.inputs.read` does.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = [Path(folder, f"film_{number:03}.json").write_text('{"people": []}') for number in (8, 9, 10, 12)]
    ...     [(frame.name, frame.video) for frame in raw_frames(folder, Options(), Skipped())][2:]
    [('film_010', 'film'), ('film_011', 'film'), ('film_012', 'film')]
    """
    if not isinstance(source, Path | str):
        yield from _of_folder(source[0].parent, [*source], options, skipped)
        return
    path = Path(source)
    if str(source) == STDIN:
        with tempfile.TemporaryDirectory() as folder:  # standard input cannot be read twice
            copy = Path(folder, "copy")
            with copy.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            again = partial(_opened, copy, STDIN_NAME, options, (), STDIN_NAME)
            yield from sequenced(again(), STDIN_NAME, again, options.video)
    elif path.is_dir():
        yield from _of_folder(path, files_of(path), options, skipped)
    else:
        part = _Part(_stem(path), file=path)
        frames = _opened(path, part.name, options)
        yield from sequenced(frames, part.name, partial(_again, part, options), options.video)


@dataclass(frozen=True)
class _Part:
    """Files of a folder that are read as one: those of a series with an image each, or a file of its own.

    Attributes:
        name: of the video that they may be.
        series: how their names are numbered.
        numbers: of the series, of all of its files.
        named: its files have the names that OpenPose gives to a video's frames.
        file: the file of its own.
        beside: files that are read together with it.
    """

    name: str
    series: Numbering | None = None
    numbers: tuple[int, ...] = ()
    named: bool = False
    file: Path | None = None
    beside: tuple[Path, ...] = ()


def _of_folder(folder: Path, files: list[Path], options: Options, skipped: Skipped) -> Iterator[RawFrame]:
    """The frames of a folder's files, series by series."""
    for part, group in groupby(_parts(folder, files, options, skipped), key=lambda one: one[0]):
        again = partial(_again, part, options)
        yield from sequenced((raw for _, raw in group), part.name, again, options.video, part.named)


def _parts(folder: Path, listed: list[Path], options: Options, skipped: Skipped) -> Iterator[tuple[_Part, RawFrame]]:
    """Every frame, and what it is part of; nobody in images of files that are skipped."""
    files = parts_of(listed)
    numberings, parts = _series(folder, [file for file, _ in files])
    order = [*dict.fromkeys(numberings.values())]
    whole = _Part(_readable(folder.stem))  # with the option that all is one video
    waiting: list[tuple[_Part, RawFrame]] = []  # what could not be read, until something can
    any_read = False
    for file, beside in sorted(files, key=lambda one: order.index(numberings[_stem(one[0])])):  # a stable sort
        stem, numbering = _stem(file), numberings[_stem(file)]
        part = whole if options.video else parts[numbering]
        frames = _until_error(_opened(file, stem, options, beside), skipped)
        first = [*islice(frames, 2)]
        if not first:
            name = file.name if is_media(file) else stem
            unread = RawFrame(name, "", (), FORMATS["coco17"], number=numbering.number(stem), unread=True)
            waiting.append((part, unread))
            continue
        any_read = True
        yield from waiting
        waiting = []
        if len(first) == 1 and not first[0].video:
            yield part, replace(first[0], number=numbering.number(stem))
        else:
            of_file = _Part(whole.name if options.video else stem, file=file, beside=beside)
            yield from ((of_file, raw) for raw in chain(first, frames))
    if not any_read and skipped.first_file is not None:
        raise skipped.first_file
    yield from waiting


def _series(folder: Path, files: list[Path]) -> tuple[dict[str, Numbering], dict[Numbering, _Part]]:
    """Name of a file -> the series that it is of, one of all names where these differ in one number alone; series ->
    its files."""
    stems = [_stem(file) for file in files]
    one = numbering_of(stems)
    numberings = {stem: one or Numbering(*series_of(stem)) for stem in stems}
    numbers: dict[Numbering, list[int]] = {numbering: [] for numbering in numberings.values()}
    for stem, numbering in numberings.items():
        if (number := numbering.number(stem)) is not None:
            numbers[numbering].append(number)
    other_names = {numberings[_stem(file)] for file in files if not OPENPOSE_FRAME.fullmatch(file.stem)}
    parts = {
        series: _Part(series.title or _readable(folder.name), series, tuple(found), named=series not in other_names)
        for series, found in numbers.items()
    }
    return numberings, parts


def _again(part: _Part, options: Options) -> Iterator[RawFrame | int]:
    """The frames of a file once more, or the numbers of a series or a film."""
    if part.file is None:
        yield from part.numbers
    else:
        numbers = frame_numbers(part.file, options.every) if is_media(part.file) else None
        yield from _opened(part.file, _stem(part.file), options, part.beside) if numbers is None else numbers


def _until_error(frames: Iterator[RawFrame], skipped: Skipped) -> Iterator[RawFrame]:
    """The frames of a file, up to what is wrong with it."""
    try:
        yield from frames
    except InputError as error:
        skipped.file(error)


def _stem(file: Path) -> str:
    """A file's name without what detectors add to an image's."""
    return _readable(file.stem).removesuffix("_keypoints")


def _readable(name: str) -> str:
    """A file's name with a mark for bytes that are not text."""
    return os.fsencode(name).decode("utf-8", "replace")


def files_of(source: Source) -> list[Path]:
    """The files that `read` reads: a file itself; of a folder a detector's, else pictures and films, 2 before 10.

    Args:
        source: a file, a folder, `-` for standard input, which is no file, or pictures.

    Raises:
        InputError: as `check_source` does.

    >>> files_of("-")
    []
    """
    if not isinstance(source, Path | str):
        return [regular(path) for path in source]
    path = Path(source)
    if str(source) == STDIN:
        return []
    if not path.is_dir():
        return [regular(path)]
    files = detector_files(path) or media_files(path)
    if not files:
        raise InputError(f"{path}: {_instead_of_files(path, [*path.iterdir()])}")
    return files


def where_of(source: Source) -> str:
    """What a source is called in messages.

    >>> where_of("a.json"), where_of([Path("party/1.jpg"), Path("party/2.jpg")])
    ('a.json', 'party')
    """
    return str(source) if isinstance(source, Path | str) else str(source[0].parent)


def holds_keypoints(path: Path) -> bool:
    """Whether a file is of a known file format, and is no scene of duolift's.

    >>> holds_keypoints(Path("gone.json"))
    False
    """
    try:
        with regular(path).open("rb") as file:
            known = recognised(file, str(path))
            return known.name != "npz" or f"{SCENE_KEY}.npy" not in ZipFile(file).namelist()
    except (OSError, BadZipFile, InputError):
        return False


def _instead_of_files(path: Path, inside: list[Path]) -> str:
    """What a folder without a detector's files holds, and what was expected, as the end of a message."""
    found = f"holds no {' or '.join(suffixes())} file, no picture and no film"
    folders = sorted(folder.name for folder in inside if folder.is_dir())
    if folders:
        return f"{found}, but folders; expected a folder of a detector's files, such as {path / folders[0]}"
    return f"{found}; expected pictures, or a detector's files, one an image"


def _opened(
    path: Path, stem: str, options: Options, beside: tuple[Path, ...] = (), where: str | None = None
) -> Iterator[RawFrame]:
    if is_media(path):
        if options.detector is None:
            raise InputError(f"{path}: is {held_in(path)}; expected {DETECT_FIRST}")
        yield from found_frames(path, stem, options.detector, options.record, options.every)
        return
    try:
        file = regular(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    with file:
        yield from _read(file, where or str(path), stem, options, beside)


def _read(file: BinaryIO, where: str, stem: str, options: Options, beside: tuple[Path, ...] = ()) -> Iterator[RawFrame]:
    keypoint_format = None if options.joints is None else format_named(options.joints)
    file_format = recognised(file, where) if options.format is None else FILE_FORMATS[options.format]
    return file_format.read(DetectionFile(file, where, stem, keypoint_format, options.threshold, beside))
