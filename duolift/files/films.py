"""Films (`.mp4`, `.mov` ...), read forwards by ffmpeg."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError, install

FILM_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")


def is_film(path: Path) -> bool:
    """Whether a path is a film's, by its suffix.

    >>> is_film(Path("dance.MP4")), is_film(Path("dance.jpg"))
    (True, False)
    """
    return path.suffix.lower() in FILM_SUFFIXES


class Film:
    """A film's size, rate and frames.

    Args:
        path: of the file.

    Attributes:
        size: width and height in pixels, the right way up.
        rate: frames a second.

    Raises:
        InputError: no such file, ffmpeg is not installed, or it cannot read the file.

    >>> Film(Path("gone.mp4"))
    Traceback (most recent call last):
    duolift.errors.InputError: gone.mp4: no such file; expected a film
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected a film")
        try:
            import imageio_ffmpeg  # type: ignore[import-untyped]
        except ImportError as error:
            needed = install("outputs")
            message = f"{path}: films need imageio_ffmpeg, which is not installed ({error}); expected: {needed}"
            raise InputError(message) from error
        self.path, self._ffmpeg = path, imageio_ffmpeg
        self._last: NDArray[np.uint8] | None = None
        self._begin()

    def frame(self, number: int) -> NDArray[np.uint8] | None:
        """A frame, (height, width, 3); None after the last. An earlier one than the last begins the film anew."""
        if number < self._next - 1:
            self._begin()
        while self._next <= number:
            content = next(self._frames, None)
            if content is None:
                return None
            width, height = self.size
            self._last = np.frombuffer(content, np.uint8).reshape(height, width, 3)
            self._next += 1
        return self._last

    def _begin(self) -> None:
        try:
            self._frames: Iterator[Any] = self._ffmpeg.read_frames(str(self.path))
            about = next(self._frames)
        except Exception as error:  # ffmpeg's own words are many
            raise InputError(f"{self.path}: cannot be read as a film; expected one that ffmpeg reads") from error
        self.size: tuple[int, int] = about["size"]
        self.rate: float = about["fps"]
        self._next = 0
