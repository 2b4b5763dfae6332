"""One factor at a time from the default: what each setting buys.   python -m experiments.study data.source=chi3d ...

A line of the table is a run: what was changed, seed, metrics, time. The table grows as runs end, and what is in it
is not run again: `make study` goes on where it was left, on this machine or from a committed table on another.
Once the default or the data has changed, lines of before stay in the table, but are no longer told of.

Could 2D poses alone have chosen the best run? Every run that lifts the same poses is judged by one referee, the
default's flows: how likely held-out poses are from other sides, and how little they change over the cycle.
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from callbacks.figures import noise_chart, save_figure, study_chart
from callbacks.rows import paper_result
from callbacks.scoring import NOISE_PIXELS
from duolift.errors import InputError
from duolift.files import write_text
from duolift.progress import tracked
from experiments.checkpoints import load_flows, load_lifter
from experiments.config import load, plain
from experiments.data import open_data
from experiments.pretrain_flows import pretrain
from experiments.runs import Stage, command, quiet
from experiments.settings import Config, flow_parts
from experiments.tables import markdown_table
from experiments.train_lifter import train

DEFAULT = "default"

CROSSING = {
    f"{one} -> {other}": (f"data.train=[{one}]", f"data.evaluate=[{other}]")
    for one, other in (("s02", "s03"), ("s03", "s02"))
}
"""Trained on one pair of people, evaluated on another who move otherwise."""

SYNTHETIC, PLAIN = ("data.extra=[synthetic]",), ("lifting.weights.augmentation=0",)

FACTORS: dict[str, tuple[str, ...]] = {
    DEFAULT: (),
    "supervised": ("lifting.labels=true",),
    "left_right": ("lifter=left_right",),
    "legs_torso": ("lifter=legs_torso",),
    "left_right, own flows": ("lifter=left_right", "lifting.likelihoods=null"),
    "legs_torso, own flows": ("lifter=legs_torso", "lifting.likelihoods=null"),
    "links, own flows": ("lifter=links", "lifting.likelihoods=null"),
    "whole flow alone": ("lifting.likelihoods=[whole]",),
    "generative sampling": ("lifting.sampling=0.2",),
    "no mirroring": ("lifting.mirror=false", "flows.mirror=false"),
    "flow noise 0": ("flows.noise=0",),
    "flow noise 0.08": ("flows.noise=0.08",),
    "unbounded elevation": ("lifting.elevation_bound_deg=null",),
    "elevation from 0": ("lifting.initial_elevation_deg=0",),
    "no gradient clipping": ("lifting.gradient_clip=null",),
    "no flip test": ("lifting.flip_test=false",),
    "c = 10, shift": ("data.c=10", "data.normalisation=shift"),
    "shift": ("data.normalisation=shift",),
    "width 256": ("lifting.width=256",),
    "width 512": ("lifting.width=512",),
    "batch 128": ("lifting.batch_size=128",),
    "batch 512": ("lifting.batch_size=512",),
    "learning rate 2e-4, exponential": ("lifting.learning_rate=2e-4", "lifting.schedule=exponential"),
    "learning rate 1e-3, exponential": ("lifting.learning_rate=1e-3", "lifting.schedule=exponential"),
    "input noise": ("lifting.noise=0.05",),
    "anthropometric bones": ("lifting.bone_ratios=anthropometric",),
    "23 joints": ("data.skeleton=paper23",),
    "25 joints": ("data.skeleton=chi3d25",),
    "attached views": ("lifting.attached=true",),
    "no augmentation": PLAIN,
    "augmentation of lean 60": ("lifting.augmentation.lean=60",),
    "synthetic": SYNTHETIC,
    **CROSSING,
    **{f"{name}, supervised": (*crossing, "lifting.labels=true") for name, crossing in CROSSING.items()},
    **{f"{name}, no augmentation": crossing + PLAIN for name, crossing in CROSSING.items()},
    **{f"{name}, synthetic": crossing + SYNTHETIC for name, crossing in CROSSING.items()},
    **{f"{name}, synthetic, no augmentation": crossing + SYNTHETIC + PLAIN for name, crossing in CROSSING.items()},
}
"""What is changed from the default, by name."""

NOISY = (DEFAULT, "input noise")
"""What the curves of error over a detector's noise are drawn of."""

