"""The experiment's settings: one structured schema, small files of deltas, overrides on the command line.

Precedence, lowest first: the defaults here, `conf/<experiment>.yaml`, `key=value` arguments. A key that
the schema does not know is an error that names the nearest one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from math import inf
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, ListConfig, OmegaConf, ValueNode
from omegaconf.errors import OmegaConfBaseException
from yaml import AliasEvent, CollectionEndEvent, CollectionStartEvent, YAMLError, parse

from datamodules.synthetic import SyntheticConfig
from duolift.body.skeleton import SKELETONS, WHOLE
from duolift.errors import InputError
from duolift.files import read_bytes
from duolift.geometry.normalisation import CENTRINGS
from duolift.learning.augmentation import Augmentation
from duolift.learning.objective import LossWeights
from duolift.networks import NETWORKS
from duolift.networks.splits import SPLITS, parts_of
from duolift.placement.interface import FocalSource
from lightning_modules.optimisation import SCHEDULES

CONF = Path(__file__).parent / "conf"
LIFTERS = tuple(SPLITS)
CHOICES: dict[str, tuple[str, ...]] = {
    "lifter": (*LIFTERS, "all"),
    "data.source": ("synthetic", "chi3d"),
    "data.skeleton": tuple(SKELETONS),
    "data.normalisation": CENTRINGS,
    "data.scale": ("own", "training"),
    "lifting.network": tuple(NETWORKS),
    "lifting.bone_ratios": ("training_set", "anthropometric"),
    "lifting.precision": ("auto", "float32", "bfloat16"),
    "lifting.schedule": SCHEDULES,
    "flows.schedule": SCHEDULES,
    "wandb.mode": ("auto", "online", "offline", "disabled"),
}
"""Settings that are one of a few words."""

POSITIVE = (
    *(f"flows.{key}" for key in ("blocks", "width", "clamp", "epochs", "batch_size", "learning_rate", "decay")),
    *(f"lifting.{key}" for key in ("width", "blocks", "epochs", "batch_size", "learning_rate", "decay")),
    *(f"completion.{key}" for key in ("width", "blocks", "epochs", "batch_size", "learning_rate")),
    *("lifting.elevation_bound_deg", "lifting.gradient_clip", "data.held_out", "data.extra_share", "compute.threads"),
    *("evaluation.every", "evaluation.few", "study.epochs", "study.flow_epochs", "study.workers"),
)
"""Settings that are above 0, where they are set at all."""

NOT_NEGATIVE = (
    *("flows.noise", "flows.sampling", "lifting.sampling", "lifting.weight_decay", "lifting.azimuth_deg"),
    *("lifting.noise", "completion.dropped", "completion.noise", "completion.alone", "seed"),
    *(f"lifting.weights.{term.name}" for term in fields(LossWeights)),
    *(f"lifting.augmentation.{option.name}" for option in fields(Augmentation)),
)
"""Settings that are 0 or more."""


DEEPEST, LARGEST = 8, 2**20
"""Levels of settings, and bytes of a file of them."""

SYNTHETIC_ROOT = "data/synthetic"
"""Where the embedded set is written."""


@dataclass
class Data:
    """What to learn from and evaluate on.

    Attributes:
        source: `synthetic` writes the embedded data set to `root` if it is not there; `chi3d` expects a
            tree in CHI3D's layout at `root`.
        c: head lengths from the camera to every root, or `calibrated`: the cameras' focal length over
            the mean head-to-root distance.
        cameras: views to use; null for those the data set names.
        held_out: poses of the evaluation subjects (2D only) to measure likelihoods on.
        normalisation: `ray` turns every person's camera to face its root, which takes known intrinsics;
            `shift`, the paper's, subtracts the root's pixel.
        extra: further trees in CHI3D's layout whose 2D poses join the training poses; `synthetic` is the
            embedded set.
        extra_share: at most so many of their poses for every pose of the training subjects.
        scale: `training` or `own`: whose head length is the unit when another set is evaluated.
        focal: `known`, the data set's cameras when another set is evaluated; else their focal lengths and distortions
            are not looked at: `people` takes what the people in the images tell, `default` a normal lens, and a
            number that many pixels.
        image: width and height of the images, pixels, whose centre an unknown camera aims at.
    """

    source: str = "synthetic"
    root: str = SYNTHETIC_ROOT
    cache: str = "data/cache"
    train: list[str] = field(default_factory=lambda: ["s02", "s03"])
    evaluate: list[str] = field(default_factory=lambda: ["s04"])
    cameras: list[str] | None = None
    skeleton: str = "paper19"
    c: str = "calibrated"
    normalisation: str = "ray"
    held_out: int = 4096
    extra: list[str] = field(default_factory=list)
    extra_share: float = 0.5
    scale: str = "own"
    focal: str = FocalSource.KNOWN.value
    image: list[int] = field(default_factory=lambda: [900, 900])
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)


@dataclass
class Flows:
    """The prior over 2D poses; see `FlowPriorModule`. `parts`: null for those that the lifter asks for."""

    parts: list[str] | None = None
    blocks: int = 8
    width: int = 128
    clamp: float = 2.0
    noise: float = 0.04
    mirror: bool = True
    sampling: float = 0.0
    epochs: int = 100
    batch_size: int = 1024
    learning_rate: float = 1e-3
    schedule: str = "exponential"
    decay: float = 0.95


@dataclass
class Lifting:
    """The lifter; see `LifterModule`. `bone_ratios` is the one thing that comes from elsewhere than 2D poses:
    `training_set` takes the mean ratios of the training subjects' skeletons, `anthropometric` a published table.
    `initial_elevation_deg` says that cameras look down, which 2D poses from afar leave open.
    `network` is a key of `duolift.networks.NETWORKS`.
    `labels` teaches the same network with 3D labels instead: the supervised reference, and nothing else."""

    labels: bool = False
    network: str = "parts"
    width: int = 384
    blocks: int = 2
    elevation_bound_deg: float | None = 57.3
    initial_elevation_deg: float = -10.0
    bone_ratios: str = "training_set"
    azimuth_deg: float = 180.0
    attached: bool = False
    mirror: bool = True
    sampling: float = 0.0
    noise: float = 0.0
    likelihoods: list[str] | None = field(default_factory=lambda: [WHOLE, "legs", "torso"])
    flip_test: bool = True
    epochs: int = 40
    batch_size: int = 256
    learning_rate: float = 4e-3
    schedule: str = "one_cycle"
    decay: float = 0.95
    weight_decay: float = 1e-5
    gradient_clip: float | None = 5.0
    precision: str = "auto"
    augmentation: Augmentation = field(default_factory=Augmentation)
    weights: LossWeights = field(default_factory=lambda: LossWeights(augmentation=1.0))


@dataclass
class Evaluation:
    """`every` so many epochs, on at most `few` scenes; all of them at the end."""

    every: int = 5
    few: int = 2000


@dataclass
class Completion:
    """What fills in hidden joints and takes out noise; see `CompletionModule`. `dropped` is the share of joints missing
    by themselves, `noise` the largest deviation in head lengths, `alone` the share of people seen without a partner."""

    width: int = 512
    blocks: int = 2
    dropped: float = 0.05
    noise: float = 0.05
    alone: float = 0.2
    mirror: bool = True
    epochs: int = 30
    batch_size: int = 512
    learning_rate: float = 2e-3


@dataclass
class Study:
    """What `make study` runs: `factors` by name, null for all, on a budget of epochs, `workers` at a time."""

    factors: list[str] | None = None
    seeds: list[int] = field(default_factory=lambda: [0])
    epochs: int = 6
    flow_epochs: int = 20
    workers: int = 2
    table: str = "docs/study.csv"


@dataclass
class Sweep:
    """The grid that `make sweep` runs: a W&B sweep's file."""

    file: str = "experiments/sweep.yaml"


