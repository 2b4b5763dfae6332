"""The benchmarks: each is a generator of lines, by name. What they compare with is `benchmarks.baselines`'."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.baselines import FreiaFlow, PublishedTraining, procrustes_loop, stock_flow, training_step
from benchmarks.measure import Line, interleaved, peak_memory, with_bound
from benchmarks.use import inference, start
from callbacks.lifting import lift_scenes
from callbacks.parallel import on_all_cores
from callbacks.rows import main_row, rows_of
from callbacks.scoring import LiftedScenes, evaluate, portions
from datamodules.chi3d import CHI3DDataModule
from datamodules.synthetic import SyntheticConfig
from duolift.body.skeleton import WHOLE, Skeleton
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.batched import Truth
from duolift.networks.flows import PoseFlow
from duolift.networks.lifting_network import fast_bfloat16
from experiments.config import Config, flow_parts, load, plain
from experiments.pretrain_flows import open_data
from experiments.train_lifter import lifter_module
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule

POSES_1X = 64_896
"""Poses of the README's motion capture that train, four cameras and two people counted; the data benchmark's unit."""

CHI3D_SCENES = 78_000
"""Scenes of CHI3D's s04: frames, each seen by four cameras."""

SEQUENCE_FRAMES = 150
"""Frames of a sequence of CHI3D's, about."""

HELD_BACK = 8
"""One pose of so many is not trained on."""

IMAGE = (900.0, 900.0)
"""Width and height of the images, pixels."""


@dataclass(frozen=True)
class Size:
    """How much is measured. The defaults are what the table states.

    Attributes:
        rounds: turns of every candidate.
        batch: poses a step.
        flow: width and blocks of the flow.
        learned: width of the flows whose likelihoods are compared, and after so many steps.
        published: width and blocks of LInKs' lifters.
        default: overrides of the default experiment.
        poses: the data benchmark's unit.
        scenes: to evaluate in one go, and in every round.
        frames: of the loop over frames.
        images: that are lifted one by one.
        batched: images that are lifted at once.
        steps: of training inside the framework.
        synthetic: the embedded set that everything is measured on.
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
    rounds=2,
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
"""For tests: the same in seconds, whose numbers mean nothing."""


class Bench:
    """What the benchmarks share: the embedded set in a folder, and models of the settings of an experiment."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size

    def config(self, *arguments: str) -> Config:
        places = (f"data.root={self.folder}/data", f"data.cache={self.folder}/cache")
        written = (f"data.synthetic.{key}={value}" for key, value in asdict(self.size.synthetic).items())
        return load([*places, *written, *arguments])

    def data(self, config: Config) -> CHI3DDataModule:
        return open_data(config, "person", config.lifting.batch_size)

    @cached_property
    def default(self) -> tuple[CHI3DDataModule, LifterModule]:
        """The default experiment's data, and its lifter before training."""
        config = self.config(*self.size.default)
        data = self.data(config)
        return data, untrained(config, data)

    def published(self, arithmetic: str) -> Callable[[], object]:
        """A training step at LInKs' sizes: by this library, or by the `published` arithmetic."""
        (width, blocks), (flow_width, flow_blocks) = self.size.published, self.size.flow
        sizes = (f"lifting.width={width}", f"lifting.blocks={blocks}", f"lifting.batch_size={self.size.batch}")
        flow_sizes = (f"flows.width={flow_width}", f"flows.blocks={flow_blocks}")
        config = self.config("experiment=paper", "lifter=left_right", *sizes, *flow_sizes)
        data = self.data(config)
        if arithmetic != "published":
            return lifter_step(untrained(config, data), some_batches(data.training_poses, self.size.batch))
        training = PublishedTraining(
            data.skeleton,
            width,
            blocks,
            flow_blocks,
            flow_width,
            data.bone_ratios(),
            data.normalisation.c,
            config.lifting.sampling,
        )
        batches = some_batches(data.training_poses, self.size.batch)
        return lambda: training.step(next(batches))


def untrained(config: Config, data: CHI3DDataModule) -> LifterModule:
    """A lifter and the flows that judge it, as an experiment has them before training."""
    options = plain(config.flows) | {"parts": flow_parts(config)}
    flows = FlowPriorModule(data.pose_skeleton.name, **{k: v for k, v in options.items() if k not in RUN_SETTINGS})
    flows.standardise(data.training_poses)
    return lifter_module(config, config.lifter, data).attach_prior(flows.flows, data.training_poses)


