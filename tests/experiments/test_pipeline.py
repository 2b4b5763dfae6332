"""Properties of the commands: from a tree on disk to Table 1 once, never twice, and on from where it was cut off."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from conftest import REPOSITORY, trainer
from omegaconf import OmegaConf
from small_run import arguments, epochs_trained, files, load, run_command

import callbacks.evaluation
from callbacks.evaluation import MultiPersonEvaluation
from callbacks.rows import JOINT, Row, paper_result, rows_of
from callbacks.scoring import NOISE_PIXELS
from datamodules.pose_data_module import PoseDataModule
from datamodules.sources.chi3d import read
from datamodules.sources.registry import CHI3D
from duolift.body.skeleton import PAPER19
from duolift.errors import InputError
from duolift.geometry.scene_batch import SceneBatch
from duolift.learning.objective import LossWeights
from duolift.placement.paper import PUBLISHED_METRICS, SCALE_ABOUT, TABLE_1
from experiments import ablation, evaluate, ground, pretrain_flows, train_lifter, virtual_scenes
from experiments.checkpoints import load_lifter
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule

STAGES = ("flows", "flows-pair", "joint", "whole")
STAGE_FILES = ("last.ckpt", "history.json", "metrics.json", "origin.json", "settings.json")
SETTINGS = ["name", "lifter", "elevation", "rotation", "rule", "scale_about"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the data and the finished run `small`, logged by an offline W&B."""
    folder = tmp_path_factory.mktemp("done")
    environment = dict(os.environ)
    ablation.main(arguments(folder, "wandb.mode=offline"))
    yield folder
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]


