"""What a network was is not given up for what it becomes: the mean of the weights before and after a training."""

from collections.abc import Mapping

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn


class KeptWeights(pl.Callback):
    """Makes a network the mean of what it was and what it has become, before its last validation.

    A network that goes on learning elsewhere becomes better there and worse where it was; the mean of both keeps most
    of either (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022, https://arxiv.org/abs/2109.01903).

    Args:
        before: the weights that the module had before, by name; of others it keeps what they have become.
        share: of what it was.

    >>> module = pl.LightningModule()
    >>> module.layer = nn.Linear(1, 1, bias=False)
    >>> module.layer.weight.data.fill_(3.0)
    tensor([[3.]])
    >>> KeptWeights({"layer.weight": torch.tensor([[1.0]])}, share=0.25).average(module)
    >>> module.layer.weight.item()
    2.5
    """

    def __init__(self, before: Mapping[str, Tensor], share: float) -> None:
        self.before, self.share = before, share

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        last = trainer.current_epoch + 1 == trainer.max_epochs
        if last and trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking:
            self.average(pl_module)

    @torch.no_grad()
    def average(self, module: nn.Module) -> None:
        """Do it."""
        for name, weight in module.named_parameters():
            if name in self.before:
                weight.lerp_(self.before[name].to(weight), self.share)
