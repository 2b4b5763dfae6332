"""A webcam's pictures as a film, recorded until somebody interrupts or the longest time has passed."""

import re
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duolift.errors import InputError, install

if TYPE_CHECKING:
    from av.container import InputContainer

NAME = re.compile(r"webcam:(\d+)")

LONGEST = 600.0
"""Seconds that are recorded at most."""

UNITS = Fraction(1, 1000)
"""Of time in what is recorded, seconds."""

Opened = Callable[[int], "InputContainer"]


def webcam_number(source: str) -> int | None:
    """The number of a webcam by its name as a source; None for any other source.

    >>> webcam_number("webcam:0"), webcam_number("film.mp4")
    (0, None)
    """
    found = NAME.fullmatch(source)
    return None if found is None else int(found[1])


def open_webcam(number: int) -> "InputContainer":
    """A webcam by its number, from 0. Raises InputError where there is none, or it cannot be used."""
    try:
        import av
    except ImportError as error:
        needed = install("detect")
        raise InputError(f"webcam:{number}: needs av, which is not installed ({error}); expected: {needed}") from error
    name, driver = {
        "linux": (f"/dev/video{number}", "v4l2"),
        "darwin": (f"{number}:none", "avfoundation"),
        "win32": (f"video={number}", "dshow"),
    }.get(sys.platform, (f"/dev/video{number}", "v4l2"))
    if driver == "v4l2" and not Path(name).exists():
        raise InputError(f"webcam:{number}: there is no camera {name}; expected one that is connected")
    try:
        return av.open(name, format=driver)
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"webcam:{number}: cannot be used ({reason}); expected a camera that is free") from error


def record_webcam(number: int, path: Path, longest: float = LONGEST, opened: Opened = open_webcam) -> int:
    """Write what a webcam sees into a film, until KeyboardInterrupt or for the longest time.

    Args:
        number: of the webcam, from 0.
        path: of the film, `.mkv`, which can be read also where the recording ends in the middle of it.
        longest: seconds.
        opened: opens the webcam.

    Returns:
        How many pictures were recorded.

    Raises:
        InputError: there is no such webcam, it cannot be used, or it gave no picture.
    """
    import av

    count = 0
    with opened(number) as camera, av.open(str(path), "w", format="matroska") as film:
        stream: Any = film.add_stream("mpeg4", rate=30)
        stream.time_base = stream.codec_context.time_base = UNITS
        stream.options = {"qscale": "3"}
        first, last = 0.0, -1
        try:
            for frame in camera.decode(video=0):
                now = time.monotonic() if frame.time is None else frame.time  # cameras say when they saw it
                if count == 0:
                    stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                    first = now
                at = round((now - first) / UNITS)
                if at > longest / UNITS:
                    break
                if at > last:
                    frame.pts, frame.time_base, last = at, UNITS, at
                    film.mux(stream.encode(frame))
                    count += 1
        except KeyboardInterrupt:
            pass
        except av.FFmpegError as error:
            if not count:
                raise InputError(f"webcam:{number}: gives no picture ({error.strerror or error})") from error
        if count:
            film.mux(stream.encode(None))
    if not count:
        raise InputError(f"webcam:{number}: no picture was recorded; expected some before the interruption")
    return count
