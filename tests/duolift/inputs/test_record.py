"""What a detector has found is kept: the same frames come back, and nothing is looked for twice."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted_detector import Scripted, drawn
from small_films import steady, write_pictures

from duolift.errors import InputError
from duolift.inputs import FORMATS, Frame, Options, read
from duolift.inputs.record import FoundFrame, Record
from duolift.inputs.sources import files_of

SIZE, COUNT = (320, 240), 12


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A folder with a film of two people, of variable rate, two photographs of which one has a lens, and frames."""
    folder = tmp_path / "media"
    folder.mkdir()
    pictures = [drawn(SIZE, [(60 + 3 * number, 40, 200), (220, 60, 210)]) for number in range(COUNT)]
    times = [time + 0.2 * (number > 6) for number, time in enumerate(steady(COUNT, 10))]
    write_pictures(folder / "walk.mp4", pictures, times)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 28
    Image.fromarray(drawn(SIZE, [(150, 30, 220)])).save(folder / "beach.jpg", exif=exif)
    Image.fromarray(drawn(SIZE, [])).save(folder / "empty.png")
    for number in range(8, 12):
        Image.fromarray(drawn(SIZE, [(100 + number, 30, 220)])).save(folder / f"run_{number}.png")
    return folder


def kept(folder: Path, detector: Scripted, path: Path) -> list[Frame]:
    """The frames of a folder; what is found is kept in a file."""
    with Record(path, files_of(folder), detector.name, detector.joints) as record:
        frames = []
        for frame in read(folder, Options(detector=detector, record=record)):
            record.place(frame.name, frame.video)
            frames.append(frame)
        record.finish()
    return frames


def same(one: Frame, other: Frame) -> bool:
    fields, others = asdict(one), asdict(other)
    del fields["notes"], others["notes"]
    return all(np.array_equal(fields[name], others[name]) for name in fields if name != "detected") and all(
        np.array_equal(fields["detected"][name], others["detected"][name]) for name in fields["detected"]
    )


def test_the_file_holds_the_same_frames(media: Path, tmp_path: Path) -> None:
    frames = kept(media, Scripted(), tmp_path / "keypoints.json")
    again = [*read(tmp_path / "keypoints.json")]
    assert [(frame.name, frame.video) for frame in again] == [(frame.name, frame.video) for frame in frames]
    assert all(map(same, frames, again))
    assert (
        sum(frame.video == "walk" for frame in again) == COUNT + 2 and not (tmp_path / "keypoints.json.part").exists()
    )


def test_the_file_is_cocos(media: Path, tmp_path: Path) -> None:
    kept(media, Scripted(), tmp_path / "keypoints.json")
    held = json.loads((tmp_path / "keypoints.json").read_text())
    assert {*held} == {"info", "licenses", "categories", "images", "annotations"}
    assert held["categories"][0]["keypoints"] == [*FORMATS["coco17"].joints]
    sizes = {image["id"]: (image["width"], image["height"]) for image in held["images"]}
    assert len(sizes) == COUNT + 2 + 6
    for number, person in enumerate(held["annotations"], 1):
        width, height = sizes[person["image_id"]]
        x, y, w, h = person["bbox"]
        assert person["id"] == number and len(person["keypoints"]) == 51 and person["num_keypoints"] == 17
        assert (
            x >= 0 and x + w <= width and y >= 0 and y + h <= height and person["area"] == pytest.approx(w * h, abs=1)
        )


@pytest.mark.parametrize("joints", FORMATS)
def test_joints_of_every_format_come_back(joints: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"pixels")
    people = np.random.default_rng(0).uniform(10, 200, (3, len(FORMATS[joints]), 3))
    people[..., 2] = np.linspace(0.3, 1, people[..., 2].size).reshape(people.shape[:2])
    people[:, 1, 2] = 0
    with Record(tmp_path / "keypoints.json", [tmp_path / "a.png"], "any", joints) as record:
        record.add(tmp_path / "a.png", FoundFrame("a.png", "", 0, (640.0, 480.0), 500.0, None, people))
        known = record.known(tmp_path / "a.png", 0)
        record.finish()
    assert known is not None and np.abs(known.people - people).max() < 0.006
    (frame,) = read(tmp_path / "keypoints.json")
    assert frame.detected is not None and frame.detected.joints == joints and frame.focal == 500
    seen = known.people[..., 2] > 0
    assert np.array_equal(frame.detected.keypoints[seen], known.people[seen][:, :2])
    assert np.array_equal(frame.detected.confidence, known.people[..., 2]), "the surest included, which are no flags"


