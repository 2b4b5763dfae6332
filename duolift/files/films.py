"""Films (`.mp4`, `.mov`, `.webm`, animated `.gif` ...), read by PyAV: frames the right way up, at their time.

PyAV (https://pyav.basswood-io.com) has FFmpeg's decoders in one wheel, and says of every frame when it is shown, so
that films of variable frame rate can be told in time, and any frame be sought. A film is gone through once without
decoding anything, for the times of all of its frames; frames are then decoded one at a time, whatever its length.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError, install
from duolift.files.frame_times import frame_numbers, frame_rate
from duolift.files.reading import regular
from duolift.files.signatures import FILM_SUFFIXES, PICTURE, VIDEO, signature_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Pixels = NDArray[np.uint8]
"""(height, width, 3), red, green and blue."""

USUAL_RATE = 25.0
"""Frames a second of a film that says nothing of them and holds a single one."""

NEAR = 100
"""Frames ahead that are decoded one after the other; one further ahead is sought."""

CUT_OFF = 0.05
"""Of a film's frames and length: where more is missing at its end, it may be cut off."""

SOUND_AFTER = 1.0
"""Seconds by which sound may outlast the pictures, where a film says how long all of it is, and not its pictures."""

LARGEST_FRAME = 2**27
"""Pixels; no film has larger frames, and decoding them would take all memory."""

OPENED = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,asf,flv,gif,ogg,ivf,h264,"
    "hevc,mxf,dv,wav,mp3,aac,flac",
}
"""How FFmpeg opens a file: as a film or as sound, and never a list of other files, here or on the network."""


def is_film(path: Path) -> bool:
    """Whether a path is a film's: by what the file holds, and by its suffix where that does not tell.

    >>> is_film(Path("dance.MP4")), is_film(Path("dance.jpg"))
    (True, False)
    """
    held = signature_of(path)
    if held == PICTURE:
        return _is_animation(path)
    return held == VIDEO or path.suffix.lower() in FILM_SUFFIXES


def _is_animation(path: Path) -> bool:
    """Whether a picture is an animated GIF, whose frames follow each other in time."""
    with path.open("rb") as file:
        if file.read(4) != b"GIF8":
            return False
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return bool(getattr(picture, "is_animated", False))
    except Exception:  # Pillow raises anything on a damaged picture; whoever reads it says so
        return False


@dataclass(frozen=True)
class _Times:
    """When a film's frames are shown.

    Attributes:
        rate: frames a second.
        stamps: of the frames, ascending, in the file's units of time; empty where nothing tells the time but the order.
        numbers: (frame,), ascending, but for -1 of those that others stand for.
        doubts: sentences for the user.
    """

    rate: float
    stamps: list[int]
    numbers: list[int]
    doubts: tuple[str, ...]

    @cached_property
    def kept(self) -> dict[int, int]:
        """Number of a frame -> its time in the file's units."""
        return {number: stamp for stamp, number in zip(self.stamps, self.numbers, strict=True) if number >= 0}

    def number(self, stamp: int | None, before: int) -> int | None:
        """The number of a frame; None of one that another stands for.

        Args:
            stamp: its time, in the file's units.
            before: number of the frame before.
        """
        place = bisect_left(self.stamps, stamp) if stamp is not None else len(self.stamps)
        if place == len(self.stamps) or self.stamps[place] != stamp:
            return before + 1
        return self.numbers[place] if self.numbers[place] >= 0 else None


def _announced(container: "InputContainer", stream: "VideoStream", units: int) -> float:
    """Seconds that a film says its pictures last; 0 where it says nothing.

    Args:
        units: of the container's time, a second.
    """
    if stream.frames and stream.average_rate:  # FFmpeg makes the length of an AVI up from the file's size
        return float(stream.frames / stream.average_rate)
    own = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    own = own or _seconds(stream.metadata.get("DURATION", ""))  # Matroska's
    whole = (container.duration or 0) / units
    if own and whole:
        return min(own, whole)
    return own or max(0.0, whole - SOUND_AFTER * (len(container.streams) > 1))


def _cut_off(frames: int, promised: int, shown: float, length: float, step: float) -> tuple[str, ...]:
    """A sentence where a film ends before it says it does.

    Frames may be missing because nothing changed (AVI), and time because its beginning is not to be shown (MP4): only a
    film that is short of both is cut off.

    Args:
        frames: how many there are.
        promised: how many it says there are; 0 where it does not say.
        shown: seconds, when the last of them has been shown.
        length: seconds that it says it lasts; 0 where it does not say.
        step: seconds that a frame is shown.

    >>> _cut_off(frames=45, promised=90, shown=1.5, length=3.0, step=1 / 30)
    ('its frames end after 1.5 of 3.0 s: it may be cut off',)
    >>> _cut_off(frames=45, promised=90, shown=3.0, length=3.0, step=1 / 30)
    ()
    """
    short = not promised or frames < (1 - CUT_OFF) * promised
    if short and length - shown > max(CUT_OFF * length, 2 * step):
        return (f"its frames end after {shown:.1f} of {length:.1f} s: it may be cut off",)
    return ()


