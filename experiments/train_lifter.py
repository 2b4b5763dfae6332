"""Stage two: train a lifter on the flows of stage one.   python -m experiments.train_lifter lifter=left_right"""

import json
from collections.abc import Sequence
from math import radians
from pathlib import Path

from callbacks.evaluation import MultiPersonEvaluation
from callbacks.rows import JOINT, main_result
from datamodules.pose_data_module import PoseDataModule
from duolift.body.anthropometry import bone_ratios
from duolift.body.skeleton import WHOLE
from duolift.networks.lifters import fast_bfloat16
from experiments.checkpoints import load_flows
from experiments.config import load, plain
from experiments.data import data_settings, image_size, open_data
from experiments.pretrain_flows import pretrain
from experiments.runs import Stage, command, fit
from experiments.settings import LIFTERS, Config
from lightning_modules.lifter import LifterModule
from lightning_modules.supervised import SupervisedLifterModule

LABELLED = " with 3D labels"
"""What the supervised reference's rows are marked with."""

TYPICAL_POSES = 1024
"""So many training poses tell what a typical likelihood is."""


def train(config: Config, lifter: str) -> Stage:
    """Train one lifter, `joint` for Figure 1's baseline, and score it; nothing is done twice.

    With labels there are no flows: it is the supervised reference, in rows that say so.
    """
    bodies, split = ("pair", WHOLE) if lifter == JOINT else ("person", lifter)
    labels = config.lifting.labels
    data = open_data(config, bodies, config.lifting.batch_size, labels)
    flows = None if labels else pretrain(config, bodies, data)
    settings = {
        **(flows.settings if flows else {"seed": config.seed, "bodies": bodies}),
        "data": data_settings(config, data),
        "lifter": lifter,
        "lifting": plain(config.lifting),
    }
    stage = Stage(Path(config.runs) / config.run / lifter, settings)
    if stage.finished:
        return stage

    def build() -> LifterModule:
        module = lifter_module(config, split, data)
        if flows is None:
            return module
        some = data.training_poses[:: max(1, len(data.training_poses) // TYPICAL_POSES)]
        return module.learn_from(load_flows(flows.checkpoint), some)

    evaluation = MultiPersonEvaluation(
        f"{lifter}{LABELLED if labels else ''}",
        data.evaluation,
        data.skeleton,
        config.evaluation.every,
        config.evaluation.few,
        stage.metrics,
        image_size(config, data.image),
    )
    watched = {"train/loss": "loss", "train/elevation_mean_deg": "elevation", "eval/pa_mpjpe_person_mm": "person mm"}
    fit(config, stage, build, data, config.lifting.epochs, [evaluation], watched, config.lifting.gradient_clip)
    return stage


def lifter_module(config: Config, split: str, data: PoseDataModule) -> LifterModule:
    """A fresh module with the configured network, losses and units."""
    options = plain(config.lifting)
    for key in ("labels", "epochs", "batch_size", "gradient_clip"):
        options.pop(key)
    bound, precision, ratios = options.pop("elevation_bound_deg"), options.pop("precision"), options.pop("bone_ratios")
    if data.bodies == "pair":
        options["likelihoods"], options["weights"]["augmentation"] = None, 0.0  # a pair's bones are no tree
    prior = data.bone_ratios() if ratios == "training_set" else bone_ratios(data.pose_skeleton)
    return (SupervisedLifterModule if config.lifting.labels else LifterModule)(
        data.pose_skeleton.name,
        scale=data.normalisation.scale,
        c=data.normalisation.c,
        centring=data.normalisation.centring,
        bone_ratios=prior.tolist(),
        split=split,
        elevation_bound=None if bound is None else radians(bound),
        half=precision == "bfloat16" or (precision == "auto" and fast_bfloat16()),
        initial_elevation=radians(options.pop("initial_elevation_deg")),
        azimuth=radians(options.pop("azimuth_deg")),
        **options,
    )


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    for lifter in LIFTERS if config.lifter == "all" else [config.lifter]:
        stage = train(config, lifter)
        row = main_result(json.loads(stage.metrics.read_text())["rows"])
        print(f"{lifter}: {row['name']}")
        for name, value in row["metrics"].items():
            print(f"  {name:32} {value:9.3f}")
        print(f"  checkpoint {stage.checkpoint}, all rows {stage.metrics}")


if __name__ == "__main__":
    command(main)
