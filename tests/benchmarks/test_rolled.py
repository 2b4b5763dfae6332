"""Turned pictures: a detector's joints and the camera are turned alike, and nothing is cut off."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from benchmarks.real import tilts
from benchmarks.real.capture import Capture
from benchmarks.real.rolled import rolled
from benchmarks.real.variants import VARIANTS, lifted
from datamodules.synthetic.writer import SyntheticConfig, write
from duolift.inputs import Frame
from duolift.predictor import Lifter
from duolift.scene import Scene

DEGREES = 20.0


class Watching(Lifter):
    """Lifts nobody, and remembers what it was given."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def lift_frames(self, frames: Iterable[Frame], *_: Any, **__: Any) -> Iterator[tuple[str, Scene]]:
        self.frames = [*frames]
        return iter(())


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("rolled")
    write(folder / "data", SyntheticConfig(takes=1, frames=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tilts, "TILTS", replace(tilts.TILTS, degrees=(25,), frames=4))
        return tilts.read(folder / "data", folder / "work")


@pytest.mark.parametrize("variant", ["images_focal", "proj_focal"])
def test_a_turned_camera_sees_people_where_the_turned_detections_are(capture: Capture, variant: str) -> None:
    (view,), truth = rolled(capture, DEGREES).views, capture.truths["captured"]
    watching = Watching()
    assert [*lifted(watching, view, capture, VARIANTS[variant])] == []
    assert len(watching.frames) == 4
    for frame in watching.frames:
        points = truth.frames[view.frames[frame.name]].points
        seen = view.camera.project(view.camera.to_camera(points.flatten(0, 1))).unflatten(0, points.shape[:2])
        found = torch.from_numpy(frame.keypoints)[..., torch.from_numpy(frame.confidence).any(0), :]
        nearest = torch.cdist(found.flatten(0, 1), seen.flatten(0, 1).to(found)).amin(-1)
        assert nearest.max() < 0.1, "pixels"
        assert frame.image == view.image


def test_up_leans_to_the_right_and_pictures_hold_all_that_they_showed(capture: Capture) -> None:
    (before,), (view,) = capture.views, rolled(capture, DEGREES).views
    assert torch.rad2deg(torch.atan2(view.camera.up[0], -view.camera.up[1])).item() == pytest.approx(DEGREES)
    assert view.turn is not None and before.image == view.turn.before
    corners = torch.cartesian_prod(*(torch.tensor([0.0, size]) for size in before.image)).numpy()
    turned = view.turn(corners)
    assert (turned > -1e-6).all() and (turned < [size + 1e-6 for size in view.image]).all()
