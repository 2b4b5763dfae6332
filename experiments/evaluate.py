"""Score a trained run on another set.   python -m experiments.evaluate run=default data.root=..."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callbacks.alone import evaluate_alone, mean_size
from callbacks.labelled import SIZE
from callbacks.lifting import through_default_lens, through_estimated_lens, through_lens
from callbacks.rows import JOINT, LiftedBy, rows_of
from callbacks.scoring import evaluate
from datamodules.pose_data_module import PEOPLE_OF_A_PAIR
from datamodules.recordings import LEAST_PEOPLE, scored_scenes
from duolift.body.skeleton import Skeleton, skeleton_named
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.scene_batch import SceneBatch
from duolift.placement.focal import FOCAL_PRIOR
from duolift.placement.interface import FocalSource
from experiments.ablation import show, write_tables
from experiments.checkpoints import load_lifter, trained_lifters
from experiments.config import load_run
from experiments.data import image_size, read_recordings
from experiments.runs import command
from experiments.settings import LIFTERS, Config
from experiments.train_lifter import LABELLED
from lightning_modules.lifter import LifterModule


def evaluate_run(config: Config) -> dict[str, Any]:
    """Every row of every trained lifter of a run, on the evaluation subjects of `data.root`."""
    folder = Path(config.runs) / config.run
    trained = trained_lifters(folder, (JOINT, *LIFTERS))
    skeleton = skeleton_named(config.data.skeleton)
    takes = read_recordings(config, config.data.evaluate)
    scenes = scored_scenes(takes.scenes(skeleton), config.data.root)
    image = image_size(config, takes.image)
    rows, lenses = [], {}
    for lifter in trained:
        if lifter == JOINT and (scenes.everybody.sum(-1) != PEOPLE_OF_A_PAIR).any():
            continue  # Figure 1's baseline lifts two people as one body
        module = load_lifter(folder / lifter / "last.ckpt", skeleton.name if lifter != JOINT else skeleton.pair().name)
        some, lenses[lifter] = seen_through(module, scenes, skeleton, config.data.focal, image)
        own = Normalisation.fitted(some, skeleton, None, module.normalisation.centring).scale
        scale, name = own if config.data.scale == "own" else None, lifter + (LABELLED if config.lifting.labels else "")
        size = json.loads((folder / lifter / "metrics.json").read_text()).get(SIZE) or mean_size(some, skeleton)
        if takes.people < LEAST_PEOPLE:
            rows += evaluate_alone(module, name, some, skeleton, size, takes.consecutive, scale)
            continue
        wanted = rows_of(name)
        if config.data.focal != FocalSource.KNOWN:
            wanted = [row for row in wanted if row.focal == FocalSource.KNOWN and row.lifted_by == LiftedBy.TRAINED]
        rows += evaluate(module, wanted, some, skeleton, scale, image=image, size=size)
    data = {
        "root": str(Path(config.data.root)),
        "evaluate": config.data.evaluate,
        "scenes": len(scenes),
        "content": takes.fingerprint,
        "scale": config.data.scale,
        "focal": config.data.focal,
        "lenses": lenses,
    }
    return {"run": config.run, "experiment": config.experiment, "seed": config.seed, "data": data, "rows": rows}


def seen_through(
    module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, focal: str, image: tuple[float, float]
) -> tuple[SceneBatch, list[dict[str, Any]]]:
    """The scenes through lenses of `data.focal`, and those lenses, a camera each. People lifted as one body do not
    tell a focal length: the default is taken."""
    pixels = [scenes.intrinsics.focal[scenes.camera == i].mean().item() for i in range(len(scenes.cameras))]
    sources, deviations = [focal] * len(pixels), [0.0] * len(pixels)
    if focal == FocalSource.KNOWN:
        some = scenes
    elif focal == FocalSource.PEOPLE and module.skeleton.name == skeleton.name:
        some, found = through_estimated_lens(module, scenes, skeleton, image)
        sources, deviations = list(found.source), found.deviation.tolist()
    elif focal in (FocalSource.PEOPLE, FocalSource.DEFAULT):
        some, sources, deviations = (
            through_default_lens(scenes, image),
            [FocalSource.DEFAULT] * len(pixels),
            [FOCAL_PRIOR] * len(pixels),
        )
    else:
        some, sources = through_lens(scenes, float(focal), image), ["given"] * len(pixels)
    taken = [some.intrinsics.focal[some.camera == i].mean().item() for i in range(len(pixels))]
    columns = zip(scenes.cameras, taken, pixels, deviations, sources, strict=True)
    names = ("camera", "focal_pixels", "true_focal_pixels", "deviation", "source")
    return some, [dict(zip(names, column, strict=True)) for column in columns]


def main(arguments: Sequence[str]) -> None:
    named = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    run = Path(named.get("runs", "runs")) / named.get("run", "default")
    config = load_run(run / "config.yaml", arguments)
    result = evaluate_run(config)
    stem = run / f"evaluate-{Path(config.data.root).resolve().name}"
    write_tables(stem, result)
    show(result["rows"])
    for lens in next(iter(result["data"]["lenses"].values())):
        print(f"camera {lens['camera']}: focal length {lens['focal_pixels']:.0f} pixels ({lens['source']})")
    print(f"tables  {stem}.json, .csv, .md")


if __name__ == "__main__":
    command(main)
