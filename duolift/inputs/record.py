"""What a detector has found, kept while it is at work and afterwards: COCO's annotations, which `read` reads again.

Beside the file that is to be, `keypoints.json`, what is found goes into `keypoints.json.part`, a line of JSON a
picture. Whoever is interrupted, at any moment, and asks for the same again goes on behind the last whole line. When all
pictures have been looked at, the file is written from the lines, and they are removed.

    {"detector": "movenet", "joints": "coco17", "sources": [["film.mp4", 812345, "9f2c..."]]}
    {"source": "film.mp4", "name": "film_000000", "number": 0, "image": [1280, 720], "people": [[[612.5, 80.25, 0.9] ..
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files import whole_file, writing
from duolift.files.films import is_film
from duolift.files.json_stream import JsonStream
from duolift.inputs.formats.coco import FOCAL, RATE
from duolift.inputs.keypoints import format_named

PIXEL_DIGITS, CONFIDENCE_DIGITS = 2, 4
"""Behind the point, of what is kept."""

SUREST = 1 - 10**-CONFIDENCE_DIGITS
"""Confidence that is kept at most: 1 and 2 are COCO's flags of what annotators have seen."""

FINGERPRINTED = 2**16
"""Bytes at a file's beginning, and at its end, that tell whether it is the same."""


@dataclass(frozen=True)
class FoundFrame:
    """What was found in one picture.

    Attributes:
        name, video, image, focal, rate: as of `duolift.inputs.detections.Frame`.
        number: of the frame in a film; 0 for a picture.
        people: (person, joint, 3), x, y in pixels, confidence; rounded as it is kept.

    >>> FoundFrame("a.jpg", "", 0, (640.0, 480.0), None, None, np.full((1, 1, 3), 0.123456)).people
    array([[[0.12  , 0.12  , 0.1235]]])
    """

    name: str
    video: str
    number: int
    image: tuple[float, float]
    focal: float | None
    rate: float | None
    people: NDArray[np.float64]

    def __post_init__(self) -> None:
        kept = np.concatenate(
            [
                self.people[..., :2].round(PIXEL_DIGITS),
                self.people[..., 2:].round(CONFIDENCE_DIGITS).clip(0.0, SUREST),
            ],
            axis=-1,
        )
        object.__setattr__(self, "people", kept)  # the dataclass is frozen


