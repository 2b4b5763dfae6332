"""Stage one: pre-train the flows.   python -m experiments.pretrain_flows experiment=paper data.root=..."""

import json
from collections.abc import Sequence
from pathlib import Path

from callbacks.samples import FlowSamples
from datamodules import synthetic
from datamodules.chi3d import CHI3DDataModule
from duolift.body.skeleton import WHOLE, skeleton_named
from duolift.errors import InputError
from experiments.config import SYNTHETIC_ROOT, Config, flow_parts, load, plain
from experiments.processes import number_of
from experiments.runs import Stage, command, fit
from lightning_modules.flow_prior import FlowPriorModule

PAIR_PARTS = [WHOLE]


def open_data(
    config: Config, bodies: str, batch_size: int, labels: bool = False, partners: bool = False
) -> CHI3DDataModule:
    """The run's data, read and normalised; the embedded set is written first where it is not there."""
    if config.data.source == "synthetic":
        synthetic.write(Path(config.data.root), config.data.synthetic)
    if "synthetic" in config.data.extra:
        synthetic.write(Path(SYNTHETIC_ROOT), config.data.synthetic)
    data = CHI3DDataModule(
        Path(config.data.root),
        skeleton_named(config.data.skeleton),
        train=config.data.train,
        evaluate=config.data.evaluate,
        bodies=bodies,
        c=None if config.data.c == "calibrated" else float(config.data.c),
        centring=config.data.normalisation,
        batch_size=batch_size,
        held_out=config.data.held_out,
        cameras=config.data.cameras,
        cache=Path(config.data.cache),
        labels=labels,
        extra=[Path(SYNTHETIC_ROOT if root == "synthetic" else root) for root in config.data.extra],
        extra_share=config.data.extra_share,
        partners=partners,
        seed=config.seed,
    )
    data.setup()
    return batched(config, data, batch_size)


def batched(config: Config, data: CHI3DDataModule, size: int) -> CHI3DDataModule:
    """The data in batches of a size. Raises InputError where they do not make one, or processes cannot share it."""
    if len(data.training_poses) < size:
        found = len(data.training_poses)
        raise InputError(f"{config.data.root}: holds {found} training poses; expected at least a batch of {size}")
    if size % (processes := number_of(config.compute)):
        raise InputError(f"a batch of {size} poses: expected one that {processes} processes share out evenly")
    return data.in_batches_of(size)


def data_settings(config: Config, data: CHI3DDataModule) -> dict[str, object]:
    """What of the data decides a result: its content and how it is read, not where it lies."""
    read = {
        key: getattr(config.data, key)
        for key in ("train", "evaluate", "cameras", "skeleton", "c", "normalisation", "held_out", "extra_share")
    }
    return {**read, "content": data.fingerprint}


def pretrain(config: Config, bodies: str = "person", data: CHI3DDataModule | None = None) -> Stage:
    """Train the flows of a person's poses, or of a pair's, unless that is done already.

    Args:
        data: the run's, where it has been opened.
    """
    size = config.flows.batch_size
    data = open_data(config, bodies, size) if data is None else batched(config, data, size)
    options = plain(config.flows) | {"parts": flow_parts(config) if bodies == "person" else PAIR_PARTS}
    settings = {
        "seed": config.seed,
        "bodies": bodies,
        "data": data_settings(config, data),
        "flows": dict(options),
    }
    stage = Stage(Path(config.runs) / config.run / ("flows" if bodies == "person" else "flows-pair"), settings)
    if stage.finished:
        return stage
    epochs, _ = options.pop("epochs"), options.pop("batch_size")

    def build() -> FlowPriorModule:
        module = FlowPriorModule(data.pose_skeleton.name, **options)
        module.standardise(data.training_poses)
        return module

    watched = {"train/nll_whole_nats": "nats", "val/nll_whole_nats": "held out"}
    measured = fit(config, stage, build, data, epochs, [FlowSamples(stage.folder)], watched)
    stage.finish(measured)
    return stage


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    stage = pretrain(config)
    for name, value in json.loads(stage.metrics.read_text()).items():
        print(f"{name:32} {value:9.3f}")
    print(f"flows: {stage.checkpoint}, pictures of drawn poses beside it")


if __name__ == "__main__":
    command(main)
