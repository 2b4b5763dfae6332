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
from duolift.inputs.json_stream import JsonStream
from duolift.inputs.people import DetectionFile, RawFrame
from duolift.inputs.pixels import image_size, short

FRAMES_KEYS = ("frames", "results", "data")
"""Keys under which an object has its list of frames."""

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
    """The frames of a file, one by one: of a list, of a list under one of `FRAMES_KEYS`, or of a JSON a line.

    Args:
        is_person: whether a value is a person.
        people_keys: keys under which an object that is no person may have its people, the most telling first.

    Raises:
        InputError: a value is neither a person nor a frame, or the file mixes both.
    """
    stream = file.json
    entries, listed, about = _entries(stream)
    alone: list[Any] = []
    frames = 0
    for number, entry in enumerate(entries):
        here = f"{file.where}: {listed}[{number}]" if listed is not None else file.where
        value = _parsed(entry, here)
        if is_person(value):
            alone.append(value)
            continue
        frame = _frame(value, number, here, is_person, people_keys)
        frames += 1
        if alone:
            break
        yield replace(frame, about={**about, **frame.about}, numbered=frame.numbered or listed == "frames")
    if alone and frames:
        raise InputError(f"{file.where}: holds frames and {len(alone)} people of no frame; expected one or the other")
    if alone or not frames:
        yield JsonFrame("", alone, file.where, about)


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
        yield replace(only, name=_name_of_image(only.name, file.stem))
        return
    for number, frame in enumerate(chain(head, (frame for frame, _ in coming))):
        yield replace(frame, name=frame.name or str(number), video=file.stem if says_video else "")


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


def _entries(stream: JsonStream) -> tuple[Iterator[Any], str | None, dict[str, Any]]:
    """Values that are frames or people; how messages call their list, None without one; and what is beside it."""
    if stream.root() == "start_array":
        return stream.items("item"), "", {}
    listed = _list_of_frames(stream)
    if listed is None:
        return stream.documents(), None, {}
    beside = _scalars(stream, listed)
    return stream.items(f"{listed}.item"), listed, beside


def _list_of_frames(stream: JsonStream) -> str | None:
    """The first key of `FRAMES_KEYS` that the file's object has, with a list."""
    found = (path for path, event, _ in stream.events(several=True) if event == "start_array" and path in FRAMES_KEYS)
    return next(found, None)


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
    value: Any, number: int, where: str, is_person: Callable[[Any], bool], people_keys: Sequence[str]
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
