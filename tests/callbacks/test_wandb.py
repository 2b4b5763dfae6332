"""What runs log in W&B, offline, is what the dashboard shows, and all of it stays in the stages' folders."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import wandb
from packaging.version import Version
from small_run import arguments, load
from wandb_workspaces.workspaces import Workspace

from callbacks.rows import rows_of
from callbacks.wandb_run import ELEVATIONS, ROWS, SCENES, TURNING, artifact_name
from duolift.errors import InputError
from experiments import ablation, dashboard, pretrain_flows, runs
from experiments import config as settings
from experiments.runs import wandb_identity, wandb_logger

INSPECTS = Version("0.31")
"""W&B from here on prints what is in a run's folder."""

STAGES = ("flows", "flows-pair", "joint", "whole")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finished run `small`, logged by an offline W&B, and a home for what it leaves elsewhere."""
    folder = tmp_path_factory.mktemp("logged")
    (folder / "home").mkdir()
    wandb.teardown()
    with patch.dict(os.environ, HOME=str(folder / "home")):
        ablation.main(arguments(folder, "wandb.mode=offline"))
        wandb.teardown()
    return folder


def runs_of(folder: Path, stage: str) -> list[Path]:
    """The W&B runs of a stage, earliest first."""
    return sorted(
        (folder / "runs" / "small" / stage / "wandb").glob("offline-run-*"), key=lambda run: run.stat().st_mtime
    )


@cache
def log(run: Path) -> list[dict[str, Any]]:
    """All records of a W&B run that has ended."""
    if Version(wandb.__version__) < INSPECTS:
        pytest.skip(f"wandb tells what is in a run from {INSPECTS} on")
    told = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(run)]
    lines = subprocess.run(told, capture_output=True, text=True, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def records(run: Path, kind: str) -> list[dict[str, Any]]:
    """What a W&B run's log holds of a kind."""
    return [record[kind] for record in log(run) if record["type"] == kind]


def names(run: Path) -> set[str]:
    """What a W&B run logged; what is no number has parts with dots."""
    return {name.split(".")[0] for record in records(run, "history") for name in record["item"]}


def shown(workspace: Workspace) -> set[str]:
    """What the panels of a workspace are drawn from."""
    keys = ("metrics", "y", "media_keys")
    panels = [panel for section in workspace.sections for panel in section.panels]
    listed = {str(name) for panel in panels for key in keys for name in getattr(panel, key, [])}
    tables = {panel.table_name for panel in panels if hasattr(panel, "table_name")}
    return listed | tables | {panel.x for panel in panels if hasattr(panel, "x")}


def file_of(run: Path, key: str) -> str:
    """The text of the one file that was logged under a name."""
    (path,) = (run / "files" / "media").glob(f"*/{key}_*")
    return path.read_text()


# What is logged -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_panel_shows_what_a_run_logged(logged: Path) -> None:
    config = settings.load(arguments(logged))
    found = {name for stage in ("flows", "whole", "ablation") for run in runs_of(logged, stage) for name in names(run)}
    built = dashboard.workspace(config, "team")
    assert shown(built) - found == set()
    assert {ELEVATIONS, ROWS, SCENES, TURNING, "ablation", "epoch"} <= shown(built)
    sections = [section.name for section in built.sections]
    assert sections == ["Training health", "Likelihoods", "Metrics over epochs", "Ablation", "Scenes"]
    assert (built.entity, built.project) == ("team", "duolift")
    json.loads(built._to_model().spec.model_dump_json())  # what W&B is sent


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        (["lifting.labels=true"], "train/augmentation"),
        (["lifting.weights.bone=0"], "train/bone"),
        (["lifting.likelihoods=[legs]", "flows.parts=[legs,torso]"], "train/likelihood_torso_nats"),
    ],
)
def test_what_a_run_does_not_log_has_no_panel(tmp_path: Path, given: list[str], gone: str) -> None:
    assert gone in shown(dashboard.workspace(settings.load(["lifting.likelihoods=[legs,torso]"]), "team"))
    assert gone not in shown(dashboard.workspace(settings.load(given), "team"))


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_logged_in_an_epoch_is_drawn_over_epochs(logged: Path, stage: str) -> None:
    (run,) = runs_of(logged, stage)
    defined = {record["name"] for record in records(run, "metric") if record.get("step_metric") == "epoch"}
    expected = {name for name in names(run) if name.startswith(("train/", "val/", "eval/", "speed/"))}
    assert expected <= defined
    assert (ELEVATIONS in expected) == ("flows" not in stage)
    for record in records(run, "history"):
        assert "epoch" in record["item"] or not any(name in record["item"] for name in expected)


