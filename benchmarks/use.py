"""What users wait for: people of an image, people in bulk, and commands that start."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

import onnxruntime
import torch

from benchmarks.measure import Line, interleaved
from duolift.export import INPUTS, ImageLifter, example, export
from duolift.networks.completer import CompleterArchitecture
from duolift.networks.people_lifter import PeopleLifter
from experiments.pack import architecture
from lightning_modules.lifter import LifterModule

if TYPE_CHECKING:
    from benchmarks.suite import Bench

COMPLETER = (512, 2)
"""Width and blocks of the default experiment's network that fills in joints."""

FIRST_STEP = """
import os, sys
from experiments import train_lifter
from lightning_modules.lifter import LifterModule
LifterModule.training_step = lambda *_: os._exit(0)
train_lifter.main(sys.argv[1:])
"""
"""A run of `make train-lifter` that ends where its first training step begins."""


def people_lifter(module: LifterModule, completing: bool) -> PeopleLifter:
    """The default lifter in use, untrained: what is timed does not depend on its weights."""
    design = architecture(module, None)
    if completing:
        design = replace(design, completer=CompleterArchitecture(*COMPLETER))
    return PeopleLifter(design).eval().requires_grad_(False)


def inference(bench: "Bench") -> Iterator[Line]:
    """An image of two people on one core, by torch and exported; and many at once on all cores."""
    size, module = bench.size, bench.default[1]
    threads, joints = torch.get_num_threads(), len(module.skeleton)
    torch.set_num_threads(1)
    models = {"": ImageLifter(people_lifter(module, False)), ", filled in": ImageLifter(people_lifter(module, True))}
    image = example(1, 2, joints)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for label, model in models.items():
            file = Path(folder) / "lifter.onnx"
            export(model.people, file)
            calls: dict[str, Callable[[], object]] = {"torch": partial(model, *image), "ONNX": one_core(file, image)}
            times = {name: each(call, size.images) for name, call in calls.items()}
            worst = ", ".join(f"{name} {1e3 * quantiles(t, n=100)[-1]:.2f} ms" for name, t in times.items())
            yield Line(
                "inference",
                f"two people of an image lifted and placed{label}, one core, exported",
                "the same in torch",
                median(times["ONNX"]),
                median(times["torch"]),
                note=f"99 of 100 images within {worst}",
            )
    torch.set_num_threads(threads)
    many, model = example(size.batched, 2, joints), models[""]
    with torch.inference_mode():
        together = interleaved({"batch": partial(model, *many), "image": partial(model, *image)}, size.rounds)
    rate = 2 * size.batched / together["batch"]
    yield Line(
        "inference",
        f"{size.batched} images of two people at once, {threads} threads",
        "image by image",
        together["batch"],
        size.batched * together["image"],
        note=f"{rate:,.0f} people a second",
    )


def one_core(file: Path, arguments: tuple[torch.Tensor, ...]) -> Callable[[], object]:
    """A call of an exported model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options)
    given = {name: argument.numpy() for name, argument in zip(INPUTS, arguments, strict=True)}
    return lambda: session.run(None, given)


def each(call: Callable[[], object], times: int) -> list[float]:
    """Seconds of every call, but for the first few."""
    seconds = []
    for _ in range(times + 5):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds[5:]


def start(bench: "Bench") -> Iterator[Line]:
    """From a command to its work: help, the library, and a run whose flows are trained."""
    config = bench.config(*bench.size.default)
    settings = [
        *(f"data.root={config.data.root}", f"data.cache={config.data.cache}", f"runs={bench.folder}/runs"),
        *(f"data.synthetic.{key}={getattr(config.data.synthetic, key)}" for key in ("seed", "takes", "frames")),
        *(*bench.size.default, "flows.epochs=1", "wandb.mode=offline"),
    ]
    python = [sys.executable, "-c"]
    ran([sys.executable, "-m", "experiments.pretrain_flows", *settings])
    imports = [*python, "import torch, pytorch_lightning, wandb"]
    commands = {
        "nothing": [*python, "pass"],
        "help": [*python, "from duolift.cli import main; main(['--help'])"],
        "torch": [*python, "import torch"],
        "library": [*python, "from duolift import Lifter"],
        "imports": imports,
        "training": [*python, FIRST_STEP, *settings],
    }
    seconds = interleaved({name: partial(ran, command) for name, command in commands.items()}, bench.size.rounds)
    for what, mine, baseline, other in (
        ("duolift --help", "help", "python alone", "nothing"),
        ("importing duolift's Lifter", "library", "importing torch", "torch"),
        (
            "make train-lifter to its first step, data and flows there",
            "training",
            "importing torch, pytorch_lightning and wandb",
            "imports",
        ),
    ):
        yield Line("start", what, baseline, seconds[mine], seconds[other])


def ran(command: list[str]) -> None:
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
