"""Films made up, with frames at times that a test chooses."""

import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np

SIZE = 64, 48
"""Width and height, pixels."""

UNITS = 1000
"""Of time, a second."""


def greys(count: int) -> list[int]:
    """Of as many frames, each its own: what is decoded is told by them."""
    return [20 + 200 * number // max(1, count - 1) for number in range(count)]


def write_film(
    path: Path, times: Sequence[float], size: tuple[int, int] = SIZE, codec: str = "libx264", shape: float = 1.0
) -> Path:
    """A film with a frame at each time, each of one grey.

    Args:
        times: seconds, ascending.
        shape: width of a pixel over its height.
    """
    pictures = [np.full((size[1], size[0], 3), grey, np.uint8) for grey in greys(len(times))]
    return write_pictures(path, pictures, times, codec, shape)


def write_pictures(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[float],
    codec: str = "libx264",
    shape: float = 1.0,
    units: int = UNITS,
    options: Mapping[str, str] | None = None,
) -> Path:
    """A film of pictures (row, column, 3), each at its time.

    Args:
        units: of its time, a second; in an AVI, which has a place for a frame at each, its frames a second.
        options: of FFmpeg's writer.
    """
    size = pictures[0].shape[1], pictures[0].shape[0]
    with av.open(str(path), "w", options={**(options or {})}) as container:
        stream = container.add_stream(codec, rate=units)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.gop_size = 5
        stream.time_base = stream.codec_context.time_base = Fraction(1, units)
        stream.codec_context.sample_aspect_ratio = Fraction(shape).limit_denominator(100)
        for time, picture in zip(times, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * units), Fraction(1, units)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def ffmpeg(*arguments: str) -> None:
    """Run FFmpeg's own command."""
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *arguments], check=True)


def steady(count: int, rate: float) -> list[float]:
    """Times of as many frames."""
    return [number / rate for number in range(count)]
