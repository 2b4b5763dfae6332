"""Pictures and films: size, length, speed, and that people are on them where they are."""

from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.colours import colours_of, rgb
from duolift.outputs.pictures import Picture


def has_colour(pixels: np.ndarray, colour: str, off: int = 12) -> bool:
    return bool((np.abs(pixels.astype(int) - rgb(colour)).max(-1) <= off).any())


def test_a_picture_shows_everybody_in_their_colours(tmp_path: Path) -> None:
    write(example_scene(frames=1), tmp_path / "scene.png")
    pixels = np.asarray(Image.open(tmp_path / "scene.png").convert("RGB"))
    assert pixels.shape == (720, 1280, 3)
    assert all(has_colour(pixels, colour) for person in (0, 1) for colour in colours_of(person))


def test_who_is_absent_is_not_drawn() -> None:
    frames = list(Picture(example_scene(frames=3), ".png").play())
    assert [has_colour(frame, colours_of(1)[0]) for frame in frames] == [True, False, True]


def test_a_gif_plays_at_the_sequences_speed(tmp_path: Path) -> None:
    write(example_scene(frames=9, rate=25.0), tmp_path / "scene.gif")
    with Image.open(tmp_path / "scene.gif") as image:
        assert image.size == (640, 360)
        assert image.info["duration"] == 80 and image.info["loop"] == 0
        assert getattr(image, "n_frames", 1) == 5, "every second frame"


def test_a_film_has_every_frame(tmp_path: Path) -> None:
    write(example_scene(frames=6, rate=25.0), tmp_path / "scene.mp4")
    reader = imageio_ffmpeg.read_frames(str(tmp_path / "scene.mp4"))
    about = next(reader)
    assert (about["size"], about["fps"], about["codec"]) == ((1280, 720), 25.0, "h264")
    frames = [np.frombuffer(frame, np.uint8).reshape(720, 1280, 3) for frame in reader]
    assert len(frames) == 6
    assert has_colour(frames[-1], colours_of(0)[0], off=40)


def test_the_views_agree_with_the_scene() -> None:
    picture = Picture(example_scene(), ".png")
    points = np.array([[0.0, 0, -4], [0, 1, -4], [0, 0, -3], [1, 0, -4]])
    side, above, scene = (picture.project(points, view) for view in ("side", "above", "scene"))
    assert side[1, 1] > side[0, 1] and side[2, 0] < side[0, 0], "up is up, and the camera is on the left"
    assert above[3, 0] > above[0, 0] and above[2, 1] < above[0, 1], "right is right, and the camera is below"
    assert scene[1, 1] > scene[0, 1] and scene[3, 0] > scene[0, 0] and scene[2, 2] > scene[0, 2]


@pytest.mark.parametrize("name", ["$x^2$", "a_b{c}", "$\\frac$"])
def test_names_of_images_are_not_taken_for_formulas(tmp_path: Path, name: str) -> None:
    scene = example_scene(frames=1)
    write(replace(scene, names=(name,)), tmp_path / "scene.png")