@pytest.mark.parametrize("at", [0, 1, 5, 7, 8, COUNT, COUNT + 4])
def test_an_interrupted_command_goes_on_where_it_was(at: int, media: Path, tmp_path: Path) -> None:
    whole = kept(media, Scripted(), tmp_path / "whole.json")
    first, second = Scripted(interrupted_at=at), Scripted()
    with pytest.raises(KeyboardInterrupt):
        kept(media, first, tmp_path / "keypoints.json")
    assert not (tmp_path / "keypoints.json").exists()
    frames = kept(media, second, tmp_path / "keypoints.json")
    assert len(second.seen) == COUNT + 6 - at, "nothing is looked at twice"
    assert all(map(same, whole, frames)) and len(whole) == len(frames)
    assert (tmp_path / "keypoints.json").read_text() == (tmp_path / "whole.json").read_text()


def test_a_line_that_was_cut_off_is_looked_for_again(media: Path, tmp_path: Path) -> None:
    whole = kept(media, Scripted(), tmp_path / "whole.json")
    with pytest.raises(KeyboardInterrupt):
        kept(media, Scripted(interrupted_at=9), tmp_path / "keypoints.json")
    part = tmp_path / "keypoints.json.part"
    lines = part.read_bytes()
    for cut in (lines[:-30], lines + b'{"source": "walk.m', lines[:40], b""):
        part.write_bytes(cut)
        assert all(map(same, whole, kept(media, Scripted(), tmp_path / "keypoints.json")))
        (tmp_path / "keypoints.json").unlink()


def test_a_finished_file_is_complete_for_the_same_pictures_alone(media: Path, tmp_path: Path) -> None:
    path = tmp_path / "keypoints.json"
    kept(media, Scripted(), path)
    files = files_of(media)
    assert Record(path, files, "scripted", "coco17").is_complete
    for others, detector in ((files[:-1], "scripted"), (files, "another")):
        with pytest.raises(InputError, match=r"keypoints\.json: is there already, and does not hold"):
            Record(path, others, detector, "coco17")
    (media / "beach.jpg").write_bytes((media / "beach.jpg").read_bytes() + b"edited")
    with pytest.raises(InputError, match="is there already"):
        Record(path, files_of(media), "scripted", "coco17")


def test_any_other_file_is_left_as_it_is(media: Path, tmp_path: Path) -> None:
    for text in ("", "mine", '{"info": {"duolift": 1}}', '{"images": []}'):
        (tmp_path / "mine.json").write_text(text)
        with pytest.raises(InputError, match=r"mine\.json: is there already"):
            Record(tmp_path / "mine.json", files_of(media), "scripted", "coco17")
        assert (tmp_path / "mine.json").read_text() == text


def test_lines_of_other_pictures_are_refused(media: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        kept(media, Scripted(interrupted_at=3), tmp_path / "keypoints.json")
    (media / "empty.png").unlink()
    with pytest.raises(InputError, match=r"keypoints\.json\.part: an interrupted run has left there"):
        kept(media, Scripted(), tmp_path / "keypoints.json")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.jpg").write_bytes(b"pixels")
    with pytest.raises(InputError, match=r"1\.jpg: another input is called 1\.jpg as well"):
        Record(tmp_path / "k.json", [tmp_path / "a" / "1.jpg", tmp_path / "b" / "1.jpg"], "any", "coco17")
    for name in ("walk.mp4", "walk.mov"):
        write_pictures(tmp_path / name, [drawn(SIZE, [])] * 2, steady(2, 10))
    with pytest.raises(InputError, match=r"walk\.mov: another input is called walk as well"):  # so are their frames
        Record(tmp_path / "k.json", [tmp_path / "walk.mp4", tmp_path / "walk.mov"], "any", "coco17")
