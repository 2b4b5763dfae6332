"""What both stages share: Adam with a decay every epoch, and mirrored poses."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from duolift.normalisation import mirrored
from duolift.skeleton import Skeleton


def adam_with_decay(
    parameters: Iterable[nn.Parameter], learning_rate: float, decay: float, weight_decay: float = 0.0
) -> dict[str, Any]:
    """Adam, its learning rate multiplied by `decay` after every epoch, as Lightning wants it."""
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True)
    return {"optimizer": optimiser, "lr_scheduler": torch.optim.lr_scheduler.ExponentialLR(optimiser, decay)}


def randomly_mirrored(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Each pose of a batch (batch, joint, 2) mirrored with probability one half."""
    chosen = torch.rand(len(poses), 1, 1, device=poses.device) < 0.5
    return torch.where(chosen, mirrored(poses, skeleton), poses)
