"""What a run did, as one page and as figures for print.   python -m experiments.report run=default

`runs/<run>/report.html` opens anywhere, without a network; `runs/<run>/figures/` has its figures as PDF and PNG.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs
from torch import Tensor

from callbacks.figures import print_figure, turning_scenes
from callbacks.rows import JOINT, PERFECT, is_product
from callbacks.scene_errors import SceneErrors, action_of, shown
from datamodules.sources.registry import CHI3D, open_source
from datamodules.synthetic.actions import ACTIONS
from duolift.files import write_text
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.fast_alignment import align
from duolift.outputs.page import SELF_CONTAINED_POLICY
from duolift.placement.paper import PUBLISHED_METRICS
from experiments import origin
from experiments.ablation import FIELD_NOTE, HEADS, field_lines
from experiments.config import load, plain
from experiments.finished import Run, load_json
from experiments.published import FROM_PIXELS, rows_beside
from experiments.report_charts import Chart, curves, elevation, error_charts, noise, paper_figures, title_of
from experiments.runs import command
from experiments.settings import Config

TEMPLATE = "report.html.jinja"
FEW = 5
"""So many of the best and of the worst sequences are listed."""

TOLD = ("run", "runs", "experiment", "seed", "lifter", "data.source", "data.root", "data.cache")
"""Settings that are told by themselves, or say where things lie."""

OF_THE_MACHINE = ("wandb.", "compute.", "study.")
"""Settings that decide no result."""

PAIRS = "two people"

COLUMNS = {name: HEADS[name] for name in (*PUBLISHED_METRICS, "pa_mpjpe_person_mm", "elevation_error_deg")}
"""The columns of the page's tables."""


def write_report(run: Run) -> list[Path]:
    """Write the page and the figures; returns their paths, the page's first."""
    text, charts = page(run)
    written = [run.folder / "report.html"]
    write_text(written[0], text)
    for chart in charts:
        written += print_figure(chart.figure, run.folder / "figures" / chart.name)
    return written


def page(run: Run) -> tuple[str, list[Chart]]:
    """The page's text, with all that it needs inside, and its figures."""
    chosen = shown(run.product.scene)
    paper, errors, logged = paper_figures(run, chosen), [elevation(run), *error_charts(run), *noise(run)], curves(run)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(TEMPLATE).render(
        policy=SELF_CONTAINED_POLICY,
        plotly=Markup(get_plotlyjs()),
        run=run.config.run,
        learned="learned from 3D labels, as a reference"
        if run.config.lifting.labels
        else "learned from 2D poses alone",
        tiles=tiles(run),
        seen=", ".join(sorted({*run.config.data.train} & {*run.config.data.evaluate})),
        told=told(run),
        comparable=comparable(run),
        made_by=made_by(run.config),
        scenes=scenes(run, chosen),
        heads=list(COLUMNS.values()),
        main=main_lines(run),
        every=every_line(run),
        field=field_lines([*all_rows(run), *rows_beside(run.config.data.source, *FROM_PIXELS)]),
        field_note=FIELD_NOTE,
        is_product=is_product,
        has_joint=run.has_joint,
        of_pairs=people_of(run.scenes) == PAIRS,
        sequences=extreme_sequences(run.product),
        paper=[chart for chart in paper if chart.name != "figure-4"],
        errors=errors,
        curves=by_stage(logged),
    )
    return text, [*paper, *errors, *logged]


def by_stage(charts: Sequence[Chart]) -> dict[str, list[Chart]]:
    """Curves by the stage that their titles end in."""
    stages: dict[str, list[Chart]] = {}
    for chart in charts:
        stages.setdefault(chart.title.rpartition(": ")[2], []).append(chart)
    return stages


def scenes(run: Run, chosen: Mapping[str, int]) -> list[dict[str, Any]]:
    """The scenes that turn: why each is shown, which it is, how far off, and plotly's figure."""
    numbers = torch.tensor([*chosen.values()])
    people, truth = run.product.level(numbers)
    found = []
    for index, (why, number) in enumerate(chosen.items()):
        one = slice(index, index + 1)
        figure = turning_scenes(people[one], truth[one], run.skeleton, [why])
        found.append(
            {
                "why": why,
                "title": title_of(run.scenes, number),
                "together": f"{run.product.scene[number]:.0f} mm",
                "alone": f"{run.product.person[number]:.0f} mm",
                "figure": json.loads(figure.to_json()),
            }
        )
    return found


# What was run ---------------------------------------------------------------------------------------------------------


