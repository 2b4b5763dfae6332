"""Properties of the study: a line a run, never run twice, and what the table is worth."""

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from datamodules.synthetic import SyntheticConfig
from duolift.errors import InputError
from experiments import study
from experiments.config import Config, load, plain
from experiments.study import COLUMNS, FACTORS, HELD_OUT, KEY, METRICS

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{advice}.*")
    for advice in ("exists and is not empty", "smaller than the logging interval", "in eval mode", "LeafSpec")
]
DATA = SyntheticConfig(takes=1, frames=6)
SMALL = [
    *("experiment=quick", "compute.accelerator=cpu", "data.held_out=64"),
    *(f"data.synthetic.{key}={value}" for key, value in asdict(DATA).items()),
    *("flows.blocks=1", "flows.width=8", "flows.batch_size=64"),
    *("lifting.width=8", "lifting.blocks=1", "lifting.batch_size=64", "lifting.likelihoods=[whole]"),
    *("study.epochs=1", "study.flow_epochs=1", "study.workers=1"),
]


def arguments(folder: Path, *more: str) -> list[str]:
    places = [f"runs={folder}/runs", f"data.root={folder}/data", f"data.cache={folder}/cache"]
    return [*SMALL, *places, f"study.table={folder}/table.csv", "study.factors=[default,supervised]", *more]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def line(factor: str, seed: int, error: float, settings: str = "", epochs: int = 10, **more: float) -> dict[str, str]:
    """A line of a table, all numbers but its own 1."""
    numbers = {**dict.fromkeys(COLUMNS[len(KEY) :], 1.0), "pa_mpjpe_person_mm": error, **more}
    key = {"factor": factor, "settings": settings, "seed": str(seed), "epochs": str(epochs)}
    return key | {name: str(value) for name, value in numbers.items()}


