"""What programs write is read, in every way in which they write it: the same two people in all of their files."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SHARED

from duolift.errors import InputError
from duolift.inputs import FILE_FORMATS, FORMATS, JOINTS, Frame, Options, read
from duolift.inputs.folders import detector_files
from duolift.inputs.keypoints import ALIASES, KeypointFormat, format_of, plain_name
from fuzzing.detector_seeds import COCO, FILES, as_json, as_npz, openpose_people
from fuzzing.people import FRAMES, SIZE, people

CASES = SHARED / "data" / "cases"
CHECKED = ("left_hip", "right_hip", "left_shoulder", "right_wrist", "left_ankle")

ONE_EMPTY = ("0 1 2", "0 2 2")
"""Names of frames, and how many people are in each: the first is empty."""

BOTH = ("0 1", "2 2")
SEVERAL, ALONE = "film", ""

WRITTEN: dict[tuple[str, int], tuple[str, str, str, bool]] = {
    ("ultralytics", 0): ("film_3", "2", ALONE, True),
    ("ultralytics", 1): (*ONE_EMPTY, SEVERAL, True),
    ("ultralytics", 2): ("film_3", "2", ALONE, False),
    ("ultralytics", 3): (*BOTH, SEVERAL, True),
    ("yolo", 0): ("film_3", "2", ALONE, False),
    ("yolo", 1): ("film_3", "2", ALONE, False),
    ("yolo", 2): ("film_3", "2", ALONE, True),
    ("yolo", 3): ("film_3", "2", ALONE, False),
    ("openpifpaf", 0): ("film_3", "2", ALONE, True),
    ("openpifpaf", 1): (*ONE_EMPTY, SEVERAL, True),
    ("nested", 0): ("film_3", "1", ALONE, False),
    ("nested", 1): ("film_3", "2", ALONE, False),
    ("nested", 2): (*BOTH, SEVERAL, False),
    ("nested", 3): ("film_3", "2", ALONE, True),
    ("nested", 4): ("0 1", "0 2", SEVERAL, False),
    ("nested", 5): ("film_3", "2", ALONE, False),
    ("named", 0): ("film_3", "2", ALONE, False),
    ("named", 1): ("film_3", "1", ALONE, False),
    ("named", 2): ("0 1", "0 2", SEVERAL, False),
    ("named", 3): ("film_3", "2", ALONE, False),
    ("named", 4): ("film_3", "2", ALONE, False),
    ("named", 5): ("film_3", "2", ALONE, False),
    ("mediapipe", 0): ("film_3", "1", ALONE, False),
    ("mediapipe", 1): ("film_3", "2", ALONE, False),
    ("mediapipe", 2): ("0 1", "0 2", SEVERAL, False),
    ("mediapipe", 3): ("film_3", "2", ALONE, False),
    ("comfyui", 0): ("film_3", "2", ALONE, False),
    ("comfyui", 1): ("0 1", "0 2", SEVERAL, False),
    ("kinetics", 0): (*ONE_EMPTY, SEVERAL, False),
    ("kinetics", 1): (*BOTH, SEVERAL, False),
    ("poseflow", 0): ("a.jpg 0.jpg 1.jpg", "0 2 2", SEVERAL, True),
    ("tracked_person", 0): ("0000 0001", "2 2", SEVERAL, True),
    ("easy_vitpose", 0): (*ONE_EMPTY, SEVERAL, True),
    ("easy_vitpose", 1): ("film_3", "2", ALONE, True),
    ("videopose3d", 0): ("0 1", "1 1", SEVERAL, False),
    ("detectron2", 0): (*ONE_EMPTY, SEVERAL, False),
    ("deeplabcut", 0): (*BOTH, SEVERAL, True),
    ("deeplabcut", 1): ("0 1", "1 1", SEVERAL, False),
    ("deeplabcut", 2): ("0.png 1.png", "2 2", SEVERAL, True),
    ("deeplabcut_h5", 0): (*BOTH, SEVERAL, True),
    ("deeplabcut_h5", 1): (*BOTH, SEVERAL, True),
    ("sleap", 0): (*BOTH, SEVERAL, True),
    ("sleap", 1): (*BOTH, SEVERAL, True),
    ("sleap_csv", 0): (*BOTH, SEVERAL, True),
    ("sports2d", 0): ("0 3", "1 1", SEVERAL, True),
}
"""Format and number of its file in `fuzzing.detector_seeds` -> names of frames, people of each, the video, tracked."""


def frames_of(path: Path, **options: Any) -> list[Frame]:
    return [*read(path, Options(**{"image": (SIZE, SIZE)} | options))]


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def joint(frame: Frame, person: int, name: str) -> np.ndarray:
    return frame.keypoints[person, JOINTS.index(name)]


def assert_are_the_people(frame: Frame, number: int, joints: Sequence[str] = CHECKED) -> None:
    """The people of the frame are those of a frame of the take, in its order."""
    expected = people(tuple(joints), number)
    for person in range(len(frame.keypoints)):
        for name, (x, y, _) in zip(joints, expected[person].tolist(), strict=True):
            assert joint(frame, person, name) == pytest.approx([x, y], abs=0.05), name
            assert frame.confidence[person, JOINTS.index(name)] == pytest.approx(0.9, abs=0.11), name


@pytest.mark.parametrize(("name", "number"), WRITTEN, ids=[f"{name}-{number}" for name, number in WRITTEN])
def test_a_programs_file_has_the_people_that_went_in(name: str, number: int, tmp_path: Path) -> None:
    if name in ("deeplabcut_h5", "sleap"):
        pytest.importorskip("h5py")
    names, counts, video, tracked = WRITTEN[name, number]
    frames = frames_of(written(tmp_path, f"film_3{FILE_FORMATS[name].suffix}", FILES[name]()[number]))
    assert [frame.name for frame in frames] == names.split()
    assert [len(frame.keypoints) for frame in frames] == [*map(int, counts.split())]
    assert all(frame.video.startswith(video) and bool(frame.video) == bool(video) for frame in frames)
    some = [frame for frame in frames if len(frame.keypoints)]
    assert all((frame.identities is not None) == tracked for frame in some)
    for at, frame in enumerate(some):
        assert_are_the_people(frame, at)


def test_every_file_of_a_program_is_expected_to_be_something() -> None:
    """But for two that are more than one video, or one person twice, which have tests of their own."""
    of_their_own = {("videopose3d", 1), ("mediapipe", 4)}
    made = {(name, number) for name, make in FILES.items() for number in range(len(make()))}
    assert made <= {*WRITTEN} | of_their_own


def test_every_subject_action_and_camera_is_a_video(tmp_path: Path) -> None:
    frames = frames_of(written(tmp_path, "data.npz", FILES["videopose3d"]()[1]))
    videos = list(dict.fromkeys(frame.video for frame in frames))
    assert videos == ["S1 Walking 1 0", "S1 Walking 1 1", "S1 Eating"]
    for at, frame in enumerate(frames):
        assert_are_the_people(frame, at % FRAMES)


def test_a_list_of_one_persons_landmarks_a_frame_is_a_video(tmp_path: Path) -> None:
    frames = frames_of(written(tmp_path, "film.json", FILES["mediapipe"]()[4]))
    assert [(frame.name, frame.video, len(frame.keypoints)) for frame in frames] == [("0", "film", 1), ("1", "film", 1)]


# Sizes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "number"), [("yolo", 0), ("ultralytics", 2), ("mediapipe", 0)])
def test_shares_of_an_unknown_size_are_refused(name: str, number: int, tmp_path: Path) -> None:
    path = written(tmp_path, f"a{FILE_FORMATS[name].suffix}", FILES[name]()[number])
    with pytest.raises(InputError, match=r"normalised by the image's size; expected the size as well \(--image WxH"):
        list(read(path))


@pytest.mark.parametrize(
    ("name", "number"),
    [("mediapipe", 2), ("named", 5), ("comfyui", 1), ("kinetics", 1), ("videopose3d", 0), ("detectron2", 0)],
)
def test_the_size_is_taken_from_the_file(name: str, number: int, tmp_path: Path) -> None:
    path = written(tmp_path, f"a{FILE_FORMATS[name].suffix}", FILES[name]()[number])
    for frame in read(path):
        assert frame.image == (SIZE, SIZE)
    assert_are_the_people(frame, 0 if (name, number) in {("mediapipe", 2), ("named", 5), ("comfyui", 1)} else 1)


def test_landmarks_outside_of_the_image_are_shares_all_the_same(tmp_path: Path) -> None:
    (person, *_) = json.loads(FILES["mediapipe"]()[1])["landmarks"]
    for landmark in person[25:]:
        landmark["y"] += 1.2
    (frame,) = frames_of(written(tmp_path, "a.json", as_json(person)))
    assert joint(frame, 0, "left_ankle")[1] > SIZE


# Variants of one program --------------------------------------------------------------------------------------------


def test_pose2sim_writes_openposes_files_with_the_joints_of_its_models(tmp_path: Path) -> None:
    """rtmlib's models by Pose2Sim: 17, 26 or 133 joints, under OpenPose's keys."""
    for name in ("coco17", "halpe26", "wholebody133", "mediapipe33"):
        content = {
            "version": 1.3,
            "people": [
                {"person_id": [-1], "pose_keypoints_2d": one.ravel().tolist(), "face_keypoints_2d": []}
                for one in people(FORMATS[name].joints)
            ],
        }
        (frame,) = frames_of(written(tmp_path, "film_000000.json", as_json(content)))
        assert len(frame.keypoints) == 2
        assert_are_the_people(frame, 0)


def test_sports2d_people_of_a_folder_are_read_together(tmp_path: Path) -> None:
    """Its files in metres are left alone there, and refused alone."""
    (content,) = FILES["sports2d"]()
    text = content.decode()
    head, rows = text.split("\n")[:5], text.split("\n")[5:]
    later = [row.replace("3\t", "6\t", 1) for row in rows[1:]]
    written(tmp_path, "run_Sports2D_px_person00.trc", content)
    written(tmp_path, "run_Sports2D_px_person01.trc", "\n".join([*head, *later]).encode())
    metres = "\n".join([*head, *("\t".join([*r.split("\t")[:2], *["0.5"] * 78]) for r in rows)])
    written(tmp_path, "run_Sports2D_m_person00.trc", metres.encode())
    frames = frames_of(tmp_path)
    assert [(frame.name, frame.video, frame.identities) for frame in frames] == [
        ("0", "run_Sports2D", (1,)),
        ("3", "run_Sports2D", (1,)),
        ("6", "run_Sports2D", (2,)),
    ]
    with pytest.raises(InputError, match="is in metres; expected Sports2D's file in pixels"):
        frames_of(tmp_path / "run_Sports2D_m_person00.trc")


def test_labels_of_a_pose_data_set_are_flags(tmp_path: Path) -> None:
    one = people(COCO)[0] / [SIZE, SIZE, 1]
    one[:, 2] = [2, 1, 0] + [2] * 14
    line = " ".join(["0 0.5 0.5 0.2 0.6", *(f"{value:g}" for value in one.ravel())])
    (frame,) = frames_of(written(tmp_path, "a.txt", line.encode()))
    assert frame.confidence[0, JOINTS.index("left_hip")] == 1


def test_detectrons_scores_are_brought_to_the_threshold(tmp_path: Path) -> None:
    """Its visualiser shows joints from 0.05 on, where ours are used from 0.3 on."""
    keypoints = np.empty((2, 2), object)
    for frame, score in enumerate((0.06, 0.04)):
        one = people(COCO)[0]
        keypoints[frame, 0], keypoints[frame, 1] = (
            [],
            np.array([[one[:, 0], one[:, 1], 0 * one[:, 0], 0 * one[:, 0] + score]]),
        )
    content = as_npz(
        boxes=np.full(2, None), segments=np.full(2, None), keypoints=keypoints, metadata=np.array({}, object)
    )
    shown, hidden = frames_of(written(tmp_path, "a.npz", content))
    assert len(shown.keypoints) == 1 and len(hidden.keypoints) == 0


def test_things_beside_people_are_left_out_of_deeplabcuts_table(tmp_path: Path) -> None:
    lines = FILES["deeplabcut"]()[0].decode().split("\n")
    ball = ["DLC,DLC,DLC", "single,single,single", "ball,ball,ball", "x,y,likelihood", "1.0,2.0,0.9", "1.0,2.0,0.9"]
    content = "\n".join(f"{line},{cells}" for line, cells in zip(lines, ball, strict=True))
    frames = frames_of(written(tmp_path, "a.csv", content.encode()))
    assert [len(frame.keypoints) for frame in frames] == [2, 2]


def test_joints_that_somebody_placed_have_no_likelihood(tmp_path: Path) -> None:
    """DeepLabCut and SLEAP leave the cell empty; a joint that is not there has no place either."""
    lines = FILES["deeplabcut"]()[0].decode().split("\n")
    content = "\n".join([*lines[:4], *(line.replace(",0.9", ",") for line in lines[4:])])
    (frame, _) = frames_of(written(tmp_path, "a.csv", content.encode()))
    assert frame.confidence[:, JOINTS.index("left_hip")].tolist() == [1, 1]
    assert not frame.confidence[:, JOINTS.index("spine")].any()


def test_an_animal_is_told_what_is_missing(tmp_path: Path) -> None:
    content = "scorer,DLC,DLC,DLC\nbodyparts,snout,snout,snout\ncoords,x,y,likelihood\n0,1.0,2.0,0.9\n"
    with pytest.raises(InputError, match=r"a\.csv: bodyparts lacks left_hip, right_hip"):
        frames_of(written(tmp_path, "a.csv", content.encode()))


def test_a_canvas_is_of_one_image_too(tmp_path: Path) -> None:
    """The object of ComfyUI's list alone, as OpenPose editors have it; a person of whom only a hand was found."""
    hand = {"pose_keypoints_2d": None, "hand_left_keypoints_2d": [1.0, 2.0, 1.0] * 21}
    content = {"people": [*openpose_people(), hand], "canvas_width": 640, "canvas_height": SIZE}
    (frame,) = read(written(tmp_path, "a.json", as_json(content)))
    assert frame.image == (640, SIZE) and len(frame.keypoints) == 2


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("deeplabcut_h5", "sleap")])
def test_a_pipe_gives_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in FILES[name]():
        frames = frames_of(written(tmp_path, f"standard input{FILE_FORMATS[name].suffix}", content))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        piped = [*read("-", Options(image=(SIZE, SIZE)))]
        assert [np.array_equal(a.keypoints, b.keypoints) for a, b in zip(frames, piped, strict=True)] == [True] * len(
            frames
        )


