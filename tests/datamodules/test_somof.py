"""3DPW's pairs as SoMoF has them: whichever axis is vertical, before virtual cameras, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_companies import copied, somof_root

from datamodules.sources.somof import JOINTS, KEPT, SomofConfig, read, subjects_of, z_up
from duolift.body.skeleton import LIMBS14
from duolift.errors import InputError
from experiments.config import load
from experiments.data import open_data

EVERY = SomofConfig(every=1)


def test_joints_are_the_files_own_and_the_pelvis_between_the_hips() -> None:
    """A joint of the file by hand: its world has y up, and x and z on the ground."""
    takes = read(somof_root(), ["train"], settings=EVERY)
    given = np.array(json.loads((somof_root() / "3dpw_train_in.json").read_text())).reshape(-1, 2, 16, 13, 3)
    assert takes.people == 2 and takes.frames(3).shape == (30, 2, 14, 3) and takes.names[0] == "train/grab_00 1"
    x, y, z = given[3, 1, 7, JOINTS.index("left_wrist")]
    assert takes.frames(3)[7, 1, KEPT.index("left_wrist")].tolist() == pytest.approx([z, x, y], abs=1e-5)
    hips = takes.world[:, :, [KEPT.index("left_hip"), KEPT.index("right_hip")]].mean(2)
    torch.testing.assert_close(takes.world[:, :, KEPT.index("pelvis")], hips)
    left, right, neck = (takes.world[0, 0, KEPT.index(name)] for name in ("left_hip", "right_hip", "neck"))
    assert neck[2] > left[2] and (left - right).norm() > 0.05


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_whichever_axis_is_vertical_people_stand_and_are_not_mirrored(axes: tuple[int, ...], sign: int) -> None:
    takes = read(somof_root(), ["train"], settings=EVERY)
    people = takes.world.numpy().astype(np.float64)
    turned = (people * [1, sign, sign])[..., list(axes)]
    again = z_up(turned, Path("a.json"))

    def handed(some: Any) -> Any:
        left = some[..., KEPT.index("left_shoulder"), :] - some[..., KEPT.index("right_shoulder"), :]
        foot = some[..., KEPT.index("left_ankle"), :] - some[..., KEPT.index("pelvis"), :]
        rise = some[..., KEPT.index("neck"), :] - some[..., KEPT.index("pelvis"), :]
        return (np.cross(left, rise) * foot).sum(-1)

    np.testing.assert_allclose(again[..., 2], people[..., 2], atol=1e-5)
    np.testing.assert_allclose(handed(again), handed(people), atol=1e-5)


def test_everybody_is_in_the_picture_of_every_camera() -> None:
    scenes = read(somof_root(), ["train", "valid"], settings=EVERY).scenes(LIMBS14)
    assert scenes.valid is None and len(scenes.cameras) == 4
    assert (scenes.pixels >= 0).all() and (scenes.pixels < torch.tensor([1280.0, 960.0])).all()
    one = read(somof_root(), ["valid"], ["virtual2"], settings=EVERY)
    assert one.cameras == ("virtual2",)
    same = read(somof_root(), ["valid"], settings=EVERY)
    torch.testing.assert_close(one.views.centre[:, 0], same.views.centre[:, 1])


def test_it_can_be_trained_on() -> None:
    config = load(["data.source=somof", f"data.root={somof_root()}"])
    data = open_data(config, "person", 32)
    assert (
        data.skeleton is LIMBS14
        and data.training_poses.shape[1:] == (14, 2)
        and subjects_of(somof_root())
        == [
            "train",
            "valid",
        ]
    )


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("in", "[[1, 2", "not valid JSON"),
        ("in", "[]", r"holds numbers of shape \(0,\); expected \(scene, 2, frame, 39\)"),
        ("in", json.dumps(np.ones((2, 2, 16, 38)).tolist()), r"holds numbers of shape \(2, 2, 16, 38\)"),
        ("in", json.dumps(np.ones((8, 2, 16, 39)).tolist()), "people rise along .*; expected a world with a vertical"),
        ("out", json.dumps(np.ones((1, 2, 14, 39)).tolist()), "8 and 1 scenes before and after; expected as many"),
        ("frames_in", "[[1]]", ".*expected names of images of 8 scenes"),
        ("frames_in", json.dumps([[1]] * 8), r"scene 0 is \[1\]; expected names of images"),
    ],
)
def test_what_is_not_as_distributed_is_refused(tmp_path: Path, file: str, content: str, message: str) -> None:
    root = copied(somof_root(), tmp_path / "somof")
    if file == "in" and content.startswith("[[[["):
        (root / "3dpw_train_out.json").unlink()
        (root / "3dpw_train_frames_in.json").unlink()
    (root / f"3dpw_train_{file}.json").write_text(content)
    with pytest.raises(InputError, match=rf"3dpw_train_{file}\.json: {message}") as raised:
        read(root, ["train"])
    assert "\n" not in str(raised.value)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no part walk; expected some of train, valid, test"):
        read(somof_root(), ["walk"])
    with pytest.raises(InputError, match=r"3dpw_test_in\.json: cannot be read"):
        read(somof_root(), ["test"])
    with pytest.raises(InputError, match=r"data\.cameras has left; expected some of virtual1"):
        read(somof_root(), ["train"], ["left"])
    with pytest.raises(InputError, match=r"holds no 3dpw_train_in\.json"):
        subjects_of(tmp_path)
    root = copied(somof_root(), tmp_path / "somof")
    (root / "3dpw_train_frames_in.json").unlink()
    assert read(root, ["train"]).names[:2] == ("train/1", "train/2")
