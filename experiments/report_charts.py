"""The figures of a run's report: the paper's Figures 1, 3 and 4 from this run, what errors go with, curves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from markupsafe import Markup
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.figures import (
    curves_chart,
    distribution_chart,
    elevation_chart,
    scene_sheet,
    side_sheet,
    spread_chart,
    svg,
)
from callbacks.scene_errors import (
    Grouped,
    SceneErrors,
    actions,
    binned,
    by_joint,
    cameras,
    deep_scenes,
    distances,
    grouped,
)
from callbacks.scene_pictures import seen_pixels, whereabouts
from duolift.geometry.scene_batch import SceneBatch
from experiments.finished import Run, load_json

PERSON, GROUND, PAPER = "each person alone", "one scene, on one ground", "one scene, the paper's"
PA_MPJPE = "PA-MPJPE, mm"

DEEP = (
    "Three scenes from the side, the camera at the left, ground truth in grey, its ground a line. Of the tenth whose "
    "people are furthest apart in depth, these are at the quartiles of the error of the first column."
)

PANELS = (
    (
        "errors",
        "Errors on evaluation scenes",
        r"eval/(pa_mpjpe|pa_mpjpe_person|translation_error|root_\w+)_mm",
        "mm",
    ),
    ("elevation", "Elevation", r"(eval/elevation_error|train/elevation_\w+)_deg", "degrees"),
    ("likelihood", "Negative log-likelihood by part", r"(train|val)/(nll|likelihood)_\w+_nats", "nats"),
    ("training", "Losses in training", r"train/(?!elevation|gradient|steps)\w+(?<!_nats)", "loss"),
    ("held-out", "Losses on held-out 2D poses", r"val/(?!bits)\w+(?<!_nats)", "loss"),
    ("gradient", "Gradient norm, before its bound", r"train/gradient_norm\w*", "norm"),
    ("left-out", "Steps left out, their gradient not being finite", r"train/steps_left_out", "steps"),
    ("speed", "Training speed", r"poses_per_second", "poses a second"),
)
"""Curves over epochs: a name for files, a title, which of what was logged, and its unit; none that is 0 throughout."""


@dataclass(frozen=True)
class Chart:
    """A figure of the page. `name` is its file's; what is wide keeps its width, and scrolls where a screen has less."""

    name: str
    title: str
    caption: str
    figure: Figure
    wide: bool = False

    @property
    def svg(self) -> Markup:
        return Markup(svg(self.figure, self.name))


def title_of(scenes: SceneBatch, number: int) -> str:
    """A scene by its take, the frame within from 1, and its camera."""
    where = whereabouts(scenes, number)
    camera = where["camera"] if "camera" in where["camera"] else f"camera {where['camera']}"
    return f"{where['action']}, frame {where['frame'] + 1}, {camera}"


def paper_figures(run: Run, chosen: Mapping[str, int]) -> list[Chart]:
    """Figure 1, where the run has its baseline, Figure 3, and Figure 4 of the chosen scenes."""
    flat, _, turned, paper = run.table_1
    figure_3 = {
        "2D displacement": flat,
        "+ rotation compensation": turned,
        "+ elevation compensation": paper,
        "this project's placement": run.product,
    }
    charts = []
    if run.has_joint:
        figure_1 = {
            "both lifted as one pose": run.joint,
            "each alone, the paper's": paper,
            "each alone, on one ground": run.product,
        }
        charts.append(_from_the_side(run, "figure-1", "Figure 1: all lifted at once, and each alone", figure_1))
    charts.append(_from_the_side(run, "figure-3", "Figure 3: why displacement needs elevation", figure_3))
    numbers = torch.tensor([*chosen.values()])
    titles = [f"{why}: {run.product.scene[number]:.0f} mm" for why, number in chosen.items()]
    sheet = scene_sheet(seen_pixels(run.scenes, numbers), *run.product.level(numbers), run.skeleton, titles)
    return [*charts, Chart("figure-4", "Figure 4: scenes", "As the product places people.", sheet, wide=True)]


def _from_the_side(run: Run, name: str, title: str, methods: Mapping[str, SceneErrors]) -> Chart:
    """Scenes whose people are far apart in depth, by several methods."""
    first = next(iter(methods.values()))
    chosen = deep_scenes(run.scenes, first.scene, run.skeleton.root_index)
    columns, truth = {}, torch.empty(0)
    for method, errors in methods.items():
        columns[method], truth = errors.level(chosen)
    figure = side_sheet(seen_pixels(run.scenes, chosen), columns, truth, run.skeleton)
    means = "; ".join(f"{method} {errors.scene.mean():.1f} mm" for method, errors in methods.items())
    return Chart(name, title, f"{DEEP} PA-MPJPE of all scenes: {means}.", figure, wide=True)


