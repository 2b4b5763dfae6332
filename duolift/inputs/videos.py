"""The frames of a file as videos and as images that stand alone.

Which they are, `duolift.inputs.sequences` says; the frames of a video come at the time of their number
(`duolift.inputs.timeline`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, groupby, islice

from duolift.errors import InputError
from duolift.inputs.people import RawFrame
from duolift.inputs.sequences import SEQUENCES, Kind, Numbering, kind_of, likeness, numbering_of
from duolift.inputs.timeline import in_time, number_of

ASK = "images are taken to stand alone: %s; if they are frames of one video, the option is --video"
"""What to say of images with one of the two signs of a video."""


def sequenced(
    frames: Iterable[RawFrame],
    name: str,
    again: Callable[[], Iterable[RawFrame | int]],
    video: bool | None = None,
    named: bool = False,
) -> Iterator[RawFrame]:
    """Frames under the name of the video that they are part of, or under none, each video's in the order of time.

    Args:
        frames: of a file, or of a folder's files with an image each.
        name: of a video to which the file gives no name.
        again: the same frames once more, or the numbers of all.
        video: True takes all frames for a video, False for images; None goes by what they look like.
        named: their files have the names of a video's frames.

    >>> from duolift.inputs.keypoints import FORMATS
    >>> frames = [RawFrame(f"{number}.jpg", "", (), FORMATS["coco17"]) for number in (3, 4, 6)]
    >>> [(frame.name, frame.video) for frame in sequenced(frames, "film", lambda: frames, video=True)]
    [('3.jpg', 'film'), ('4.jpg', 'film'), ('5.jpg', 'film'), ('6.jpg', 'film')]
    """
    if video is False:
        yield from (replace(frame, video="") for frame in frames if not frame.unread)
        return
    for own, group in groupby(frames, key=lambda frame: frame.video):
        head, rest = _looked_at(iter(group))
        numbering = numbering_of([frame.name for frame in head])
        kind = Kind.VIDEO if own or video else kind_of(*_signs(head, numbering), named)
        if kind is not Kind.VIDEO:
            if kind is Kind.UNSURE:
                head[0] = replace(head[0], notes=(*head[0].notes, ASK % _reason(head, numbering)))
            yield from (frame for frame in chain(head, rest) if not frame.unread)
            continue
        title = own or name
        others = (replace(frame, video=title) for frame in rest)
        yield from in_time([replace(frame, video=title) for frame in head], others, numbering, partial(_of, own, again))


def _of(video: str, again: Callable[[], Iterable[RawFrame | int]]) -> Iterator[RawFrame | int]:
    """The frames of one video; numbers are of one."""
    return (frame for frame in again() if isinstance(frame, int) or frame.video == video)


def _looked_at(frames: Iterator[RawFrame]) -> tuple[list[RawFrame], Iterator[RawFrame]]:
    """The first frames, and those after them; what is wrong with the file is raised when it is their turn."""
    head: list[RawFrame] = []
    try:
        head += islice(frames, SEQUENCES.look)
    except InputError as error:
        return head, _raised(error)
    return head, frames


def _raised(error: InputError) -> Iterator[RawFrame]:
    raise error
    yield


def _signs(head: list[RawFrame], numbering: Numbering | None) -> tuple[list[int], list[float]]:
    """The arguments of `kind_of`."""
    numbered = [(number, frame) for frame in head if (number := number_of(frame, numbering)) is not None]
    if len(numbered) < len(head):
        return [], likeness([frame for frame in head if not frame.unread])
    numbered.sort(key=lambda pair: pair[0])
    return [number for number, _ in numbered], likeness([frame for _, frame in numbered if not frame.unread])


def _reason(head: list[RawFrame], numbering: Numbering | None) -> str:
    """Why images are taken to stand alone though one of the signs is there."""
    numbers, _ = _signs(head, numbering)
    if kind_of(numbers, []) is Kind.VIDEO:
        return "their numbers follow each other, but people are elsewhere from one to the next"
    return "they look like frames, but the numbers in their names do not follow each other"