def told(run: Run) -> dict[str, str]:
    """What was run, on what, by what."""
    config, scenes = run.config, run.scenes
    first = run.folder / run.lifters[0]
    files = {name: run.folder / name / "origin.json" for name in run.lifters}
    trained = {name: origin.told(load_json(file)) if file.exists() else "not recorded" for name, file in files.items()}
    kind = open_source(config.data.source).title
    return {
        "Experiment": f"{config.experiment}, seed {config.seed}",
        "Lifters": ", ".join([*run.lifters, *([f"{JOINT} (Figure 1's baseline)"] if run.has_joint else [])]),
        "3D labels": "in training: this is a reference" if config.lifting.labels else "none in training",
        "Settings": ", ".join(differences(config)) or "as the experiment has them",
        "Epochs": f"{config.flows.epochs} of the flows, {config.lifting.epochs} of the lifter",
        "Data": f"{config.data.root} ({kind})",
        "Trained on": ", ".join([*config.data.train, *config.data.extra]),
        "Evaluated on": f"{', '.join(config.data.evaluate)}: {len(scenes):,} scenes by {len(scenes.cameras)} cameras",
        "Content": load_json(first / "settings.json")["data"]["content"],
        **{f"Trained: {name}": by for name, by in trained.items()},
        "Time": "; ".join(times(run)) or "not recorded",
        "This page": origin.told(origin.origin()),
    }


def times(run: Run) -> list[str]:
    """How long each stage of the run trained, as far as it kept a record of its epochs."""
    kept = {file.parent.name: load_json(file) for file in sorted(run.folder.glob("*/history.json"))}
    return [f"{stage}: {origin.duration(records)}" for stage, records in kept.items() if records]


def differences(config: Config) -> list[str]:
    """The settings that are not as the experiment and the data set have them, as arguments."""
    usual, own = _flat(plain(usual_settings(config))), _flat(plain(config))
    return [
        f"{key}={'null' if value is None else value}"
        for key, value in own.items()
        if value != usual[key] and key not in TOLD and not key.startswith(OF_THE_MACHINE)
    ]


def usual_settings(config: Config) -> Config:
    """The settings of the run's experiment on its data set where nobody says otherwise."""
    return load([f"experiment={config.experiment}", f"data.source={config.data.source}"])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def made_by(config: Config) -> str:
    """The command that makes the run, Figure 1's baseline with it."""
    usual = usual_settings(config)
    more = [
        f"{key}={getattr(config, key)}" for key in ("seed", "lifter") if getattr(config, key) != getattr(usual, key)
    ]
    more += [setting.replace(" ", "").replace("'", "") for setting in differences(config)]
    arguments = f' ARGS="{" ".join(more)}"' if more else ""
    data = f"DATA={config.data.source} ROOT={config.data.root}"
    return f"make ablation RUN={config.run} EXPERIMENT={config.experiment} {data}{arguments}"


def comparable(run: Run) -> str:
    """How this run's numbers compare with the published ones."""
    if run.config.data.source == "synthetic":
        return "The paper measured on CHI3D, this run on the embedded synthetic set: the numbers are not comparable."
    if run.config.data.source != CHI3D.name:
        title = open_source(run.config.data.source).title
        return f"The paper measured on CHI3D, this run on other data ({title}): the numbers are not comparable."
    if others := sorted({action_of(name) for name in run.scenes.sequences} - set(ACTIONS)):
        some = ", ".join(others[:4]) + (" and others" if len(others) > 4 else "")
        return (
            f"The paper measured on CHI3D, this run on other data in its layout (people act out {some}): "
            "the numbers are not comparable."
        )
    return "The paper measured on CHI3D: the numbers are comparable where this run's data is CHI3D, and all of it."


# Numbers --------------------------------------------------------------------------------------------------------------


def tiles(run: Run) -> list[tuple[str, str, str]]:
    """What to see first: a name, a number with its unit, and what to compare it with."""
    lifted, scenes = run.lift.lifted, run.scenes
    elevation, true = (scenes.of_people(of) for of in (lifted.elevation, scenes.elevations(run.skeleton.root_index)))
    assert scenes.truth is not None
    truth = scenes.truth if scenes.valid is None else scenes.of_people(scenes.truth).unsqueeze(1)
    same = (true - true.mean()).abs().mean().rad2deg()
    perfect = perfect_lift(run)
    published = (run.paper.row.published or {}).get("pa_mpjpe_mm")
    return [
        (
            "each person alone",
            f"{run.product.person.mean():.1f} mm",
            f"the mean pose, given to everybody: {mean_pose_error(truth):.1f}",
        ),
        (
            "one scene, on one ground",
            f"{run.product.scene.mean():.1f} mm",
            "" if perfect is None else f"with perfect bodies: {perfect:.1f}",
        ),
        (
            "one scene, the paper's method",
            f"{run.paper.scene.mean():.1f} mm",
            "" if published is None else f"the paper on CHI3D: {published}",
        ),
        (
            "elevation off by",
            f"{(elevation - true).abs().mean().rad2deg():.1f}°",
            f"the mean, given to everybody: {same:.1f}°",
        ),
        ("scenes", f"{len(scenes):,}", f"by {len(scenes.cameras)} cameras, of {people_of(scenes)} each"),
    ]


