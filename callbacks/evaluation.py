"""Scores a lifter on whole scenes: lift everybody, place them, compare with the ground truth.

3D labels are used here and nowhere else, and what is measured here decides nothing: no checkpoint is
chosen, no training is stopped by it.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, TypeVar

import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from callbacks.figures import rows_sheet, save_figure, scene_sheet
from callbacks.lifted import (
    Lifted,
    by_default,
    lift_by_camera,
    lift_scenes,
    on_all_cores,
    perfect_lift,
    through,
    told_focal,
)
from callbacks.wandb_run import ROWS, SCENES, TURNING, rows_table, table, turning
from duolift.body.skeleton import Skeleton
from duolift.files import write_text
from duolift.geometry.alignment import align, align_scene
from duolift.geometry.rotations import levelling, rotate
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.batched import CONTACT, Truth, mpjpe
from duolift.placement.focal import DEFAULT, KNOWN, PEOPLE
from duolift.placement.ground import EVERYTHING, GroundPlacement
from duolift.placement.paper import SCALE_ABOUT, TABLE_1, PaperPlacement
from lightning_modules.lifter import LifterModule

T = TypeVar("T")

JOINT = "joint"
"""The lifter of Figure 1's baseline: both people lifted as one body."""

PUBLISHED = ((208.1, 5.3, 87.6, 148.4), (166.1, 4.8, 76.5, 129.4), (163.4, 4.1, 74.6, 126.6), (149.4, 2.5, 69.9, 105.8))
"""Table 1 of the paper, row by row, as measured on CHI3D: PA-MPJPE mm, SE %, MTE mm, RDE mm."""

PUBLISHED_METRICS = ("pa_mpjpe_mm", "scale_error_pct", "translation_error_mm", "root_displacement_error_mm")
NOISE_PIXELS = (0.0, 2.0, 5.0, 10.0)
"""Deviations of the joints' places at which robustness is measured."""

PICTURED = 8
"""So many evaluation scenes are drawn, evenly spaced."""

LISTED = 20
"""So many of the best and of the worst scenes are listed."""

PICTURED_ROWS = 4
"""And so many by every row."""

IMAGE = (900.0, 900.0)
"""Width and height of CHI3D's images, pixels."""

PERFECT = "perfect lift"

SCORED_AT_ONCE = 4096
"""So many scenes keep torch busy for longer than Python takes to say what with, and nearly fit a processor's cache."""

GROUND = {
    "ground": GroundPlacement(),
    "+ one tilt a sequence": GroundPlacement(tilt=True),
    "+ one size a person": GroundPlacement(tilt=True, sizes=True),
    "+ smooth depths": EVERYTHING,
    "+ contact": replace(EVERYTHING, contact=True),
}
"""Ground placement's rows by name, each with one option more; the last does not pay."""

NAMES = ("2D displacement", "+ 50-pixel rule", "+ rotation compensation", "+ elevation compensation")


CAMERA_SETTINGS = ("up", "focal")
"""A row's settings beside its placement's."""


@dataclass(frozen=True)
class Row:
    """One row of the ablation.

    Attributes:
        name: as a table shows it.
        lifter: which lifter it uses; `PERFECT` has the ground truth lifted, to tell what is left to the placement.
        placement: how people are put together; None where they were lifted as one body.
        published: the paper's values by metric, where it has this row.
        up: whether the camera's place is known, and so where up is.
        focal: where the focal length comes from: `known`, `people` or `default`, and then without distortion.
    """

    name: str
    lifter: str
    placement: PaperPlacement | GroundPlacement | None = None
    published: dict[str, float] | None = None
    up: bool = False
    focal: str = KNOWN

    def described(self, metrics: dict[str, float]) -> dict[str, Any]:
        """The row with its metrics, as `ablation.json` holds it."""
        options = [f.name for kind in (PaperPlacement, GroundPlacement) for f in fields(kind)]
        settings = {name: getattr(self.placement, name, None) for name in options}
        settings |= {name: getattr(self, name) for name in CAMERA_SETTINGS}
        return {"name": self.name, "lifter": self.lifter, **settings, "metrics": metrics, "published": self.published}

    @property
    def keeps_bodies(self) -> bool:
        """Whether people are turned, moved and scaled, and otherwise stay as they were lifted."""
        return not getattr(self.placement, "lean", 0.0)