@pytest.fixture
def copied(done: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(done, tmp_path / "copied", ignore=shutil.ignore_patterns("wandb"))


# A run ----------------------------------------------------------------------------------------------------------------


def test_a_run_leaves_every_file_whole(done: Path) -> None:
    run = done / "runs" / "small"
    names = ["config.yaml", *(f"ablation.{kind}" for kind in ("json", "csv", "md"))]
    names += [f"{stage}/{name}" for stage in STAGES for name in STAGE_FILES]
    names += [f"flows{which}/samples_whole.png" for which in ("", "-pair")] + ["flows/samples_legs.png"]
    names += ["joint/scenes.png", "whole/scenes.png", "whole/rows.png"]
    assert [name for name in names if not (run / name).stat().st_size] == []
    beyond = {path.relative_to(run).as_posix() for path in files(run) if "wandb" not in path.parts} - set(names)
    assert beyond == {f".{stage}.lock" for stage in STAGES}
    for stage in (*STAGES, "ablation"):
        assert list((run / stage / "wandb").glob("offline-run-*/run-*.wandb")), stage
    assert OmegaConf.load(run / "config.yaml").flows.width == 8


def test_the_table_holds_every_row_with_finite_metrics_in_named_units(done: Path) -> None:
    result = load(done / "runs" / "small" / "ablation.json")
    rows = result["rows"]
    assert [(row["lifter"], row["name"]) for row in rows] == [
        (row.lifter, row.name) for lifter in ("joint", "whole") for row in rows_of(lifter)
    ]
    placed = [(row["elevation"], row["rotation"], row["rule"], row["scale_about"]) for row in rows[1:13]]
    assert placed == [(p.elevation, p.rotation, p.rule, about) for about in SCALE_ABOUT for p in TABLE_1.values()]
    for row in rows:
        assert {*SETTINGS, "metrics", "published"} <= row.keys()
        assert set(PUBLISHED_METRICS) <= row["metrics"].keys()
        assert all(isfinite(value) for value in row["metrics"].values())
        units = ("_mm", "_pct", "_deg", "_correlation", "_mm_per_frame", "_mm_per_frame2")
        assert all(name.endswith(units) for name in row["metrics"])
        assert ("root_error_mm" in row["metrics"]) == (row["rule"] is None and row["lifter"] != JOINT)
    assert len({row["metrics"]["pa_mpjpe_mm"] for row in rows}) > 5


@pytest.mark.parametrize("lifter", ["joint", "whole"])
def test_a_stage_says_what_noise_does_to_it_and_what_it_lost_on_held_out_poses(done: Path, lifter: str) -> None:
    measured = load(done / "runs" / "small" / lifter / "metrics.json")
    noisy = measured["noise_pixels_pa_mpjpe_person_mm"]
    assert [float(pixels) for pixels in noisy] == list(NOISE_PIXELS)
    assert noisy["0"] == pytest.approx(paper_result(measured["rows"])["metrics"]["pa_mpjpe_person_mm"], rel=1e-5)
    assert len(set(noisy.values())) == len(noisy) and all(isfinite(value) for value in noisy.values())
    expected = {*(term.name for term in fields(LossWeights)), "total"} - {"augmentation", "elevation"}
    for held_out in (measured["held_out"], *(passed["held_out"] for passed in measured["history"])):
        assert held_out.keys() == expected and all(isfinite(value) for value in held_out.values())
    assert [passed["epoch"] for passed in measured["history"]] == [1, 2]
    assert measured["history"][-1]["held_out"] == pytest.approx(measured["held_out"])


def test_the_table_says_what_it_was_measured_on(done: Path) -> None:
    result = load(done / "runs" / "small" / "ablation.json")
    takes = read(done / "data", ["s02", "s03", "s04"])
    assert result["data"]["content"] == takes.fingerprint
    assert result["data"]["scenes"] == len(takes.of(["s04"]).scenes(PAPER19)) == 8 * 6 * 4
    assert (result["run"], result["experiment"], result["seed"]) == ("small", "quick", 0)


def test_the_three_tables_hold_the_same_numbers(done: Path) -> None:
    stem = done / "runs" / "small" / "ablation"
    rows = load(stem.with_suffix(".json"))["rows"]
    with stem.with_suffix(".csv").open() as file:
        sheet = list(csv.DictReader(file))
    first, second = (part.splitlines() for part in stem.with_suffix(".md").read_text().split(ablation.NOTE))
    lines, by_protocols = ([line for line in part if line.startswith("|")][2:] for part in (first, second))
    assert len(by_protocols) == sum("root_error_mm" in row["metrics"] for row in rows) > 20
    for line, row in zip(by_protocols, (row for row in rows if "root_error_mm" in row["metrics"]), strict=True):
        assert row["name"] in line and f"| {row['metrics']['root_error_mm']:.1f}" in line
    assert len(sheet) == len(lines) == len(rows)
    for row, cells, line in zip(rows, sheet, lines, strict=True):
        for name, value in row["metrics"].items():
            assert float(cells[name]) == value
        assert f"| {row['metrics']['pa_mpjpe_mm']:.1f}" in line and row["name"] in line


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_history_holds_its_losses_of_every_epoch(done: Path, stage: str) -> None:
    records = load(done / "runs" / "small" / stage / "history.json")
    assert [record["epoch"] for record in records] == ([1] if "flows" in stage else [1, 2])
    loss = "nll_whole_nats" if "flows" in stage else "loss"
    for record in records:
        assert {f"train/{loss}", f"val/{loss}", "seconds", "poses_per_second"} <= record.keys()
        assert all(isfinite(value) for value in record.values())
        assert "flows" in stage or "eval/pa_mpjpe_mm" in record


def test_no_3d_label_chooses_a_checkpoint(done: Path) -> None:
    for stage in STAGES:
        content = torch.load(done / "runs" / "small" / stage / "last.ckpt", weights_only=True)
        (state,) = (value for name, value in content["callbacks"].items() if name.startswith("ModelCheckpoint"))
        assert state["monitor"] is None and state["best_model_score"] is None
        assert content["epoch"] == (0 if "flows" in stage else 1)


def test_the_same_command_again_trains_nothing(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pl.Trainer, "fit", lambda *_, **__: pytest.fail("trained again"))
    folder = done / "runs" / "small"
    before, table = files(folder), load(folder / "ablation.json")
    ablation.main(arguments(done))
    train_lifter.main(arguments(done))
    pretrain_flows.main(arguments(done))
    after = files(folder)
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed == {"ablation.json", "ablation.csv", "ablation.md"}
    assert load(folder / "ablation.json") == table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("lifting.epochs=3", "lifting.epochs 2 -> 3"),
        ("flows.width=16", "flows.width 8 -> 16"),
        ("lifting.weights.bone=1", "lifting.weights.bone 50.0 -> 1.0"),
        ("seed=1", "seed 0 -> 1"),
        ("data.normalisation=shift", "data.normalisation 'ray' -> 'shift'"),
        ("data.skeleton=paper23", "data.skeleton 'paper19' -> 'paper23'"),
        ("data.train=[s02]", "data.train.* -> "),
    ],
)
def test_other_settings_in_the_same_run_are_refused_by_name(done: Path, setting: str, shown: str) -> None:
    before = files(done / "runs")
    with pytest.raises(InputError, match=f"small/.*made with other settings.*{shown}.*another RUN") as caught:
        ablation.main(arguments(done, setting))
    assert "\n" not in str(caught.value)
    assert files(done / "runs") == before


