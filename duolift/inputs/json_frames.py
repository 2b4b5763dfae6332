"""Frames in JSON that nests people as scripts happen to: an image's people, frames of people, or either in objects.

Programs that are libraries give people as values, which their users write as they like: a list of people is one image,
a list of lists or of objects that hold people is a video, and either may be a value of the file's own object. What a
person is, and under which keys an object has its people, each format says; the rest is here.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from duolift.errors import InputError
from duolift.files.json_stream import JsonStream
from duolift.inputs.people import DetectionFile, RawFrame
from duolift.inputs.pixels import image_size, short
from duolift.inputs.sequences import SEQUENCES, likeness

FRAMES_KEYS = ("frames", "results", "data")
"""Keys under which an object has its list of frames."""

LONGEST_LINE = 2**20
"""Bytes of a line, of files of a JSON a line; two people of 133 named joints take 20,000."""

BLANKS = 64
"""Bytes after the first line in which there is something, if there is a second."""

NUMBER_KEYS = (
    "frame",
    "frame_id",
    "frame_index",
    "frame_idx",
    "frame_number",
    "frameIndex",
    "frameNumber",
    "frame_num",
)
"""Keys of a frame's number."""

NAME_KEYS = (*NUMBER_KEYS, "image_id", "image_name", "file_name", "filename", "image", "path", "file")
"""Keys of a frame's number, or an image's name."""

SIZE_KEYS = tuple(
    (f"{of}{width}", f"{of}{height}")
    for of in ("", "image_", "img_", "frame_", "video_", "canvas_", "image", "video")
    for width, height in (("width", "height"), ("w", "h"), ("Width", "Height"))
)
"""Keys of a width and height."""

BOTH_KEYS = ("resolution", "image_size", "img_size", "frame_size", "video_size", "size")
"""Keys of a width and height in one list."""


FEWEST_FRAMES = 3
"""So many people at least are taken for one person over time: a detector may find somebody twice."""

NUMBERED = "#"
"""Stands for a list where the file's object has frames under their numbers."""


@dataclass(frozen=True)
class JsonFrame:
    """A frame as the file has it.

    Attributes:
        name: its number or name; empty where the file has none.
        people: what should be people.
        where: the file and the frame's path, for messages.
        about: the frame's own object, and the file's, as far as their values are no lists.
        numbered: the file calls it a frame, or numbers it as one.
    """

    name: str
    people: Sequence[Any]
    where: str
    about: Mapping[str, Any] = field(default_factory=dict)
    numbered: bool = False

    @property
    def image(self) -> tuple[float, float] | None:
        """Width and height, where the frame's object or the file's has them."""
        return size_in(self.about, self.where)


def json_frames(
    file: DetectionFile, is_person: Callable[[Any], bool], people_keys: Sequence[str]
) -> Iterator[JsonFrame]:
    """The frames of a file, one by one: of a list, of a list under one of `FRAMES_KEYS`, of an object with a number
    each, or of a JSON a line. People who have a frame's number themselves are put together by it, once all are read.

    Args:
        is_person: whether a value is a person.
        people_keys: keys under which an object that is no person may have its people, the most telling first.

    Raises:
        InputError: a value is neither a person nor a frame, or the file mixes both.
    """
    lines = is_lines(file)
    entries, listed, about = _entries(file, lines)
    alone: list[Any] = []
    numbered: dict[int, list[Any]] = {}  # number -> people who have it
    frames = 0
    for key, entry in entries:
        here = f"{file.where}: {listed.removesuffix(NUMBERED)}[{key}]" if listed is not None else file.where
        value = _parsed(entry, here)
        if is_person(value):
            number = _number_in(value)
            if number is not None:
                numbered.setdefault(number, []).append(value)
                continue
            if not lines and listed != NUMBERED:
                alone.append(value)
                continue
            value = [value]
        frame = _frame(value, key, here, is_person, people_keys)
        frames += 1
        if alone or numbered:
            break
        says_so = frame.numbered or listed in {"frames", NUMBERED}
        yield replace(frame, about={**about, **frame.about}, numbered=says_so)
    if bool(alone) + bool(numbered) + bool(frames) > 1:
        count = len(alone) + sum(map(len, numbered.values()))
        raise InputError(f"{file.where}: holds frames and {count} people of no frame; expected one or the other")
    for number, people in sorted(numbered.items()):
        yield JsonFrame(str(number), people, f"{file.where}: frame {number}", about, numbered=True)
    if alone or not (frames or numbered):
        yield JsonFrame("", alone, f"{file.where}: ", about)


def _number_in(value: Any) -> int | None:
    """The number of the frame that a person has, if they have one."""
    keys = [key for key in NUMBER_KEYS if isinstance(value, dict) and type(value.get(key)) is int]
    return value[keys[0]] if keys else None


def of_file(file: DetectionFile, frames: Iterable[tuple[RawFrame, bool]]) -> Iterator[RawFrame]:
    """Frames under the file's name if they are a video's; the name of an only image is the file's too.

    Args:
        frames: each with whether the file itself says that it is of a video. Where none says so up to the first with
            people, `duolift.inputs.videos` finds out.
    """
    coming = iter(frames)
    head: list[RawFrame] = []
    says_video = False
    for frame, of_video in coming:
        head.append(frame)
        says_video = says_video or of_video
        if len(head) > 1 and (says_video or frame.people):
            break
    if len(head) == 1:
        (only,) = head
        if not only.name and _are_one_person(only):
            yield from (
                replace(only, name=str(number), video=file.stem, people=[person])
                for number, person in enumerate(only.people)
            )
        else:
            yield replace(only, name=_name_of_image(only.name, file.stem))
        return
    for number, frame in enumerate(chain(head, (frame for frame, _ in coming))):
        yield replace(frame, name=frame.name or str(number), video=file.stem if says_video else "")


