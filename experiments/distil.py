"""Stage three: teach a network to lift what detectors see, by a run's lifter or several, and score both.

python -m experiments.distil
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from callbacks.kept_weights import KeptWeights
from callbacks.lifting import LIFTED_AT_ONCE
from datamodules.pose_data_module import PoseDataModule
from duolift.errors import InputError
from duolift.geometry.scene_batch import SceneBatch
from duolift.learning.detector_errors import DetectorErrors
from duolift.learning.variety import Shift, Variety
from duolift.learning.views import Views
from duolift.metrics.definitions import mpjpe
from duolift.metrics.fast_alignment import align
from duolift.networks.detection_network import DetectionArchitecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import PeopleLifter
from duolift.predictor import Lifter
from experiments.checkpoints import load_distilled, load_lifter
from experiments.config import load, plain
from experiments.data import open_data
from experiments.lifter_tables import report
from experiments.pack import assembled
from experiments.processes import is_first
from experiments.runs import Stage, command, fit
from experiments.settings import LIFTERS, Config
from experiments.train_lifter import train
from lightning_modules.distillation import DistillationModule

TAUGHT, TEACHER = "distilled", "its teacher"
"""What is scored: the taught network, and the lifter that has taught it, which gets joints that are missing where they
are on the mean."""

SIZES = 4096
"""How many training poses, evenly spaced, tell how large people are."""

NOTE = "PA-MPJPE a person, mm: one similarity for each person. Lifted as in use, everybody in a size of their own."


@dataclass(frozen=True)
class Condition:
    """How evaluation scenes are seen.

    Attributes:
        pixels: deviation of the detector's noise.
        missed: share of joints that it misses.
    """

    pixels: float
    missed: float

    @property
    def label(self) -> str:
        return f"{self.pixels:g} px, {self.missed:.0%} of joints missed"


CONDITIONS = (Condition(0, 0), Condition(3, 0), Condition(3, 0.1), Condition(3, 0.3))


def distil(config: Config, lifter: str) -> Stage:
    """Teach a detection network by one lifter, or the mean of several, and score it beside the first of them; finished
    stages are not run again.

    Without 3D it is scored by what it learned of held-out poses alone.
    """
    lifting, *others = (train(taught, lifter) for taught in runs_of_teachers(config))
    data = open_data(with_its_data(config), "person", config.distillation.batch_size)
    stage = Stage(lifting.folder.with_name(f"distillation-{lifter}"), settings_of(config, lifting))
    if stage.finished:
        return stage
    teacher, *further = (load_lifter(made.checkpoint, data.skeleton.name) for made in (lifting, *others))
    some = data.training_poses[:: max(1, len(data.training_poses) // SIZES)]

    start = start_of(config.distillation.start, teacher.hparams)
    callbacks = [] if start is None else [kept_weights(start, config.distillation.kept)]

    def build() -> DistillationModule:
        module = distillation_module(config, teacher.hparams, start).attach_teachers([teacher, *further], some)
        if start is not None:
            module.people.load_state_dict(start.state_dict())
        return module

    watched = {"val/joints": "head lengths off", "val/up": "radians off"}
    held_out = fit(config, stage, build, data, config.distillation.epochs, callbacks, watched, gradient_clip=1.0)
    measured: dict[str, Any] = {"scenes": len(data.evaluation), "held_out": held_out}
    if is_first() and data.evaluation.truth is not None:
        people = {TAUGHT: load_distilled(stage.checkpoint), TEACHER: assembled(teacher, data.training_poses)}
        measured["rows"] = score(people, data)
    stage.finish(measured)
    return stage


def runs_of_teachers(config: Config) -> list[Config]:
    """The settings of every teacher's run: the run itself, and one beside it for each further seed.

    >>> [run.run for run in runs_of_teachers(load(["run=mine", "distillation.teachers=3"]))]
    ['mine', 'mine-seed1', 'mine-seed2']
    """
    seeds = range(config.seed + 1, config.seed + config.distillation.teachers)
    return [config, *(replace(config, seed=seed, run=f"{config.run}-seed{seed}") for seed in seeds)]


def with_its_data(config: Config) -> Config:
    """The settings with the further data of this stage, where it has its own.

    >>> with_its_data(load(["data.extra=[20*keypoints:photographs]"])).data.extra
    ['20*keypoints:photographs']
    >>> with_its_data(load(["distillation.extra=[80*keypoints:photographs]"])).data.extra
    ['80*keypoints:photographs']
    """
    extra = config.distillation.extra
    return config if extra is None else replace(config, data=replace(config.data, extra=extra))


def settings_of(config: Config, lifting: Stage) -> dict[str, Any]:
    """What decides what is learned from a lifter. How many teach is part of it where it is more than one, further data
    where the stage has its own, a start where there is one, and how people stand where it is not plumb."""
    distillation = plain(config.distillation)
    if config.distillation.teachers == 1:
        del distillation["teachers"]
    if config.distillation.extra is None:
        del distillation["extra"]
    if config.distillation.start is None:
        del distillation["start"], distillation["kept"]
    for name in ("profile", "hanging"):
        if not distillation["variety"][name]:
            del distillation["variety"][name]
    return {**lifting.settings, "distillation": distillation}


def start_of(path: str | None, teacher: Mapping[str, Any]) -> PeopleLifter | None:
    """The lifter whose network is to go on learning. Raises InputError where it is none that this teacher can teach."""
    if path is None:
        return None
    people = Lifter.load(path).people
    mine = people.architecture
    found = mine.skeleton, mine.centring, "a detection network" if mine.detection else "a lifting network"
    expected = teacher["skeleton"], teacher["normalisation"]["centring"], "a detection network"
    if found != expected:
        raise InputError(f"distillation.start: {path} is {found}; expected {expected}")
    return people


def kept_weights(start: PeopleLifter, share: float) -> KeptWeights:
    """What makes the result the mean of the weights of a start and of what has become of them."""
    return KeptWeights({f"people.{name}": weight for name, weight in start.named_parameters()}, share)


def distillation_module(
    config: Config, teacher: Mapping[str, Any], start: PeopleLifter | None = None
) -> DistillationModule:
    """An untrained module, of the units of its teacher's hyper-parameters, and as large as what it is to go on from."""
    settings = config.distillation
    architecture = PeopleArchitecture(
        skeleton=teacher["skeleton"],
        lifter=None,
        c=teacher["normalisation"]["c"],
        centring=teacher["normalisation"]["centring"],
        flip=True,
        detection=DetectionArchitecture(settings.width, settings.blocks)
        if start is None
        else start.architecture.detection,
    )
    return DistillationModule(
        architecture,
        variety_of(plain(settings.variety)),
        Views(**plain(settings.views)),
        DetectorErrors(**plain(settings.detector)),
        settings.learning_rate,
        teacher["half"],
    )


