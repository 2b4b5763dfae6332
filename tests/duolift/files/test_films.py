"""Films: frames the right way up, of square pixels, at their time; damaged and mistaken ones in one line."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_films import SIZE, ffmpeg, greys, steady, write_film, write_pictures

from duolift.errors import InputError
from duolift.files.films import Film, is_film

COUNT = 12


@pytest.fixture(scope="module")
def steady_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "steady.mp4", steady(COUNT, 10))


def seen(film: Film, first: int = 0) -> dict[int, float]:
    """Number of each frame -> its grey."""
    return {number: float(pixels.mean()) for number, pixels in film.frames(first)}


def test_frames_come_in_order_from_any_number_on(steady_film: Path) -> None:
    film, wanted = Film(steady_film), dict(enumerate(greys(COUNT)))
    assert (film.size, film.frame_rate, film.numbers) == (SIZE, 10, [*wanted])
    for first in (0, 1, 7, COUNT - 1, COUNT):
        assert seen(film, first) == pytest.approx({n: g for n, g in wanted.items() if n >= first}, abs=4)
    assert film.doubts() == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.mkv", ()),
        ("a.avi", ("-c:v", "mpeg4", "-bf", "2")),
        ("a.ts", ()),
        ("a.webm", ("-c:v", "libvpx")),
        ("a.gif", ()),
    ],
)
def test_every_kind_of_file_has_the_same_frames(
    name: str, arguments: tuple[str, ...], steady_film: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", str(steady_film), *arguments, str(tmp_path / name))
    film = Film(tmp_path / name)
    assert is_film(tmp_path / name) and film.frame_rate == pytest.approx(10, rel=1e-3)
    assert seen(film, 4) == pytest.approx({n: g for n, g in enumerate(greys(COUNT)) if n >= 4}, abs=12)


@pytest.mark.parametrize(
    ("name", "arguments", "timed"),
    [
        ("a.h264", ("-bsf:v", "h264_mp4toannexb"), False),
        ("a.hevc", ("-c:v", "libx265", "-x265-params", "log-level=none"), False),
        ("a.ogv", ("-c:v", "libtheora"), True),
        ("a.m2v", ("-r", "25"), True),
        ("a.mxf", ("-r", "25"), True),
    ],
)
def test_films_of_other_kinds_are_known_whatever_they_are_called(
    name: str, arguments: tuple[str, ...], timed: bool, steady_film: Path, tmp_path: Path
) -> None:
    """A stream without a container does not say when its frames are shown, and that is told."""
    ffmpeg("-i", str(steady_film), *arguments, str(tmp_path / name))
    bare = (tmp_path / name).rename(tmp_path / "bare")
    film = Film(bare)
    assert is_film(bare) and len(seen(film)) >= COUNT
    assert any("does not say when" in doubt for doubt in film.doubts()) != timed


def test_a_film_is_known_by_what_it_holds(steady_film: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(steady_film.read_bytes())
    Image.new("RGB", (4, 3)).save(tmp_path / "b.mp4", "JPEG")
    Image.new("RGB", (4, 3)).save(tmp_path / "still.gif")
    assert is_film(tmp_path / "a.jpg") and Film(tmp_path / "a.jpg").size == SIZE
    assert not is_film(tmp_path / "b.mp4") and not is_film(tmp_path / "still.gif")


def test_a_film_whose_rate_varies_has_frames_at_their_times(tmp_path: Path) -> None:
    times = [0, 0.033, 0.067, 0.2, 0.233, 0.267, 0.3, 0.333]
    film = Film(write_film(tmp_path / "a.mp4", times))
    numbers = [0, 1, 2, 6, 7, 8, 9, 10]
    assert film.frame_rate == pytest.approx(30, rel=1e-2) and film.numbers == numbers
    assert seen(film) == pytest.approx(dict(zip(numbers, greys(len(times)), strict=True)), abs=4)
    shown = film.frame(4)
    assert shown is not None and shown.mean() == pytest.approx(greys(len(times))[2], abs=4), "until the next is shown"


@pytest.mark.parametrize("step", [1, 2, 5, 100])
def test_every_so_manyth_frame(step: int, steady_film: Path) -> None:
    film, wanted = Film(steady_film), {n: g for n, g in enumerate(greys(COUNT)) if n % step == 0}
    assert film.every(step) == [*wanted]
    for first in (0, 1, 7, COUNT):
        found = {number: float(pixels.mean()) for number, pixels in film.frames(first, step)}
        assert found == pytest.approx({n: g for n, g in wanted.items() if n >= first}, abs=4)


def test_where_the_rate_varies_every_so_manyth_moment_shows_what_is_shown_then(tmp_path: Path) -> None:
    times = [0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 1.2, 1.3]  # numbers 0 to 3, 5 to 7, 12, 13
    film = Film(write_film(tmp_path / "a.mp4", times))
    assert film.numbers == [0, 1, 2, 3, 5, 6, 7, 12, 13] and film.every(4) == [0, 4, 8, 12]
    shown = {number: float(pixels.mean()) for number, pixels in film.frames(step=4)}
    grey = greys(len(times))
    assert shown == pytest.approx({0: grey[0], 4: grey[3], 8: grey[6], 12: grey[7]}, abs=4)
    for number, mean in shown.items():
        pixels = film.frame(number)
        assert pixels is not None and pixels.mean() == pytest.approx(mean, abs=4), "what pages are drawn over"


@pytest.mark.parametrize("degrees", [90, -90, 180])
def test_a_film_is_turned_as_the_container_says(degrees: int, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=96x64:rate=5:duration=1", "-pix_fmt", "yuv420p", str(tmp_path / "a.mp4"))
    turned, still = tmp_path / "turned.mp4", tmp_path / "still.png"
    ffmpeg("-display_rotation", str(degrees), "-i", str(tmp_path / "a.mp4"), "-c", "copy", str(turned))
    ffmpeg("-i", str(turned), "-frames:v", "1", str(still))  # which turns it too
    film, wanted = Film(turned), np.asarray(Image.open(still).convert("RGB"), dtype=float)
    (_, pixels), *_ = film.frames()
    assert pixels.shape == wanted.shape == (film.size[1], film.size[0], 3)
    assert np.abs(pixels - wanted).mean() < 3


def test_pixels_that_are_not_square_become_so(tmp_path: Path) -> None:
    film = Film(write_film(tmp_path / "a.mp4", steady(3, 10), shape=4 / 3))
    assert film.size == (85, 48) and next(film.frames())[1].shape == (48, 85, 3)


def test_a_film_that_is_cut_off_is_read_as_far_as_it_goes(steady_film: Path, tmp_path: Path) -> None:
    whole = write_film(tmp_path / "whole.mkv", steady(60, 10), codec="mpeg4").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    film = Film(tmp_path / "cut.mkv")
    found = seen(film)
    assert 10 < len(found) < 50 and [*found] == [*range(len(found))]
    assert (len(film.doubts()) == 1 and "cut" in film.doubts()[0]) or "damaged" in film.doubts()[0]
    (tmp_path / "cut.mp4").write_bytes(steady_film.read_bytes()[:-400])  # its list of frames is at its end
    with pytest.raises(InputError, match=r"cut\.mp4: .*cut off"):
        Film(tmp_path / "cut.mp4")


NOISE = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
"""Pictures of which each takes about as much of a film as any other."""

CONTAINERS = {
    "a.mkv": ("libx264", {}),
    "b.mkv": ("mpeg4", {}),
    "a.webm": ("libvpx-vp9", {}),
    "a.avi": ("mpeg4", {}),
    "b.avi": ("ffv1", {}),
    "a.mp4": ("libx264", {"movflags": "faststart"}),
    "a.mov": ("mpeg4", {"movflags": "faststart"}),
    "a.flv": ("libx264", {}),
}
"""Name of a film -> its codec, and options of its writer: those that say at their beginning how long they are."""

TIMES = {
    "steady": steady(40, 20),
    "uneven": [0.05 * number for number in (*range(30), 35, 36, 37, 50, 51, 52, 53, 54, 70, 90)],
    "late": [1 + time for time in steady(40, 20)],
}
"""When a film's 40 frames are shown."""


