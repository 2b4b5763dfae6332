"""The command line: what it reads and writes, how it ends, and what it does not import on the way."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from duolift import Camera, cli
from duolift.completion import SHELLS
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.inputs.keypoints import BODY25
from duolift.outputs import WRITERS, read, write
from duolift.outputs.destinations import FOLDER_SET
from duolift.outputs.document import from_json
from duolift.outputs.libraries import NEEDED
from duolift.predictor import Lifter
from duolift.scene import Scene

FRAMEWORK = ("pytorch_lightning", "wandb", "nflows", "omegaconf")


def person(x: float) -> list[float]:
    """OpenPose's numbers of somebody who stands at a column of the image, all joints sure."""
    heights = {"nose": 120, "neck": 160, "shoulder": 165, "elbow": 230, "wrist": 290, "pelvis": 300, "hip": 300}
    heights |= {"knee": 400, "ankle": 500, "eye": 115, "ear": 118, "toe": 515, "heel": 505}
    numbers: list[float] = []
    for joint in BODY25.joints:
        side = {"left": 1, "right": -1}.get(joint.split("_")[0], 0)
        numbers += [x + 25 * side, heights[joint.split("_")[-1]], 0.9]
    return numbers


def openpose(*columns: float) -> str:
    return json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": person(x)} for x in columns]})


