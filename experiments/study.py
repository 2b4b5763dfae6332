"""One factor at a time from the default: what each setting buys.   python -m experiments.study data.source=chi3d ...

A line of the table is a run: what was changed, seed, metrics, time. The table grows as runs end, and what is in it
is not run again: `make study` goes on where it was left, on this machine or from a committed table on another.
"""

import csv
import hashlib
import io
import json
import math
import multiprocessing
import re
import shutil
import statistics
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from callbacks.evaluation import main_row
from callbacks.figures import save_figure, study_chart
from duolift.errors import InputError
from duolift.files import write_text
from experiments.config import Config, flow_parts, load, plain
from experiments.pretrain_flows import pretrain
from experiments.runs import command, quiet
from experiments.train_lifter import train

FACTORS: dict[str, tuple[str, ...]] = {
    "default": (),
    "supervised": ("lifting.labels=true",),
    "left_right": ("lifter=left_right",),
    "legs_torso": ("lifter=legs_torso",),
    "links": ("lifter=links",),
    "left_right, own flows": ("lifter=left_right", "lifting.likelihoods=null"),
    "legs_torso, own flows": ("lifter=legs_torso", "lifting.likelihoods=null"),
    "links, own flows": ("lifter=links", "lifting.likelihoods=null"),
    "whole flow alone": ("lifting.likelihoods=[whole]",),
    "all five flows": ("lifting.likelihoods=[whole,legs,torso,left,right]",),
    "generative sampling": ("lifting.sampling=0.2",),
    "no mirroring": ("lifting.mirror=false", "flows.mirror=false"),
    "flow noise 0": ("flows.noise=0",),
    "flow noise 0.08": ("flows.noise=0.08",),
    "flows one_cycle": ("flows.schedule=one_cycle", "flows.learning_rate=4e-3"),
    "flow width 256": ("flows.width=256",),
    "NLL tempered at 20 nats": ("lifting.knee=20",),
    "unbounded elevation": ("lifting.elevation_bound_deg=null",),
    "no gradient clipping": ("lifting.gradient_clip=null",),
    "c = 10, shift": ("data.c=10", "data.normalisation=shift"),
    "shift": ("data.normalisation=shift",),
    "width 256": ("lifting.width=256",),
    "width 512": ("lifting.width=512",),
    "batch 128": ("lifting.batch_size=128",),
    "batch 512": ("lifting.batch_size=512",),
    "learning rate 2e-3": ("lifting.learning_rate=2e-3",),
    "learning rate 2e-4, exponential": ("lifting.learning_rate=2e-4", "lifting.schedule=exponential"),
    "learning rate 1e-3, exponential": ("lifting.learning_rate=1e-3", "lifting.schedule=exponential"),
    "input noise": ("lifting.noise=0.05",),
    "anthropometric bones": ("lifting.bone_ratios=anthropometric",),
    "23 joints": ("data.skeleton=paper23",),
    "25 joints": ("data.skeleton=chi3d25",),
    "s02 -> s03": ("data.train=[s02]", "data.evaluate=[s03]"),
    "s03 -> s02": ("data.train=[s03]", "data.evaluate=[s02]"),
    "s02 -> s03, supervised": ("data.train=[s02]", "data.evaluate=[s03]", "lifting.labels=true"),
    "s03 -> s02, supervised": ("data.train=[s03]", "data.evaluate=[s02]", "lifting.labels=true"),
    "s02 -> s03, synthetic as well": ("data.train=[s02]", "data.evaluate=[s03]", "data.extra=[synthetic]"),
    "s03 -> s02, synthetic as well": ("data.train=[s03]", "data.evaluate=[s02]", "data.extra=[synthetic]"),
    "synthetic as well": ("data.extra=[synthetic]",),
}
"""What is changed from the default, by name."""

METRICS = ("pa_mpjpe_person_mm", "elevation_error_deg", "elevation_correlation", "pa_mpjpe_mm")
HELD_OUT = ("likelihood", "reprojection", "consistency", "deformation", "bone")
KEY = ("factor", "settings", "seed", "epochs")
COLUMNS = (
    *KEY,
    *METRICS,
    *(f"noise_{pixels}px_mm" for pixels in (2, 5, 10)),
    *(f"val_{t}" for t in HELD_OUT),
    "seconds",
)


def study(arguments: Sequence[str], config: Config) -> list[dict[str, str]]:
    """Run what the table lacks, and draw it. Returns the table."""
    if unknown := [name for name in config.study.factors or [] if name not in FACTORS]:
        raise InputError(f"setting study.factors holds {', '.join(unknown)}; expected some of {', '.join(FACTORS)}")
    path = Path(config.study.table)
    table = read_table(path)
    done = {tuple(row[key] for key in KEY) for row in table}
    wanted = [
        (name, seed, planned(arguments, config, name, seed))
        for seed in config.study.seeds
        for name in config.study.factors or FACTORS
    ]
    missing = [(name, run) for name, seed, run in wanted if key_of(name, run) not in done]
    with ProcessPoolExecutor(config.study.workers, multiprocessing.get_context("spawn"), quiet) as pool:
        flows = {str(flows_run(run)): run for _, run in missing if not run.lifting.labels}
        list(pool.map(pretrain_once, flows.values()))
        running = [pool.submit(measure, name, run) for name, run in missing]
        for number, finished in enumerate(as_completed(running), 1):
            row = finished.result()
            table.append(row)
            write_table(path, table)
            print(f"{number} of {len(running)}  {row['factor']}, seed {row['seed']}: {row['pa_mpjpe_person_mm']} mm")
    save_figure(study_chart(table), path.with_suffix(".png"))
    write_text(path.with_suffix(".md"), report(table))
    return table