@pytest.mark.parametrize("stage", ["joint", "whole"])
def test_the_tables_hold_every_row_and_the_best_and_worst_scenes(logged: Path, stage: str) -> None:
    (run,) = runs_of(logged, stage)
    rows, scenes = (json.loads(file_of(run, key)) for key in (ROWS, SCENES))
    measured = load(logged / "runs" / "small" / stage / "metrics.json")["rows"]
    assert [line[rows["columns"].index("name")] for line in rows["data"]] == [row.name for row in rows_of(stage)]
    column = rows["columns"].index("pa_mpjpe_mm")
    assert [line[column] for line in rows["data"]] == [row["metrics"]["pa_mpjpe_mm"] for row in measured]
    lines = [dict(zip(scenes["columns"], line, strict=True)) for line in scenes["data"]]
    best, worst = ([line for line in lines if line["kind"] == kind] for kind in ("best", "worst"))
    assert len(best) == len(worst) == 20
    for some, reverse in ((best, False), (worst, True)):
        errors = [line["pa_mpjpe_mm"] for line in some]
        assert errors == sorted(errors, reverse=reverse)
        assert len({(line["action"], line["camera"]) for line in some}) == len(some)
        assert all(line["subject"] == "s04" and 0 <= line["frame"] < 6 for line in some)
    assert best[0]["pa_mpjpe_mm"] < worst[0]["pa_mpjpe_mm"]


def test_scenes_turn_without_a_network(logged: Path) -> None:
    (run,) = runs_of(logged, "whole")
    page = file_of(run, TURNING)
    assert "Plotly.newPlot" in page and not re.search(r"<(script|link)[^>]*(src|href)=", page)
    titles = re.findall(r"(best|median|worst): \d+ mm, s04 [\w ]+ \d+ \d", page)
    assert titles == ["best", "median", "worst"]


@pytest.mark.parametrize("stage", STAGES)
def test_the_checkpoint_and_the_datas_fingerprint_are_artifacts(logged: Path, stage: str) -> None:
    (run,) = runs_of(logged, stage)
    kept = load(logged / "runs" / "small" / stage / "settings.json")
    found = {record["type"]: record for record in records(run, "artifact") if record["type"] in ("model", "dataset")}
    assert found["model"]["name"] == f"small-{stage}"
    assert json.loads(found["model"]["metadata"]) == kept
    assert [entry["path"] for entry in found["model"]["manifest"]["contents"]] == ["last.ckpt"]
    assert found["dataset"]["name"] == f"data-{kept['data']['content']}"
    assert json.loads(found["dataset"]["metadata"]) == kept["data"]
    assert [entry["path"] for entry in found["dataset"]["manifest"]["contents"]] == ["data.json"]


@pytest.mark.parametrize("text", ["data-0a + 0b", "x" * 300, "größer/kleiner"])
def test_names_of_artifacts_are_such_that_wandb_takes_them(text: str) -> None:
    assert wandb.Artifact(artifact_name(text), "dataset").name


def test_a_pipelines_stages_are_one_group(logged: Path) -> None:
    told = [records(run, "run")[0] for stage in (*STAGES, "ablation") for run in runs_of(logged, stage)]
    assert {run["run_group"] for run in told} == {"small"}
    assert [run["job_type"] for run in told] == [*STAGES, "ablation"]


def test_everything_stays_in_the_stages_folders(logged: Path) -> None:
    left = [path for path in (logged / "home").rglob("*") if "wandb" in path.parts]
    assert left == []


# Which run it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ("online", "online", True),
        ("online", "offline", False),
        ("offline", "online", False),
        ("offline", "offline", False),
    ],
)
def test_a_stage_that_goes_on_is_the_same_run_or_says_which_it_follows(
    tmp_path: Path, before: str, now: str, same: bool
) -> None:
    first, follows = wandb_identity(tmp_path, before, False)
    assert follows is None
    second, follows = wandb_identity(tmp_path, now, True)
    assert (second, follows) == (first, None) if same else (second != first and follows == first)
    third, follows = wandb_identity(tmp_path, now, True)
    assert follows == (None if same else first if now == "online" else second)
    assert (third == second) == (now == "online")


def test_a_stage_that_begins_anew_follows_none(tmp_path: Path) -> None:
    first, _ = wandb_identity(tmp_path, "online", False)
    second, follows = wandb_identity(tmp_path, "online", False)
    assert first != second and follows is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"id"'])
def test_a_spoilt_record_is_refused_by_name(tmp_path: Path, text: str) -> None:
    wandb_identity(tmp_path, "online", False)
    (tmp_path / "wandb" / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"wandb/run\.json: not the record of a W&B run"):
        wandb_identity(tmp_path, "online", True)


