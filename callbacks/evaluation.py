"""Scores a lifter on whole scenes: lift everybody, place them, compare with the ground truth.

3D labels are used here and nowhere else, and what is measured here decides nothing: no checkpoint is
chosen, no training is stopped by it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.figures import save_figure, scene_sheet
from duolift.alignment import align, align_scene
from duolift.camera import levelling, rotate
from duolift.files import write_text
from duolift.ground import GroundPlacement
from duolift.metrics import mpjpe, score
from duolift.normalisation import Normalisation, join_pair, split_pair
from duolift.placement import SCALE_ABOUT, TABLE_1, PaperPlacement
from duolift.scenes import Scenes
from duolift.skeleton import Skeleton
from lightning_modules.lifter import LifterModule

T = TypeVar("T")

JOINT = "joint"
"""The lifter of Figure 1's baseline: both people lifted as one body."""

PUBLISHED = ((208.1, 5.3, 87.6, 148.4), (166.1, 4.8, 76.5, 129.4), (163.4, 4.1, 74.6, 126.6), (149.4, 2.5, 69.9, 105.8))
"""Table 1 of the paper, row by row, as measured on CHI3D: PA-MPJPE mm, SE %, MTE mm, RDE mm."""

PUBLISHED_METRICS = ("pa_mpjpe_mm", "scale_error_pct", "translation_error_mm", "root_displacement_error_mm")
LIFTED_AT_ONCE = 8192
"""Scenes that go through a network together, which bounds its memory."""

NOISE_PIXELS = (0.0, 2.0, 5.0, 10.0)
"""Deviations of the joints' places at which robustness is measured."""

PICTURED = 8
"""So many evaluation scenes are drawn, evenly spaced."""

PERFECT = "perfect lift"

SMOOTHED_FRAMES = 5.0

GROUND = {
    "ground": GroundPlacement(),
    "+ one tilt a sequence": GroundPlacement(tilt=True),
    "+ one size a person": GroundPlacement(tilt=True, sizes=True),
    "+ smooth depths": GroundPlacement(tilt=True, sizes=True, smooth=SMOOTHED_FRAMES),
    "+ contact": GroundPlacement(tilt=True, sizes=True, smooth=SMOOTHED_FRAMES, contact=True),
}
"""Ground placement's rows by name, each with one option more."""

NAMES = ("2D displacement", "+ 50-pixel rule", "+ rotation compensation", "+ elevation compensation")


@dataclass(frozen=True)
class Row:
    """One row of the ablation.

    Attributes:
        name: as a table shows it.
        lifter: which lifter it uses; `PERFECT` has the ground truth lifted, to tell what is left to the placement.
        placement: how people are put together; None where they were lifted as one body.
        published: the paper's values by metric, where it has this row.
    """

    name: str
    lifter: str
    placement: PaperPlacement | GroundPlacement | None = None
    published: dict[str, float] | None = None

    def described(self, metrics: dict[str, float]) -> dict[str, Any]:
        """The row with its metrics, as `ablation.json` holds it."""
        options = [f.name for kind in (PaperPlacement, GroundPlacement) for f in fields(kind)]
        settings = {name: getattr(self.placement, name, None) for name in options}
        return {"name": self.name, "lifter": self.lifter, **settings, "metrics": metrics, "published": self.published}


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
        perfect.append(Row(name, PERFECT, replace(ground, doubt=0.0)))
    return rows + perfect


def main_row(rows: Sequence[T]) -> T:
    """The last of Table 1 in the first reading, the paper's full method; Figure 1's baseline has but one row."""
    return rows[min(len(TABLE_1), len(rows)) - 1]


@dataclass(frozen=True)
class Lifted:
    """Lifted people before they are placed.

    Attributes:
        bodies: (scene, person, joint, 3), head lengths, each centred on its root; two people lifted as
            one body are centred on the mid-point of their pelvises.
        theta: (scene, person), radians; (scene, 1) for people lifted as one body.
        normalisation: the units of `bodies`.
    """

    bodies: Tensor
    theta: Tensor
    normalisation: Normalisation


@torch.no_grad()
def lift_scenes(module: LifterModule, scenes: Scenes, skeleton: Skeleton, scale: float | None = None) -> Lifted:
    """Lift everybody in the scenes with a trained module, as one body where it was trained so.

    Args:
        skeleton: of the scenes' people.
        scale: a head length in these images, as `Normalisation` counts it; None takes the training set's.
    """
    normalisation = replace(module.normalisation, scale=scale or module.normalisation.scale)
    together = module.skeleton.name != skeleton.name
    seen = normalisation.coordinates(scenes)
    seen = join_pair(seen, skeleton) if together else seen
    poses = normalisation(seen, seen[..., module.skeleton.root_index, :])
    lifted = [module(some.to(module.device)) for some in poses.split(LIFTED_AT_ONCE)]
    bodies, theta = (torch.cat(parts).to(seen.device) for parts in zip(*lifted, strict=True))
    return Lifted(split_pair(bodies) if together else bodies, theta, normalisation)


def perfect_lift(scenes: Scenes, skeleton: Skeleton, normalisation: Normalisation) -> Lifted:
    """What a lifter would give that makes no error."""
    bodies = normalisation.true_bodies(scenes, skeleton)
    return Lifted(bodies, scenes.elevations(skeleton.root_index), normalisation)


