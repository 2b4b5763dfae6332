"""One progress bar for a whole stage, with its rate and the time left; a line now and then without a terminal."""

import pytorch_lightning as pl

from duolift.progress import Step


class StageProgress(pl.Callback):
    """Shows the progress of a stage's epochs; without a terminal, as a line after every tenth of them.

    Args:
        stage: name of the bar.
        watched: logged metric -> the short name it is shown under.
    """

    def __init__(self, stage: str, watched: dict[str, str]) -> None:
        self.stage, self.watched = stage, watched
        self.step: Step | None = None
        self.figures = ""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self.step = Step(self.stage, trainer.max_epochs, at_once=True).__enter__()
            self.step.update(trainer.current_epoch)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if self.step:
            done = trainer.fit_loop.epoch_loop.batch_progress.current.completed / max(1, trainer.num_training_batches)
            self.step.update(round(trainer.current_epoch + done, 2), self.figures)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.step:
            return
        epoch, epochs, logged = trainer.current_epoch + 1, trainer.max_epochs or 1, trainer.callback_metrics
        shown = {short: logged[name] for name, short in self.watched.items() if name in logged}
        self.figures = ", ".join(f"{short} {value:.1f}" for short, value in shown.items())
        tenth = epoch == epochs or epoch % max(1, epochs // 10) == 0
        self.step.update(epoch, self.figures, line=tenth)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._end()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._end()

    def _end(self) -> None:
        if self.step:
            self.step.__exit__()
            self.step = None
