"""How the benchmarks measure: candidates take turns, medians of times, peak memory in a process of its own."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Line:
    """One comparison of the table.

    Attributes:
        benchmark: the name that selects it, in `benchmarks.suite.BENCHMARKS`.
        what: what was timed.
        baseline: what it is compared with.
        seconds, baseline_seconds: medians over the rounds of one run, in which both took turns.
        memory, baseline_memory: peak memory, MiB, of a process that did nothing else: resident, or a GPU's where the
            work is done on one; None where not measured.
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


def seconds_of(call: Callable[[], object], calls: int = 1, device: torch.device = CPU) -> float:
    """Mean seconds of some calls, one after the other, until the device has done all their work.

    >>> 0 <= seconds_of(lambda: torch.ones(3).sum(), calls=2) < 1
    True
    """
    synchronise(device)
    began = time.perf_counter()
    for _ in range(calls):
        call()
    synchronise(device)
    return (time.perf_counter() - began) / calls


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done all its work; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def interleaved(
    candidates: Mapping[str, Callable[[], object]], rounds: int, calls: int = 1, device: torch.device = CPU
) -> dict[str, float]:
    """Median seconds of a call of each candidate, after one call of each that is not counted.

    Args:
        rounds: in every round, each candidate has its turn.
        calls: how often a candidate is called in its turn.
        device: where the candidates work.
    """
    for call in candidates.values():
        call()
    times = [{name: seconds_of(call, calls, device) for name, call in candidates.items()} for _ in range(rounds)]
    return {name: statistics.median(of_round[name] for of_round in times) for name in candidates}


def flops(call: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products of a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def product_rate(rows: int, width: int, dtype: torch.dtype, rounds: int, device: torch.device = CPU) -> float:
    """Operations a second of a device's matrix product (rows, width) x (width, width), the best of the rounds."""
    call = product(rows, width, dtype, device)
    call()
    return product_flops(rows, width) / min(seconds_of(call, 10, device) for _ in range(rounds))


def product(rows: int, width: int, dtype: torch.dtype, device: torch.device = CPU) -> Callable[[], object]:
    """A call of the matrix product (rows, width) x (width, width), the main cost of wide networks."""
    left, right = (torch.randn(length, width, device=device).to(dtype) for length in (rows, width))
    return lambda: left @ right


def product_flops(rows: int, width: int) -> int:
    return 2 * rows * width**2


def with_bound(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int,
    calls: int,
    rows: int,
    width: int,
    dtype: torch.dtype,
    device: torch.device = CPU,
    counted: Callable[[], object] | None = None,
) -> dict[str, float]:
    """`interleaved`, and a bound: the seconds that the first candidate's matrix products would take by themselves.

    They are taken to run at the rate of a product (rows, width) x (width, width), measured in the same rounds. The
    bound is the entry `bound`.

    Args:
        counted: makes the first candidate's products one by one, where that one replays them all at once.
    """
    seconds = interleaved({**candidates, "bound": product(rows, width, dtype, device)}, rounds, calls, device)
    work = flops(counted or next(iter(candidates.values())))
    return seconds | {"bound": work / product_flops(rows, width) * seconds["bound"]}


def peak_memory(work: Callable[..., object], *arguments: object, device: torch.device = CPU) -> float:
    """Peak memory, MiB, of a fresh process that calls `work`: of a GPU, all that torch took there; of a CPU, what is
    resident, the imports among it."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_peak, torch.get_num_threads(), device, work, *arguments).result()


def _peak(threads: int, device: torch.device, work: Callable[..., object], *arguments: object) -> float:
    torch.set_num_threads(threads)
    work(*arguments)
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else resident_peak()


def resident_peak() -> float:
    """This process's own peak, MiB, by Linux's /proc: the `ru_maxrss` of a child counts its parent's as well."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024
