"""Pictures, films and webcams that the command is given: scenes drawn over them, keypoints kept, and what is wrong."""

import gc
import json
import re
import weakref
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scripted_detector import Scripted, drawn
from small_films import steady, write_pictures

from duolift import cli
from duolift.detectors.registry import DETECTORS, DetectorKind
from duolift.errors import InputError
from duolift.files.films import Film
from duolift.files.webcams import open_webcam, record_webcam
from duolift.inputs import Options
from duolift.looking import given, together
from duolift.outputs import read
from duolift.predictor import Lifter

SIZE, COUNT = (320, 240), 8

Command = Callable[..., int]


@pytest.fixture
def detectors() -> list[Scripted]:
    """Those that have been loaded."""
    return []


@pytest.fixture
def lift(lifter: Lifter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detectors: list[Scripted]) -> Command:
    """`duolift lift` with an untrained lifter and a scripted detector, in a folder with a film and photographs."""

    def load() -> Scripted:
        detectors.append(Scripted())
        return detectors[-1]

    monkeypatch.setitem(DETECTORS, "scripted", DetectorKind("bars", "coco17", (), load))
    monkeypatch.chdir(tmp_path)
    lifter.save(tmp_path / "own.safetensors")
    pictures = [drawn(SIZE, [(60 + 3 * number, 40, 200), (220, 60, 210)]) for number in range(COUNT)]
    write_pictures(tmp_path / "walk.mp4", pictures, steady(COUNT, 12.5))
    for name, column in (("beach.png", 60), ("zoo.png", 250)):
        Image.fromarray(drawn(SIZE, [(column, 30, 220)])).save(tmp_path / name)
    given = "--checkpoint", "own.safetensors", "--detector", "scripted"
    return lambda *arguments: cli.main(["lift", *arguments, *given])


def photographs_in(page: str) -> int:
    return len(re.findall(r"data:image/jpeg;base64,", Path(page).read_text()))


