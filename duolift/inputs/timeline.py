"""The frames of a video by their numbers: each at its time, nobody in those that a file leaves out.

Some detectors leave out frames without people, and some list frames as file systems sort names: 0, 1, 10, 11, 2. As
long as one number follows the other, frames are passed on as they come. At the first that does not, the names of all of
the file's frames are gone through, to tell a frame that is left out from one that comes later. Frames that come too
early are kept until it is their turn.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TypeGuard

from duolift.inputs.people import RawFrame
from duolift.inputs.sequences import Numbering


@dataclass(frozen=True)
class TimelineLimits:
    """How many frames are filled in at most. Numbers that are further apart are no video's, or a mistake.

    Attributes:
        frames: so many always.
        times: so many times as many as there are.
    """

    frames: int = 10_000
    times: int = 20


LIMITS = TimelineLimits()


@dataclass(frozen=True)
class Timeline:
    """At which numbers a video has frames, and what there is to say of it.

    Attributes:
        numbers: of all frames, in order, with those that are left out.
        step: from one to the next.
        notes: sentences for the user.
        left_out: how many frames the file leaves out.
    """

    numbers: Sequence[int]
    step: int
    notes: tuple[str, ...] = ()
    left_out: int = 0


def timeline(numbers: Sequence[int]) -> Timeline | None:
    """When the frames of a video are, by the numbers that a file has; None where a number is there twice.

    The smallest step from one number to the next is that from frame to frame, if all others are multiples of it.

    Args:
        numbers: in the order of the file, at least one.

    >>> timeline([0, 1, 10, 2, 4]).numbers
    range(0, 11)
    >>> timeline([0, 10, 20, 40]).step, timeline([0, 33, 67]).numbers, timeline([3, 3])
    (10, [0, 33, 67], None)
    """
    order = sorted({*numbers})
    if len(order) < len(numbers):
        return None
    notes = (
        [] if order == [*numbers] else ["the file's images are not in the order of their numbers: they were put in it"]
    )
    steps = [after - before for before, after in pairwise(order)] or [1]
    step = min(steps)
    filled = range(order[0], order[-1] + 1, step)
    left_out = len(filled) - len(order)
    uneven = any(one % step for one in steps)
    if uneven or left_out > max(LIMITS.frames, LIMITS.times * len(order)):
        notes.append(
            f"the images' numbers ({_some(order)}) are not those of a video's frames at a constant rate: "
            "one image is taken to follow the other"
        )
        return Timeline(order, 1, tuple(notes))
    if step > 1:
        notes.append(f"the images' numbers ({_some(order)}) are those of every {_ordinal(step)} frame: so is the rate")
    return Timeline(filled, step, tuple(notes), left_out)


def in_time(
    head: Sequence[RawFrame],
    rest: Iterable[RawFrame],
    numbering: Numbering | None,
    again: Callable[[], Iterable[RawFrame | int]],
) -> Iterator[RawFrame]:
    """The frames of a video in the order of their numbers, with nobody in those that are left out.

    Args:
        head: the first frames of the video, as the file has them.
        rest: those after them. One whose number is lower than all of the head's stays where it is.
        numbering: of their names; None where they are not numbered.
        again: the same frames once more, or their numbers; asked for where one does not follow the other.

    >>> from duolift.inputs.keypoints import FORMATS
    >>> frames = [RawFrame(f"{number}.jpg", "film", (), FORMATS["coco17"]) for number in (0, 1, 10, 11, 3)]
    >>> names = [frame.name for frame in in_time(frames[:3], frames[3:], Numbering("", ".jpg"), lambda: frames)]
    >>> names[:4], len(names)
    (['0.jpg', '1.jpg', '2.jpg', '3.jpg'], 12)
    """
    numbers = [number_of(frame, numbering) for frame in head]
    if None in numbers or any(after != before + 1 for before, after in pairwise(filter(_is_number, numbers))):
        yield from _from_here(chain(head, rest), None, numbering, again)
        return
    coming, before = chain(head, rest), None
    for frame in coming:
        number = number_of(frame, numbering)
        if number is None or (before is not None and number != before + 1):
            yield from _from_here(chain([frame], coming), before, numbering, again)
            return
        before = number
        yield _read(frame)


def _is_number(number: int | None) -> TypeGuard[int]:
    return number is not None


def number_of(frame: RawFrame, numbering: Numbering | None) -> int | None:
    """A frame's number: its own, or that in its name."""
    if frame.number is not None or numbering is None:
        return frame.number
    return numbering.number(frame.name)


def _from_here(
    frames: Iterable[RawFrame],
    before: int | None,
    numbering: Numbering | None,
    again: Callable[[], Iterable[RawFrame | int]],
) -> Iterator[RawFrame]:
    """The frames from the first that does not follow the one before on; that one's number, or None at the beginning."""
    found = [one if isinstance(one, int) else number_of(one, numbering) for one in again()]
    listed = [number for number in found if number is not None]
    times = timeline(listed) if listed and len(listed) == len(found) else None
    if times is None:  # nothing tells the time
        yield from map(_read, frames)
        return
    known, held = {*listed}, dict[int, RawFrame]()
    due = iter([number for number in times.numbers if before is None or number > before])
    following, notes = next(due, None), times.notes
    for frame in frames:
        number = number_of(frame, numbering)
        if number is None or number not in known or (before is not None and number <= before):
            late = f"image {frame.name} is behind those of higher numbers in the file: it stays there"
            yield replace(_read(frame), step=times.step, notes=(*frame.notes, late))
            continue
        held[number] = frame
        while following is not None and (following in held or following not in known):
            one = held.pop(following, None) or _nobody(following, frame, numbering)
            if following not in known and times.left_out:
                notes += (_left_out(times, one.name),)
                times = replace(times, left_out=0)
            yield replace(_read(one), step=times.step, notes=(*one.notes, *notes))
            before, following, notes = following, next(due, None), ()
    for number in sorted(held):
        yield replace(_read(held[number]), step=times.step)


def _nobody(number: int, like: RawFrame, numbering: Numbering | None) -> RawFrame:
    name = str(number) if numbering is None else numbering.named(number, like.name)
    return replace(like, name=name, number=number, people=(), unread=False, notes=())


def _read(frame: RawFrame) -> RawFrame:
    """A frame of a video whose image could not be read is one without people."""
    return replace(frame, unread=False) if frame.unread else frame


def _left_out(times: Timeline, first: str) -> str:
    plural = times.left_out > 1
    return (
        f"{times.left_out} frame{'s' * plural} of {len(times.numbers)} {'are' if plural else 'is'} not in the file, "
        f"{'the first' if plural else 'namely'} {first}: nobody is in {'them' if plural else 'it'}"
    )


def _some(numbers: Sequence[int]) -> str:
    """The first numbers, as part of a message."""
    return ", ".join(map(str, numbers[:3])) + (" ..." if len(numbers) > 3 else "")


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