@dataclass
class Compute:
    """Passed on to Lightning's Trainer: `devices=2`, of `num_nodes` each, makes as many processes of a command, and a
    cluster's scheduler is recognised. A `batch_size` counts the poses of all processes together, which share out every
    batch evenly, so that a command learns the same on any number of them. `threads` are each process's."""

    accelerator: str = "auto"
    devices: str = "auto"
    num_nodes: int = 1
    strategy: str = "auto"
    threads: int | None = None


@dataclass
class Wandb:
    """`mode` auto is online where there is a key and a network, offline otherwise."""

    project: str = "duolift"
    entity: str | None = None
    mode: str = "auto"


@dataclass
class Config:
    """Everything that decides a run. `lifter` is a key of `duolift.networks.splits.SPLITS`, or all."""

    experiment: str = "default"
    run: str = "default"
    runs: str = "runs"
    seed: int = 0
    lifter: str = "whole"
    data: Data = field(default_factory=Data)
    flows: Flows = field(default_factory=Flows)
    lifting: Lifting = field(default_factory=Lifting)
    evaluation: Evaluation = field(default_factory=Evaluation)
    completion: Completion = field(default_factory=Completion)
    study: Study = field(default_factory=Study)
    sweep: Sweep = field(default_factory=Sweep)
    compute: Compute = field(default_factory=Compute)
    wandb: Wandb = field(default_factory=Wandb)