def people_of(scenes: SceneBatch) -> str:
    """How many people scenes have, in words."""
    numbers = scenes.everybody.sum(-1)
    low, high = int(numbers.min()), int(numbers.max())
    return (PAIRS if low == 2 else f"{low} people") if low == high else f"{low} to {high} people"


def perfect_lift(run: Run) -> float | None:
    """What the product's placement leaves of perfect bodies, millimetres; None where that was not measured."""
    for row in run.metrics(run.lifters[0])["rows"]:
        if row["lifter"] == PERFECT and row["name"] == run.product.row.name:
            return float(row["metrics"]["pa_mpjpe_mm"])
    return None


def mean_pose_error(truth: Tensor, rounds: int = 3) -> float:
    """How far off people are who are all given the mean of the true bodies, each aligned alone: millimetres.

    Args:
        truth: (scene, person, joint, 3), millimetres.
        rounds: of aligning everybody with the mean, and taking the mean again.

    >>> body = torch.randn(1, 1, 19, 3)
    >>> round(mean_pose_error(body.expand(4, 2, 19, 3)), 3)  # where all are alike, it is right
    0.0
    """
    mean = truth[:1, :1]
    for _ in range(rounds):
        mean = align(truth, mean.expand_as(truth)).mean((0, 1), keepdim=True)
    return (align(mean.expand_as(truth), truth) - truth).norm(dim=-1).mean().item()


def main_lines(run: Run) -> list[dict[str, Any]]:
    """Figure 1's baseline, and of each lifter Table 1 in its first reading and the other placements."""
    rows = run.metrics(JOINT)["rows"] if run.has_joint else []
    for lifter in run.lifters:
        rows += [
            row
            for row in run.metrics(lifter)["rows"]
            if row["lifter"] != PERFECT and row["scale_about"] in ("camera", None)
        ]
    return table_lines(rows)


def every_line(run: Run) -> list[dict[str, Any]]:
    """All rows of all lifters."""
    return table_lines(all_rows(run))


def all_rows(run: Run) -> list[dict[str, Any]]:
    """The same as `metrics.json` has them."""
    stages = [*([JOINT] if run.has_joint else []), *run.lifters]
    return [row for stage in stages for row in run.metrics(stage)["rows"]]


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `metrics.json` as the page's tables have them: a cell a column, this run's number and the paper's."""
    return [
        {
            "name": row["name"],
            "lifter": row["lifter"],
            "product": is_product(row["name"], row["lifter"]),
            "about": row["scale_about"] or "",
            "cells": [(_cell(row["metrics"], name), _cell(row["published"] or {}, name)) for name in COLUMNS],
        }
        for row in rows
    ]


def _cell(metrics: Mapping[str, float], name: str) -> str:
    return f"{metrics[name]:.1f}" if name in metrics else ""


def extreme_sequences(errors: SceneErrors) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The best and the worst sequences: name, mean error and worst, millimetres."""
    sequence, lines = errors.lift.scenes.sequence, []
    for number in sequence.unique().tolist():
        values = errors.scene[sequence == number]
        lines.append((values.mean().item(), values.max().item(), errors.lift.scenes.sequences[number]))
    ordered = [(name, f"{mean:.1f}", f"{worst:.1f}") for mean, worst, name in sorted(lines)]
    few = min(FEW, -(-len(ordered) // 2))
    return [("The best sequences", ordered[:few]), ("The worst sequences", ordered[: -few - 1 : -1])]


def main(arguments: Sequence[str]) -> None:
    named = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    report, *figures = write_report(Run.read(Path(named.get("runs", "runs")) / named.get("run", "default"), arguments))
    print(f"report   {report} ({report.stat().st_size / 1e6:.1f} MB)")
    print(f"figures  {figures[0].parent}: {len(figures)} files, .pdf and .png")


if __name__ == "__main__":
    command(main)
