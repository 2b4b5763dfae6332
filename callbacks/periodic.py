"""What all evaluations of a training have in common: every few epochs, by one process, remembered by checkpoints."""

from typing import Any

import pytorch_lightning as pl


class PeriodicEvaluation(pl.Callback):
    """A callback that measures something every few epochs.

    Attributes:
        history: what was measured, a record each; a resumed training continues it.

    >>> PeriodicEvaluation(every=5).state_dict()
    {'history': []}

    Args:
        every: epochs between two measurements.
    """

    def __init__(self, every: int) -> None:
        self.every, self.history = every, list[dict[str, Any]]()

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = state_dict["history"]

    def due(self, trainer: pl.Trainer) -> bool:
        """Whether this epoch is measured, and by this process."""
        return not trainer.sanity_checking and (trainer.current_epoch + 1) % self.every == 0 and trainer.is_global_zero
