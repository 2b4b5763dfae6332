"""Files of 2D detectors, read as frames of people on the project's joints.

A container is how a file is laid out (`duolift.inputs.containers`), a keypoint format which joints are in it
(`duolift.inputs.keypoints`). Both are recognised by content, never by name. What can be read in pieces is: a folder
file by file, a long JSON item by item.

What is not as it should be raises InputError, but for what detectors mean by it: a joint that is null or NaN is not
seen, nor is one of negative confidence; confidence above 1 is 1; who has not two joints apart is nobody.
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

import numpy as np

from duolift.errors import InputError
from duolift.files import regular
from duolift.inputs.containers import CONTAINERS, Found, Source, positive
from duolift.inputs.detections import Frame
from duolift.inputs.json_stream import JsonStream
from duolift.inputs.keypoints import THRESHOLD, format_named, to_joints
from duolift.inputs.pictures import camera_of_picture

STDIN, STDIN_NAME = "-", "standard input"

KNOWN = (
    "OpenPose's people, COCO's annotations or results, AlphaPose's or MMPose's output, or an npz with keypoints; "
    f"the option format names one of {', '.join(CONTAINERS)}"
)

ROOT_KEYS = {
    "people": "openpose",
    "bodies": "alphapose",
    "annotations": "coco",
    "images": "coco",
    "categories": "coco",
    "instance_info": "mmpose",
    "meta_info": "mmpose",
}
"""Keys of a JSON object -> its container."""

KEYS_LOOKED_AT = 1000
"""If none of so many tells what a file is, nothing will."""

ENOUGH = 8
"""Joints of an image that are no mistake of the detector's."""

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
OPENPOSE_FRAME = re.compile(r"(?P<video>.+)_\d{12}")
"""How OpenPose calls the frames of a video."""


@dataclass(frozen=True)
class Options:
    """What a file does not say, or says wrongly.

    Attributes:
        format: the container, one of `CONTAINERS`; None recognises it.
        joints: one of `duolift.inputs.keypoints.FORMATS`; None goes by the names of the joints, or by their number.
        threshold: a joint of less confidence is not seen, nor is a person of a lower score.
        video: True takes all frames for consecutive ones of one static camera, False for images that stand alone;
            None goes by the file.
        image: width and height in pixels.
        focal: focal length in pixels.
        pictures: the picture, or the folder of pictures, that the detector saw; it tells what nothing else does of
            their sizes and focal lengths.

    Raises:
        InputError: an option that is none.
    """

    format: str | None = None
    joints: str | None = None
    threshold: float = THRESHOLD
    video: bool | None = None
    image: tuple[float, float] | None = None
    focal: float | None = None
    pictures: Path | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in CONTAINERS:
            raise InputError(f"format {self.format!r} is unknown; expected one of {', '.join(CONTAINERS)}")
        if self.joints is not None:
            format_named(self.joints)
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold is {self.threshold}; expected 0 to 1")
        if self.image is not None:
            positive(self.image, "image", 2)
        if self.focal is not None:
            positive(self.focal, "focal", 1)
        if self.pictures is not None and not self.pictures.exists():
            raise InputError(f"{self.pictures}: no such file or folder; expected the pictures that the detector saw")


def read(source: Path | str, options: Options | None = None) -> Iterator[Frame]:
    """The frames of a file, of every file of a folder in the order people count, or of standard input (`-`).

    Frames come as they are read.

    Raises:
        InputError: nothing there, of no known format, or not as its format has it; raised where a frame is asked for.
    """
    options = options or Options()
    camera = _Camera(options.pictures)
    for found in _found(source, options):
        frame = _frame(found, options)
        if _in_shares(found):
            raise InputError(
                f"{source}: in {found.name} all joints are within a pixel of the corner; expected pixels, "
                "not shares of the image's size"
            )
        if options.pictures is not None and (frame.image is None or frame.focal is None):
            image, focal = camera.of(frame)
            frame = replace(frame, image=frame.image or image, focal=frame.focal or focal)
        yield frame


def _frame(found: Found, options: Options) -> Frame:
    """On the project's joints, without those who are nobody."""
    shape = (len(found.people), len(found.layout))
    places = np.array([person.keypoints for person in found.people]).reshape(*shape, 2)
    keypoints, confidence = to_joints(
        places, np.array([p.confidence for p in found.people]).reshape(shape), found.layout, options.threshold
    )
    seen = (confidence > 0)[..., None]
    spread = np.where(seen, keypoints, -np.inf).max(1) - np.where(seen, keypoints, np.inf).min(1)  # (person, 2)
    there = (spread > 0).any(-1)
    given = [person.identity for person, here in zip(found.people, there, strict=True) if here]
    identities = tuple(identity for identity in given if identity is not None)
    told = bool(given) and len({*identities}) == len(given)
    return Frame(
        name=found.name,
        video=found.video,
        keypoints=keypoints[there],
        confidence=confidence[there],
        image=options.image or found.image,
        focal=options.focal or found.focal,
        identities=identities if told else None,
    )