def test_a_person_without_joints_is_left_out_and_told(tmp_path: Path) -> None:
    """Detectors write such people; they do not spoil the others."""
    ultralytics = json.loads(FILES["ultralytics"]()[0])
    named, nested = json.loads(FILES["named"]()[0]), json.loads(FILES["nested"]()[3])
    contents = {
        "ultralytics": [*ultralytics, {"name": "person", "keypoints": {"x": [], "y": [], "visible": []}}],
        "named": [*named, {"score": 0.1, "keypoints": []}],
        "nested": [*nested, {"keypoints": []}],
        "openpifpaf": [*json.loads(FILES["openpifpaf"]()[0]), {"keypoints": [], "score": 0.1}],
    }
    for name, content in contents.items():
        (frame,) = frames_of(written(tmp_path, "a.json", as_json(content)), format=name)
        assert len(frame.keypoints) == 2, name
        assert any("1 person without any joints is left out" in note for note in frame.notes), name


@pytest.mark.parametrize("name", ["ultralytics", "named", "nested", "mediapipe"])
def test_a_json_a_line_is_an_image_a_line(name: str, tmp_path: Path) -> None:
    """The first of them empty."""
    image = json.loads(FILES[name]()[{"nested": 3, "mediapipe": 3}.get(name, 0)])
    lines = [as_json([]), as_json(image), as_json(image)]
    frames = frames_of(written(tmp_path, "film.json", b"\n".join(lines)))
    assert [(frame.name, frame.video, len(frame.keypoints)) for frame in frames] == [
        *(("0", "film", 0), ("1", "film", 2), ("2", "film", 2))
    ]


