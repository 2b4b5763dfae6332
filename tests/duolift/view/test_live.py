"""The webcam: its frames become scenes while it films, and whoever sends anything else is refused."""

import io
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from conftest import CHROMIUM
from numpy.typing import NDArray
from PIL import Image
from test_server import ask, serving

from duolift import Camera, Lifter
from duolift.demo import write_keypoints
from duolift.detectors import Detector
from duolift.detectors.registry import LIVE_DETECTOR
from duolift.errors import InputError
from duolift.files.pictures import picture_of
from duolift.inputs import read
from duolift.outputs.document import from_json
from duolift.view import server as view
from duolift.view.live import LARGEST_PICTURE, TIMED, Live, LiveFrame
from duolift.view.server import Server

IMAGE = (640, 360)


class Scripted:
    """Sees the people of the package's example, one frame after the other, whatever picture it is shown."""

    name, joints = "scripted", "chi3d25"

    def __init__(self, keypoints: NDArray[np.float64]) -> None:
        self.keypoints, self.number = keypoints, 0

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.number += 1
        scale = picture.shape[1] / 1280
        people = self.keypoints[(self.number - 1) % len(self.keypoints)] * [scale, scale, 1]
        return people.astype(np.float32)


@pytest.fixture(scope="module")
def shipped() -> Lifter:
    return Lifter.load()


@pytest.fixture(scope="module")
def keypoints(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float64]:
    """(frame, person, joint, 3) of the package's example."""
    frames = [*read(write_keypoints(tmp_path_factory.mktemp("demo")))][:40]
    return np.stack([np.concatenate([frame.keypoints, frame.confidence[..., None]], -1) for frame in frames])


@pytest.fixture
def live(shipped: Lifter, keypoints: NDArray[np.float64]) -> Live:
    return Live(shipped, lambda: Scripted(keypoints), Camera(focal=1100.0, image=(1280, 720)))


@pytest.fixture
def server(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    def made(scene: None, lift: None) -> Server:
        return Server(scene, lift, live=live)

    monkeypatch.setattr("test_server.Server", made)
    with serving(None, None) as running:
        yield running


def jpeg(size: tuple[int, int] = IMAGE) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "grey").save(file, "JPEG")
    return file.getvalue()


def test_frames_go_in_and_scenes_come_out(server: Server) -> None:
    scenes = []
    for number in range(10):
        status, _, content = ask(server, "POST", f"/live?session=a&name={number}&time={number / 10}", jpeg())
        assert status == 200
        scenes += [from_json(json.dumps(one), "the answer") for one in json.loads(content)["scenes"]]
        assert number - int(scenes[-1].names[0]) <= 1 if scenes else number == 0  # 0.1 s behind
    assert [scene.names[0] for scene in scenes] == [str(number) for number in range(9)]
    assert all(scene.identities == (1, 2) and scene.image == IMAGE for scene in scenes)
    assert scenes[0].focal == 550.0  # of half the size


def test_a_page_that_begins_to_film_begins_anew(live: Live) -> None:
    def look(session: str, time: float, size: tuple[int, int] = IMAGE) -> list[str]:
        return [scene.names[0] for scene in live.look(LiveFrame(session, f"{session}{time:g}", time, jpeg(size)))]

    assert look("a", 1.0) == [] and look("a", 2.0) == ["a1", "a2"]
    assert look("b", 0.5) == []
    with pytest.raises(InputError, match="later than"):
        look("b", 0.5)
    assert look("b", 0.4, (320, 180)) == []  # the webcam was turned to another size