def _in_shares(found: Found) -> bool:
    """Whether coordinates are from -1 to 1 or from 0 to 1, as some detectors write them who are told to."""
    seen = [person.keypoints[person.confidence > 0] for person in found.people]
    joints = np.concatenate(seen) if seen else np.empty((0, 2))
    return len(joints) >= ENOUGH and bool((np.abs(joints) <= 1).all())


def _found(source: Path | str, options: Options) -> Iterator[Found]:
    """Frames as the files have them, those of a video under its name."""
    if str(source) == STDIN:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            yield from _as_told(_read(copy, STDIN_NAME, STDIN_NAME, options), STDIN_NAME, options.video)
        return
    path = Path(source)
    folder = path.is_dir()
    for file in _files_of(path) if folder else [path]:
        stem = _readable(file.stem).removesuffix("_keypoints")
        numbered = OPENPOSE_FRAME.fullmatch(stem) if folder else None
        for found in _as_told(_opened(file, stem, options), _readable(path.stem), options.video):
            yield (
                found
                if numbered is None or found.video or options.video is False
                else replace(found, video=numbered["video"])
            )


def _readable(name: str) -> str:
    """A file's name without what is no text in it."""
    return os.fsencode(name).decode("utf-8", "replace")


def _as_told(frames: Iterable[Found], name: str, video: bool | None) -> Iterator[Found]:
    """In a video, or in none, where the option says so."""
    for found in frames:
        yield found if video is None else replace(found, video=(found.video or name) if video else "")


def _files_of(folder: Path) -> list[Path]:
    """JSON and npz files, 2 before 10."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in {".json", ".npz"} and path.is_file()]
    if not files:
        raise InputError(f"{folder}: holds no .json or .npz file; expected a detector's files, one an image")
    return sorted(files, key=lambda path: [int(p) if p.isdecimal() else p for p in re.split(r"(\d+)", path.name)])


def _opened(path: Path, stem: str, options: Options) -> Iterator[Found]:
    try:
        file = regular(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    with file:
        yield from _read(file, str(path), stem, options)


def _read(file: BinaryIO, where: str, stem: str, options: Options) -> Iterator[Found]:
    joints = None if options.joints is None else format_named(options.joints)
    container = options.format or _recognised(file, where)
    return CONTAINERS[container](Source(file, where, stem, joints, options.threshold))


def _recognised(file: BinaryIO, where: str) -> str:
    """The container, by the first keys that tell."""
    file.seek(0)
    start = file.read(40)
    if start.startswith(b"PK\x03\x04"):
        return "npz"
    if not start:
        raise InputError(f"{where}: empty; expected {KNOWN}")
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in (b"{", b"[", b""):
        raise InputError(f"{where}: begins with {start[:20]!r}, which is no JSON; expected {KNOWN}")
    keys: list[str] = []
    listed = False
    for prefix, event, value in JsonStream(file, where).events():
        if (prefix, event) == ("", "start_array"):
            listed = True
        elif event == "map_key" and prefix == ("item" if listed else ""):
            keys.append(value)
            if not listed and value in ROOT_KEYS:
                return ROOT_KEYS[value]
        elif event == "map_key" and not listed and prefix == keys[-1] and value in {"people", "bodies"}:
            return "alphapose"
        elif listed and prefix in {"", "item"} and event != "start_map":
            break
        if len(keys) > KEYS_LOOKED_AT:
            break
    if listed and (event == "end_array" or {"instances", "keypoint_scores"} & {*keys}):
        return "mmpose"  # an empty list is its image without people
    if listed and {"image_id", "keypoints"} <= {*keys}:
        return "results"
    kind = "a list of objects" if listed else "an object"
    found = f"{kind} with {', '.join(keys[:12])}" if keys else "nothing with keys"
    raise InputError(f"{where}: holds {found}; expected {KNOWN}")


class _Camera:
    """Sizes and focal lengths by the pictures, one look a video."""

    def __init__(self, pictures: Path | None) -> None:
        self.pictures = pictures
        self.video = ""
        self.known: tuple[tuple[float, float], float | None] | None = None

    def of(self, frame: Frame) -> tuple[tuple[float, float] | None, float | None]:
        """Of the picture that is called like the frame, whatever its ending; nothing where there is none."""
        if self.known is None or not frame.video or frame.video != self.video:
            path = self._picture(frame.name)
            self.video, self.known = frame.video, None if path is None else camera_of_picture(path)
        return self.known or (None, None)

    def _picture(self, name: str) -> Path | None:
        if self.pictures is None or not self.pictures.is_dir():
            return self.pictures
        bare = Path(name).name
        paths = [self.pictures / f"{bare}{ending}" for ending in ("", *PICTURES)] if bare else []
        return next((path for path in paths if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    """Whether a file is there, which is not so for a name that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False