def test_a_film_becomes_a_scene_that_is_drawn_over_it(lift: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert lift("walk.mp4", "-o", "scene.json", "-o", "scene.html") == 0
    out, err = capsys.readouterr()
    assert out.split() == ["scene.json", "scene.html"] and "rate is not known" not in err
    scene = read("scene.json")
    assert scene.rate == 12.5 and scene.image == SIZE and scene.people.shape[:2] == (COUNT, 2)
    assert scene.names[-1] == f"walk_{COUNT - 1:06}" and photographs_in("scene.html") == COUNT


def test_photographs_become_a_scene_each(lift: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert lift("beach.png", "zoo.png", "-o", "out.json", "-o", "out.html") == 0
    written = ["out-beach.json", "out-beach.html", "out-zoo.json", "out-zoo.html"]
    assert capsys.readouterr().out.split() == written
    assert photographs_in("out-beach.html") == photographs_in("out-zoo.html") == 1
    beach, zoo = (np.nanmean(read(f"out-{name}.json").keypoints[..., 0]) for name in ("beach", "zoo"))
    assert beach < 100 < zoo


def test_films_of_one_name_are_drawn_over_each_by_itself(lift: Command, tmp_path: Path) -> None:
    pictures = [drawn(SIZE, [(200, 40, 200)]) for _ in range(COUNT)]
    (tmp_path / "other").mkdir()
    write_pictures(tmp_path / "other" / "walk.mp4", pictures, steady(COUNT, 12.5))
    assert lift("walk.mp4", "other/walk.mp4", "-o", "out.html", "-q") == 0
    urls = [
        set(re.findall(r"data:image/jpeg;base64,[^\"]*", Path(f"out-walk{end}.html").read_text())) for end in ("", "-2")
    ]
    assert all(urls) and not urls[0] & urls[1]


def test_a_broken_picture_of_a_sequence_is_one_frame_without_anybody(
    lift: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    for number in range(COUNT):
        Image.fromarray(drawn(SIZE, [(100 + number, 30, 220)])).save(tmp_path / "run" / f"{number:03}.jpg")
    broken = tmp_path / "run" / "003.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    assert lift("run", "--video", "-o", "scene.html") == 0
    notes = capsys.readouterr().err
    assert (
        "1 file is skipped: run/003.jpg: cannot be read" in notes and "1 of its pictures cannot be drawn over" in notes
    )
    assert len(read("scene.html").names) == COUNT and photographs_in("scene.html") == COUNT - 1


def test_of_an_animation_that_is_no_gif_the_first_picture_is_looked_at_with_a_note(
    lift: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = (Image.fromarray(drawn(SIZE, [(60 + number, 40, 200)])) for number in range(3))
    first.save("walk.webp", save_all=True, append_images=others)
    assert lift("walk.webp", "-o", "scene.json") == 0
    assert "walk.webp: holds 3 pictures, of which the first is looked at" in capsys.readouterr().err


def test_a_detector_is_let_go_once_everything_has_been_looked_at(lift: Command, detectors: list[Scripted]) -> None:
    with given(["beach.png", "walk.mp4"], Options(), "scripted") as found:
        (loaded,) = map(weakref.ref, detectors)
        detectors.clear()
        for source, count, is_held in zip(found.sources, (1, COUNT), (True, False), strict=True):
            assert len([*found.frames(source)]) == count
            gc.collect()
            assert (loaded() is not None) is is_held


def test_other_pictures_may_be_drawn_over(lift: Command) -> None:
    assert lift("beach.png", "-o", "a.html", "--pictures", "zoo.png", "-q") == 0
    assert lift("beach.png", "-o", "b.html", "-q") == 0
    assert Path("a.html").read_text() != Path("b.html").read_text()


def test_keypoints_are_kept_and_nothing_is_looked_for_twice(
    lift: Command, detectors: list[Scripted], capsys: pytest.CaptureFixture[str]
) -> None:
    assert lift("walk.mp4", "beach.png", "-o", "a.json", "--keypoints", "found.json") == 0
    assert capsys.readouterr().out.split() == ["a-walk.json", "a-beach.json", "found.json"]
    assert len(detectors[0].seen) == COUNT + 1
    assert lift("walk.mp4", "beach.png", "-o", "b.json", "-o", "b.html", "--keypoints", "found.json") == 0
    assert len(detectors) == 1, "no detector was needed"
    assert cli.main(["lift", "found.json", "-o", "c.json", "--checkpoint", "own.safetensors"]) == 0
    for name in ("walk", "beach"):
        scenes = [Path(f"{letter}-{name}.json").read_bytes() for letter in "abc"]
        assert scenes[0] == scenes[1] == scenes[2], "by the same bytes"
    assert photographs_in("b-walk.html") == COUNT


def test_every_so_manyth_frame_is_looked_at_and_the_rate_is_told_so(
    lift: Command, detectors: list[Scripted], capsys: pytest.CaptureFixture[str]
) -> None:
    assert lift("walk.mp4", "-o", "a.json", "-o", "a.html", "--every", "3", "--keypoints", "found.json") == 0
    scene = read("a.json")
    assert scene.names == ("walk_000000", "walk_000003", "walk_000006") and len(detectors[0].seen) == 3
    assert scene.rate == pytest.approx(12.5 / 3) and photographs_in("a.html") == 3
    assert lift("walk.mp4", "-o", "b.json", "--every", "3", "--keypoints", "found.json") == 0
    assert cli.main(["lift", "found.json", "-o", "c.json", "--checkpoint", "own.safetensors"]) == 0
    assert len(detectors) == 1 and len({Path(f"{letter}.json").read_bytes() for letter in "abc"}) == 1
    capsys.readouterr()
    assert lift("walk.mp4", "-o", "b.json", "--keypoints", "found.json") == 2, "it holds a third of the frames"
    assert "found.json: is there already" in capsys.readouterr().err


def test_of_a_film_not_all_frames_are_looked_at_and_all_are_lifted(lift: Command, detectors: list[Scripted]) -> None:
    pictures = [drawn(SIZE, [(60 + 2 * number, 40, 200), (220, 60, 210)]) for number in range(25)]
    write_pictures(Path("run.mp4"), pictures, steady(25, 50))
    assert lift("run.mp4", "-o", "a.json", "--keypoints", "found.json", "-q") == 0
    assert lift("run.mp4", "-o", "b.json", "--every", "1", "-q") == 0
    assert [len(one.seen) for one in detectors] == [10, 25]
    some, all_ = read("a.json"), read("b.json")
    assert some.names == all_.names and some.rate == all_.rate == 50
    assert np.nanmax(np.abs(some.keypoints - all_.keypoints)) < 1.5, "pixels"
    assert cli.main(["lift", "found.json", "-o", "c.json", "--checkpoint", "own.safetensors", "-q"]) == 0
    assert Path("a.json").read_bytes() == Path("c.json").read_bytes()


def test_an_interrupted_command_goes_on(
    lift: Command, detectors: list[Scripted], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(DETECTORS, "scripted", DetectorKind("", "coco17", (), lambda: Scripted(interrupted_at=5)))
    assert lift("walk.mp4", "-o", "a.json", "--keypoints", "found.json") == 130
    assert not Path("a.json").exists() and not Path("found.json").exists()
    second = Scripted()
    monkeypatch.setitem(DETECTORS, "scripted", DetectorKind("", "coco17", (), lambda: second))
    assert lift("walk.mp4", "-o", "a.json", "--keypoints", "found.json") == 0
    assert len(second.seen) == COUNT - 5 and json.loads(Path("found.json").read_text())["annotations"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("keys.json", "-o", "a.json"), "--detector scripted: no input is a picture or a film"),
        (("gone.jpg", "-o", "a.json"), "gone.jpg: cannot be read (No such file or directory)"),
        (("text.jpg", "-o", "a.json"), "text.jpg: cannot be read as a picture"),
        (("text.mp4", "-o", "a.json"), "text.mp4: cannot be read as a film"),
        (("walk.mp4", "-o", "walk.mp4"), "walk.mp4: is read as well, and would be overwritten"),
        (("walk.mp4", "-o", "a.json", "--keypoints", "keys.json"), "keys.json: is there already"),
        (("webcam:7", "-o", "a.json"), "webcam:7: there is no camera"),
        (("beach.png", "-o", "a.json", "--every", "2"), "--every 2: no input is a film"),
        (("walk.mp4", "-o", "a.json", "--every", "0"), "every is 0; expected a whole number of frames"),
    ],
)
def test_what_cannot_be_lifted_is_one_line(
    arguments: tuple[str, ...], message: str, lift: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("keys.json").write_text('{"people": []}')
    for name in ("text.jpg", "text.mp4"):
        Path(name).write_text("nothing of the kind")
    assert lift(*arguments) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and lines[0].startswith(f"error: {message}")
    assert not Path("a.json").exists() and Path("walk.mp4").stat().st_size > 1000


def test_an_unknown_detector_names_those_there_are(lift: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lift", "beach.png", "-o", "a.json", "--detector", "scriptd"]) == 2
    assert "did you mean scripted?" in capsys.readouterr().err


def test_nobody_in_a_photograph_is_an_empty_scene(lift: Command, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", SIZE).save("empty.png")
    assert lift("empty.png", "-o", "a.json", "-o", "a.html") == 0
    assert "note: nobody was found" in capsys.readouterr().err and read("a.json").people.shape[1] == 0


def test_pictures_of_a_folder_are_given_together() -> None:
    assert together(["a.png", "b.mp4", "c.json", "d.png", "e.png", "x/f.png"]) == [
        "a.png",
        "b.mp4",
        "c.json",
        [Path("d.png"), Path("e.png")],
        "x/f.png",
    ]


def test_python_lifts_a_photograph_and_a_film(lift: Command, lifter: Lifter) -> None:
    options = Options(detector=Scripted())
    assert lifter.lift_file("beach.png", options=options).names == ("beach.png",)
    assert lifter.lift_file("walk.mp4", options=options).people.shape[:2] == (COUNT, 2)


# Webcams --------------------------------------------------------------------------------------------------------------


def pretended(seconds: int, size: str = "64x48") -> Callable[[int], "av.container.InputContainer"]:
    """A webcam that gives so many seconds of pictures."""
    return lambda number: av.open(f"testsrc=size={size}:rate=20:duration={seconds}", format="lavfi")


def test_a_webcam_is_recorded_at_its_times(tmp_path: Path) -> None:
    assert record_webcam(0, tmp_path / "a.mkv", opened=pretended(2)) == 40
    film = Film(tmp_path / "a.mkv")
    assert film.frame_rate == pytest.approx(20) and film.numbers == [*range(40)] and film.size == (64, 48)


def test_a_webcam_is_recorded_until_the_longest_time(tmp_path: Path) -> None:
    assert record_webcam(0, tmp_path / "a.mkv", longest=1.0, opened=pretended(3)) == 21


def test_a_webcam_is_recorded_until_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(number: int) -> object:
        class Camera:
            def __init__(self) -> None:
                self.inside = pretended(3)(number)

            def __enter__(self) -> "Camera":
                return self

            def __exit__(self, *_: object) -> None:
                self.inside.close()

            def decode(self, video: int) -> object:
                for count, frame in enumerate(self.inside.decode(video=video)):
                    if count == 30:
                        raise KeyboardInterrupt
                    yield frame

        return Camera()

    assert record_webcam(0, tmp_path / "a.mkv", opened=interrupted) == 30  # type: ignore[arg-type]
    assert len([*Film(tmp_path / "a.mkv").frames()]) == 30


def test_a_webcam_that_gives_nothing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"webcam:3: no picture was recorded"):
        record_webcam(3, tmp_path / "a.mkv", longest=-1, opened=pretended(1))
    with pytest.raises(InputError, match=r"webcam:99: (there is no camera|cannot be used)"):
        open_webcam(99)


def test_the_command_lifts_what_a_webcam_sees(
    lift: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def recorded(number: int, path: Path) -> int:
        return write_pictures(path, [drawn(SIZE, [(90, 40, 200)])] * 6, steady(6, 10), "mpeg4").stat().st_size

    monkeypatch.setattr("duolift.looking.record_webcam", recorded)
    assert lift("webcam:0", "-o", "a.json", "-o", "a.html") == 0
    assert "webcam:0: recording, until interrupted (Ctrl-C)" in capsys.readouterr().err
    assert read("a.json").names[0] == "webcam-0_000000" and photographs_in("a.html") == 6