def test_other_data_in_the_same_run_is_refused(copied: Path) -> None:
    path = next((copied / "data" / "train" / "s04" / "joints3d_25").iterdir())
    path.write_text(path.read_text() + " ")
    with pytest.raises(InputError, match=r"data\.content"):
        ablation.main(arguments(copied))


def test_the_place_of_the_data_may_change(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = epochs_trained(monkeypatch)
    (copied / "data").rename(copied / "moved")
    ablation.main(arguments(copied, f"data.root={copied}/moved"))
    assert epochs == []


# Cut off, and on again ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_interrupted_stage_goes_on_from_its_last_epoch(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = copied / "runs" / "small" / "whole"
    shutil.rmtree(stage)

    def interrupt(module: LifterModule) -> None:
        if module.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LifterModule, "on_train_epoch_start", interrupt)
        try:
            assert run_command(train_lifter.main, arguments(copied), patched) == 130
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning leaves it ignored
    assert "the same command goes on from the last finished epoch" in capsys.readouterr().err
    assert torch.load(stage / "last.ckpt", weights_only=True)["epoch"] == 0
    assert not (stage / "metrics.json").exists()

    epochs = epochs_trained(monkeypatch)
    train_lifter.main(arguments(copied))
    assert epochs == [1]
    assert torch.load(stage / "last.ckpt", weights_only=True)["epoch"] == 1
    assert len(load(stage / "metrics.json")["rows"]) == len(rows_of("whole"))
    assert [record["epoch"] for record in load(stage / "history.json")] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["whole", "flows"])
