"""Data sets of single people from their files to the table: no placement rows, the protocols, and published values."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from small_benchmarks import h36m_root, mpi_root

from callbacks.alone import ALONE, TRUE_DEPTHS
from callbacks.rows import PERFECT
from duolift.body.skeleton import H36M17
from duolift.errors import InputError
from duolift.metrics.table import PROTOCOLS
from duolift.predictor import Lifter
from experiments import ablation, published
from experiments.config import load
from experiments.data import read_takes
from experiments.evaluate import evaluate_run
from experiments.pack import pack_run

TINY = [
    *("experiment=quick", "run=alone", "wandb.mode=disabled", "compute.accelerator=cpu", "data.held_out=32"),
    *("flows.parts=[whole,legs]", "flows.blocks=2", "flows.width=8", "flows.epochs=1", "flows.batch_size=16"),
    *("lifting.width=8", "lifting.blocks=1", "lifting.epochs=2", "lifting.batch_size=16", "evaluation.every=1"),
    "lifting.likelihoods=[whole,legs]",
]


def settings(folder: Path, *more: str) -> list[str]:
    return [*TINY, f"runs={folder}/runs", f"data.cache={folder}/cache", *more]


def of_h36m(folder: Path, *more: str) -> list[str]:
    of = ("data.source=h36m", f"data.root={h36m_root()}", "data.train=[S1]", "data.evaluate=[S9]", "data.h36m.every=1")
    return settings(folder, *of, *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an ablation on Human3.6M has been."""
    folder = tmp_path_factory.mktemp("h36m")
    ablation.ablation(load(of_h36m(folder)))
    return folder


@pytest.mark.slow
def test_an_ablation_of_human36m_has_the_protocols_beside_published_values(folder: Path) -> None:
    result: dict[str, Any] = json.loads((folder / "runs/alone/ablation.json").read_text())
    assert [(row["lifter"], row["name"]) for row in result["rows"]] == [
        ("whole", ALONE),
        (PERFECT, TRUE_DEPTHS),
        (published.PUBLISHED, "ElePose"),
        (published.PUBLISHED, "LInKs"),
    ]
    ours, best, elepose, _ = (row["metrics"] for row in result["rows"])
    assert elepose == {"pa_mpjpe_reflected_mm": 36.7, "n_mpjpe_mm": 64.0}
    assert best["mpjpe_mm"] < 0.1 and best["pck_pct"] == 100
    assert ours["pa_mpjpe_mm"] == ours["pa_mpjpe_person_mm"] >= ours["pa_mpjpe_reflected_mm"] > 0
    assert {"n_mpjpe_mm", "auc_pct", "mpjve_mm_per_frame", "elevation_error_deg"} <= ours.keys()
    text = (folder / "runs/alone/ablation.md").read_text()
    assert "| lifter | row | MPJPE mm | N-MPJPE mm |" in text and "| published | LInKs |" in text
    assert "whole, by action:" in text and "| mean over actions |" in text and "scaled about" not in text
    measured = json.loads((folder / "runs/alone/whole/metrics.json").read_text())
    assert [passed["epoch"] for passed in measured["history"]] == [1, 2]
    assert (folder / "runs/alone/whole/scenes.png").stat().st_size > 1000
    assert not (folder / "runs/alone/joint").exists()


def test_a_finished_run_is_printed_again_and_evaluated_and_packed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ablation.main(of_h36m(folder))
    printed = capsys.readouterr()
    assert "published" in printed.out and "make report" not in printed.out and "Figure 1" not in printed.err
    config = load(of_h36m(folder))
    rows = evaluate_run(config)["rows"]
    assert [row["name"] for row in rows] == [ALONE, TRUE_DEPTHS]
    (file,) = pack_run(config)
    scene = Lifter.load(file).lift(100 * np.random.default_rng(0).random((2, 1, len(H36M17), 2)), format="h36m17")
    assert scene.people.shape[-2:] == (len(H36M17), 3)
    with pytest.raises(InputError, match=r"holds single people; expected 2 or more together"):
        read_takes(config, ["S9"])


def test_detections_are_seen_beside_values_on_detections(tmp_path: Path) -> None:
    config = load(of_h36m(tmp_path, "data.h36m.detections=cpn_ft_h36m_dbb", "lifting.epochs=1"))
    rows = ablation.ablation(config)["rows"]
    assert rows[1]["metrics"]["mpjpe_mm"] > 5  # of true depths: what the detector is off
    assert [row["name"] for row in rows[2:]] == ["ElePose"] and rows[2]["metrics"] == {"pa_mpjpe_reflected_mm": 50.2}


@pytest.mark.slow
def test_an_ablation_of_mpi_inf_3dhp_has_pck_and_no_elevations(tmp_path: Path) -> None:
    of = ("data.source=mpi_inf_3dhp", f"data.root={mpi_root()}", "data.train=[S1]", "data.evaluate=[TS1,TS5]")
    result = ablation.ablation(load(settings(tmp_path, *of, "data.mpi_inf_3dhp.every=1", "lifting.epochs=1")))
    ours = result["rows"][0]["metrics"]
    assert {"pck_pct", "auc_pct", "n_pck_pct", "pa_auc_pct"} <= ours.keys()
    assert not {"elevation_error_deg", "mpjve_mm_per_frame"} & ours.keys()
    assert result["rows"][2]["metrics"]["pck_pct"] == 85.0


def test_labels_need_to_know_where_up_is(tmp_path: Path) -> None:
    of = ("data.source=mpi_inf_3dhp", f"data.root={mpi_root()}", "data.train=[S1]", "data.evaluate=[TS1]")
    with pytest.raises(InputError, match="nothing tells where up is in these images"):
        ablation.ablation(load(settings(tmp_path, *of, "lifting.labels=true")))


def test_published_values_are_of_known_metrics_and_have_a_source() -> None:
    for one in published.published():
        assert published.title(one.metric) and one.given in published.GIVEN
        assert one.source.startswith("https://") and one.value > 0
    assert all(text.startswith("| method") for text in published.tables().values())


def test_the_page_of_benchmarks_shows_every_published_value() -> None:
    page = (REPOSITORY / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert [name for name, table in published.tables().items() if table not in page] == []


def test_the_page_of_benchmarks_has_every_protocol() -> None:
    page = (REPOSITORY / "docs/benchmarks.md").read_text(encoding="utf-8")
    shown = {"n_auc_pct", "pa_pck_pct", "pa_auc_pct"}  # these are in one line
    assert [key for key in PROTOCOLS.keys() - shown if f"`{key}`" not in page] == []
