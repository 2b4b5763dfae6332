"""Lifted scenes placed and compared with the ground truth, row by row of the ablation.

3D labels are used here and nowhere in training, and what is measured here decides nothing: no checkpoint is chosen and
no training is stopped by it.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor

from callbacks.camera_centred import CAMERA_CENTRED, camera_scores
from callbacks.lifting import (
    bodies_in_camera,
    estimated_focal,
    lift_by_camera,
    lift_scenes,
    perfect_lift,
    through_default_lens,
    through_lens,
    unit_of,
)
from callbacks.parallel import on_all_cores
from callbacks.rows import LiftedBy, Row
from callbacks.together import Index, scored_together
from duolift.body.skeleton import Skeleton
from duolift.geometry.lifted import Lifted
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.batched import Truth
from duolift.metrics.definitions import CONTACT, mpjpe
from duolift.metrics.fast_alignment import align, align_scene
from duolift.metrics.protocols import at_root, joint_errors, pck
from duolift.metrics.table import PROTOCOLS
from duolift.placement.interface import FocalSource, SceneCameras
from lightning_modules.lifter import LifterModule

RECALL, FOUND, PRESENT = "recall_pct", "found", "present"
"""The share of people, of those of whom a joint is in the image, who are in the scene and about where they should be,
and the numbers that it is of."""

PCK, PCK_ABS = "scene_pck_pct", "scene_pck_abs_pct"
"""Shares of joints within 150 mm once the scene is aligned, by one similarity and so not each person: about people's
roots, and where they are. Of everybody, whoever is present and not in the scene has no such joint."""

RELATIVE = "n_pck_pct"
"""The protocol of people by themselves, however they are placed: 3DPCK relative to the root, as the camera sees them,
each at the scale that fits best, since no image tells how large somebody is."""

RECALLED_MM = 500.0
"""Whose mean joint error is no larger, after the scene's alignment, is found: the threshold of VoxelPose's recall,
https://arxiv.org/abs/2004.06239."""

NOISE_PIXELS = (0.0, 2.0, 5.0, 10.0)
"""Standard deviations of the joints' places at which robustness is measured."""

SCORED_AT_ONCE = 4096
"""Scenes of a portion: they keep torch busy for longer than Python takes to ask, and nearly fit a processor's cache."""

SCORED_AT_ONCE_ON_DEVICE = 100_000
"""The same where there is no such cache: a GPU takes hardly longer for many scenes than for few, so that all of CHI3D's
78,000 are one portion; so many take 1.3 GB beside the scenes themselves."""


@dataclass(frozen=True)
class LiftedScenes:
    """Scenes, what was lifted of them, and what rows share of both.

    Attributes:
        scenes: with ground truth where they are to be scored.
        lifted: their people.
        ups: estimates of up by what they depend on; see `duolift.placement.interface.Placement.camera_estimate`.
    """

    scenes: SceneBatch
    lifted: Lifted
    ups: dict[Hashable, Tensor] = field(default_factory=dict)

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Some of the scenes, which share nothing with the others."""
        return replace(self, scenes=self.scenes[index], lifted=self.lifted[index], ups={})

    @property
    def skeleton(self) -> Skeleton:
        return self.lifted.skeleton

    @property
    def device(self) -> torch.device:
        """Where the scenes are, and so are placed and scored."""
        return self.scenes.pixels.device

    def placed(self, row: Row) -> Tensor:
        """The row's people in one scene, (scene, person, joint, 3)."""
        estimate = row.placement.camera_estimate
        up = self.scenes.up if row.up_known else self.ups.get(estimate)
        placed = row.placement(self.lifted, SceneCameras(self.scenes.sequence, up))
        if estimate is not None and not row.up_known:
            self.ups[estimate] = placed.up
        return placed.people

    @cached_property
    def alone(self) -> Tensor:
        """The error of people as they were lifted, each aligned alone: (scene,), millimetres."""
        assert self.scenes.truth is not None
        return mpjpe(align(self.lifted.bodies, self.scenes.truth), self.scenes.truth)


