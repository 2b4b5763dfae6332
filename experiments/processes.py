"""One command as several processes, by Lightning: who writes, who waits, and what each of them draws.

Lightning starts the others by running the command again, or finds itself started by a cluster's scheduler. All of them
do the same but for their share of every batch, their noise, and files, tables and lines, which are the first one's.
"""

import os
from inspect import signature
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.nn.parallel import DistributedDataParallel

from duolift.errors import InputError
from experiments.config import plain
from experiments.settings import Compute

SYNC_BUFFERS = next(
    name
    for name in ("forward_sync_buffers", "broadcast_buffers")  # newer torch, older torch
    if name in signature(DistributedDataParallel).parameters
)
"""Torch's name for copying the first process's buffers to all others at every step: here they are constants."""


def is_first() -> bool:
    """Whether this process is the one that writes; known before Lightning has been set up."""
    node = os.environ.get("NODE_RANK", os.environ.get("GROUP_RANK", "0"))
    return node == "0" and getattr(rank_zero_only, "rank", 0) == 0


def wait() -> None:
    """Go on when every process has come here."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()


def trainer_of(compute: Compute, **options: Any) -> pl.Trainer:
    """Lightning's trainer on the devices that the settings ask for, of several processes where there are several.

    Raises:
        InputError: Lightning cannot make anything of the settings.
    """
    if compute.threads:
        torch.set_num_threads(compute.threads)
    devices = int(compute.devices) if compute.devices.isdigit() else compute.devices
    asked: dict[str, Any] = {"accelerator": compute.accelerator, "devices": devices, "num_nodes": compute.num_nodes}
    asked |= options | {"use_distributed_sampler": False}  # the data module shares out batches itself
    try:
        trainer = pl.Trainer(strategy=compute.strategy, **asked)
        if compute.strategy in ("auto", "ddp") and isinstance(trainer.strategy, DDPStrategy):
            constant: dict[str, Any] = {SYNC_BUFFERS: False}
            trainer = pl.Trainer(strategy=DDPStrategy(**constant), **asked)
    except (MisconfigurationException, ValueError, TypeError) as error:
        found = ", ".join(f"{key}={value}" for key, value in plain(compute).items())
        raise InputError(
            f"setting compute is {found}; expected what this machine has ({str(error).splitlines()[0]})"
        ) from error
    return trainer


def number_of(compute: Compute) -> int:
    """How many processes the settings come to on this machine, of all nodes."""
    return trainer_of(compute, logger=False, enable_checkpointing=False, enable_model_summary=False).world_size


class OwnNoise(pl.Callback):
    """Every epoch of every process draws random numbers of its own: by the seed, the epoch and the process alone, so
    that a training that was interrupted goes on as if it had not been."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == 0:  # not before: in a process's first epoch alone, data is shuffled before the epoch starts
            own = np.random.SeedSequence((self.seed, trainer.current_epoch, trainer.global_rank)).generate_state(1)
            torch.manual_seed(int(own[0]))
