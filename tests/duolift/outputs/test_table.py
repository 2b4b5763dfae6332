"""Tables: the same rows for pandas, as CSV and as Parquet, with nothing lost but digits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from duolift.body.skeleton import PAPER19
from duolift.example import example_scene
from duolift.outputs import labelled, write
from duolift.outputs.angles import ANGLES, joint_angles

READ = {".csv": pd.read_csv, ".parquet": pd.read_parquet}


def read(path: Path) -> pd.DataFrame:
    return READ[path.suffix](path)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("rate", [25.0, None])
def test_a_row_is_a_joint_of_a_person_in_a_frame(tmp_path: Path, suffix: str, rate: float | None) -> None:
    scene = example_scene(rate=rate)
    table = read(write(scene, tmp_path / f"walk{suffix}")[0])
    pd.testing.assert_frame_equal(table, scene.to_dataframe(), check_dtype=False, atol=1e-5)
    assert [*table.columns] == [
        *("frame", *(["time"] if rate else []), "name", "person", "joint"),
        *("x", "y", "z", "sigma", "visible", "confidence", "deviation"),
    ]
    row = table[(table.frame == 2) & (table.person == 2) & (table.joint == "left_knee")].iloc[0]
    expected = scene.world()[2, 1, PAPER19.index("left_knee")]
    assert [row.x, row.y, row.z] == pytest.approx(expected.tolist(), abs=1e-5)
    assert rate is None or row.time == pytest.approx(2 / 25)
    assert table.visible.dtype == bool


def test_sigma_is_that_of_a_gaussian_whose_mean_distance_is_the_deviation() -> None:
    table = example_scene().to_dataframe()
    drawn = np.random.default_rng(0).normal(size=(100_000, 3))
    mean = np.linalg.norm(drawn, axis=-1).mean()
    assert (table.sigma * mean).to_numpy() == pytest.approx(table.deviation.to_numpy(), rel=0.01, nan_ok=True)


@pytest.mark.parametrize("suffix", [".angles.csv", ".angles.parquet"])
def test_a_row_of_angles_is_a_person_in_a_frame(tmp_path: Path, suffix: str) -> None:
    scene = example_scene()
    table = read(write(scene, tmp_path / f"walk{suffix}")[0])
    assert [*table.columns] == ["frame", "time", "name", "person", *ANGLES]
    assert len(table) == scene.valid.sum() == 7
    angles = joint_angles(scene.world(), scene.skeleton)
    for name in ANGLES:
        assert table[name].to_numpy() == pytest.approx(angles[name][np.nonzero(scene.valid)], abs=1e-3)


def test_a_parquet_file_says_its_units(tmp_path: Path) -> None:
    path = write(example_scene(), tmp_path / "walk.parquet")[0]
    assert b"world coordinates, y up" in pyarrow.parquet.read_schema(path).metadata[b"units"]


def test_a_label_stands_before_the_whole_suffix() -> None:
    names = ("walk.angles.csv", "walk.csv", "my.walk.JSON", "angles.csv")
    assert [labelled(Path("out", name), "2").name for name in names] == [
        *("walk-2.angles.csv", "walk-2.csv", "my.walk-2.JSON", "angles-2.csv"),
    ]


@pytest.mark.parametrize("block", [1, 50, 133])
def test_a_table_in_blocks_is_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    whole = write(example_scene(), tmp_path / "whole.csv")[0].read_bytes()
    monkeypatch.setattr("duolift.outputs.table.BLOCK", block)
    assert write(example_scene(), tmp_path / "blocks.csv")[0].read_bytes() == whole
