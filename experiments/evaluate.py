"""Score a trained run on another set in CHI3D's layout.   python -m experiments.evaluate run=default data.root=..."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callbacks.evaluation import JOINT, evaluate, rows_of
from datamodules.chi3d import read
from duolift.errors import InputError
from duolift.normalisation import Normalisation
from duolift.skeleton import skeleton_named
from experiments.ablation import show, write_tables
from experiments.config import LIFTERS, Config, load_run
from experiments.runs import command
from experiments.train_lifter import LABELLED
from lightning_modules.lifter import LifterModule


def evaluate_run(config: Config) -> dict[str, Any]:
    """Every row of every trained lifter of a run, on the evaluation subjects of `data.root`."""
    folder, root = Path(config.runs) / config.run, Path(config.data.root)
    trained = [name for name in (JOINT, *LIFTERS) if (folder / name / "metrics.json").exists()]
    if not trained:
        raise InputError(f"{folder}: holds no trained lifter; expected one of {', '.join(LIFTERS)}")
    skeleton = skeleton_named(config.data.skeleton)
    takes = read(root, config.data.evaluate, config.data.cameras, Path(config.data.cache))
    scenes = takes.scenes(skeleton)
    rows = []
    for lifter in trained:
        module = load_lifter(folder / lifter / "last.ckpt", skeleton.name if lifter != JOINT else skeleton.pair().name)
        own = Normalisation.fitted(scenes, skeleton, None, module.normalisation.centring).scale
        name = lifter + (LABELLED if config.lifting.labels else "")
        rows += evaluate(module, rows_of(name), scenes, skeleton, own if config.data.scale == "own" else None)
    data = {
        "root": str(root),
        "evaluate": config.data.evaluate,
        "scenes": len(scenes),
        "content": takes.fingerprint,
        "scale": config.data.scale,
    }
    return {"run": config.run, "experiment": config.experiment, "seed": config.seed, "data": data, "rows": rows}


def load_lifter(path: Path, skeleton: str) -> LifterModule:
    """A trained lifter. Raises InputError for a file that is none, or that lifts another skeleton."""
    try:
        module = LifterModule.load_from_checkpoint(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint of a lifter ({type(error).__name__})") from error
    if module.skeleton.name != skeleton:
        raise InputError(f"{path}: lifts the skeleton {module.skeleton.name}; expected {skeleton}")
    return module.eval()


def main(arguments: Sequence[str]) -> None:
    named = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    run = Path(named.get("runs", "runs")) / named.get("run", "default")
    config = load_run(run / "config.yaml", arguments)
    result = evaluate_run(config)
    stem = run / f"evaluate-{Path(config.data.root).resolve().name}"
    write_tables(stem, result)
    show(result["rows"])
    print(f"tables  {stem}.json, .csv, .md")


if __name__ == "__main__":
    command(main)