def planned(arguments: Sequence[str], config: Config, name: str, seed: int) -> Config:
    """The settings of one run: the study's, the budget, the factor."""
    slug = re.sub(r"\W+", "-", name.replace("->", "to"))
    budget = [f"lifting.epochs={config.study.epochs}", f"flows.epochs={config.study.flow_epochs}"]
    own = [f"seed={seed}", *budget, *FACTORS[name]]
    fixed = [f"runs={config.runs}/study", f"run={slug}-{seed}-{config.study.epochs}", "wandb.mode=disabled"]
    return load([*arguments, *own, *fixed, "compute.threads=1", f"evaluation.every={10**6}"])


def key_of(name: str, run: Config) -> tuple[str, ...]:
    return (name, " ".join(FACTORS[name]), str(run.seed), str(run.lifting.epochs))


def flows_run(run: Config) -> Path:
    """Where the flows lie that a run shares with every other that asks for the same."""
    decides = (plain(run.data), plain(run.flows), flow_parts(run), run.seed)
    digest = hashlib.blake2b(json.dumps(decides).encode(), digest_size=6).hexdigest()
    return Path(run.runs) / f"flows-{digest}"


def pretrain_once(run: Config) -> None:
    pretrain(replace(run, run=flows_run(run).name))


def measure(name: str, run: Config) -> dict[str, str]:
    """Train one lifter on flows that are there, and give its line of the table."""
    folder = Path(run.runs) / run.run
    if not run.lifting.labels and not (folder / "flows").exists():
        shutil.copytree(flows_run(run) / "flows", folder / "flows")
    began = time.monotonic()
    stage = train(run, run.lifter)
    seconds = time.monotonic() - began
    measured = json.loads(stage.metrics.read_text())
    metrics, noisy = main_row(measured["rows"])["metrics"], measured["noise_pixels_pa_mpjpe_person_mm"]
    row = dict(zip(KEY, key_of(name, run), strict=True))
    row |= {metric: f"{metrics[metric]:.3f}" for metric in METRICS}
    row |= {f"noise_{pixels}px_mm": f"{noisy[str(pixels)]:.3f}" for pixels in (2, 5, 10)}
    row |= {f"val_{term}": f"{measured['held_out'].get(term, math.nan):.4f}" for term in HELD_OUT}
    return row | {"seconds": f"{seconds:.0f}"}


def report(table: Sequence[dict[str, str]]) -> str:
    """The table to read, mean and deviation over the seeds, and how well 2D alone would have ranked the runs."""
    columns = {"pa_mpjpe_person_mm": "mm a person", "elevation_error_deg": "elevation deg"}
    columns |= {"elevation_correlation": "correlation", "noise_5px_mm": "mm at 5 px", "seconds": "s"}
    lines = [["factor", "epochs", "seeds", *columns.values()], ["---"] * (3 + len(columns))]
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in table:
        groups.setdefault((row["epochs"], row["factor"]), []).append(row)
    for (epochs, factor), rows in sorted(groups.items(), key=lambda item: (int(item[0][0]), mean_of(item[1]))):
        values = [[float(row[column]) for row in rows] for column in columns]
        lines.append([factor, epochs, str(len(rows)), *(spread(column) for column in values)])
    told = [f"- `{term}`: {rank_correlation(table, term):.2f}" for term in HELD_OUT]
    return (
        "\n".join("| " + " | ".join(line) + " |" for line in lines)
        + "\n\nRank correlation of a run's held-out loss terms (2D alone) with its 3D error, over the runs that score"
        + " the same poses by the same flows:\n\n"
        + "\n".join(told)
        + "\n"
    )


def mean_of(rows: Sequence[dict[str, str]]) -> float:
    return statistics.fmean(float(row["pa_mpjpe_person_mm"]) for row in rows)


def spread(values: Sequence[float]) -> str:
    """A mean, and the standard deviation where there are several."""
    digits = 0 if min(values) >= 100 else 1 if min(values) >= 1 else 3
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.{digits}f}{deviation}"


def rank_correlation(table: Sequence[dict[str, str]], term: str) -> float:
    """Spearman's, between a held-out term and the error a person, over runs whose term means the same."""
    incomparable = ("data.", "flows.", "likelihoods", "labels", "lifter=", "knee")
    rows = [row for row in table if not any(word in row["settings"] for word in incomparable)]
    terms, errors = ([float(row[column]) for row in rows] for column in (f"val_{term}", "pa_mpjpe_person_mm"))
    return float(spearmanr(terms, errors).statistic) if len(rows) > 2 else math.nan


def read_table(path: Path) -> list[dict[str, str]]:
    """The lines of a table. Raises InputError for a file with other columns."""
    if not path.exists():
        return []
    sheet = csv.DictReader(io.StringIO(path.read_text()))
    if (found := tuple(sheet.fieldnames or ())) != COLUMNS:
        raise InputError(f"{path}: has the columns {', '.join(found)}; expected {', '.join(COLUMNS)}")
    return list(sheet)


def write_table(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, sheet.getvalue())


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    table = study(arguments, config)
    print(f"table {config.study.table}: {len(table)} runs; chart {Path(config.study.table).with_suffix('.png')}")


if __name__ == "__main__":
    command(main)
