"""Pictures and films: size, length, speed, and that people are on them where they are."""

from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from matplotlib.path import Path as Path2D
from PIL import Image

from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.capsules import BodyPainter, capsules
from duolift.outputs.colours import colours_of, rgb
from duolift.outputs.pictures import Picture


def has_colour(pixels: np.ndarray, colour: str, off: int = 12) -> bool:
    return bool((np.abs(pixels.astype(int) - rgb(colour)).max(-1) <= off).any())


def test_a_picture_shows_everybody_in_their_colours(tmp_path: Path) -> None:
    write(example_scene(frames=1), tmp_path / "scene.png")
    pixels = np.asarray(Image.open(tmp_path / "scene.png").convert("RGB"))
    assert pixels.shape == (720, 1280, 3)
    assert all(has_colour(pixels, colour) for person in (0, 1) for colour in colours_of(person))


def test_single_images_are_not_counted() -> None:
    for frames, counted in ((1, False), (3, True)):
        picture = Picture(example_scene(frames=frames), ".png")
        picture.show(0)
        assert ("frame 1 of" in picture.figure.texts[0].get_text()) == counted


def test_everybody_in_all_frames_fits_and_fills_the_picture() -> None:
    scene = example_scene(frames=60)
    picture = Picture(scene, ".png")
    for name, axis in zip(("scene", "side", "above"), picture.figure.axes[1:], strict=True):
        shown = picture.project(scene.world()[scene.valid], name)[..., :2].reshape(-1, 2)
        (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
        assert (shown > (left, low)).all() and (shown < (right, high)).all(), name
        assert (np.ptp(shown, axis=0) / (right - left, high - low)).max() > 0.6, name


def test_lines_of_the_ground_are_half_a_metre_apart() -> None:
    picture = Picture(example_scene(frames=1), ".png")
    strong = [c for c in picture.figure.axes[3].collections if len(c.get_paths()) > 4][1]
    places = sorted({round(float(path.vertices[0, 0]), 3) for path in strong.get_paths()})
    assert all(place == round(place) for place in places[1:-1]), "strong lines are at whole metres"


def test_everybody_has_a_number_above_the_head() -> None:
    picture = Picture(example_scene(frames=2), ".png")
    for frame, absent in ((0, False), (1, True)):
        picture.show(frame)
        numbers = [text for text in picture.figure.axes[1].texts if text.get_visible()]
        assert [number.get_text() for number in numbers] == (["1"] if absent else ["1", "2"])
        head = picture.project(picture.world[frame, 0], "scene")[..., 1].max()
        assert numbers[0].get_position()[1] > head


@pytest.mark.parametrize("radii", [(1.0, 1.0), (0.5, 1.5), (3.0, 0.2), (0.2, 3.0)])
def test_a_capsule_encloses_both_discs_and_touches_them(radii: tuple[float, float]) -> None:
    start, end = np.array([1.0, 2.0]), np.array([2.0, 0.5])
    outline = capsules(start, end, *map(np.array, radii))
    away = np.stack(
        [np.linalg.norm(outline - place, axis=-1) - r for place, r in zip((start, end), radii, strict=True)]
    )
    assert np.abs(away.min(0)).max() < 1e-9, "every corner is on one of the discs"
    turn = np.linspace(0, 2 * np.pi, 100)[:, None]
    rim = [
        place + 0.97 * r * np.hstack([np.cos(turn), np.sin(turn)]) for place, r in zip((start, end), radii, strict=True)
    ]
    assert Path2D(outline).contains_points(np.concatenate(rim)).mean() > 0.95


def test_who_is_nearer_is_drawn_later() -> None:
    scene = example_scene(frames=1)
    painter = BodyPainter(scene.skeleton, np.ones(2), 0.01)
    picture = Picture(scene, ".png")
    parts = painter.parts(scene.world()[0], scene.seen[0], lambda points: picture.project(points, "scene"))
    towards = [part.towards for part in parts]
    assert towards == sorted(towards)
    assert all(np.isfinite(outline).all() for part in parts for outline in part.outlines)


def test_what_was_filled_in_is_pale() -> None:
    scene = example_scene(frames=1)
    parts = BodyPainter(scene.skeleton, np.ones(2), 0.01).parts(
        scene.world()[0], scene.seen[0], lambda points: Picture(scene, ".png").project(points, "side")
    )
    pale = [part for part in parts if part.colours[0][3] < 1]
    assert len(pale) == 2, "the left hands"
    assert all(len(part.outlines) == len(part.colours) == 1 for part in pale)


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


@pytest.mark.parametrize(("aside", "right"), [(0.5, True), (-0.5, False)], ids=["right", "left"])
def test_a_scene_is_shown_from_the_side_where_nobody_hides_anybody(aside: float, right: bool) -> None:
    """The second person is behind the first, to the right or to the left: from the other side they hide each other."""
    scene = example_scene(frames=3)
    one = scene.people[:, :1]
    behind = one + np.array([aside, 0.0, 1.0], dtype=one.dtype)
    picture = Picture(replace(scene, people=np.concatenate([one, behind], axis=1)), ".png")
    camera, ahead = picture.project(np.array([[0.0, 1.0, 0.0], [0.0, 1.0, -1.0]]), "scene")[:, 0]
    assert (camera < ahead) == right, "seen from the right, the camera is on the left"


@pytest.mark.parametrize("name", ["$x^2$", "a_b{c}", "$\\frac$"])
def test_names_of_images_are_not_taken_for_formulas(tmp_path: Path, name: str) -> None:
    scene = example_scene(frames=1)
    write(replace(scene, names=(name,)), tmp_path / "scene.png")
