"""Drawing the batches of an epoch: against collating pose by pose, and how it grows with the data."""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.bench import Bench, lifter_step
from benchmarks.measure import Line, interleaved
from benchmarks.training import CLIP

TIMES = (4, 16)
"""How many times as many poses the epoch is also drawn over."""


def feeding(bench: Bench) -> Iterator[Line]:
    """An epoch's batches; the note has their share of a training step."""
    size, (data, module) = bench.size, bench.default
    poses = data.training_poses.repeat(-(-size.poses // len(data.training_poses)), 1, 1)[: size.poses]
    loaders = {times: loader_of(bench, poses.repeat(times, 1, 1)) for times in (1, *TIMES)}
    collated = DataLoader(TensorDataset(poses), data.batch_size, shuffle=True, drop_last=True)
    seconds = interleaved({f"{times}x": epoch(loader) for times, loader in loaders.items()}, size.rounds)
    one = interleaved({"ours": epoch(loaders[1]), "collated": epoch(collated)}, min(size.rounds, 5))
    steps = {"step": lifter_step(module, bench.batches(poses, data.batch_size), CLIP)}
    step = interleaved(steps, size.rounds, bench.calls(1), bench.device)["step"]
    share = f"a batch takes {100 * one['ours'] / len(loaders[1]) / step:.2f} % of the default lifter's step"
    what = f"an epoch's batches of {size.poses} poses"
    yield Line("data", what, "collated pose by pose", one["ours"], one["collated"], note=share)
    for times in TIMES:
        what, baseline = f"{times} times as many poses", f"{times} times the epoch of {size.poses}"
        yield Line("data", what, baseline, seconds[f"{times}x"], times * seconds["1x"])


def loader_of(bench: Bench, poses: Tensor) -> DataLoader[Any]:
    """The default experiment's training loader over other poses (pose, joint, 2)."""
    data = copy(bench.default[0])
    data.training_poses = poses
    return data.train_dataloader()


def epoch(loader: DataLoader[Any]) -> Callable[[], object]:
    """A call that draws every batch once."""
    return lambda: sum(1 for _ in loader)
