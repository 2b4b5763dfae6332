"""Files of 2D detectors, read as frames of people on the project's joints.

A file format is how a file is laid out (`duolift.inputs.registry`), a keypoint format which joints are in it
(`duolift.inputs.keypoints`). Both are recognised by content, never by the file's name. Folders are read file by file
and long JSON item by item.

Anything unexpected raises InputError, except what detectors mean by it: a joint that is null or NaN, or of negative
confidence, is not visible; confidence above 1 is 1; whoever has no two visible joints apart from each other is left
out.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

import numpy as np

import duolift.inputs.formats  # noqa: F401  (registers them)
from duolift.errors import InputError
from duolift.files import regular
from duolift.inputs.detections import Frame
from duolift.inputs.folders import detector_files, parts_of, suffixes
from duolift.inputs.formats.npz import SCENE_KEY
from duolift.inputs.keypoints import FORMATS, SHORT_NAMES, THRESHOLD, check_threshold, format_named, to_joints
from duolift.inputs.mistaken import DETECT_FIRST
from duolift.inputs.mistaken import SUFFIXES as MISTAKEN_SUFFIXES
from duolift.inputs.people import DetectionFile, RawFrame
from duolift.inputs.pictures import CamerasOfPictures
from duolift.inputs.pixels import image_size, normalised, positive_pixels
from duolift.inputs.registry import FILE_FORMATS, format_names, recognised

STDIN, STDIN_NAME = "-", "standard input"

OPENPOSE_FRAME = re.compile(r"(?P<video>.+)_\d{12}")
"""OpenPose's names of the frames of a video."""


@dataclass(frozen=True)
class Options:
    """What a file does not say, or says wrongly.

    Attributes:
        format: name of the file format; None recognises it.
        joints: name of the keypoint format, one of `duolift.inputs.keypoints.FORMATS`; None goes by the names of the
            joints in the file, or by their number.
        threshold: a joint of lower confidence is not seen, and a person of a lower score is left out.
        video: True takes all frames for one video of a static camera, False for images that stand alone; None goes by
            the file.
        image: width and height in pixels.
        focal: focal length in pixels.
        pictures: the picture, or the folder of pictures, that the detector saw. Sizes and focal lengths that nothing
            else gives are taken from them.

    Raises:
        InputError: a value that cannot be used.

    >>> Options(format="openpose", image=(640, 480)).threshold
    0.3
    >>> Options(focal=-1100)
    Traceback (most recent call last):
    duolift.errors.InputError: focal is -1100; expected 1 positive number of pixels
    """

    format: str | None = None
    joints: str | None = None
    threshold: float = THRESHOLD
    video: bool | None = None
    image: tuple[float, float] | None = None
    focal: float | None = None
    pictures: Path | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FILE_FORMATS:
            joints = {*FORMATS, *SHORT_NAMES}
            hint = " (it names joints: that is the option joints)" if self.format.lower() in joints else ""
            raise InputError(f"format {self.format!r} is unknown{hint}; expected one of {format_names()}")
        if self.joints is not None:
            format_named(self.joints)
        check_threshold(self.threshold)
        if self.image is not None:
            image_size(self.image, "image")
        if self.focal is not None:
            positive_pixels(self.focal, "focal", 1)
        if self.pictures is not None and not self.pictures.exists():
            raise InputError(f"{self.pictures}: no such file or folder; expected the pictures that the detector saw")


def check_source(source: Path | str) -> None:
    """Refuse a source in which `read` would find no file, without reading any: cheap enough to be called first.

    Args:
        source: a file, a folder, or `-` for standard input.

    Raises:
        InputError: nothing is there, it is a pipe or a device, or a folder without a file of any known format's suffix.

    >>> check_source("gone.json")
    Traceback (most recent call last):
    duolift.errors.InputError: gone.json: cannot be read (No such file or directory)
    """
    files_of(source)


def read(source: Path | str, options: Options | None = None) -> Iterator[Frame]:
    """The frames of a file, of every file of a folder in counting order (2 before 10), or of standard input (`-`).

    Frames are given as they are read. Errors are raised when a frame is asked for, the call itself raises nothing.

    Raises:
        InputError: nothing is there, or a file is of no known format, or not as its format has it.

    >>> import json
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "image_keypoints.json"
    ...     person = {"pose_keypoints_2d": [320.0, 240.0, 0.9, 340.0, 260.0, 0.8] + [0.0] * 69}
    ...     _ = path.write_text(json.dumps({"people": [person]}))
    ...     (frame,) = read(path)
    >>> frame.name, frame.keypoints.shape
    ('image', (1, 25, 2))
    """
    options = options or Options()
    cameras = None if options.pictures is None else CamerasOfPictures(options.pictures)
    shares = False  # of the image's size, in place of pixels
    for raw in _raw_frames(source, options):
        frame = _on_joints(raw, options)
        shares = shares or raw.normalised or _are_normalised(raw, source)  # all frames are, if any is seen to be
        if cameras is not None and (frame.image is None or frame.focal is None):
            image, focal = cameras.of(frame.name, frame.video)
            frame = replace(frame, image=frame.image or image, focal=frame.focal or focal)
        yield _in_pixels(frame, f"{source}: {raw.name}") if shares else frame


