"""Real files, and what each must give; they are not ours to pass on, so this is skipped where they are not."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED

from duolift.camera import Camera
from duolift.errors import InputError
from duolift.inputs import Options, format_named, read, track
from duolift.placement.stature import Statures
from duolift.predictor import Lifter

CASES = SHARED / "data" / "cases"
ANOTHER_ORDER = "be in another order than the format's"

FRAMES = {
    "gap.json": [2] * 10 + [0] * 10 + [2] * 10,
    "lexicographic.json": [2] * 30,
    "starts-at-3.json": [2] * 5,
    "results-track-id.json": [2] * 8,
    "pose2sim-names": [2] * 4,
    "low-score.json": [2] * 3,
}
"""Files of a video each -> how many people are in each frame."""

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="the files are not here")


def doubted(name: str, joints: str | None = None) -> list[bool]:
    """Whether the order of joints is doubted, of every image or video of a file."""
    frames = read(CASES / name, Options(joints=joints))
    return [any(ANOTHER_ORDER in note for note in scene.notes) for _, scene in Lifter.load().lift_frames(frames)]


@pytest.mark.parametrize(("name", "joints"), [("h36m-order.json", "h36m"), ("body25b", "body25b")])
def test_joints_in_another_order_are_doubted_until_it_is_named(name: str, joints: str) -> None:
    assert all(doubted(name)) and not any(doubted(name, joints))
    for _, scene in Lifter.load().lift_frames(read(CASES / name)):
        assert any(f"(--joints {format_named(joints).name})" in note for note in scene.notes)
    for _, scene in Lifter.load().lift_frames(read(CASES / name, Options(joints=joints))):
        head, pelvis = (scene.world()[..., scene.skeleton.index(joint), 1] for joint in ("head_top", "pelvis"))
        assert (head > pelvis + 0.4)[scene.valid].all()


@pytest.mark.parametrize("name", FRAMES)
def test_a_video_has_its_frames_in_the_order_of_time_with_whoever_is_in_them(name: str) -> None:
    ((_, scene),) = Lifter.load().lift_frames(read(CASES / name))
    assert scene.valid.sum(1).tolist() == FRAMES[name] and scene.rate == 30
    numbers = [int(re.findall(r"\d+", image)[-1]) for image in scene.names]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("gap.json", "10 frames of 30 are not in the file, the first 10.jpg: nobody is in them"),
        ("lexicographic.json", "the file's images are not in the order of their numbers: they were put in it"),
        ("low-score.json", "the scores of 6 poses are as low as 0.25, below the threshold of 0.3 (--threshold)"),
    ],
)
def test_what_was_put_in_order_filled_in_or_doubtful_is_told(name: str, note: str) -> None:
    assert any(one.startswith(note) for found in track(read(CASES / name)) for one in found.notes)


def test_nobody_is_told_with_the_threshold_that_lets_them_in() -> None:
    ((_, scene),) = Lifter.load().lift_frames(read(CASES / "low-score.json", Options(threshold=0.99)))
    assert not scene.valid.any() and scene.image != (1.0, 1.0)
    assert [note for note in scene.notes if "nobody" in note] == [
        "nobody was found: 6 poses are left out, of which too few joints reach the threshold of 0.99 "
        "(--threshold 0.93 takes the surest in)"
    ]


def test_numbers_that_a_file_swaps_are_not_believed_on_request() -> None:
    known = Camera(image=(1920, 1080), rate=30, smooth=False)
    steps = {}
    for who in ("file", "anew"):
        ((_, scene),) = Lifter.load().lift_frames(read(CASES / "id-swap.json", Options(track=who)), known)
        pelvis = scene.world()[:, :, scene.skeleton.root_index]
        steps[who] = float(np.linalg.norm(np.diff(pelvis, axis=0), axis=-1).max())  # metres a frame
    assert steps["file"] > 0.5 > 0.15 > steps["anew"], steps


def test_ghosts_are_left_out_of_a_long_video_and_people_are_chosen(tmp_path: Path) -> None:
    """A real video, four times over; a double of somebody, and somebody in two frames."""
    entries = json.loads((CASES / "id-swap.json").read_text())
    first = {entry["image_id"] for entry in entries}
    film = [
        {**e, "image_id": f"{int(e['image_id'][:-4]) - 20 + len(first) * i}.jpg"} for i in range(4) for e in entries
    ]
    double = [{**e, "idx": 9, "keypoints": [value + 1 for value in e["keypoints"]]} for e in film if e["idx"] == 1]
    passing = [{**e, "idx": 7, "keypoints": [value / 2 + 400 for value in e["keypoints"]]} for e in double[40:42]]
    path = tmp_path / "film.json"
    path.write_text(json.dumps(film + double + passing))
    scene = Lifter.load().lift_file(path)
    assert scene.identities == (1, 2)
    notes = " ".join(scene.notes)
    assert "person 9 is person 1 once more, and is left out" in notes and "person 7 is in 2 frames of" in notes
    assert Lifter.load().lift_file(path, people=[2, 9]).identities == (2, 9)
    with pytest.raises(InputError, match=r"people: 5 is not in film; expected some of 1, 2, 9, 7"):
        Lifter.load().lift_file(path, people=[1, 5])
    with pytest.raises(InputError, match=r"people is \[\]; expected numbers of people, such as \[1, 2\]"):
        Lifter.load().lift_file(path, people=[])


def test_133_joints_beside_a_category_that_names_17() -> None:
    (frame,) = read(CASES / "wholebody-17-names.json")
    (named,) = read(CASES / "wholebody-17-names.json", Options(joints="wholebody133"))
    assert np.array_equal(frame.keypoints, named.keypoints) and (frame.confidence > 0).sum() > 20


def test_a_video_of_unknown_rate_plays_at_30_frames_a_second(tmp_path: Path) -> None:
    ((_, scene),) = Lifter.load().lift_frames(read(CASES / "rate.json"))
    file = scene.save(tmp_path / "scene.bvh")[0]
    assert "Frame Time: 0.03333333" in file.read_text()
    assert any("30 frames a second are assumed" in note for note in scene.notes)


@pytest.mark.parametrize("name", ["lone-jump.json", "hover-coco-196141.json", "gap.json", "id-swap.json"])
def test_joints_in_the_order_of_their_format_are_not(name: str) -> None:
    assert not any(doubted(name))


def test_whoever_jumps_is_in_the_air_as_large_and_as_far_away() -> None:
    scene = Lifter.load().lift_file(CASES / "lone-jump.json", Camera(image=(1920, 1080), rate=30))
    lowest, depth = scene.world()[:, 0, :, 1].min(-1), scene.people[:, 0, scene.skeleton.root_index, 2]
    on_the_ground, top = np.r_[:19, 43 : len(lowest)], np.r_[28:33]
    assert np.abs(lowest[on_the_ground]).max() < 0.05 and np.abs(lowest[top] - 0.40).max() < 0.05
    assert np.abs(depth[top].mean() - depth[on_the_ground].mean()) < 0.05
    children, parents = (list(ends) for ends in scene.skeleton.bone_ends)
    bones = np.linalg.norm(scene.people[:, 0, children] - scene.people[:, 0, parents], axis=-1)
    assert (bones.std(0) / bones.mean(0)).max() < 0.01


def test_four_people_of_one_photograph_stand_on_one_ground() -> None:
    ((_, scene),) = Lifter.load().lift_frames(read(CASES / "hover-coco-196141.json"))
    assert np.abs(scene.world()[..., 1].min(-1)).max() < 0.1
    tilt = np.degrees(np.arcsin(scene.up[0, 2]))
    assert abs(tilt + 10) < 2.5 and 0.5 < scene.tilt_deviation[0] < 5


def test_a_height_that_is_told_makes_metres_of_metres() -> None:
    untold, told = (
        Lifter.load().lift_file(
            CASES / "lone-jump.json", Camera(image=(1920, 1080), rate=30, focal=2200), stature=stature
        )
        for stature in (Statures(), Statures(own={2: 1.87}))
    )
    np.testing.assert_allclose(told.people, untold.people * 1.1, rtol=0.01, atol=0.01)
    assert np.nanmedian(told.distance_deviation / untold.distance_deviation) < 0.7


def test_a_tilt_that_is_told_is_taken() -> None:
    scene = Lifter.load().lift_file(CASES / "lone-jump.json", Camera(image=(1920, 1080), rate=30, tilt=12))
    np.testing.assert_allclose(np.degrees(np.arcsin(scene.up[:, 2])), -12, atol=1e-3)
    assert np.isnan(scene.tilt_deviation).all()