@pytest.mark.parametrize(
    ("takes", "name", "said"), [(0.5, "slow", True), (0.1, "slow", False), (0.5, LIVE_DETECTOR, False)]
)
def test_a_detector_that_is_slow_here_is_told_of(
    takes: float,
    name: str,
    said: bool,
    shipped: Lifter,
    keypoints: NDArray[np.float64],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector, clock = Scripted(keypoints), count(0.0, takes)
    detector.name = name
    monkeypatch.setattr("duolift.view.live.time.perf_counter", lambda: next(clock))
    live = Live(shipped, lambda: detector)
    scenes = [live.look(LiveFrame("a", str(number), number / 5, jpeg())) for number in range(TIMED + 1)]
    early, late = (any("is faster" in note for scene in some for note in scene.notes) for some in scenes[2:10:7])
    assert (early, late) == (False, said)


def test_what_is_no_frame_is_refused_and_the_next_one_is_taken(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    good = "/live?session=a&name=0&time=1"
    assert ask(server, "POST", good, jpeg(), Content_Type="image/jpeg")[0] == 415
    assert ask(server, "POST", good, jpeg(), Origin="http://evil.example")[0] == 403
    assert ask(server, "POST", good, jpeg(), Host="evil.example")[0] == 403
    for query in ("name=0", "time=1", "name=0&time=nan", "name=0&time=soon", ""):
        assert ask(server, "POST", f"/live?{query}", jpeg())[0] == 400
    status, _, content = ask(server, "POST", good, b"no picture")
    assert status == 422 and "cannot be read as a picture" in json.loads(content)["error"]
    monkeypatch.setattr(view, "SERVER_LIMITS", replace(view.SERVER_LIMITS, frame=10))
    assert ask(server, "POST", good, jpeg())[0] == 413
    monkeypatch.undo()
    assert ask(server, "POST", "/lift", b"[]")[0] == 404  # this server lifts no files
    assert ask(server, "POST", good, jpeg())[0] == 200


def test_without_a_webcam_there_is_nothing_to_send_frames_to() -> None:
    with serving(None, None) as server:
        assert ask(server, "POST", "/live?session=a&name=0&time=1", jpeg())[0] == 404


def test_a_detector_that_is_not_there_is_told_and_a_defect_leaves_no_page_waiting(
    server: Server, live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking() -> Detector:
        raise InputError("detector movenet: its networks are not installed: duolift detector install")

    def broken() -> Detector:
        raise ZeroDivisionError

    for load, status, words in ((lacking, 422, "detector install"), (broken, 500, "ZeroDivisionError")):
        live._load = load
        found, _, content = ask(server, "POST", "/live?session=a&name=0&time=1", jpeg())
        assert found == status and words in json.loads(content)["error"]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_webcam_stands_still(shipped: Lifter, keypoints: NDArray[np.float64]) -> None:
    for camera in (Camera(static=False), Camera(smooth=False)):
        with pytest.raises(InputError, match="stands still"):
            Live(shipped, lambda: Scripted(keypoints), camera).look(LiveFrame("a", "0", 0.0, jpeg()))


def test_a_picture_that_is_too_large_is_not_decoded() -> None:
    with pytest.raises(InputError, match="has 5000 x 3000 pixels"):
        picture_of(jpeg((5000, 3000)), "frame 0", LARGEST_PICTURE)
    assert picture_of(jpeg(), "frame 0", LARGEST_PICTURE).shape == (*IMAGE[::-1], 3)


@pytest.mark.skipif(CHROMIUM is None, reason="no browser")
def test_the_page_films(server: Server, live: Live, keypoints: NDArray[np.float64], tmp_path: Path) -> None:
    """The next frame is sent once the one before is shown: that several come says that scenes are taken."""
    assert CHROMIUM
    detector = live._detector = Scripted(keypoints)
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    usual = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--use-gl=angle"]
    usual += ["--use-angle=swiftshader", f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr"]
    said = tmp_path / "said"
    with said.open("wb") as errors:
        browser = subprocess.Popen(
            [CHROMIUM, *usual, *fake, "--remote-debugging-port=0", f"{server.url}#webcam"], stderr=errors
        )
        until = time.monotonic() + 90
        try:
            while detector.number < 4 and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            browser.terminate()
            browser.wait(20)
    words = said.read_text(errors="replace")
    assert detector.number >= 4, words[-2000:]
    assert "Uncaught" not in words and "Refused" not in words and "CONSOLE:error" not in words
