"""A sweep's file is W&B's own, and says the same here: the same points, commands, and names of runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sweeps
import yaml
from conftest import REPOSITORY
from small_run import arguments, epochs_trained, files

from duolift.errors import InputError
from experiments import sweep
from experiments.config import load
from experiments.study import flows_run
from lightning_modules.flow_prior import FlowPriorModule

FILE = REPOSITORY / "experiments" / "sweep.yaml"
TINY = {
    "name": "tiny",
    "method": "grid",
    "metric": {"name": "val/deformation", "goal": "minimize"},
    "parameters": {"lifting.width": {"values": [8, 12]}, "lifting.likelihoods": {"value": ["whole", "legs"]}},
    "command": ["${env}", "python", "-m", sweep.MODULE, "run=tiny-${lifting.width}", sweep.VALUES],
}


@pytest.fixture
def given(tmp_path: Path) -> Callable[..., list[str]]:
    """`given(definition)`: arguments for a sweep with that definition."""

    def make(definition: Any) -> list[str]:
        (tmp_path / "sweep.yaml").write_text(definition if isinstance(definition, str) else yaml.safe_dump(definition))
        return arguments(tmp_path, f"sweep.file={tmp_path}/sweep.yaml", "lifting.epochs=1")

    return make


def grid_of_wandb(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """The points that W&B's own search visits."""
    points: list[Any] = []
    while (point := sweeps.next_run(sweeps.SweepConfig(definition), points)) is not None:
        point.state = sweeps.RunState.finished
        points.append(point)
    return [{name: chosen["value"] for name, chosen in point.config.items()} for point in points]


def test_the_file_is_valid_for_wandb() -> None:
    assert sweeps.schema_violations_from_proposed_config(sweep.read_sweep(FILE)) == []
    assert sweeps.schema_violations_from_proposed_config(sweep.read_sweep(FILE) | {"method": "colour"}) != []


@pytest.mark.parametrize("definition", [yaml.safe_load(FILE.read_text()), TINY], ids=["shipped", "tiny"])
def test_the_grid_is_wandbs(definition: dict[str, Any]) -> None:
    ours, theirs = sweep.grid(definition), grid_of_wandb(definition)
    assert len(ours) == len(theirs) and all(point in theirs for point in ours)


def test_every_point_of_the_shipped_grid_is_a_run_of_its_own_with_its_values() -> None:
    definition = sweep.read_sweep(FILE)
    points = sweep.grid(definition)
    configs = [load(sweep.arguments_of(definition, point)) for point in points]
    assert len({config.run for config in configs}) == len(points) == 9
    for point, config in zip(points, configs, strict=True):
        found = (config.lifting.width, config.lifting.learning_rate, config.seed)
        assert found == (point["lifting.width"], point["lifting.learning_rate"], point["seed"])
        assert config.run == "width-and-rate-" + "-".join(map(str, found))
        assert len({flows_run(other) for other in configs}) == 1, "all share their flows"
    assert {config.lifting.width for config in configs} > {load([]).lifting.width}


@pytest.mark.slow
def test_a_sweep_trains_every_point_once_and_its_flows_once(
    tmp_path: Path, given: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    flows = epochs_trained(monkeypatch, FlowPriorModule)
    sweep.main([*given(TINY), "run=ignored"])
    assert flows == [0]
    runs = tmp_path / "runs"
    lines = json.loads((runs / "sweep-tiny.json").read_text())
    assert sorted((line["run"], line["lifting.width"]) for line in lines) == [("tiny-12", 12), ("tiny-8", 8)]
    for line in lines:
        (record,) = json.loads((runs / line["run"] / "whole" / "history.json").read_text())
        assert line["val/deformation"] == record["val/deformation"]
        kept = json.loads((runs / line["run"] / "whole" / "settings.json").read_text())
        assert kept["lifting"]["width"] == line["lifting.width"]
    assert lines[0]["val/deformation"] <= lines[1]["val/deformation"], "the best comes first"
    assert not (runs / "ignored").exists()
    table = (runs / "sweep-tiny.md").read_text().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in table[2:]] == [line["run"] for line in lines]
    assert len(capsys.readouterr().out.splitlines()) > len(lines)

    before = files(runs)
    worst_first = TINY | {"metric": {"name": "val/deformation", "goal": "maximize"}}
    sweep.main(given(worst_first))
    changed = {path.name for path, time in files(runs).items() if before.get(path) != time}
    assert changed == {"sweep-tiny.json", "sweep-tiny.md"}
    assert json.loads((runs / "sweep-tiny.json").read_text()) == lines[::-1]


@pytest.mark.parametrize(
    ("definition", "fragment"),
    [
        ("[1, 2]", "holds a list"),
        ("a: [", "not readable as a sweep"),
        (TINY | {"method": "bayes"}, "method is 'bayes'; expected grid"),
        (TINY | {"parameters": None}, "parameters is None"),
        (TINY | {"parameters": {"seed": {"min": 0, "max": 3}}}, "parameters.seed is"),
        (TINY | {"metric": {"name": "val/loss"}}, "metric is"),
        (TINY | {"command": ["python", "${program}", "${args}"]}, "command is"),
        (TINY | {"command": [sweep.MODULE, "run=same", sweep.VALUES]}, "runs share a name"),
        (TINY | {"command": [sweep.MODULE, "lifter=all", *TINY["command"][4:]]}, "lifter is 'all'"),
        (TINY | {"parameters": {"lifting.with": {"values": [8]}}}, "did you mean width"),
    ],
)
def test_what_is_no_grid_over_the_lifter_is_refused_and_trains_nothing(
    tmp_path: Path, given: Callable[..., list[str]], definition: Any, fragment: str
) -> None:
    with pytest.raises(InputError, match=fragment) as caught:
        sweep.main(given(definition))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_no_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.yaml: not readable"):
        sweep.main(arguments(tmp_path, f"sweep.file={tmp_path}/nothing.yaml"))
