"""Human3.6M's archives, of VideoPose3D's layout and of MMPose's: what is read, and what is refused."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHARED
from small_benchmarks import H36M_ACTIONS, H36M_SUBJECTS, SMALL, copied, h36m_root, objects, write_malice

from datamodules.sources.h36m.cameras import CAMERAS, SUBJECTS, camera_of
from datamodules.sources.h36m.reader import KEPT, POSES_2D, POSES_3D, read, subjects_of
from datamodules.sources.h36m.settings import H36mConfig
from datamodules.sources.registry import open_source
from datamodules.synthetic.__main__ import main as write_synthetic
from datamodules.synthetic.benchmarks.h36m import save
from datamodules.views import Views
from duolift.body.skeleton import DETECTOR15, H36M17, PAPER19
from duolift.errors import InputError
from experiments.config import load

SAMPLE = SHARED / "data/samples/h36m/test_h36m_body3d.npz"
ALL = H36mConfig(every=1)


def projected(views: Views) -> torch.Tensor:
    assert views.batch.truth is not None
    return views.batch.intrinsics[:, None].project(views.batch.truth)


@pytest.fixture(scope="module")
def views() -> Views:
    return read(h36m_root(), H36M_SUBJECTS, settings=ALL)


def test_every_camera_of_every_action_is_a_sequence_in_its_own_frame(views: Views) -> None:
    batch = views.batch
    names = [f"{s}/{a} 1/{c}" for s in H36M_SUBJECTS for a in H36M_ACTIONS for c in CAMERAS]
    assert list(batch.sequences) == names and batch.sequence.bincount().tolist() == [SMALL.frames] * len(names)
    assert views.joints == H36M17.joints and views.people == 1 and views.consecutive
    assert (projected(views) - batch.pixels).abs().max() < 1e-2
    assert batch.truth is not None and batch.up is not None
    world = objects(h36m_root() / POSES_3D)["positions_3d"]["S9"]["Eating 1"]
    camera = camera_of("S9", CAMERAS[2])
    some = batch.truth[batch.sequence == names.index(f"S9/Eating 1/{CAMERAS[2]}"), 0] / 1000
    back = some @ camera.rotation + camera.centre  # (frame, joint, 3), world
    np.testing.assert_allclose(back, world[:, KEPT], atol=1e-4)
    feet, head = (batch.truth[:, 0, H36M17.index(joint)] for joint in ("left_ankle", "head_top"))
    assert ((head - feet) * batch.up).sum(-1).min() > 1000  # people stand


def test_one_frame_in_so_many_and_some_cameras(views: Views) -> None:
    some = read(h36m_root(), ["S9"], [CAMERAS[1]], settings=H36mConfig(every=4))
    assert [name.split("/")[2] for name in some.batch.sequences] == [CAMERAS[1]] * len(H36M_ACTIONS)
    assert some.batch.sequence.bincount().tolist() == [2, 2] and not some.consecutive
    which = views.batch.sequences.index(some.batch.sequences[0])
    torch.testing.assert_close(some.batch.pixels[:2], views.batch.pixels[views.batch.sequence == which][::4])
    assert len({read(h36m_root(), ["S9"], settings=H36mConfig(every=n)).fingerprint for n in (1, 2)}) == 2


def test_a_detectors_poses_stand_beside_the_same_truth(views: Views) -> None:
    detected = read(h36m_root(), H36M_SUBJECTS, settings=H36mConfig("cpn_ft_h36m_dbb", every=1))
    assert views.batch.truth is not None and detected.batch.truth is not None
    torch.testing.assert_close(detected.batch.truth, views.batch.truth)
    off = (detected.batch.pixels - views.batch.pixels).std().item()
    assert 3 < off < 5 and detected.fingerprint != views.fingerprint


def test_the_subjects_are_told_apart_and_joints_chosen(views: Views) -> None:
    assert {name.split("/")[0] for name in views.of(["S9"]).batch.sequences} == {"S9"}
    assert len(views.of(["S9"]).batch) + len(views.of(["S1"]).batch) == len(views.batch)
    assert views.scenes(DETECTOR15).pixels.shape[2] == len(DETECTOR15)
    assert views.bone_ratios(H36M17).mean().item() == pytest.approx(1)
    with pytest.raises(InputError, match="has no images of S11; expected subjects among S1, S9"):
        views.of(["S11"])
    with pytest.raises(InputError, match="has no left_hand, right_hand, which the skeleton paper19 holds"):
        views.scenes(PAPER19)


def test_settings_reach_the_reader() -> None:
    config = load(["data.source=h36m", f"data.root={h36m_root()}", "data.h36m.every=3", "data.train=[S1]"])
    assert (config.data.skeleton, config.data.evaluate, config.data.h36m.every) == ("h36m17", ["S9", "S11"], 3)
    source = open_source("h36m")
    assert source.configured is not None and source.subjects(h36m_root()) == list(SUBJECTS)
    some = source.configured(config.data.h36m).read(h36m_root(), ["S1"])
    assert len(some.scenes(H36M17)) == 2 * len(H36M_ACTIONS) * len(CAMERAS)
    with pytest.raises(InputError, match=r"setting data.h36m.every is 0; expected a positive number"):
        load(["data.h36m.every=0"])


def test_a_video_that_goes_on_after_its_3d_poses_is_cut(tmp_path: Path) -> None:
    root = copied(h36m_root(), tmp_path)
    content = objects(root / POSES_2D.format("gt"))
    cameras = content["positions_2d"]["S9"]["Eating 1"]
    cameras[3] = np.concatenate([cameras[3], cameras[3][:2]])
    save(root / POSES_2D.format("gt"), **content)
    torch.testing.assert_close(
        read(root, ["S9"], settings=ALL).batch.pixels, read(h36m_root(), ["S9"], settings=ALL).batch.pixels
    )


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a file: which, how, and what is said."""

    file: str
    change: Callable[[dict[str, Any]], object]
    message: str