@dataclass(frozen=True)
class Lift:
    """Scenes, what was lifted of them, and what rows share of both.

    Attributes:
        scenes, lifted, skeleton: of the same people.
        distance: `lifted.normalisation.distance` of all the scenes, where these are some of them.
        up_vectors: where up is, by the options of ground placement that decide it.
    """

    scenes: SceneBatch
    lifted: Lifted
    skeleton: Skeleton
    distance: float
    up_vectors: dict[tuple[bool, ...], Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, scenes: SceneBatch, lifted: Lifted, skeleton: Skeleton) -> Self:
        return cls(scenes, lifted, skeleton, lifted.normalisation.distance(scenes))

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Some of the scenes."""
        return replace(self, scenes=self.scenes[index], lifted=self.lifted[index], up_vectors={})

    @cached_property
    def roots(self) -> Tensor:
        """Slopes of the roots' rays, (scene, person, 2)."""
        return self.scenes.rays_to(self.skeleton.root_index)

    @cached_property
    def places(self) -> Tensor:
        """Where the roots lie at depth c, (scene, person, 2)."""
        return self.lifted.normalisation.places(self.scenes, self.skeleton.root_index)

    def placed(self, row: Row) -> Tensor:
        """The row's people in one scene, (scene, person, joint, 3)."""
        scenes, lifted, skeleton, placement = self.scenes, self.lifted, self.skeleton, row.placement
        if placement is None:
            return lifted.bodies
        if isinstance(placement, PaperPlacement):
            rows = scenes.pixels[:, :, skeleton.root_index, 1]
            return placement(lifted.bodies, lifted.theta, self.places, rows, lifted.normalisation.c, skeleton.feet)
        options = placement.tilt, placement.sizes, placement.roll
        up = scenes.up if row.up else self.up_vectors.get(options)
        placed = placement(lifted.bodies, lifted.theta, self.roots, self.distance, skeleton, scenes.sequence, up)
        if not row.up:
            self.up_vectors[options] = placed.up
        return placed.people

    @cached_property
    def alone(self) -> Tensor:
        """The error of people as they were lifted, each aligned alone: (scene,), millimetres."""
        assert self.scenes.truth is not None
        return mpjpe(align(self.lifted.bodies, self.scenes.truth), self.scenes.truth)


def rows_of(lifter: str) -> list[Row]:
    """Every row that this lifter can fill: Table 1 under each reading of the scale step, or Figure 1's baseline."""
    if lifter == JOINT:
        return [Row("both people as one pose (Figure 1)", JOINT)]
    rows = []
    for about in SCALE_ABOUT:
        for name, placement, published in zip(NAMES, TABLE_1, PUBLISHED, strict=True):
            paper = dict(zip(PUBLISHED_METRICS, published, strict=True))
            rows.append(Row(name, lifter, replace(placement, scale_about=about), paper))
    perfect = [replace(rows[len(TABLE_1) - 1], lifter=PERFECT, published=None)]
    for name, ground in GROUND.items():
        rows.append(Row(name, lifter, ground))
        perfect.append(Row(name, PERFECT, replace(ground, size_sigma=0.0, lean=0.0)))
    rows += [
        Row("ground, leans as lifted", lifter, replace(EVERYTHING, lean=0.0)),
        Row("ground, the camera may roll", lifter, replace(EVERYTHING, roll=True)),
        Row("ground, known camera", lifter, EVERYTHING, up=True),
        Row("ground, focal length from the people", lifter, EVERYTHING, focal=PEOPLE),
        Row("ground, default focal length", lifter, EVERYTHING, focal=DEFAULT),
    ]
    return rows + perfect


def main_row(rows: Sequence[T]) -> T:
    """The last of Table 1 in the first reading, the paper's full method; Figure 1's baseline has but one row."""
    return rows[min(len(TABLE_1), len(rows)) - 1]


def pictured_row(rows: Sequence[Row]) -> Row:
    """Ground placement with everything, where people have elevations of their own."""
    return next((row for row in rows if row.placement == EVERYTHING), rows[0])


def place(row: Row, lifted: Lifted, scenes: SceneBatch, skeleton: Skeleton) -> Tensor:
    """The row's people in one scene, (scene, person, joint, 3)."""
    return Lift.of(scenes, lifted, skeleton).placed(row)


