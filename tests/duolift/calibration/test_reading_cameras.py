"""Calibrated cameras from files of every layout: the same camera comes out of each, and what is wrong is named."""

import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duolift.calibration.calibration import Calibration, World
from duolift.calibration.registry import read_calibration
from duolift.camera import Camera
from duolift.errors import InputError
from fuzzing.camera_seeds import COLMAP_CAMERAS, COLMAP_IMAGES, OPENCV, POSE2SIM, documents

STILL, MOVING, PANOPTIC = (json.loads(content) for content in documents())


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Calibration]:
    """`read(content, file="camera.json", **arguments)`."""

    def written(content: Any, file: str = "camera.json", **arguments: Any) -> Calibration:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (tmp_path / file).write_bytes(data)
        return read_calibration(tmp_path / file, **arguments)

    return written


def colmap(folder: Path, cameras: bytes = COLMAP_CAMERAS, images: bytes = COLMAP_IMAGES) -> Calibration:
    (folder / "cameras.txt").write_bytes(cameras)
    (folder / "images.txt").write_bytes(images)
    return read_calibration(folder)


LAYOUTS: dict[str, tuple[Any, str]] = {
    "ours": (STILL, "camera.json"),
    "Rodrigues' vector": ({**STILL, "R": [np.pi / 2, 0, 0]}, "camera.json"),
    "R and t side by side": (
        {"K": [*chain(*STILL["K"])], "RT": [1, 0, 0, 0, 0, 0, -1, 1.5, 0, 1, 0, 4], "imgSize": [1280, 720]},
        "camera.json",
    ),
    "Pose2Sim": (POSE2SIM, "Calib.toml"),
    "Panoptic": (PANOPTIC, "calibration.json"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_camera(name: str, read: Callable[..., Calibration]) -> None:
    found = read(*LAYOUTS[name])
    scale = 100 if name == "Panoptic" else 1
    assert found.rotation is not None and found.position is not None and not found.moving
    np.testing.assert_allclose(found.rotation[0], STILL["R"], atol=1e-6)
    np.testing.assert_allclose(found.position[0] / scale, [0, -4, 1.5], atol=1e-6)
    assert found.lenses[0].focal == (900, 910) and found.lenses[0].principal == (640, 360)
    assert found.image == (1280, 720)


def test_what_a_layout_says_of_its_world_is_known(read: Callable[..., Calibration], tmp_path: Path) -> None:
    assert read(STILL).world == World()
    assert read(MOVING).world == World((0, 0, 1), 0, 1)
    assert read(POSE2SIM, "Calib.toml").world == World((0, 0, 1), None, 1)
    assert read(PANOPTIC).world == World((0, -1, 0), 0, 0.01)
    assert read(PANOPTIC, world=World(unit=0.02)).world == World((0, -1, 0), 0, 0.02)
    assert Camera.load(tmp_path / "camera.json", world="up=z").calibration.world == World((0, 0, 1), None, 0.01)  # type: ignore[union-attr]


def test_colmaps_images_have_a_camera_each(tmp_path: Path) -> None:
    found = colmap(tmp_path)
    assert found.moving and found.names == ("frame_0001.png", "frame_0002.png") and found.image == (1280, 720)
    assert found.lenses[0].distortion == (-0.1, 0.02, 0.001, 0.002) and found.lenses[0].principal == (640, 360)
    assert found.rotation is not None and found.position is not None
    np.testing.assert_allclose(found.rotation[0], [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-7)
    np.testing.assert_allclose(found.position[0], [0, -4, 1.5], atol=1e-6)
    same = read_calibration(tmp_path / "images.txt")
    assert same.names == found.names


@pytest.mark.parametrize(
    ("line", "distortion", "model"),
    [
        ("SIMPLE_PINHOLE 1280 720 900 640 360", (), "opencv"),
        ("PINHOLE 1280 720 900 910 640 360", (), "opencv"),
        ("RADIAL 1280 720 900 640 360 0.1 0.2", (0.1, 0.2, 0, 0), "opencv"),
        ("FULL_OPENCV 1280 720 900 910 640 360 1 2 3 4 5 6 7 8", (1, 2, 3, 4, 5, 6, 7, 8), "opencv"),
        ("OPENCV_FISHEYE 1280 720 900 910 640 360 1 2 3 4", (1, 2, 3, 4), "fisheye"),
        ("SIMPLE_RADIAL_FISHEYE 1280 720 900 640 360 0.1", (0.1, 0, 0, 0), "fisheye"),
    ],
)
def test_colmaps_models_are_known(line: str, distortion: tuple[float, ...], model: str, tmp_path: Path) -> None:
    images = b"7 1 0 0 0 0 0 0 1 a.png\n\n"
    lens = colmap(tmp_path, f"1 {line}\n".encode(), images).lenses[0]
    assert lens.distortion == distortion and lens.model == model and lens.focal[0] == 900


def test_opencvs_yaml_and_easymocaps_pair(tmp_path: Path, read: Callable[..., Calibration]) -> None:
    pytest.importorskip("yaml")
    found = read(OPENCV, "camera.yml")
    assert found.lenses[0].distortion == (-0.1, 0.02, 0, 0, 0) and found.rotation is None and found.image == (1280, 720)
    matrix = "!!opencv-matrix\n  rows: {}\n  cols: {}\n  dt: d\n  data: {}\n".format
    extri = "%YAML:1.0\n---\nnames:\n  - '1'\n" + "Rot_1: " + matrix(3, 3, [*chain(*STILL["R"])]) + "T_1: "
    (tmp_path / "extri.yml").write_text(extri + matrix(3, 1, [0, 1.5, 4]))
    intri = "%YAML:1.0\n---\nnames:\n  - '1'\n" + "K_1: " + matrix(3, 3, [*chain(*STILL["K"])])
    found = read(intri.encode(), "intri.yml", name="1")
    assert found.position is not None
    np.testing.assert_allclose(found.position[0], [0, -4, 1.5], atol=1e-9)


def without(found: dict, key: str) -> dict:
    return {name: value for name, value in found.items() if name != key}


BROKEN: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "camera.json: not valid JSON"),
    "a list": ([1], "camera.json: holds a list; expected an object with a camera's K"),
    "no camera": ({"people": []}, "camera.json: holds no camera; expected K"),
    "a stretched rotation": (
        {**STILL, "R": [[1, 0, 0], [0, 2, 0], [0, 0, 1]]},
        r"camera.json: R is .*; expected a rot",
    ),
    "a mirror": ({**STILL, "R": [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]}, "R mirrors"),
    "five numbers of a rotation": ({**STILL, "R": [1, 2, 3, 4, 5]}, "expected 9 numbers of a matrix, or 3"),
    "no translation": (without(STILL, "t"), "t is missing; expected R and t, or neither"),
    "a translation in words": ({**STILL, "t": ["0", "1", "2"]}, "t is .*; expected 3 numbers"),
    "an unknown model": ({**STILL, "model": "mirror ball"}, "model is 'mirror ball'; expected one of opencv, fisheye"),
    "three coefficients": ({**STILL, "distortion": [1, 2, 3]}, "distortion has 3 numbers; expected 0 or 4 or 5"),
    "a matrix that is none": ({**STILL, "K": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}, "K is .*; expected a camera matrix"),
    "an image of no size": ({**STILL, "image": [0, 720]}, "image is .*; expected a width and a height"),
    "an axis that is none": ({**STILL, "up": "w"}, "up: axis is 'w'; expected x, y, z"),
    "up without length": ({**STILL, "up": [0, 0, 0]}, "up is .*; expected a direction"),
    "no frame": ({**MOVING, "frames": []}, "frames is .*; expected a list"),
    "a frame without a place": ({**MOVING, "frames": [{"name": "1"}]}, r"frames\[0\] has no R and t"),
    "a frame without a name": (
        {**MOVING, "frames": [MOVING["frames"][0], without(MOVING["frames"][1], "name")]},
        r"frames\[1\] has no name",
    ),
    "two frames of a name": ({**MOVING, "frames": [MOVING["frames"][0]] * 2}, "two frames have the same name"),
    "several cameras": ({"a": STILL, "b": STILL}, "several cameras, and none is named; expected one of a, b"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named_in_a_line(name: str, read: Callable[..., Calibration]) -> None:
    content, message = BROKEN[name]
    with pytest.raises(InputError, match=message) as error:
        read(content)
    assert "\n" not in str(error.value) and "camera.json" in str(error.value)


@pytest.mark.parametrize(
    ("cameras", "images", "message"),
    [
        (COLMAP_CAMERAS.replace(b"OPENCV", b"FOV"), COLMAP_IMAGES, "line 2: camera model is FOV; expected one of SIM"),
        (COLMAP_CAMERAS.replace(b" 0.002", b""), COLMAP_IMAGES, "OPENCV has 7 parameters; expected fx fy cx cy"),
        (COLMAP_CAMERAS, COLMAP_IMAGES.replace(b"1.5 4 1", b"1.5 4 9"), "camera 9 is not in cameras.txt"),
        (COLMAP_CAMERAS, COLMAP_IMAGES.replace(b"0.70710678 0 0 0 ", b"2.5 0 0 0 "), "quaternion's length is"),
        (COLMAP_CAMERAS, b"# nothing\n", "holds no image"),
        (COLMAP_CAMERAS, b"1 1 0 0 0 0 0 0 1 a.png\n\n2 1 0 0 0 0 0 0 1 a.png\n\n", "two images have the same name"),
    ],
)
def test_what_is_wrong_with_colmaps_files_is_named(cameras: bytes, images: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        colmap(tmp_path, cameras, images)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "gone.json", "no such file"), (tmp_path, "a folder without cameras.txt")):
        with pytest.raises(InputError, match=message):
            read_calibration(path)
    (tmp_path / "camera.obj").write_text("")
    with pytest.raises(InputError, match=r"its suffix is \.obj; expected"):
        read_calibration(tmp_path / "camera.obj")


@pytest.mark.parametrize("text", ["up=w", "up", "up=z,up=y", "scale=3", "unit=feet", "ground=high"])
def test_a_world_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"world is .*; expected such as up=z"):
        World.parsed(text)


@pytest.mark.parametrize("world", [{"ground": 1.0}, {"unit": 0.0}, {"up": (0.0, 0.0, 0.0)}])
def test_a_world_is_one(world: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="; expected"):
        World(**world)
