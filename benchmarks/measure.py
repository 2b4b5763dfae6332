"""How the benchmarks measure: everything that is compared in turn, medians, memory in a process of its own."""

import multiprocessing
import statistics
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from timeit import timeit

import torch
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Line:
    """One comparison of the table.

    Attributes:
        benchmark: a name to select it by.
        what: what was timed.
        baseline: what it is compared with.
        seconds, baseline_seconds: medians of one run, in which both took turns.
        memory, baseline_memory: peak resident memory, MiB, of a process that did nothing else; None where not measured.
        note: what else is to be known of these numbers.
    """

    benchmark: str
    what: str
    baseline: str
    seconds: float
    baseline_seconds: float
    memory: float | None = None
    baseline_memory: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times as long the baseline takes."""
        return self.baseline_seconds / self.seconds


def interleaved(candidates: Mapping[str, Callable[[], object]], rounds: int, calls: int = 1) -> dict[str, float]:
    """Median seconds of a call of each candidate: in every round each has its turn, of `calls` calls. The first call of
    each is not counted."""
    for call in candidates.values():
        call()
    times = [{name: timeit(call, number=calls) / calls for name, call in candidates.items()} for _ in range(rounds)]
    return {name: statistics.median(of_round[name] for of_round in times) for name in candidates}


def flops(call: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def product_rate(rows: int, width: int, dtype: torch.dtype, rounds: int) -> float:
    """Operations a second of this machine's matrix product (rows, width) x (width, width), the best of the rounds."""
    call = product(rows, width, dtype)
    call()
    return product_flops(rows, width) / min(timeit(call, number=10) / 10 for _ in range(rounds))


def product(rows: int, width: int, dtype: torch.dtype) -> Callable[[], object]:
    """A matrix product (rows, width) x (width, width), as large networks have it."""
    left, right = torch.randn(rows, width).to(dtype), torch.randn(width, width).to(dtype)
    return lambda: left @ right


def product_flops(rows: int, width: int) -> int:
    return 2 * rows * width**2


def with_bound(
    candidates: Mapping[str, Callable[[], object]], rounds: int, calls: int, rows: int, width: int, dtype: torch.dtype
) -> dict[str, float]:
    """`interleaved`, and `bound`: what the first one's matrix products take by themselves, at the rate that one of
    (rows, width) x (width, width) has in the same rounds."""
    seconds = interleaved({**candidates, "bound": product(rows, width, dtype)}, rounds, calls)
    work = flops(next(iter(candidates.values())))
    return seconds | {"bound": work / product_flops(rows, width) * seconds["bound"]}


def peak_memory(work: Callable[..., object], *arguments: object) -> float:
    """Peak resident memory, MiB, of a fresh process that calls `work`, its imports among it."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_peak, torch.get_num_threads(), work, *arguments).result()


def _peak(threads: int, work: Callable[..., object], *arguments: object) -> float:
    torch.set_num_threads(threads)
    work(*arguments)
    return resident_peak()


def resident_peak() -> float:
    """This process's own peak, MiB, as Linux tells it: a child's `ru_maxrss` counts its parent's as well."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024