def score_rows(rows: Sequence[Row], lifts: Sequence[Lift]) -> list[dict[str, float]]:
    """Mean metrics of every row over its scenes, which differ in their lenses alone.

    A few sequences at a time go through all rows, which is quicker than all of them through a row.
    """
    runs = portions(lifts[0].scenes.sequence)
    scores = list(zip(*on_all_cores(partial(score_some, rows, lifts), runs), strict=True))
    means = []
    for of_row in scores:
        values = {name: torch.cat([of_some[name] for of_some in of_row]) for name in of_row[0]}
        touched = values.pop(CONTACT).nanmean().item()
        mean = {name: value.mean().item() for name, value in values.items()}
        means.append(mean if math.isnan(touched) else mean | {CONTACT: touched})
    return means


def score_some(rows: Sequence[Row], lifts: Sequence[Lift], run: slice) -> list[dict[str, Tensor]]:
    """All metrics of every row, a number a scene, of a run of scenes."""
    some = {id(lift): lift[run] for lift in lifts}
    people, skeleton = lifts[0].scenes[run].truth, lifts[0].skeleton
    assert people is not None
    truth = Truth(people, skeleton.root_index, skeleton.hands)
    pairs = zip(rows, (some[id(lift)] for lift in lifts), strict=True)
    return [truth.score(lift.placed(row), lift.alone if row.keeps_bodies else None) for row, lift in pairs]


def score_scenes(row: Row, lift: Lift) -> dict[str, Tensor]:
    """All metrics of one row, a number a scene."""
    runs = portions(lift.scenes.sequence)
    scores = on_all_cores(lambda run: score_some([row], [lift], run)[0], runs)
    return {name: torch.cat([of_some[name] for of_some in scores]) for name in scores[0]}


def extremes(errors: Tensor, sequence: Tensor, count: int, largest: bool) -> list[int]:
    """The scenes with the smallest errors (scene,), or the largest, in order: of every sequence (scene,) its first
    alone, since neighbouring frames are alike."""
    first: dict[int, int] = {}
    for scene in errors.argsort(descending=largest, stable=True).tolist():
        first.setdefault(int(sequence[scene]), scene)
    return list(first.values())[:count]


def whereabouts(scenes: SceneBatch, scene: int) -> dict[str, Any]:
    """Where a scene comes from: subject, take, camera, and the frame's number from 0, of scenes in their order."""
    sequence = scenes.sequence[scene]
    subject, take, camera = scenes.sequences[sequence].split("/")
    frame = int((scenes.sequence[:scene] == sequence).sum())
    return {"subject": subject, "action": take, "camera": camera, "frame": frame}


