"""Detector files: every layout is recognised and read, real ones and such as the tests write; what is wrong is said."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SHARED
from PIL import Image

from callbacks.figures import STANDING
from duolift.errors import InputError
from duolift.inputs import FILE_FORMATS, Options, read
from duolift.inputs.detections import JOINTS, Frame
from duolift.inputs.keypoints import FORMATS, HANDS, KeypointFormat
from duolift.inputs.pictures import EXIF, FOCAL_35

DATA = SHARED / "data" / "detections"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the files of detectors are not at hand")

PLACES = ((300.0, 200.0), (420.0, 210.0))
"""Where the pelvises of two people are."""


def pose(layout: KeypointFormat, person: int = 0) -> np.ndarray:
    """(joint, 3): somebody who stands there; confidence 0 where the figure lacks a joint."""
    known = [
        (*np.add(STANDING.get(joint, (0, 0)), PLACES[person]), 0.9 * (joint in STANDING)) for joint in layout.joints
    ]
    return np.array(known)


def flat(layout: KeypointFormat, person: int = 0) -> list[float]:
    return pose(layout, person).ravel().tolist()


def people(layout: KeypointFormat) -> list[list[float]]:
    return [flat(layout, person) for person in range(len(PLACES))]


def openpose(layout: KeypointFormat) -> Any:
    return {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": one} for one in people(layout)]}


def alphapose(layout: KeypointFormat, key: str = "bodies", joints: str = "joints") -> Any:
    return {"1.jpg": {"version": "AlphaPose v0.3", key: [{joints: one} for one in people(layout)]}}


def annotations(layout: KeypointFormat, names: bool = False, **more: Any) -> Any:
    entries = [
        {"id": i, "image_id": 7, "category_id": 1, "iscrowd": 0, "keypoints": one, **more}
        for i, one in enumerate(people(layout))
    ]
    joints = ["head" if joint == "head_top" else joint for joint in layout.joints] if names else []
    return {
        "info": {},
        "categories": [{"id": 1, "name": "person", "keypoints": joints}],
        "images": [{"id": 7, "file_name": "seven.jpg", "width": 640, "height": 480}],
        "annotations": entries,
    }


def results(layout: KeypointFormat, image: int | str = 7) -> Any:
    return [{"image_id": image, "category_id": 1, "keypoints": one, "score": 2.5} for one in people(layout)]


def mmpose(layout: KeypointFormat) -> Any:
    return [
        {
            "keypoints": pose(layout, person)[:, :2].tolist(),
            "keypoint_scores": pose(layout, person)[:, 2].tolist(),
            "bbox": [[0.0, 0.0, 9.0, 9.0]],
            "bbox_score": 0.8,
        }
        for person in range(len(PLACES))
    ]


def mmpose_saved(layout: KeypointFormat) -> Any:
    names = {str(i): joint for i, joint in enumerate(layout.joints)}
    return {"meta_info": {"keypoint_id2name": names}, "instance_info": [{"frame_id": 0, "instances": mmpose(layout)}]}


def wholebody(layout: KeypointFormat) -> Any:
    """COCO-WholeBody's annotations have feet and hands under keys of their own."""
    body = FORMATS["coco17"]
    parts = {"foot_kpts": layout.joints[17:23], "lefthand_kpts": HANDS["left"], "righthand_kpts": HANDS["right"]}
    content = annotations(body)
    for person, entry in enumerate(content["annotations"]):
        entry |= {key: flat(KeypointFormat(key, key, names), person) for key, names in parts.items()}
        entry |= {"face_kpts": [0.0] * (3 * 68)}
    return content


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def only(path: Path, **options: Any) -> Frame:
    (frame,) = read(path, Options(**options))
    return frame


LAYOUTS: list[tuple[str, Callable[[KeypointFormat], Any], str]] = [
    *(("openpose", openpose, name) for name in ("body25", "coco18", "mpi15", "halpe26")),
    *(("alphapose", alphapose, name) for name in ("coco18", "mpi15")),
    ("alphapose open", lambda layout: alphapose(layout, "people", "pose_keypoints_2d"), "coco18"),
    *(
        ("coco", annotations, name)
        for name in ("coco17", "crowdpose14", "halpe26", "halpe136", "wholebody133", "mpii16")
    ),
    *(
        ("coco with names", lambda layout: annotations(layout, names=True), name)
        for name in ("posetrack17", "crowdpose14")
    ),
    ("coco-wholebody", wholebody, "wholebody133"),
    *(("results", results, name) for name in ("coco17", "halpe26", "halpe68", "halpe136", "wholebody133")),
    *(("mmpose", mmpose, name) for name in ("coco17", "crowdpose14", "wholebody133")),
    *(("mmpose with names", mmpose_saved, name) for name in ("posetrack17", "halpe26", "coco17")),
]


@pytest.mark.parametrize(("make", "name"), [c[1:] for c in LAYOUTS], ids=[f"{c[0]}-{c[2]}" for c in LAYOUTS])
def test_two_people_come_out_of_every_layout_as_they_went_in(
    tmp_path: Path, make: Callable[[KeypointFormat], Any], name: str
) -> None:
    layout = FORMATS[name]
    frame = only(written(tmp_path / "any.json", make(layout)))
    assert frame.keypoints.shape == (2, len(JOINTS), 2)
    assert frame.identities is None
    for person, place in enumerate(PLACES):
        for joint in (*layout.own, *layout.derived):
            off = frame.keypoints[person, JOINTS.index(joint)] - np.add(STANDING[joint], place)
            assert np.linalg.norm(off) < (1e-9 if joint in layout.own else 3), joint
            assert frame.confidence[person, JOINTS.index(joint)] == pytest.approx(0.9)
        assert not frame.confidence[person, JOINTS.indices(layout.missing)].any()