def test_people_with_a_frames_number_are_put_together(tmp_path: Path) -> None:
    """Person by person, as trackers list them, or frame by frame."""
    for name, key in (("named", "score"), ("nested", "track_id"), ("ultralytics", "track_id")):
        image = json.loads(FILES[name]()[{"nested": 3}.get(name, 0)])
        assert key in image[0]
        content = [{**one, "frame": frame} for one in image for frame in (0, 1, 3)]
        frames = frames_of(written(tmp_path, "film.json", as_json(content)), format=name)
        assert [(frame.name, frame.video, len(frame.keypoints)) for frame in frames] == [
            *(("0", "film", 2), ("1", "film", 2), ("2", "film", 0), ("3", "film", 2))
        ]
        assert_are_the_people(frames[-1], 0)


def test_frames_under_their_numbers(tmp_path: Path) -> None:
    person = json.loads(FILES["mediapipe"]()[0])
    frames = frames_of(written(tmp_path, "film.json", as_json({"0": person, "1": person, "3": person})))
    assert [(frame.video, len(frame.keypoints)) for frame in frames] == [
        ("film", 1),
        ("film", 1),
        ("film", 0),
        ("film", 1),
    ]


@pytest.mark.parametrize("numbers", [3, 4])
def test_an_array_of_mediapipes_joints_is_one_person_over_time(numbers: int, tmp_path: Path) -> None:
    """(frame, joint, 3 or 4): x, y, z, and visibility; and the same people of one image are that."""
    persons = [
        [[x / SIZE, y / SIZE, -0.1, 0.9][:numbers] for x, y, _ in p] for p in people(FORMATS["mediapipe33"].joints)
    ]
    frames = frames_of(written(tmp_path, "film.json", as_json([persons[0]] * 3)))
    assert [(frame.name, frame.video, len(frame.keypoints)) for frame in frames] == [
        *((str(number), "film", 1) for number in range(3))
    ]
    assert joint(frames[0], 0, "left_hip") == pytest.approx(people(("left_hip",))[0][0, :2], abs=0.05)
    (image,) = frames_of(written(tmp_path, "two.json", as_json(persons)))
    assert len(image.keypoints) == 2


