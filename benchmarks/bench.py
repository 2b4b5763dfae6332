"""What the benchmarks share: how much is measured, and the data and the untrained models that it is measured on.

The data are the embedded set, written to a folder that is removed again. No other file of the benchmarks reads data.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.measure import CPU
from datamodules.pose_data_module import PoseDataModule
from datamodules.synthetic.writer import SyntheticConfig
from duolift.geometry.scene_batch import SceneBatch
from duolift.networks.lifting_network import fast_bfloat16
from experiments.config import load, plain
from experiments.data import open_data
from experiments.settings import Config, flow_parts
from experiments.train_lifter import lifter_module
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule
from lightning_modules.step_graph import StepGraph, at_home

POSES_1X = 64_896
"""Training poses of the README's motion capture, times four cameras and two people."""

CHI3D_SCENES = 78_000
"""Scenes of CHI3D's subject s04: frames times four cameras."""


SEQUENCE_FRAMES = 150
"""About the length of a sequence of CHI3D, frames."""

IMAGE = (900.0, 900.0)
"""Width and height of the images, pixels."""


@dataclass(frozen=True)
class Size:
    """How much is measured; the defaults are those of docs/bench.md.

    Attributes:
        rounds: turns that every candidate has.
        batch: poses of a training step.
        flow: width and blocks of the flow.
        learned: width of the flows whose likelihoods are compared, and their number of training steps.
        published: width and blocks of LInKs' lifters.
        default: changes of settings of the default experiment.
        poses: poses of the data benchmark, which also takes 4 and 16 times as many.
        scenes: scenes that are evaluated once, and scenes that are evaluated in every round.
        frames: frames of the baseline that loops over frames.
        images: images that are lifted one by one.
        batched: images that are lifted at once.
        steps: training steps inside the framework.
        synthetic: the embedded set.
    """

    rounds: int = 5
    batch: int = 256
    flow: tuple[int, int] = (1024, 8)
    learned: tuple[int, int] = (256, 600)
    published: tuple[int, int] = (1024, 3)
    default: tuple[str, ...] = ()
    poses: int = POSES_1X
    scenes: tuple[int, int] = (CHI3D_SCENES, CHI3D_SCENES // 16)
    frames: int = 300
    images: int = 400
    batched: int = 8192
    steps: int = 30
    synthetic: SyntheticConfig = field(default_factory=lambda: SyntheticConfig(takes=1, frames=24))


TINY = Size(
    rounds=1,
    batch=32,
    flow=(8, 2),
    learned=(8, 3),
    published=(8, 1),
    default=(
        *("flows.width=8", "flows.blocks=1", "flows.batch_size=32"),
        *("lifting.width=8", "lifting.blocks=1", "lifting.batch_size=32"),
    ),
    poses=256,
    scenes=(48, 24),
    frames=4,
    images=4,
    batched=16,
    steps=3,
    synthetic=SyntheticConfig(takes=1, frames=6),
)
"""Everything small, for tests: it runs in seconds, and its numbers mean nothing."""


class Bench:
    """Settings, data and models of the experiments that are measured.

    Args:
        folder: where the embedded set is written.
        size: how much is measured.
        device: where the models work.
    """

    def __init__(self, folder: Path, size: Size, device: torch.device = CPU) -> None:
        self.folder, self.size, self.device = folder, size, device

    def config(self, *arguments: str) -> Config:
        """Settings of an experiment on the embedded set."""
        return load([*self.data_settings, f"compute.accelerator={ACCELERATORS[self.device.type]}", *arguments])

    def calls(self, number: int) -> int:
        """How often a candidate is called in its turn: a GPU's calls are short, and more of them fill a turn."""
        return number if self.device.type == "cpu" else GPU_CALLS * number

    def batches(self, poses: Tensor, batch: int) -> Iterator[Tensor]:
        """Batches of poses (batch, joint, 2) that lie on the device, over and over."""
        return some_batches(poses.to(self.device), batch)

    @property
    def data_settings(self) -> list[str]:
        """The settings that have an experiment read the embedded set."""
        places = (f"data.root={self.folder}/data", f"data.cache={self.folder}/cache")
        return [*places, *(f"data.synthetic.{key}={value}" for key, value in asdict(self.size.synthetic).items())]

    def data(self, config: Config) -> PoseDataModule:
        """The data of an experiment, one person a pose."""
        return open_data(config, "person", config.lifting.batch_size)

    def untrained(self, config: Config) -> tuple[PoseDataModule, LifterModule]:
        """An experiment's data, and its lifter and flows as they are before training."""
        data = self.data(config)
        flows = untrained_flows(config, data).flows
        module = lifter_module(config, config.lifter, data).attach_prior(flows, data.training_poses)
        return data, module.to(self.device)

    @cached_property
    def default(self) -> tuple[PoseDataModule, LifterModule]:
        """Data and untrained lifter of the default experiment."""
        return self.untrained(self.config(*self.size.default))


ACCELERATORS = {"cpu": "cpu", "cuda": "gpu"}
"""What Lightning calls each kind of device."""

GPU_CALLS = 10
"""How many times as many calls a turn has on a GPU."""

RUN_SETTINGS = ("epochs", "batch_size")
"""Settings of a stage that its module does not take."""


def untrained_flows(config: Config, data: PoseDataModule) -> FlowPriorModule:
    """An experiment's flows as they are before training."""
    options = plain(config.flows) | {"parts": flow_parts(config)}
    flows = FlowPriorModule(
        data.pose_skeleton.name, **{key: value for key, value in options.items() if key not in RUN_SETTINGS}
    )
    flows.standardise(data.training_poses)
    return flows


def some_batches(poses: Tensor, batch: int) -> Iterator[Tensor]:
    """Batches of poses (batch, joint, 2), over and over."""
    for number in count():
        start = number * batch % (len(poses) - batch + 1)
        yield poses[start : start + batch]


def repeated(scenes: SceneBatch, number: int) -> SceneBatch:
    """The same scenes over and over until there are `number`, in sequences about as long as CHI3D's."""
    longer = -(-SEQUENCE_FRAMES * len(scenes.sequences) // len(scenes))
    scenes = scenes[torch.arange(len(scenes)).repeat_interleave(longer)]
    return SceneBatch.concatenate([scenes] * -(-number // len(scenes)))[:number]


def lifter_step(
    module: LifterModule, batches: Iterator[Tensor], clip: float | None = None, replayed: bool = False
) -> Callable[[], object]:
    """A training step of a lifter without the framework around it.

    Args:
        clip: largest norm of the gradients; None leaves them as they are.
        replayed: on a GPU, as a CUDA graph, which is how training makes it there.
    """
    parameters = list(module.lifter.parameters())
    optimiser = torch.optim.Adam(
        parameters, module.optimiser.learning_rate, weight_decay=module.optimiser.weight_decay, fused=True
    )
    at_home(optimiser, parameters[0].device)

    def step(batch: Tensor) -> Tensor:
        loss, _ = module.losses(batch)
        optimiser.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()
        return loss.detach()

    if not (replayed and parameters[0].is_cuda):
        return lambda: step(next(batches))
    graph = StepGraph()

    def replay() -> None:
        graph.take(next(batches))
        graph.run(lambda: step(graph.batch))

    while not graph.captured:
        replay()
    return replay


def fast_type() -> torch.dtype:
    """The type in which this machine computes the networks' matrix products."""
    return torch.bfloat16 if fast_bfloat16() else torch.float32


def type_name(dtype: torch.dtype) -> str:
    """`bfloat16`, without torch's prefix."""
    return str(dtype).removeprefix("torch.")
