"""What the evaluations that compare with a 3D truth have in common: some scenes on the way, all of them at the end."""

import json
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from callbacks.periodic import PeriodicEvaluation
from callbacks.scoring import robustness
from duolift.body.skeleton import Skeleton
from duolift.files import write_text
from duolift.geometry.scene_batch import SceneBatch
from lightning_modules.lifter import LifterModule

SIZE = "size_mm"
"""What a finished stage calls `LabelledEvaluation.size`."""


class LabelledEvaluation(PeriodicEvaluation):
    """Scores a lifter on scenes with ground truth: `metrics_of` every few epochs, and `_finish` at the end.

    Of several processes only the first does. `record` logs and writes what came of the end.

    Args:
        scenes: with ground truth.
        skeleton: of the scenes' people.
        every: epochs between evaluations during training.
        few: at most this many scenes, evenly spaced, during training; the end always uses all.
        path: the file to write at the end.
        size: the sum of the training subjects' bone lengths on average, millimetres; None where it is not known.

    >>> issubclass(LabelledEvaluation, PeriodicEvaluation)
    True
    """

    def __init__(
        self, scenes: SceneBatch, skeleton: Skeleton, every: int, few: int, path: Path, size: float | None = None
    ) -> None:
        super().__init__(every)
        self.scenes, self.skeleton, self.path, self.size = scenes, skeleton, path, size
        self.few = scenes[:: -(-len(scenes) // few)]

    def metrics_of(self, module: LifterModule, scenes: SceneBatch) -> dict[str, Any]:
        """What is logged of some scenes on the way."""
        raise NotImplementedError

    def _finish(self, trainer: pl.Trainer, module: LifterModule) -> None:
        """Score everything by all rows, draw it, and `record` it."""
        raise NotImplementedError

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.due(trainer):
            return
        assert isinstance(pl_module, LifterModule)
        metrics = self.metrics_of(pl_module, self.few)
        pl_module.log_dict({f"eval/{name}": value for name, value in metrics.items()}, rank_zero_only=True)
        of_epoch = {"held_out": self._held_out(trainer, pl_module), "metrics": metrics}
        self.history.append({"epoch": trainer.current_epoch + 1, **of_epoch})

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LifterModule)
        left = pl_module.device  # Lightning has brought the module to the CPU by now
        self._finish(trainer, pl_module.to(trainer.strategy.root_device))
        pl_module.to(left)

    def record(
        self, trainer: pl.Trainer, module: LifterModule, rows: list[dict[str, Any]], metrics: dict[str, Any]
    ) -> None:
        """Log the final metrics, and write the file: all rows, people's size, the error under noise, the held-out
        losses (2D alone), and those and the metrics of every evaluation on the way.

        Args:
            rows: of the table.
            metrics: of the row that stands for the lifter.
        """
        if trainer.logger:
            trainer.logger.log_metrics({f"final/{name}": value for name, value in metrics.items()})
        measured = {
            "scenes": len(self.scenes),
            SIZE: self.size,
            "rows": rows,
            "noise_pixels_pa_mpjpe_person_mm": robustness(module, self.few, self.skeleton),
            "held_out": self._held_out(trainer, module),
            "history": self.history,
        }
        write_text(self.path, json.dumps(measured, indent=1))

    @staticmethod
    def _held_out(trainer: pl.Trainer, module: LifterModule) -> dict[str, float]:
        losses: dict[str, float] = module.held_out(trainer.datamodule.validation_poses)  # type: ignore[attr-defined]
        return losses
