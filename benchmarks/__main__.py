"""Time the project beside what it is compared with.   python -m benchmarks [name ...] [--output docs/bench]"""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import Line, product_rate
from benchmarks.suite import BENCHMARKS, TINY, Size, run
from duolift.errors import InputError
from duolift.files import write_text
from duolift.networks.lifting_network import fast_bfloat16
from experiments.runs import command
from experiments.tables import markdown_table

PRODUCTS = ((256, 384), (512, 1024))
"""Rows and width of the matrix products whose rate is this machine's limit: the default lifter's and LInKs'."""

HEAD = ("what", "compared with", "its time", "time", "ratio", "memory, MiB", "")


def machine(rounds: int) -> dict[str, Any]:
    """What is timed on, and how fast its matrix products are: TFLOP/s by precision and shape."""
    limits = {
        str(dtype).removeprefix("torch."): {
            f"{rows} x {width} x {width}": product_rate(rows, width, dtype, rounds) / 1e12 for rows, width in PRODUCTS
        }
        for dtype in (torch.float32, torch.bfloat16)
    }
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bfloat16_in_hardware": fast_bfloat16(),
        "amx": bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)()),
        "products_tflops": limits,
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def described(line: Line) -> dict[str, Any]:
    return {**asdict(line), "ratio": line.ratio}


def table(lines: Sequence[Line]) -> str:
    rows = [
        [
            line.what,
            line.baseline,
            clock(line.baseline_seconds),
            clock(line.seconds),
            f"**{line.ratio:.2f}**",
            memory(line),
            line.note,
        ]
        for line in lines
    ]
    return markdown_table(HEAD, *rows)


def clock(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.2f} ms"


def memory(line: Line) -> str:
    """Peak memory, the baseline's in brackets."""
    mine = "" if line.memory is None else f"{line.memory:.0f}"
    return mine if line.baseline_memory is None else f"{mine} ({line.baseline_memory:.0f})"


def report(on: dict[str, Any], lines: Sequence[Line], rounds: int) -> str:
    """The table as a page."""
    products = [
        [precision, *(f"{rate:.3f}" for rate in by_shape.values())]
        for precision, by_shape in on["products_tflops"].items()
    ]
    shapes = next(iter(on["products_tflops"].values()))
    bfloat16 = "in hardware" if on["bfloat16_in_hardware"] else "not in hardware"
    return "\n".join(
        [
            "# How fast it is",
            "",
            f"`make bench` on {on['processor']}, {on['threads']} of {on['cores']} cores, torch {on['torch']}: bfloat16 "
            f"{bfloat16}, {'with' if on['amx'] else 'without'} AMX. Times are medians of {rounds} rounds in which both "
            "sides took turns; the ratio is how many times as long the other side takes. Memory is the peak of a "
            "process that does nothing else, in brackets the other side's.",
            "",
            table(lines),
            "",
            "What this machine's matrix products reach, TFLOP/s:",
            "",
            markdown_table(["", *shapes], *products),
            "",
        ]
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which benchmarks, of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--output", type=Path, default=Path("docs/bench"), help="the tables' path without its ending")
    parser.add_argument("--rounds", type=int, default=Size.rounds, help="turns of each side, 5 or more")
    parser.add_argument("--tiny", action="store_true", help="everything tiny: to see that it runs")
    given = parser.parse_args(arguments)
    for name in given.names:
        if name not in BENCHMARKS:
            close = "".join(f" (did you mean {near}?)" for near in get_close_matches(name, BENCHMARKS, n=1, cutoff=0.4))
            raise InputError(f"benchmark {name!r} is unknown{close}; expected one of {', '.join(BENCHMARKS)}")
    if given.rounds < 5:
        raise InputError(f"--rounds is {given.rounds}; expected 5 or more")
    size = TINY if given.tiny else replace(Size(), rounds=given.rounds)
    on, lines = machine(size.rounds), []
    for line in run(given.names or list(BENCHMARKS), size):
        lines.append(line)
        print(
            f"{line.benchmark}: {line.what}: {clock(line.seconds)}, {line.ratio:.2f} times as fast as {line.baseline}"
        )
    write_text(given.output.with_suffix(".md"), report(on, lines, size.rounds))
    measured = {"machine": on, "rounds": size.rounds, "lines": [described(line) for line in lines]}
    write_text(given.output.with_suffix(".json"), json.dumps(measured, indent=1) + "\n")
    print(f"tables  {given.output.with_suffix('.md')}, .json")


if __name__ == "__main__":
    command(main)