def _seconds(text: str) -> float:
    """Of hours, minutes and seconds; 0 for anything else.

    >>> _seconds("00:01:08.5"), _seconds("soon")
    (68.5, 0.0)
    """
    found = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", text)
    return sum(float(part) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0.0


class Film:
    """A film's size, rate and frames. A frame's number is that of the step of time in which it is shown.

    Args:
        path: of the file.

    Attributes:
        size: width and height in pixels, the right way up, of square pixels.
        damaged: how many parts could not be decoded so far.
        patched: how many frames so far are of parts that are damaged, as far as their decoder could mend them.

    Raises:
        InputError: no such file, PyAV is not installed, or the file is no film that can be read.

    >>> Film(Path("gone.mp4"))
    Traceback (most recent call last):
    duolift.errors.InputError: gone.mp4: no such file; expected a film
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise InputError(f"{path}: no such file; expected a film")
        try:
            import av
        except ImportError as error:
            needed = install("detect")
            raise InputError(f"{path}: films need av, which is not installed ({error}); expected: {needed}") from error
        self.path, self._av, self.damaged, self.patched = regular(path), av, 0, 0
        self._shown: tuple[int, Pixels] | None = None
        self._following: tuple[int, Pixels] | None = None
        with self._opened() as (container, stream):
            first = next(self._decoded(container, stream), None)
            shape = stream.sample_aspect_ratio
        if first is None:
            raise InputError(f"{path}: not one frame of it can be decoded; expected a film that is whole")
        self._turns = round(first.rotation / 90) % 4  # a quarter each, against the clock
        width = round(first.width * float(shape)) if shape else first.width  # of square pixels
        self._reshaped = (width, first.height)
        self.size: tuple[int, int] = (first.height, width) if self._turns % 2 else (width, first.height)

    @property
    def frame_rate(self) -> float:
        """Frames a second of the grid that most frames are on (`duolift.files.frame_times`)."""
        return self._times.rate

    @cached_property
    def numbers(self) -> list[int]:
        """Of the frames, ascending; some are left out where the rate varies. Empty where the film tells no times."""
        return [*self._times.kept]

    def every(self, step: int) -> list[int]:
        """Numbers at which every so many frames are shown: those of a steady film's every `step`th frame.

        Where the rate varies, a moment is left out if nothing has been shown since the moment before.
        """
        return sorted(self._shown_at(step).values())

    def frames(self, first: int = 0, step: int = 1) -> Iterator[tuple[int, Pixels]]:
        """The frames with their numbers, one after the other; what is damaged is left out.

        Args:
            first: the number to begin at.
            step: 2 gives every second frame, and so on, see `every`.

        Raises:
            InputError: the file cannot be read any more.
        """
        known, self.damaged, self.patched = self.numbers, 0, 0
        if step > 1:
            due = self._shown_at(step)
            start = next((number for number, moment in due.items() if moment >= first), first)
            for number, frame in self._from(start, known):
                moment = due.get(number) if known else (None if number % step else number)
                if moment is not None and moment >= first:
                    yield moment, self._upright(frame)
            return
        for number, frame in self._from(first, known):
            yield number, self._upright(frame)

    def _shown_at(self, step: int) -> dict[int, int]:
        """Number of a frame -> the multiple of `step` at which it is shown, ascending."""
        known, found = self.numbers, {}
        for moment in range(0, known[-1] + 1 if known else 0, step):
            number = known[bisect_right(known, moment) - 1]
            if number > moment - step:
                found[number] = moment
        return found

    def _from(self, first: int, known: list[int]) -> "Iterator[tuple[int, VideoFrame]]":
        """The frames from a number on."""
        if known and first > known[-1]:
            return
        start = known[bisect_left(known, first)] if known else 0
        coming = self._numbered(start)
        found = next(coming, None)
        if start and (found is None or found[0] > start):  # sought in vain: some files have no index
            coming = self._numbered(0)
            found = next(coming, None)
        for number, frame in chain([] if found is None else [found], coming):
            if number >= first:
                yield number, frame

    def _numbered(self, start: int) -> "Iterator[tuple[int, VideoFrame]]":
        """The frames from one at or before a number on, where the file finds it."""
        times, number = self._times, -1
        with self._opened() as (container, stream):
            if start:
                container.seek(times.kept[start], stream=stream)
            for frame in self._decoded(container, stream):
                found = times.number(frame.pts, number)
                if found is not None and found > number:
                    number = found
                    yield number, frame

    def frame(self, number: int) -> Pixels | None:
        """The frame that is shown at a number; None after the last.

        Frames are quick to read forwards; an earlier one, or one far ahead, is sought.
        """
        known = self.numbers
        if known and number > known[-1]:
            return None
        if self._shown is None or not self._shown[0] <= number < self._shown[0] + NEAR:
            before = known[max(0, bisect_right(known, number) - 1)] if known else 0
            self._coming = self.frames(before)
            self._shown, self._following = None, next(self._coming, None)
        while self._following is not None and self._following[0] <= number:
            self._shown, self._following = self._following, next(self._coming, None)
        ended = self._following is None and not known
        if self._shown is None or (ended and self._shown[0] < number):
            return None
        return self._shown[1]

    def doubts(self) -> list[str]:
        """What is wrong with the film, in words: as far as its frames have been gone through."""
        damaged = [f"{self.path}: {self.damaged} of its parts are damaged, and left out"] if self.damaged else []
        if self.patched:
            are = "are" if self.patched > 1 else "is"
            damaged.append(f"{self.path}: {self.patched} of its frames {are} damaged, and used as far as decoded")
        return [*damaged, *(f"{self.path}: {doubt}" for doubt in self._times.doubts)]

    @cached_property
    def _times(self) -> _Times:
        with self._opened() as (container, stream):
            said = float(stream.average_rate or stream.guessed_rate or 0) or None
            unit = float(stream.time_base or 0)
            packets, last = [], 0
            for packet in self._packets(container, stream):
                stamp = packet.pts if packet.pts is not None else packet.dts
                packets.append((stamp, packet.is_discard))
                last = max(last, (stamp or 0) + (packet.duration or 0))
            promised, length = stream.frames or 0, _announced(container, stream, self._av.time_base)
        found = [stamp for stamp, discarded in packets if stamp is not None and not discarded]
        if len(found) < len([discarded for _, discarded in packets if not discarded]) or not unit:
            rate = said or USUAL_RATE
            return _Times(rate, [], [], (f"does not say when its frames are shown: {rate:g} a second are assumed",))
        stamps = sorted({*found})
        seconds = [stamp * unit for stamp in stamps]
        rate = frame_rate(seconds, said) or USUAL_RATE
        shown = max(last * unit, seconds[-1] + 1 / rate) - min(0.0, seconds[0]) if seconds else 0.0
        doubts = _cut_off(len(packets), promised, shown, length, 1 / rate)
        return _Times(rate, stamps, frame_numbers(seconds, rate).tolist(), doubts)

    @contextmanager
    def _opened(self) -> "Iterator[tuple[InputContainer, VideoStream]]":
        try:
            container = self._av.open(f"file:{self.path}", container_options=OPENED)
        except (self._av.FFmpegError, OSError, ValueError) as error:
            reason = str(getattr(error, "strerror", None) or error)
            cut = "; it may have been cut off" if signature_of(self.path) == VIDEO else ""
            raise InputError(
                f"{self.path}: cannot be read as a film ({reason}{cut}); expected one that FFmpeg reads"
            ) from error
        with container:
            streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
            if not streams:
                found = "sound alone" if container.streams.audio else "no pictures"
                raise InputError(f"{self.path}: holds {found}; expected a film")
            stream = streams[0]
            if getattr(stream, "codec_context", None) is None:
                raise InputError(f"{self.path}: its frames are coded in a way that is not known; expected a film")
            if stream.width * stream.height > LARGEST_FRAME:
                raise InputError(f"{self.path}: frames are {stream.width} x {stream.height} pixels; expected fewer")
            stream.thread_type = "AUTO"
            yield container, stream

    def _packets(self, container: "InputContainer", stream: "VideoStream") -> "Iterator[Packet]":
        """The stream's packets, as far as the file can be read."""
        try:
            for packet in container.demux(stream):
                if packet.size:
                    yield packet
        except (self._av.FFmpegError, OSError):
            self.damaged += 1

    def _decoded(self, container: "InputContainer", stream: "VideoStream") -> "Iterator[VideoFrame]":
        """The stream's frames in the order in which they are shown."""
        for packet in chain(self._packets(container, stream), [None]):  # None asks for those that are still held
            try:
                for frame in stream.codec_context.decode(packet):
                    self.patched += frame.is_corrupt
                    yield frame
            except self._av.EOFError:
                return
            except (self._av.FFmpegError, OSError):
                self.damaged += 1

    def _upright(self, frame: "VideoFrame") -> Pixels:
        width, height = self._reshaped
        try:
            pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
        except (self._av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"{self.path}: a frame cannot be turned into colours ({reason}); expected a film"
            ) from error
        return np.ascontiguousarray(np.rot90(pixels, self._turns))
