"""Photographs and films behind a scene: which belongs to which image, and that outputs show them."""

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from duolift.errors import InputError
from duolift.example import example_scene
from duolift.files.films import Film
from duolift.inputs import Options, read
from duolift.outputs import write
from duolift.outputs.photographs import PAGE_WIDTHS, Photographs, doubts, embedded, frame_numbers
from duolift.outputs.pictures import Picture

GREYS = (40, 90, 140, 190)
"""Of the frames of `film`."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames, each of one grey."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    writer = imageio_ffmpeg.write_frames(str(path), (64, 48), fps=10, ffmpeg_log_level="error")
    writer.send(None)
    for grey in GREYS:
        writer.send(np.full((48, 64, 3), grey, np.uint8))
    writer.close()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture of one grey for the first two images of `example_scene`, one of them of another suffix."""
    for name, grey in (("000000.jpg", 40), ("000001.png", 200)):
        Image.new("RGB", (1280, 720), (grey, grey, grey)).save(tmp_path / name)
    return tmp_path


def grey_of(pixels: np.ndarray | None) -> float:
    assert pixels is not None
    return float(pixels.mean())


def test_a_folders_pictures_are_found_by_the_images_names(folder: Path) -> None:
    (folder / "000002.txt").write_text("no picture")
    seen = Photographs(folder, ["000000.jpg", "video/000001", "000002", "", "..", "../000000.jpg"])
    assert [grey_of(seen.of(0)), grey_of(seen.of(1))] == [pytest.approx(40, abs=2), 200]
    assert [seen.of(number) for number in (2, 3, 4)] == [None, None, None]
    assert seen.file_of("../000000.jpg") == folder / "000000.jpg", "a name leads into no other folder"


def test_one_picture_is_that_of_every_image(folder: Path) -> None:
    seen = Photographs(folder / "000001.png", ["a", "b"])
    assert grey_of(seen.of(0)) == grey_of(seen.of(1)) == 200


def test_a_picture_is_turned_as_its_exif_data_say(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=exif)
    turned = Photographs(tmp_path, ["a"]).of(0)
    assert turned is not None and turned.shape == (40, 30, 3)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("3.jpg", "5.jpg"), (3, 5)),
        (("film2_000000000007_keypoints", "film2_000000000008_keypoints"), (7, 8)),
        (("5", "5"), (0, 1)),
        (("9", "3"), (0, 1)),
        (("a", "2"), (0, 1)),
        ((), ()),
    ],
)
def test_a_films_frames_are_found_by_numbers_that_go_up_else_by_their_order(
    names: tuple[str, ...], numbers: tuple[int, ...]
) -> None:
    assert frame_numbers(names) == numbers


def test_a_films_frames_are_found_forwards_and_backwards(film: Path) -> None:
    seen = Photographs(film, ["000001", "000003", "000009"])
    for frame, grey in ((0, GREYS[1]), (1, GREYS[3]), (1, GREYS[3]), (0, GREYS[1])):
        assert grey_of(seen.of(frame)) == pytest.approx(grey, abs=6)
    assert seen.of(2) is None, "the film has no such frame"


def test_a_film_tells_its_size_and_rate(film: Path, tmp_path: Path) -> None:
    assert (Film(film).size, Film(film).frame_rate) == ((64, 48), 10)
    people = [{"image_id": "a.jpg", "category_id": 1, "score": 1, "keypoints": [*range(1, 52)]}]
    (tmp_path / "results.json").write_text(json.dumps(people))
    (frame,) = read(tmp_path / "results.json", Options(pictures=film))
    assert frame.image == (64, 48)


@pytest.mark.parametrize("name", ["broken.mp4", "broken.jpg", "gone", "gone.mp4"])
def test_what_is_neither_is_refused_in_words(name: str, tmp_path: Path) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_text("nothing of the kind")
    with pytest.raises(InputError, match=f"{name}: .*; expected ") as refused:
        Photographs(tmp_path / name, ["a"]).of(0)
    assert "\n" not in str(refused.value)