def test_an_offline_stage_that_goes_on_says_which_run_it_follows(logged: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(logged, tmp_path / "copied")
    ((before,), stage) = runs_of(copied, "flows"), copied / "runs" / "small" / "flows"
    (stage / "metrics.json").unlink()
    with patch.dict(os.environ):
        pretrain_flows.main(arguments(copied, "wandb.mode=offline"))
    (after,) = set(runs_of(copied, "flows")) - {before}
    (told,) = records(after, "run")
    assert before.name.endswith(told["config"]["update"]["follows"]) and after.name.endswith(told["run_id"])


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that W&B's agent gives a run."""
    monkeypatch.setenv("WANDB_SWEEP_ID", "asweep")
    monkeypatch.setenv("WANDB_RUN_ID", "arun")
    for name in ("WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("swept")
def test_in_a_sweep_the_lifter_alone_is_the_sweeps_run(tmp_path: Path) -> None:
    config = settings.load(["wandb.mode=offline"])
    assert wandb_logger(config, tmp_path / "flows", {}) is None
    logger = wandb_logger(config, tmp_path / "whole", {})
    assert logger is not None and logger._wandb_init["id"] == "arun"


def test_disabled_there_is_no_run_and_no_folder(tmp_path: Path) -> None:
    assert wandb_logger(settings.load(["wandb.mode=disabled"]), tmp_path / "whole", {}) is None
    assert list(tmp_path.iterdir()) == []


# The dashboard --------------------------------------------------------------------------------------------------------


def test_without_a_key_and_a_terminal_the_runs_are_listed(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (synced,) = runs_of(logged, "joint")
    marker = next(synced.glob("*.wandb")).with_suffix(".wandb.synced")
    marker.touch()
    dashboard.main(arguments(logged, "wandb.mode=offline"))
    marker.unlink()
    *lines, last = capsys.readouterr().out.splitlines()
    expected = {str(run) for stage in (*STAGES, "ablation") for run in runs_of(logged, stage)}
    assert {line.split("  ")[0] for line in lines} == expected
    assert [line for line in lines if line.endswith("(synced)")] == [f"{synced}  (synced)"]
    assert last.startswith("to upload") and f"wandb sync {logged}/runs/small/*/wandb/offline-run-*" in last


def test_without_a_key_a_terminal_views_all_runs(logged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], set[Path]]] = []

    def view(words: list[str], check: bool) -> None:
        seen.append((words[1:-1], {link.resolve() for link in Path(words[-1]).iterdir()}))

    monkeypatch.setattr(dashboard.subprocess, "run", view)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    dashboard.main(arguments(logged, "wandb.mode=offline"))
    runs = {run.resolve() for stage in (*STAGES, "ablation") for run in runs_of(logged, stage)}
    assert seen == [(["-m", "wandb", "leet"], runs)]


def test_a_run_that_is_named_is_the_one_that_is_shown(
    logged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in ("one", "two"):
        (tmp_path / run / "whole" / "wandb" / f"offline-run-{run}").mkdir(parents=True)
    common = [f"runs={tmp_path}", "wandb.mode=offline"]
    for given, seen in ((["run=two"], ["two"]), ([], ["one", "two"])):
        dashboard.main([*given, *common])
        *lines, last = capsys.readouterr().out.splitlines()
        assert [Path(line).name for line in lines] == [f"offline-run-{run}" for run in seen]
        assert f"{tmp_path}/{'two' if given else '*'}/*/wandb" in last
    with pytest.raises(InputError, match="three: holds no offline W&B runs; expected one of one, two"):
        dashboard.main(["run=three", *common])


def test_with_a_key_the_workspace_is_saved(
    logged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved: list[Workspace] = []
    monkeypatch.setattr(dashboard, "wandb_mode", lambda wanted: "online")
    monkeypatch.setattr(Workspace, "save", lambda built: saved.append(built) or SimpleNamespace(url="https://here"))
    dashboard.main(arguments(logged, "wandb.entity=team", "wandb.project=other"))
    ((entity, project),) = ((built.entity, built.project) for built in saved)
    assert (entity, project) == ("team", "other")
    first, last = capsys.readouterr().out.splitlines()
    assert first == "workspace  https://here" and "wandb sync" in last


def test_without_runs_there_is_nothing_to_see(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no offline W&B runs"):
        dashboard.main([f"runs={tmp_path}", "wandb.mode=offline"])


def test_a_key_and_a_network_decide_where_runs_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    for key, network, expected in ((True, True, "online"), (True, False, "offline"), (False, True, "offline")):
        monkeypatch.setattr(runs, "_has_key", lambda host, key=key: key)
        monkeypatch.setattr(runs, "_answers", lambda host, port, network=network: network)
        assert runs.wandb_mode("auto") == expected