def _on_joints(raw: RawFrame, options: Options) -> Frame:
    """The frame on the project's joints, without people who have no two joints apart from each other."""
    shape = (len(raw.people), len(raw.keypoint_format))
    raw_keypoints = np.array([person.keypoints for person in raw.people]).reshape(*shape, 2)
    raw_confidence = np.array([person.confidence for person in raw.people]).reshape(shape)
    keypoints, confidence = to_joints(raw_keypoints, raw_confidence, raw.keypoint_format, options.threshold)
    seen = (confidence > 0)[..., None]  # (person, joint, 1)
    extent = np.where(seen, keypoints, -np.inf).max(1) - np.where(seen, keypoints, np.inf).min(1)  # (person, 2)
    kept = (extent > 0).any(-1)  # (person,)
    given = [person.identity for person, keep in zip(raw.people, kept, strict=True) if keep]
    identities = tuple(identity for identity in given if identity is not None)
    distinct = bool(given) and len({*identities}) == len(given)
    return Frame(
        name=raw.name,
        video=raw.video,
        keypoints=keypoints[kept],
        confidence=confidence[kept],
        image=options.image or raw.image,
        focal=options.focal or raw.focal,
        identities=identities if distinct else None,
    )


def _are_normalised(raw: RawFrame, source: Path | str) -> bool:
    """Whether the coordinates are shares of the image's size, by all people of the image together.

    Raises InputError where they are normalised in a way that is not known.
    """
    if not raw.people:
        return False
    keypoints = np.concatenate([person.keypoints for person in raw.people])  # (joint of any person, 2)
    confidence = np.concatenate([person.confidence for person in raw.people])
    return normalised(keypoints, confidence, f"{source}: {raw.name}")


def _in_pixels(frame: Frame, where: str) -> Frame:
    """A frame whose joints are shares of the image's size. Raises InputError where that is not known."""
    if frame.image is None:
        if not len(frame.keypoints):
            return frame
        raise InputError(
            f"{where}: coordinates are normalised by the image's size; expected the size as well "
            "(--image WxH, Options(image=...), or the pictures)"
        )
    return replace(frame, keypoints=frame.keypoints * np.array(frame.image))


def _raw_frames(source: Path | str, options: Options) -> Iterator[RawFrame]:
    """Frames as the files have them, those of a video under its name."""
    if str(source) == STDIN:
        with tempfile.TemporaryFile() as copy:  # standard input cannot seek
            shutil.copyfileobj(sys.stdin.buffer, copy)
            yield from _grouped(_read(copy, STDIN_NAME, STDIN_NAME, options), STDIN_NAME, options.video)
        return
    path = Path(source)
    in_folder = path.is_dir()
    for file, beside in parts_of(files_of(path)) if in_folder else [(path, ())]:
        stem = _readable(file.stem).removesuffix("_keypoints")
        numbered = OPENPOSE_FRAME.fullmatch(stem) if in_folder else None
        for raw in _grouped(_opened(file, stem, options, beside), _readable(path.stem), options.video):
            alone = not raw.video and options.video is not False
            yield replace(raw, video=numbered["video"]) if numbered is not None and alone else raw


def _readable(name: str) -> str:
    """A file's name with a mark for bytes that are not text."""
    return os.fsencode(name).decode("utf-8", "replace")


def _grouped(frames: Iterable[RawFrame], name: str, video: bool | None) -> Iterator[RawFrame]:
    """The frames as a video (called `name` where the file has no name for it) or as single images, by the option."""
    for raw in frames:
        yield raw if video is None else replace(raw, video=(raw.video or name) if video else "")


def files_of(source: Path | str) -> list[Path]:
    """The files that `read` reads: a file itself, or a folder's files with a registered suffix, 2 before 10.

    Args:
        source: a file, a folder, or `-` for standard input, which is no file.

    Raises:
        InputError: as `check_source` does.

    >>> files_of("-")
    []
    """
    path = Path(source)
    if str(source) == STDIN:
        return []
    if not path.is_dir():
        return [regular(path)]
    files = detector_files(path)
    if not files:
        raise InputError(f"{path}: {_instead_of_files(path, [*path.iterdir()])}")
    return files


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
    found = f"holds no {' or '.join(suffixes())} file"
    for file in inside:
        if kind := MISTAKEN_SUFFIXES.get(file.suffix.lower()):
            return f"{found}, but {file.name}, {kind}; expected {DETECT_FIRST}"
    folders = sorted(folder.name for folder in inside if folder.is_dir())
    if folders:
        return f"{found}, but folders; expected a folder of a detector's files, such as {path / folders[0]}"
    return f"{found}; expected a detector's files, one an image"


def _opened(path: Path, stem: str, options: Options, beside: tuple[Path, ...]) -> Iterator[RawFrame]:
    try:
        file = regular(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    with file:
        yield from _read(file, str(path), stem, options, beside)


def _read(file: BinaryIO, where: str, stem: str, options: Options, beside: tuple[Path, ...] = ()) -> Iterator[RawFrame]:
    keypoint_format = None if options.joints is None else format_named(options.joints)
    file_format = recognised(file, where) if options.format is None else FILE_FORMATS[options.format]
    return file_format.read(DetectionFile(file, where, stem, keypoint_format, options.threshold, beside))