@pytest.fixture
def lift(lifter: Lifter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`lift(*arguments)`: `duolift lift` with an untrained lifter, in an empty folder; its exit code."""
    monkeypatch.chdir(tmp_path)
    lifter.save(tmp_path / "own.safetensors")
    return lambda *arguments: cli.main(["lift", *arguments, "--checkpoint", "own.safetensors"])


def test_a_file_becomes_a_scene_in_every_format_asked_for(
    lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("two.json").write_text(openpose(300, 500))
    assert lift("two.json", "-o", "scene.json", "-o", "scene.npz", "--image", "900x600", "--focal", "800") == 0
    assert capsys.readouterr().out.split() == ["scene.json", "scene.npz"]
    scene = read("scene.npz")
    assert scene.people.shape[:2] == (1, 2) and np.isfinite(scene.people).all()
    assert (scene.image, scene.focal, scene.focal_source) == ((900, 600), 800, "known")
    np.testing.assert_allclose(read("scene.json").people, scene.people, atol=1e-3)


def test_a_placement_is_chosen_by_name(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.json").write_text(openpose(300, 500))
    camera = ("--image", "900x600", "--focal", "800")
    assert lift("two.json", "-o", "ground.npz", *camera) == lift(
        "two.json", "-o", "paper.npz", *camera, "--placement", "paper"
    )
    ground, paper = read("ground.npz"), read("paper.npz")
    assert np.allclose(paper.up, [0, -1, 0]) and not np.allclose(ground.people, paper.people)
    capsys.readouterr()
    assert lift("two.json", "-o", "other.npz", "--placement", "heap") == 2
    assert "placement 'heap' is unknown; expected one of paper, ground" in capsys.readouterr().err
    assert not Path("other.npz").exists()


def test_bones_are_called_as_a_rig_has_them(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.json").write_text(openpose(300, 500))
    assert lift("two.json", "-o", "scene.bvh", "-o", "scene.npz", "--rig", "mixamo") == 0
    assert "ROOT mixamorig:Hips" in Path("scene-1.bvh").read_text()
    assert read("scene.npz").save("plain.bvh") and "ROOT pelvis" in Path("plain-1.bvh").read_text()
    capsys.readouterr()
    assert lift("two.json", "-o", "other.bvh", "--rig", "biped") == 2
    assert "rig 'biped' is unknown; expected one of duolift, mixamo, cmu" in capsys.readouterr().err
    assert lift("two.json", "-o", "other.json", "--rig", "cmu") == 2
    assert "--rig cmu: no output has bones; expected one of .bvh, .glb" in capsys.readouterr().err


def test_the_default_device_is_the_cpu(lift: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("two.json").write_text(openpose(300, 500))
    assert lift("two.json", "-o", "left-out.npz") == lift("two.json", "-o", "named.npz", "--device", "cpu") == 0
    assert Path("left-out.npz").read_bytes() == Path("named.npz").read_bytes()
    given: list[object] = []
    monkeypatch.setattr("duolift.view.server.serve", lambda *_: None)
    monkeypatch.setattr(Lifter, "load", lambda path, device: given.append(device) or SimpleNamespace(lift_frames=print))
    assert cli.main(["view"]) == cli.main(["view", "--device", "cuda:1"]) == 0
    assert given == [None, "cuda:1"]


def test_doubts_go_to_standard_error(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.json").write_text(openpose(300))
    assert lift("one.json", "-o", "scene.json") == 0
    told = capsys.readouterr()
    assert "note: one person alone" in told.err and "note: the focal length is not known" in told.err
    assert told.out == "scene.json\n"


def test_a_folder_of_numbered_files_is_a_film(lift: Callable[..., int]) -> None:
    folder = Path("frames")
    folder.mkdir()
    for number in range(4):
        (folder / f"film_{number:012d}_keypoints.json").write_text(openpose(300 + number, 500))
    assert lift("frames", "-o", "scene.npz", "--focal", "800", "--rate", "25") == 0
    scene = read("scene.npz")
    assert len(scene.names) == 4 and scene.rate == 25 and len(scene.identities) == 2
    assert np.ptp(scene.height) == 0
    assert lift("frames", "-o", "alone.npz", "--images") == 0
    assert len(list(Path().glob("alone-film_*.npz"))) == 4


def test_several_images_are_files_by_their_names(lift: Callable[..., int]) -> None:
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "same.json").write_text(openpose(300))
    Path("other.json").write_text(openpose(300, 500))
    assert lift("a/same.json", "b/same.json", "other.json", "-o", "out/scene.json") == 0
    written = sorted(path.name for path in Path("out").iterdir())
    assert written == ["scene-other.json", "scene-same-2.json", "scene-same.json"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("two.json", "-o", "two.json"),
        ("two.json", "-o", "./two.json"),
        ("two.json", "-o", "scene.npz", "-o", "two.json"),
        ("film", "-o", "film/000_keypoints.json"),
        ("film", "-o", "again.json"),  # a link to a file of the folder
    ],
)
def test_nothing_that_is_read_is_written_over(
    arguments: tuple[str, ...], lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("two.json").write_text(openpose(300, 500))
    Path("film").mkdir()
    for number in range(2):
        Path(f"film/00{number}_keypoints.json").write_text(openpose(300, 500))
    Path("again.json").symlink_to("film/001_keypoints.json")
    before = {path: path.read_bytes() for path in Path().rglob("*.json")}
    assert lift(*arguments) == 2
    assert "is read as well, and would be overwritten; expected another place" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path().rglob("*.json")} == before and not Path("scene.npz").exists()


def test_videos_of_one_name_in_several_folders_stay_apart(lift: Callable[..., int]) -> None:
    for folder in ("left", "right"):
        Path(folder).mkdir()
        for number in range(2):
            Path(folder, f"film_{number:06}.json").write_text(openpose(300))
    assert lift("left", "right", "-o", "scene.npz") == 0
    assert sorted(len(read(path).names) for path in Path().glob("scene-film*.npz")) == [2, 2]


@pytest.mark.parametrize("suffix", [".html", ".bvh", ".glb"])
def test_a_scene_may_be_written_beside_the_files_of_a_film_again_and_again(
    suffix: str, lift: Callable[..., int]
) -> None:
    Path("film").mkdir()
    Path("film/000_keypoints.json").write_text(openpose(300, 500))
    for _ in range(2):
        assert lift("film", "-o", f"film/scene{suffix}") == 0 and [*Path("film").glob(f"scene*{suffix}")]


def test_people_are_chosen_by_their_numbers(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.json").write_text(openpose(300, 500))
    assert lift("two.json", "-o", "scene.npz", "--people", "2") == 0
    assert read("scene.npz").identities == (2,)
    assert lift("two.json", "-o", "other.npz", "--people", "2,7") == 2
    assert "error: people: 7 is not in two; expected some of 1, 2" in capsys.readouterr().err
    for wrong in ("one", "1.5", "1;2"):
        with pytest.raises(SystemExit):
            lift("two.json", "-o", "other.npz", "--people", wrong)
        assert f"'{wrong}' are no people's numbers; expected such as 1,2" in capsys.readouterr().err


def test_a_broken_file_is_skipped_unless_asked_to_be_strict(
    lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("film").mkdir()
    for number in range(4):
        Path(f"film/{number:03}_keypoints.json").write_text(openpose(300, 500) if number != 2 else '{"people": [')
    assert lift("film", "-o", "scene.npz") == 0
    assert read("scene.npz").valid.any(1).tolist() == [True, True, False, True]
    assert "note: 1 file is skipped: film/002_keypoints.json: not valid JSON" in capsys.readouterr().err
    assert lift("film", "-o", "strict.npz", "--strict") == 2
    assert "error: film/002_keypoints.json: not valid JSON" in capsys.readouterr().err


def test_a_folder_gets_a_set_of_files_of_every_scene(
    lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.json", "b.json"):
        Path(name).write_text(openpose(300, 500))
    assert lift("a.json", "-o", "one/") == lift("a.json", "b.json", "-o", "both/", "--rig", "cmu") == 0
    expected = {f"{name}{suffix}" for name in ("a", "b") for suffix in FOLDER_SET}
    assert {path.name for path in Path("both").iterdir()} == expected
    assert {path.name for path in Path("one").iterdir()} == {f"a{suffix}" for suffix in FOLDER_SET}
    assert b'"LHipJoint"' in Path("both/b.glb").read_bytes()
    capsys.readouterr()
    assert lift("a.json", "-o", "one") == 0, "a folder that is there needs no slash"
    assert lift("a.json", "-o", "two") == 2
    assert "two: is no folder, and has no suffix; expected a new folder as two/" in capsys.readouterr().err


def test_a_folder_goes_without_a_format_whose_library_is_missing(
    lift: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.json").write_text(openpose(300, 500))
    monkeypatch.setattr("duolift.outputs.libraries.find_spec", lambda name: None if name == "trimesh" else name)
    assert lift("a.json", "-o", "out/") == 0
    assert {path.suffix for path in Path("out").iterdir()} == {*FOLDER_SET} - {".glb"}
    assert (
        "note: out/ goes without one of its files: .glb needs trimesh, which is not installed"
        in capsys.readouterr().err
    )


def test_json_goes_to_standard_output_and_all_else_to_standard_error(
    lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.json", "b.json"):
        Path(name).write_text(openpose(300, 500))
    assert lift("a.json", "b.json", "-o", "-", "-o", "scene.npz") == 0
    told = capsys.readouterr()
    first, second = (from_json(line, "a line") for line in told.out.splitlines())
    assert (first.names, second.names) == (("a",), ("b",))
    assert "scene-a.npz\n" in told.err and "note: a: " in told.err


def test_whoever_reads_enough_of_standard_output_is_told_nothing(tmp_path: Path) -> None:
    (scene,) = example_scene(frames=300).save(tmp_path / "walk.npz")
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    command = [sys.executable, "-m", "duolift", "convert", str(scene), "-o", "-"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        assert process.stdout.read(9) == b'{"format"'
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_quiet_prints_nothing_but_errors(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.json").write_text(openpose(300))
    assert lift("one.json", "-o", "scene.json", "-q") == 0 and Path("scene.json").exists()
    assert capsys.readouterr() == ("", "")
    assert lift("gone.json", "-o", "scene.json", "--quiet") == 2
    assert capsys.readouterr().err.startswith("error: gone.json")


def test_files_of_one_name_are_not_one_video(lift: Callable[..., int]) -> None:
    for folder in ("a", "b"):
        Path(folder).mkdir()
        instances = [
            {"keypoints": np.reshape(person(300)[:51], (17, 3))[:, :2].tolist(), "keypoint_scores": [0.9] * 17}
        ]
        Path(folder, "same.json").write_text(json.dumps([{"frame_id": i, "instances": instances} for i in range(3)]))
    assert lift("a/same.json", "b/same.json", "-o", "scene.npz") == 0
    assert [len(read(name).names) for name in ("scene-same.npz", "scene-same-2.npz")] == [3, 3]


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_commands_and_names(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("lift", "--pictures", "mixamo", "halpe26", "openpose"))


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_runs_the_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["completion", "bash"])
    (tmp_path / "duolift.sh").write_text(capsys.readouterr().out)
    asked = "source duolift.sh; COMP_WORDS=(duolift lift --rig m); COMP_CWORD=3; _shtab_duolift; echo ${COMPREPLY[@]}"
    done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == ["mixamo"], done.stderr


def test_standard_input(lift: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(openpose(300, 500).encode())))
    assert lift("-", "-o", "scene.json") == 0
    assert read("scene.json").people.shape[1] == 2


def test_an_image_of_nobody_is_a_scene_of_nobody(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("nobody.json").write_text(openpose())
    assert lift("nobody.json", "-o", "scene.json") == 0
    assert read("scene.json").people.shape[:2] == (1, 0)
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.json", "-o", "scene.json"), "missing.json: cannot be read"),
        (("two.json", "missing.json", "-o", "scene.json"), "missing.json: cannot be read"),
        (("text.json", "-o", "scene.json"), "text.json"),
        (("two.json", "-o", "scene.obj"), "expected one of .json"),
        (("two.json", "-o", "scene.json", "--joints", "centaur"), "centaur"),
        (("two.json", "-o", "scene.json", "--focal", "-3"), "focal"),
        (("two.json", "-o", "scene.json", "--joints", "COCO17"), "(did you mean coco17?)"),
        (("two.json", "-o", "scene.json", "--format", "coco17"), "(it names joints: that is the option joints)"),
        (("videos", "-o", "scene.json"), "expected a folder of a detector's files, such as videos/one"),
        (("two.json", "-o", "scene.json", "--device", "the GPU"), "'the GPU' is no device"),
        (("two.json", "-o", "scene.json", "--device", "cuda:99"), "'cuda:99' is unknown or not there; expected cpu"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    arguments: tuple[str, ...], message: str, lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("two.json").write_text(openpose(300, 500))
    Path("text.json").write_text("no keypoints")
    Path("photo.json").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    for folder in ("pictures", "videos/one"):
        Path(folder).mkdir(parents=True)
    Path("pictures/a.jpg").touch()
    assert lift(*arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: ") and message in told.err and told.err.count("\n") == 1
    assert not list(Path().glob("scene*"))


@pytest.mark.parametrize("option", ["rate", "noise", "focal", "threshold"])
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "1e9", "much"])
def test_a_number_that_no_camera_or_detector_has_is_refused(
    option: str, value: str, lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("two.json").write_text(openpose(300, 500))
    try:
        code = lift("two.json", "-o", "scene.json", f"--{option}={value}")
    except SystemExit as left:
        code = int(str(left.code))
    told = capsys.readouterr().err
    assert (
        code == 2 and option in told and ("expected" in told or "invalid" in told) and not Path("scene.json").exists()
    )


def test_what_is_no_scene_is_not_viewed_and_the_message_says_what_to_do(
    lift: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("film").mkdir()
    for path in ("two.json", "film/0_keypoints.json"):
        Path(path).write_text(openpose(300, 500))
    Path("a.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    np.savez("two.npz", keypoints=np.zeros((1, 1, 17, 3)))
    for path in ("two.json", "film", "two.npz"):
        assert cli.main(["view", path]) == 2
        assert f"{path}: holds a detector's keypoints; expected a scene: first duolift lift {path} -o scene.json" in (
            capsys.readouterr().err
        )
    assert cli.main(["view", "a.jpg"]) == 2
    assert "a.jpg: is a picture; expected a scene: first duolift lift a.jpg -o scene.json" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_scene_is_not_lifted_again(suffix: str, lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Scene.example().save(f"scene{suffix}")
    assert lift(f"scene{suffix}", "-o", "again.html") == 2
    assert "is a scene that duolift wrote; expected a detector's keypoints" in capsys.readouterr().err


def test_a_file_in_the_place_of_a_command(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.json").write_text(openpose(300, 500))
    with pytest.raises(SystemExit):
        cli.main(["two.json"])
    assert "expected one before it: duolift lift two.json -o scene.html" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["900", "900x", "axb", "0x600"])
def test_a_size_that_is_none(size: str, lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.json").write_text(openpose(300, 500))
    try:
        code = lift("two.json", "-o", "scene.json", "--image", size)
    except SystemExit as left:
        code = int(str(left.code))
    assert code == 2 and "image" in capsys.readouterr().err


def test_the_page_begins_with_the_webcam_where_there_is_a_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[tuple] = []
    monkeypatch.setattr("duolift.view.server.serve", lambda *arguments: served.append(arguments))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cli.main(["live"]) == 2 and "expected: duolift detector install" in capsys.readouterr().err
    monkeypatch.setattr("duolift.detectors.registry.is_installed", lambda model: True)
    monkeypatch.setattr("duolift.detectors.registry.DetectorKind.lacking", lambda kind: "")
    assert cli.main(["live", "--no-browser", "--focal", "900", "--height", "1.8"]) == 0
    (scene, _, _, browser, _, live, filming) = served[0]
    assert scene is None and not browser and filming
    assert live.camera.focal == 900 and live.stature.mean == 1.8
    monkeypatch.setattr("duolift.detectors.registry.DetectorKind.lacking", lambda kind: "needs something")
    assert cli.main(["live"]) == 2 and "needs something" in capsys.readouterr().err
    assert cli.main(["live", "--detector", "nobody"]) == 2 and "'nobody' is unknown" in capsys.readouterr().err


def test_the_page_lifts_what_is_dropped_onto_it(
    lift: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served: list[tuple] = []
    monkeypatch.setattr("duolift.view.server.serve", lambda *arguments: served.append(arguments))
    Path("two.json").write_text(openpose(300, 500))
    assert lift("two.json", "-o", "scene.json") == 0
    own = ["--checkpoint", "own.safetensors"]
    assert cli.main(["view", "scene.json", "--port", "8123", "--no-browser", *own]) == 0
    assert cli.main(["view", *own]) == 0
    scene, dropped, port, browser, pictures, live, filming = served[0]
    assert scene.people.shape[1] == 2 and (port, browser, pictures) == (8123, False, None)
    assert served[1][0] is None and served[1][2:5] == (0, True, None)
    assert live.camera == Camera() and not filming
    Path("three.json").write_text(openpose(100, 300, 500))
    assert [scene.people.shape[1] for _, scene in dropped(Path("three.json"))] == [3]
    Path("page.html").write_text("<html>")
    with pytest.raises(InputError, match=r"^page\.html: begins with"):
        list(dropped(Path("page.html")))
    several = [{"image_id": i, "category_id": 1, "score": 1, "keypoints": person(300)[: 17 * 3]} for i in (7, 19, 44)]
    Path("several.json").write_text(json.dumps(several))
    assert [name for name, _ in dropped(Path("several.json"))] == ["7", "19", "44"]


@pytest.mark.parametrize("has_browser", [True, False])
def test_the_demo_lifts_and_opens_what_comes_with_the_package(
    has_browser: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or has_browser)
    assert cli.main(["demo"]) == 0
    folder = tmp_path / "duolift-demo"
    assert opened == [(folder / "scene.html").as_uri()]
    scene = Scene.load(folder / "scene.json")
    assert scene.people.shape[:2] == (120, 2) and scene.valid.all() and scene.rate == 25
    pelvis = scene.people[:, :, scene.skeleton.root_index]
    assert (np.linalg.norm(pelvis[:, 0] - pelvis[:, 1], axis=-1) < 2).all(), "they greet each other"
    told = capsys.readouterr().out
    command = next(line for line in told.splitlines() if line.startswith("  duolift lift "))
    assert ("opens in the browser" in told) == has_browser
    assert cli.main(command.split()[1:]) == 0 and Scene.load(folder / "scene.json") == scene


def test_pictures_that_fit_no_image_are_told(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.json").write_text(openpose(300, 500))
    Path("pictures").mkdir()
    size = ("--image", "900x600", "--pictures", "pictures")
    assert lift("two.json", "-o", "scene.json", *size) == 0 and "no picture" not in capsys.readouterr().err
    assert lift("two.json", "-o", "scene.html", *size) == 0
    assert "note: pictures: holds no picture called two" in capsys.readouterr().err


def test_the_demo_opens_nothing_unless_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("the browser is opened"))
    monkeypatch.setattr("duolift.predictor.Lifter.lift_file", lambda *_: Scene.example())
    assert cli.main(["demo", str(tmp_path / "here"), "--no-browser"]) == 0
    assert {file.name for file in (tmp_path / "here").iterdir()} == {"scene.html", "scene.json", "two-people.json"}


# A scene in other formats ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scene.json", "scene.npz", "scene.html"])
def test_a_scene_is_converted_to_every_format_asked_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Scene.example().save(name)
    assert cli.main(["convert", name, "-o", "film.bvh", "-o", "copy.json", "-o", "film.trc", "--rig", "mixamo"]) == 0
    printed = capsys.readouterr()
    assert printed.out.split() == ["film-1.bvh", "film-2.bvh", "copy.json", "film-1.trc", "film-2.trc"]
    assert "Hips" in Path("film-1.bvh").read_text()
    np.testing.assert_allclose(read("copy.json").people, Scene.example().people, atol=2e-4)


def test_a_scene_is_converted_to_a_folder_and_to_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Scene.example().save("walk.npz")
    assert cli.main(["convert", "walk.npz", "-o", "out/", "-o", "-", "-q"]) == 0
    assert {path.name for path in Path("out").iterdir()} == {f"walk{suffix}" for suffix in FOLDER_SET}
    told = capsys.readouterr()
    assert from_json(told.out, "standard output").identities == (1, 2) and not told.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.json", "-o", "a.bvh"], "gone.json: cannot be read"),
        (["scene.json", "-o", "scene.json"], "scene.json: is read as well, and would be overwritten"),
        (["scene.json", "-o", "a.obj"], "a.obj: its suffix is .obj"),
        (["scene.json", "-o", "a.trc", "--rig", "mixamo"], "rig"),
        (["two.json", "-o", "a.bvh"], "two.json: holds a detector's keypoints; expected a scene: first duolift lift"),
        (["empty.html", "-o", "a.bvh"], "empty.html: holds no scene; expected a page that duolift wrote"),
    ],
)
def test_what_is_not_converted_is_told(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Scene.example().save("scene.json")
    Path("two.json").write_text(openpose(300, 500))
    Path("empty.html").write_text("<html></html>")
    before = {*tmp_path.iterdir()}
    assert cli.main(["convert", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and printed.err.count("\n") == 1 and not printed.out
    assert {*tmp_path.iterdir()} == before


def test_converting_imports_no_torch(tmp_path: Path) -> None:
    Scene.example().save(tmp_path / "scene.json")
    script = (
        "import sys; from duolift.cli import main; main(['convert', 'scene.json', '-o', 'a.npz', '-o', 'a.bvh']); "
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1] == "False"


@pytest.mark.slow
def test_export(lift: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "lifter.pt2", "--checkpoint", "own.safetensors"]) == 0
    assert Path("lifter.pt2").stat().st_size > 1000 and "within" in capsys.readouterr().out
    assert cli.main(["export", "lifter.xyz", "--checkpoint", "own.safetensors"]) == 2


def test_interruption_is_code_130(lift: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    Path("two.json").write_text(openpose(300, 500))
    monkeypatch.setattr(Lifter, "lift_frames", interrupt)
    assert lift("two.json", "-o", "scene.json") == 130


def imported(code: str, cwd: Path) -> set[str]:
    """What a fresh interpreter has imported after some code."""
    script = f"{code}\nimport sys; print('MODULES', *sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    result = subprocess.run([sys.executable, "-c", script], cwd=cwd, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.rpartition("MODULES")[2].split())


@pytest.mark.parametrize("images", [1, 2])
def test_lifting_imports_no_compiler(images: int, tmp_path: Path) -> None:
    """PyTorch's compiler is imported by odd things, such as `torch.arange` on a device without memory: 1.5 seconds."""
    (tmp_path / "two").mkdir()
    for number in range(images):
        (tmp_path / "two" / f"{number}.json").write_text(openpose(300, 500))
    code = "from duolift.cli import main; assert main(['lift', 'two', '--rate', '25', '-o', 'scene.json']) == 0"
    assert not {"torch._dynamo", "sympy"} & imported(code, tmp_path)


def test_the_package_lists_its_names_before_it_imports_what_they_need(tmp_path: Path) -> None:
    code = "import duolift; assert {*duolift.__all__} == {*duolift.PUBLIC} <= {*dir(duolift)}"
    assert not {"torch", "numpy"} & imported(code, tmp_path)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "from duolift import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass"
    assert not {"torch", "numpy", "scipy", "rich", *FRAMEWORK} & imported(code, tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        "lift missing.json -o scene.json",
        "lift two.json missing.json -o scene.json",
        "lift two.json -o scene.json --joints centaur",
        "lift two.json -o scene.json --threshold 2",
        "lift two.json -o scene.json --focal -3",
        "lift two.json -o scene.json --noise -1",
        "lift two.json -o scene.obj",
        "lift two.json -o scene.bvh --rig biped",
        "lift two.json -o scene.json --device GPU",
        "view --device GPU",
        "view missing.json",
        "lift two.json -o scene.json --checkpoint missing.safetensors",
        "view --checkpoint missing.safetensors",
        "export lifter.onnx --checkpoint missing.safetensors",
    ],
)
def test_what_cannot_be_done_is_refused_before_torch_is_imported(command: str, tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text(openpose(300, 500))
    code = f"from duolift import cli\nassert cli.main({command.split()!r}) == 2"
    assert not {"torch", "scipy", "rich", *FRAMEWORK} & imported(code, tmp_path)


@pytest.mark.parametrize("suffix", [suffix for suffix, writer in WRITERS.items() if writer in NEEDED])
def test_a_missing_library_is_refused_before_lifting_in_the_words_of_the_writer(
    suffix: str,
    lift: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    name, _ = NEEDED[WRITERS[suffix]]
    for module in [module for module in sys.modules if module.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"^\{suffix} needs {name}, which is not installed"):
        write(Scene.example(), tmp_path / f"scene{suffix}")
    monkeypatch.setattr("duolift.commands.lift.lifter_of", lambda *_: pytest.fail("the lifter is loaded"))
    Path("two.json").write_text(openpose(300, 500))
    assert lift("two.json", "-o", f"scene{suffix}") == 2
    assert capsys.readouterr().err.startswith(f"error: {suffix} needs {name}, which is not installed")


def test_the_module_is_the_command(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    command = [sys.executable, "-m", "duolift", "--help"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.startswith("usage: duolift ")


def test_lifting_imports_no_framework(lifter: Lifter, tmp_path: Path) -> None:
    lifter.save(tmp_path / "own.safetensors")
    (tmp_path / "two.json").write_text(openpose(300, 500))
    code = "from duolift import cli\ncli.main('lift two.json -o scene.json --checkpoint own.safetensors'.split())"
    modules = imported(code, tmp_path)
    assert "torch" in modules and not {*FRAMEWORK, "matplotlib", "plotly", "onnx"} & modules
