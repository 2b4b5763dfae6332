"""One bar for a whole stage, with the time that is left."""

import sys

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress() -> Progress:
    """The project's progress bar, on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:11}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)


class StageProgress(pl.Callback):
    """A stage's epochs as a bar; a line now and then where nobody watches a terminal.

    Args:
        stage: what the bar is called.
        watched: logged metric -> the short name it is shown by.
    """

    def __init__(self, stage: str, watched: dict[str, str]) -> None:
        self.stage, self.watched, self.bar = stage, watched, progress()

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.task = self.bar.add_task(self.stage, total=trainer.max_epochs, completed=trainer.current_epoch, figures="")
        if trainer.is_global_zero:
            self.bar.start()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        done = trainer.fit_loop.epoch_loop.batch_progress.current.completed / max(1, trainer.num_training_batches)
        self.bar.update(self.task, completed=round(trainer.current_epoch + done, 2))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epoch, epochs = trainer.current_epoch + 1, trainer.max_epochs or 1
        logged = trainer.callback_metrics
        figures = ", ".join(f"{short} {logged[name]:.1f}" for name, short in self.watched.items() if name in logged)
        self.bar.update(self.task, completed=epoch, figures=figures)
        if self.bar.disable and trainer.is_global_zero and (epoch == epochs or epoch % max(1, epochs // 10) == 0):
            print(f"{self.stage}: epoch {epoch} of {epochs}  {figures}", file=sys.stderr, flush=True)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.bar.stop()
