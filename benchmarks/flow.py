"""A training step of a normalizing flow, against those of FrEIA and nflows, and the likelihoods that they reach."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.baselines import FreiaFlow, stock_flow, training_step
from benchmarks.bench import Bench, some_batches
from benchmarks.measure import CPU, Line, with_bound
from benchmarks.report import duration
from duolift.body.skeleton import WHOLE, Skeleton
from duolift.networks.flows import PoseFlow

LogProb = Callable[[Tensor], Tensor]
"""Poses (batch, joint, 2) -> their log-likelihoods (batch,), nats."""

HELD_OUT = 8
"""Every eighth of the poses is not trained on."""

BASELINES = {"FrEIA": "FrEIA's AllInOneBlock", "nflows": "nflows' coupling, ActNorm, permutation"}


def flow_step(bench: Bench) -> Iterator[Line]:
    """A step of each flow: forward, backward, optimiser. The note has what each has learned after as many steps."""
    size, (width, blocks), data = bench.size, bench.size.flow, bench.default[0]
    settings = bench.config().flows
    poses = data.training_poses[torch.randperm(len(data.training_poses))].to(bench.device)
    poses = (poses - poses.mean(0)) / poses.std(0).clamp(min=1e-6)
    held_out, training = poses.tensor_split([len(poses) // HELD_OUT])
    steps = {}
    for name, (model, log_prob) in densities(data.skeleton, blocks, width, bench.device).items():
        optimiser = torch.optim.Adam(model.parameters(), settings.learning_rate, fused=True if name == "ours" else None)
        steps[name] = on_next(training_step(log_prob, optimiser), some_batches(training, size.batch))
    seconds = with_bound(steps, size.rounds, bench.calls(10), size.batch, width, torch.float32, bench.device)
    narrow, number = size.learned
    nats = {
        name: learned(flow, training, held_out, number, size.batch, settings.learning_rate, settings.noise)
        for name, flow in densities(data.skeleton, blocks, narrow, bench.device).items()
    }
    how = f"width {narrow}, {number} steps at {settings.learning_rate:g}, noise {settings.noise:g}"
    bound = f"its matrix products alone, at the rate of large ones, {duration(seconds['bound'])}"
    dimensions = 2 * (len(data.skeleton) - 1)
    what = f"training step of a flow: {blocks} blocks of {width}, {dimensions} dimensions, batch {size.batch}"
    for name, library in BASELINES.items():
        reached = f"negative log-likelihood of unseen poses, {how}: {nats['ours']:.1f} nats against {nats[name]:.1f}"
        yield Line("flow", what, library, seconds["ours"], seconds[name], note=f"{reached}; {bound}")


def learned(
    flow: tuple[nn.Module, LogProb],
    training: Tensor,
    held_out: Tensor,
    steps: int,
    batch: int,
    rate: float,
    sigma: float,
) -> float:
    """Mean negative log-likelihood of held-out poses after a number of training steps, nats.

    Args:
        rate: Adam's learning rate.
        sigma: standard deviation of the noise that training poses are given.
    """
    model, log_prob = flow
    torch.manual_seed(0)
    step = training_step(log_prob, torch.optim.Adam(model.parameters(), rate))
    for poses in islice(some_batches(training, batch), steps):
        step(poses + sigma * torch.randn_like(poses))
    with torch.no_grad():
        return -log_prob(held_out).mean().item()


def on_next(step: Callable[[Tensor], Tensor], batches: Iterator[Tensor]) -> Callable[[], object]:
    """A call that makes the step on the next batch."""
    return lambda: step(next(batches))


def densities(
    skeleton: Skeleton, blocks: int, width: int, device: torch.device = CPU
) -> dict[str, tuple[nn.Module, LogProb]]:
    """Untrained flows of the same size, this library's and the baselines', with their log-likelihoods."""
    joints = [joint for joint in range(len(skeleton)) if joint != skeleton.root_index]

    def of_poses(model: Any) -> LogProb:
        return lambda poses: model.log_prob(poses[:, joints].flatten(1))

    ours = PoseFlow(skeleton, WHOLE, blocks, width, 2.0).to(device)
    theirs = {
        "FrEIA": FreiaFlow(2 * len(joints), blocks, width, 2.0),
        "nflows": stock_flow(2 * len(joints), blocks, width),
    }
    return {"ours": (ours, ours.log_prob)} | {
        name: (model.to(device), of_poses(model)) for name, model in theirs.items()
    }