METRICS = ("pa_mpjpe_person_mm", "elevation_error_deg", "elevation_correlation", "pa_mpjpe_mm")
NOISE = {f"noise_{pixels:g}px_mm": f"{pixels:g}" for pixels in NOISE_PIXELS if pixels}
CRITERIA = ("likelihood", "reprojection", "consistency", "deformation", "bone", "total")
"""What held-out poses tell without 3D: `LifterModule.held_out`."""

KEY = ("factor", "settings", "seed", "epochs", "flow_epochs", "digest")
COLUMNS = (*KEY, *METRICS, *NOISE, *(f"held_out_{term}" for term in CRITERIA), "within_run", "seconds")

EVALUATIONS = 8
"""So many times is a run evaluated on its way, at most."""


def study(arguments: Sequence[str], config: Config) -> list[dict[str, str]]:
    """Run what the table lacks, and draw it. Returns the lines that the settings of now account for."""
    if unknown := [name for name in config.study.factors or [] if name not in FACTORS]:
        raise InputError(f"setting study.factors holds {', '.join(unknown)}; expected some of {', '.join(FACTORS)}")
    path = Path(config.study.table)
    table = read_table(path)
    content = open_data(config, "person", config.lifting.batch_size).fingerprint
    plans = [
        plan(arguments, name, seed, config.study.epochs, config.study.flow_epochs)
        for seed in config.study.seeds
        for name in config.study.factors or FACTORS
    ]
    done = {row["digest"] for row in table}
    missing = [planned for planned in plans if planned.digest(content) not in done]
    referee = plan(arguments, DEFAULT, config.seed, config.study.epochs, config.study.flow_epochs)
    with ProcessPoolExecutor(config.study.workers, multiprocessing.get_context("spawn"), quiet) as pool:
        flows = {str(flows_run(p.run)): p.run for p in (referee, *missing) if missing and not p.run.lifting.labels}
        list(tracked(pool.map(pretrain_once, flows.values()), "flows", len(flows)))
        running = [pool.submit(measure, planned, content, referee.run) for planned in missing]
        for number, finished in enumerate(tracked(as_completed(running), "runs", len(running)), 1):
            row = finished.result()
            table.append(row)
            write_table(path, table)
            print(f"{number} of {len(running)}  {row['factor']}, seed {row['seed']}: {row['pa_mpjpe_person_mm']} mm")
    now = [
        row for row in table if row["factor"] in FACTORS and plan_of(arguments, row).digest(content) == row["digest"]
    ]
    save_figure(study_chart(now), path.with_suffix(".png"))
    save_figure(noise_chart(noise_curves(now)), path.with_name(f"{path.stem}-noise.png"))
    write_text(path.with_suffix(".md"), report(now))
    return now


LIFTED = ("train", "evaluate", "cameras", "skeleton", "c", "normalisation", "held_out")
"""Settings of the data that decide which held-out poses are lifted; `train` decides their unit."""

SERVED = (*LIFTED, "extra", "extra_share", "synthetic")
"""Those and what else decides the poses that are trained on."""


@dataclass(frozen=True)
class Plan:
    """A run of the study: its factor, and all of its settings."""

    factor: str
    run: Config

    def digest(self, content: str) -> str:
        """Everything that decides the result, in a few letters.

        Args:
            content: the data's fingerprint.
        """
        decides = (content, self.run.seed, self.run.lifter, *map(plain, (self.run.flows, self.run.lifting)))
        decides += tuple(plain(self.run.data)[key] for key in SERVED)
        return hashlib.blake2b(json.dumps(decides).encode(), digest_size=6).hexdigest()

    def key(self, content: str) -> dict[str, str]:
        """What a line of the table says of a run before its results."""
        run = self.run
        numbers = (str(number) for number in (run.seed, run.lifting.epochs, run.flows.epochs))
        return dict(
            zip(KEY, (self.factor, " ".join(FACTORS[self.factor]), *numbers, self.digest(content)), strict=True)
        )

    def lifts_the_poses_of(self, other: Config) -> bool:
        """Whether both lift the same held-out poses."""
        return all(getattr(self.run.data, key) == getattr(other.data, key) for key in LIFTED)


