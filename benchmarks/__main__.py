"""Measure the project against its baselines.   python -m benchmarks [name ...] [--output docs/bench]"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import torch

from benchmarks.bench import TINY, Size
from benchmarks.machine import machine
from benchmarks.report import duration, write_report
from benchmarks.suite import BENCHMARKS, run
from duolift.errors import InputError
from experiments.runs import command

FEWEST_ROUNDS = 5
"""Turns without which a median says little."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which benchmarks, of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--output", type=Path, help="the report's path without its suffix; default: docs/bench[-cuda]")
    parser.add_argument("--rounds", type=int, default=Size.rounds, help=f"turns of each side, {FEWEST_ROUNDS} or more")
    parser.add_argument("--tiny", action="store_true", help="measure next to nothing: to see that it runs")
    parser.add_argument("--device", default="cpu", help="where the models work: cpu or cuda; default: cpu")
    given = parser.parse_args(arguments)
    device = device_of(given.device)
    check_names(given.names)
    if given.rounds < FEWEST_ROUNDS:
        raise InputError(f"--rounds is {given.rounds}; expected {FEWEST_ROUNDS} or more")
    size = TINY if given.tiny else replace(Size(), rounds=given.rounds)
    measured_on, lines = machine(size.rounds, device), []
    for line in run(given.names or list(BENCHMARKS), size, device):
        lines.append(line)
        ratio = f"{line.ratio:.2f} times as fast as {line.baseline}"
        print(f"{line.benchmark}: {line.what}: {duration(line.seconds)}, {ratio}")
    output = given.output or Path("docs/bench" if device.type == "cpu" else "docs/bench-cuda")
    write_report(output, measured_on, size.rounds, lines)
    print(f"tables  {output.with_suffix('.md')}, .json")


def device_of(name: str) -> torch.device:
    """The device of this name. Raises InputError for one that is not here.

    >>> device_of("cpu")
    device(type='cpu')
    """
    if name != "cpu" and not (name.startswith("cuda") and torch.cuda.is_available()):
        here = "cpu or cuda" if torch.cuda.is_available() else "cpu: this machine has no other"
        raise InputError(f"--device is {name}; expected {here}")
    return torch.device(name)


def check_names(names: Sequence[str]) -> None:
    """Raises InputError for a benchmark that there is not."""
    for name in names:
        if name not in BENCHMARKS:
            close = "".join(f" (did you mean {near}?)" for near in get_close_matches(name, BENCHMARKS, n=1, cutoff=0.4))
            raise InputError(f"benchmark {name!r} is unknown{close}; expected one of {', '.join(BENCHMARKS)}")


if __name__ == "__main__":
    command(main)