def variety_of(values: dict[str, Any]) -> Variety:
    """A `Variety` from its plain values."""
    return Variety(**values | {key: Shift(**values[key]) for key in ("hips", "shoulders")})


@torch.no_grad()
def score(people: Mapping[str, PeopleLifter], data: PoseDataModule) -> list[dict[str, Any]]:
    """PA-MPJPE per person of each, mm, under each of `CONDITIONS`."""
    assert data.evaluation.truth is not None
    rows, truth = [], data.evaluation.of_people(data.evaluation.truth)
    for condition in CONDITIONS:
        random = torch.Generator().manual_seed(0)
        scenes = data.evaluation.noisy(condition.pixels, random)
        visible = torch.rand(scenes.pixels.shape[:-1], generator=random) >= condition.missed
        visible = visible & scenes.everybody.unsqueeze(-1)
        noise = condition.pixels / scenes.intrinsics.focal.mean()  # slope
        errors = {}
        for name, lifter in people.items():
            bodies = lifted(lifter, scenes, visible, noise)
            errors[name] = mpjpe(align(bodies, truth), truth).item()
        rows.append({**asdict(condition), "pa_mpjpe_person_mm": errors})
    return rows


def lifted(people: PeopleLifter, scenes: SceneBatch, visible: Tensor, noise: Tensor) -> Tensor:
    """The bodies (pose, joint, 3) of all valid people, of whom some joints (scene, person, joint) are visible.

    Args:
        noise: of the joints, as a slope.
    """
    bodies = []
    for start in range(0, len(scenes), LIFTED_AT_ONCE):
        some = slice(start, start + LIFTED_AT_ONCE)
        rays, seen = scenes.rays[some], visible[some]
        size = people.framed(rays, seen).unit  # (scene, person), slope of a head length
        bodies.append(people(rays, seen, noise / size).bodies)
    return scenes.of_people(torch.cat(bodies))


def tables(measured: Mapping[str, Any]) -> list[list[list[str]]]:
    """What was measured of one lifter, as a table with a head."""
    if "rows" not in measured:
        held_out = measured["held_out"].items()
        return [[["held-out poses", "value"], *([name, f"{value:.3f}"] for name, value in held_out)]]
    rows = [
        [Condition(row["pixels"], row["missed"]).label, *(f"{e:.1f}" for e in row["pa_mpjpe_person_mm"].values())]
        for row in measured["rows"]
    ]
    return [[["", TAUGHT, TEACHER], *rows]]


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    stages = {name: distil(config, name) for name in (LIFTERS if config.lifter == "all" else [config.lifter])}
    report(config, "distillation", stages, tables, NOTE)


if __name__ == "__main__":
    command(main)