def plan(arguments: Sequence[str], factor: str, seed: int, epochs: int, flow_epochs: int) -> Plan:
    """One run: the study's settings, its budget, the factor."""
    own = [f"seed={seed}", f"lifting.epochs={epochs}", f"flows.epochs={flow_epochs}", *FACTORS[factor]]
    runs = Path(load(arguments).runs) / "study"
    slug = re.sub(r"\W+", "-", factor.replace("->", "to"))
    fixed = [
        f"runs={runs}",
        f"run={slug}-{seed}-{epochs}",
        "wandb.mode=disabled",
        "compute.threads=1",
        "compute.devices=1",
    ]
    return Plan(factor, load([*arguments, *own, *fixed, f"evaluation.every={-(-epochs // EVALUATIONS)}"]))


def plan_of(arguments: Sequence[str], row: dict[str, str]) -> Plan:
    """The run that a line of the table would be by the settings of now."""
    return plan(arguments, row["factor"], int(row["seed"]), int(row["epochs"]), int(row["flow_epochs"]))


def flows_run(run: Config) -> Path:
    """Where the flows lie that a run shares with every other that asks for the same."""
    decides = (plain(run.data), plain(run.flows), flow_parts(run), run.seed)
    digest = hashlib.blake2b(json.dumps(decides).encode(), digest_size=6).hexdigest()
    return Path(run.runs) / f"flows-{digest}"


def pretrain_once(run: Config) -> None:
    pretrain(replace(run, run=flows_run(run).name))


def measure(planned: Plan, content: str, referee: Config) -> dict[str, str]:
    """Train one lifter on flows that are there, and give its line of the table."""
    run = planned.run
    folder = Path(run.runs) / run.run
    if not run.lifting.labels and not (folder / "flows").exists():
        shutil.copytree(flows_run(run) / "flows", folder / "flows")
    began = time.monotonic()
    stage = train(run, run.lifter)
    seconds = time.monotonic() - began
    measured = json.loads(stage.metrics.read_text())
    metrics, noisy = paper_result(measured["rows"])["metrics"], measured["noise_pixels_pa_mpjpe_person_mm"]
    judged = judge(run, stage, referee) if planned.lifts_the_poses_of(referee) else {}
    row = planned.key(content) | {metric: f"{metrics[metric]:.3f}" for metric in METRICS}
    row |= {column: f"{noisy[pixels]:.3f}" for column, pixels in NOISE.items()}
    row |= {f"held_out_{term}": f"{judged.get(term, math.nan):.4f}" for term in CRITERIA}
    return row | {"within_run": f"{within_run(measured['history']):.4f}", "seconds": f"{seconds:.0f}"}


def within_run(history: Sequence[dict[str, Any]]) -> float:
    """Rank correlation, over a run's epochs, of what held-out 2D poses tell with the error a person."""
    judged = [passed for passed in history if passed["held_out"]]
    terms, errors = [p["held_out"]["total"] for p in judged], [p["metrics"]["pa_mpjpe_person_mm"] for p in judged]
    return spearman(terms, errors)


def judge(run: Config, stage: Stage, referee: Config) -> dict[str, float]:
    """The criteria of a trained lifter by the referee's flows and loss weights, whatever it learned from."""
    module = load_lifter(stage.checkpoint, run.data.skeleton)
    data = open_data(run, "person", run.lifting.batch_size)
    flows = load_flows(flows_run(referee) / "flows" / stage.checkpoint.name)
    module.objective = replace(module.objective, parts=tuple(flows), weights=referee.lifting.weights)
    return module.attach_prior(flows, data.validation_poses).held_out(data.validation_poses)


