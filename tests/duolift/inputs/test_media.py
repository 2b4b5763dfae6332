"""Pictures and films that a detector looks at: people where they are, frames at their time, and what is wrong."""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted_detector import Scripted, drawn, standing
from small_films import ffmpeg, steady, write_pictures

from duolift.errors import InputError
from duolift.inputs import Frame, Options, check_source, read, track
from duolift.inputs.detections import JOINTS
from duolift.inputs.media import frame_count, is_media, pictures_of
from duolift.inputs.sequences import SEQUENCES

SIZE = 320, 240
TWO = ((80, 40, 200), (220, 60, 210))
"""Two people: column, top and bottom row."""


def photograph(path: Path, people: Sequence[tuple[int, int, int]] = TWO, size: tuple[int, int] = SIZE) -> Path:
    Image.fromarray(drawn(size, people)).save(path)
    return path


def film(path: Path, count: int = 8, rate: float = 10, times: Sequence[float] | None = None) -> Path:
    """Two people, of whom one walks to the right."""
    pictures = [drawn(SIZE, [(60 + 3 * number, 40, 200), TWO[1]]) for number in range(count)]
    return write_pictures(path, pictures, times or steady(count, rate))


def looked_at(source: Path | list[Path], **options: object) -> list[Frame]:
    return [*read(source, Options(detector=Scripted(), **options))]  # type: ignore[arg-type]


def columns(frame: Frame) -> list[float]:
    """Of the people's pelvises."""
    return sorted(frame.keypoints[:, JOINTS.index("pelvis"), 0].tolist())


def test_people_of_a_photograph_are_where_they_are(tmp_path: Path) -> None:
    (frame,) = looked_at(photograph(tmp_path / "two.png"))
    assert (frame.name, frame.video, frame.image) == ("two.png", "", SIZE)
    assert columns(frame) == pytest.approx([80, 220], abs=1)
    ankles = sorted(frame.keypoints[:, JOINTS.index("left_ankle"), 1].tolist())
    assert ankles == pytest.approx([top + 0.97 * (bottom - top) for _, top, bottom in TWO], abs=2)


