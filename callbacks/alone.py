"""People by themselves, scored by the field's protocols: data sets of single people, of whom there is nothing to place.

3D labels are used here and nowhere in training, and what is measured here decides nothing, as in `callbacks.scoring`.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.figures import save_figure, scene_sheet
from callbacks.labelled import LabelledEvaluation
from callbacks.lifting import bodies_in_camera, lift_scenes
from callbacks.parallel import on_all_cores
from callbacks.rows import CAMERA_SETTINGS, PERFECT, placement_options
from callbacks.scene_errors import action_of
from callbacks.scene_pictures import PICTURED_SCENES
from callbacks.scoring import elevation_metrics
from duolift.body.skeleton import Skeleton
from duolift.geometry.bones import bone_lengths
from duolift.geometry.rotations import levelling, rotate
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.fast_alignment import align
from duolift.metrics.table import PROTOCOLS, Metrics
from lightning_modules.lifter import LifterModule

ALONE, TRUE_DEPTHS = "each person alone", "true depths behind the 2D poses"
"""What the rows are called."""

BY_ACTION = ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")
"""What is told of every action."""

SCORED_AT_ONCE = 2048
"""Images of a sequence that are scored together, at most; the last ones are scored again with the next."""


def in_millimetres(bodies: Tensor, skeleton: Skeleton, size: float) -> Tensor:
    """Bodies (..., joint, 3) of any unit, every one of them as large as people are on average.

    Nothing in an image says how large somebody is, so that sizes are taken as known where a protocol compares them.

    Args:
        size: the sum of the bones' lengths, millimetres.

    >>> from duolift.body.skeleton import H36M17
    >>> bodies = in_millimetres(torch.randn(4, 17, 3), H36M17, size=5000.0)
    >>> bone_lengths(bodies, H36M17).sum(-1).round()
    tensor([5000., 5000., 5000., 5000.])
    """
    return bodies * (size / bone_lengths(bodies, skeleton).sum(-1))[..., None, None]


def mean_size(scenes: SceneBatch, skeleton: Skeleton) -> float:
    """The mean sum of bone lengths of the people of scenes with ground truth, millimetres."""
    assert scenes.truth is not None
    return bone_lengths(scenes.of_people(scenes.truth), skeleton).sum(-1).mean().item()


def true_depths(scenes: SceneBatch, root: int) -> Tensor:
    """What a lifter would give that knows every joint's depth: (scene, person, joint, 3), millimetres, about the root.

    Joints lie where the rays to the given 2D poses have the true depth, so that it is off by what these are off.
    """
    assert scenes.truth is not None
    depth = scenes.truth[..., 2:]
    points = torch.cat([scenes.rays * depth, depth], dim=-1)
    return points - points[..., root : root + 1, :]


def score_alone(
    bodies: Tensor, scenes: SceneBatch, root: int, consecutive: bool, keys: Sequence[str] | None = None
) -> dict[str, float]:
    """The protocols' values for everybody, each frame by itself, and where they are consecutive of movements.

    Args:
        bodies: (scene, person, joint, 3), millimetres, in the cameras' frames.
        scenes: with ground truth.
        root: index of the root joint.
        consecutive: whether the scenes of a sequence are consecutive frames.
        keys: of `PROTOCOLS`; None for all that compare poses by themselves.
    """
    known = [key for key, protocol in PROTOCOLS.items() if not protocol.absolute] if keys is None else keys
    wanted = [key for key in known if consecutive or PROTOCOLS[key].frames == 1]
    assert scenes.truth is not None
    truth, metrics = scenes.truth, dict[str, float]()
    for key in wanted:
        protocol = PROTOCOLS[key]
        runs = sequences_of(scenes.sequence, protocol.frames) if protocol.frames > 1 else pieces(len(truth))

        def scored(run: slice, key: str = key) -> Metrics:
            of_run = Metrics.of(root, [key])
            of_run.update(bodies[run], truth[run])
            return of_run

        parts = [part.metrics[0] for part in on_all_cores(scored, runs, device=bodies.device)]
        count = sum(part.count for part in parts)
        if count:
            metrics[key] = sum(part.total for part in parts) / count
    return metrics


def pieces(count: int) -> list[slice]:
    """Runs of so many images, for all cores.

    >>> pieces(3000)
    [slice(0, 2048, None), slice(2048, 3000, None)]
    """
    return [slice(start, min(count, start + SCORED_AT_ONCE)) for start in range(0, count, SCORED_AT_ONCE)]


def sequences_of(sequence: Tensor, frames: int) -> list[slice]:
    """The sequences that are long enough, where the images of each follow each other.

    >>> sequences_of(torch.tensor([0, 0, 0, 1, 2, 2]), frames=2)
    [slice(0, 3, None), slice(4, 6, None)]
    """
    ends = [0, *(1 + sequence.diff().nonzero().flatten()).tolist(), len(sequence)]
    return [slice(start, end) for start, end in pairwise(ends) if end - start >= frames]


def by_action(bodies: Tensor, scenes: SceneBatch, root: int) -> dict[str, dict[str, float]]:
    """Some of the protocols' values for every action, and their means over actions: tables of Human3.6M have these."""
    assert scenes.truth is not None
    names = [action_of(name) for name in scenes.sequences]
    errors = {key: PROTOCOLS[key].scores(bodies, scenes.truth, root).mean((1, 2)) for key in BY_ACTION}
    found = {}
    for action in dict.fromkeys(names):
        numbers = torch.tensor([number for number, name in enumerate(names) if name == action], device=bodies.device)
        some = torch.isin(scenes.sequence, numbers)
        found[action] = {key: of[some].mean().item() for key, of in errors.items()}
    means = {key: sum(of[key] for of in found.values()) / len(found) for key in BY_ACTION}
    return {**found, "mean over actions": means}