def noise_curves(table: Sequence[dict[str, str]]) -> dict[str, dict[float, float]]:
    """Mean error by the detector's noise, of lifters that have learned with noise and without."""
    columns = {0.0: "pa_mpjpe_person_mm"} | {float(pixels): column for column, pixels in NOISE.items()}
    groups: dict[str, list[dict[str, str]]] = {}
    for row in table:
        if row["factor"] in NOISY:
            groups.setdefault(f"{row['factor']}, {row['epochs']} epochs", []).append(row)
    return {
        name: {pixels: statistics.fmean(float(row[column]) for row in rows) for pixels, column in columns.items()}
        for name, rows in groups.items()
    }


def report(table: Sequence[dict[str, str]]) -> str:
    """The table to read, mean and deviation over the seeds, and how well 2D alone would have ranked the runs."""
    columns = {"pa_mpjpe_person_mm": "mm a person", "elevation_error_deg": "elevation deg"}
    columns |= {"elevation_correlation": "correlation", "noise_5px_mm": "mm at 5 px", "seconds": "s"}
    lines = [["factor", "epochs", "seeds", *columns.values()]]
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in table:
        groups.setdefault((row["epochs"], row["factor"]), []).append(row)
    for (epochs, factor), rows in sorted(groups.items(), key=lambda item: (int(item[0][0]), mean_of(item[1]))):
        values = [[float(row[column]) for row in rows] for column in columns]
        lines.append([factor, epochs, str(len(rows)), *(spread(column) for column in values)])
    judged = [row for row in table if not math.isnan(float(row["held_out_total"]))]
    within = [found for row in table if not math.isnan(found := float(row["within_run"]))] or [math.nan]
    told = [["term", "rank correlation"], *([term, f"{rank_correlation(judged, term):.2f}"] for term in CRITERIA)]
    return "\n".join(
        [
            "# What each setting buys",
            "",
            "Written by `make study`. Each run trains a lifter with one setting, the *factor*, changed from the",
            "default (`experiments/study.py` lists the settings of every factor), and scores it. *mm a person* is",
            "the PA-MPJPE of each person alone, *mm at 5 px* the same with 5 pixels of noise on every joint;",
            "*elevation* and *correlation* are the error of the predicted elevations in degrees and their",
            "correlation with the true ones ([terms](terms.md)). *s* is the seconds that training took, which",
            "depend on what else the machine did. An arrow stands for training on one pair of people and",
            "evaluating on another. What follows from the table: [settings](settings.md).",
            "",
            markdown_table(*lines),
            "",
            "## Could 2D alone have chosen?",
            "",
            "If a loss on held-out 2D poses ranks the runs as their 3D error does, settings can be chosen without",
            "3D. The table has Spearman's rank correlation between each loss term (all of them with the default's",
            f"flows) and the 3D error a person, over the {len(judged)} runs that lift the same poses.",
            "",
            markdown_table(*told),
            "",
            f"Within a run, between the total and the error over its epochs: {spread(within)}.",
            "",
        ]
    )


def mean_of(rows: Sequence[dict[str, str]]) -> float:
    return statistics.fmean(float(row["pa_mpjpe_person_mm"]) for row in rows)


def spread(values: Sequence[float]) -> str:
    """A mean, and the standard deviation where there are several."""
    digits = 0 if min(values) >= 100 else 1 if min(values) >= 1 else 3
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.{digits}f}{deviation}"


def rank_correlation(rows: Sequence[dict[str, str]], term: str) -> float:
    """Between a criterion and the error a person."""
    terms, errors = ([float(row[column]) for row in rows] for column in (f"held_out_{term}", "pa_mpjpe_person_mm"))
    return spearman(terms, errors)


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation; undefined for fewer than three values, or where all are the same."""
    told = len(one) > 2 and len(set(one)) > 1 and len(set(other)) > 1
    return float(spearmanr(one, other).statistic) if told else math.nan


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
    path = Path(config.study.table)
    print(f"table {path}: {len(table)} runs; text {path.with_suffix('.md')}, chart {path.with_suffix('.png')}")


if __name__ == "__main__":
    command(main)
