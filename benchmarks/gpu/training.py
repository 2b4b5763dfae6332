"""Trainings: the default experiment and the paper's to their ends, and their epochs and steps beside baselines."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_pre_hook

from benchmarks.bench import ACCELERATORS, TINY, Bench, Size, lifter_step, untrained_flows
from benchmarks.gpu.options import Options
from benchmarks.gpu.runner import stages_of
from callbacks.rows import PERFECT, paper_result
from duolift.placement import ground
from experiments.ablation import ablation
from experiments.config import load
from experiments.data import open_data
from experiments.pretrain_flows import pretrain
from experiments.runs import Stage, fit, quiet
from experiments.settings import Config
from experiments.train_lifter import lifter_module, train
from lightning_modules.compilation import COMPILATIONS
from lightning_modules.flow_prior import FlowPriorModule

TIMED = (5, 4)
"""Epochs of flows and of the lifter from which a training's time is extrapolated; the first of each does not count."""

TINY_SETTINGS = (
    *TINY.default,
    *("flows.epochs=1", "lifting.epochs=1", "flows.parts=null", "data.held_out=64"),
    *(f"data.synthetic.{key}={value}" for key, value in asdict(TINY.synthetic).items()),
)


def settings(options: Options, experiment: str, run: str, *more: str) -> Config:
    """The settings of an experiment on the options' device and data, for a run of this name."""
    data = [f"data.source=chi3d data.root={options.root}"] if options.root else [f"data.root={options.folder}/data"]
    places = [f"run={run}", f"runs={options.folder}/runs", f"data.cache={options.folder}/cache"]
    compute = [f"compute.accelerator={ACCELERATORS[options.device]}", "compute.devices=1", "wandb.mode=disabled"]
    small = TINY_SETTINGS if options.tiny else ()
    return load([f"experiment={experiment}", *places, *" ".join(data).split(), *compute, *small, *more])


def bench_of(options: Options) -> Bench:
    """The benchmarks' models on the options' device."""
    return Bench(options.folder / "bench", TINY if options.tiny else Size(), torch.device(options.device))


def removed(options: Options, run: str) -> str:
    """The run's name, whose earlier results are removed: a time is that of the whole training."""
    shutil.rmtree(options.folder / "runs" / run, ignore_errors=True)
    return run


# To the end -----------------------------------------------------------------------------------------------------------


def default(options: Options) -> Iterator[dict[str, Any]]:
    """`make ablation` of the default experiment, with Figure 1's baseline: its time after start-up, and all rows."""
    quiet()
    config = settings(options, "default", removed(options, "default"))
    began = time.perf_counter()
    with first_step() as times:
        rows = ablation(config)["rows"]
    taken = time.perf_counter() - times[0]
    yield {"start_up_s": times[0] - began, "seconds": taken, **scores(rows), "rows": metrics(rows)}
    yield {"line": f"{taken:.1f} s from the first step to the table, {told(scores(rows))}"}


def paper(options: Options, experiment: str = "paper") -> Iterator[dict[str, Any]]:
    """An experiment's flows and lifter to their ends, from where an earlier run of this step was stopped."""
    quiet()
    config = settings(options, experiment, experiment)
    began = time.perf_counter()
    flows = pretrain(config)
    yield {"flows_s": time.perf_counter() - began, "flows": json.loads(flows.metrics.read_text())}
    measured = json.loads(train(config, config.lifter).metrics.read_text())
    taken = time.perf_counter() - began
    rows = measured["rows"]
    yield {"seconds": taken, **scores(rows), "rows": metrics(rows), "history": measured["history"]}
    yield {"line": f"{taken:.1f} s since it was taken up, {told(scores(rows))}"}


def paper_stable(options: Options) -> Iterator[dict[str, Any]]:
    """The same of the paper's setting with stabilisers."""
    yield from paper(options, "paper_stable")


@contextmanager
def first_step() -> Iterator[list[float]]:
    """The moment of the first step of an optimiser, with which the start-up ends, once it has come."""
    moments: list[float] = []

    def stamp(*_: object) -> None:
        if not moments:
            moments.append(time.perf_counter())

    handle = register_optimizer_step_pre_hook(stamp)
    try:
        yield moments
    finally:
        handle.remove()