def test_what_seems_wrong_with_photographs_is_said(folder: Path, film: Path) -> None:
    def said(path: Path, *names: str, image: tuple[float, float] = (1280, 720)) -> list[str]:
        return [text.removeprefix(f"{path}: ") for text in doubts(Photographs(path, names), image)]

    assert said(folder, "000000", "000001") == said(folder / "000001.png", "a", "b") == said(folder) == []
    assert said(folder, "000000", "000002", "a") == ["holds no picture of 2 of the 3 images"]
    assert said(folder, "a") == ["holds no picture called a"]
    assert said(folder, "a", "b") == ["holds no picture called a, nor of any other of the 2 images"]
    assert said(folder, "000000", image=(720, 1280)) == [
        "is 1280 x 720 pixels where the images are 720 x 1280: people may lie beside it"
    ]
    assert said(film, "0", image=(640, 480)) == [] and len(said(film, "0", image=(480, 640))) == 1


def test_one_damaged_picture_of_many_is_left_out_and_told_of(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "000000.jpg").write_bytes((folder / "000000.jpg").read_bytes()[:300])
    (tmp_path / "000001.png").write_bytes((folder / "000001.png").read_bytes())
    seen = Photographs(tmp_path, ["000000", "000001"])
    assert [*embedded(seen)] == ["000001"]
    (doubt,) = doubts(seen, (1280, 720))
    assert re.fullmatch(r".*: 1 of its pictures cannot be drawn over: .*000000\.jpg: cannot be read .*", doubt)


def test_a_page_holds_small_copies(folder: Path, tmp_path: Path) -> None:
    write(example_scene(), tmp_path / "scene.html", folder)
    found = re.search(r'id="settings">(.*?)</script>', (tmp_path / "scene.html").read_text())
    assert found
    pictures = json.loads(found[1])["pictures"]
    assert {*pictures} == {"000000.jpg", "000001.jpg"}
    content = base64.b64decode(pictures["000001.jpg"].partition(",")[2])
    assert Image.open(io.BytesIO(content)).size == (1280, 720)


def test_a_page_of_a_long_video_holds_some_of_its_frames(tmp_path: Path) -> None:
    largest, width = PAGE_WIDTHS[-1]
    Image.new("RGB", (2 * width, 8)).save(tmp_path / "0.png")
    for number in range(1, 2 * largest + 1):
        (tmp_path / f"{number}.png").hardlink_to(tmp_path / "0.png")
    urls = embedded(Photographs(tmp_path, [str(number) for number in range(2 * largest + 1)]))
    assert largest / 2 < len(urls) <= largest and "0" in urls
    content = base64.b64decode(urls["0"].partition(",")[2])
    assert Image.open(io.BytesIO(content)).size[0] == width


def test_a_page_holds_the_one_picture_of_all_images_once(folder: Path) -> None:
    (url,) = embedded(Photographs(folder / "000001.png", ["a", "b", "c"])).values()
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (1280, 720)
    assert embedded(Photographs(folder / "000001.png", [])) == {}


def test_pictures_show_each_image_over_its_photograph_and_people_where_they_are_in_it(folder: Path) -> None:
    """The frames without a photograph have none, not the one before."""
    scene = example_scene()
    picture = Picture(scene, ".png", photographs=Photographs(folder, scene.names))
    axis = picture.figure.axes[0]
    frames = [*picture.play()]
    corner = [frame[80:90, 40:60].mean() for frame in frames]
    assert corner[0] == pytest.approx(40, abs=3) and corner[1] == pytest.approx(200, abs=1)
    assert corner[2] == corner[3] > 230
    assert axis.get_title("left") == "the scene over the photograph"
    x, y = scene.keypoints[0, 1, scene.skeleton.index("right_knee")]
    across, down = axis.transData.transform((x, -y))
    pixels = frames[0][frames[0].shape[0] - round(down), round(across)].astype(int)
    assert pixels[2] > pixels[0] + 15, "the second person's blue knee is where the detector saw it"


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_films_are_drawn_over_the_films_frames(suffix: str, film: Path, tmp_path: Path) -> None:
    scene = replace(example_scene(), image=(64.0, 48.0), focal=50.0, rate=10.0)
    (path,) = write(scene, tmp_path / f"scene{suffix}", film)
    if suffix == ".mp4":
        reader = imageio_ffmpeg.read_frames(str(path))
        size = next(reader)["size"]
        frames = [np.frombuffer(frame, np.uint8).reshape(size[1], size[0], 3) for frame in reader]
    else:
        with Image.open(path) as image:
            frames = []
            for number in range(4):
                image.seek(number)
                frames.append(np.asarray(image.convert("RGB")))
    rows, columns = (slice(round(0.12 * frames[0].shape[0]), None), slice(round(0.025 * frames[0].shape[1]), None))
    corner = [frame[rows, columns][:10, :10].mean() for frame in frames]
    assert corner == pytest.approx(list(GREYS), abs=12)
