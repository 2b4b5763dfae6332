"""Does the same seed give the same bytes twice, and if not, by which operation?"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.device import warnings_of
from benchmarks.gpu.options import Options
from benchmarks.gpu.training import removed, settings, steps_of, train_some
from experiments.pretrain_flows import pretrain
from experiments.runs import quiet

EPOCHS = 2


def same_bytes(options: Options) -> Iterator[dict[str, Any]]:
    """The weights of two short trainings of flows and lifter from one seed, and torch's list of what is not exact."""
    quiet()
    first, second = (weights(options, run) for run in ("same_bytes", "same_bytes-again"))
    unequal = {name: (first[name] - second[name]).abs().max().item() for name in first}
    unequal = {name: apart for name, apart in unequal.items() if apart != 0}
    yield {"tensors": len(first), "unequal": len(unequal), "largest_difference": max(unequal.values(), default=0.0)}
    operations = nondeterministic(options)
    named = "; ".join(sorted({line for lines in operations.values() for line in lines})) or "nothing"
    told = f"{len(unequal)} of {len(first)} weights differ; not deterministic by torch: {named}"
    yield {"not_deterministic": operations, "line": told}


def weights(options: Options, run: str) -> dict[str, Tensor]:
    """The weights of flows and lifter of a short training of the default experiment."""
    epochs = 1 if options.tiny else EPOCHS
    config = settings(options, "default", removed(options, run), f"flows.epochs={epochs}", f"lifting.epochs={epochs}")
    stages = {"flows": pretrain(config), "lifter": train_some(options, config)}
    return {
        f"{stage}.{name}": tensor.double()
        for stage, made in stages.items()
        for name, tensor in torch.load(made.checkpoint, "cpu", weights_only=True)["state_dict"].items()
    }


def nondeterministic(options: Options) -> dict[str, list[str]]:
    """What torch warns of in a training step when it is asked for deterministic algorithms, by experiment and stage."""
    found = {}
    for name, step in steps_of(options, ("default", "paper")).items():
        step()
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            found[name] = sorted({line for line in warnings_of(step) if "deterministic" in line})
        finally:
            torch.use_deterministic_algorithms(False)
    return found
