"""The benchmarks' results as a page, docs/bench.md, and as JSON beside it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measure import Line
from duolift.files import write_text
from experiments.tables import markdown_table

HEAD = ("what", "compared with", "its time", "time", "ratio", "memory, MiB", "")


def write_report(stem: Path, machine: dict[str, Any], rounds: int, lines: Sequence[Line]) -> None:
    """Write both files.

    Args:
        stem: their path without the suffix.
        machine: what was measured on, see `benchmarks.machine`.
        rounds: turns that every candidate had.
    """
    write_text(stem.with_suffix(".md"), page(machine, rounds, lines))
    measured = {"machine": machine, "rounds": rounds, "lines": [asdict(line) | {"ratio": line.ratio} for line in lines]}
    write_text(stem.with_suffix(".json"), json.dumps(measured, indent=1) + "\n")


def page(machine: dict[str, Any], rounds: int, lines: Sequence[Line]) -> str:
    """The table, and the machine that it was measured on."""
    products = [
        [precision, *(f"{rate:.3f}" for rate in by_shape.values())]
        for precision, by_shape in machine["products_tflops"].items()
    ]
    shapes = next(iter(machine["products_tflops"].values()))
    what = "GPU" if "gpu" in machine else "machine"
    memory = "all that torch took of the GPU's" if "gpu" in machine else "the peak"
    return "\n".join(
        [
            "# How fast it is" + (" on a GPU" if "gpu" in machine else ""),
            "",
            f"`make bench` on {where(machine)}. "
            f"Times are medians of {rounds} rounds in which both "
            "sides took turns; the ratio is how many times as long the other side takes. Memory is "
            f"{memory} of a process that does nothing else, in brackets the other side's.",
            "",
            table(lines),
            "",
            f"What this {what}'s matrix products reach, TFLOP/s:",
            "",
            markdown_table(["", *shapes], *products),
            "",
        ]
    )


def where(machine: dict[str, Any]) -> str:
    """The machine in words: the GPU where there is one, the processor, and torch."""
    cores = f"{machine['processor']}, {machine['threads']} of {machine['cores']} cores, torch {machine['torch']}"
    if "gpu" in machine:
        gpu = machine["gpu"]
        return f"one {gpu['name']} of {gpu['memory_gib']:.0f} GiB (driver {gpu['driver']}) beside {cores}"
    bfloat16 = "in hardware" if machine["bfloat16_in_hardware"] else "not in hardware"
    return f"{cores}: bfloat16 {bfloat16}, {'with' if machine['amx'] else 'without'} AMX"


def table(lines: Sequence[Line]) -> str:
    rows = [
        [
            line.what,
            line.baseline,
            duration(line.baseline_seconds),
            duration(line.seconds),
            f"**{line.ratio:.2f}**",
            memory(line),
            line.note,
        ]
        for line in lines
    ]
    return markdown_table(HEAD, *rows)


def duration(seconds: float) -> str:
    """A duration in seconds or milliseconds.

    >>> duration(12.34), duration(1.234), duration(0.01234)
    ('12.3 s', '1.23 s', '12.34 ms')
    """
    if seconds < 1:
        return f"{1e3 * seconds:.2f} ms"
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"


def memory(line: Line) -> str:
    """Peak memory, with the baseline's in brackets.

    >>> memory(Line("flow", "a step", "another", 1.0, 2.0, memory=300.2, baseline_memory=500.0))
    '300 (500)'
    """
    ours = "" if line.memory is None else f"{line.memory:.0f}"
    return ours if line.baseline_memory is None else f"{ours} ({line.baseline_memory:.0f})"
