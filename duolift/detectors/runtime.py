"""Running a network's file: LiteRT, the library that runs TensorFlow Lite's files without TensorFlow."""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.cache import is_installed, path_of
from duolift.detectors.models import Model
from duolift.errors import InputError, install
from duolift.outputs.libraries import library

MOST_THREADS = 4
"""More threads than this make networks of this size no faster."""


def usable_threads() -> int:
    """As many threads as this process may use cores, at most `MOST_THREADS`.

    >>> 1 <= usable_threads() <= MOST_THREADS
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


class Network:
    """A network that is ready to run: one input, any number of outputs.

    Args:
        model: the network's file, which is installed.
        threads: to run it with; None for `usable_threads`.

    Raises:
        InputError: LiteRT or the file is not installed, or the file cannot be run.
    """

    def __init__(self, model: Model, threads: int | None = None) -> None:
        interpreters = library("ai_edge_litert.interpreter", f"detector file {model.name}", install("detect"))
        if not is_installed(model):
            raise InputError(f"{path_of(model)}: no such file; expected: duolift detector install")
        try:
            self._interpreter = interpreters.Interpreter(str(path_of(model)), num_threads=threads or usable_threads())
        except ValueError as error:
            raise InputError(
                f"{path_of(model)}: cannot be run ({error}); expected a network of duolift detector install --again"
            ) from error
        self._shape: tuple[int, ...] = ()

    def __call__(self, values: NDArray[np.generic]) -> Sequence[NDArray[np.float32]]:
        """The outputs for an input of the network's type; an input of another shape than the last one's costs time."""
        number = self._interpreter.get_input_details()[0]["index"]
        if values.shape != self._shape:
            self._interpreter.resize_tensor_input(number, values.shape)
            self._interpreter.allocate_tensors()
            self._shape = values.shape
        self._interpreter.set_tensor(number, values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output["index"]) for output in self._interpreter.get_output_details()]
