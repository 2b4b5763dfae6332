"""Everything that decides a run, as dataclasses that check themselves.

Bounds stand beside a field's type (`duolift.bounds`); what fields have to do with each other is in `__post_init__`.
conf/paper.yaml holds the published values, and docs/study.md measures what other defaults are worth.
A ValueError names the field; `experiments.config` puts the place in front of it, as `setting flows.width is 0; ...`.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from datamodules.sources.h36m.settings import H36mConfig
from datamodules.sources.mocap.settings import MocapConfig
from datamodules.sources.mpi_inf_3dhp.settings import Mpi3dhpConfig
from datamodules.sources.panoptic import PanopticConfig
from datamodules.sources.registry import SOURCES, SYNTHETIC, SYNTHETIC_HOME
from datamodules.sources.somof import SomofConfig
from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import SKELETONS, WHOLE
from duolift.bounds import Fraction, NotNegative, OneOf, PartialFraction, Positive, check_bounds
from duolift.geometry.normalisation import CENTRINGS
from duolift.learning.augmentation import Augmentation
from duolift.learning.detector_errors import DetectorErrors
from duolift.learning.objective import LossWeights
from duolift.learning.variety import Variety
from duolift.learning.views import Views
from duolift.networks import NETWORKS
from duolift.networks.splits import SPLITS, parts_of
from duolift.placement.interface import FocalSource
from lightning_modules.compilation import AUTO, COMPILATIONS, OFF
from lightning_modules.optimisation import SCHEDULES

LIFTERS: Collection[str] = SPLITS.keys()
"""The lifting networks that can be trained."""

ALL = "all"
"""`lifter=all` trains all of them."""

CALIBRATED = "calibrated"
"""`data.c=calibrated` takes the cameras' own distance."""

Schedule = Annotated[str, OneOf(SCHEDULES)]
MOST_SEEDS = 2**32
"""NumPy takes seeds below this."""


@dataclass
class Data:
    """What to learn from and evaluate on.

    Attributes:
        source: the layout of the data set at `root`, a key of `datamodules.sources.registry.SOURCES`. `synthetic` is
            the embedded set, which is written to `root` where it is missing; `chi3d` is a tree in CHI3D's layout;
            `mocap` is a folder of BVH or ASF/AMC files.
        root: the data set's folder.
        cache: folder of parsed copies.
        train, evaluate: subjects, each a folder of takes.
        cameras: views to use; null for those the data set names.
        skeleton: the joints of a person.
        c: head lengths from the camera to every root, or `calibrated`: the cameras' focal length over
            the mean head-to-root distance.
        normalisation: `ray` turns every person's camera to face its root, which takes known intrinsics;
            `shift`, the paper's, subtracts the root's pixel.
        held_out: the largest number of the evaluation subjects' poses (2D only) to measure likelihoods on.
        credit: whom the data are to be credited to, which packed lifters say.
        extra: folders of further data sets of the same source, or `source:folder` of another one, whose 2D poses join
            the training poses; `synthetic` is the embedded set. `20*` before an entry has them twenty times over.
        extra_share: the largest number of each of them, as a share of the training subjects' poses.
        scale: `training` or `own`: whose head length is the unit when another set is evaluated.
        focal: `known`, the data set's cameras when another set is evaluated. Otherwise their focal lengths and
            distortions are not used: `people` estimates a focal length from the people in the images, `default` takes
            a normal lens, and a number is a focal length in pixels.
        image: width and height of the images, pixels, at whose centre an unknown camera aims; null for the source's.
        synthetic: how the embedded set is written.
        mocap: how motion capture is read and filmed.
        h36m, mpi_inf_3dhp: what is read of these data sets.
        panoptic: which frames of CMU Panoptic are read, and which joints count as known.
        somof: how 3DPW's pairs are thinned and filmed.
    """

    source: Annotated[str, OneOf(SOURCES)] = SYNTHETIC.name
    root: str = str(SYNTHETIC_HOME)
    cache: str = "data/cache"
    train: list[str] = field(default_factory=lambda: ["s02", "s03"])
    evaluate: list[str] = field(default_factory=lambda: ["s04"])
    cameras: list[str] | None = None
    skeleton: Annotated[str, OneOf(SKELETONS)] = "paper19"
    c: str = CALIBRATED
    normalisation: Annotated[str, OneOf(CENTRINGS)] = "ray"
    held_out: Positive[int] = 4096
    credit: str = ""
    extra: list[str] = field(default_factory=list)
    extra_share: Positive[float] = 0.5
    scale: Annotated[str, OneOf(("own", "training"))] = "own"
    focal: str = FocalSource.KNOWN.value
    image: list[int] | None = None
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)
    mocap: MocapConfig = field(default_factory=MocapConfig)
    h36m: H36mConfig = field(default_factory=H36mConfig)
    mpi_inf_3dhp: Mpi3dhpConfig = field(default_factory=Mpi3dhpConfig)
    panoptic: PanopticConfig = field(default_factory=PanopticConfig)
    somof: SomofConfig = field(default_factory=SomofConfig)

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.c != CALIBRATED and not (_is_number(self.c) and float(self.c) > 1):
            raise ValueError(f"c is {self.c!r}; expected {CALIBRATED}, or head lengths above 1")
        if self.c != CALIBRATED and self.normalisation == "ray":
            raise ValueError(f"c is {self.c!r}; expected {CALIBRATED} with data.normalisation=ray")
        sources = OneOf([source.value for source in FocalSource])
        objection = sources.objection(self.focal)
        if objection and not (_is_number(self.focal) and float(self.focal) > 0):
            raise ValueError(f"focal is {self.focal!r}{objection}, or a number of pixels")
        if self.image is not None and (len(self.image) != 2 or min(self.image) < 1):
            raise ValueError(f"image is {self.image}; expected width and height in pixels, or null for the source's")
        _refuse_repeated("train", self.train, "subject")
        _refuse_repeated("evaluate", self.evaluate, "subject")


