"""Stage three: learn what hidden joints look like, from whole poses and the lifter's own answers to them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from duolift.body.skeleton import skeleton_named
from duolift.geometry.noise import centred_noise
from duolift.networks.completion import STRATEGIES, Completer, Completion, random_visibility, visibility_masks
from duolift.networks.partners import Partners
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import Averaging, adam, randomly_mirrored


class CompletionModule(Averaging):
    """One completer a strategy, all trained in one run on the same batches, without 3D labels.

    A batch holds poses (batch, joint, 2), the nearest other person's beside each, as `duolift.networks.partners` has
    it, and whether there is one within reach (batch,).

    Args:
        skeleton: name of the skeleton of the poses.
        strategies: keys of `duolift.networks.completion.STRATEGIES`.
        width, blocks: see `duolift.networks.completion.Completer`.
        dropped: probability that a joint is missing from a training pose by itself; beyond that, every named
            occlusion is as frequent as none.
        noise: the largest deviation, in head lengths, of the noise that the 2D completer learns to take out.
        alone: probability that a training pose is seen without its partner. Who has one is seen beside a person whose
            joints are hidden as often as one's own.
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
        alone: float = 0.2,
        mirror: bool = True,
        learning_rate: float = 1e-3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.skeleton = skeleton_named(skeleton)
        self.completers = nn.ModuleDict(
            {name: Completer(self.skeleton, STRATEGIES[name], width, blocks) for name in strategies}
        )
        self.register_buffer("masks", visibility_masks(self.skeleton), persistent=False)
        self.dropped, self.noise, self.alone = dropped, noise, alone
        self.mirror, self.learning_rate = mirror, learning_rate
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

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> Tensor:
        *people, near = batch
        together = torch.stack(people, dim=1)  # (batch, the person and the partner, joint, 2)
        poses, stack = (randomly_mirrored(together, self.skeleton) if self.mirror else together).unbind(1)
        near = near & (torch.rand(len(near), device=near.device) >= self.alone)
        partners = Partners(stack, self._presence(len(poses)) & near.unsqueeze(-1))
        errors = self.errors(poses, self._presence(len(poses)), self._deviations(len(poses)), partners)
        self.averaged({f"train/{name}": error for name, error in errors.items()})
        return torch.stack(list(errors.values())).sum()

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> None:
        """Errors beside a partner who is wholly present, and alone."""
        poses, stack, near = batch
        visible, noise = self._presence(len(poses)), self._deviations(len(poses))
        partners = Partners(stack, near.unsqueeze(-1).expand_as(visible))
        for stage, company in (("val", partners), ("val/alone", Partners.none(poses))):
            errors = self.errors(poses, visible, noise, company)
            self.log_dict({f"{stage}/{name}": error for name, error in errors.items()}, sync_dist=True)

    def errors(self, poses: Tensor, visible: Tensor, noise: Tensor, partners: Partners) -> dict[str, Tensor]:
        """By strategy, the mean distance, in percent of a head length, of filled joints from where the lifter has them.

        And `noise_left_pct`: how much of the noise on present joints the 2D completer leaves.

        Args:
            poses: (batch, joint, 2), whole and exact.
            visible: (batch, joint), what the completers see of them.
            noise: (batch,), the deviation in head lengths with which the 2D completer sees it.
            partners: exact as well; seen with the same noise.
        """
        assert self.teacher is not None
        c, errors = self.teacher.normalisation.c, {}
        for name in self.completers:
            if name == "fill_lift":
                together = torch.cat([poses, partners.poses], dim=-2)
                together = together + centred_noise(together, noise / c, self.skeleton.root_index)
                seen, stack = together.split(len(self.skeleton), dim=-2)
                target, partners_seen = c * poses, replace(partners, poses=stack)
                filled, hidden = self.completion(name).fill(seen, visible, noise, partners_seen)
                before = _distance(c * seen, target, visible).clamp(min=1e-6)
                errors["noise_left_pct"] = 100 * _distance(filled, target, visible) / before
            else:
                filled, hidden = self.completion(name).fill(poses, visible, torch.zeros_like(noise))
                target = self._lifted(poses)
            errors[f"{name}_head_pct"] = 100 * _distance(filled, target, hidden)
        return errors

    @torch.no_grad()
    def _lifted(self, poses: Tensor) -> Tensor:
        assert self.teacher is not None
        bodies: Tensor = self.teacher(poses)[0]
        return bodies

    def _presence(self, count: int) -> Tensor:
        """Random masks (count, joint)."""
        return random_visibility(self.get_buffer("masks"), count, self.dropped, self.skeleton.root_index)

    def _deviations(self, count: int) -> Tensor:
        """Random deviations (count,) of a detector's noise, in head lengths."""
        return self.noise * torch.rand(count, device=self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        weights = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: value for name, value in weights.items() if not name.startswith("teacher.")}

    def configure_optimizers(self) -> Any:
        return adam(self, self.completers.parameters(), self.learning_rate, "one_cycle", decay=1.0)


def _distance(filled: Tensor, target: Tensor, wanted: Tensor) -> Tensor:
    """Mean distance of the `wanted` joints (batch, joint); 0 where none is. It has a gradient at zero."""
    distance = ((filled - target).square().sum(-1) + 1e-12).sqrt()
    return (distance * wanted).sum() / wanted.sum().clamp(min=1)