def load(arguments: Sequence[str]) -> Config:
    """The settings for `key=value` arguments, of which `experiment=` chooses the file of deltas.

    Raises:
        InputError: an unknown experiment or key (with the nearest name), a value of the wrong type or
            out of its range, an argument that is no `key=value`.
    """
    overrides = _overrides(arguments)
    try:
        experiment = str(overrides.get("experiment", "default"))
    except OmegaConfBaseException as error:
        raise InputError(f"setting experiment: {_first_line(error)}") from error
    return merged([_experiment(experiment), overrides])


def load_run(path: Path, arguments: Sequence[str]) -> Config:
    """The settings that a finished run was made with, and overrides."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the settings of a trained run (train it first, or check RUN)")
    return merged([_yaml(path), _overrides(arguments)])


def merged(layers: Sequence[DictConfig]) -> Config:
    """The schema with layers of settings over it, checked."""
    settings = OmegaConf.structured(Config)
    for layer in layers:
        _refuse_unknown(layer, settings, "")
        try:
            settings = OmegaConf.merge(settings, layer)
            OmegaConf.resolve(settings)
        except (OmegaConfBaseException, TypeError, ValueError, OverflowError) as error:
            key = getattr(error, "full_key", None)
            raise InputError(f"setting {key or 'values'}: {_first_line(error)}") from error
    config = cast(Config, OmegaConf.to_object(settings))
    _check(config)
    return config


def plain(config: object) -> dict[str, Any]:
    """Settings as plain dictionaries, lists and numbers."""
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.structured(config), resolve=True))


def _overrides(arguments: Sequence[str]) -> DictConfig:
    for argument in arguments:
        if not re.fullmatch(r"\w+(\.\w+){,4}=.*", argument, re.DOTALL):
            raise InputError(f"argument {argument[:200]!r}: expected key=value, such as lifter=left_right")
        _refuse_nested(argument.partition("=")[2], "arguments")
    settings = OmegaConf.create()
    for argument in arguments:
        try:
            settings.merge_with_dotlist([argument])
        except (OmegaConfBaseException, YAMLError, TypeError, ValueError) as error:
            raise InputError(f"argument {argument[:200]!r}: {_first_line(error)}; expected key=value") from error
    return settings


def _experiment(name: str) -> DictConfig:
    known = sorted(path.stem for path in CONF.glob("*.yaml"))
    if name not in known:
        raise InputError(f"experiment {name!r} is unknown{_nearest(name, known)}; expected one of {', '.join(known)}")
    return _yaml(CONF / f"{name}.yaml")


def _refuse_nested(text: str, where: str) -> None:
    """What would take any amount of memory, or of the stack, is no setting. Text that is no YAML is let through."""
    depth = 0
    try:
        for event in parse(text):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > DEEPEST or isinstance(event, AliasEvent):
                raise InputError(f"{where}: holds aliases or more than {DEEPEST} levels; expected plain settings")
    except (YAMLError, UnicodeError):
        return


def _yaml(path: Path) -> DictConfig:
    _refuse_nested(read_bytes(path, LARGEST).decode("utf-8", "replace"), str(path))
    try:
        loaded = OmegaConf.load(path)
    except (OmegaConfBaseException, YAMLError, OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as settings ({_first_line(error)})") from error
    if not isinstance(loaded, DictConfig):
        raise InputError(f"{path}: holds a list; expected settings by name")
    return loaded


def _refuse_unknown(layer: DictConfig, schema: DictConfig, prefix: str) -> None:
    for key in layer:
        name, known = str(key), [str(k) for k in schema]
        if name not in known:
            raise InputError(
                f"setting {prefix}{name} is unknown{_nearest(name, known)}; expected one of {', '.join(known)}"
            )
        value = layer._get_node(key)
        if isinstance(value, ValueNode) and isinstance(whole := value._value(), int) and abs(whole) >= 2**63:
            raise InputError(f"setting {prefix}{name} has {whole.bit_length()} bits; expected less than 64")
        listed = OmegaConf.to_container(value) if isinstance(value, ListConfig) else None
        if any(isinstance(one, dict | list) for one in cast(list[Any], listed or [])):
            raise InputError(f"setting {prefix}{name} is {value}; expected plain values, one after the other")
        if isinstance(schema[name], DictConfig):
            if not isinstance(value, DictConfig) or value._is_none():
                raise InputError(f"setting {prefix}{name} is {value}; expected settings by name, {prefix}{name}.<key>")
            _refuse_unknown(value, schema[name], f"{prefix}{name}.")


def _nearest(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.4)
    return f" (did you mean {close[0]}?)" if close else ""


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _check(config: Config) -> None:
    settings = OmegaConf.structured(config)
    for key, known in CHOICES.items():
        _one_of(key, OmegaConf.select(settings, key), known)
    if config.data.c != "calibrated" and not (re.fullmatch(r"\d+(\.\d*)?", config.data.c) and float(config.data.c) > 1):
        raise InputError(f"setting data.c is {config.data.c!r}; expected calibrated, or head lengths above 1")
    if config.data.c != "calibrated" and config.data.normalisation == "ray":
        raise InputError(f"setting data.c is {config.data.c!r}; expected calibrated with data.normalisation=ray")
    sources = [source.value for source in FocalSource]
    if config.data.focal not in sources and not is_pixels(config.data.focal):
        raise InputError(
            f"setting data.focal is {config.data.focal!r}{_nearest(config.data.focal, sources)}; "
            f"expected one of {', '.join(sources)}, or a number of pixels"
        )
    if len(config.data.image) != 2 or min(config.data.image) < 1:
        raise InputError(f"setting data.image is {config.data.image}; expected width and height in pixels")
    if not re.fullmatch(r"[\w.\-]+", config.run) or config.run in (".", ".."):
        raise InputError(f"setting run is {config.run!r}; expected a folder name of letters, digits, dots, dashes")
    for key, subjects in (("data.train", config.data.train), ("data.evaluate", config.data.evaluate)):
        if not subjects or len(set(subjects)) < len(subjects):
            raise InputError(f"setting {key} is {subjects}; expected one subject or more, each once")
    _check_parts(config)
    if config.lifting.labels and config.data.extra:
        raise InputError(f"setting data.extra is {config.data.extra}; expected none with lifting.labels")
    for key in (*POSITIVE, *NOT_NEGATIVE):
        value, zero = OmegaConf.select(settings, key), key in NOT_NEGATIVE
        if value is not None and not (0 < value < inf or (zero and value == 0)):
            raise InputError(
                f"setting {key} is {value}; expected {'0 or more, and finite' if zero else 'a positive number'}"
            )
    for key in ("dropped", "alone"):
        if (share := getattr(config.completion, key)) >= 1:
            raise InputError(f"setting completion.{key} is {share}; expected less than 1")
    if (leaning := config.lifting.augmentation.leaning) > 1:
        raise InputError(f"setting lifting.augmentation.leaning is {leaning}; expected a share of at most 1")
    bound, initial = config.lifting.elevation_bound_deg, config.lifting.initial_elevation_deg
    if not abs(initial) < (90.0 if bound is None else bound):
        raise InputError(f"setting lifting.initial_elevation_deg is {initial}; expected less than elevation_bound_deg")
    if config.seed >= 2**32:
        raise InputError(f"setting seed is {config.seed}; expected less than 2**32")


def is_pixels(focal: str) -> bool:
    """Whether `data.focal` is a number of pixels, above 0."""
    return bool(re.fullmatch(r"\d+(\.\d*)?", focal)) and float(focal) > 0


def flow_parts(config: Config) -> list[str]:
    """The parts of the body whose flows a run trains: those it is told to, else those its lifter needs."""
    lifters = LIFTERS if config.lifter == "all" else [config.lifter]
    scored = config.lifting.likelihoods or [part for lifter in lifters for part in parts_of(lifter)]
    sampled = [WHOLE] if config.flows.sampling or config.lifting.sampling else []
    needed = list(dict.fromkeys([*sampled, *scored]))
    if config.flows.parts is None:
        return needed
    if missing := ", ".join(part for part in needed if part not in config.flows.parts):
        raise InputError(f"setting flows.parts is {config.flows.parts}; expected {missing} in it as well")
    return config.flows.parts


def _check_parts(config: Config) -> None:
    known = tuple(SKELETONS[config.data.skeleton].parts)
    for key, parts in (("flows.parts", config.flows.parts), ("lifting.likelihoods", config.lifting.likelihoods)):
        if parts is not None and (not parts or len(set(parts)) < len(parts)):
            raise InputError(f"setting {key} is {parts}; expected one part or more, each once, or null")
        for part in parts or []:
            _one_of(key, part, known)
    flow_parts(config)


def _one_of(key: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InputError(f"setting {key} is {value!r}{_nearest(value, known)}; expected one of {', '.join(known)}")
