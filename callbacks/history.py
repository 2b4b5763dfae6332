"""Everything that a stage logs, epoch by epoch, as a file beside its checkpoint."""

import json
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import Tensor

from duolift.files import write_text

TIMES = ("epoch", "seconds", "poses_per_second")
"""Keys of a record beside what was logged."""

SPEEDS = ("speed/seconds", "speed/poses_per_second")
"""The names of an epoch's times in the log."""


class History(pl.Callback):
    """Writes a list of records, one for every epoch.

    A record holds `epoch`, counted from 1; `seconds`, including validation; `poses_per_second` of training alone; and
    everything that was logged in that epoch, by its name. The times are logged as well, and are part of no result.

    Checkpoints hold the records: a resumed stage continues its list. Only the first of several processes writes.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[dict[str, float]] = []

    @property
    def last(self) -> dict[str, float]:
        """Everything that the last epoch logged, without its times."""
        return {name: value for name, value in self.records[-1].items() if name not in TIMES}

    def state_dict(self) -> dict[str, Any]:
        return {"records": self.records}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.records = state_dict["records"]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._earlier, self._poses, self._began = dict(trainer.callback_metrics), 0, time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._poses += len(batch if isinstance(batch, Tensor) else batch[0]) * trainer.world_size
        if trainer.is_last_batch:
            self._rate = self._poses / (time.monotonic() - self._began)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        timed = {"seconds": time.monotonic() - self._began, "poses_per_second": self._rate}
        logged = trainer.callback_metrics  # holds the last value of what was logged in earlier epochs as well
        fresh = {name: value.item() for name, value in logged.items() if value is not self._earlier.get(name)}
        self.records.append({"epoch": trainer.current_epoch + 1, **timed, **fresh})
        self._write(trainer)
        for logger in trainer.loggers:
            speeds = dict(zip(SPEEDS, timed.values(), strict=True))
            logger.log_metrics(speeds | {"epoch": trainer.current_epoch}, trainer.global_step)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer)

    def _write(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero:
            write_text(self.path, json.dumps(self.records, indent=1))
