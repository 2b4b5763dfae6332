"""Work on parts of a whole: on all of a machine's cores, or one after the other on another device."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from duolift.progress import tracked

S = TypeVar("S")
T = TypeVar("T")


CPU = torch.device("cpu")


def on_all_cores(
    work: Callable[[S], T], parts: Sequence[S], what: str = "scoring", device: torch.device = CPU
) -> list[T]:
    """The results of the work on every part, in order and without gradients.

    As many parts are worked on at a time as torch has threads, each on one core: a part that fits a processor's cache
    is too small to be shared between cores. Another device than the CPU works on one part after the other: it shares
    each between all of its own cores, and threads would only take turns at telling it what to do.

    Args:
        what: the work is called in the display of progress.
        device: where the work is done.

    >>> on_all_cores(lambda number: 2 * number, [1, 2, 3])
    [2, 4, 6]
    """
    work = torch.no_grad()(work)
    if device.type != CPU.type:
        return [work(part) for part in tracked(parts, what, len(parts))]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(tracked(pool.map(work, parts), what, len(parts)))
    finally:
        torch.set_num_threads(threads)
