"""Training on detectors' files alone: what is read, who is held out, how large everybody is, and a whole training."""

import json
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHARED
from small_detections import people, write

from datamodules.detected import DISTANCE
from datamodules.sources.keypoints import HELD_OUT, TRAIN, read_people
from duolift import Lifter
from duolift.body.skeleton import DETECTOR15, PAPER19, PAPER23
from duolift.errors import InputError
from duolift.inputs.keypoints import COCO17
from experiments import complete
from experiments.config import load
from experiments.data import open_data, read_takes
from experiments.pack import pack_run
from experiments.train_lifter import headline, main, train

MPII = SHARED / "data" / "mpii"
IMAGES = 40


@pytest.fixture
def root(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    write(tmp_path / "files" / "some.json", people(2 * IMAGES))
    return tmp_path / "files"


def settings(root: Path, *more: str) -> list[str]:
    folder = root.parent
    sizes = [f"{stage}.{key}={value}" for stage in ("flows", "lifting") for key, value in (("width", 8), ("blocks", 1))]
    places = ("data.source=keypoints", f"data.root={root}", f"runs={folder}/runs", "run=mine")
    machine = ("wandb.mode=disabled", "compute.accelerator=cpu")
    short = ("flows.epochs=1", "flows.batch_size=16", "lifting.batch_size=16", "lifting.epochs=2", "evaluation.every=1")
    return [*places, *machine, *sizes, *short, *more]


def test_every_tenth_image_is_held_out_with_everybody_in_it(root: Path) -> None:
    found = read_people(root, [TRAIN, HELD_OUT])
    assert len(found.slopes) == 2 * IMAGES
    held_out = (found.subject == 1).nonzero().flatten().tolist()
    assert held_out == [18, 19, 38, 39, 58, 59, 78, 79]
    assert len(found.of([HELD_OUT]).slopes) == 8 and len(found.of([TRAIN]).slopes) == 2 * IMAGES - 8


def test_of_a_video_the_end_is_held_out(tmp_path: Path) -> None:
    for number, pose in enumerate(people(20)):
        path = tmp_path / "clips" / "dance" / f"dance_{number:012d}_keypoints.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = np.zeros((25, 3))
        body[: len(COCO17)] = pose  # in no order that matters here
        path.write_text(json.dumps({"people": [{"pose_keypoints_2d": body.ravel().tolist()}]}))
    found = read_people(tmp_path / "clips", [TRAIN])
    assert (found.subject == 1).nonzero().flatten().tolist() == [18, 19]


def test_a_folder_is_read_with_the_folders_in_it_and_a_file_by_itself(root: Path) -> None:
    write(root / "more" / "others.json", people(6))
    assert len(read_people(root, [TRAIN]).slopes) == 2 * IMAGES + 6
    assert len(read_people(root / "more" / "others.json", [TRAIN]).slopes) == 6


def test_the_same_person_from_nearer_is_the_same_pose(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = people(40, size=4.0)
    small[..., :2] += 4000 - small[:, :1, :2]
    large = small.copy()
    large[..., :2] = 4000 + 2 * (small[..., :2] - 4000)
    write(tmp_path / "a" / "some.json", small)
    write(tmp_path / "b" / "some.json", large)
    near, far = (read_people(tmp_path / name, [TRAIN]).scenes(DETECTOR15).pixels for name in "ab")
    torch.testing.assert_close(near, far, rtol=0.02, atol=2e-4)  # but for perspective, which is all but gone
    head = near[:, 0, DETECTOR15.head_index].norm(dim=-1)
    assert head.mean().item() == pytest.approx(1 / DISTANCE)


def test_whoever_lacks_a_joint_is_left_out(root: Path) -> None:
    poses = people(30)
    poses[:10, COCO17.joints.index("left_knee"), 2] = 0.0
    write(root / "some.json", poses)
    found = read_people(root, [TRAIN, HELD_OUT])
    assert len(found.slopes) == 30 and len(found.scenes(DETECTOR15)) == 20


def test_the_spine_which_no_detector_has_is_in_the_middle(root: Path) -> None:
    poses = read_people(root, [TRAIN]).scenes(PAPER19).pixels[:, 0]
    pelvis, spine, neck = (poses[:, PAPER19.index(joint)] for joint in ("pelvis", "spine", "neck"))
    straight = torch.linalg.vector_norm(spine - (pelvis + neck) / 2, dim=-1) / torch.linalg.vector_norm(
        neck - pelvis, dim=-1
    )
    assert (straight < 0.02).all(), "but for perspective, since every camera is turned to its person's pelvis"


def test_a_set_counts_as_many_times_as_its_entry_says(root: Path, tmp_path: Path) -> None:
    own = [f"data.root={tmp_path}/synthetic", "data.synthetic.takes=1", "data.synthetic.frames=6"]
    alone, once, thrice = (
        open_data(load([*own, *more]), "person", 16)
        for more in ([], [f"data.extra=[keypoints:{root}]"], [f"data.extra=[3*keypoints:{root}]"])
    )
    added = once.training_poses[len(alone.training_poses) :]
    assert len(added) > 0 and torch.equal(thrice.training_poses[len(alone.training_poses) :], added.repeat(3, 1, 1))
    assert thrice.fingerprint == f"{once.fingerprint} * 3"


def test_what_cannot_be_used_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"the files show left_foot, left_toe, right_foot, right_toe of nobody; expected"
    ):
        read_people(root, [TRAIN]).scenes(PAPER23)
    with pytest.raises(InputError, match="nobody of other; expected parts among train, held_out"):
        read_people(root, [TRAIN]).of(["other"])
    with pytest.raises(InputError, match=r"data.cameras is \['left'\]; expected null"):
        read_people(root, [TRAIN], ["left"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: holds no \.json or \.npz or "):
        read_people(tmp_path / "empty", [TRAIN])
    write(tmp_path / "nobody" / "some.json", np.zeros((3, len(COCO17), 3)))
    with pytest.raises(InputError, match="nobody is in these files"):
        read_people(tmp_path / "nobody", [TRAIN])
    with pytest.raises(InputError, match=r"bone_ratios is training_set, and detectors' files have no 3D"):
        train(load(settings(root, "lifting.bone_ratios=training_set")), "whole")
    with pytest.raises(InputError, match=r"data.source=keypoints has no 3D to compare with; expected a data set that"):
        read_takes(load(settings(root)), [TRAIN])


def test_the_sources_settings_are_defaults_that_anybody_overrides(root: Path) -> None:
    config = load(settings(root))
    assert (config.data.train, config.data.evaluate, config.data.skeleton) == ([TRAIN], [HELD_OUT], "detector15")
    assert config.lifting.bone_ratios == "anthropometric" and load([]).lifting.bone_ratios == "training_set"
    assert load(settings(root, "data.skeleton=paper19")).data.skeleton == "paper19"


def test_flows_and_a_lifter_are_trained_reported_by_2d_alone_and_packed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(settings(root))
    assert "whole: losses on 8 poses that were held out, by 2D alone" in capsys.readouterr().out
    folder = root.parent / "runs" / "mine"
    measured: dict[str, Any] = json.loads((folder / "whole" / "metrics.json").read_text())
    assert [passed["epoch"] for passed in measured["history"]] == [1, 2]
    assert measured["held_out"] == headline(measured)[1] and all(map(isfinite, measured["held_out"].values()))
    assert (folder / "whole" / "held_out.png").stat().st_size > 1000
    (file,) = pack_run(load(settings(root)))
    scene = Lifter.load(file).lift(people(3), format="coco17")
    assert scene.people.shape == (1, 3, len(DETECTOR15), 3) and np.isfinite(scene.people).all()


@pytest.mark.slow
def test_what_fills_in_hidden_joints_is_trained_on_them_as_well(root: Path) -> None:
    small = ("completion.width=8", "completion.blocks=1", "completion.epochs=1", "completion.batch_size=16")
    complete.main(settings(root, *small))
    assert "| val/fill_lift_head_pct |" in (root.parent / "runs" / "mine" / "completion.md").read_text()
    (file,) = pack_run(load(settings(root)))
    hidden = people(3)
    hidden[:, COCO17.joints.index("left_wrist"), 2] = 0.0
    assert np.isfinite(Lifter.load(file).lift(hidden, format="coco17").people).all()


@pytest.mark.skipif(not MPII.exists(), reason="there is no MPII")
def test_of_mpii_two_thousand_show_every_joint(tmp_path: Path) -> None:
    data = open_data(load(["data.source=keypoints", f"data.root={MPII}", "compute.accelerator=cpu"]), "person", 256)
    assert len(data.training_poses) + len(data.validation_poses) == 1993
    assert data.evaluation.truth is None
    up = data.training_poses[:, DETECTOR15.head_index, 1]
    assert (up < 0).float().mean() > 0.9  # y is down
