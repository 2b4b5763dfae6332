"""Table 1: train what is missing, score every row, write the table.   python -m experiments.ablation lifter=all"""

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import wandb
from rich.console import Console
from rich.table import Table

from callbacks.rows import CAMERA_SETTINGS, JOINT, placement_options
from datamodules.pose_data_module import NotPairsError
from duolift.files import write_text
from duolift.placement.paper import PUBLISHED_METRICS
from experiments.config import load
from experiments.data import measured_source
from experiments.processes import is_first
from experiments.runs import Stage, command, wandb_logger
from experiments.settings import LIFTERS, Config
from experiments.tables import markdown_table
from experiments.train_lifter import train

HEADS = {
    "pa_mpjpe_mm": "PA-MPJPE mm",
    "scale_error_pct": "SE %",
    "scale_error_mm": "SE mm",
    "translation_error_mm": "TE mm",
    "root_displacement_error_mm": "RDE mm",
    "pa_mpjpe_person_mm": "person mm",
    "elevation_error_deg": "elevation deg",
    "contact_distance_error_mm": "contact mm",
    "recall_pct": "recall %",
}
"""The columns of the printed table; files hold every metric."""

WHERE_MEASURED = ("recall_pct",)
"""Columns that only data have in which people come and go."""


def ablation(config: Config) -> dict[str, Any]:
    """Every row of every lifter, and what they were measured on. Raises InputError where the data have no 3D."""
    measured_source(config)
    lifters = LIFTERS if config.lifter == "all" else [config.lifter]
    stages = [*([] if config.lifting.labels else baseline(config)), *(train(config, lifter) for lifter in lifters)]
    scored = [json.loads(stage.metrics.read_text()) for stage in stages]
    data = {
        "root": config.data.root,
        "source": config.data.source,
        "scenes": scored[0]["scenes"],
        **stages[0].settings["data"],
    }
    rows = [row for stage in scored for row in stage["rows"]]
    result = {"run": config.run, "experiment": config.experiment, "seed": config.seed, "data": data, "rows": rows}
    if is_first():
        write_tables(Path(config.runs) / config.run / "ablation", result)
        log_table(config, rows)
    return result


def baseline(config: Config) -> list[Stage]:
    """Figure 1's baseline, where all scenes are of two people, whom it lifts as one body."""
    try:
        return [train(config, JOINT)]
    except NotPairsError as error:
        print(f"Figure 1's baseline is left out: {error}", file=sys.stderr)
        return []


def write_tables(stem: Path, result: dict[str, Any]) -> None:
    """`<stem>.json`, `.csv` and `.md`: everything, every metric a column, and a table to read."""
    sheet = io.StringIO()
    csv.writer(sheet, lineterminator="\n").writerows(table(result["rows"]))
    write_text(stem.with_suffix(".csv"), sheet.getvalue())
    write_text(stem.with_suffix(".md"), markdown(result["rows"]))
    write_text(stem.with_suffix(".json"), json.dumps(result, indent=1))


def table(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """A head and a line a row: settings, every metric, the paper's values."""
    metrics = list(dict.fromkeys(name for row in rows for name in row["metrics"]))
    settings = ["name", "lifter", *placement_options(), *CAMERA_SETTINGS]
    lines: list[list[Any]] = [[*settings, *metrics, *(f"paper_chi3d_{name}" for name in PUBLISHED_METRICS)]]
    for row in rows:
        paper = row["published"] or {}
        lines.append([*map(row.get, settings), *map(row["metrics"].get, metrics), *map(paper.get, PUBLISHED_METRICS)])
    return lines


def heads(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The printed table's columns: metric -> head."""
    return {
        name: head
        for name, head in HEADS.items()
        if name not in WHERE_MEASURED or any(name in row["metrics"] for row in rows)
    }


def cells(row: dict[str, Any], columns: Iterable[str] = HEADS) -> list[str]:
    """A row of the printed table; the paper's values, where it has some, stand in brackets."""
    paper = (row["published"] or {}) if row["scale_about"] in ("camera", None) else {}
    values = []
    for name in columns:
        value = "" if name not in row["metrics"] else f"{row['metrics'][name]:.1f}"
        values.append(f"{value} [{paper[name]}]" if name in paper else value)
    return [row["lifter"], row["name"], row["scale_about"] or "", *values]


TABLE = "ablation"
"""What the table is called in W&B."""

NOTE = "[the paper's value, measured on CHI3D: not comparable where the data is another]"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    columns = heads(rows)
    lines = (cells(row, columns) for row in rows)
    return markdown_table(["lifter", "row", "scaled about", *columns.values()], *lines) + f"\n\n{NOTE}\n"


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    columns = heads(rows)
    printed = Table("lifter", "row", "scaled about", *columns.values())
    for row in rows:
        printed.add_row(*(cell.replace("[", "\\[") for cell in cells(row, columns)))
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(printed)
    console.print(NOTE, markup=False)


def log_table(config: Config, rows: Sequence[dict[str, Any]]) -> None:
    """The rows as a table of a W&B run of their own, in the group of the stages."""
    folder = Path(config.runs) / config.run / "ablation"
    folder.mkdir(exist_ok=True)
    logger = wandb_logger(config, folder, {})
    if logger is None:
        return
    columns, *lines = table(rows)
    logger.experiment.log({TABLE: wandb.Table(columns=columns, data=lines)})
    wandb.finish()


def told_runs(config: Config) -> str:
    """What `make report` needs beside the run's name where it is not in the usual folder."""
    return "" if config.runs == Config().runs else f' ARGS="runs={config.runs}"'


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    result = ablation(config)
    show(result["rows"])
    folder = Path(config.runs) / config.run
    print(f"tables       {folder}/ablation.json, .csv, .md")
    print(f"checkpoints  {folder}/<lifter>/last.ckpt and {folder}/flows*/last.ckpt")
    print(f"flow samples {folder}/flows*/samples_<part>.png")
    print(f"W&B runs     {folder}/*/wandb (upload offline runs with: wandb sync {folder}/*/wandb/offline-run-*)")
    print(f"as a page    make report RUN={config.run}{told_runs(config)}")


if __name__ == "__main__":
    command(main)
