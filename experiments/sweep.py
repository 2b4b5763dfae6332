"""A W&B sweep's grid without W&B, a run after another.   python -m experiments.sweep sweep.file=experiments/sweep.yaml

The file says everything: parameters, the metric, and the command, which names each run by its values. A run that is
finished is not run again, and runs that ask for the same flows share them.
"""

import json
import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

from callbacks.rows import product_result
from duolift.errors import InputError
from duolift.files import write_text
from experiments.config import load
from experiments.runs import command
from experiments.settings import Config
from experiments.study import flows_run, pretrain_once
from experiments.tables import markdown_table
from experiments.train_lifter import train

MODULE, VALUES = "experiments.train_lifter", "${args_no_hyphens}"
"""What the file's command runs, and the place of the values in it."""

MEASURED = {"pa_mpjpe_person_mm": "person mm", "elevation_error_deg": "elevation deg", "pa_mpjpe_mm": "scene mm"}
"""What the table tells beside the file's metric."""


def read_sweep(path: Path) -> dict[str, Any]:
    """A sweep's definition.

    Raises:
        InputError: no such file, or no grid of values over `experiments.train_lifter`.
    """
    try:
        sweep = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable as a sweep ({str(error).splitlines()[0]})") from error
    if not isinstance(sweep, dict):
        raise InputError(f"{path}: holds a {type(sweep).__name__}; expected a W&B sweep's definition")
    if (method := sweep.get("method")) != "grid":
        raise InputError(f"{path}: method is {method!r}; expected grid, which alone runs without W&B")
    for key, kind in (("name", str), ("metric", dict), ("parameters", dict), ("command", list)):
        if not isinstance(found := sweep.get(key), kind):
            raise InputError(f"{path}: {key} is {found!r}; expected a {kind.__name__}")
    for name, parameter in sweep["parameters"].items():
        if not isinstance(parameter, dict) or len({"value", "values"} & parameter.keys()) != 1:
            raise InputError(f"{path}: parameters.{name} is {parameter!r}; expected a value, or values")
    if set(sweep["metric"]) != {"name", "goal"} or sweep["metric"]["goal"] not in ("minimize", "maximize"):
        raise InputError(f"{path}: metric is {sweep['metric']}; expected a name, and minimize or maximize for a goal")
    if not {MODULE, VALUES} <= set(sweep["command"]):
        raise InputError(f"{path}: command is {sweep['command']}; expected one of {MODULE} with {VALUES}")
    return sweep


def grid(sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """Every value of each parameter with every one of all others, the last changing first."""
    choices = [parameter.get("values", [parameter.get("value")]) for parameter in sweep["parameters"].values()]
    return [dict(zip(sweep["parameters"], values, strict=True)) for values in product(*choices)]


def arguments_of(sweep: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """What W&B's agent would give `experiments.train_lifter` for these values."""
    filled = create_sweep_command_args({"args": {name: {"value": value} for name, value in values.items()}})
    given = sweep["command"][sweep["command"].index(MODULE) + 1 :]
    return [word for part in given for word in (filled["args_no_hyphens"] if part == VALUES else [str(part)])]


def run_sweep(arguments: Sequence[str], sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """Train what the grid lacks. Returns a line a run, the best by the sweep's metric first.

    Args:
        arguments: settings that all runs have in common; the file's win.
    """
    metric, points = sweep["metric"], grid(sweep)
    configs = [load([*arguments, *arguments_of(sweep, values)]) for values in points]
    if len({config.run for config in configs}) < len(configs):
        raise InputError(
            f"sweep {sweep['name']}: runs share a name; expected run=... in its command by all their values"
        )
    if any(config.lifter == "all" for config in configs):
        raise InputError("setting lifter is 'all'; expected one lifter, since a sweep's run has one")
    lines = []
    for number, (values, config) in enumerate(zip(points, configs, strict=True), 1):
        share_flows(config)
        stage = train(config, config.lifter)
        last = json.loads((stage.folder / "history.json").read_text())[-1]
        if metric["name"] not in last:
            raise InputError(f"metric {metric['name']} is not logged; expected one of {', '.join(sorted(last))}")
        measured = product_result(json.loads(stage.metrics.read_text())["rows"])["metrics"]
        told = {name: measured[name] for name in MEASURED}
        lines.append({"run": config.run, **values, metric["name"]: last[metric["name"]], **told})
        print(f"{number} of {len(configs)}  {config.run}: {metric['name']} {last[metric['name']]:.4f}")
    return sorted(lines, key=lambda line: line[metric["name"]], reverse=metric["goal"] == "maximize")


def share_flows(config: Config) -> None:
    """Give a run the flows of the others that ask for the same, trained once."""
    folder = Path(config.runs) / config.run / "flows"
    if not config.lifting.labels and not folder.exists():
        pretrain_once(config)
        shutil.copytree(flows_run(config) / "flows", folder, ignore=shutil.ignore_patterns("wandb"))


def cells(line: dict[str, Any]) -> list[str]:
    return [f"{value:.4g}" if isinstance(value, float) else str(value) for value in line.values()]


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    sweep = read_sweep(Path(config.sweep.file))
    lines = run_sweep(arguments, sweep)
    head = [MEASURED.get(name, name) for name in lines[0]]
    path = Path(config.runs) / f"sweep-{sweep['name']}"
    write_text(path.with_suffix(".json"), json.dumps(lines, indent=1))
    write_text(path.with_suffix(".md"), markdown_table(head, *map(cells, lines)) + "\n")
    printed = Table(*head)
    for line in lines:
        printed.add_row(*cells(line))
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(printed)
    print(f"table {path}.json, .md")


if __name__ == "__main__":
    command(main)