@pytest.mark.parametrize("name", FORMATS)
def test_npz_holds_every_format_by_its_name(tmp_path: Path, name: str) -> None:
    layout = FORMATS[name]
    both = np.stack([pose(layout, person) for person in range(2)])[None]
    np.savez(tmp_path / "a.npz", keypoints=both, joints=name, image=[640, 480], focal=500.0, ids=[4, 9])
    np.savez(tmp_path / "b.npz", keypoints=both[..., :2], confidence=both[..., 2], joints=layout.joints)
    named, listed = only(tmp_path / "a.npz"), only(tmp_path / "b.npz")
    assert (named.image, named.focal, named.identities, named.video) == ((640, 480), 500, (4, 9), "")
    assert (listed.image, listed.focal, listed.identities) == (None, None, None)
    assert np.array_equal(named.keypoints, listed.keypoints)
    assert {j for j, sure in zip(JOINTS.joints, named.confidence[1], strict=True) if sure} == {
        *layout.own,
        *layout.derived,
    }


def test_hands_of_openpose_are_the_hands(tmp_path: Path) -> None:
    """The knuckle of the middle finger, and the thumb's tip; without them the hand follows from the forearm."""
    content = openpose(FORMATS["body25"])
    hand = KeypointFormat("hand", "hand", HANDS["left"])
    content["people"][0] |= {
        "hand_left_keypoints_2d": flat(hand),
        "hand_right_keypoints_2d": [],
        "face_keypoints_2d": [1],
    }
    frame = only(written(tmp_path / "a.json", content))
    left, thumb, right = (JOINTS.index(joint) for joint in ("left_hand", "left_thumb", "right_hand"))
    assert frame.keypoints[0, left] == pytest.approx(np.add(STANDING["left_hand"], PLACES[0]))
    assert frame.confidence[0, [left, thumb, right]] == pytest.approx(0.9)
    assert frame.confidence[1, thumb] == 0


# Images, videos, identities -------------------------------------------------------------------------------------------


def test_annotations_tell_names_sizes_and_videos_in_order(tmp_path: Path) -> None:
    """PoseTrack's: images of two videos, mixed up, annotations mixed up, one frame not labelled, one without people."""
    layout = FORMATS["posetrack17"]
    content = annotations(layout, names=True)
    shots = [("b", 2, True), ("a", 1, True), ("b", 0, True), ("a", 2, False), ("a", 0, True), ("b", 1, True)]
    content["images"] = [
        {
            "id": i,
            "file_name": f"{v}{f}.jpg",
            "vid_id": v,
            "frame_id": f,
            "width": 64,
            "height": 48,
            "is_labeled": labelled,
        }
        for i, (v, f, labelled) in enumerate(shots)
    ]
    tracks = [(5, 0, 3), (0, 0, 1), (1, 1, 8), (0, 1, 3), (4, 0, 8), (2, 0, 3)]
    content["annotations"] = [
        {"image_id": image, "category_id": 1, "track_id": track, "keypoints": flat(layout, person)}
        for image, person, track in tracks
    ]
    frames = list(read(written(tmp_path / "a.json", content)))
    assert [frame.name for frame in frames] == ["b0.jpg", "b1.jpg", "b2.jpg", "a0.jpg", "a1.jpg"]
    assert [frame.video for frame in frames] == ["b", "b", "b", "a", "a"]
    assert [frame.identities for frame in frames] == [(3,), (3,), (1, 3), (8,), (8,)]
    assert {frame.image for frame in frames} == {(64, 48)}


def test_flags_of_annotators_are_confidence(tmp_path: Path) -> None:
    """2 is seen, 1 is placed though hidden, 0 is neither; PoseTrack's 1 is all that it has."""
    for layout, hidden in ((FORMATS["coco17"], 0.5), (FORMATS["posetrack17"], 1.0)):
        content = annotations(layout, names=True)
        for entry in content["annotations"]:
            entry["keypoints"][2::3] = [0 if joint.startswith("left") else 1 for joint in layout.joints]
        content["annotations"][0]["keypoints"][2 + 3 * layout.joints.index("left_knee")] = 2
        confidence = only(written(tmp_path / "a.json", content)).confidence
        assert confidence[0, JOINTS.index("left_knee")] == 1
        assert confidence[1, JOINTS.index("left_knee")] == 0
        assert confidence[1, JOINTS.index("right_knee")] == hidden


def test_fractions_among_flags_are_confidence(tmp_path: Path) -> None:
    """COCO-WholeBody has hands that a detector found, among bodies that people labelled."""
    content = wholebody(FORMATS["wholebody133"])
    for entry in content["annotations"]:
        entry["keypoints"][2::3] = [1] * 17
    confidence = only(written(tmp_path / "a.json", content)).confidence
    assert (confidence[:, JOINTS.index("left_wrist")] == 0.5).all()
    assert confidence[:, JOINTS.index("left_hand")] == pytest.approx(0.9)


