"""Training steps of the lifters: at LInKs' sizes against the published arithmetic, and the default experiment's."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from benchmarks.baselines import PublishedTraining
from benchmarks.bench import ACCELERATORS, Bench, Size, fast_type, lifter_step, type_name
from benchmarks.measure import Line, interleaved, peak_memory, synchronise, with_bound
from lightning_modules.compilation import AUTO
from lightning_modules.lifter import LifterModule

CLIP = 5.0
"""Norm to which the default experiment clips gradients."""

MEMORY_STEPS = 3
"""Steps after which the memory of training no longer grows."""


# At LInKs' sizes ------------------------------------------------------------------------------------------------------


def published_step(bench: Bench) -> Iterator[Line]:
    """A lifter's training step at LInKs' sizes, its batch doubled by sampling, and the memory that it takes."""
    against_published, against_products = published_times(bench)
    memory = {
        name: peak_memory(_run, make, bench.folder, bench.size, bench.device, device=bench.device)
        for name, make in (("ours", step_of_library), ("published", step_as_published))
    }
    yield replace(against_published, memory=memory["ours"], baseline_memory=memory["published"])
    yield against_products


def published_times(bench: Bench) -> tuple[Line, Line]:
    """The step's time beside that of the published arithmetic, and beside its matrix products alone."""
    size, (width, blocks) = bench.size, bench.size.published
    steps = {"ours": step_of_library(bench), "published": step_as_published(bench)}
    rounds, rows, counted = (size.rounds, bench.calls(1)), 2 * size.batch, step_of_library(bench, replayed=False)
    seconds = with_bound(steps, *rounds, rows, width, fast_type(), bench.device, counted)
    shape = f"1 + {blocks} + {blocks} blocks of {width}, batch {size.batch} doubled"
    what = f"training step of LInKs' left and right lifters: {shape}"
    baseline = "the published arithmetic, FrEIA's flows"
    products = f"its matrix products alone, {type_name(fast_type())}"
    return (
        Line("published", what, baseline, seconds["ours"], seconds["published"]),
        Line("published", what, products, seconds["ours"], seconds["bound"]),
    )


def published_settings(size: Size) -> list[str]:
    """Settings of the paper's experiment with LInKs' lifters and flows."""
    (width, blocks), (flow_width, flow_blocks) = size.published, size.flow
    lifters = (f"lifting.width={width}", f"lifting.blocks={blocks}", f"lifting.batch_size={size.batch}")
    flows = (f"flows.width={flow_width}", f"flows.blocks={flow_blocks}")
    return ["experiment=paper", "lifter=left_right", *lifters, *flows]


def step_of_library(bench: Bench, replayed: bool = True) -> Callable[[], object]:
    """The step at LInKs' sizes as this library makes it."""
    data, module = bench.untrained(bench.config(*published_settings(bench.size)))
    return lifter_step(module, bench.batches(data.training_poses, bench.size.batch), replayed=replayed)


def step_as_published(bench: Bench) -> Callable[[], object]:
    """The same step by the arithmetic that LInKs publishes."""
    size, (width, blocks), (flow_width, flow_blocks) = bench.size, bench.size.published, bench.size.flow
    config = bench.config(*published_settings(size))
    data = bench.data(config)
    training = PublishedTraining(
        data.skeleton,
        width=width,
        blocks=blocks,
        flow_blocks=flow_blocks,
        flow_width=flow_width,
        ratios=data.bone_ratios().to(bench.device),
        c=data.normalisation.c,
        sampling=config.lifting.sampling,
    )
    batches = bench.batches(data.training_poses, size.batch)
    return lambda: training.step(next(batches))


def _run(make: Callable[[Bench], Callable[[], object]], folder: Path, size: Size, device: torch.device) -> None:
    step = make(Bench(folder, size, device))
    for _ in range(MEMORY_STEPS):
        step()


# The default experiment -----------------------------------------------------------------------------------------------


def default_step(bench: Bench) -> Iterator[Line]:
    """The default experiment's training step: against float32, its matrix products, and itself inside the framework."""
    size, (data, module) = bench.size, bench.default
    width, batch = bench.config(*size.default).lifting.width, data.batch_size
    _, exact = bench.untrained(bench.config(*size.default, "lifting.precision=float32"))
    steps = {
        "ours": step_of_default(bench),
        "float32": lifter_step(exact, bench.batches(data.training_poses, batch), CLIP, replayed=True),
    }
    counted = lifter_step(module, bench.batches(data.training_poses, batch), CLIP)
    seconds = with_bound(steps, size.rounds, bench.calls(20), batch, width, fast_type(), bench.device, counted)
    memory = peak_memory(_run, step_of_default, bench.folder, size, bench.device, device=bench.device)
    what = f"training step of the default lifter: width {width}, batch {batch}"
    yield Line("default", what, "the same in float32", seconds["ours"], seconds["float32"], memory)
    products = f"its matrix products alone, {type_name(fast_type())}"
    yield Line("default", what, products, seconds["ours"], seconds["bound"])
    loaders = data.train_dataloader(), data.val_dataloader()
    calls = bench.calls(5)
    rounds = [
        (
            in_framework(module, loaders, size.steps, bench.device),
            interleaved({"ours": step_of_default(bench)}, 1, calls, bench.device)["ours"],
        )
        for _ in range(size.rounds)
    ]
    inside, alone = (median(times) for times in zip(*rounds, strict=True))
    yield Line("default", "the same step inside Lightning, with its logging", "the step alone", inside, alone)


def step_of_default(bench: Bench) -> Callable[[], object]:
    """The default experiment's step."""
    data, module = bench.default
    return lifter_step(module, bench.batches(data.training_poses, data.batch_size), CLIP, replayed=True)


class StepTimes(pl.Callback):
    """When each training step ended, seconds; on a GPU, when its work was done."""

    def __init__(self, device: torch.device) -> None:
        self.ends, self.device = list[float](), device

    def on_train_batch_end(self, *_: object) -> None:
        synchronise(self.device)
        self.ends.append(time.perf_counter())


def in_framework(module: LifterModule, loaders: tuple[DataLoader[Any], Any], steps: int, device: torch.device) -> float:
    """Median seconds of a step that Lightning's trainer makes, with its data loading and logging.

    Args:
        loaders: of training and of validation.
    """
    times = StepTimes(device)
    trainer = pl.Trainer(
        max_steps=steps,
        max_epochs=-1,
        limit_val_batches=0,
        accelerator=ACCELERATORS[device.type],
        devices=1,
        logger=False,
        callbacks=[times],
        gradient_clip_val=CLIP,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module.compiled(AUTO), *loaders)
    module.to(device)  # Lightning leaves it on the CPU
    return median(after - before for before, after in zip(times.ends, times.ends[1:], strict=False))
