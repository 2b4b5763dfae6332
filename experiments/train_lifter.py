"""Stage two: train a lifter on the flows of stage one.   python -m experiments.train_lifter lifter=left_right"""

import json
import sys
from collections.abc import Sequence
from math import radians
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from callbacks.alone import SinglePersonEvaluation
from callbacks.evaluation import MultiPersonEvaluation
from callbacks.held_out import HeldOutEvaluation
from callbacks.rows import JOINT, product_result
from datamodules.pose_data_module import PoseDataModule
from datamodules.sources.registry import open_source
from duolift.body.anthropometry import bone_ratios
from duolift.body.skeleton import WHOLE
from duolift.geometry.normalisation import Normalisation
from duolift.learning.augmentation import Augmentation
from duolift.learning.objective import LossWeights, Objective
from duolift.networks.architecture import Architecture
from duolift.networks.lifting_network import fast_bfloat16
from experiments.checkpoints import load_flows
from experiments.config import load, plain
from experiments.data import data_settings, image_size, open_data
from experiments.pretrain_flows import pretrain
from experiments.runs import Stage, command, fit
from experiments.settings import LIFTERS, Config
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import OptimiserSettings
from lightning_modules.supervised import SupervisedLifterModule

LABELLED = " with 3D labels"
"""Ends the names of the supervised reference's rows."""

FEWEST_STEPS = 2000
"""Steps below which a lifter has hardly begun: the default's training on motion capture takes 11,800."""

BASELINE_POSES = 1024
"""How many training poses, evenly spaced, the baseline of the likelihood is the mean of."""