def test_arrays_of_numbered_frames(tmp_path: Path) -> None:
    """`keypoints` of all people of a frame, of nobody in one of them."""
    image = [one.tolist() for one in people(COCO)]
    content = [{"frame": number, "keypoints": one} for number, one in enumerate((image, [], image))]
    frames = frames_of(written(tmp_path, "film.json", as_json(content)))
    assert [(frame.video, len(frame.keypoints)) for frame in frames] == [("film", 2), ("film", 0), ("film", 2)]


def test_json_that_was_written_twice_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", as_json(FILES["ultralytics"]()[0].decode()))
    with pytest.raises(InputError, match=r"a\.json: is JSON in a text, .* expected the JSON itself"):
        frames_of(path)


def test_a_list_of_photographs_is_no_video(tmp_path: Path) -> None:
    """Lists of images that are not numbered as frames are told by what is in them, and a note names the option."""
    image = [one.tolist() for one in people(COCO)]
    other = [[[0.9 * SIZE - x, 0.4 * y, sure] for x, y, sure in one] for one in image]
    frames = frames_of(written(tmp_path, "a.json", as_json([image, other])))
    assert [frame.video for frame in frames] == ["", ""]
    assert any("--video" in note for frame in frames for note in frame.notes)
    assert [frame.video for frame in frames_of(tmp_path / "a.json", video=True)] == ["a", "a"]
    assert [frame.video for frame in frames_of(written(tmp_path, "b.json", as_json([image, image])))] == ["b", "b"]
    numbered = [{"frame": number, "people": one} for number, one in enumerate((image, other))]
    assert [frame.video for frame in frames_of(written(tmp_path, "c.json", as_json(numbered)))] == ["c", "c"]


