"""Start-up: from a command to the beginning of its work."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.measure import Line, interleaved

FIRST_STEP = """
import os, sys
from experiments import train_lifter
from lightning_modules.lifter import LifterModule
LifterModule.training_step = lambda *_: os._exit(0)
train_lifter.main(sys.argv[1:])
"""
"""A run of `make train-lifter` that ends where its first training step begins."""

MISSING_FILE = """
import sys
from duolift.cli import main
sys.exit(main(["lift", "missing.json", "-o", "scene.json"]) != 2)
"""
"""A command whose input is missing."""


def start(bench: Bench) -> Iterator[Line]:
    """Help, the refusal of a missing file, the library, and a training run whose flows are there."""
    settings = [*bench.data_settings, f"runs={bench.folder}/runs", *bench.size.default]
    settings += ["flows.epochs=1", "wandb.mode=offline"]
    ran([sys.executable, "-m", "experiments.pretrain_flows", *settings])
    python = [sys.executable, "-c"]
    commands = {
        "nothing": [*python, "pass"],
        "help": [*python, "from duolift.cli import main; main(['--help'])"],
        "missing": [*python, MISSING_FILE],
        "torch": [*python, "import torch"],
        "library": [*python, "from duolift import Lifter"],
        "imports": [*python, "import torch, pytorch_lightning, wandb"],
        "training": [*python, FIRST_STEP, *settings],
    }
    seconds = interleaved({name: partial(ran, command) for name, command in commands.items()}, bench.size.rounds)
    imports = "importing torch, pytorch_lightning and wandb"
    for what, ours, baseline, theirs in (
        ("duolift --help", "help", "python alone", "nothing"),
        ("duolift lift of a missing file", "missing", "python alone", "nothing"),
        ("importing duolift's Lifter", "library", "importing torch", "torch"),
        ("make train-lifter to its first step, data and flows there", "training", imports, "imports"),
    ):
        yield Line("start", what, baseline, seconds[ours], seconds[theirs])


def ran(command: list[str]) -> None:
    """Run a command that can import what this process can. Raises CalledProcessError where it fails."""
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": path})
