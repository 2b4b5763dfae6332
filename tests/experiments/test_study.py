"""Properties of the study: a line a run, never run twice, and what the table is worth."""

import csv
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from datamodules.synthetic.writer import SyntheticConfig
from duolift.errors import InputError
from experiments import study
from experiments.config import load, plain
from experiments.settings import Config
from experiments.study import COLUMNS, CRITERIA, DEFAULT, FACTORS, KEY, METRICS, Plan

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
    key |= {"flow_epochs": "40", "digest": f"{factor} {seed} {epochs}"}
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


@pytest.mark.slow
def test_a_study_is_a_line_a_factor_in_named_columns(done: Path) -> None:
    rows = lines_of(done / "table.csv")
    assert all(tuple(row) == COLUMNS for row in rows)
    assert COLUMNS[: len(KEY)] == KEY and set(METRICS) < set(COLUMNS)
    keys = [tuple(row[key] for key in KEY[:-1]) for row in rows]
    assert keys == [("default", "", "0", "1", "1"), ("supervised", "lifting.labels=true", "0", "1", "1")]
    assert rows[0]["digest"] != rows[1]["digest"]
    assert all(math.isfinite(float(row[name])) for row in rows for name in COLUMNS[len(KEY) :] if name != "within_run")
    assert rows[0]["pa_mpjpe_person_mm"] != rows[1]["pa_mpjpe_person_mm"]


@pytest.mark.slow
def test_one_referee_judges_runs_whatever_they_learned_from(done: Path) -> None:
    """Also the one that learned from labels; the default's judge is itself."""
    default, supervised = lines_of(done / "table.csv")
    own = json.loads((done / "runs/study/default-0-1/whole/metrics.json").read_text())["held_out"]
    for term in CRITERIA:
        assert float(default[f"held_out_{term}"]) != float(supervised[f"held_out_{term}"])
        if term not in ("likelihood", "total"):  # the referee counts nats from the held-out poses' mean
            assert float(default[f"held_out_{term}"]) == pytest.approx(own[term], abs=1e-4)


@pytest.mark.slow
def test_a_study_leaves_a_chart_and_a_text_beside_its_table(done: Path) -> None:
    for name in ("table.png", "table-noise.png"):
        assert (done / name).read_bytes().startswith(b"\x89PNG")
    assert (done / "table.md").read_text() == study.report(lines_of(done / "table.csv"))
    runs = {path.name.rpartition("-")[0] for path in (done / "runs" / "study").iterdir()}
    assert runs == {"flows", "default-0", "supervised-0"}