def test_a_photograph_is_looked_at_upright_with_its_lens(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    exif.get_ifd(0x8769)[0xA405] = 26  # mm on 35 mm film
    upright = drawn((240, 320), TWO[:1])
    Image.fromarray(np.rot90(upright)).save(tmp_path / "a.jpg", exif=exif, quality=95)
    (frame,) = looked_at(tmp_path / "a.jpg")
    assert frame.image == (240, 320) and columns(frame) == pytest.approx([80], abs=1)
    assert frame.focal == pytest.approx(26 * 400 / 43.27, rel=1e-3)


def test_frames_of_a_film_come_at_its_rate_in_order(tmp_path: Path) -> None:
    frames = looked_at(film(tmp_path / "walk.mp4", rate=12.5))
    assert [frame.name for frame in frames] == [f"walk_{number:06}" for number in range(8)]
    assert {(frame.video, frame.rate, frame.image) for frame in frames} == {("walk", 12.5, SIZE)}
    assert [columns(frame)[0] for frame in frames] == pytest.approx([60 + 3 * n for n in range(8)], abs=2)
    (detections,) = track(frames)
    assert detections.rate == 12.5 and detections.keypoints.shape[:2] == (8, 2)


def test_a_rate_that_varies_leaves_moments_without_a_picture(tmp_path: Path) -> None:
    """For a third of a second people are on their way; for longer nobody knows where they are."""
    times = [0, 0.1, 0.2, 0.5, 0.6, 0.7, 1.1, 1.2]
    frames = looked_at(film(tmp_path / "walk.mp4", times=times))
    assert [len(frame.keypoints) for frame in frames] == [2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 2, 2]
    assert frames[0].rate == pytest.approx(10, rel=1e-2)
    assert columns(frames[5])[0] == pytest.approx(60 + 3 * 3, abs=2), "the fourth picture is the sixth moment's"
    before, first, second, after = (columns(frames[number])[0] for number in (2, 3, 4, 5))
    assert [first, second] == pytest.approx([(2 * before + after) / 3, (before + 2 * after) / 3], abs=0.1)
    notes = [note for frame in frames for note in frame.notes]
    assert any("2 moments have no frame: people are on their way" in note for note in notes)
    assert any("3 frames of 13 are not in the file" in note for note in notes)


def test_a_turned_film_is_looked_at_upright(tmp_path: Path) -> None:
    lying = [np.rot90(drawn((240, 320), TWO[:1]), -1) for _ in range(3)]
    write_pictures(tmp_path / "lying.mp4", [np.ascontiguousarray(one) for one in lying], steady(3, 10))
    ffmpeg("-display_rotation", "90", "-i", str(tmp_path / "lying.mp4"), "-c", "copy", str(tmp_path / "a.mp4"))
    frames = looked_at(tmp_path / "a.mp4")
    assert [frame.image for frame in frames] == [(240, 320)] * 3
    assert columns(frames[0]) == pytest.approx([80], abs=2)


def test_a_film_is_looked_at_as_it_is_asked_for(tmp_path: Path) -> None:
    detector = Scripted()
    frames = read(film(tmp_path / "walk.mp4", count=50), Options(detector=detector))
    assert len([*islice(frames, 5)]) == 5
    assert len(detector.seen) <= SEQUENCES.look + 2, "what comes first is looked at together, and no more"


@pytest.mark.parametrize("as_list", [True, False], ids=["listed", "folder"])
def test_a_folders_photographs_stand_alone_and_its_numbered_frames_are_a_video(as_list: bool, tmp_path: Path) -> None:
    for name, column in (("beach.jpg", 50), ("party.png", 160), ("zoo.jpg", 270)):
        photograph(tmp_path / name, [(column, 30, 220)])
    for number in range(9, 13):
        photograph(tmp_path / f"walk_{number}.png", [(60 + 3 * number, 40, 200)])
    files = sorted(tmp_path.iterdir())
    frames = looked_at(files if as_list else tmp_path)
    assert [frame.name for frame in frames if not frame.video] == ["beach.jpg", "party.png", "zoo.jpg"]
    video = [frame for frame in frames if frame.video]
    assert [frame.name for frame in video] == [f"walk_{number}.png" for number in range(9, 13)]
    assert {frame.video for frame in video} == {"walk"}


def test_numbered_photographs_of_other_people_stand_alone_with_a_note(tmp_path: Path) -> None:
    for number, column in enumerate((40, 250, 120, 290)):
        photograph(tmp_path / f"IMG_{number:04}.png", [(column, 30 + 20 * number, 120 + 20 * number)])
    frames = looked_at(tmp_path)
    assert {frame.video for frame in frames} == {""} and "the option is --video" in frames[0].notes[0]
    assert {frame.video for frame in looked_at(tmp_path, video=True)} == {tmp_path.stem}


def test_films_and_photographs_of_a_folder_are_all_looked_at(tmp_path: Path) -> None:
    film(tmp_path / "walk.mp4")
    photograph(tmp_path / "two.png")
    (tmp_path / "two.png.json").write_text('{"title": "two.png", "geoData": {}}')  # what a photo service keeps
    (tmp_path / "notes.txt").write_text("seen at the beach")
    frames = looked_at(tmp_path)
    assert [frame.name for frame in frames if not frame.video] == ["two.png"]
    assert len([frame for frame in frames if frame.video == "walk"]) == 8


def test_detectors_files_come_before_pictures(tmp_path: Path) -> None:
    photograph(tmp_path / "two.png")
    (tmp_path / "two_keypoints.json").write_text('{"people": []}')
    detector = Scripted()
    (frame,) = read(tmp_path, Options(detector=detector))
    assert len(frame.keypoints) == 0 and detector.seen == []


def test_what_is_wrong_in_a_folder_is_skipped_and_noted(tmp_path: Path) -> None:
    for number in range(5):
        photograph(tmp_path / f"walk_{number}.png", [(60 + 3 * number, 40, 200)])
    (tmp_path / "walk_2.png").write_bytes((tmp_path / "walk_2.png").read_bytes()[:60])
    frames = looked_at(tmp_path)
    assert [len(frame.keypoints) for frame in frames] == [1, 1, 0, 1, 1]
    assert "1 file is skipped" in frames[-1].notes[-1] and "walk_2.png" in frames[-1].notes[-1]
    with pytest.raises(InputError, match=r"walk_2\.png: cannot be read as a picture"):
        looked_at(tmp_path, strict=True)


def test_a_film_that_is_cut_off_says_so(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mkv", count=60).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    frames = looked_at(tmp_path / "cut.mkv")
    assert 5 < len(frames) < 60
    assert any("cut" in note or "damaged" in note for note in frames[-1].notes)


def test_an_animated_gif_is_a_film_and_a_still_one_a_picture(tmp_path: Path) -> None:
    pictures = [Image.fromarray(drawn(SIZE, [(60 + 9 * number, 40, 200)])) for number in range(4)]
    pictures[0].save(tmp_path / "walk.gif", save_all=True, append_images=pictures[1:], duration=100)
    pictures[0].save(tmp_path / "still.gif")
    frames = looked_at(tmp_path / "walk.gif")
    assert [frame.video for frame in frames] == ["walk"] * 4 and frames[0].rate == pytest.approx(10, rel=0.01)
    assert [columns(frame)[0] for frame in frames] == pytest.approx([60, 69, 78, 87], abs=2)
    assert [frame.video for frame in looked_at(tmp_path / "still.gif")] == [""]


@pytest.mark.parametrize("mode", ["CMYK", "I;16", "P", "L"])
def test_pictures_of_any_mode_are_looked_at(mode: str, tmp_path: Path) -> None:
    pixels = drawn(SIZE, TWO)
    if mode == "I;16":
        Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "a.png")
    else:
        Image.fromarray(pixels).convert(mode).save(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"))
    (path,) = tmp_path.iterdir()
    (frame,) = looked_at(path)
    assert frame.image == SIZE and len(frame.keypoints) == (2 if mode in ("CMYK", "P") else 0), "grey has no people"


def test_a_suffix_that_is_wrong_does_not_matter(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4").rename(tmp_path / "a.jpg")
    photograph(tmp_path / "b.png").rename(tmp_path / "b.mp4")
    (tmp_path / "c.jpg").write_text('{"people": []}')
    assert len(looked_at(tmp_path / "a.jpg")) == 8 and len(looked_at(tmp_path / "b.mp4")) == 1
    with pytest.raises(InputError, match=r"c\.jpg: cannot be read as a picture"):
        looked_at(tmp_path / "c.jpg")


def test_nobody_in_a_picture_is_a_frame_without_people(tmp_path: Path) -> None:
    (frame,) = looked_at(photograph(tmp_path / "empty.png", []))
    assert frame.keypoints.shape == (0, len(JOINTS), 2)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.5", str(tmp_path / "a.wav"))
    with pytest.raises(InputError, match=r"a\.wav: holds sound alone; expected a film"):
        looked_at(tmp_path / "a.wav")


def test_without_a_detector_a_picture_is_refused_and_says_how(tmp_path: Path) -> None:
    photograph(tmp_path / "two.png")
    for source in (tmp_path / "two.png", tmp_path):
        check_source(source)
        with pytest.raises(InputError, match=re.escape("two.png: is a picture; expected keypoints, or a detector")):
            next(read(source))


@pytest.mark.parametrize("found", [np.zeros((1, 16, 3)), np.zeros((17, 3)), np.full((1, 17, 3), np.nan)])
def test_a_detector_that_gives_something_else_is_refused(found: np.ndarray, tmp_path: Path) -> None:
    class Odd(Scripted):
        def detect(self, picture: np.ndarray) -> np.ndarray:
            return found

    with pytest.raises(InputError, match=r"two\.png: detector scripted gave .*; expected .*\(person, 17, 3\)"):
        next(read(photograph(tmp_path / "two.png"), Options(detector=Odd())))


def test_what_is_counted_and_drawn_over(tmp_path: Path) -> None:
    walk, two = film(tmp_path / "walk.mp4", 3, times=[0, 0.1, 0.4]), photograph(tmp_path / "two.png")
    assert [frame_count(path) for path in (walk, two, tmp_path / "gone.mp4")] == [5, 1, 0]
    assert is_media(two) and not is_media(tmp_path)
    names = [frame.name for frame in looked_at(walk)]
    assert pictures_of([two, walk], names) == walk and pictures_of([walk, two], ["two.png"]) == two
    assert pictures_of([walk, two], ["three.png"]) is None and pictures_of([walk], []) is None
    assert standing().shape == (17, 2)