@dataclass
class Flows:
    """The prior over 2D poses; see `FlowPriorModule`. `parts`: null for those that the lifter asks for."""

    parts: list[str] | None = None
    blocks: Positive[int] = 8
    width: Positive[int] = 128
    clamp: Positive[float] = 2.0
    noise: NotNegative[float] = 0.04
    mirror: bool = True
    sampling: NotNegative[float] = 0.0
    epochs: Positive[int] = 100
    batch_size: Positive[int] = 1024
    learning_rate: Positive[float] = 1e-3
    schedule: Schedule = "exponential"
    decay: Positive[float] = 0.95
    weight_decay: NotNegative[float] = 0.0

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.parts is not None:
            _refuse_repeated("parts", self.parts, "part", " or null")


@dataclass
class Lifting:
    """The lifter; see `LifterModule`.

    Attributes:
        network: how a pose becomes depths and an elevation; see `duolift.networks.NETWORKS`.
        labels: teach the same network with 3D labels instead: the supervised reference, and nothing else.
        initial_elevation_deg: elevation of an untrained lifter. It says that cameras look down on people, which 2D
            poses from afar leave open.
        elevations_deg: mean and deviation of the elevations that people are seen from, such as [-8,8], where they are
            known from elsewhere than the poses; null draws views from the elevations that are predicted.
        bone_ratios: the other thing that comes from elsewhere than 2D poses. `training_set` takes the mean ratios of
            the training subjects' skeletons, `anthropometric` a published table.
        precision: of the networks' matrix products; `auto` is bfloat16 where the processor is fast at it.
    """

    labels: bool = False
    network: Annotated[str, OneOf(NETWORKS)] = "parts"
    width: Positive[int] = 384
    blocks: Positive[int] = 2
    elevation_bound_deg: Positive[float] | None = 57.3
    initial_elevation_deg: float = -10.0
    elevations_deg: list[float] | None = None
    bone_ratios: Annotated[str, OneOf(("training_set", "anthropometric"))] = "training_set"
    azimuth_deg: NotNegative[float] = 180.0
    attached: bool = False
    mirror: bool = True
    sampling: NotNegative[float] = 0.0
    noise: NotNegative[float] = 0.0
    likelihoods: list[str] | None = field(default_factory=lambda: [WHOLE, "legs", "torso"])
    flip_test: bool = True
    epochs: Positive[int] = 40
    batch_size: Positive[int] = 256
    learning_rate: Positive[float] = 4e-3
    schedule: Schedule = "one_cycle"
    decay: Positive[float] = 0.95
    weight_decay: NotNegative[float] = 1e-5
    gradient_clip: Positive[float] | None = 5.0
    precision: Annotated[str, OneOf(("auto", "float32", "bfloat16"))] = "auto"
    augmentation: Augmentation = field(default_factory=Augmentation)
    weights: LossWeights = field(default_factory=lambda: LossWeights(augmentation=1.0))

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.likelihoods is not None:
            _refuse_repeated("likelihoods", self.likelihoods, "part", " or null")
        views = self.elevations_deg
        if views is not None and not (len(views) == 2 and abs(views[0]) < 90 and 0 < views[1] < 90):
            raise ValueError(
                f"elevations_deg is {views}; expected a mean and a deviation above 0, both below 90, or null"
            )
        bound = 90.0 if self.elevation_bound_deg is None else self.elevation_bound_deg
        if not abs(self.initial_elevation_deg) < bound:
            found = self.initial_elevation_deg
            raise ValueError(f"initial_elevation_deg is {found}; expected less than elevation_bound_deg, {bound}")


