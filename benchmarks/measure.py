"""How the benchmarks measure: candidates take turns, medians of times, peak memory in a process of its own."""

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
        benchmark: the name that selects it, in `benchmarks.suite.BENCHMARKS`.
        what: what was timed.
        baseline: what it is compared with.
        seconds, baseline_seconds: medians over the rounds of one run, in which both took turns.
        memory, baseline_memory: peak resident memory, MiB, of a process that did nothing else; None where not measured.
        note: what else a reader of these numbers should know.
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
        """How many times as long the baseline takes.

        >>> Line("flow", "a step", "another", seconds=2.0, baseline_seconds=6.0).ratio
        3.0
        """
        return self.baseline_seconds / self.seconds


def interleaved(candidates: Mapping[str, Callable[[], object]], rounds: int, calls: int = 1) -> dict[str, float]:
    """Median seconds of a call of each candidate, after one call of each that is not counted.

    Args:
        rounds: in every round, each candidate has its turn.
        calls: how often a candidate is called in its turn.
    """
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
    """A call of the matrix product (rows, width) x (width, width), the main cost of wide networks."""
    left, right = torch.randn(rows, width).to(dtype), torch.randn(width, width).to(dtype)
    return lambda: left @ right


def product_flops(rows: int, width: int) -> int:
    return 2 * rows * width**2


def with_bound(
    candidates: Mapping[str, Callable[[], object]], rounds: int, calls: int, rows: int, width: int, dtype: torch.dtype
) -> dict[str, float]:
    """`interleaved`, and a bound: the seconds that the first candidate's matrix products would take by themselves.

    They are taken to run at the rate of a product (rows, width) x (width, width), measured in the same rounds. The
    bound is the entry `bound`.
    """
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
    """This process's own peak, MiB, by Linux's /proc: the `ru_maxrss` of a child counts its parent's as well."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024