def portions(sequence: Tensor) -> list[slice]:
    """Runs of scenes for all cores, by their sequences (scene,): of about one length, and each of whole sequences.

    All scenes are one run where the sequences are mixed. On another device than the CPU runs are as few as memory
    allows.
    """
    on_cpu, sequence = sequence.device.type == "cpu", sequence.cpu()
    starts = torch.cat([sequence.new_zeros(1), 1 + sequence.diff().nonzero().flatten()])
    if len(starts) > len(sequence.unique()):
        return [slice(0, len(sequence))]
    at_once, fewest = (SCORED_AT_ONCE, torch.get_num_threads()) if on_cpu else (SCORED_AT_ONCE_ON_DEVICE, 1)
    number = max(-(-len(sequence) // at_once), fewest)
    even = len(sequence) * torch.arange(1, number) // number
    bounds = {int(starts[(starts - bound).abs().argmin()]) for bound in even} | {0, len(sequence)}
    return [slice(*ends) for ends in pairwise(sorted(bounds))]


def score_rows(rows: Sequence[Row], lifts: Sequence[LiftedScenes], size: float | None = None) -> list[dict[str, float]]:
    """Mean metrics of every row over its lifted scenes, which differ in their lenses alone; `size` as of `evaluate`.

    A few sequences at a time go through all rows, which is quicker than all of them through a row. Where the scenes are
    on another device, the means alone are brought from there, all at once.
    """
    runs = portions(lifts[0].scenes.sequence)
    parts = on_all_cores(partial(score_some, rows, lifts, size=size), runs, device=lifts[0].device)
    means = [
        {name: mean_score(name, torch.cat([of_some[name] for of_some in of_row])) for name in of_row[0]}
        for of_row in zip(*parts, strict=True)
    ]
    numbers = iter(torch.stack([mean for of_row in means for mean in of_row.values()]).tolist())
    named = [{name: next(numbers) for name in of_row} for of_row in means]
    for of_row in named:
        if PRESENT in of_row:
            of_row[RECALL] = 100 * of_row.pop(FOUND) / of_row.pop(PRESENT)
    optional = (CONTACT, *CAMERA_CENTRED)
    return [{name: of for name, of in of_row.items() if name not in optional or not math.isnan(of)} for of_row in named]


def mean_score(name: str, values: Tensor) -> Tensor:
    """The mean of a metric over scenes, or people; of contact over the scenes in which people touch."""
    return values.nanmean() if name == CONTACT else values.mean()


def score_some(
    rows: Sequence[Row], lifts: Sequence[LiftedScenes], run: slice, size: float | None = None
) -> list[dict[str, Tensor]]:
    """All metrics of every row, a number a scene, of a run of scenes; protocols in the camera's frame where `size` is
    told, a number a person."""
    some = {id(lift): lift[run] for lift in lifts}
    scenes, skeleton = lifts[0].scenes[run], lifts[0].skeleton
    assert scenes.truth is not None
    root, hands = skeleton.root_index, skeleton.hands
    truth = Truth(scenes.truth, root, hands) if scenes.valid is None else None
    scores = []
    for row, lift in zip(rows, (some[id(lift)] for lift in lifts), strict=True):
        people = lift.placed(row)
        if truth is None:
            of_row = score_masked(people, scenes, root, hands)
        else:
            of_row = truth.score(people, lift.alone if row.placement.keeps_bodies else None)
        if size is not None and row.in_camera:
            of_row |= camera_scores(people, scenes, skeleton, size)
        scores.append(of_row)
    return scores


def score_masked(people: Tensor, scenes: SceneBatch, root: int, hands: Sequence[int] = ()) -> dict[str, Tensor]:
    """All metrics, a number a scene, where people come and go: of those who are valid, NaN for fewer than two of them.

    Args:
        people: (scene, person, joint, 3), placed.
        scenes: with ground truth.
        root, hands: as of `duolift.metrics.batched.Truth`.

    Beside the metrics, how many are found (`FOUND`) of how many are present (`PRESENT`), wholly or in part.
    """
    assert scenes.truth is not None
    assert scenes.valid is not None
    assert scenes.present is not None
    target, present = scenes.truth, scenes.present.sum(-1)

    def score(index: Index) -> dict[str, Tensor]:
        predicted, truth = people[index], target[index]
        placed, here = align_scene(predicted, truth), present[index[0].squeeze(-1)]
        off = joint_errors(placed, truth)  # (scene, person, joint)
        relative = joint_errors(at_root(placed, truth, root), truth)
        found = {FOUND: (off.mean(-1) <= RECALLED_MM).sum(-1).to(off), PRESENT: here.to(off)}
        share = truth.shape[1] / here
        shares = {PCK: pck(relative).mean((1, 2)), PCK_ABS: pck(off).mean((1, 2))}
        everybody = {f"{name}_of_everybody": share * of for name, of in shares.items()}
        return Truth(truth, root, hands).score(predicted) | shares | everybody | found

    return scored_together(scenes.valid, score)


def score_scenes(row: Row, lift: LiftedScenes) -> dict[str, Tensor]:
    """All metrics of one row, a number a scene, in the CPU's memory."""
    runs = portions(lift.scenes.sequence)
    parts = on_all_cores(lambda run: score_some([row], [lift], run)[0], runs, device=lift.device)
    scores = {name: torch.cat([of_some[name] for of_some in parts]).cpu() for name in parts[0]}
    if PRESENT in scores:
        scores[RECALL] = 100 * scores.pop(FOUND) / scores.pop(PRESENT)
    return scores


def elevation_metrics(elevation: Tensor, scenes: SceneBatch, skeleton: Skeleton) -> dict[str, float]:
    """Mean absolute error in degrees, and correlation, of elevations (scene, person) in radians."""
    elevation, true = (scenes.of_people(of) for of in (elevation, scenes.elevations(skeleton.root_index)))
    return {
        "elevation_error_deg": (elevation - true).abs().mean().rad2deg().item(),
        "elevation_correlation": torch.corrcoef(torch.stack([elevation.flatten(), true.flatten()]))[0, 1].item(),
    }


def personal_metrics(module: LifterModule, lifted: Lifted, scenes: SceneBatch, skeleton: Skeleton) -> dict[str, float]:
    """What is measured of all valid people however they are placed: their elevations, and `RELATIVE`."""
    assert scenes.truth is not None
    bodies = bodies_in_camera(lifted, module.normalisation.centring)
    people, truth = scenes.of_people(bodies), scenes.of_people(scenes.truth)
    relative = PROTOCOLS[RELATIVE].scores(people, truth, skeleton.root_index).mean().item()
    return elevation_metrics(lifted.elevation, scenes, skeleton) | {RELATIVE: relative}


def lift_for_rows(
    module: LifterModule,
    rows: Sequence[Row],
    scenes: SceneBatch,
    skeleton: Skeleton,
    scale: float | None,
    image: tuple[float, float],
    lifted: Lifted | None,
) -> list[LiftedScenes]:
    """The lifted scenes of every row: the scenes are lifted once for every kind of lens; arguments as of `evaluate`."""
    by_lens = {FocalSource.KNOWN: LiftedScenes(scenes, lifted or lift_scenes(module, scenes, skeleton, scale))}
    lenses = {row.focal for row in rows} - {FocalSource.KNOWN}
    if lenses:
        normal = through_default_lens(scenes, image)
        by_lens[FocalSource.DEFAULT] = LiftedScenes(normal, lift_by_camera(module, normal, skeleton))
    if FocalSource.PEOPLE in lenses:
        focal = estimated_focal(by_lens[FocalSource.DEFAULT].lifted, normal)
        told = through_lens(scenes, focal.pixels[scenes.camera], image)
        by_lens[FocalSource.PEOPLE] = LiftedScenes(told, lift_by_camera(module, told, skeleton))
    perfect = None
    if any(row.lifted_by == LiftedBy.PERFECT for row in rows):
        perfect = LiftedScenes(scenes, perfect_lift(scenes, skeleton, unit_of(module, scale)))
    return [perfect if perfect and row.lifted_by == LiftedBy.PERFECT else by_lens[row.focal] for row in rows]


def evaluate(
    module: LifterModule,
    rows: Sequence[Row],
    scenes: SceneBatch,
    skeleton: Skeleton,
    scale: float | None = None,
    *,
    image: tuple[float, float],
    size: float | None = None,
    lifted: Lifted | None = None,
) -> list[dict[str, Any]]:
    """Score every row on the scenes; each is described as `ablation.json` holds it.

    Everything is computed where the module is; scenes that are elsewhere are brought there once.

    Args:
        scale: a head length in these images, as `Normalisation` counts it; None takes the training set's.
        image: width and height, pixels, for the rows that know nothing else of the cameras.
        size: the sum of people's bone lengths on average, millimetres, for protocols in the camera's frame; None for
            none of them.
        lifted: the scenes' people, where they have been lifted already.
    """
    training, device = module.training, module.device
    module.eval()
    scenes, lifted = scenes.to(device), None if lifted is None else lifted.to(device)
    lifts = lift_for_rows(module, rows, scenes, skeleton, scale, image, lifted)
    trained = {id(lift): lift for row, lift in zip(rows, lifts, strict=True) if not row.of_one_body}
    personal = {number: personal_metrics(module, lift.lifted, scenes, skeleton) for number, lift in trained.items()}
    results = []
    for row, lift, metrics in zip(rows, lifts, score_rows(rows, lifts, size), strict=True):
        if row.lifted_by == LiftedBy.TRAINED and not row.of_one_body:
            metrics |= personal[id(lift)]
        if row.focal != FocalSource.KNOWN:
            wrong = (lift.scenes.intrinsics.focal / scenes.intrinsics.focal - 1).abs()
            metrics["focal_error_pct"] = 100 * wrong.mean().item()
        results.append(row.described(metrics))
    module.train(training)
    return results


@torch.no_grad()
def robustness(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton) -> dict[str, float]:
    """PA-MPJPE a person, mm, where every joint has Gaussian noise: by its standard deviation in pixels."""
    scenes, generator, errors = scenes.to(module.device), torch.Generator().manual_seed(0), {}
    assert scenes.truth is not None
    for pixels in NOISE_PIXELS:
        lifted = lift_scenes(module, scenes.noisy(pixels, generator), skeleton)
        bodies, truth = lifted.bodies, scenes.truth
        if scenes.valid is not None:  # each as a scene of one person
            bodies, truth = bodies[scenes.valid].unsqueeze(1), truth[scenes.valid].unsqueeze(1)
        errors[f"{pixels:g}"] = mpjpe(align(bodies, truth), truth).mean().item()
    return errors