RUN_SETTINGS = ("epochs", "batch_size")


def some_batches(poses: Tensor, batch: int) -> Iterator[Tensor]:
    """Batches of poses (batch, joint, 2), over and over."""
    for number in count():
        start = number * batch % (len(poses) - batch + 1)
        yield poses[start : start + batch]


def lifter_step(module: LifterModule, batches: Iterator[Tensor], clip: float | None = None) -> Callable[[], object]:
    """A lifter's training step without the framework around it."""
    parameters = list(module.lifter.parameters())
    optimiser = torch.optim.Adam(
        parameters, module.optimiser.learning_rate, weight_decay=module.optimiser.weight_decay, fused=True
    )

    def step() -> Tensor:
        loss = module.loss(module.augment(next(batches)))[0]
        optimiser.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()
        return loss.detach()

    return step


def flow_step(bench: Bench) -> Iterator[Line]:
    """A flow's training step: forward, backward, optimiser. And what flows have learned after as many steps."""
    size, (width, blocks), data = bench.size, bench.size.flow, bench.default[0]
    settings = bench.config().flows
    poses = data.training_poses[torch.randperm(len(data.training_poses))]
    poses = (poses - poses.mean(0)) / poses.std(0).clamp(min=1e-6)
    unseen, training = poses.tensor_split([len(poses) // HELD_BACK])
    steps = {}
    for name, (model, log_prob) in densities(data.skeleton, blocks, width).items():
        optimiser = torch.optim.Adam(model.parameters(), settings.learning_rate, fused=True if name == "ours" else None)
        steps[name] = on_next(training_step(log_prob, optimiser), some_batches(training, size.batch))
    seconds = with_bound(steps, size.rounds, 10, size.batch, width, torch.float32)
    nats, (narrow, number) = {}, size.learned
    for name, (model, log_prob) in densities(data.skeleton, blocks, narrow).items():
        torch.manual_seed(0)
        step = training_step(log_prob, torch.optim.Adam(model.parameters(), settings.learning_rate))
        for batch in islice(some_batches(training, size.batch), number):
            step(batch + settings.noise * torch.randn_like(batch))
        with torch.no_grad():
            nats[name] = -log_prob(unseen).mean().item()
    how = f"width {narrow}, {number} steps at {settings.learning_rate:g}, noise {settings.noise:g}"
    bound = f"its matrix products alone, at the rate of large ones, {1e3 * seconds['bound']:.1f} ms"
    for name, library in (("FrEIA", "FrEIA's AllInOneBlock"), ("nflows", "nflows' coupling, ActNorm, permutation")):
        told = f"negative log-likelihood of unseen poses, {how}: {nats['ours']:.1f} nats against {nats[name]:.1f}"
        dimensions = 2 * (len(data.skeleton) - 1)
        what = f"training step of a flow: {blocks} blocks of {width}, {dimensions} dimensions, batch {size.batch}"
        yield Line("flow", what, library, seconds["ours"], seconds[name], note=f"{told}; {bound}")


def on_next(step: Callable[[Tensor], Tensor], batches: Iterator[Tensor]) -> Callable[[], object]:
    """The step on a batch after the other."""
    return lambda: step(next(batches))


def densities(skeleton: Skeleton, blocks: int, width: int) -> dict[str, tuple[nn.Module, Callable[[Tensor], Tensor]]]:
    """Untrained flows of poses (batch, joint, 2), by whose they are, and their log-likelihoods (batch,)."""
    joints = [joint for joint in range(len(skeleton)) if joint != skeleton.root_index]

    def of_poses(model: Any) -> Callable[[Tensor], Tensor]:
        return lambda poses: model.log_prob(poses[:, joints].flatten(1))

    ours = PoseFlow(skeleton, WHOLE, blocks, width, 2.0)
    theirs = {
        "FrEIA": FreiaFlow(2 * len(joints), blocks, width, 2.0),
        "nflows": stock_flow(2 * len(joints), blocks, width),
    }
    return {"ours": (ours, ours.log_prob)} | {name: (model, of_poses(model)) for name, model in theirs.items()}


def published_step(bench: Bench) -> Iterator[Line]:
    """A lifter's training step at LInKs' sizes, its batch doubled by sampling."""
    size, (width, blocks) = bench.size, bench.size.published
    steps = {"ours": bench.published("ours"), "published": bench.published("published")}
    seconds = with_bound(steps, size.rounds, 1, 2 * size.batch, width, fast_type())
    memory = {name: peak_memory(_run_published, bench.folder, size, name) for name in steps}
    shape = f"1 + {blocks} + {blocks} blocks of {width}, batch {size.batch} doubled"
    what = f"training step of LInKs' left and right lifters: {shape}"
    baseline = "the published arithmetic, FrEIA's flows"
    yield Line("published", what, baseline, seconds["ours"], seconds["published"], memory["ours"], memory["published"])
    yield Line("published", what, f"its matrix products alone, {spelt(fast_type())}", seconds["ours"], seconds["bound"])


def _run_published(folder: Path, size: Size, arithmetic: str) -> None:
    step = Bench(folder, size).published(arithmetic)
    for _ in range(3):
        step()


def default_step(bench: Bench) -> Iterator[Line]:
    """The default experiment's training step: beside float32, beside its products, and inside the framework."""
    size, (data, module) = bench.size, bench.default
    clip, width = 5.0, bench.config(*size.default).lifting.width
    exact = untrained(bench.config(*size.default, "lifting.precision=float32"), data)
    batch = data.batch_size
    steps = {
        "ours": lifter_step(module, some_batches(data.training_poses, batch), clip),
        "float32": lifter_step(exact, some_batches(data.training_poses, batch), clip),
    }
    seconds = with_bound(steps, size.rounds, 20, batch, width, fast_type())
    memory = peak_memory(_run_default, bench.folder, size)
    what = f"training step of the default lifter: width {width}, batch {batch}"
    yield Line("default", what, "the same in float32", seconds["ours"], seconds["float32"], memory)
    yield Line("default", what, f"its matrix products alone, {spelt(fast_type())}", seconds["ours"], seconds["bound"])
    rounds = [
        (in_framework(module, data, size.steps, clip), interleaved(steps, 1, 5)["ours"]) for _ in range(size.rounds)
    ]
    inside, alone = (median(times) for times in zip(*rounds, strict=True))
    yield Line("default", "the same step inside Lightning, with its logging", "the step alone", inside, alone)


def _run_default(folder: Path, size: Size) -> None:
    bench = Bench(folder, size)
    data, module = bench.default
    step = lifter_step(module, some_batches(data.training_poses, data.batch_size))
    for _ in range(3):
        step()


class StepTimes(pl.Callback):
    """When each training step ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, *_: object) -> None:
        self.ends.append(time.perf_counter())


def in_framework(module: LifterModule, data: CHI3DDataModule, steps: int, clip: float) -> float:
    """Median seconds of a step that Lightning's trainer makes, feeding and logging included."""
    times = StepTimes()
    trainer = pl.Trainer(
        max_steps=steps,
        max_epochs=-1,
        limit_val_batches=0,
        accelerator="cpu",
        logger=False,
        callbacks=[times],
        gradient_clip_val=clip,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, data.train_dataloader(), data.val_dataloader())
    return median(after - before for before, after in zip(times.ends, times.ends[1:], strict=False))


def feeding(bench: Bench) -> Iterator[Line]:
    """What feeding costs: an epoch's batches, beside poses collated one by one, and over the size of the data."""
    size, (data, module) = bench.size, bench.default
    few = data.training_poses.repeat(-(-size.poses // len(data.training_poses)), 1, 1)[: size.poses]
    batched = {times: loader_of(data, few.repeat(times, 1, 1)) for times in (1, 4, 16)}
    collated = DataLoader(TensorDataset(few), data.batch_size, shuffle=True, drop_last=True)
    seconds = interleaved({f"{times}x": epoch(loader) for times, loader in batched.items()}, size.rounds)
    one = interleaved({"ours": epoch(batched[1]), "collated": epoch(collated)}, min(size.rounds, 5))
    step = interleaved({"step": lifter_step(module, some_batches(few, data.batch_size), 5.0)}, size.rounds)["step"]
    share = f"a batch takes {100 * one['ours'] / len(batched[1]) / step:.2f} % of the default lifter's step"
    yield Line(
        "data",
        f"an epoch's batches of {size.poses} poses",
        "collated pose by pose",
        one["ours"],
        one["collated"],
        note=share,
    )
    for times in (4, 16):
        what, baseline = f"{times} times as many poses", f"{times} times the epoch of {size.poses}"
        yield Line("data", what, baseline, seconds[f"{times}x"], times * seconds["1x"])


def loader_of(data: CHI3DDataModule, poses: Tensor) -> DataLoader[Any]:
    """The data module's loader, over other poses."""
    other = copy(data)
    other.training_poses = poses
    return other.train_dataloader()


def epoch(loader: DataLoader[Any]) -> Callable[[], object]:
    """Draw every batch once."""
    return lambda: sum(1 for _ in loader)


def scoring(bench: Bench) -> Iterator[Line]:
    """Scoring scenes: a row beside a loop over frames, every row with lifting, and all of CHI3D's s04 in one go."""
    size, (data, module) = bench.size, bench.default
    every, some = (repeated(data.evaluation, number) for number in size.scenes)
    rows, skeleton = rows_of(WHOLE), data.skeleton
    people = LiftedScenes(every, lift_scenes(module.eval(), every, skeleton)).placed(main_row(rows))
    assert every.truth is not None
    truth, first = every.truth, slice(size.frames)
    arrays = people[first].double().numpy(), truth[first].double().numpy()

    def score(run: slice) -> object:
        of_run = Truth(truth[run], skeleton.root_index, skeleton.hands)
        return [of_run.score(people[run]) for _ in rows]

    candidates: dict[str, Callable[[], object]] = {
        "scores": lambda: on_all_cores(score, portions(every.sequence)),
        "rows": lambda: evaluate(module, rows, some, skeleton, image=IMAGE),
        "loop": lambda: procrustes_loop(*arrays),
    }
    seconds = interleaved(candidates, size.rounds)
    loop = seconds["loop"] / len(people[first]) * len(rows)
    told = f"the loop, over {len(people[first])} scenes, is extrapolated"
    baseline = "frame by frame in numpy, once a row: PA-MPJPE of the scene and of its people alone"
    what = f"scoring {len(every)} scenes, {len(rows)} rows"
    yield Line("evaluation", what, baseline, seconds["scores"], loop * len(every), note=told)
    what = f"lifting, placing and scoring {len(some)} scenes, {len(rows)} rows"
    memory = peak_memory(_run_evaluation, bench.folder, size)
    yield Line("evaluation", what, baseline, seconds["rows"], loop * len(some), memory, note=told)
    began = time.perf_counter()
    evaluate(module, rows, every, skeleton, image=IMAGE)
    taken = time.perf_counter() - began
    what, times = f"lifting, placing and scoring {len(every)} scenes, {len(rows)} rows", len(every) / len(some)
    baseline = f"{times:g} times the line above"
    yield Line("evaluation", what, baseline, taken, times * seconds["rows"], note="timed once")


def _run_evaluation(folder: Path, size: Size) -> None:
    data, module = Bench(folder, size).default
    evaluate(module, rows_of(WHOLE), repeated(data.evaluation, size.scenes[1]), data.skeleton, image=IMAGE)


def repeated(scenes: SceneBatch, number: int) -> SceneBatch:
    """So many scenes, the same over and over, in sequences about as long as CHI3D's."""
    longer = -(-SEQUENCE_FRAMES * len(scenes.sequences) // len(scenes))
    scenes = scenes[torch.arange(len(scenes)).repeat_interleave(longer)]
    return SceneBatch.concatenate([scenes] * -(-number // len(scenes)))[:number]


def fast_type() -> torch.dtype:
    """What the networks' products are computed in on this machine."""
    return torch.bfloat16 if fast_bfloat16() else torch.float32


def spelt(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


BENCHMARKS: dict[str, Callable[[Bench], Iterator[Line]]] = {
    "flow": flow_step,
    "published": published_step,
    "default": default_step,
    "data": feeding,
    "evaluation": scoring,
    "inference": inference,
    "start": start,
}


def run(names: Sequence[str], size: Size) -> Iterator[Line]:
    """The lines of some benchmarks, on an embedded set that is written for them and removed again."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), size)
        for name in names:
            torch.manual_seed(0)
            yield from BENCHMARKS[name](bench)
