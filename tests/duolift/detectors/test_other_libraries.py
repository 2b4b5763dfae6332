"""Detectors of other libraries, against modules that are made up with the libraries' documented interfaces."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from duolift.detectors import load_detector
from duolift.detectors.cache import cache_folder
from duolift.errors import InputError
from duolift.inputs.keypoints import HALPE26, MEDIAPIPE33

PICTURE = np.zeros((100, 200, 3), np.uint8)
PICTURE[..., 0] = 255  # red


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def rtmlib(monkeypatch: pytest.MonkeyPatch, boxes: list[list[float]]) -> list[NDArray[np.uint8]]:
    """Pretend that rtmlib is there and finds boxes; gives the pictures that it is shown."""
    shown: list[NDArray[np.uint8]] = []

    class BodyWithFeet:
        def __init__(self, mode: str, backend: str, device: str) -> None:
            assert (mode, backend, device) == ("balanced", "onnxruntime", "cpu")

        def det_model(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
            shown.append(image)
            return np.array(boxes)

        def pose_model(self, image: NDArray[np.uint8], bboxes: NDArray[np.float64]) -> tuple[object, object]:
            bboxes = bboxes if len(bboxes) else np.array([[0, 0, *image.shape[1::-1]]])  # as rtmlib does
            spread = np.random.default_rng(0).uniform(size=(len(HALPE26), 2))
            keypoints = bboxes[:, None, :2] + spread * (bboxes[:, None, 2:] - bboxes[:, None, :2])
            return keypoints, np.linspace(0.5, 1.4, len(bboxes))[:, None].repeat(len(HALPE26), 1)

    module = ModuleType("rtmlib")
    module.BodyWithFeet = BodyWithFeet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rtmlib", module)
    return shown


def test_rtmpose_is_shown_blue_first_and_its_joints_are_halpes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = rtmlib(monkeypatch, [[10, 10, 50, 90], [100, 10, 140, 90], [101, 10, 141, 90]])
    found = load_detector("rtmpose").detect(PICTURE)
    assert shown[0][0, 0].tolist() == [0, 0, 255]
    assert found.shape == (2, 26, 3) and found.dtype == np.float32  # the second twice
    assert found[0, 0, 2] == 1 and found[1, 0, 2] == 0.5  # surest first, never above 1


def test_rtmpose_finds_nobody_where_there_is_no_box(monkeypatch: pytest.MonkeyPatch) -> None:
    rtmlib(monkeypatch, [])
    assert load_detector("rtmpose").detect(PICTURE).shape == (0, 26, 3)


def mediapipe(monkeypatch: pytest.MonkeyPatch, people: int) -> list[object]:
    """Pretend that MediaPipe is there and finds so many people; gives the pictures that it is shown."""
    shown: list[object] = []
    one = [SimpleNamespace(x=n / 66, y=n / 33, visibility=0.9, presence=0.5) for n in range(len(MEDIAPIPE33))]

    class PoseLandmarker:
        @classmethod
        def create_from_options(cls, options: SimpleNamespace) -> "PoseLandmarker":
            assert options.num_poses == 6 and options.running_mode == "image"
            if Path(options.base_options.model_asset_path).read_bytes() != b"a bundle":
                raise RuntimeError("Unable to open zip archive")
            return cls()

        def detect(self, image: object) -> SimpleNamespace:
            shown.append(image)
            return SimpleNamespace(pose_landmarks=[one] * people)

    vision = SimpleNamespace(
        PoseLandmarker=PoseLandmarker, PoseLandmarkerOptions=SimpleNamespace, RunningMode=SimpleNamespace(IMAGE="image")
    )
    for name in ("mediapipe", "mediapipe.tasks", "mediapipe.tasks.python"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["mediapipe"].Image = SimpleNamespace  # type: ignore[attr-defined]
    sys.modules["mediapipe"].ImageFormat = SimpleNamespace(SRGB="srgb")  # type: ignore[attr-defined]
    sys.modules["mediapipe.tasks.python"].vision = vision  # type: ignore[attr-defined]
    sys.modules["mediapipe.tasks.python"].BaseOptions = SimpleNamespace  # type: ignore[attr-defined]
    return shown


def bundle(content: bytes) -> None:
    cache_folder().mkdir(parents=True)
    (cache_folder() / "pose_landmarker.task").write_bytes(content)


def test_mediapipes_landmarks_become_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = mediapipe(monkeypatch, people=2)
    bundle(b"a bundle")
    found = load_detector("mediapipe").detect(PICTURE)
    assert shown[0].image_format == "srgb" and (shown[0].data == PICTURE).all()  # type: ignore[attr-defined]
    assert found.shape == (1, 33, 3)  # who is found twice stays once
    np.testing.assert_allclose(found[0, 3], (200 * 3 / 66, 100 * 3 / 33, 0.45), rtol=1e-5)


def test_mediapipe_finds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    mediapipe(monkeypatch, people=0)
    bundle(b"a bundle")
    assert load_detector("mediapipe").detect(PICTURE).shape == (0, 33, 3)


def test_mediapipes_bundle_is_named_where_it_is_missing_or_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    mediapipe(monkeypatch, people=0)
    with pytest.raises(InputError, match=r"pose_landmarker.task: no such file; expected MediaPipe's"):
        load_detector("mediapipe")
    bundle(b"something else")
    with pytest.raises(InputError, match=r"pose_landmarker.task: MediaPipe cannot use it \(Unable to open"):
        load_detector("mediapipe")


@pytest.mark.parametrize(("name", "library"), [("rtmpose", "rtmlib"), ("mediapipe", "mediapipe")])
def test_a_library_that_is_not_installed_is_named(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"detector {name} needs {library}, which is not installed .*pip install"):
        load_detector(name)