def portions(sequence: Tensor) -> list[slice]:
    """Runs of scenes, by their sequences (scene,), for all cores: of about as many, and each of whole sequences; all in
    one where sequences are mixed."""
    starts = torch.cat([sequence.new_zeros(1), 1 + sequence.diff().nonzero().flatten()])
    if len(starts) > len(sequence.unique()):
        return [slice(0, len(sequence))]
    number = max(-(-len(sequence) // SCORED_AT_ONCE), torch.get_num_threads())
    even = len(sequence) * torch.arange(1, number) // number
    bounds = {int(starts[(starts - bound).abs().argmin()]) for bound in even} | {0, len(sequence)}
    return [slice(*ends) for ends in pairwise(sorted(bounds))]


def elevation_metrics(theta: Tensor, scenes: SceneBatch, skeleton: Skeleton) -> dict[str, float]:
    """Mean absolute error in degrees, and correlation, of elevations (scene, person)."""
    true = scenes.elevations(skeleton.root_index)
    return {
        "elevation_error_deg": (theta - true).abs().mean().rad2deg().item(),
        "elevation_correlation": torch.corrcoef(torch.stack([theta.flatten(), true.flatten()]))[0, 1].item(),
    }


def lift_through(
    lenses: set[str], module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, image: tuple[float, float]
) -> dict[str, Lift]:
    """The scenes lifted through unknown lenses of some sources, once each."""
    if not lenses:
        return {}
    normal = by_default(scenes, image)
    seen = {DEFAULT: Lift.of(normal, lift_by_camera(module, normal, skeleton), skeleton)}
    if PEOPLE in lenses:
        focal = told_focal(seen[DEFAULT].lifted, normal, skeleton)
        told = through(scenes, focal.pixels[scenes.camera], image)
        seen[PEOPLE] = Lift.of(told, lift_by_camera(module, told, skeleton), skeleton)
    return seen


def evaluate(
    module: LifterModule,
    rows: Sequence[Row],
    scenes: SceneBatch,
    skeleton: Skeleton,
    scale: float | None = None,
    image: tuple[float, float] = IMAGE,
    lifted: Lifted | None = None,
) -> list[dict[str, Any]]:
    """Lift the scenes once for every kind of lens and score every row on them.

    Args:
        scale: a head length in these images, as `Normalisation` counts it; None takes the training set's.
        image: width and height, pixels, for the rows that know nothing else of the cameras.
        lifted: the scenes, where they have been lifted already.
    """
    training = module.training
    module.eval()
    lifted = lifted or lift_scenes(module, scenes, skeleton, scale)
    seen = {KNOWN: Lift.of(scenes, lifted, skeleton)} | lift_through(
        {row.focal for row in rows} - {KNOWN}, module, scenes, skeleton, image
    )
    if any(row.lifter == PERFECT for row in rows):
        seen[PERFECT] = Lift.of(scenes, perfect_lift(scenes, skeleton, lifted.normalisation), skeleton)
    lifts = [seen[PERFECT if row.lifter == PERFECT else row.focal] for row in rows]
    results = []
    for row, lift, metrics in zip(rows, lifts, score_rows(rows, lifts), strict=True):
        if row.placement and row.lifter != PERFECT:
            metrics |= elevation_metrics(lift.lifted.theta, scenes, skeleton)
        if row.focal != KNOWN:
            wrong = (lift.scenes.intrinsics.focal / scenes.intrinsics.focal - 1).abs()
            metrics["focal_error_pct"] = 100 * wrong.mean().item()
        results.append(row.described(metrics))
    module.train(training)
    return results


@torch.no_grad()
def robustness(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton) -> dict[str, float]:
    """PA-MPJPE a person, mm, where every joint is off by Gaussian noise: by its deviation in pixels."""
    assert scenes.truth is not None
    generator, errors = torch.Generator().manual_seed(0), {}
    for pixels in NOISE_PIXELS:
        lifted = lift_scenes(module, scenes.noisy(pixels, generator), skeleton)
        errors[f"{pixels:g}"] = mpjpe(align(lifted.bodies, scenes.truth), scenes.truth).mean().item()
    return errors


def level_pair(row: Row, lift: Lift, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """The chosen scenes by a row, aligned, and their ground truth, both turned level."""
    assert lift.scenes.truth is not None
    assert lift.scenes.up is not None
    level, truth = levelling(lift.scenes.up[chosen]).unsqueeze(1), lift.scenes.truth[chosen]
    people = align_scene(lift.placed(row)[chosen], truth)
    return rotate(level, people), rotate(level, truth)


def picture(row: Row, lifted: Lifted, scenes: SceneBatch, skeleton: Skeleton) -> Figure:
    """Some scenes of a row beside their ground truth."""
    chosen = torch.linspace(0, len(scenes) - 1, PICTURED).long()
    pair = level_pair(row, Lift.of(scenes, lifted, skeleton), chosen)
    return scene_sheet(scenes.pixels[chosen], *pair, skeleton)


def rows_picture(rows: Sequence[Row], lifted: Lifted, scenes: SceneBatch, skeleton: Skeleton) -> Figure:
    """A few scenes, placed by every row, from the side and from above: the paper's Figure 3."""
    chosen = torch.linspace(0, len(scenes) - 1, PICTURED_ROWS + 2).long()[1:-1]
    perfect, pictures, truth = perfect_lift(scenes, skeleton, lifted.normalisation), {}, torch.empty(0)
    mine, ideal = (Lift.of(scenes, bodies, skeleton) for bodies in (lifted, perfect))
    for row in rows:
        is_perfect = row.lifter == PERFECT
        name = f"{row.name}, {PERFECT}" if is_perfect else row.name
        pictures[name], truth = level_pair(row, ideal if is_perfect else mine, chosen)
    return rows_sheet(scenes.pixels[chosen], pictures, truth, skeleton)


def pictured_rows(rows: Sequence[Row]) -> list[Row]:
    """Table 1 in its first reading, ground placement of an image, with everything, and of a perfect lift."""
    ground = [row for row in rows if isinstance(row.placement, GroundPlacement) and row.focal == KNOWN and not row.up]
    mine, perfect = ([row for row in ground if (row.lifter == PERFECT) == is_perfect] for is_perfect in (False, True))
    return [*rows[: len(TABLE_1)], mine[0], next(row for row in mine if row.placement == EVERYTHING), perfect[0]]


class MultiPersonEvaluation(pl.Callback):
    """Scores the module on evaluation scenes every few epochs, and on all rows at the end.

    Logs `eval/<metric>` of the paper's full method, `final/<metric>` at the end, and writes a file with all rows,
    the error under noise and the held-out losses (2D alone), those and the error of every evaluation on the way,
    a picture of some scenes, `scenes.png`, and one of fewer by many rows, `rows.png`. Of several processes the first
    alone does.

    Args:
        lifter: the lifter's name, which decides its rows.
        scenes: with ground truth.
        skeleton: of the scenes' people.
        every: epochs between evaluations during training.
        few: at most so many scenes, evenly spaced, during training; the end always uses all.
        path: the file to write at the end.
        image: width and height of the images, for the rows that know nothing else of the cameras.
    """

    def __init__(
        self,
        lifter: str,
        scenes: SceneBatch,
        skeleton: Skeleton,
        every: int,
        few: int,
        path: Path,
        image: tuple[float, float] = IMAGE,
    ) -> None:
        self.together, self.image = lifter == JOINT, image
        self.rows, self.scenes, self.skeleton, self.every, self.path = rows_of(lifter), scenes, skeleton, every, path
        self.few = scenes[:: -(-len(scenes) // few)]
        self.history: list[dict[str, Any]] = []

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = state_dict["history"]

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or (trainer.current_epoch + 1) % self.every or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LifterModule)
        (result,) = evaluate(pl_module, [main_row(self.rows)], self.few, self.skeleton)
        pl_module.log_dict({f"eval/{name}": value for name, value in result["metrics"].items()}, rank_zero_only=True)
        of_epoch = {"held_out": self._held_out(trainer, pl_module), "metrics": result["metrics"]}
        self.history.append({"epoch": trainer.current_epoch + 1, **of_epoch})

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LifterModule)
        lifted = lift_scenes(pl_module.eval(), self.scenes, self.skeleton)
        sheets = {"scenes.png": picture(pictured_row(self.rows), lifted, self.scenes, self.skeleton)}
        if not self.together:
            sheets["rows.png"] = rows_picture(pictured_rows(self.rows), lifted, self.scenes, self.skeleton)
        for name, sheet in sheets.items():
            save_figure(sheet, self.path.with_name(name))
        results = evaluate(pl_module, self.rows, self.scenes, self.skeleton, image=self.image, lifted=lifted)
        if trainer.logger:
            trainer.logger.log_metrics({f"final/{name}": value for name, value in main_row(results)["metrics"].items()})
        if isinstance(trainer.logger, WandbLogger):
            trainer.logger.log_metrics({ROWS: rows_table(results), **self._shown(lifted)})  # type: ignore[dict-item]
            for name in sheets:
                trainer.logger.log_image(f"scenes/{Path(name).stem}", [str(self.path.with_name(name))])
        measured = {
            "scenes": len(self.scenes),
            "rows": results,
            "noise_pixels_pa_mpjpe_person_mm": robustness(pl_module, self.few, self.skeleton),
            "held_out": self._held_out(trainer, pl_module),
            "history": self.history,
        }
        write_text(self.path, json.dumps(measured, indent=1))

    def _shown(self, lifted: Lifted) -> dict[str, Any]:
        """For W&B: a table of the best and the worst scenes of the pictured row, and the best, the median and the worst
        to turn."""
        row, lift = pictured_row(self.rows), Lift.of(self.scenes, lifted, self.skeleton)
        scores = score_scenes(row, lift)
        errors, sequence = scores["pa_mpjpe_mm"], self.scenes.sequence
        best, worst = (extremes(errors, sequence, LISTED, largest) for largest in (False, True))
        lines = [
            {"kind": kind, **whereabouts(self.scenes, scene), **_numbers(scores, scene)}
            for kind, chosen in (("best", best), ("worst", worst))
            for scene in chosen
        ]
        turned = {"best": best[0], "median": int(errors.argsort()[len(errors) // 2]), "worst": worst[0]}
        titles = [
            f"{kind}: {errors[scene]:.0f} mm, {' '.join(map(str, whereabouts(self.scenes, scene).values()))}"
            for kind, scene in turned.items()
        ]
        pair = level_pair(row, lift, torch.tensor(list(turned.values())))
        return {SCENES: table(lines), TURNING: turning(*pair, self.skeleton, titles)}

    @staticmethod
    def _held_out(trainer: pl.Trainer, module: LifterModule) -> dict[str, float]:
        found: dict[str, float] = module.held_out(trainer.datamodule.validation_poses)  # type: ignore[attr-defined]
        return found


def _numbers(scores: dict[str, Tensor], scene: int) -> dict[str, float | None]:
    """The scores of one scene; None where it has none."""
    return {name: None if of[scene].isnan() else of[scene].item() for name, of in scores.items()}
