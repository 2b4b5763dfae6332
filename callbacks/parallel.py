"""Work on parts of a whole, on all of a machine's cores."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from duolift.progress import tracked

S = TypeVar("S")
T = TypeVar("T")


def on_all_cores(work: Callable[[S], T], parts: Sequence[S], what: str = "scoring") -> list[T]:
    """The results of the work on every part, in order and without gradients.

    As many parts are worked on at a time as torch has threads, each on one core: a part that fits a processor's cache
    is too small to be shared between cores.

    Args:
        what: the work is called in the display of progress.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(tracked(pool.map(torch.no_grad()(work), parts), what, len(parts)))
    finally:
        torch.set_num_threads(threads)
