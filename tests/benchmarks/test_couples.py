"""Couples as a detector sees them: each in the camera of their take, some pixels off, some joints missed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.real import couples
from benchmarks.real.capture import Capture
from benchmarks.real.variants import VARIANTS, lifted
from datamodules.synthetic.writer import SyntheticConfig, write
from duolift.body.skeleton import CHI3D25
from duolift.inputs import JOINTS, Options, read
from duolift.predictor import Lifter

EVERY = 4


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("couples")
    write(folder / "data", SyntheticConfig(takes=2, frames=8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(couples, "COUPLES", replace(couples.COUPLES, every=EVERY))
        return couples.read(folder / "data", folder / "work")


def test_every_frame_of_the_truth_is_seen_by_every_camera_once(capture: Capture) -> None:
    cameras = {view.group for view in capture.views}
    assert capture.truths["captured"].joints == CHI3D25.joints and len(cameras) > 1
    for camera in cameras:
        seen = [frame for view in capture.views if view.group == camera for frame in view.frames.values()]
        assert sorted(seen) == [*range(len(capture.truths["captured"].frames))]


def test_joints_are_off_and_missed_as_much_as_they_are_told_to_be(capture: Capture) -> None:
    truth, off, missed = capture.truths["captured"], [], []
    limbs = [joint for name, joint in couples.COUPLES.joints if name == joint]
    for view in capture.views:
        for frame in read(view.detections, Options(video=False, image=view.image)):
            people = truth.frames[view.frames[frame.name]]
            true = view.camera.project(view.camera.to_camera(people.points[:, CHI3D25.indices(limbs)])).numpy()
            joints = JOINTS.indices(limbs)
            found = frame.confidence[:, joints] > 0
            off.append((frame.keypoints[:, joints] - true)[found])
            missed.append(~found)
    assert np.concatenate(off).std() == pytest.approx(couples.COUPLES.noise, rel=0.1)
    hips = np.array(["hip" in joint for joint in limbs])  # which follow from others where they are missed
    assert np.concatenate(missed)[:, ~hips].mean() == pytest.approx(couples.COUPLES.missed, abs=0.03)


def test_the_joints_of_the_truth_are_lifted_in_the_camera_of_their_take(capture: Capture) -> None:
    view = capture.views[-1]
    ((frame, scene, _),) = [*lifted(Lifter.load(), view, capture, VARIANTS["proj_focal"])][:1]
    assert frame in view.frames.values() and scene.people.shape[1] == 2
    assert torch.from_numpy(scene.people).isfinite().all()
