"""Stage three: learn what hidden joints look like, from the lifter's own answers to whole poses."""

from collections.abc import Sequence
from typing import Any, Self, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from duolift.completion import STRATEGIES, Completer, Completion, presence, random_presence
from duolift.normalisation import noisy_offsets
from duolift.skeleton import skeleton_named
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import adam, randomly_mirrored


class CompletionModule(pl.LightningModule):
    """One completer a strategy, all trained in one run on the same batches, without 3D labels.

    Args:
        skeleton: name of the skeleton of the poses.
        strategies: keys of `duolift.completion.STRATEGIES`.
        width, blocks: see `duolift.completion.Completer`.
        dropped: probability that a joint is missing from a training pose by itself; beyond that, every named
            occlusion is as frequent as none.
        noise: the largest deviation, in head lengths, of the noise that the 2D completer learns to take out.
        mirror: also train on mirrored poses.
        learning_rate: Adam's highest, with the `one_cycle` of `lightning_modules.optimisation.adam`.
    """

    def __init__(
        self,
        skeleton: str,
        strategies: Sequence[str],
        width: int = 384,
        blocks: int = 2,
        dropped: float = 0.05,
        noise: float = 0.05,
        mirror: bool = True,
        learning_rate: float = 1e-3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.skeleton = skeleton_named(skeleton)
        self.completers = nn.ModuleDict(
            {name: Completer(self.skeleton, STRATEGIES[name], width, blocks) for name in strategies}
        )
        self.register_buffer("masks", presence(self.skeleton), persistent=False)
        self.dropped, self.noise, self.mirror, self.learning_rate = dropped, noise, mirror, learning_rate
        self.teacher: LifterModule | None = None
        self.strict_loading = False

    def learn_from(self, teacher: LifterModule) -> Self:
        """Take the trained lifter that is completed: frozen, and no part of this module's checkpoints."""
        self.teacher = teacher.eval().requires_grad_(False)
        return self

    def completion(self, strategy: str) -> Completion:
        """The lifter with the completer of a strategy."""
        if self.teacher is None:
            raise RuntimeError("no lifter to complete: call learn_from with a trained one first")
        completer = cast(Completer, self.completers[strategy])
        return Completion(self.teacher.lifter, completer, self.teacher.normalisation.c, self.teacher.flip_test)

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        poses = randomly_mirrored(batch, self.skeleton) if self.mirror else batch
        errors = self.errors(poses, *self._detected(len(poses)))
        self.log_dict({f"train/{name}": error for name, error in errors.items()}, on_step=False, on_epoch=True)
        return torch.stack(list(errors.values())).sum()

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        errors = self.errors(batch, *self._detected(len(batch)))
        self.log_dict({f"val/{name}": error for name, error in errors.items()})

    def errors(self, poses: Tensor, present: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """By strategy, the mean distance, in percent of a head length, of filled joints from where the lifter has them.

        And `noise_left_pct`: how much of the noise on present joints the 2D completer leaves.

        Args:
            poses: (batch, joint, 2), whole and exact.
            present: (batch, joint), what the completers see of them.
            noise: (batch,), the deviation in head lengths with which the 2D completer sees it.
        """
        assert self.teacher is not None
        c, errors = self.teacher.normalisation.c, {}
        for name in self.completers:
            if name == "fill_lift":
                seen, target = poses + noisy_offsets(poses, noise / c, self.skeleton.root_index), c * poses
                filled, hidden = self.completion(name).fill(seen, present, noise)
                before = _distance(c * seen, target, present).clamp(min=1e-6)
                errors["noise_left_pct"] = 100 * _distance(filled, target, present) / before
            else:
                filled, hidden = self.completion(name).fill(poses, present, torch.zeros_like(noise))
                target = self._lifted(poses)
            errors[f"{name}_head_pct"] = 100 * _distance(filled, target, hidden)
        return errors

    @torch.no_grad()
    def _lifted(self, poses: Tensor) -> Tensor:
        assert self.teacher is not None
        bodies: Tensor = self.teacher(poses)[0]
        return bodies

    def _detected(self, count: int) -> tuple[Tensor, Tensor]:
        """Random masks (count, joint), and deviations (count,) in head lengths."""
        present = random_presence(self.get_buffer("masks"), count, self.dropped, self.skeleton.root_index)
        return present, self.noise * torch.rand(count, device=present.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        weights = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: value for name, value in weights.items() if not name.startswith("teacher.")}

    def configure_optimizers(self) -> Any:
        return adam(self, self.completers.parameters(), self.learning_rate, "one_cycle", decay=1.0)


def _distance(filled: Tensor, target: Tensor, wanted: Tensor) -> Tensor:
    """Mean distance of the `wanted` joints (batch, joint); 0 where none is. It has a gradient at zero."""
    distance = ((filled - target).square().sum(-1) + 1e-12).sqrt()
    return (distance * wanted).sum() / wanted.sum().clamp(min=1)
