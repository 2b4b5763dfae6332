"""Properties of the reader on small trees written by hand: exact numbers, and one clear line for bad files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_tree import FRAMES, SUBJECTS, load, write_json, write_tree

from datamodules.sources.chi3d import CAMERAS, read
from duolift.body.skeleton import CHI3D25, PAPER19, SKELETONS
from duolift.errors import InputError

Array = NDArray[np.float64]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


# What is read ---------------------------------------------------------------------------------------------------------


def projected(world: Array, parameters: dict[str, Any]) -> tuple[Array, Array]:
    """Official tools' formulae, a point at a time: camera frame in metres, and pixels."""
    rotation, centre = np.array(parameters["extrinsics"]["R"]), np.array(parameters["extrinsics"]["T"][0])
    lens = {key: value[0] for key, value in parameters["intrinsics_w_distortion"].items()}
    points, pixels = np.empty(world.shape), np.empty((*world.shape[:-1], 2))
    for place in np.ndindex(world.shape[:-1]):
        points[place] = x, y, z = rotation @ (world[place] - centre)
        a, b = x / z, y / z
        r2 = a * a + b * b
        (k1, k2, k3), (p1, p2) = lens["k"], lens["p"]
        factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + a * p2 + b * p1
        distorted = np.array([a * factor + r2 * p2, b * factor + r2 * p1])
        pixels[place] = lens["f"] * distorted + lens["c"]
    return points, pixels


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_every_view_of_every_frame_is_the_official_projection_in_order(tree: Path, skeleton: Any) -> None:
    scenes = read(tree, ["s04", "s02"]).scenes(skeleton)
    scene = 0
    names = [f"{subject}/{action}/{name}" for subject in ("s04", "s02") for action in FRAMES for name in CAMERAS[:2]]
    assert list(scenes.sequences) == names
    assert scenes.truth is not None and scenes.up is not None
    for number, name in enumerate(names):
        subject, action, place = name.split("/")
        folder = tree / "train" / subject
        parameters = load(folder / "camera_parameters" / place / f"{action}.json")
        world = np.array(load(folder / "joints3d_25" / f"{action}.json")["joints3d_25"])
        points, pixels = projected(world[:, :, CHI3D25.indices(skeleton.joints)], parameters)
        these = slice(scene, scene + FRAMES[action])
        assert (scenes.sequence[these] == number).all()
        np.testing.assert_allclose(scenes.pixels[these], pixels.swapaxes(0, 1), atol=2e-3)
        np.testing.assert_allclose(scenes.truth[these], 1000 * points.swapaxes(0, 1), atol=2e-3)
        up = np.array(parameters["extrinsics"]["R"])[:, 2]
        np.testing.assert_allclose(scenes.up[these], np.tile(up, (FRAMES[action], 1)), rtol=1e-6)
        for read_as, key in (("focal", "f"), ("principal", "c"), ("radial", "k"), ("tangential", "p")):
            lens = parameters["intrinsics_w_distortion"][key]
            np.testing.assert_allclose(getattr(scenes.intrinsics, read_as)[these], lens * FRAMES[action], rtol=1e-6)
        np.testing.assert_allclose(scenes.rays[these], (points[..., :2] / points[..., 2:]).swapaxes(0, 1), atol=1e-5)
        scene = these.stop
    assert scene == len(scenes) == 2 * 2 * sum(FRAMES.values())


def test_people_stand_on_their_feet_before_the_camera(tree: Path) -> None:
    scenes = read(tree, ["s02"]).scenes(CHI3D25)
    assert scenes.truth is not None and scenes.up is not None
    root, head = (scenes.truth[:, :, CHI3D25.index(joint)] for joint in ("pelvis", "head_top"))
    assert (root[..., 2] > 3000).all()  # z forward, millimetres
    assert (head[..., 1] < root[..., 1] - 500).all()  # y down
    assert torch.linalg.vecdot(head - root, scenes.up.unsqueeze(1)).sub(750).abs().max() < 100


def test_cameras_are_those_info_names_in_its_order_or_those_asked_for(tree: Path) -> None:
    assert read(tree, ["s02"]).cameras == CAMERAS[:2]
    write_json(tree / "info.json", {"all_camera_names": list(reversed(CAMERAS[:2]))})
    assert read(tree, ["s02"]).cameras == CAMERAS[1::-1]
    assert read(tree, ["s02"], cameras=CAMERAS[1:2]).cameras == CAMERAS[1:2]