# Names --------------------------------------------------------------------------------------------------------------


def test_sides_are_found_wherever_a_name_has_them() -> None:
    for style in (
        "left_hip",
        "Left Hip",
        "LEFT_HIP",
        "leftHip",
        "LHip",
        "L_Hip",
        "l-hip",
        "hip_left",
        "hip.l",
        "HipLeft",
    ):
        assert plain_name(style) == "left_hip", style
    assert [plain_name(name) for name in ("RBigToe", "Nose", "leg", "roll", "Right")] == [
        *("right_big_toe", "nose", "leg", "roll", "right")
    ]


def test_deeplabcuts_human_model_is_that_of_mpii() -> None:
    names = [
        "ankle1",
        "knee1",
        "hip1",
        "hip2",
        "knee2",
        "ankle2",
        "wrist1",
        "elbow1",
        "shoulder1",
        "shoulder2",
        "elbow2",
        "wrist2",
        "chin",
        "forehead",
    ]
    joints = format_of(names, "table").joints
    assert joints[:3] == ("right_ankle", "right_knee", "right_hip") and joints[-2:] == ("head_bottom", "head_top")
    assert {ALIASES["ankle1"], ALIASES["shoulder2"]} == {"right_ankle", "left_shoulder"}


def test_mediapipes_names_are_its_format() -> None:
    names = FORMATS["mediapipe33"].joints
    theirs = [name.replace("_little_knuckle", "_pinky").replace("_index_knuckle", "_index") for name in names]
    theirs = [name.replace("_toe", "_foot_index").upper() for name in theirs]
    assert format_of(theirs, "landmarks") is FORMATS["mediapipe33"]