def error_charts(run: Run) -> list[Chart]:
    """What errors go with."""
    scenes, root, product = run.scenes, run.skeleton.root_index, run.product

    def spreads(groups: list[str]) -> dict[str, Grouped]:
        series = {PERSON: product.person, GROUND: product.scene, PAPER: run.paper.scene}
        return {name: grouped(values, groups) for name, values in series.items()}

    middle = "A dot is the mean of so many scenes, a line their middle half."
    by_joints = {PERSON: by_joint(product.alone, run.skeleton), GROUND: by_joint(product.together, run.skeleton)}
    return [
        Chart("by-action", "By action", middle, spread_chart(spreads(actions(scenes)), PA_MPJPE)),
        Chart(
            "by-distance",
            "By distance between people",
            f"From pelvis to pelvis, of the nearest two. {middle}",
            spread_chart(spreads(binned(distances(scenes, root))), PA_MPJPE),
        ),
        Chart(
            "by-camera",
            "By camera",
            f"Beside its name how steeply it looks at people: their mean true elevation. {middle}",
            spread_chart(spreads(cameras(scenes, root)), PA_MPJPE),
        ),
        Chart(
            "by-joint",
            "By joint",
            "A dot is the mean over people, a line their middle half.",
            spread_chart(by_joints, "distance from the truth, mm"),
        ),
        Chart(
            "distribution",
            "From the best scene to the worst",
            "The dot at the end of a curve is the worst scene of all.",
            distribution_chart(
                {PERSON: product.person.numpy(), GROUND: product.scene.numpy(), PAPER: run.paper.scene.numpy()},
                PA_MPJPE,
            ),
        ),
    ]


def elevation(run: Run) -> Chart:
    """Predicted elevations against true ones."""
    lifted, scenes = run.lift.lifted, run.scenes
    predicted, true = (scenes.of_people(of) for of in (lifted.elevation, scenes.elevations(run.skeleton.root_index)))
    off = (predicted - true).abs().mean().rad2deg()
    correlation = torch.corrcoef(torch.stack([predicted.flatten(), true.flatten()]))[0, 1]
    slope = _slope(true.flatten(), predicted.flatten())
    caption = (
        f"How steeply the camera looks at each person: off by {off:.1f}° on average, correlation {correlation:.2f}, "
        f"slope {slope:.2f} (below 1: the predicted elevations are drawn to their mean). On the line they are right."
    )
    return Chart("elevation", "Elevation", caption, elevation_chart(_degrees(predicted), _degrees(true)))


def _degrees(angles: Tensor) -> Any:
    return angles.rad2deg().flatten().numpy()


def _slope(across: Tensor, up: Tensor) -> float:
    """Of the line through points that is least off, upwards."""
    spread = across - across.mean()
    return float((spread * up).sum() / spread.square().sum())


def noise(run: Run) -> list[Chart]:
    """What noise does to the lifters."""
    key = "noise_pixels_pa_mpjpe_person_mm"
    curves = {
        lifter: {float(pixels): error for pixels, error in measured[key].items()}
        for lifter in run.lifters
        if key in (measured := run.metrics(lifter))
    }
    if not curves:
        return []
    caption = "Gaussian noise on every joint of the images; each person aligned alone."
    return [
        Chart(
            "noise",
            "Under a detector's noise",
            caption,
            curves_chart(curves, "noise on every joint, pixels", "PA-MPJPE a person, mm"),
        )
    ]


def curves(run: Run) -> list[Chart]:
    """What every stage logged over its epochs."""
    stages = sorted(
        (path.parent.name for path in run.folder.glob("*/settings.json")), key=lambda s: s not in run.lifters
    )
    charts = []
    for stage in stages:
        records = history(run, stage)
        for name, title, wanted, unit in PANELS:
            found = _logged(records, wanted)
            if any(any(curve.values()) for curve in found.values()):
                log = unit in ("loss", "norm")
                figure = curves_chart(found, "epoch", unit, log)
                charts.append(Chart(f"curves-{stage}-{name}", f"{title}: {stage}", "", figure))
    return charts


def history(run: Run, stage: str) -> list[dict[str, Any]]:
    """Records of epochs: all that was logged, and for a run that kept none of it, its evaluations."""
    path = run.folder / stage / "history.json"
    if path.exists():
        records: list[dict[str, Any]] = load_json(path)
        return records
    passed = run.metrics(stage).get("history", []) if (run.folder / stage / "metrics.json").exists() else []
    return [
        {"epoch": record["epoch"]}
        | {f"eval/{name}": value for name, value in record["metrics"].items()}
        | {f"val/{name}": value for name, value in record["held_out"].items()}
        for record in passed
    ]


def _logged(records: list[dict[str, Any]], wanted: str) -> dict[str, dict[float, float]]:
    """Curves by name, of what was logged under names that match."""
    found: dict[str, dict[float, float]] = {}
    for record in records:
        for name, value in record.items():
            if re.fullmatch(wanted, name):
                found.setdefault(_short(name), {})[record["epoch"]] = value
    return found


def _short(name: str) -> str:
    """A logged name without its unit; whether it is of training or of held-out poses stays."""
    kind, _, rest = name.rpartition("/")
    plain = re.sub(r"_(mm|deg|nats)$", "", rest).replace("pa_mpjpe", "PA-MPJPE").replace("_", " ")
    return f"{plain}, {kind}" if kind and rest.endswith("_nats") else plain
