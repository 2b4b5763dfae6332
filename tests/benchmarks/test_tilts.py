"""People before cameras of every tilt: the cameras are tilted as they are called, and the files hold what they see."""

from dataclasses import replace

import pytest
import torch

from benchmarks.real import tilts
from benchmarks.real.capture import Capture
from datamodules.synthetic.writer import SyntheticConfig, write
from duolift.body.skeleton import CHI3D25
from duolift.inputs import Options, read


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("tilts")
    write(folder / "data", SyntheticConfig(takes=1, frames=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tilts, "TILTS", replace(tilts.TILTS, degrees=(-15, 60), frames=4))
        return tilts.read(folder / "data", folder / "work")


def test_cameras_are_tilted_as_they_are_called_and_do_not_roll(capture: Capture) -> None:
    assert [view.name for view in capture.views] == ["15 degrees up", "60 degrees down"]
    for view, degrees in zip(capture.views, (15.0, -60.0), strict=True):
        up = view.camera.rotation @ torch.tensor([0.0, 0, 1], dtype=torch.float64)
        assert up[0].abs() < 1e-9
        assert torch.rad2deg(torch.asin(-up[2])).item() == pytest.approx(-degrees)


def test_people_stand_round_the_origin_as_tall_as_they_are(capture: Capture) -> None:
    for people in capture.truths["captured"].frames:
        assert people.points.mean((0, 1))[:2].abs().max() < 1e-5
        assert people.points[..., 2].min() > -0.1 and people.points[..., 2].max() < 2.2


def test_a_turn_about_the_vertical_keeps_every_distance() -> None:
    world = torch.randn(5, 2, 25, 3, dtype=torch.float64)
    after = tilts.turned(world)
    distances = [torch.cdist(points.flatten(1, 2), points.flatten(1, 2)) for points in (after, world)]
    torch.testing.assert_close(*distances)
    torch.testing.assert_close(after[..., 2], world[..., 2])
    assert not torch.allclose(after[1], world[1] - world[1].mean((0, 1)), atol=0.1)


def test_files_hold_exact_projections(capture: Capture) -> None:
    truth = capture.truths["captured"]
    assert truth.joints == CHI3D25.joints
    for view in capture.views:
        frames = list(read(view.detections, Options(video=False, image=view.image)))
        assert {frame.name for frame in frames} == view.frames.keys()
        for frame in frames:
            points = truth.frames[view.frames[frame.name]].points
            seen = view.camera.project(view.camera.to_camera(points.flatten(0, 1))).unflatten(0, points.shape[:2])
            torch.testing.assert_close(torch.from_numpy(frame.keypoints), seen, rtol=0, atol=1e-2)