@pytest.mark.slow
def test_a_second_call_runs_and_adds_nothing(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pretrain_once", "measure"):
        monkeypatch.setattr(study, name, lambda *_: pytest.fail("run again"))
    before = contents(done)
    table = study.study(arguments(done), load(arguments(done)))
    assert table == lines_of(done / "table.csv")
    after = contents(done)
    assert {path.name for path in after if after[path] != before.get(path)} <= {"table.png", "table-noise.png"}
    assert after.keys() == before.keys()


@pytest.mark.slow
def test_lines_of_another_default_or_other_data_stay_but_are_not_told_of(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copied"
    shutil.copytree(done, folder)
    rows = study.read_table(folder / "table.csv")
    stale = rows[0] | {"digest": "of before", "pa_mpjpe_person_mm": "1.000"}
    study.write_table(folder / "table.csv", [stale, rows[0] | {"factor": "no more"}, *rows])
    told = study.study(arguments(folder), load(arguments(folder)))
    assert told == rows
    assert study.read_table(folder / "table.csv") == [stale, rows[0] | {"factor": "no more"}, *rows]
    assert (folder / "table.md").read_text() == study.report(rows)


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


def test_within_a_run_epochs_are_ranked_where_there_is_a_criterion() -> None:
    def passed(total: float | None, error: float) -> dict[str, Any]:
        return {"held_out": {} if total is None else {"total": total}, "metrics": {"pa_mpjpe_person_mm": error}}

    falling = [passed(3.0, 50.0), passed(2.0, 40.0), passed(None, 1.0), passed(1.5, 45.0)]
    assert study.within_run(falling) == pytest.approx(0.5)
    assert math.isnan(study.within_run(falling[:2])) and math.isnan(study.within_run([]))


def test_noise_curves_are_means_over_seeds_of_those_that_differ_in_noise() -> None:
    rows = [line(DEFAULT, seed, error, noise_5px_mm=2 * error) for seed, error in enumerate((40.0, 42.0))]
    found = study.noise_curves([*rows, line("width 256", 0, 1.0)])
    assert found == {"default, 10 epochs": {0.0: 41.0, 2.0: 1.0, 5.0: 82.0, 10.0: 1.0}}


# Factors --------------------------------------------------------------------------------------------------------------


@cache
def planned(name: str, seed: int = 5) -> Config:
    return study.plan(["runs=some"], name, seed, epochs=3, flow_epochs=7).run


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTORS)
def test_every_factor_is_a_valid_setting_of_its_own(name: str) -> None:
    run, default = planned(name), planned("default")
    assert (run.seed, run.lifting.epochs, run.flows.epochs) == (5, 3, 7)
    assert (run.runs, run.wandb.mode, run.compute.threads) == ("some/study", "disabled", 1)
    assert tuple(Plan(name, run).key("content").values())[:-1] == (name, " ".join(FACTORS[name]), "5", "3", "7")
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


@pytest.mark.slow
def test_everything_that_decides_a_result_is_in_its_digest_and_nothing_else() -> None:
    default = planned(DEFAULT)
    digests = {name: Plan(name, planned(name)).digest("content") for name in FACTORS}
    assert len(set(digests.values())) == len(FACTORS)
    moved = load(["data.root=elsewhere", "data.cache=there", "runs=here", "compute.threads=2"])
    moved = replace(moved, seed=5, lifting=default.lifting, flows=default.flows)
    assert Plan(DEFAULT, moved).digest("content") == digests[DEFAULT]
    assert Plan(DEFAULT, replace(default, seed=6)).digest("content") != digests[DEFAULT]
    assert Plan(DEFAULT, default).digest("other content") != digests[DEFAULT]


@pytest.mark.parametrize("name", FACTORS)
def test_runs_that_lift_other_poses_are_not_judged(name: str) -> None:
    others = any(setting.startswith("data.") and "extra" not in setting for setting in FACTORS[name])
    assert Plan(name, planned(name)).lifts_the_poses_of(planned(DEFAULT)) is not others


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
    found = cells(study.report(rows))[:3]
    assert [row[:4] for row in found] == [
        ["default", "2", "1", "35.0"],
        ["wide", "10", "1", "30.0"],
        ["default", "10", "2", "41.0 ± 1.4"],
    ]
    assert found[2][4:] == ["2.0 ± 1.4", "1.0 ± 0.0", "1.0 ± 0.0", "100.5 ± 140.7"]


def test_a_report_tells_the_rank_correlation_of_every_term() -> None:
    errors = (40.0, 42.0, 41.0, 50.0)
    rows = [line("default", s, e, held_out_bone=-e, held_out_likelihood=e) for s, e in enumerate(errors)]
    rows.append(line("s02 -> s03", 0, 10.0, held_out_bone=math.nan, held_out_likelihood=0.0, held_out_total=math.nan))
    found = dict(row for row in cells(study.report(rows)) if len(row) == 2)
    assert found.keys() >= set(CRITERIA) and found["bone"] == "-1.00" and found["likelihood"] == "1.00"


@pytest.mark.parametrize("term", CRITERIA)
def test_a_rank_correlation_is_spearmans(term: str) -> None:
    terms, errors = [1.0, 5.0, 2.0, 2.0, 9.0, 0.5], [40.0, 38.0, 45.0, 41.0, 60.0, 39.0]
    column = f"held_out_{term}"
    rows = [line("default", seed, e, **{column: t}) for seed, (t, e) in enumerate(zip(terms, errors, strict=True))]
    found = study.rank_correlation(rows, term)
    assert found == pytest.approx(spearmanr(terms, errors).statistic)
    assert 0 < found < 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_runs_have_no_rank_correlation(count: int) -> None:
    assert math.isnan(study.rank_correlation([line("default", seed, 40.0 + seed) for seed in range(count)], "bone"))