def noise_film(path: Path, times: list[float]) -> Path:
    codec, options = CONTAINERS[path.name]
    return write_pictures(path, NOISE, times, codec, units=20 if path.suffix == ".avi" else 1000, options=options)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_film_that_ends_early_says_so_once(name: str, tmp_path: Path) -> None:
    path = noise_film(tmp_path / name, TIMES["steady"])
    assert not Film(path).doubts()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    film = Film(path)
    assert 5 < len(film.numbers) < 35
    (doubt,) = film.doubts()
    found = re.fullmatch(rf"{re.escape(str(path))}: its frames end after (.*) of (.*) s: it may be cut off", doubt)
    assert found is not None
    assert [float(part) for part in found.groups()] == pytest.approx([len(film.numbers) / 20, 2.0], abs=0.11)


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("name", CONTAINERS)
def test_a_whole_film_is_not_said_to_be_cut_off(name: str, times: str, tmp_path: Path) -> None:
    film = Film(noise_film(tmp_path / name, TIMES[times]))
    assert len([*film.frames()]) == 40 and not film.doubts()


def test_sound_may_outlast_the_pictures(tmp_path: Path) -> None:
    for suffix in ("mkv", "mp4", "avi"):
        path = tmp_path / f"a.{suffix}"
        sources = ["-f", "lavfi", "-i", "testsrc=size=96x64:rate=10:duration=2", "-f", "lavfi", "-i", "sine=duration=4"]
        ffmpeg(*sources, "-pix_fmt", "yuv420p", str(path))
        assert not Film(path).doubts(), suffix


@pytest.mark.parametrize("name", ["a.mp4", "a.wav"])
def test_sound_alone_is_no_film(name: str, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.5", str(tmp_path / name))
    with pytest.raises(InputError, match=re.escape(f"{name}: holds sound alone; expected a film")):
        Film(tmp_path / name)


@pytest.mark.parametrize(
    "text", ["", "hello", "#EXTM3U\nhttp://127.0.0.1/a.ts\n", "ffconcat version 1.0\nfile b.mp4\n"]
)
def test_what_is_no_film_is_refused_in_a_line_and_opens_no_other_file(
    text: str, steady_film: Path, tmp_path: Path
) -> None:
    (tmp_path / "b.mp4").write_bytes(steady_film.read_bytes())
    (tmp_path / "a.mp4").write_text(text)
    with pytest.raises(InputError, match=r"a\.mp4: cannot be read as a film \(.*\); expected") as refused:
        Film(tmp_path / "a.mp4")
    assert "\n" not in str(refused.value)


def test_frames_that_are_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duolift.files.films.LARGEST_FRAME", 1000)
    with pytest.raises(InputError, match=r"frames are 64 x 48 pixels"):
        Film(write_film(tmp_path / "a.mp4", [0, 0.1]))


def test_frames_that_a_decoder_has_mended_are_told_of(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "a.ts", NOISE, steady(40, 20), "mpeg4")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = np.random.default_rng(0).bytes(64)
    path.write_bytes(content)
    film = Film(path)
    assert len([*film.frames()]) == 40
    assert film.doubts() == [f"{path}: 1 of its frames is damaged, and used as far as decoded"]