def test_mediapipes_hands_are_between_its_knuckles() -> None:
    assert "left_hand" in FORMATS["mediapipe33"].derived
    assert KeypointFormat("a", "a", ("left_little_knuckle", "left_index_knuckle")).derived == ("left_hand",)


# Folders ------------------------------------------------------------------------------------------------------------


def test_other_files_of_a_folder_are_no_detectors(tmp_path: Path) -> None:
    """JSON first; else one kind of table or text, and only what begins as one."""
    written(tmp_path, "README.txt", b"These are poses.\n")
    written(tmp_path, "times.csv", b"frame,time\n0,0.0\n")
    assert detector_files(tmp_path) == []
    for number in (10, 2, 3, 4):
        written(tmp_path, f"film_{number}.txt", FILES["yolo"]()[2])
    assert [file.name for file in detector_files(tmp_path)] == [f"film_{number}.txt" for number in (2, 3, 4, 10)]
    frames = frames_of(tmp_path)
    assert [frame.name for frame in frames] == [f"film_{number}" for number in range(2, 11)], "nobody in 5 to 9"
    assert {frame.video for frame in frames} == {"film"}
    assert [len(frame.keypoints) for frame in frames] == [2, 2, 2, 0, 0, 0, 0, 0, 2]
    written(tmp_path, "film.csv", FILES["deeplabcut"]()[0])
    assert {file.suffix for file in detector_files(tmp_path)} == {".txt"}
    written(tmp_path, "film.json", FILES["ultralytics"]()[0])
    assert [file.name for file in detector_files(tmp_path)] == ["film.json"]


# Real files ---------------------------------------------------------------------------------------------------------

REAL: dict[str, tuple[int, int, tuple[float, float]]] = {
    "ultra.json": (1, 2, (99.47, 179.49)),
    "yolo-save.txt": (1, 1, (838.73, 460.76)),
    "openpifpaf.json": (1, 5, (386.74, 254.44)),
    "videopose3d.npz": (5, 1, (99.467, 179.486)),
    "detectron2.npz": (5, 1, (99.467, 179.486)),
    "ntu.json": (3, 2, (99.47, 179.49)),
    "poseflow.json": (5, 2, (838.72, 460.77)),
    "tracked-person.json": (5, 2, (99.47, 179.49)),
    "nested.json": (3, 2, (99.47, 179.49)),
    "tfjs.json": (1, 2, (99.47, 179.49)),
    "easy-vitpose.json": (10, 2, (838.72, 460.77)),
    "comfyui.json": (1, 2, (838.72, 460.77)),
    "dlc.csv": (4, 2, (99.467, 179.486)),
}
"""File -> its frames, people of the first, and where the first person's left hip is."""


@pytest.mark.skipif(not CASES.exists(), reason="the files are not here")
@pytest.mark.parametrize("name", REAL)
def test_files_of_other_programs_are_read(name: str) -> None:
    count, found, hip = REAL[name]
    options = Options(image=(1920, 1080)) if name.endswith(".txt") else Options()
    frames = [*read(CASES / name, options)]
    assert (len(frames), len(frames[0].keypoints)) == (count, found)
    assert joint(frames[0], 0, "left_hip") == pytest.approx(hip, abs=0.01)
    assert {bool(frame.video) for frame in frames} == {count > 1}