class Record:
    """What a detector finds in some files, as `Options.record` takes it.

    Args:
        path: of the file that is to be.
        files: pictures and films.
        detector: name of the detector.
        joints: name of the keypoint format that it gives.
        every: as of `Options`.

    Raises:
        InputError: two of the files have one name; another file is in the place; or what an interrupted run has left
            there is of other files, or of another detector.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jpg").write_bytes(b"pixels")
    ...     with Record(Path(folder, "keypoints.json"), [Path(folder, "a.jpg")], "movenet", "coco17") as record:
    ...         record.add(Path("a.jpg"), FoundFrame("a.jpg", "", 0, (64.0, 48.0), None, None, np.ones((2, 17, 3))))
    ...         record.place("a.jpg", "")
    ...         record.finish()
    ...     len(json.loads(Path(folder, "keypoints.json").read_text())["annotations"])
    2
    """

    def __init__(self, path: Path, files: Sequence[Path], detector: str, joints: str, every: int | None = None) -> None:
        self.path, self.part = path, path.with_name(f"{path.name}.part")
        self._joints = joints
        self._of: dict[str, Any] = {"detector": detector, "joints": joints, "sources": fingerprints(files)}
        self._of |= {} if every is None else {"every": every}
        self._lines: dict[tuple[str, int], tuple[int, str]] = {}  # source and number -> place of the line, and its name
        self._next: dict[str, int] = {}
        self._videos: dict[str, str] = {}
        self.is_complete = path.exists() and self._is_of_these()

    def __enter__(self) -> Self:
        if not self.is_complete:
            with writing(self.part):
                self.part.parent.mkdir(parents=True, exist_ok=True)
                self._file: IO[bytes] = self.part.open("a+b")
            self._resume()
        return self

    def __exit__(self, *_: object) -> None:
        if not self.is_complete:
            self._file.close()

    def known(self, path: Path, number: int) -> FoundFrame | None:
        """What has been found in a picture, or a frame of a film; None where it has not been looked at."""
        line = self._lines.get((path.name, number))
        return None if line is None else self._read(line[0])

    def next_number(self, path: Path) -> int:
        """The number behind the last frame of a film that has been looked at."""
        return self._next.get(path.name, 0)

    def add(self, path: Path, found: FoundFrame) -> None:
        """Keep what was found. Raises InputError where it cannot be written."""
        entry = {
            "source": path.name,
            "name": found.name,
            "video": found.video,
            "number": found.number,
            "image": found.image,
            "focal": found.focal,
            "rate": found.rate,
            "people": found.people.round(CONFIDENCE_DIGITS).tolist(),
        }
        with writing(self.part):
            place = self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps(entry).encode() + b"\n")
            self._file.flush()
        self._note(entry, place)

    def place(self, name: str, video: str) -> None:
        """Say of which video an image turned out to be a frame, in the order in which they follow each other."""
        self._videos[name] = video

    def finish(self) -> None:
        """Write the file, whole, and remove the lines. Raises InputError where it cannot be written."""
        if self.is_complete:
            return
        places = {name: place for place, name in self._lines.values()}
        ordered = [(self._videos.get(name, ""), places[name]) for name in {**self._videos, **places} if name in places]
        with whole_file(self.path) as part, part.open("w", encoding="utf-8") as file:
            file.write(self._head())
            file.write(',\n "images": [')
            file.writelines(_listed(_image(n, self._read(at), video) for n, (video, at) in enumerate(ordered, 1)))
            file.write('],\n "annotations": [')
            file.writelines(_listed(self._annotations(place for _, place in ordered)))
            file.write("]}\n")
        self._file.close()
        self.is_complete = True
        self.part.unlink(missing_ok=True)
        self._lines, self._videos = {}, {}  # nobody asks any more, and of an hour they take 50 MB

    def _head(self) -> str:
        about = {"description": "people that a detector found, kept by duolift", "duolift": self._of}
        category = {"id": 1, "name": "person", "keypoints": [*format_named(self._joints).joints]}
        head = {"info": about, "licenses": [], "categories": [{"supercategory": "person", **category}]}
        return json.dumps(head)[:-1]

    def _annotations(self, places: Iterator[int]) -> Iterator[dict[str, Any]]:
        number = 0
        for image, place in enumerate(places, 1):
            for person in self._read(place).people:
                number += 1
                seen = person[person[:, 2] > 0, :2] if person[:, 2].any() else np.zeros((1, 2))
                corner, size = seen.min(0), np.ptp(seen, axis=0)
                yield {
                    "id": number,
                    "image_id": image,
                    "category_id": 1,
                    "iscrowd": 0,
                    "keypoints": person.round(CONFIDENCE_DIGITS).ravel().tolist(),
                    "num_keypoints": int((person[:, 2] > 0).sum()),
                    "bbox": [*corner.round(PIXEL_DIGITS).tolist(), *size.round(PIXEL_DIGITS).tolist()],
                    "area": float(size.prod().round(PIXEL_DIGITS)),
                }

    def _is_of_these(self) -> bool:
        """Whether the file in the place is of these files by this detector. Raises InputError for any other."""
        try:
            with self.path.open("rb") as file:
                about = next(iter(JsonStream(file, str(self.path)).items("info")), None)
        except (InputError, OSError):
            about = None
        if not isinstance(about, dict) or about.get("duolift") != json.loads(json.dumps(self._of)):
            raise InputError(
                f"{self.path}: is there already, and does not hold what {self._of['detector']} found in these "
                "pictures; expected another name, or the pictures, the detector and --every that it is of"
            )
        return True

    def _resume(self) -> None:
        """Take the lines of an interrupted run, as far as they are whole."""
        with writing(self.part):
            self._file.seek(0)
            first = self._file.readline()
            if not first.endswith(b"\n"):
                self._file.truncate(0)
                self._file.write(json.dumps(self._of).encode() + b"\n")
                self._file.flush()
                return
            if _json(first) != json.loads(json.dumps(self._of)):
                raise InputError(
                    f"{self.part}: an interrupted run has left there what it found in other pictures, or by another "
                    "detector; expected those, or another name (it may be removed)"
                )
            place = self._file.tell()
            while (line := self._file.readline()).endswith(b"\n") and isinstance(entry := _json(line), dict):
                self._note(entry, place)
                place += len(line)
            self._file.truncate(place)

    def _note(self, entry: dict[str, Any], place: int) -> None:
        key = entry["source"], entry["number"]
        self._lines[key] = place, entry["name"]
        self._next[key[0]] = max(self._next.get(key[0], 0), key[1] + 1)

    def _read(self, place: int) -> FoundFrame:
        self._file.seek(place)
        entry = json.loads(self._file.readline())
        joints = len(format_named(self._joints))
        width, height = entry["image"]
        people = np.array(entry["people"], dtype=np.float64).reshape(-1, joints, 3)
        kept = entry["name"], entry["video"], entry["number"], (width, height), entry["focal"], entry["rate"]
        return FoundFrame(*kept, people)


def fingerprints(files: Sequence[Path]) -> list[list[str | int]]:
    """Name, size, and a hash of the beginning and the end of each file.

    Raises:
        InputError: a file cannot be read, or two have one name; of films that is the one without suffix, which their
            frames have.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jpg").write_bytes(b"pixels")
    ...     fingerprints([Path(folder, "a.jpg")])
    [['a.jpg', 6, 'c3a11d220c58fb05']]
    """
    found: dict[str, list[str | int]] = {}
    for path in files:
        name = path.stem if is_film(path) else path.name
        if name in found:
            raise InputError(
                f"{path}: another input is called {name} as well; expected different names where keypoints are kept"
            )
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                hashed = hashlib.sha256()
                for begin in (0, max(0, size - FINGERPRINTED)):
                    file.seek(begin)
                    hashed.update(file.read(FINGERPRINTED))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        found[name] = [path.name, size, hashed.hexdigest()[:16]]
    return [*found.values()]


def _image(number: int, found: FoundFrame, video: str) -> dict[str, Any]:
    width, height = found.image
    image: dict[str, Any] = {"id": number, "file_name": found.name, "width": int(width), "height": int(height)}
    if video:
        image["video_id"] = video
    if found.video:
        image["frame_id"] = found.number
    return image | {key: value for key, value in ((FOCAL, found.focal), (RATE, found.rate)) if value is not None}


def _listed(entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The items of a JSON list, each on a line of its own."""
    for number, entry in enumerate(entries):
        yield ("\n  " if number == 0 else ",\n  ") + json.dumps(entry)


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
