"""Stage one: pre-train the flows.   python -m experiments.pretrain_flows experiment=paper data.root=..."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callbacks.samples import FlowSamples
from datamodules.pose_data_module import PoseDataModule
from duolift.body.skeleton import WHOLE
from experiments.config import load, plain
from experiments.data import batched, data_settings, open_data
from experiments.runs import Stage, command, fit
from experiments.settings import Config, flow_parts
from lightning_modules.flow_prior import FlowPriorModule

PAIR_PARTS = [WHOLE]
"""The parts of a pair, which is one body: Figure 1's baseline."""


def pretrain(config: Config, bodies: str = "person", data: PoseDataModule | None = None) -> Stage:
    """Train the flows of a person's poses, or of a pair's, unless that is done already.

    Args:
        bodies: `person` or `pair`.
        data: the run's, where it has been opened already.
    """
    size = config.flows.batch_size
    data = open_data(config, bodies, size) if data is None else batched(config, data, size)
    options = plain(config.flows) | {"parts": flow_parts(config) if bodies == "person" else PAIR_PARTS}
    settings = {
        "seed": config.seed,
        "bodies": bodies,
        "data": data_settings(config, data),
        "flows": _flow_settings(options),
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


def _flow_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The settings of the flows that decide a result.

    A weight decay of 0 is left out: runs of before there was a choice do not name theirs, and are no other.
    """
    return {key: value for key, value in options.items() if (key, value) != ("weight_decay", 0.0)}


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    stage = pretrain(config)
    for name, value in json.loads(stage.metrics.read_text()).items():
        print(f"{name:32} {value:9.3f}")
    print(f"flows: {stage.checkpoint}, pictures of drawn poses beside it")


if __name__ == "__main__":
    command(main)
