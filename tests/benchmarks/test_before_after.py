"""What solving for all frames at once changes, drawn: of made-up people, and of the real cases where they are."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED
from PIL import Image
from small_detections import people, write

from benchmarks import before_after
from datamodules.sources import chi3d
from datamodules.synthetic.writer import SyntheticConfig
from datamodules.synthetic.writer import write as write_synthetic
from duolift.body.skeleton import PAPER19
from duolift.inputs.detections import JOINTS

CASES = SHARED / "data" / "cases"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before_after") / "data"
    write_synthetic(folder, SyntheticConfig(takes=1, frames=12))
    return folder


def test_acceleration_is_that_of_a_fall() -> None:
    fallen = np.zeros((9, 2, 19, 3))
    fallen[..., 1] = (0.5 * 9.81 * (np.arange(9) / 30) ** 2)[:, None, None]
    np.testing.assert_allclose(before_after.acceleration(fallen), 1000 * 9.81 / 30**2)


def test_a_detector_has_neither_spine_nor_head_top(root: Path) -> None:
    scenes = chi3d.read(root, ["s04"]).scenes(PAPER19)
    exact = before_after.detected(scenes, 0.0)
    lacking = {joint for joint in JOINTS.joints if np.isnan(exact[:, :, JOINTS.index(joint)]).all()}
    assert {"spine", "head_top", "pelvis"} <= lacking and not {"left_wrist", "right_ankle"} & lacking
    wrist = scenes.pixels[:, :, PAPER19.index("left_wrist")].numpy()
    np.testing.assert_allclose(exact[:, :, JOINTS.index("left_wrist")], wrist)


@pytest.mark.parametrize("real", [False, True])
def test_figure_and_film_are_written(real: bool, root: Path, tmp_path: Path) -> None:
    cases = CASES if real else tmp_path / "cases"
    if not real:
        write(cases / before_after.PHOTOGRAPH, people(2))
        one = {"category_id": 1, "score": 1.0}
        still = people(1)[0]
        frames = [one | {"image_id": f"{number}.jpg", "keypoints": still.ravel().tolist()} for number in range(40)]
        (cases / before_after.JUMP).write_text(json.dumps(frames))
    elif not cases.is_dir():
        pytest.skip("the real cases are not here")
    before_after.main(["--cases", str(cases), "--root", str(root), "--output", str(tmp_path)])
    with Image.open(tmp_path / "before-after.png") as figure, Image.open(tmp_path / "jump.gif") as film:
        assert figure.width > 1000 and getattr(film, "n_frames", 1) > 1