def _are_one_person(frame: RawFrame) -> bool:
    """Whether people of a list that says nothing else are one person over time: all are where the one before was."""
    alone = [replace(frame, people=[person]) for person in frame.people]
    untracked = all(person.identity is None for person in frame.people)
    alike = likeness(alone) if untracked and len(alone) >= FEWEST_FRAMES else []
    return len(alike) == len(alone) - 1 > 0 and min(alike) >= SEQUENCES.alike


def _name_of_image(name: str, stem: str) -> str:
    """The only image's name: its own, if it has one that is no number."""
    return stem if not name or name.isdecimal() else name


def size_in(about: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    """Width and height of an image in an object, or in an object in it; None where it has none.

    >>> size_in({"frames": [], "image": {"width": 640, "height": 480}}, "a.json")
    (640.0, 480.0)
    """
    for width, height in SIZE_KEYS:
        if _is_number(about.get(width)) and _is_number(about.get(height)):
            return image_size([about[width], about[height]], f"{where}: {width}, {height}")
    for key in BOTH_KEYS:
        both = about.get(key)
        if isinstance(both, list) and len(both) == 2 and all(_is_number(one) for one in both):
            return image_size(both, f"{where}: {key}")
    inner = [(key, value) for key, value in about.items() if isinstance(value, dict)]
    return next((size for key, value in inner if (size := size_in(value, f"{where}.{key}"))), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Entries = Iterator[tuple[int | str, Any]]
"""Values that are frames or people, each with its place in the file's list, or its key."""


def _entries(file: DetectionFile, lines: bool) -> tuple[Entries, str | None, dict[str, Any]]:
    """The entries; how messages call their list, None without one; and what is beside it."""
    stream = file.json
    if lines:
        return enumerate(stream.documents()), "", {}
    if stream.root() == "start_array":
        return enumerate(stream.items("item")), "", {}
    listed = _list_of_frames(stream)
    if listed is None:
        return enumerate(stream.documents()), None, {}
    if listed == NUMBERED:
        return stream.members(""), listed, {}
    beside = _scalars(stream, listed)
    return enumerate(stream.items(f"{listed}.item")), listed, beside


def is_lines(file: DetectionFile) -> bool:
    """Whether a file is JSON a line: its first line is whole, and not the only one."""
    file.file.seek(0)
    line = file.file.readline(LONGEST_LINE)
    if not line.endswith(b"\n") or not file.file.read(BLANKS).strip():
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _list_of_frames(stream: JsonStream) -> str | None:
    """The first key of `FRAMES_KEYS` that the file's object has, with a list; `NUMBERED` where its keys are numbers."""
    for path, event, value in stream.events(several=True):
        if event == "map_key" and not path and value.isdecimal():
            return NUMBERED
        if event == "start_array" and path in FRAMES_KEYS:
            return path
    return None


def _scalars(stream: JsonStream, but: str) -> dict[str, Any]:
    """Numbers and texts of the file's object, and those of objects in it, outside of one of its lists."""
    found: dict[str, Any] = {}
    for path, event, value in stream.events():
        if event in {"number", "string"} and not path.startswith(but):
            *outer, key = path.split(".")
            if len(outer) <= 1 and "item" not in (*outer, key):
                (found.setdefault(outer[0], {}) if outer else found)[key] = value
            elif len(outer) == 1 and key == "item" and outer[0] in BOTH_KEYS:
                found.setdefault(outer[0], []).append(value)
    return found


def _parsed(entry: Any, where: str) -> Any:
    """The value, or what is in it where it is JSON as a text."""
    if not isinstance(entry, str):
        return entry
    try:
        return json.loads(entry)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is {short(entry)}; expected people, or JSON of people as a text") from error


def _frame(
    value: Any, number: int | str, where: str, is_person: Callable[[Any], bool], people_keys: Sequence[str]
) -> JsonFrame:
    """The frame that a value is, if it is one."""
    if value is None:
        return JsonFrame(str(number), [], where)
    if isinstance(value, list):
        return JsonFrame(str(number), value, where)
    if not isinstance(value, dict):
        raise InputError(f"{where} is {short(value)}; expected people, or an object with {' or '.join(people_keys)}")
    key = next((key for key in people_keys if key in value), None)
    if key is None:
        raise InputError(f"{where} has none of {', '.join(people_keys)}, only {', '.join(value) or 'nothing'}")
    people = value[key]
    if people is None:
        people = []
    elif is_person(people):
        people = [people]
    if not isinstance(people, list):
        raise InputError(f"{where}.{key} is {short(people)}; expected people")
    called = next((name for name in NAME_KEYS if isinstance(value.get(name), int | str)), None)
    name = number if called is None else value[called]
    about = {name: one for name, one in value.items() if name != key}
    return JsonFrame(str(name), people, f"{where}.{key}", about, numbered=called in NUMBER_KEYS)