@dataclass
class Evaluation:
    """Score the lifter after `every` so many epochs on at most `few` scenes, and on all of them at the end."""

    every: Positive[int] = 5
    few: Positive[int] = 2000

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass
class Completion:
    """The network that fills in hidden joints and removes noise; see `CompletionModule`.

    Attributes:
        dropped: the share of single joints that are hidden in training.
        noise: the largest deviation of the noise in training, head lengths.
        alone: the share of people who are shown without their partner in training.
    """

    width: Positive[int] = 512
    blocks: Positive[int] = 2
    dropped: PartialFraction = 0.05
    noise: NotNegative[float] = 0.05
    alone: PartialFraction = 0.2
    mirror: bool = True
    epochs: Positive[int] = 30
    batch_size: Positive[int] = 512
    learning_rate: Positive[float] = 2e-3

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass
class Distillation:
    """The network that lifts what detectors see; see `DistillationModule`. `variety`, `views` and `detector` say who is
    seen from where by what in its training. It is taught by the mean of `teachers` lifters, of seeds in a row, on the
    run's data; where `extra` is not null, it takes the place of `data.extra`, which the lifters have learned from.
    With `start`, a packed lifter's file, that one's network goes on learning, whatever `width` and `blocks` say, and
    the result is the mean of its weights before and after, of which a share of `kept` is from before; see
    `KeptWeights`."""

    teachers: Positive[int] = 1
    extra: list[str] | None = None
    start: str | None = None
    kept: Fraction = 0.5
    width: Positive[int] = 512
    blocks: Positive[int] = 4
    epochs: Positive[int] = 40
    batch_size: Positive[int] = 1024
    learning_rate: Positive[float] = 1e-3
    variety: Variety = field(default_factory=Variety)
    views: Views = field(default_factory=Views)
    detector: DetectorErrors = field(default_factory=DetectorErrors)

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass
class Study:
    """What `make study` runs: `factors` by name, null for all, on a budget of epochs, `workers` runs at a time."""

    factors: list[str] | None = None
    seeds: list[int] = field(default_factory=lambda: [0])
    epochs: Positive[int] = 6
    flow_epochs: Positive[int] = 20
    workers: Positive[int] = 2
    table: str = "docs/study.csv"

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass
class Sweep:
    """The grid that `make sweep` runs: a W&B sweep's file."""

    file: str = "experiments/sweep.yaml"