def test_a_stage_cut_off_after_its_last_epoch_is_only_measured(
    copied: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    metrics = copied / "runs" / "small" / stage / "metrics.json"
    before = load(metrics)
    metrics.unlink()
    epochs = epochs_trained(monkeypatch)
    train_lifter.main(arguments(copied))
    assert epochs == []
    assert load(metrics) == before


def test_spoilt_flows_are_refused_by_name(copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    shutil.rmtree(copied / "runs" / "small" / "whole")
    (copied / "runs" / "small" / "flows" / "last.ckpt").write_bytes(b"spoilt")
    assert run_command(train_lifter.main, arguments(copied), monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "flows/last.ckpt: not a checkpoint of flows" in line


def test_a_checkpoint_of_other_data_is_not_gone_on_with(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = copied / "runs" / "small" / "whole"
    (stage / "metrics.json").unlink()
    content = torch.load(stage / "last.ckpt", weights_only=True)
    assert content["duolift"]["kind"] == "a lifter"
    assert content["duolift"]["settings"] == load(stage / "settings.json")
    content["duolift"]["settings"]["data"]["content"] = "another"
    torch.save(content, stage / "last.ckpt")
    assert run_command(train_lifter.main, arguments(copied), monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "whole/last.ckpt: was made with other settings (data.content 'another' -> " in line
    assert not (stage / "metrics.json").exists()


# The supervised reference ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_labels_train_the_lifter_without_flows_in_rows_that_say_so(copied: Path) -> None:
    ablation.main(arguments(copied, "run=labelled", "lifting.labels=true"))
    run = copied / "runs" / "labelled"
    assert {path.name for path in run.iterdir() if path.is_dir()} == {"whole", "ablation"}
    rows = load(run / "ablation.json")["rows"]
    expected = [row.lifter for row in rows_of("whole with 3D labels")]
    assert [row["lifter"] for row in rows] == expected and "whole" not in expected
    assert load(run / "whole" / "metrics.json")["held_out"] == {}, "no criterion that has seen labels"


# Another set ----------------------------------------------------------------------------------------------------------


def evaluation(folder: Path, *more: str) -> list[str]:
    return ["run=small", f"runs={folder}/runs", "data.source=chi3d", *more]


@pytest.fixture
def other(copied: Path) -> Path:
    """A tree with nothing but the evaluation subject."""
    shutil.copytree(copied / "data" / "train" / "s04", copied / "other" / "train" / "s04")
    return copied / "other"


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["own", "training"])
def test_a_run_is_scored_on_a_tree_with_the_evaluation_subject_alone(copied: Path, other: Path, scale: str) -> None:
    evaluate.main(evaluation(copied, f"data.root={other}", f"data.scale={scale}"))
    run = copied / "runs" / "small"
    result, trained = load(run / "evaluate-other.json"), load(run / "ablation.json")
    assert (run / "evaluate-other.csv").is_file() and (run / "evaluate-other.md").is_file()
    assert result["data"]["scale"] == scale and result["data"]["scenes"] == trained["data"]["scenes"]
    assert [row["name"] for row in result["rows"]] == [row["name"] for row in trained["rows"]]
    same = all(
        ours["metrics"] == pytest.approx(theirs["metrics"], rel=1e-4)
        for ours, theirs in zip(result["rows"], trained["rows"], strict=True)
    )
    assert same == (scale == "training")  # the same poses in the same units score the same


@pytest.mark.slow
@pytest.mark.parametrize(("focal", "source"), [("people", None), ("default", "default"), ("1000", "given")])
def test_a_set_is_scored_by_other_focal_lengths_than_its_cameras(
    copied: Path, other: Path, focal: str, source: str | None
) -> None:
    run = copied / "runs" / "small"
    evaluate.main(evaluation(copied, f"data.root={other}", f"data.focal={focal}"))
    result = load(run / "evaluate-other.json")
    assert result["data"]["focal"] == focal
    assert len(result["data"]["lenses"]["whole"]) == 4
    for lens in result["data"]["lenses"]["whole"]:
        assert lens["source"] in ([source] if source else ["people", "default"])
        assert lens["true_focal_pixels"] == pytest.approx(1145, abs=10)
        if source:
            assert lens["focal_pixels"] == pytest.approx(1000 if focal == "1000" else 900 * 2**0.5)
    assert {row["lifter"] for row in result["rows"]} == {"joint", "whole"}
    assert all(isfinite(value) for row in result["rows"] for value in row["metrics"].values())


@pytest.mark.slow
def test_every_table_of_ground_placement_is_printed_and_finite(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(virtual_scenes, "CROWD", virtual_scenes.Crowd(scenes=20))
    monkeypatch.setattr(virtual_scenes, "VIRTUAL", virtual_scenes.VirtualCameras(cameras=3))
    ground.main(["run=small", f"runs={copied}/runs", f"data.root={copied}/data"])
    printed = capsys.readouterr().out
    titles = [line for line in printed.splitlines() if line.startswith("### ")]
    assert len(titles) == 7 and "nan" not in printed.split("### The rule")[0] and "inf" not in printed
    for title in ("Every row", "Focal length", "Rolled cameras", "More people", "The rule", "Confidence", "Perfect"):
        assert any(title in line for line in titles)
    assert (copied / "runs" / "small" / "rule.png").stat().st_size


def test_scenes_of_many_have_the_same_error_a_pair_as_two(done: Path) -> None:
    takes = read(done / "data", ["s02", "s03", "s04"])
    head, *lines = ground.crowd_table(takes, PAPER19)
    assert head[0] == "people"
    errors = {(kind, int(people)): float(error) for people, kind, error, *_ in lines}
    for people in ground.CROWDS:
        assert errors["perfect", people] < 6
        assert errors["with noise", people] < 1.1 * errors["with noise", 2]


def test_rows_without_known_cameras_say_how_far_off_they_take_the_focal_length(done: Path) -> None:
    rows = load(done / "runs" / "small" / "ablation.json")["rows"]
    assert {row["focal"] for row in rows} == {"known", "people", "default"}
    for row in rows:
        assert ("focal_error_pct" in row["metrics"]) == (row["focal"] != "known")


def cut_off(run: Path) -> None:
    path = run / "whole" / "last.ckpt"
    path.write_bytes(path.read_bytes()[:2000])


REFUSED = {
    "no run": (["run=nothing"], lambda run: None, "nothing/config.yaml: no such file"),
    "no data": (["data.root=/nowhere"], lambda run: None, "/nowhere: no such folder"),
    "malformed": (["data.root=["], lambda run: None, "argument 'data.root=[': "),
    "another skeleton": (["data.skeleton=paper23"], lambda run: None, "lifts the skeleton paper19"),
    "cut off": ([], cut_off, "whole/last.ckpt: not a checkpoint of a lifter"),
    "missing": ([], lambda run: (run / "whole" / "last.ckpt").unlink(), "whole/last.ckpt: cannot be read"),
    "flows": ([], lambda run: shutil.copy(run / "flows/last.ckpt", run / "whole/last.ckpt"), "not a checkpoint"),
    "untrained": ([], lambda run: [(run / n / "metrics.json").unlink() for n in ("joint", "whole")], "no trained"),
    "settings spoilt": ([], lambda run: (run / "config.yaml").write_text("flows: 3"), "setting flows is 3"),
}


@pytest.mark.parametrize(("given", "sabotage", "fragment"), REFUSED.values(), ids=REFUSED)
def test_a_run_that_cannot_be_scored_is_refused_in_one_line(
    copied: Path,
    other: Path,
    given: list[str],
    sabotage: Callable[[Path], object],
    fragment: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sabotage(copied / "runs" / "small")
    before = files(copied / "runs")
    assert run_command(evaluate.main, evaluation(copied, f"data.root={other}", *given), monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and fragment in line
    assert files(copied / "runs") == before


# The evaluation callback ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_scores_are_logged_at_the_asked_epochs_and_all_rows_at_the_end(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int, int]] = []
    score = callbacks.evaluation.evaluate

    def recorded(
        module: LifterModule, rows: list[Row], scenes: SceneBatch, *rest: Any, **named: Any
    ) -> list[dict[str, Any]]:
        calls.append((module.current_epoch, len(rows), len(scenes)))
        return score(module, rows, scenes, *rest, **named)

    monkeypatch.setattr(callbacks.evaluation, "evaluate", recorded)
    data = PoseDataModule(CHI3D, done / "data", PAPER19, batch_size=256, held_out=64)
    data.setup()
    module = load_lifter(done / "runs" / "small" / "whole" / "last.ckpt", PAPER19.name)
    flows = FlowPriorModule.load_from_checkpoint(done / "runs" / "small" / "flows" / "last.ckpt", weights_only=True)
    module.attach_prior(flows.flows, data.training_poses)
    assert data.image is not None
    callback = MultiPersonEvaluation(
        "whole", data.evaluation, PAPER19, every=2, few=100, path=tmp_path / "rows.json", image=data.image
    )
    run = trainer(5, [callback])
    run.fit(module, datamodule=data)
    everything = len(data.evaluation)
    assert calls == [(1, 1, everything // 2), (3, 1, everything // 2), (5, len(rows_of("whole")), everything)]
    logged = {name for name in run.callback_metrics if name.startswith("eval/")}
    rows = load(tmp_path / "rows.json")["rows"]
    assert logged == {f"eval/{name}" for name in paper_result(rows)["metrics"]}
    assert paper_result(rows)["name"] == "+ elevation compensation" and paper_result(rows)["scale_about"] == "camera"


# Commands as processes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "given", "fragment"),
    [
        ("ablation", ["data.source=chi3d", "data.root=/nowhere"], "/nowhere: no such folder"),
        ("evaluate", [], "config.yaml: no such file"),
    ],
)
def test_bad_input_ends_a_command_with_one_line_and_leaves_nothing(
    tmp_path: Path, module: str, given: list[str], fragment: str
) -> None:
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            f"experiments.{module}",
            f"runs={tmp_path}/runs",
            f"data.cache={tmp_path}/cache",
            *given,
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    (line,) = process.stderr.splitlines()
    assert (process.returncode, process.stdout) == (2, "")
    assert line.startswith("error: ") and fragment in line
    assert list(tmp_path.iterdir()) == []


def test_too_little_data_leaves_no_run(tmp_path: Path, done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [*arguments(done), f"runs={tmp_path}/runs", "flows.batch_size=100000"]
    assert run_command(ablation.main, given, monkeypatch) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not at hand")
@pytest.mark.parametrize(
    ("given", "run"),
    [
        (["EXPERIMENT=quick", "DATA=chi3d", "ROOT=/x/y/pairs"], "quick-pairs"),
        (["EXPERIMENT=quick", "DATA=chi3d", "ROOT=/x/y/pairs/"], "quick-pairs"),
        (["EXPERIMENT=quick", "DATA=chi3d", "ROOT=/x/y/pairs", "RUN=mine"], "mine"),
    ],
)
def test_make_names_a_run_after_its_experiment_and_its_data(given: list[str], run: str) -> None:
    process = subprocess.run(["make", "-n", "ablation", *given], cwd=REPOSITORY, capture_output=True, text=True)
    (line,) = (line for line in process.stdout.splitlines() if "experiments.ablation" in line)
    words = line.split()[1:]
    root = given[2].removeprefix("ROOT=")
    wanted = ["experiment=quick", f"run={run}", "data.source=chi3d", f"data.root={root}"]
    assert words == ["-m", "experiments.ablation", *wanted]