def test_crowds_and_other_categories_are_nobody(tmp_path: Path) -> None:
    content = annotations(FORMATS["coco17"], names=True)
    content["categories"].append({"id": 2, "name": "dog"})
    content["annotations"] += [
        {**content["annotations"][0], "iscrowd": 1},
        {**content["annotations"][0], "category_id": [1]},
        {"id": 8, "image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1]},
    ]
    assert len(only(written(tmp_path / "a.json", content)).keypoints) == 2


def test_a_list_of_results_is_images_in_their_order(tmp_path: Path) -> None:
    content = results(FORMATS["coco17"], 7) + results(FORMATS["coco17"], 3)
    content.append(content.pop(1))
    frames = list(read(written(tmp_path / "a.json", content)))
    assert [(frame.name, frame.video, len(frame.keypoints)) for frame in frames] == [("7", "", 2), ("3", "", 2)]


def test_alphaposes_numbers_are_identities_where_it_tracks(tmp_path: Path) -> None:
    content = [entry for i in range(3) for entry in results(FORMATS["halpe26"], f"{i}.jpg")]
    for entry, index in zip(content, (1, 2, [1.0], [[2]], 2, 1), strict=True):
        entry["idx"] = index
    tracked = list(read(written(tmp_path / "clip.json", content)))
    assert [frame.identities for frame in tracked] == [(1, 2), (1, 2), (2, 1)]
    assert {frame.video for frame in tracked} == {"clip"}
    for entry in content:
        entry["idx"] = [0.0]  # what it writes where it does not track
    assert {(frame.identities, frame.video) for frame in read(written(tmp_path / "clip.json", content))} == {
        (None, "clip")
    }


def test_alphaposes_images_are_a_video_where_they_are_numbered_one_by_one(tmp_path: Path) -> None:
    image = alphapose(FORMATS["coco18"])["1.jpg"]
    pictures = {f"{i}.jpg": image for i in (4, 2)}
    for first in (0, 3):
        video = {f"{i}.jpg": image for i in range(first, first + 3)}
        frames = list(read(written(tmp_path / "clip.json", video)))
        assert [(frame.name, frame.video) for frame in frames] == [(name, "clip") for name in video]
    frames = list(read(written(tmp_path / "many.json", pictures)))
    assert [(frame.name, frame.video) for frame in frames] == [(name, "") for name in pictures]
    alone = only(written(tmp_path / "seven.json", image))
    assert (alone.name, alone.video, len(alone.keypoints)) == ("seven", "", 2)


def test_a_list_is_alphaposes_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", results(FORMATS["halpe26"]))
    assert np.array_equal(only(path, format="alphapose").keypoints, only(path).keypoints)


def test_images_without_annotations_are_frames_without_people(tmp_path: Path) -> None:
    content = annotations(FORMATS["coco17"])
    content["images"] = [{"id": 5}, *content["images"], {"id": 9}]
    frames = list(read(written(tmp_path / "a.json", content)))
    assert [(frame.name, len(frame.keypoints)) for frame in frames] == [("5", 0), ("seven.jpg", 2), ("9", 0)]
    content["annotations"] = []
    assert [len(frame.keypoints) for frame in read(written(tmp_path / "a.json", content))] == [0, 0, 0]


def test_a_number_that_several_people_have_is_nobodys(tmp_path: Path) -> None:
    content = openpose(FORMATS["body25"])
    for entry in content["people"]:
        entry["person_id"] = [3]
    assert only(written(tmp_path / "a.json", content)).identities is None
    content["people"][1]["person_id"] = 4
    assert only(written(tmp_path / "a.json", content)).identities == (3, 4)


def test_a_folder_is_read_in_the_order_people_count(tmp_path: Path) -> None:
    for name in ("image_10", "image_9", "image_2"):
        written(tmp_path / f"{name}_keypoints.json", openpose(FORMATS["body25"]))
    (tmp_path / "notes.txt").write_text("no detections")
    frames = list(read(tmp_path))
    assert [(frame.name, frame.video) for frame in frames] == [("image_2", ""), ("image_9", ""), ("image_10", "")]
    assert {frame.video for frame in read(tmp_path, Options(video=True))} == {tmp_path.name}


def test_openposes_numbered_files_are_a_video(tmp_path: Path) -> None:
    for number in range(3):
        written(tmp_path / f"dance_{number:012}_keypoints.json", openpose(FORMATS["body25"]))
    assert [(frame.name, frame.video) for frame in read(tmp_path)] == [(f"dance_{i:012}", "dance") for i in range(3)]
    assert {frame.video for frame in read(tmp_path, Options(video=False))} == {""}


def test_mmposes_frames_are_a_video_and_its_instances_an_image(tmp_path: Path) -> None:
    layout = FORMATS["coco17"]
    content = [{"frame_id": i, "instances": mmpose(layout)[: i % 3]} for i in range(4)]
    frames = list(read(written(tmp_path / "clip.json", content)))
    assert [(f.name, f.video, len(f.keypoints)) for f in frames] == [
        ("0", "clip", 0),
        ("1", "clip", 1),
        ("2", "clip", 2),
        ("3", "clip", 0),
    ]
    assert [(f.name, f.video) for f in read(written(tmp_path / "picture.json", mmpose(layout)))] == [("picture", "")]


@pytest.mark.parametrize("content", [[], {"people": []}, {"meta_info": {}, "instance_info": []}], ids=str)
def test_an_image_without_people_is_a_frame_without_people(tmp_path: Path, content: Any) -> None:
    frame = only(written(tmp_path / "a.json", content))
    assert frame.keypoints.shape == (0, len(JOINTS), 2)
    assert (frame.confidence.shape, frame.identities, frame.name) == ((0, len(JOINTS)), None, "a")


def test_frames_of_npz_are_a_video(tmp_path: Path) -> None:
    layout = FORMATS["paper19"]
    keypoints = np.stack([[pose(layout, person)[:, :2] for person in range(2)]] * 3)
    keypoints[1, 0] = np.nan
    np.savez(tmp_path / "clip.npz", keypoints=keypoints, joints="paper19", ids=[[1, 2], [-1, 2], [2, 1]])
    frames = list(read(tmp_path / "clip.npz"))
    assert [(f.name, f.video, f.identities) for f in frames] == [
        ("0", "clip", (1, 2)),
        ("1", "clip", (2,)),
        ("2", "clip", (2, 1)),
    ]


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(json.dumps(annotations(FORMATS["coco17"])).encode())

    monkeypatch.setattr("sys.stdin", Input)
    (frame,) = read("-")
    assert (frame.name, len(frame.keypoints)) == ("seven.jpg", 2)


# Time is the frame's number -------------------------------------------------------------------------------------------


NUMBERED: dict[str, Callable[[list[int], KeypointFormat], Any]] = {
    "results": lambda numbers, layout: [one for i in numbers for one in results(layout, f"{i}.jpg")],
    "results by whole numbers": lambda numbers, layout: [one for i in numbers for one in results(layout, i)],
    "alphapose": lambda numbers, layout: {f"v_{i:05}.png": alphapose(layout)["1.jpg"] for i in numbers},
    "coco": lambda numbers, layout: {
        **annotations(layout),
        "images": [{"id": 50 - i, "file_name": f"a/frame{i}.jpg"} for i in numbers],
        "annotations": [
            {"image_id": 50 - i, "category_id": 1, "keypoints": one} for i in numbers for one in people(layout)
        ],
    },
    "mmpose": lambda numbers, layout: [{"frame_id": i, "instances": mmpose(layout)} for i in numbers],
}
"""Ways to write a video whose frames have these numbers, two people in each."""


@pytest.mark.parametrize("make", NUMBERED.values(), ids=NUMBERED)
@pytest.mark.parametrize("first", [0, 3])
def test_frames_come_in_the_order_of_their_numbers_and_nobody_is_in_those_left_out(
    tmp_path: Path, first: int, make: Callable[[list[int], KeypointFormat], Any]
) -> None:
    numbers = [n + first for n in sorted({*range(13)} - {4, 5}, key=str)]  # as file systems sort them
    frames = list(
        read(written(tmp_path / "film.json", make(numbers, FORMATS["coco18" if "v_" in str(make) else "coco17"])))
    )
    found = [int(re.findall(r"\d+", frame.name)[-1]) for frame in frames]
    assert found == list(range(first, first + 13)) and {frame.video for frame in frames} == {"film"}
    assert [len(frame.keypoints) for frame in frames] == [0 if n in (4, 5) else 2 for n in range(13)]
    notes = [note for frame in frames for note in frame.notes]
    assert len(notes) == 2 and "not in the order of their numbers" in notes[0] and "2 frames of 13 are not" in notes[1]


@pytest.mark.parametrize("names", ["v_{:012}_keypoints", "v_{:06}", "v{}", "{:03}", "cam1.v-{:04}_keypoints"])
def test_numbered_files_of_a_folder_are_a_video_by_whatever_name(tmp_path: Path, names: str) -> None:
    folder = tmp_path / "v"
    folder.mkdir()
    for number in (8, 9, 10, 12):
        written(folder / f"{names.format(number)}.json", openpose(FORMATS["body25"]))
    frames = list(read(folder))
    assert [len(frame.keypoints) for frame in frames] == [2, 2, 2, 0, 2]
    assert {frame.video for frame in frames} <= {"v", "cam1.v"} and frames[3].name == names.format(11).removesuffix(
        "_keypoints"
    )


def test_a_folder_of_several_videos(tmp_path: Path) -> None:
    for camera in ("left", "right"):
        for number in range(3):
            written(tmp_path / f"{number}_{camera}.json", openpose(FORMATS["body25"]))
    assert [(frame.video, frame.name) for frame in read(tmp_path)] == [
        (camera, f"{number}_{camera}") for camera in ("left", "right") for number in range(3)
    ]


def elsewhere(frame: int) -> list[list[float]]:
    """Two people who are somewhere else in every image, as in photographs."""
    rng = np.random.default_rng(frame)
    moved = [np.add(np.reshape(one, (-1, 3)), (*rng.uniform(0, 1500, 2), 0)) for one in people(FORMATS["coco17"])]
    return [one.ravel().tolist() for one in moved]


@pytest.mark.parametrize(
    ("numbers", "note"),
    [
        ([139, 285, 632, 724], ""),
        ([1, 2, 3, 4, 5], "their numbers follow each other, but people are elsewhere"),
        ([1000000, 3, 524287], ""),
    ],
)
def test_photographs_stand_alone(tmp_path: Path, numbers: list[int], note: str) -> None:
    content = [{"image_id": n, "category_id": 1, "keypoints": one, "score": 1} for n in numbers for one in elsewhere(n)]
    frames = list(read(written(tmp_path / "photos.json", content)))
    assert [(frame.name, frame.video) for frame in frames] == [(str(number), "") for number in numbers]
    notes = [one for frame in frames for one in frame.notes]
    assert (note in notes[0] and "--video" in notes[0]) if note else not notes
    as_video = list(read(tmp_path / "photos.json", Options(video=True)))
    assert [int(frame.name) for frame in as_video] == sorted(numbers), "numbers that are far apart are not filled in"


def test_every_fifth_frame_has_a_fifth_of_the_rate(tmp_path: Path) -> None:
    content = [one for i in (0, 5, 10, 20) for one in results(FORMATS["coco17"], f"f{i}.jpg")]
    frames = list(read(written(tmp_path / "film.json", content)))
    assert [(frame.name, len(frame.keypoints)) for frame in frames] == [
        *((f"f{i}.jpg", 2) for i in (0, 5, 10)), ("f15.jpg", 0), ("f20.jpg", 2)
    ]  # fmt: skip
    assert max(frame.step for frame in frames) == 5
    assert "those of every 5th frame" in frames[0].notes[0]


# What is skipped ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["", '{"people": [{"pose_keypoints_2d": [1, 2', "no JSON", '{"other": 1}'])
@pytest.mark.parametrize("where", [0, 2, 5])
def test_a_broken_file_of_a_folder_is_skipped_and_named(tmp_path: Path, broken: str, where: int) -> None:
    """The image is a frame with nobody in it where others are frames of a video, and none among photographs."""
    for names, counts in (("film_{:04}", [2] * 6), ("photo_{:04}0{}", None)):
        folder = tmp_path / names[:5]
        folder.mkdir()
        for number in range(6):
            path = folder / f"{names.format(number, number * number)}_keypoints.json"
            written(path, broken if number == where else openpose(FORMATS["body25"]))
            name = path.name if number == where else ""
        frames = list(read(folder, Options(video=None if counts else False)))
        found = [len(frame.keypoints) for frame in frames]
        assert found == ([2] * where + [0] + [2] * (5 - where) if counts else [2] * 5)
        assert "1 file is skipped: " in frames[-1].notes[-1] and name in frames[-1].notes[-1]
        with pytest.raises(InputError, match=r"_keypoints\.json: "):
            list(read(folder, Options(strict=True)))


def test_a_folder_of_broken_files_is_refused(tmp_path: Path) -> None:
    for number in range(3):
        written(tmp_path / f"{number}.json", "no JSON")
    with pytest.raises(InputError, match=r"0\.json: begins with"):
        list(read(tmp_path))


@pytest.mark.parametrize(
    ("content", "empty"),
    [
        (openpose(FORMATS["body25"]), ("people", 1, "pose_keypoints_2d")),
        (annotations(FORMATS["coco17"]), ("annotations", 1, "keypoints")),
        (results(FORMATS["coco17"]), (1, "keypoints")),
        (results(FORMATS["coco17"]), (0, "keypoints")),
        (mmpose(FORMATS["coco17"]), (1, "keypoints")),
    ],
    ids=["openpose", "coco", "results", "the first", "mmpose"],
)
def test_a_person_without_joints_is_skipped_and_told(
    tmp_path: Path, content: Any, empty: tuple[int | str, ...]
) -> None:
    path = written(tmp_path / "a.json", changed(json.loads(json.dumps(content)), *empty, to=[]))
    frame = only(path)
    assert len(frame.keypoints) == 1
    assert frame.notes == (f"1 person without any joints is left out, in {path}: {frame.name} (--strict refuses them)",)
    with pytest.raises(InputError, match="a person has no joints"):
        only(path, strict=True)


@pytest.mark.parametrize("without", [{}, {"face": [1]}, {"pose_keypoints_2d": None}], ids=str)
def test_a_person_behind_others_may_lack_joints_in_any_way(tmp_path: Path, without: Any) -> None:
    frame = only(written(tmp_path / "a.json", changed(openpose(FORMATS["body25"]), "people", 1, to=without)))
    assert len(frame.keypoints) == 1


def test_people_are_tracked_anew_on_request(tmp_path: Path) -> None:
    content = [one for i in range(3) for one in results(FORMATS["coco17"], i)]
    for number, entry in enumerate(content):
        entry["track_id"] = number
    path = written(tmp_path / "a.json", content)
    assert [frame.identities for frame in read(path)] == [(0, 1), (2, 3), (4, 5)]
    anew = list(read(path, Options(track="anew")))
    assert [(frame.identities, frame.video) for frame in anew] == [(None, "a")] * 3
    with pytest.raises(InputError, match="track is 'other'; expected one of file, anew"):
        Options(track="other")


# What an option says --------------------------------------------------------------------------------------------------


def test_options_say_what_a_file_does_not(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", results(FORMATS["posetrack17"]))
    frame = only(path, joints="posetrack17", image=(100, 50), focal=70.0)
    assert (frame.image, frame.focal) == ((100, 50), 70)
    head_top = JOINTS.index("head_top")
    assert frame.keypoints[0, head_top] == pytest.approx(np.add(STANDING["head_top"], PLACES[0]))
    assert only(path).keypoints[0, head_top] != pytest.approx(frame.keypoints[0, head_top])


def test_options_overrule_a_file_and_pictures_do_not(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF] = {FOCAL_35: 28}
    Image.new("RGB", (400, 300)).save(tmp_path / "seven.jpg", exif=exif)
    sized = written(tmp_path / "a.json", annotations(FORMATS["coco17"]))
    unsized = written(tmp_path / "seven_keypoints.json", openpose(FORMATS["body25"]))
    focal = pytest.approx(28 * 500 / 43.27, rel=1e-3)
    assert only(sized).focal is None
    for path, options, image in (
        (sized, {}, (640, 480)),
        (sized, {"image": (9, 8)}, (9, 8)),
        (unsized, {}, (400, 300)),
    ):
        frame = only(path, pictures=tmp_path, **options)
        assert (frame.image, frame.focal) == (image, focal)
    assert only(unsized, pictures=tmp_path / "seven.jpg", focal=1.5).focal == 1.5
    assert only(unsized, pictures=tmp_path.parent).image is None


def test_a_person_of_a_low_score_is_there_where_most_joints_are_sure(tmp_path: Path) -> None:
    layout = FORMATS["coco17"]
    content = results(layout)
    for entry, sure in zip(content, (10, 6), strict=True):
        entry["score"] = 0.2
        entry["keypoints"][2::3] = [0.9] * sure + [0.1] * (17 - sure)
    frame = only(written(tmp_path / "a.json", content))
    assert len(frame.keypoints) == 1 and frame.low_scores == (0.2,) and frame.faint == (0.2,)
    assert len(only(tmp_path / "a.json", threshold=0.2).keypoints) == 2


def test_the_threshold_is_for_joints_and_for_people(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", mmpose(FORMATS["coco17"]))  # joints of 0.9, people of 0.8
    assert [len(only(path, threshold=t).keypoints) for t in (0.0, 0.85, 0.95)] == [2, 2, 0]
    assert [only(path, threshold=t).low_scores for t in (0.8, 0.85)] == [(), (0.8, 0.8)]
    assert only(path, threshold=0.95).faint == pytest.approx((0.9, 0.9))
    path = written(tmp_path / "b.json", openpose(FORMATS["body25"]))
    assert [len(only(path, threshold=t).keypoints) for t in (0.9, 0.95)] == [2, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "cocos"}, "format 'cocos' is unknown; expected one of alphapose, coco, comfyui, deep"),
        ({"joints": "coc"}, r"joints 'coc' are unknown \(did you mean coco\?\); expected one of body25"),
        ({"threshold": 1.5}, "threshold is 1.5; expected a confidence from 0 to 1"),
        ({"image": (640, 0)}, r"image is \(640, 0\); expected 2 positive numbers of pixels"),
        ({"focal": float("nan")}, "focal is nan; expected 1 positive number of pixels"),
        ({"pictures": Path("nowhere")}, "nowhere: no such file or folder"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_option_that_is_none_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options(**options)


# What is not as it should be ------------------------------------------------------------------------------------------


def changed(content: Any, *path: int | str, to: Any) -> Any:
    """The content with one value changed."""
    *steps, last = path
    inner = content
    for step in steps:
        inner = inner[step]
    inner[last] = to
    return content


BODY, COCO, LIST = (
    (lambda: openpose(FORMATS["body25"])),
    (lambda: annotations(FORMATS["coco17"])),
    (lambda: results(FORMATS["coco17"])),
)
MM = lambda: mmpose(FORMATS["coco17"])  # noqa: E731
KEYS = ("people", 1, "pose_keypoints_2d")
WRONG: dict[str, tuple[Any, str]] = {
    "nothing": ("", "empty; expected a detector's file; the option format names one of alphapose, coco"),
    "no JSON": ("hello", "which is no JSON; expected a detector's file"),
    "cut off": (
        '{"people": [{"pose_keypoints_2d": [1, 2',
        r"not valid JSON \(parse error: premature EOF\); is the file cut off",
    ),
    "NaN": ('{"people": [{"pose_keypoints_2d": [NaN]}]}', "not valid JSON"),
    "huge number": ('{"people": [{"pose_keypoints_2d": [1e999]}]}', "not valid JSON"),
    "binary": ("\x00\x01\x02", "which is no JSON"),
    "a number": ("5", "which is no JSON"),
    "numbers": ([1, 2], "holds nothing with keys"),
    "unknown object": (
        {"joints3d_25": [], "fps": 5},
        "holds an object with joints3d_25, fps; expected a",
    ),
    "unknown list": ([{"bbox": [1], "score": 1}], "holds a list of objects with bbox, score; expected"),
    "people no list": ({"people": {}}, r"people is {}; expected a list"),
    "person no object": ({"people": [5]}, r"people\[0\] is 5; expected an object with pose_keypoints_2d"),
    "no keypoints": (changed(BODY(), "people", 0, to={"face": 1}), r"people\[0\] has no pose_keypoints_2d, only face"),
    "odd length": (
        changed(BODY(), *KEYS, to=[1.0] * 74),
        r"people\[1\]\.pose_keypoints_2d has 74 numbers; expected x, y",
    ),
    "unknown number": (
        changed(BODY(), *KEYS[:1], 0, KEYS[2], to=[1.0] * 33),
        r"has 11 joints; expected 14 \(crowdpose14\), 15 \(mpi15\)",
    ),
    "other number": (
        changed(BODY(), *KEYS, to=[1.0] * 54),
        r"people\[1\]\.pose_keypoints_2d has 18 joints; expected 25 \(body25\)",
    ),
    "text": (
        changed(BODY(), *KEYS, 4, to="12"),
        r"people\[1\]\.pose_keypoints_2d holds '12'; expected x, y and confidence",
    ),
    "true": (changed(BODY(), *KEYS, 4, to=True), "holds True; expected x, y"),
    "nested": (changed(BODY(), *KEYS, 4, to=[1.0]), r"holds \[1.0\]; expected x, y"),
    "far": (
        changed(BODY(), *KEYS, 4, to=1e9),
        r"people\[1\]: joint 1 is at \[.*1000000000.0\] with confidence 0.9; expected pixels within",
    ),
    "hand": (
        changed(BODY(), "people", 1, "hand_left_keypoints_2d", to=[1.0] * 60),
        "hand_left_keypoints_2d has 60 numbers; expected x, y and confidence of 21",
    ),
    "key twice": (
        '{"people": [{"person_id": 1, "person_id": 2, "pose_keypoints_2d": []}]}',
        r"people\[0\] has the key person_id twice",
    ),
    "identity": (
        changed(BODY(), "people", 1, "person_id", to=1.5),
        r"people\[1\]\.person_id is 1.5; expected a whole number",
    ),
    "bodies alone no list": ({"bodies": 3}, "bodies is 3; expected a list of people"),
    "image a list": ({"a.jpg": {"people": []}, "b.jpg": [1]}, r"b\.jpg is \[1\]; expected an object with people"),
    "bodies no list": ({"1.jpg": {"bodies": 3}}, r"1\.jpg\.bodies is 3; expected a list"),
    "no images": (changed(COCO(), "images", to=[]), "images is missing or empty; expected COCO's annotations"),
    "unknown image": (
        changed(COCO(), "annotations", 1, "image_id", to=8),
        r"annotations\[1\]\.image_id is 8; expected the id of one of the images",
    ),
    "no image": (changed(COCO(), "annotations", 1, to={"id": 5}), r"annotations\[1\] has no image_id, only id"),
    "a list for an image": (
        changed(COCO(), "annotations", 1, "image_id", to=[7]),
        r"annotations\[1\]\.image_id is \[7\]; expected a whole number or a text",
    ),
    "image twice": (changed(COCO(), "images", to=[{"id": 7}, {"id": 7}]), "images have the id 7 twice"),
    "flat image": (
        changed(COCO(), "images", 0, "width", to=0),
        r"images\[0\]: width, height is \[0, 480\]; expected 2 positive",
    ),
    "a size in words": (
        changed(COCO(), "images", 0, "width", to="wide"),
        r"images\[0\]: width, height is \['wide', 480\]; expected 2 positive",
    ),
    "half a size": (
        changed(COCO(), "images", 0, to={"id": 7, "width": 3}),
        r"width, height is \[3, None\]; expected 2 positive",
    ),
    "names no names": (
        changed(COCO(), "categories", 0, "keypoints", to=[1]),
        r"categories\[0\]\.keypoints is \[1\]; expected names",
    ),
    "no body": (changed(COCO(), "categories", 0, "keypoints", to=["beak"]), "categories.keypoints lacks left_hip"),
    "result no image": (changed(LIST(), 1, "image_id", to=[1]), r"image_id is \[1\]; expected a number or a text"),
    "pairs": (
        changed(MM(), 1, "keypoints", 3, to=[1.0, 2.0, 3.0]),
        r"\[1\]\.keypoints holds \[1.0, 2.0, 3.0\]; expected \[x, y\]",
    ),
    "scores": (
        changed(MM(), 1, "keypoint_scores", to=[1.0] * 16),
        r"\[1\]\.keypoint_scores has 16 numbers; expected 17",
    ),
    "frames and people": ([{"frame_id": 0, "instances": []}, MM()[0]], "holds frames and 1 people of no frame"),
    "names by no number": (
        {"meta_info": {"keypoint_id2name": {"a": "nose"}}, "instance_info": []},
        "keypoint_id2name is .* expected names by number",
    ),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path: Path, content: Any, message: str) -> None:
    path = written(tmp_path / "wrong.json", content)
    with pytest.raises(InputError, match=message) as error:
        list(read(path))
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"poses": np.zeros(1)}, "no keypoints, only poses"),
        (
            {"keypoints": np.zeros((2, 17, 2))},
            r"keypoints has shape \(2, 17, 2\); expected \(frame, person, joint, 2 or 3\)",
        ),
        ({"keypoints": np.zeros((1, 2, 19, 2))}, "keypoints has 19 joints; expected 14"),
        ({"keypoints": np.full((1, 1, 17, 2), np.inf)}, r"keypoints\[0, 0\]: joint 0 is at \[inf, inf\]"),
        ({"keypoints": np.full((1, 1, 17, 2), "a")}, "keypoints holds <U1; expected numbers"),
        (
            {"keypoints": np.zeros((1, 1, 17, 2)), "confidence": np.zeros((1, 17))},
            r"confidence has shape \(1, 17\); expected",
        ),
        (
            {"keypoints": np.zeros((1, 1, 17, 2)), "ids": [1, 2]},
            r"ids has shape \(2,\); expected whole numbers, \(1,\) or \(1, 1\)",
        ),
        ({"keypoints": np.zeros((1, 1, 17, 2)), "names": ["a", "b"]}, "names has 2 entries; expected 1"),
        ({"keypoints": np.zeros((1, 1, 17, 2)), "image": [640, -1]}, r"image is array.*; expected 2 positive"),
        ({"keypoints": np.zeros((1, 1, 17, 2)), "joints": "seventeen"}, "joints 'seventeen' are unknown"),
        ({"keypoints": np.array([None])}, "cannot be read as npz"),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else "",
)
def test_an_npz_that_is_wrong_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(InputError, match=message):
        list(read(tmp_path / "wrong.npz"))


