"""The table of benchmarks. A new one is a generator of lines in a file of its own, and an entry here."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.bench import Bench, Size
from benchmarks.evaluation import evaluation
from benchmarks.feeding import feeding
from benchmarks.flow import flow_step
from benchmarks.inference import inference
from benchmarks.measure import CPU, Line
from benchmarks.start import start
from benchmarks.training import default_step, published_step

BENCHMARKS: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "flow": flow_step,
    "published": published_step,
    "default": default_step,
    "data": feeding,
    "evaluation": evaluation,
    "inference": inference,
    "start": start,
}


def run(names: Sequence[str], size: Size, device: torch.device = CPU) -> Iterator[Line]:
    """The lines of some benchmarks, on an embedded set that is written for them and removed again."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), size, device)
        for name in names:
            torch.manual_seed(0)
            yield from BENCHMARKS[name](bench)