def metrics(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every row's name and metrics."""
    return [{key: row[key] for key in ("name", "lifter", "scale_about")} | row["metrics"] for row in rows]


def scores(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """A person's error, and a scene's by ground placement of whole sequences, millimetres."""
    scene = next(row for row in rows if row["name"] == ground.MAIN and row["lifter"] != PERFECT)
    person = paper_result(rows)["metrics"]["pa_mpjpe_person_mm"]
    return {"person_mm": person, "scene_mm": scene["metrics"]["pa_mpjpe_mm"]}


def told(errors: dict[str, float]) -> str:
    return f"{errors['person_mm']:.1f} mm a person, {errors['scene_mm']:.1f} mm a scene"


# Epochs and steps -----------------------------------------------------------------------------------------------------


def paper_steps(options: Options) -> Iterator[dict[str, Any]]:
    """The time of the paper's setting by a few epochs; LInKs' step beside the published arithmetic and its products."""
    from benchmarks.training import published_settings, published_times

    quiet()
    full = settings(options, "paper", "paper")
    epochs = epoch_seconds(options, "paper", "paper_steps")
    whole = full.flows.epochs * epochs["flows"] + full.lifting.epochs * epochs["lifter"]
    trained = f"{full.flows.epochs} + {full.lifting.epochs} epochs in {whole:.0f} s"
    yield {"epoch_s": epochs, "whole_s": whole, "line": trained}
    bench = bench_of(options)
    wide = [argument for argument in published_settings(bench.size) if not argument.startswith("experiment=")]
    inside = epoch_seconds(options, "paper", "paper_steps-links", *wide)
    yield {"links_epoch_s": inside}
    lines = [asdict(line) | {"ratio": line.ratio} for line in published_times(bench)]
    yield {"steps": lines}
    published, products = lines
    seconds = inside["lifter"] / inside["lifter_steps"]
    found = {"in_framework_s": seconds, "published_s": published["baseline_seconds"]}
    found |= {"times_as_fast": published["baseline_seconds"] / seconds}
    found |= {"times_its_products": seconds / products["baseline_seconds"]}
    yield {
        "links": found,
        "line": f"{trained}; LInKs' step {1e3 * seconds:.2f} ms in Lightning with validation, "
        f"{found['times_as_fast']:.1f} times as fast as published, {found['times_its_products']:.1f} times its "
        f"products; by itself {published['ratio']:.1f} times as fast, {1 / products['ratio']:.1f} times its products",
    }


def compiled(options: Options) -> Iterator[dict[str, Any]]:
    """Seconds an epoch of both experiments by every way to run the losses of their training steps."""
    quiet()
    found: dict[str, Any] = {}
    fewer = ("flows.parts=[whole]", "lifting.likelihoods=[whole]") if options.tiny else ()
    for experiment in ("default", "paper"):
        for way in COMPILATIONS:
            run = f"compile-{experiment}-{way}"
            try:
                taken = epoch_seconds(options, experiment, run, f"compute.compile={way}", *fewer)
                found[f"{experiment}, {way}"] = taken
            except Exception as error:  # one way that does not work says nothing of the others
                found[f"{experiment}, {way}"] = {"error": f"{type(error).__name__}: {error}"[:500]}
            yield {"epoch_s": found}
    seconds = {name: epochs.get("lifter") for name, epochs in found.items()}
    yield {
        "line": "lifter's epoch: "
        + ", ".join(f"{name} {value and f'{value:.2f} s'}" for name, value in seconds.items())
    }


def epoch_seconds(options: Options, experiment: str, run: str, *more: str) -> dict[str, float]:
    """Seconds of an epoch inside the framework, validation and checkpoints among them, by a few of each stage.

    Returns:
        `flows` and `lifter`, seconds; `flows_steps` and `lifter_steps`, steps an epoch.
    """
    flow_epochs, lifter_epochs = (1, 1) if options.tiny else TIMED
    few = (f"flows.epochs={flow_epochs}", f"lifting.epochs={lifter_epochs}")
    config = settings(options, experiment, removed(options, run), *more, *few)
    data = open_data(config, "person", config.lifting.batch_size)
    pretrain(config, "person", data)
    train_some(options, config)
    stages = stages_of(options.folder / "runs" / run)
    sizes = {"flows": config.flows.batch_size, "lifter": config.lifting.batch_size}
    steps = {f"{name}_steps": float(len(data.training_poses) // size) for name, size in sizes.items()}
    return {name: stages[name]["seconds_an_epoch"] for name in sizes} | steps


def train_some(options: Options, config: Config) -> Stage:
    """Train a run's lifter, on untrained flows and without scoring it: neither changes a step's time."""
    data = open_data(config, "person", config.lifting.batch_size)
    stage = Stage(options.folder / "runs" / config.run / "lifter", {"data": {}, "seed": config.seed})

    def build() -> Any:
        flows = untrained_flows(config, data).flows
        return lifter_module(config, config.lifter, data).attach_prior(flows, data.training_poses)

    fit(config, stage, build, data, config.lifting.epochs, [], {"train/loss": "loss"}, config.lifting.gradient_clip)
    return stage


def steps_of(options: Options, experiments: Sequence[str]) -> dict[str, Callable[[], object]]:
    """A training step, without an optimiser, of the flows and of the lifter of some experiments, on the device."""
    bench, steps = bench_of(options), dict[str, Callable[[], object]]()
    for experiment in experiments:
        config = settings(options, experiment, experiment)
        data, module = bench.untrained(config)
        flows = untrained_flows(config, data).to(bench.device)
        batches = bench.batches(data.training_poses, config.flows.batch_size)
        steps[f"{experiment}, flows"] = partial(backward, flows, batches)
        steps[f"{experiment}, lifter"] = lifter_step(
            module, bench.batches(data.training_poses, config.lifting.batch_size), config.lifting.gradient_clip
        )
    return steps


def backward(flows: FlowPriorModule, batches: Iterator[Tensor]) -> None:
    """The loss and the gradients of the next batch."""
    flows.training_step(next(batches), 0).backward()