def test_a_damaged_npz_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", keypoints=np.zeros((1, 2, 17, 3)))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for damaged in (content[:-30], content[:60] + b"damaged" + content[67:]):
        (tmp_path / "b.npz").write_bytes(damaged)
        with pytest.raises(InputError, match=r"b\.npz: cannot be read as npz"):
            list(read(tmp_path / "b.npz"))


@pytest.mark.parametrize("name", FILE_FORMATS)
def test_a_format_that_a_file_is_not_of_is_refused(tmp_path: Path, name: str) -> None:
    """Rather than read as nobody."""
    path = written(tmp_path / "a.json", {"frames": [1]})
    with pytest.raises(InputError, match=str(path)):
        list(read(path, Options(format=name)))
    path = written(tmp_path / "b.json", {"version": 1})
    with pytest.raises(InputError, match=str(path)):
        list(read(path, Options(format=name)))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.json: cannot be read \(No such file"):
        list(read(tmp_path / "gone.json"))
    with pytest.raises(InputError, match=r"holds no \.json or \.npz or "):
        list(read(tmp_path))


def test_what_detectors_mean_by_odd_numbers(tmp_path: Path) -> None:
    """null is not seen, nor is negative confidence, wherever the joint is; confidence above 1 is 1."""
    layout = FORMATS["body25"]
    content = openpose(layout)
    for joint, triple in {
        "left_knee": [None, 5.0, 0.9],
        "right_knee": [5.0, 5.0, -0.2],
        "left_ankle": [5.0, 5.0, None],
        "right_ankle": [5.0, 5.0, 1.04],
        "left_toe": [-1e9, 5.0, 0.0],
    }.items():
        start = 3 * layout.joints.index(joint)
        content["people"][0]["pose_keypoints_2d"][start : start + 3] = triple
    frame = only(written(tmp_path / "a.json", content))
    sure = dict(zip(JOINTS.joints, frame.confidence[0], strict=True))
    assert [sure[j] for j in ("left_knee", "right_knee", "left_ankle", "left_toe", "right_ankle")] == [0, 0, 0, 0, 1]
    assert not frame.keypoints[0, JOINTS.index("left_toe")].any()


def test_shares_of_the_image_take_its_size(tmp_path: Path) -> None:
    """By the option, or by the file itself; in the whole file, also where a frame's few joints could be pixels."""
    content = openpose(FORMATS["body25"])
    pixels = only(written(tmp_path / "a.json", content))
    for entry in content["people"]:
        entry["pose_keypoints_2d"] = [v if i % 3 == 2 else v / 640 for i, v in enumerate(entry["pose_keypoints_2d"])]
    path = written(tmp_path / "a.json", content)
    with pytest.raises(InputError, match=r"a\.json: a: coordinates are normalised .* expected the size as well"):
        only(path)
    assert np.allclose(only(path, image=(640, 640)).keypoints, pixels.keypoints)
    sized = only(written(tmp_path / "a.json", content | {"canvas_width": 1280, "canvas_height": 640}))
    assert np.allclose(sized.keypoints, pixels.keypoints * [2, 1]) and sized.image == (1280, 640)
    content["people"][0]["pose_keypoints_2d"] = [-abs(v) for v in content["people"][0]["pose_keypoints_2d"]]
    content["people"][0]["pose_keypoints_2d"][2::3] = [0.9] * 25
    with pytest.raises(InputError, match="not coordinates normalised in another way than from 0 to 1"):
        only(written(tmp_path / "a.json", content), image=(640, 640))


def test_who_is_no_larger_than_a_point_is_nobody(tmp_path: Path) -> None:
    content = openpose(FORMATS["body25"])
    content["people"] = [
        {"pose_keypoints_2d": [5.0, 5.0, 0.9] * 25, "person_id": 1},
        {"pose_keypoints_2d": [0.0] * 75, "person_id": 2},
        {**content["people"][0], "person_id": 3},
    ]
    frame = only(written(tmp_path / "a.json", content))
    assert (len(frame.keypoints), frame.identities) == (1, (3,))


def test_a_mark_before_the_text_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(openpose(FORMATS["body25"])), encoding="utf-8-sig")
    assert len(only(tmp_path / "a.json").keypoints) == 2