@dataclass
class Compute:
    """Passed on to Lightning's Trainer: `devices=2`, of `num_nodes` each, makes as many processes of a command, and a
    cluster's scheduler is recognised. A `batch_size` counts the poses of all processes together, which share every
    batch evenly, so that a command learns the same on any number of them. `threads` are each process's. `compile` says
    how the losses of training steps run: `auto` replays them as CUDA graphs on a single GPU and runs them as they are
    written elsewhere, `off` always does the latter, `default` and `reduce-overhead` are modes of `torch.compile`; see
    docs/scale.md."""

    accelerator: str = "auto"
    devices: str = "auto"
    num_nodes: int = 1
    strategy: str = "auto"
    threads: Positive[int] | None = None
    compile: Annotated[str, OneOf(COMPILATIONS)] = AUTO

    def __post_init__(self) -> None:
        if self.compile == str(False):  # what YAML makes of `off`
            self.compile = OFF
        check_bounds(self)


@dataclass
class Wandb:
    """`mode` auto is online where there is a key and a network, offline otherwise."""

    project: str = "duolift"
    entity: str | None = None
    mode: Annotated[str, OneOf(("auto", "online", "offline", "disabled"))] = "auto"

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass
class Config:
    """Everything that decides a run. `lifter` is a key of `duolift.networks.splits.SPLITS`, or all."""

    experiment: str = "default"
    run: str = "default"
    runs: str = "runs"
    seed: NotNegative[int] = 0
    lifter: Annotated[str, OneOf(LIFTERS, (ALL,))] = "whole"
    data: Data = field(default_factory=Data)
    flows: Flows = field(default_factory=Flows)
    lifting: Lifting = field(default_factory=Lifting)
    evaluation: Evaluation = field(default_factory=Evaluation)
    completion: Completion = field(default_factory=Completion)
    distillation: Distillation = field(default_factory=Distillation)
    study: Study = field(default_factory=Study)
    sweep: Sweep = field(default_factory=Sweep)
    compute: Compute = field(default_factory=Compute)
    wandb: Wandb = field(default_factory=Wandb)

    def __post_init__(self) -> None:
        check_bounds(self)
        if not re.fullmatch(r"[\w.\-]+", self.run) or self.run in (".", ".."):
            raise ValueError(f"run is {self.run!r}; expected a folder name of letters, digits, dots, dashes")
        if self.seed >= MOST_SEEDS:
            raise ValueError(f"seed is {self.seed}; expected less than 2**32")
        known = OneOf(SKELETONS[self.data.skeleton].parts)
        for key, parts in (("flows.parts", self.flows.parts), ("lifting.likelihoods", self.lifting.likelihoods)):
            for part in parts or []:
                if objection := known.objection(part):
                    raise ValueError(f"{key} is {part!r}{objection}")
        flow_parts(self)


def flow_parts(config: Config) -> list[str]:
    """The parts of the body whose flows a run trains: those of `flows.parts`, else those its lifter needs.

    Raises:
        ValueError: the lifter needs one that is not in `flows.parts`.
    """
    lifters = LIFTERS if config.lifter == ALL else [config.lifter]
    scored = config.lifting.likelihoods or [part for lifter in lifters for part in parts_of(lifter)]
    sampled = [WHOLE] if config.flows.sampling or config.lifting.sampling else []
    needed = list(dict.fromkeys([*sampled, *scored]))
    if config.flows.parts is None:
        return needed
    if missing := ", ".join(part for part in needed if part not in config.flows.parts):
        raise ValueError(f"flows.parts is {config.flows.parts}; expected {missing} in it as well")
    return config.flows.parts


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\d+(\.\d*)?", text))


def _refuse_repeated(name: str, words: Sequence[str], one: str, otherwise: str = "") -> None:
    """Refuse a list that is empty or holds a word twice."""
    if not words or len(set(words)) < len(words):
        raise ValueError(
            f"{name} is {list(words)}; expected one {one} or more, each once{',' if otherwise else ''}{otherwise}"
        )