def test_without_info_all_four_cameras_are_expected_and_others_are_found(tmp_path: Path) -> None:
    write_tree(tmp_path / "four", cameras=CAMERAS)
    (tmp_path / "four" / "info.json").unlink()
    assert read(tmp_path / "four", ["s03"]).cameras == CAMERAS
    write_tree(tmp_path / "others", cameras=("west", "east"))
    (tmp_path / "others" / "info.json").unlink()
    assert read(tmp_path / "others", ["s03"]).cameras == ("east", "west")


def test_a_tree_with_the_evaluation_subject_alone_can_be_read(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", subjects=["s04"])
    assert len(read(root, ["s04"]).scenes(PAPER19)) == 10
    with pytest.raises(InputError, match=r"train/s02: no such folder"):
        read(root, ["s02", "s04"])


# Bad input ------------------------------------------------------------------------------------------------------------

JOINTS, VIEW = "train/s03/joints3d_25/Hug 2.json", f"train/s03/camera_parameters/{CAMERAS[1]}/Hug 2.json"
Sabotage = Callable[[Path], object]


def remove(name: str) -> Sabotage:
    """Remove files that match."""

    def sabotage(root: Path) -> None:
        for path in list(root.glob(name)):
            path.unlink()

    return sabotage


def rename(name: str) -> Sabotage:
    return lambda root: (root / name).rename(root.with_name("elsewhere"))


def joints(change: Callable[[list], object]) -> Sabotage:
    """Change `joints3d_25`, nested lists (2, frame, 25, 3), in place or for what `change` returns."""

    def sabotage(root: Path) -> None:
        value = load(root / JOINTS)["joints3d_25"]
        changed = change(value)
        write_json(root / JOINTS, {"joints3d_25": value if changed is None else changed})

    return sabotage


def number(value: object) -> Sabotage:
    """One coordinate of person 1, frame 0, joint 2."""
    return joints(lambda j: j[1][0][2].__setitem__(1, value))


def swap_legs(root: Path) -> None:
    for path in root.glob("train/*/joints3d_25/*.json"):
        value = np.array(load(path)["joints3d_25"])
        value[:, :, 1:7] = value[:, :, [4, 5, 6, 1, 2, 3]]
        write_json(path, {"joints3d_25": value.tolist()})


def view(group: str, key: str, value: object) -> Sabotage:
    """Change one camera parameter; None removes it."""

    def sabotage(root: Path) -> None:
        parameters = load(root / VIEW)
        parameters[group][key] = value
        if value is None:
            del parameters[group][key]
        write_json(root / VIEW, parameters)

    return sabotage


def text(name: str, content: str | bytes) -> Sabotage:
    return lambda root: (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())


LENS = "intrinsics_w_distortion"
BAD = {
    "no root": (rename(""), ["tree: no such folder", "<root>/train/s02/joints3d_25"]),
    "no train folder": (rename("train"), ["tree/train: no such folder"]),
    "no subject": (rename("train/s03"), ["train/s03: no such folder"]),
    "no joints folder": (rename("train/s03/joints3d_25"), ["train/s03/joints3d_25: no such folder"]),
    "no takes": (remove("train/s03/joints3d_25/*"), ["train/s03/joints3d_25: no takes found", "<action>.json"]),
    "no camera folder": (rename(f"train/s03/camera_parameters/{CAMERAS[1]}"), [f"{CAMERAS[1]}/Grab 1.json: missing"]),
    "no camera file": (remove(VIEW), [f"{VIEW}: missing", f"camera {CAMERAS[1]}"]),
    "24 joints": (joints(lambda j: [[f[:24] for f in p] for p in j]), ["(2, 2, 24, 3)", "(2, frame, 25, 3)"]),
    "2 coordinates": (joints(lambda j: np.array(j)[..., :2].tolist()), ["(2, 2, 25, 2)", "(2, frame, 25, 3)"]),
    "three people": (joints(lambda j: [*j, j[0]]), ["(3, 2, 25, 3)", "expected two people"]),
    "one-person release": (joints(lambda j: j[0]), ["one-person release", "(2, frame, 25, 3)"]),
    "no frames": (joints(lambda j: [[], []]), ["(2, 0)", "(2, frame, 25, 3)"]),
    "nobody": (joints(lambda j: []), ["(0,)", "expected two people"]),
    "NaN": (number(float("nan")), ["joints3d_25 holds nan at (1, 0, 2, 1)"]),
    "infinity": (number(float("inf")), ["joints3d_25 holds inf at (1, 0, 2, 1)"]),
    "beyond float32": (number(1e300), ["joints3d_25 holds 1e+300 at (1, 0, 2, 1)"]),
    "null": (number(None), ["joints3d_25 holds nan at (1, 0, 2, 1)"]),
    "a string": (number("half"), ["not a regular array of numbers", "half"]),
    "an object": (number({}), ["not a regular array of numbers"]),
    "a ragged frame": (joints(lambda j: [j[0], [j[1][0][:24], j[1][1]]]), ["not a regular array of numbers"]),
    "ragged people": (joints(lambda j: [j[0], j[1][:1]]), ["2 frames of one person and 1 of the other"]),
    "swapped legs": (swap_legs, ["the left hip lies on the right", "100%"]),
    "cut off": (lambda root: text(JOINTS, (root / JOINTS).read_bytes()[:500])(root), ["not valid JSON"]),
    "empty": (text(JOINTS, ""), ["not valid JSON"]),
    "a list": (text(JOINTS, "[1, 2]"), ["holds a list; expected a JSON object"]),
    "deeply nested": (text(JOINTS, '{"joints3d_25": ' + "[" * 100_000), ["not valid JSON"]),
    "nested 70 deep": (text(JOINTS, '{"joints3d_25": ' + "[" * 70 + "]" * 70 + "}"), ["joints3d_25"]),
    "not UTF-8": (text(JOINTS, b'{"joints3d_25": "\xff\xfe"}'), ["not valid JSON"]),
    "no joints": (text(JOINTS, '{"joints": []}'), ["no key joints3d_25"]),
    "a folder": (lambda root: [remove(JOINTS)(root), (root / JOINTS).mkdir()], ["cannot be read"]),
    "no rotation": (view("extrinsics", "R", None), ["no key extrinsics.R"]),
    "not a rotation": (view("extrinsics", "R", np.ones((3, 3)).tolist()), ["extrinsics.R is not a rotation"]),
    "a reflection": (view("extrinsics", "R", np.diag([1.0, 1, -1]).tolist()), ["extrinsics.R is not a rotation"]),
    "a centre of 2": (view("extrinsics", "T", [[0.0, 1.0]]), ["extrinsics.T has shape (1, 2); expected (3,)"]),
    "negative focal": (view(LENS, "f", [[-1100.0, 1100.0]]), [f"{LENS}.f is [-1100.0, 1100.0]", "positive"]),
    "null focal": (view(LENS, "f", [[None, 1100.0]]), [f"{LENS}.f holds nan at (0, 0)"]),
    "no distortion": (view(LENS, "k", None), [f"no key {LENS}.k"]),
    "camera a list": (text(VIEW, "[]"), ["holds a list; expected a JSON object"]),
    "camera without lens": (text(VIEW, '{"extrinsics": 3}'), ["no key extrinsics.R"]),
    "info cut off": (text("info.json", '{"all_camera_names": ['), ["info.json: not valid JSON"]),
    "info without cameras": (text("info.json", "{}"), ["info.json: all_camera_names is None"]),
    "info with wrong cameras": (text("info.json", '{"all_camera_names": [1]}'), ["all_camera_names is [1]"]),
}


@pytest.mark.parametrize(("sabotage", "fragments"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_that_names_the_file(
    tree: Path, sabotage: Sabotage, fragments: list[str], tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*.json")}
    sabotage(tree)
    changed = [path for path in before if not path.is_file() or path.read_bytes() != before[path]]
    with pytest.raises(InputError) as caught:
        read(tree, SUBJECTS, cache=tmp_path / "cache")
    message = str(caught.value)
    assert message.startswith(str(tree)) and "\n" not in message and len(message) < 500
    assert all(fragment in message for fragment in fragments), message
    if len(changed) == 1:
        assert str(changed[0]) in message
    assert not (tmp_path / "cache").exists()