def of_poses(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda content: change(content[next(iter(content))]["S9"])


WRONG = {
    "a key": Wrong(
        POSES_3D, lambda c: c.update(poses=c.pop("positions_3d")), r"data_3d_h36m.npz: has no positions_3d, but poses"
    ),
    "no dictionary": Wrong(
        POSES_3D, lambda c: c.update(positions_3d=[1]), r"positions_3d is \[1\]; expected poses by subject"
    ),
    "a subject": Wrong(
        POSES_3D, lambda c: c["positions_3d"].pop("S9"), r"positions_3d has no S9; expected it among S1"
    ),
    "17 joints": Wrong(
        POSES_3D,
        of_poses(lambda s: s.update({"Eating 1": s["Eating 1"][:, :17]})),
        r"S9: Eating 1 has shape \(6, 17, 3\); expected \(frame, 32, 3\)",
    ),
    "no frames": Wrong(
        POSES_3D, of_poses(lambda s: s.update({"Eating 1": s["Eating 1"][:0]})), r"has shape \(0, 32, 3\)"
    ),
    "not finite": Wrong(
        POSES_3D,
        of_poses(lambda s: s["Eating 1"].__setitem__((1, 2, 0), np.nan)),
        r"S9: Eating 1 holds nan at \(1, 2, 0\); expected finite",
    ),
    "millimetres": Wrong(
        POSES_3D,
        of_poses(lambda s: s.update({"Eating 1": s["Eating 1"] * 1000})),
        r"S9: Eating 1: joints are behind the camera 54138969; expected metres, z up",
    ),
    "text": Wrong(
        POSES_3D,
        of_poses(lambda s: s.update({"Eating 1": "six frames"})),
        r"is 'six frames'; expected an array of numb",
    ),
    "an action": Wrong(
        POSES_2D.format("gt"),
        of_poses(lambda s: s.pop("Eating 1")),
        r"gt.npz: S9 has no Eating 1; expected it among Dire",
    ),
    "three cameras": Wrong(
        POSES_2D.format("gt"),
        of_poses(lambda s: s["Eating 1"].pop()),
        r"S9: Eating 1 is of 3 cameras; expected a list of 4",
    ),
    "another layout": Wrong(
        POSES_2D.format("gt"),
        lambda c: c["metadata"].update(layout_name="coco"),
        r"metadata: layout_name is 'coco'; expected h36m",
    ),
    "too short": Wrong(
        POSES_2D.format("gt"),
        of_poses(lambda s: s["Eating 1"].__setitem__(1, s["Eating 1"][1][:4])),
        r"Eating 1\[1\] has 4 frames; expected 6 or more",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_not_as_the_layout_has_it_is_refused(wrong: Wrong, tmp_path: Path) -> None:
    root = copied(h36m_root(), tmp_path)
    content = objects(root / wrong.file)
    wrong.change(content)
    save(root / wrong.file, **content)
    with pytest.raises(InputError, match=wrong.message):
        read(root, ["S9"], settings=ALL)


def test_a_confidence_behind_2d_poses_is_left_out(tmp_path: Path) -> None:
    root = copied(h36m_root(), tmp_path)
    content = objects(root / POSES_2D.format("gt"))
    for actions in content["positions_2d"].values():
        for cameras in actions.values():
            cameras[:] = [np.concatenate([poses, np.ones_like(poses[..., :1])], axis=-1) for poses in cameras]
    del content["metadata"]
    save(root / POSES_2D.format("gt"), **content)
    read_again = read(root, ["S9"], settings=ALL)
    torch.testing.assert_close(read_again.batch.pixels, read(h36m_root(), ["S9"], settings=ALL).batch.pixels)


def test_swapped_legs_are_refused(tmp_path: Path) -> None:
    root = copied(h36m_root(), tmp_path)
    content = objects(root / POSES_3D)
    swapped = [0, 6, 7, 8, *range(4, 6), 1, 2, 3, *range(9, 32)]
    for actions in content["positions_3d"].values():
        actions.update({name: poses[:, swapped] for name, poses in actions.items()})
    save(root / POSES_3D, **content)
    with pytest.raises(InputError, match=r"hips are on the other side than shoulders in 100% of the poses"):
        read(root, ["S9"], settings=ALL)


def test_nothing_that_a_file_names_is_run(tmp_path: Path) -> None:
    root = copied(h36m_root(), tmp_path / "data")
    for name, key in ((POSES_3D, "positions_3d"), (POSES_2D.format("gt"), "positions_2d")):
        copied(h36m_root(), root)
        write_malice(root / name, key, tmp_path / "made")
        with pytest.raises(InputError, match=rf"{name}: {key}: holds a pickle with .*, which is not read"):
            read(root, ["S9"])
    assert not (tmp_path / "made").exists()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds neither data_3d_h36m.npz nor archives of MMPose"):
        read(tmp_path, ["S9"])
    with pytest.raises(InputError, match=r"holds neither"):
        subjects_of(tmp_path)
    with pytest.raises(
        InputError, match=r"data_2d_h36m_sh.npz: no such file, but data_2d_h36m_cpn_ft_h36m_dbb.npz, data_2d"
    ):
        read(h36m_root(), ["S9"], settings=H36mConfig("sh"))
    with pytest.raises(InputError, match=r"no subject S2 with 3D; expected some of S1, S5"):
        read(h36m_root(), ["S2"])
    with pytest.raises(InputError, match=r"no camera 1; expected some of 54138969"):
        read(h36m_root(), ["S9"], ["1"])


def test_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "datamodules.synthetic.benchmarks.h36m.people_alone",
        lambda n, count, c: iter([np.full((2, 17, 3), n + 1.0)] * count),
    )
    monkeypatch.setattr("sys.argv", ["synthetic", "--layout", "h36m", "--root", str(tmp_path / "h36m"), "--takes", "1"])
    write_synthetic()
    assert capsys.readouterr().out.strip() == str(tmp_path / "h36m")
    assert objects(tmp_path / "h36m" / POSES_3D)["positions_3d"].keys() == set(SUBJECTS)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the excerpt is not there")
def test_real_records_of_mmpose_are_projected_to_where_they_were_seen(tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path)
    views = read(tmp_path, ["S1", "S5", "S7", "S8"])
    assert views.batch.sequences[1] == "S5/SittingDown/54138969"
    assert (projected(views) - views.batch.pixels).abs().max() < 1e-3
    assert views.batch.up is not None and (views.batch.up[:, 1] < -0.9).all()  # cameras are level
    # by hand, the pelvis of the first record: 1145.0494 * (-0.176731 / 5.203882) * 1.00102 + 512.5415, and so on
    assert views.batch.truth is not None
    assert views.batch.truth[0, 0, 0].tolist() == pytest.approx([-176.731, -321.049, 5203.882], abs=1e-2)
    assert views.batch.pixels[0, 0, 0].tolist() == pytest.approx([473.68, 444.94], abs=1e-2)
    with pytest.raises(InputError, match="holds no images of S9"):
        read(tmp_path, ["S1", "S9"])
    with pytest.raises(InputError, match="detections is cpn; expected gt, the 2D poses of MMPose's archives"):
        read(tmp_path, ["S1"], settings=H36mConfig("cpn"))
