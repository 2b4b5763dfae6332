"""The evaluation callback: lift everybody, place them, compare with the ground truth, and log what comes out.

3D labels are used here and nowhere in training, and what is measured here decides nothing: no checkpoint is chosen and
no training is stopped by it.
"""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from callbacks.figures import save_figure
from callbacks.labelled import LabelledEvaluation
from callbacks.lifting import lift_scenes, perfect_lift
from callbacks.rows import JOINT, paper_row, pictured_rows, product_result, product_row, rows_of
from callbacks.scene_pictures import extremes, level_pair, rows_picture, scenes_picture, whereabouts
from callbacks.scoring import LiftedScenes, evaluate, score_scenes
from callbacks.wandb_run import ROWS, SCENES, TURNING, rows_table, table, turning
from duolift.body.skeleton import Skeleton
from duolift.geometry.scene_batch import SceneBatch
from lightning_modules.lifter import LifterModule

LISTED = 20
"""The table of scenes lists this many of the best, and as many of the worst."""


class MultiPersonEvaluation(LabelledEvaluation):
    """Scores the module on evaluation scenes every few epochs, and by all rows at the end.

    During training it logs `eval/<metric>` of the paper's full method, which takes every scene by itself, as some
    scenes are no sequences; at the end it logs `final/<metric>` of what the product does
    and writes a file with all rows, the error under noise, the held-out losses (2D alone), and those and the error of
    every evaluation on the way; a picture of some scenes, `scenes.png`; and one of fewer by many rows, `rows.png`. Of
    several processes only the first does.

    Args:
        lifter: the lifter's name, which decides its rows.
        scenes: with ground truth.
        skeleton: of the scenes' people.
        every: epochs between evaluations during training.
        few: at most this many scenes, evenly spaced, during training; the end always uses all.
        path: the file to write at the end.
        image: width and height of the images, pixels, for the rows that know nothing else of the cameras.
        size: the sum of people's bone lengths on average, millimetres, for protocols in the camera's frame; None for
            none of them.
    """

    def __init__(
        self,
        lifter: str,
        scenes: SceneBatch,
        skeleton: Skeleton,
        every: int,
        few: int,
        path: Path,
        image: tuple[float, float],
        size: float | None = None,
    ) -> None:
        super().__init__(scenes, skeleton, every, few, path, size)
        self.together, self.image, self.rows = lifter == JOINT, image, rows_of(lifter)

    def metrics_of(self, module: LifterModule, scenes: SceneBatch) -> dict[str, Any]:
        (result,) = evaluate(module, [paper_row(self.rows)], scenes, self.skeleton, image=self.image)
        metrics: dict[str, Any] = result["metrics"]
        return metrics

    def _finish(self, trainer: pl.Trainer, module: LifterModule) -> None:
        scenes = self.scenes.to(module.device)
        lift = LiftedScenes(scenes, lift_scenes(module.eval(), scenes, self.skeleton))
        pictures = self._draw(lift, module)
        results = evaluate(
            module, self.rows, scenes, self.skeleton, image=self.image, size=self.size, lifted=lift.lifted
        )
        self.record(trainer, module, results, product_result(results)["metrics"])
        if isinstance(trainer.logger, WandbLogger):
            trainer.logger.log_metrics({ROWS: rows_table(results), **self._shown(lift)})  # type: ignore[dict-item]
            for picture in pictures:
                trainer.logger.log_image(f"scenes/{picture.stem}", [str(picture)])

    def _draw(self, lift: LiftedScenes, module: LifterModule) -> list[Path]:
        """Pictures of scenes beside the file; their paths."""
        sheets = {"scenes.png": scenes_picture(product_row(self.rows), lift)}
        if not self.together:
            perfect = perfect_lift(lift.scenes, self.skeleton, module.normalisation)
            sheets["rows.png"] = rows_picture(pictured_rows(self.rows), lift, LiftedScenes(lift.scenes, perfect))
        for name, sheet in sheets.items():
            save_figure(sheet, self.path.with_name(name))
        return [self.path.with_name(name) for name in sheets]

    def _shown(self, lift: LiftedScenes) -> dict[str, Any]:
        """For W&B: a table of the best and the worst scenes, and the best, the median and the worst to turn."""
        row = product_row(self.rows)
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


def _numbers(scores: dict[str, Tensor], scene: int) -> dict[str, float | None]:
    """The scores of one scene; None where it has none."""
    return {name: None if of[scene].isnan() else of[scene].item() for name, of in scores.items()}
