"""Stage three: learn to complete poses, from whole poses and what the trained lifter makes of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from duolift.body.skeleton import skeleton_named
from duolift.geometry.noise import centred_noise
from duolift.networks.completer import Completer, CompleterArchitecture
from duolift.networks.completion import STRATEGIES, Completion
from duolift.networks.occlusions import random_visibility, visibility_masks
from duolift.networks.partners import Partners
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import OptimiserSettings, StageModule, adam, randomly_mirrored


class CompletionModule(StageModule):
    """One completer for each strategy, all trained in one run on the same batches, without 3D labels.

    A batch holds poses (batch, joint, 2), for each the pose of the nearest other person, as
    `duolift.networks.partners.Partners` has it, and whether there is one within reach (batch,).

    >>> module = CompletionModule("paper19", ["fill_lift"], width=8, blocks=1)
    >>> list(module.completers)
    ['fill_lift']

    Args:
        skeleton: name of the skeleton of the poses.
        strategies: keys of `duolift.networks.completion.STRATEGIES`.
        width, blocks: see `duolift.networks.completer.CompleterArchitecture`.
        dropped: probability that a single joint is missing from a training pose; besides, each of
            `duolift.networks.occlusions.occlusions` is as frequent as none.
        noise: the largest standard deviation, head lengths, of the noise that the 2D completer learns to take out.
        alone: probability that a training pose is seen without its partner. Joints of partners are hidden as often as
            a person's own.
        mirror: each pose is mirrored, together with its partner, with probability one half.
        learning_rate: Adam's highest, with the schedule `one_cycle`.
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
        architecture = CompleterArchitecture(width, blocks)
        self.completers = nn.ModuleDict(
            {name: Completer(self.skeleton, STRATEGIES[name], architecture) for name in strategies}
        )
        self.register_buffer("masks", visibility_masks(self.skeleton), persistent=False)
        self.dropped, self.noise, self.alone = dropped, noise, alone
        self.mirror, self.optimiser = mirror, OptimiserSettings(learning_rate, "one_cycle", weight_decay=0.0)
        self.teacher: LifterModule | None = None
        self.strict_loading = False  # the teacher is no part of the checkpoints that training goes on from

    def attach_teacher(self, teacher: LifterModule) -> Self:
        """Take the trained lifter whose poses are completed. It is frozen, and no part of this module's checkpoints."""
        self.teacher = teacher.eval().requires_grad_(False)
        return self

    def completion(self, strategy: str) -> Completion:
        """The lifter with the completer of a strategy."""
        if self.teacher is None:
            raise RuntimeError("no lifter to complete: call attach_teacher with a trained one first")
        completer = cast(Completer, self.completers[strategy])
        return Completion(self.teacher.lifter, completer, self.teacher.normalisation.c, self.teacher.flip_test)

    def losses(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        *people, near = batch
        together = torch.stack(people, dim=1)  # (batch, the person and the partner, joint, 2)
        poses, partner = (randomly_mirrored(together, self.skeleton) if self.mirror else together).unbind(1)
        near = near & (torch.rand(len(near), device=near.device) >= self.alone)
        partners = Partners(partner, self._visibility(len(poses)) & near.unsqueeze(-1))
        errors = self.errors(poses, self._visibility(len(poses)), self._sigma(len(poses)), partners)
        loss = torch.stack(list(errors.values())).sum()
        return loss, {f"train/{name}": error for name, error in errors.items()}

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> None:
        """The errors beside a partner who is wholly visible, and without one."""
        poses, partner, near = batch
        visible, noise = self._visibility(len(poses)), self._sigma(len(poses))
        beside = Partners(partner, near.unsqueeze(-1).expand_as(visible))
        for stage, partners in (("val", beside), ("val/alone", Partners.none(poses))):
            errors = self.errors(poses, visible, noise, partners)
            self.log_dict({f"{stage}/{name}": error for name, error in errors.items()}, sync_dist=True)

    def errors(self, poses: Tensor, visible: Tensor, noise: Tensor, partners: Partners) -> dict[str, Tensor]:
        """The errors that are learned from.

        Args:
            poses: (batch, joint, 2), whole and exact.
            visible: (batch, joint), the joints that the completers see.
            noise: (batch,), standard deviation of the noise that the 2D completer sees them with, head lengths.
            partners: exact as well; seen with the same noise.

        Returns:
            `<strategy>_head_pct`: mean distance, in percent of a head length, of filled joints from the input in 2D, or
            from what the lifter makes of the whole pose in 3D; `noise_left_pct`: the share of the noise on visible
            joints that the 2D completer leaves.
        """
        assert self.teacher is not None
        c, errors = self.teacher.normalisation.c, {}
        for name in self.completers:
            if name == "fill_lift":
                together = torch.cat([poses, partners.poses], dim=-2)  # (batch, 2 joint, 2), one noise a person
                together = together + centred_noise(together, noise / c, self.skeleton.root_index)
                seen, partner = together.split(len(self.skeleton), dim=-2)
                target, partners_seen = c * poses, replace(partners, poses=partner)
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

    def _visibility(self, count: int) -> Tensor:
        """Random masks (count, joint)."""
        return random_visibility(self.get_buffer("masks"), count, self.dropped, self.skeleton.root_index)

    def _sigma(self, count: int) -> Tensor:
        """Random standard deviations (count,) of a detector's noise, head lengths."""
        return self.noise * torch.rand(count, device=self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        weights = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: value for name, value in weights.items() if not name.startswith("teacher.")}

    def configure_optimizers(self) -> Any:
        return adam(self, self.completers.parameters(), self.optimiser)


def _distance(filled: Tensor, target: Tensor, wanted: Tensor) -> Tensor:
    """Mean distance of the `wanted` joints (batch, joint), 0 where there are none; with a gradient at 0."""
    distance = ((filled - target).square().sum(-1) + 1e-12).sqrt()
    return (distance * wanted).sum() / wanted.sum().clamp(min=1)