def train(config: Config, lifter: str) -> Stage:
    """Train one lifter and score it; what is finished already is not done again.

    Args:
        lifter: a split, or `joint` for Figure 1's baseline, which lifts two people as one body.

    With `lifting.labels` there are no flows: it is the supervised reference, whose rows' names say so.
    """
    bodies, split = ("pair", WHOLE) if lifter == JOINT else ("person", lifter)
    labels = config.lifting.labels
    data = open_data(config, bodies, config.lifting.batch_size, labels)
    flows = None if labels else pretrain(config, bodies, data)
    settings = {
        **(flows.settings if flows else {"seed": config.seed, "bodies": bodies}),
        "data": data_settings(config, data),
        "lifter": lifter,
        "lifting": _lifting_settings(config),
    }
    stage = Stage(Path(config.runs) / config.run / lifter, settings)
    if stage.finished:
        return stage

    if note := too_few_steps(config, len(data.training_poses)):
        print(note, file=sys.stderr)

    def build() -> LifterModule:
        module = lifter_module(config, split, data)
        if flows is None:
            return module
        some = data.training_poses[:: max(1, len(data.training_poses) // BASELINE_POSES)]
        return module.attach_prior(load_flows(flows.checkpoint), some)

    evaluation: pl.Callback
    if data.evaluation.truth is None:
        evaluation = HeldOutEvaluation(data.validation_poses, config.evaluation.every, stage.metrics)
    elif data.size is not None and data.alone:
        evaluation = SinglePersonEvaluation(
            f"{lifter}{LABELLED if labels else ''}",
            data.evaluation,
            data.skeleton,
            data.size,
            data.consecutive,
            config.evaluation.every,
            config.evaluation.few,
            stage.metrics,
        )
    else:
        evaluation = MultiPersonEvaluation(
            f"{lifter}{LABELLED if labels else ''}",
            data.evaluation,
            data.skeleton,
            config.evaluation.every,
            config.evaluation.few,
            stage.metrics,
            image_size(config, data.image),
            data.size,
        )
    watched = {"train/loss": "loss", "train/elevation_mean_deg": "elevation", "eval/pa_mpjpe_person_mm": "person mm"}
    fit(config, stage, build, data, config.lifting.epochs, [evaluation], watched, config.lifting.gradient_clip)
    return stage


def lifter_module(config: Config, split: str, data: PoseDataModule) -> LifterModule:
    """An untrained module with the configured network, losses and units."""
    lifting, pair = config.lifting, data.bodies == "pair"
    of_data = lifting.bone_ratios == "training_set"
    ratios = tuple(data.bone_ratios().tolist()) if of_data else bone_ratios(data.pose_skeleton)
    weights = plain(lifting.weights) | ({"augmentation": 0.0} if pair else {})  # a pair's bones are no tree
    parts = None if pair or lifting.likelihoods is None else tuple(lifting.likelihoods)
    bound, views = lifting.elevation_bound_deg, lifting.elevations_deg
    return (SupervisedLifterModule if lifting.labels else LifterModule)(
        data.pose_skeleton.name,
        normalisation=Normalisation(data.normalisation.scale, data.normalisation.c, data.normalisation.centring),
        architecture=Architecture(
            network=lifting.network,
            split=split,
            width=lifting.width,
            blocks=lifting.blocks,
            elevation_bound=None if bound is None else radians(bound),
            initial_elevation=radians(lifting.initial_elevation_deg),
        ),
        objective=Objective(
            bone_ratios=ratios,
            weights=LossWeights(**weights),
            parts=parts,
            azimuth=radians(lifting.azimuth_deg),
            attached=lifting.attached,
            elevations=None if views is None else (radians(views[0]), radians(views[1])),
            mirror=lifting.mirror,
            sampling=lifting.sampling,
            noise=lifting.noise,
            augmentation=Augmentation(**plain(lifting.augmentation)),
        ),
        optimiser=OptimiserSettings(lifting.learning_rate, lifting.schedule, lifting.decay, lifting.weight_decay),
        flip_test=lifting.flip_test,
        half=lifting.precision == "bfloat16"
        or (lifting.precision == "auto" and fast_bfloat16(config.compute.accelerator)),
    )


def _lifting_settings(config: Config) -> dict[str, object]:
    """The settings of the lifter that decide a result.

    Defaults of settings that came later are left out: runs of before there was a choice do not name theirs, and are no
    other.
    """
    settings, later = plain(config.lifting), {"network": Architecture().network, "elevations_deg": None}
    if settings["weights"]["elevation"] == 0:
        del settings["weights"]["elevation"]
    return {key: value for key, value in settings.items() if key not in later or value != later[key]}


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    for lifter in LIFTERS if config.lifter == "all" else [config.lifter]:
        stage = train(config, lifter)
        title, metrics = headline(json.loads(stage.metrics.read_text()))
        print(f"{lifter}: {title}")
        for name, value in metrics.items():
            print(f"  {name:32} {value:9.3f}")
        print(f"  checkpoint {stage.checkpoint}, all rows {stage.metrics}")


def too_few_steps(config: Config, poses: int) -> str | None:
    """What to say of a training on 2D alone that is over before much is learned; None of any other.

    >>> too_few_steps(load(["data.source=keypoints"]), poses=1788)
    'note: 240 steps, of 256 of 1788 poses each, are few; a lifter takes some thousands: give lifting.epochs=334'
    """
    each = poses // config.lifting.batch_size
    steps = each * config.lifting.epochs
    if open_source(config.data.source).measured or steps >= FEWEST_STEPS:
        return None
    return (
        f"note: {steps} steps, of {config.lifting.batch_size} of {poses} poses each, are few; a lifter takes some "
        f"thousands: give lifting.epochs={-(-FEWEST_STEPS // max(1, each))}"
    )


def headline(measured: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """What is told of a trained lifter: its main row, or without 3D its losses on people who were held out."""
    if "rows" not in measured:
        return f"losses on {measured['poses']} poses that were held out, by 2D alone", measured["held_out"]
    row = product_result(measured["rows"])
    return row["name"], row["metrics"]


if __name__ == "__main__":
    command(main)
