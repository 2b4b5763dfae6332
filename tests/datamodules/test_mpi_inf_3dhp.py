"""MPI-INF-3DHP's archives, of P-STMO's layout and of MMPose's: what is read, and what is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHARED
from small_benchmarks import MPI_TEST, MPI_TRAIN, SMALL, copied, mpi_root, objects, write_malice

from datamodules.sources.mpi_inf_3dhp.lens import fitted_lens
from datamodules.sources.mpi_inf_3dhp.reader import EVALUATE, FILES, JOINTS, TRAIN, read, subjects_of
from datamodules.sources.mpi_inf_3dhp.settings import Mpi3dhpConfig
from datamodules.sources.registry import open_source
from datamodules.synthetic.benchmarks.h36m import save
from datamodules.synthetic.benchmarks.mpi_inf_3dhp import ACTS, CAMERAS, FOCAL, PRINCIPAL
from datamodules.views import Views
from duolift.body.skeleton import H36M17
from duolift.errors import InputError
from duolift.geometry.cameras import Intrinsics
from experiments.config import load

SAMPLES = SHARED / "data/samples/mpi_inf_3dhp"
ALL = Mpi3dhpConfig(every=1)
FRAMES = ACTS * SMALL.frames


def misses(views: Views) -> torch.Tensor:
    """How far joints are from their projections, (view, joint), pixels."""
    assert views.batch.truth is not None
    return (views.batch.intrinsics[:, None].project(views.batch.truth) - views.batch.pixels).norm(dim=-1)[:, 0]


def test_videos_are_read_with_their_lens() -> None:
    views = read(mpi_root(), [*MPI_TRAIN, *MPI_TEST], settings=ALL)
    trained = [f"S1/Seq{sequence}/{camera}" for sequence in (1, 2) for camera in CAMERAS]
    assert list(views.batch.sequences) == [*trained, *(f"{name}/Test/{name}" for name in MPI_TEST)]
    counts = views.batch.sequence.bincount().tolist()
    assert counts[: len(trained)] == [FRAMES] * len(trained) and 0 < counts[-1] < FRAMES  # not all are valid
    assert views.joints == JOINTS and views.batch.up is None and not views.consecutive
    assert misses(views).max() < 0.01
    torch.testing.assert_close(
        views.batch.intrinsics.focal, torch.full_like(views.batch.intrinsics.focal, FOCAL), atol=0.5, rtol=0
    )
    assert (views.batch.intrinsics.principal - PRINCIPAL).abs().max() < 0.5
    assert views.scenes(H36M17).truth is not None


def test_only_valid_frames_of_test_videos_are_taken_and_all_of_them() -> None:
    valid = objects(mpi_root() / FILES["test"])["data"]["TS5"]["valid"]
    views = read(mpi_root(), ["TS5"], settings=Mpi3dhpConfig(every=100))
    assert len(views.batch) == valid.sum()


def test_training_videos_are_thinned_and_cameras_chosen() -> None:
    views = read(mpi_root(), ["S1"], ["7"], settings=Mpi3dhpConfig(every=10))
    assert list(views.batch.sequences) == ["S1/Seq1/7", "S1/Seq2/7"]
    assert views.batch.sequence.bincount().tolist() == [-(-FRAMES // 10)] * 2


def test_settings_reach_the_reader() -> None:
    config = load(["data.source=mpi_inf_3dhp", "data.mpi_inf_3dhp.every=5"])
    assert (config.data.train, config.data.evaluate) == ([*TRAIN], [*EVALUATE])
    source = open_source("mpi_inf_3dhp")
    assert source.configured is not None and source.subjects(mpi_root()) == [*TRAIN, *EVALUATE]
    some = source.configured(config.data.mpi_inf_3dhp).read(mpi_root(), ["S1"])
    assert len(some.scenes(H36M17)) == -(-FRAMES // 5) * 2 * len(CAMERAS)


def test_cameras_may_be_numbers(tmp_path: Path) -> None:
    root = copied(mpi_root(), tmp_path)
    content = objects(root / FILES["train"])
    for video in content["data"].values():
        video[0] = {int(camera): poses for camera, poses in video[0].items()}
    save(root / FILES["train"], **content)
    assert read(root, ["S1"], ["7"], settings=ALL).batch.sequences == ("S1/Seq1/7", "S1/Seq2/7")


def test_a_lens_is_found_though_some_joints_are_elsewhere() -> None:
    points = 0.4 * torch.randn(20, 17, 3) + torch.tensor([0.3, -0.2, 4.0])
    lens = Intrinsics.ideal(torch.tensor([1500.0, 1490.0]), torch.tensor([1000.0, 1050.0]))
    pixels = lens.project(points)
    pixels[:, :4] += 3 * torch.randn(20, 4, 2)
    found, left = fitted_lens(points, pixels)
    torch.testing.assert_close(found.focal, lens.focal, atol=0.05, rtol=0)
    assert left[:, 4:].max() < 0.05


WRONG: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "a key": ("test", lambda c: c.update(other=c.pop("data")), r"data_test_3dhp.npz: has no data, but other"),
    "no dictionary": ("test", lambda c: c.update(data=3), r"data is 3; expected videos by name"),
    "no 3D": ("test", lambda c: c["data"]["TS1"].pop("data_3d"), r"TS1 has no data_3d; expected it among data_2d"),
    "16 joints": (
        "test",
        lambda c: c["data"]["TS1"].update(data_3d=c["data"]["TS1"]["data_3d"][:, 1:]),
        r"TS1: data_3d has shape \(24, 16, 3\); expected \(frame, 17, 3\)",
    ),
    "other frames": (
        "test",
        lambda c: c["data"]["TS1"].update(data_2d=c["data"]["TS1"]["data_2d"][1:]),
        r"TS1: data_2d has shape \(23, 17, 2\); expected \(24, 17, 2\), as many frames as data_3d",
    ),
    "nothing valid": (
        "test",
        lambda c: c["data"]["TS1"].update(valid=np.zeros(24)),
        r"TS1: valid does not say which frames are; expected 24 numbers, some not 0",
    ),
    "about the root": (
        "test",
        lambda c: c["data"]["TS1"].update(data_3d=c["data"]["TS1"]["data_3d"] - c["data"]["TS1"]["data_3d"][:, 14:15]),
        r"TS1/Test/TS1: joints are not before the camera",
    ),
    "another camera's": (
        "test",
        lambda c: c["data"]["TS1"].update(data_3d=c["data"]["TS1"]["data_3d"] * [-1, 1, 1]),
        r"TS1/Test/TS1: half of the joints are \d+ pixels or more from their projections",
    ),
    "no cameras": (
        "train",
        lambda c: c["data"].update({"S1 Seq1": []}),
        r"S1 Seq1 is \[\]; expected a list that begins",
    ),
}


@pytest.mark.parametrize(("kind", "change", "message"), WRONG.values(), ids=WRONG)
def test_what_is_not_as_the_layout_has_it_is_refused(
    kind: str, change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    root = copied(mpi_root(), tmp_path)
    content = objects(root / FILES[kind])
    change(content)
    save(root / FILES[kind], **content)
    with pytest.raises(InputError, match=message):
        read(root, ["S1", "TS1"], settings=ALL)


def test_what_is_missing_is_named_and_nothing_that_a_file_names_is_run(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"holds neither data_train_3dhp.npz nor data_test_3dhp.npz nor archives of MMPose"
    ):
        read(tmp_path, ["S1"])
    with pytest.raises(InputError, match=r"has no subject S9; expected some of S1, S2"):
        read(mpi_root(), ["S9"])
    with pytest.raises(InputError, match=r"holds no images of S2"):
        read(mpi_root(), ["S1", "S2"])
    root = copied(mpi_root(), tmp_path / "data")
    (root / FILES["train"]).unlink()
    assert subjects_of(root) == [*EVALUATE]
    with pytest.raises(InputError, match=r"data_train_3dhp.npz: no such file"):
        read(root, ["S1"])
    write_malice(root / FILES["test"], "data", tmp_path / "made")
    with pytest.raises(InputError, match=r"data: holds a pickle with .*, which is not read"):
        read(root, ["TS1"])
    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(not SAMPLES.exists(), reason="the excerpt is not there")
def test_real_records_of_mmpose_are_projected_to_where_they_were_seen(tmp_path: Path) -> None:
    """But for hips and spine, whose 3D places in these files are other points of the body than their 2D places."""
    for path in SAMPLES.glob("*.npz"):
        shutil.copy(path, tmp_path)
    views = read(tmp_path, ["S4", "S8", "TS1", "TS2"])
    assert sorted(views.batch.sequences) == ["S4/Seq2/0", "S8/Seq1/8", "TS1/Test/TS1", "TS2/Test/TS2"]
    moved = [JOINTS.index(joint) for joint in ("left_hip", "right_hip", "spine")]
    others = [number for number in range(len(JOINTS)) if number not in moved]
    assert misses(views)[:, others].max() < 0.02 and misses(views)[:, moved].max() < 2.2
    published = {
        "S4/Seq2/0": (1497.693, 1497.103, 1024.704, 1051.394),
        "S8/Seq1/8": (1500.172, 1500.837, 1017.387, 1043.032),
    }
    for name, numbers in published.items():
        lens = views.batch.intrinsics[views.batch.sequences.index(name)]
        assert [*lens.focal.tolist(), *lens.principal.tolist()] == pytest.approx(numbers, abs=0.02)


def test_images_of_mmpose_that_are_called_otherwise_are_refused(tmp_path: Path) -> None:
    arrays = {"part": np.ones((1, 17, 3)), "S": np.ones((1, 17, 4))}
    np.savez(tmp_path / "a.npz", imgname=np.array(["a.jpg"]), **arrays)
    with pytest.raises(InputError, match=r"imgname holds 'a.jpg'; expected names such as S4_Seq2_Cam0_001033.jpg"):
        read(tmp_path, ["S4"])
    np.savez(tmp_path / "a.npz", imgname=np.array(["TS1_002001.jpg"]), **{**arrays, "S": -arrays["S"]})
    with pytest.raises(InputError, match=r"S holds joints that are not before the camera"):
        read(tmp_path, ["TS1"])
    np.savez(tmp_path / "a.npz", imgname=np.array([3]), **arrays)
    with pytest.raises(InputError, match=r"imgname is no list of texts"):
        read(tmp_path, ["TS1"])