def cells(text: str) -> list[list[str]]:
    """The table of a report, without its head."""
    rows = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| ")]
    return rows[2:]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and a finished study of two factors."""
    folder = tmp_path_factory.mktemp("done")
    study.main(arguments(folder))
    return folder


# The command ----------------------------------------------------------------------------------------------------------


def test_a_study_is_a_line_a_factor_in_named_columns(done: Path) -> None:
    rows = lines_of(done / "table.csv")
    assert all(tuple(row) == COLUMNS for row in rows)
    assert COLUMNS[: len(KEY)] == KEY == ("factor", "settings", "seed", "epochs") and set(METRICS) < set(COLUMNS)
    keys = [tuple(row[key] for key in KEY) for row in rows]
    assert keys == [("default", "", "0", "1"), ("supervised", "lifting.labels=true", "0", "1")]
    measured = [name for name in COLUMNS[len(KEY) :] if not name.startswith("val_")]
    assert all(math.isfinite(float(row[name])) for row in rows for name in measured)
    assert rows[0]["pa_mpjpe_person_mm"] != rows[1]["pa_mpjpe_person_mm"]


def test_the_loss_terms_on_held_out_poses_are_those_of_a_lifter_that_learns_from_2d(done: Path) -> None:
    default, supervised = lines_of(done / "table.csv")
    assert all(math.isfinite(float(default[f"val_{term}"])) for term in HELD_OUT)
    assert all(math.isnan(float(supervised[f"val_{term}"])) for term in HELD_OUT)


def test_a_study_leaves_a_chart_and_a_text_beside_its_table(done: Path) -> None:
    assert (done / "table.png").read_bytes().startswith(b"\x89PNG")
    assert (done / "table.md").read_text() == study.report(lines_of(done / "table.csv"))
    runs = {path.name.rpartition("-")[0] for path in (done / "runs" / "study").iterdir()}
    assert runs == {"flows", "default-0", "supervised-0"}


def test_a_second_call_runs_and_adds_nothing(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pretrain_once", "measure"):
        monkeypatch.setattr(study, name, lambda *_: pytest.fail("run again"))
    before = contents(done)
    table = study.study(arguments(done), load(arguments(done)))
    assert table == lines_of(done / "table.csv")
    after = contents(done)
    assert {path.name for path in after if after[path] != before.get(path)} <= {"table.png"}
    assert after.keys() == before.keys()


def test_a_table_with_other_columns_is_refused_by_name_and_left(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("factor,seed\ndefault,0\n")
    with pytest.raises(InputError, match=r"table\.csv: has the columns factor, seed; expected factor, settings, seed"):
        study.main(arguments(tmp_path))
    assert path.read_text() == "factor,seed\ndefault,0\n" and list(tmp_path.iterdir()) == [path]


def test_an_unknown_factor_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"study\.factors holds colour; expected some of default, supervised"
    ) as caught:
        study.main(arguments(tmp_path, "study.factors=[default,colour]"))
    assert all(name in str(caught.value) for name in FACTORS)
    assert list(tmp_path.iterdir()) == []


def test_a_table_reads_as_it_was_written(tmp_path: Path) -> None:
    rows = [line("default", 0, 40.0), line("c = 10, shift", 1, 41.5, "data.c=10 data.normalisation=shift")]
    study.write_table(tmp_path / "table.csv", rows)
    assert study.read_table(tmp_path / "table.csv") == rows
    assert study.read_table(tmp_path / "none.csv") == []


# Factors --------------------------------------------------------------------------------------------------------------


@cache
def planned(name: str, seed: int = 5) -> Config:
    given = ["study.epochs=3", "study.flow_epochs=7", "runs=some"]
    return study.planned(given, load(given), name, seed)


@pytest.mark.parametrize("name", FACTORS)
def test_every_factor_is_a_valid_setting_of_its_own(name: str) -> None:
    run, default = planned(name), planned("default")
    assert (run.seed, run.lifting.epochs, run.flows.epochs) == (5, 3, 7)
    assert (run.runs, run.wandb.mode, run.compute.threads) == ("some/study", "disabled", 1)
    assert study.key_of(name, run) == (name, " ".join(FACTORS[name]), "5", "3")
    ours, theirs = flat(plain(run)), flat(plain(default))
    changed = {key for key in ours if ours[key] != theirs[key]} - {"run"}
    assert changed == {setting.partition("=")[0] for setting in FACTORS[name]}


def test_every_factor_has_a_run_and_settings_of_its_own() -> None:
    runs = [planned(name).run for name in FACTORS]
    assert len(set(runs)) == len(set(FACTORS.values())) == len(FACTORS)
    assert FACTORS["default"] == ()


def test_runs_share_flows_where_they_ask_for_the_same_alone() -> None:
    def flows(name: str, seed: int = 5) -> Path:
        return study.flows_run(planned(name, seed))

    assert flows("default") == flows("width 256") == flows("no gradient clipping")
    others = [flows(name) for name in ("flow noise 0", "23 joints", "whole flow alone", "s02 -> s03")]
    assert len({flows("default"), flows("default", seed=1), *others}) == 6


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


# What the table is worth ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([40.0], "40.0"),
        ([40.0, 42.0], "41.0 ± 1.4"),
        ([120.0, 124.0, 128.0], "124 ± 4"),
        ([0.8, 0.9], "0.850 ± 0.071"),
        ([99.0, 121.0], "110.0 ± 15.6"),
        ([40.0, 40.0], "40.0 ± 0.0"),
    ],
)
def test_a_spread_is_a_mean_and_a_deviation_where_there_are_several(values: Sequence[float], shown: str) -> None:
    assert study.spread(values) == shown


def test_a_report_groups_seeds_and_puts_the_best_first_within_a_budget() -> None:
    rows = [
        line("default", 0, 40.0),
        line("wide", 0, 30.0, "lifting.width=512"),
        line("default", 1, 42.0, elevation_error_deg=3.0, seconds=200.0),
        line("default", 0, 35.0, epochs=2),
    ]
    found = cells(study.report(rows))
    assert [row[:4] for row in found] == [
        ["default", "2", "1", "35.0"],
        ["wide", "10", "1", "30.0"],
        ["default", "10", "2", "41.0 ± 1.4"],
    ]
    assert found[2][4:] == ["2.0 ± 1.4", "1.0 ± 0.0", "1.0 ± 0.0", "100.5 ± 140.7"]


def test_a_report_tells_the_rank_correlation_of_every_term() -> None:
    rows = [line("default", s, e, val_bone=-e, val_likelihood=e) for s, e in enumerate((40.0, 42.0, 41.0, 50.0))]
    told = [row for row in study.report(rows).splitlines() if row.startswith("- ")]
    assert [row.partition("`: ")[0] for row in told] == [f"- `{term}" for term in HELD_OUT]
    assert "- `bone`: -1.00" in told and "- `likelihood`: 1.00" in told


@pytest.mark.parametrize("term", HELD_OUT)
def test_a_rank_correlation_is_spearmans(term: str) -> None:
    terms, errors = [1.0, 5.0, 2.0, 2.0, 9.0, 0.5], [40.0, 38.0, 45.0, 41.0, 60.0, 39.0]
    rows = [
        line("default", seed, e, **{f"val_{term}": t}) for seed, (t, e) in enumerate(zip(terms, errors, strict=True))
    ]
    found = study.rank_correlation(rows, term)
    assert found == pytest.approx(spearmanr(terms, errors).statistic)
    assert 0 < found < 1


@pytest.mark.parametrize("name", [name for name in FACTORS if name != "default"])
def test_runs_that_score_other_poses_or_by_other_flows_are_not_compared(name: str) -> None:
    settings = " ".join(FACTORS[name])
    decided = ("data.", "flows.", "lifter=", "lifting.likelihoods", "lifting.labels", "lifting.knee")
    rows = [line("default", s, e, val_bone=e) for s, e in enumerate((40.0, 41.0, 42.0))]
    rows.append(line(name, 0, 30.0, settings, val_bone=math.nan if "labels" in settings else 50.0))
    compared = not any(setting.startswith(decided) for setting in FACTORS[name])
    assert study.rank_correlation(rows, "bone") == pytest.approx(-0.2 if compared else 1.0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_runs_have_no_rank_correlation(count: int) -> None:
    assert math.isnan(study.rank_correlation([line("default", seed, 40.0 + seed) for seed in range(count)], "bone"))
