"""Table 1: train what is missing, score every row, write the table.   python -m experiments.ablation lifter=all"""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb
from rich.console import Console
from rich.table import Table

from callbacks.alone import ALONE
from callbacks.camera_centred import CAMERA_CENTRED
from callbacks.rows import CAMERA_SETTINGS, JOINT, placement_options
from callbacks.scoring import RECALL, RELATIVE
from datamodules.pose_data_module import NotPairsError
from datamodules.sources.h36m.settings import H36mConfig
from datamodules.sources.registry import H36M
from duolift.files import write_text
from duolift.metrics.table import PROTOCOLS
from duolift.placement.paper import PUBLISHED_METRICS
from experiments.config import load
from experiments.data import measured_source
from experiments.processes import is_first
from experiments.published import FROM_PIXELS, OTHER_METRICS, PAIR, PUBLISHED, rows_beside
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
}
"""The columns of the printed table of placements; files hold every metric."""

FIELD_HEADS = {
    **{key: PROTOCOLS[key].title for key in (*CAMERA_CENTRED, RELATIVE)},
    RECALL: "recall %",
    **OTHER_METRICS,
}
"""The columns of the second table, of several people by the field's protocols."""

IN_FILES_ALONE = ("n_auc_pct", "pa_pck_pct", "pa_auc_pct", "pck_abs_pct", "root_error_mm")
"""Protocols that are no columns of the printed table."""

ALONE_HEADS = {
    **{protocol.key: protocol.title for protocol in PROTOCOLS.values() if protocol.key not in IN_FILES_ALONE},
    "elevation_error_deg": HEADS["elevation_error_deg"],
}
"""The columns for single people."""


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
    given = given_2d(config) if of_single_people(rows) else FROM_PIXELS
    rows += rows_beside(config.data.source, *given)
    result = {"run": config.run, "experiment": config.experiment, "seed": config.seed, "data": data, "rows": rows}
    if is_first():
        write_tables(Path(config.runs) / config.run / "ablation", result)
        log_table(config, rows)
    return result


def of_single_people(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether rows are of people by themselves, so that there is nothing to place."""
    return any(row["name"] == ALONE for row in rows)


def given_2d(config: Config) -> tuple[str]:
    """Which published values a run's are to be seen beside: `gt` for exact 2D poses, or `detected`."""
    detector = config.data.source == H36M.name and config.data.h36m.detections != H36mConfig().detections
    return ("detected",) if detector else ("gt",)


def baseline(config: Config) -> list[Stage]:
    """Figure 1's baseline, where all scenes are of two people, whom it lifts as one body."""
    try:
        return [train(config, JOINT)]
    except NotPairsError as error:
        if error.numbers != [1]:  # of single people nobody expects it
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
    if of_single_people(rows):
        return {name: head for name, head in ALONE_HEADS.items() if any(name in row["metrics"] for row in rows)}
    return HEADS


def cells(row: dict[str, Any], columns: Iterable[str] = HEADS) -> list[str]:
    """A row of the printed table; the paper's values, where it has some, stand in brackets."""
    paper = (row["published"] or {}) if row["scale_about"] in ("camera", None) else {}
    values = []
    for name in columns:
        decimals = PROTOCOLS[name].decimals if name in PROTOCOLS else 1
        value = "" if name not in row["metrics"] else f"{row['metrics'][name]:.{decimals}f}"
        values.append(f"{value} [{paper[name]}]" if name in paper else value)
    return [row["lifter"], row["name"], row["scale_about"] or "", *values]


WIDTH = 180
"""Columns of a printed table where nothing says how many there are."""

TABLE = "ablation"
"""What the table is called in W&B."""

NOTE = "[the paper's value, measured on CHI3D: not comparable where the data is another]"

ALONE_NOTE = (
    "N- and PA- take people of any size. Without them, and for movements, everybody counts as large as the training "
    "subjects are on average. Published values, and their sources: docs/benchmarks.md"
)


FIELD_NOTE = (
    "By the field's protocols, in the camera's frame: people of a scene count as large, on average, as the training "
    "subjects are. Published methods are given images or videos. Protocols, published values and sources: "
    "docs/benchmarks.md"
)


def lines_of(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The printed table: a head, and a line a row. Of single people nothing is scaled about anything."""
    columns = heads(rows)
    rows = [row for row in rows if columns.keys() & row["metrics"].keys()]
    lines = [["lifter", "row", "scaled about", *columns.values()], *(cells(row, columns) for row in rows)]
    return [[*line[:2], *line[3:]] for line in lines] if of_single_people(rows) else lines


def field_lines(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The table by the field's protocols, of several people: a head, and a line a row that is in the camera's frame."""
    some = [row for row in rows if row["lifter"] == PUBLISHED or {*CAMERA_CENTRED} & row["metrics"].keys()]
    columns = {key: head for key, head in FIELD_HEADS.items() if any(key in row["metrics"] for row in some)}
    if PAIR in columns:  # which ours have by another name
        some = [row | {"metrics": {PAIR: row["metrics"].get("pa_mpjpe_mm"), **row["metrics"]}} for row in some]
    return [
        ["lifter", "row", *columns.values()],
        *([*cells(row, columns)[:2], *cells(row, columns)[3:]] for row in some),
    ]


def tables_of(rows: Sequence[dict[str, Any]]) -> list[tuple[list[list[str]], str]]:
    """The printed tables, each with what stands below it; of several people there are two."""
    if of_single_people(rows):
        return [(lines_of(rows), ALONE_NOTE)]
    by_protocols = field_lines(rows)
    return [(lines_of(rows), NOTE), *([(by_protocols, FIELD_NOTE)] if len(by_protocols) > 1 else [])]


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    text: list[str] = []
    for lines, note in tables_of(rows):
        text += [*([""] if text else []), markdown_table(*lines), "", note]
    for row in rows:
        if "actions" in row:
            text += ["", f"{row['lifter']}, by action:", "", markdown_table(*action_lines(row["actions"]))]
    return "\n".join([*text, ""])


def action_lines(actions: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """The table of actions: a head, and a line each."""
    keys = list(next(iter(actions.values())))
    lines = [[action, *(PROTOCOLS[key].text(of[key]) for key in keys)] for action, of in actions.items()]
    return [["action", *(PROTOCOLS[key].title for key in keys)], *lines]


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the tables."""
    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    for (head, *lines), note in tables_of(rows):
        printed = Table(*head)
        for line in lines:
            printed.add_row(*(cell.replace("[", "\\[") for cell in line))
        console.print(printed)
        console.print(note, markup=False)


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
    if not of_single_people(result["rows"]):
        print(f"as a page    make report RUN={config.run}{told_runs(config)}")


if __name__ == "__main__":
    command(main)