def described(name: str, lifter: str, metrics: dict[str, float]) -> dict[str, Any]:
    """A row as `ablation.json` holds it; of a single person the scene is the person."""
    alone = {"pa_mpjpe_person_mm": metrics["pa_mpjpe_mm"]}
    empty = dict.fromkeys([*placement_options(), *CAMERA_SETTINGS])
    return {"name": name, "lifter": lifter, **empty, "metrics": metrics | alone, "published": None}


def evaluate_alone(
    module: LifterModule,
    lifter: str,
    scenes: SceneBatch,
    skeleton: Skeleton,
    size: float,
    consecutive: bool,
    scale: float | None = None,
) -> list[dict[str, Any]]:
    """The rows of a lifter on single people: what it makes of them, and what true depths would.

    Args:
        lifter: its name.
        scenes: of a person each, with ground truth.
        size: the sum of the bones' lengths of people on average, millimetres; see `in_millimetres`.
        consecutive: whether the scenes of a sequence are consecutive frames.
        scale: a head length in these images, as `Normalisation` counts it; None takes the training set's.
    """
    training, root = module.training, skeleton.root_index
    scenes = scenes.to(module.device)
    lifted = lift_scenes(module.eval(), scenes, skeleton, scale)
    module.train(training)
    bodies = in_millimetres(bodies_in_camera(lifted, module.normalisation.centring), skeleton, size)
    metrics = score_alone(bodies, scenes, root, consecutive)
    if scenes.up is not None:
        metrics |= elevation_metrics(lifted.elevation, scenes, skeleton)
    best = score_alone(true_depths(scenes, root), scenes, root, consecutive)
    first = described(ALONE, lifter, metrics) | {"actions": by_action(bodies, scenes, root)}
    return [first, described(TRUE_DEPTHS, PERFECT, best)]


class SinglePersonEvaluation(LabelledEvaluation):
    """Scores the module on evaluation images of single people every few epochs, and on all of them at the end.

    It logs and writes what `callbacks.evaluation.MultiPersonEvaluation` does, of people in place of scenes: the rows of
    `evaluate_alone`, and a picture of some people, `scenes.png`.

    Args:
        lifter: its name.
        scenes: with ground truth.
        skeleton: of the people.
        size, consecutive: as of `evaluate_alone`.
        every: epochs between evaluations during training.
        few: at most this many images, evenly spaced, during training; the end always uses all.
        path: the file to write at the end.
    """

    def __init__(
        self,
        lifter: str,
        scenes: SceneBatch,
        skeleton: Skeleton,
        size: float,
        consecutive: bool,
        every: int,
        few: int,
        path: Path,
    ) -> None:
        super().__init__(scenes, skeleton, every, few, path, size)
        self.lifter, self.consecutive = lifter, consecutive

    def metrics_of(self, module: LifterModule, scenes: SceneBatch) -> dict[str, Any]:
        row, *_ = self._rows(module, scenes, consecutive=False)
        metrics: dict[str, Any] = row["metrics"]
        return metrics

    def _rows(self, module: LifterModule, scenes: SceneBatch, consecutive: bool) -> list[dict[str, Any]]:
        assert self.size is not None
        return evaluate_alone(module, self.lifter, scenes, self.skeleton, self.size, consecutive)

    def _finish(self, trainer: pl.Trainer, module: LifterModule) -> None:
        rows = self._rows(module, self.scenes, self.consecutive)
        save_figure(people_picture(module, self.scenes, self.skeleton), self.path.with_name("scenes.png"))
        self.record(trainer, module, rows, rows[0]["metrics"])


def people_picture(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton) -> Figure:
    """Some people as they were lifted, over the truth; level where it is known where up is."""
    chosen = torch.linspace(0, len(scenes) - 1, min(PICTURED_SCENES, len(scenes))).long()
    some = scenes[chosen]
    assert some.truth is not None
    lifted = lift_scenes(module.eval(), some.to(module.device), skeleton)
    people = align(bodies_in_camera(lifted, module.normalisation.centring).cpu(), some.truth)
    level = torch.eye(3).expand(len(some), 3, 3) if some.up is None else levelling(some.up)
    people, truth = (rotate(level.unsqueeze(1), each) for each in (people, some.truth))
    return scene_sheet(some.pixels, people, truth, skeleton)