# One piece after the other --------------------------------------------------------------------------------------------


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    for number in range(3):
        written(tmp_path / f"{number}.json", openpose(FORMATS["body25"]))
    written(tmp_path / "3.json", "not read yet")
    frames = read(tmp_path, Options(strict=True))
    assert [next(frames).name for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(InputError, match=r"3\.json: begins with"):
        next(frames)


def test_a_long_file_is_read_frame_by_frame(tmp_path: Path) -> None:
    """What comes first is there before what comes last is looked at: here it is missing."""
    content = json.dumps([{"frame_id": i, "instances": mmpose(FORMATS["coco17"])} for i in range(200)])
    frames = read(written(tmp_path / "a.json", content[:-1]))
    assert [next(frames).name for _ in range(100)] == [str(i) for i in range(100)]
    with pytest.raises(InputError, match="is the file cut off"):
        list(frames)


def test_frames_come_as_soon_as_they_are_whole(tmp_path: Path) -> None:
    """A mistake in the last annotation does not keep the first images back."""
    content = annotations(FORMATS["coco17"])
    content["images"] = [{"id": i} for i in range(50)]
    content["annotations"] = [{**content["annotations"][0], "image_id": i} for i in range(50)]
    content["annotations"][-1]["keypoints"] = [1.0]
    frames = read(written(tmp_path / "a.json", content))
    assert [next(frames).name for _ in range(49)] == [str(i) for i in range(49)]
    with pytest.raises(InputError, match=r"annotations\[49\]\.keypoints has 1 numbers"):
        next(frames)


# Real files -----------------------------------------------------------------------------------------------------------

REAL = {
    "coco/test_coco.json": ([1, 2, 4, 5], 18),
    "coco/test_coco_wholebody.json": ([1, 2, 4, 5], 24),
    "coco/test_halpe.json": ([1, 2, 4, 5], 24),
    "coco/test_ochuman.json": ([1, 2, 2], 18),
    "coco/test_crowdpose.json": ([2, 2], 18),
    "coco/test_posetrack18_val.json": ([11, 2, 1], 18),
    "openpose/image_1_keypoints.json": ([2], 18),
    "openpose/image_5_keypoints.json": ([2], 15),
    "openpose/image_8_keypoints.json": ([2], 24),
}
"""File -> people in each of its images, and how many joints whoever has most of them has."""


def joint(frame: Frame, person: int, name: str) -> np.ndarray:
    assert frame.confidence[person, JOINTS.index(name)] > 0, name
    return frame.keypoints[person, JOINTS.index(name)]


@real
@pytest.mark.parametrize("name", REAL)
def test_real_files_are_read(name: str) -> None:
    frames = list(read(DATA / name))
    counts, most = REAL[name]
    assert [len(frame.keypoints) for frame in frames] == counts
    assert max((frame.confidence > 0).sum(-1).max() for frame in frames) == most
    for frame in frames:
        assert ((frame.confidence >= 0) & (frame.confidence <= 1)).all()
        assert (frame.keypoints[frame.confidence == 0] == 0).all()


@real
def test_the_same_people_are_the_same_in_three_formats() -> None:
    """COCO's, COCO-WholeBody's and Halpe's annotations of the same four images."""
    files = [list(read(DATA / f"coco/test_{name}.json")) for name in ("coco", "coco_wholebody", "halpe")]
    shared = JOINTS.indices(j for j in FORMATS["coco17"].own)
    for coco, wholebody, halpe in zip(*files, strict=True):
        assert coco.name == wholebody.name == halpe.name and coco.image == halpe.image == wholebody.image
        for other in (wholebody, halpe):
            assert np.array_equal(coco.keypoints[:, shared], other.keypoints[:, shared])
            assert np.array_equal(coco.confidence[:, shared], other.confidence[:, shared])
        feet = JOINTS.indices(("left_toe", "right_toe"))
        both = ((wholebody.confidence > 0) & (halpe.confidence > 0))[:, feet]
        off = np.linalg.norm((wholebody.keypoints - halpe.keypoints)[:, feet], axis=-1)
        assert both.any() and (off[both] < 16).all(), "labelled by other people"


@real
def test_somebody_known_stands_as_on_the_picture() -> None:
    """The skier of COCO's 785 faces the camera and stands: by each format left is on the right, and the head above."""
    for name in ("coco", "coco_wholebody", "halpe"):
        frame = next(read(DATA / f"coco/test_{name}.json"))
        heights = [joint(frame, 0, j)[1] for j in ("head_top", "head", "neck", "pelvis", "left_knee", "left_ankle")]
        assert heights == sorted(heights)
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            assert joint(frame, 0, f"left_{part}")[0] > joint(frame, 0, f"right_{part}")[0]
        assert joint(frame, 0, "neck") == pytest.approx((378.5, 118.5))
        assert joint(frame, 0, "head_top") == pytest.approx((370, 52), abs=6)


@real
@pytest.mark.parametrize("name", ["coco/test_coco_wholebody", "coco/test_halpe"])
def test_hands_and_feet_of_real_people_are_at_their_own_ends(name: str) -> None:
    """Each nearer to the wrist or ankle of its side than to the other."""
    checked = 0
    for frame in read(DATA / f"{name}.json"):
        for keypoints, sure in zip(frame.keypoints, frame.confidence, strict=True):
            for end, limb in (("hand", "wrist"), ("thumb", "wrist"), ("toe", "ankle")):
                for side, other in (("left", "right"), ("right", "left")):
                    three = JOINTS.indices((f"{side}_{end}", f"{side}_{limb}", f"{other}_{limb}"))
                    tip, near, far = keypoints[three]
                    if sure[three].all() and np.linalg.norm(near - far) > 20:
                        assert np.linalg.norm(tip - near) < np.linalg.norm(tip - far), (frame.name, side, end)
                        checked += 1
    assert checked >= 6


@real
def test_people_of_openpose_have_their_hips_below_their_shoulders() -> None:
    """In close contact, by a detector that lost every neck and mid hip: both follow."""
    frames = list(read(DATA / "openpose"))
    assert [frame.name for frame in frames] == ["image_1", "image_5", "image_8"]
    for frame in frames:
        for person in range(2):
            assert joint(frame, person, "pelvis")[1] > joint(frame, person, "neck")[1]
            assert joint(frame, person, "head_top")[1] < joint(frame, person, "neck")[1]


@real
def test_posetrack_tracks_people_in_videos() -> None:
    frames = list(read(DATA / "coco/test_posetrack18_val.json"))
    assert [frame.video for frame in frames] == ["012834", "009473", "003418"]
    assert frames[0].identities == tuple(range(11))
    assert frames[0].image == (1920, 1080)


@pytest.mark.parametrize("content", [b"# Detections\n", b"<html>", b"frame,person,x,y\n"])
def test_what_is_no_json_is_told_what_is_known(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"begins with b.*expected a detector's file.*openpose, poseflow, results"):
        next(read(path))
