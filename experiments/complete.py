"""Stage three: train the networks that complete poses for a run's lifters, and score them.

python -m experiments.complete lifter=links
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import roma
import torch
from torch import Tensor

from callbacks.lifting import LIFTED_AT_ONCE
from callbacks.scoring import NOISE_PIXELS, elevation_metrics
from datamodules.pose_data_module import PoseDataModule
from duolift.geometry.projection import project
from duolift.metrics.definitions import mpjpe
from duolift.metrics.fast_alignment import align
from duolift.networks.completion import strategies_of
from duolift.networks.occlusions import occlusions, random_visibility
from duolift.networks.partners import Partners
from duolift.progress import tracked
from experiments.checkpoints import load_completion, load_lifter
from experiments.config import load, plain
from experiments.data import open_data
from experiments.lifter_tables import report
from experiments.processes import is_first
from experiments.runs import Stage, command, fit
from experiments.settings import LIFTERS, Config
from experiments.train_lifter import train
from lightning_modules.completion import CompletionModule
from lightning_modules.lifter import LifterModule

NOTHING_HIDDEN, MEAN_POSE = "nothing hidden", "mean pose"
"""What the strategies are compared with: the lifter that sees all joints, and the mean body of the training set."""

FILLED_ALONE, BOTH_HIDDEN = "fill_lift, alone", "fill_lift, both hidden"
"""`fill_lift` without a partner, and beside one whose same joints are hidden; else the partner is wholly visible."""

LIMB = "a limb (mean of four)"
MEAN_STRIDE = 8
"""The mean body is that of every eighth training pose: enough for a mean, in an eighth of the time."""

NOTE = "PA-MPJPE in mm of the hidden joints (of all joints): one similarity a person, over all joints."


def complete(config: Config, lifter: str) -> Stage:
    """Train the networks that complete poses for one lifter, and score them; finished stages are not run again.

    Without 3D they are scored by what held-out poses lose alone.
    """
    lifting = train(config, lifter)
    data = open_data(config, "person", config.completion.batch_size, partners=True)
    settings = {**lifting.settings, "completion": plain(config.completion)}
    stage = Stage(lifting.folder.with_name(f"completion-{lifter}"), settings)
    if stage.finished:
        return stage
    teacher = load_lifter(lifting.checkpoint, data.skeleton.name)
    strategies = strategies_of(teacher.architecture)
    options = plain(config.completion)
    epochs, _ = options.pop("epochs"), options.pop("batch_size")

    def build() -> CompletionModule:
        return CompletionModule(data.skeleton.name, strategies, **options).attach_teacher(teacher)

    watched = {f"val/{name}_head_pct": name for name in strategies}
    held_out = fit(config, stage, build, data, epochs, [], watched)
    module = load_completion(stage.checkpoint, teacher)
    measured = {"scenes": len(data.evaluation), "held_out": held_out}
    if is_first() and data.evaluation.truth is not None:
        measured |= {"rows": score(module, data), "noise": score_detections(module, data)}
    stage.finish(measured)
    return stage


@torch.no_grad()
def score_detections(module: CompletionModule, data: PoseDataModule, dropped: float = 0.05) -> list[dict[str, Any]]:
    """PA-MPJPE per person under a detector's noise, mm.

    Of the lifter without completion, and of `fill_lift` for people alone and beside their partners, with all joints
    visible and with some dropped.

    Args:
        dropped: probability that a joint is not visible.

    Returns:
        for every noise, its standard deviation in pixels and the errors by method.
    """
    assert data.evaluation.truth is not None
    truth, normalisation = data.evaluation.of_people(data.evaluation.truth), data.normalisation
    focal = float(data.evaluation.intrinsics.focal.mean()) if normalisation.centring == "ray" else 1.0
    generator, rows = torch.Generator().manual_seed(0), []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for pixels in tracked(NOISE_PIXELS, "noise", len(NOISE_PIXELS)):
            scenes = data.evaluation.noisy(pixels, generator)
            poses, sigma = data.poses(scenes), pixels / focal / normalisation.scale  # sigma in head lengths
            everything = torch.ones(poses.shape[:-1], dtype=torch.bool)
            some = random_visibility(everything[:1], len(poses), dropped, data.skeleton.root_index)
            found = {"lifter alone": predict(module, "fill_lift", poses, everything)}
            for label, visible in (("", everything), (f", {dropped:.0%} of joints dropped", some)):
                shown = torch.zeros(scenes.pixels.shape[:-1], dtype=torch.bool)
                shown[scenes.everybody] = visible
                partners = data.partners_of(scenes, shown)
                found[FILLED_ALONE + label] = predict(module, "fill_lift", poses, visible, sigma)
                found["fill_lift" + label] = predict(module, "fill_lift", poses, visible, sigma, partners)
            errors = {name: mpjpe(align(people, truth), truth) for name, (people, _) in found.items()}
            rows.append({"pixels": pixels, "pa_mpjpe_person_mm": {name: e.item() for name, e in errors.items()}})
    return rows


@torch.no_grad()
def score(module: CompletionModule, data: PoseDataModule) -> list[dict[str, Any]]:
    """A row for every occlusion and method, on the evaluation scenes."""
    assert module.teacher is not None
    assert data.evaluation.truth is not None
    skeleton, poses, truth = (
        data.skeleton,
        data.poses(data.evaluation),
        data.evaluation.of_people(data.evaluation.truth),
    )
    everything = torch.ones(len(poses), len(skeleton), dtype=torch.bool)
    whole = predict(module, next(iter(module.completers)), poses, everything)
    partners = data.partners_of(data.evaluation)
    body = mean_body(module.teacher, data.training_poses[::MEAN_STRIDE])
    rows = []
    hiding = occlusions(skeleton)
    for occlusion, joints in tracked(hiding.items(), "hidden joints", len(hiding)):
        hidden = skeleton.indices(joints)
        visible = everything.clone()
        visible[:, hidden] = False
        filled = torch.where(visible.unsqueeze(-1), whole[0], laid_onto(body, whole[0], visible))
        seen = project(filled, module.teacher.normalisation.c)
        methods = {NOTHING_HIDDEN: whole, MEAN_POSE: (filled, module.teacher(seen)[1])}
        methods |= {
            FILLED_ALONE: predict(module, "fill_lift", poses, visible),
            BOTH_HIDDEN: predict(module, "fill_lift", poses, visible, 0.0, replace(partners, visible=visible)),
        }
        methods |= {name: predict(module, name, poses, visible, 0.0, partners) for name in module.completers}
        for method, (bodies, theta) in methods.items():
            distance = (align(bodies, truth) - truth).norm(dim=-1)
            metrics = {
                "pa_mpjpe_hidden_mm": distance[:, hidden].mean().item(),
                "pa_mpjpe_person_mm": distance.mean().item(),
                **elevation_metrics(theta.view(len(data.evaluation), -1), data.evaluation, skeleton),
            }
            rows.append({"occlusion": occlusion, "method": method, "metrics": metrics})
    return rows


def predict(
    module: CompletionModule,
    strategy: str,
    poses: Tensor,
    visible: Tensor,
    noise: float = 0.0,
    partners: Partners | None = None,
) -> tuple[Tensor, Tensor]:
    """`Completion.predict`, so many poses at a time as fit into memory."""
    completion, found = module.completion(strategy), []
    for start in range(0, len(poses), LIFTED_AT_ONCE):
        some = slice(start, start + LIFTED_AT_ONCE)
        near = partners and partners[some]
        found.append(completion.predict(poses[some], visible[some], noise, near))
    bodies, theta = zip(*found, strict=True)
    return torch.cat(bodies), torch.cat(theta)


def mean_body(teacher: LifterModule, poses: Tensor) -> Tensor:
    """The mean (joint, 3) of lifted poses (pose, joint, 2), each first laid onto the first of them."""
    bodies, _ = teacher(poses)
    return align(bodies, bodies[:1].expand_as(bodies)).mean(0)


def laid_onto(body: Tensor, bodies: Tensor, visible: Tensor) -> Tensor:
    """One body (joint, 3) moved by the similarity that brings it closest to the visible joints of each of many bodies.

    >>> bodies = torch.randn(4, 19, 3)
    >>> moved = laid_onto(2 * bodies[0], bodies[:1], torch.ones(1, 19, dtype=torch.bool))
    >>> torch.allclose(moved[0], bodies[0], atol=1e-4)
    True

    Args:
        body: (joint, 3).
        bodies: (pose, joint, 3).
        visible: (pose, joint).
    """
    many = body.expand_as(bodies)
    turn, shift, scale = roma.rigid_points_registration(many, bodies, visible.to(bodies.dtype), compute_scaling=True)
    return scale[:, None, None] * many @ turn.mT + shift.unsqueeze(-2)


def table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """A head, a line an occlusion, and one for the mean over single limbs; a column a method."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    errors = {(row["occlusion"], row["method"]): row["metrics"] for row in rows}
    names = list(dict.fromkeys(row["occlusion"] for row in rows))
    limbs = [name for name in names if name.endswith(("_arm", "_leg"))]

    def cell(chosen: Sequence[str], method: str) -> str:
        hidden, person = (
            sum(errors[name, method][key] for name in chosen) / len(chosen)
            for key in ("pa_mpjpe_hidden_mm", "pa_mpjpe_person_mm")
        )
        return f"{hidden:.1f} ({person:.1f})"

    lines = [(name.replace("_", " "), [name]) for name in names] + [(LIMB, limbs)]
    return [["hidden", *methods], *([label, *(cell(chosen, m) for m in methods)] for label, chosen in lines)]


def noise_table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """A head, and a line a deviation of the detector's noise; a column a method."""
    head = ["noise", *rows[0]["pa_mpjpe_person_mm"]]
    return [head, *([f"{r['pixels']:g} px", *(f"{e:.1f}" for e in r["pa_mpjpe_person_mm"].values())] for r in rows)]


def tables(measured: dict[str, Any]) -> list[list[list[str]]]:
    """What was measured of one lifter, as tables with a head each: one where there was no 3D, else two."""
    if "rows" not in measured:
        held_out = measured["held_out"].items()
        return [[["held-out poses", "value"], *([name, f"{value:.2f}"] for name, value in held_out)]]
    return [table(measured["rows"]), noise_table(measured["noise"])]


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    stages = {name: complete(config, name) for name in (LIFTERS if config.lifter == "all" else [config.lifter])}
    report(config, "completion", stages, tables, NOTE)


if __name__ == "__main__":
    command(main)