def place(row: Row, lifted: Lifted, scenes: Scenes, skeleton: Skeleton) -> Tensor:
    """The row's people in one scene, (scene, person, joint, 3)."""
    if row.placement is None:
        return lifted.bodies
    if isinstance(row.placement, GroundPlacement):
        roots, distance = scenes.rays[:, :, skeleton.root_index], lifted.normalisation.distance(scenes)
        return row.placement(lifted.bodies, lifted.theta, roots, distance, skeleton, scenes.sequence).people
    rows = scenes.pixels[:, :, skeleton.root_index, 1]
    places = lifted.normalisation.places(scenes, skeleton.root_index)
    return row.placement(lifted.bodies, lifted.theta, places, rows, lifted.normalisation.c, skeleton.feet)


def score_row(row: Row, lifted: Lifted, scenes: Scenes, skeleton: Skeleton) -> dict[str, float]:
    """Mean metrics of a row over the scenes; where people have elevations of their own, those as well."""
    assert scenes.truth is not None
    people = place(row, lifted, scenes, skeleton)
    metrics = {name: value.mean().item() for name, value in score(people, scenes.truth, skeleton.root_index).items()}
    return metrics | (
        elevation_metrics(lifted.theta, scenes, skeleton) if row.placement and row.lifter != PERFECT else {}
    )


def elevation_metrics(theta: Tensor, scenes: Scenes, skeleton: Skeleton) -> dict[str, float]:
    """Mean absolute error in degrees, and correlation, of elevations (scene, person)."""
    true = scenes.elevations(skeleton.root_index)
    return {
        "elevation_error_deg": (theta - true).abs().mean().rad2deg().item(),
        "elevation_correlation": torch.corrcoef(torch.stack([theta.flatten(), true.flatten()]))[0, 1].item(),
    }


def evaluate(
    module: LifterModule, rows: Sequence[Row], scenes: Scenes, skeleton: Skeleton, scale: float | None = None
) -> list[dict[str, Any]]:
    """Lift the scenes once and score every row on them."""
    training = module.training
    lifted = lift_scenes(module.eval(), scenes, skeleton, scale)
    module.train(training)
    perfect = perfect_lift(scenes, skeleton, lifted.normalisation)
    return [
        row.described(score_row(row, perfect if row.lifter == PERFECT else lifted, scenes, skeleton)) for row in rows
    ]


@torch.no_grad()
def robustness(module: LifterModule, scenes: Scenes, skeleton: Skeleton) -> dict[str, float]:
    """PA-MPJPE a person, mm, where every joint is off by Gaussian noise: by its deviation in pixels."""
    assert scenes.truth is not None
    generator, errors = torch.Generator().manual_seed(0), {}
    for pixels in NOISE_PIXELS:
        lifted = lift_scenes(module, scenes.noisy(pixels, generator), skeleton)
        errors[f"{pixels:g}"] = mpjpe(align(lifted.bodies, scenes.truth), scenes.truth).mean().item()
    return errors


def picture(module: LifterModule, row: Row, scenes: Scenes, skeleton: Skeleton) -> Figure:
    """Some scenes of a row beside their ground truth, both turned level."""
    assert scenes.truth is not None
    assert scenes.up is not None
    people = align_scene(place(row, lift_scenes(module.eval(), scenes, skeleton), scenes, skeleton), scenes.truth)
    level = levelling(scenes.up).unsqueeze(1)
    return scene_sheet(scenes.pixels, rotate(level, people), rotate(level, scenes.truth), skeleton)


class MultiPersonEvaluation(pl.Callback):
    """Scores the module on evaluation scenes every few epochs, and on all rows at the end.

    Logs `eval/<metric>` of the paper's full method, `final/<metric>` at the end, and writes a file with all rows,
    the error under noise and the held-out losses (2D alone), those and the error of every evaluation on the way,
    and a picture of some scenes, `scenes.png`.

    Args:
        lifter: the lifter's name, which decides its rows.
        scenes: with ground truth.
        skeleton: of the scenes' people.
        every: epochs between evaluations during training.
        few: at most so many scenes, evenly spaced, during training; the end always uses all.
        path: the file to write at the end.
    """

    def __init__(self, lifter: str, scenes: Scenes, skeleton: Skeleton, every: int, few: int, path: Path) -> None:
        self.rows, self.scenes, self.skeleton, self.every, self.path = rows_of(lifter), scenes, skeleton, every, path
        self.few = scenes[:: -(-len(scenes) // few)]
        self.history: list[dict[str, Any]] = []

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = state_dict["history"]

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or (trainer.current_epoch + 1) % self.every:
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
        results = evaluate(pl_module, self.rows, self.scenes, self.skeleton)
        if trainer.logger:
            trainer.logger.log_metrics({f"final/{name}": value for name, value in main_row(results)["metrics"].items()})
        some = self.scenes[torch.linspace(0, len(self.scenes) - 1, PICTURED).long()]
        save_figure(picture(pl_module, main_row(self.rows), some, self.skeleton), self.path.with_name("scenes.png"))
        measured = {
            "scenes": len(self.scenes),
            "rows": results,
            "noise_pixels_pa_mpjpe_person_mm": robustness(pl_module, self.few, self.skeleton),
            "held_out": self._held_out(trainer, pl_module),
            "history": self.history,
        }
        write_text(self.path, json.dumps(measured, indent=1))

    @staticmethod
    def _held_out(trainer: pl.Trainer, module: LifterModule) -> dict[str, float]:
        found: dict[str, float] = module.held_out(trainer.datamodule.validation_poses)  # type: ignore[attr-defined]
        return found
