"""A trained run as one file, for `duolift lift --checkpoint`.   python -m experiments.pack run=default"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from duolift.networks.completer import CompleterArchitecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import PeopleLifter
from duolift.predictor import Lifter
from experiments.checkpoints import load_completion, load_distilled, load_lifter, trained_lifters
from experiments.config import load_run
from experiments.data import open_data
from experiments.runs import command
from experiments.settings import Config
from lightning_modules.completion import CompletionModule
from lightning_modules.lifter import LifterModule


def pack(config: Config, lifter: str, completion: CompletionModule | None = None) -> Lifter:
    """A run's trained lifter, with the network that completes poses where there is one.

    Where the lifter has taught a network that lifts detections, it is that one.

    Args:
        lifter: its name, a split.
    """
    folder = Path(config.runs) / config.run
    data = open_data(config, "person", config.lifting.batch_size)
    origin = {"run": config.run, "experiment": config.experiment, "seed": config.seed, "data": data.fingerprint}
    origin |= {"source": config.data.source, "labels": config.lifting.labels, "credit": config.data.credit}
    distilled = folder / f"distillation-{lifter}"
    if (distilled / "metrics.json").exists():
        people, origin["teachers"] = load_distilled(distilled / "last.ckpt"), config.distillation.teachers
        if config.distillation.start is not None:
            origin["start"] = Lifter.load(config.distillation.start).origin
    else:
        module = load_lifter(folder / lifter / "last.ckpt", data.skeleton.name)
        people = assembled(module, data.training_poses, completion)
    return Lifter(people, origin)


def assembled(module: LifterModule, poses: Tensor, completion: CompletionModule | None = None) -> PeopleLifter:
    """A trained lifter in use.

    Args:
        module: the trained lifter.
        poses: (pose, joint, 2), its training poses.
        completion: the networks that complete poses for it.
    """
    people = PeopleLifter(architecture(module, completion))
    assert people.network is not None
    people.network.load_state_dict(module.lifter.state_dict())
    if people.completer is not None and completion is not None:
        people.completer.load_state_dict(completion.completers["fill_lift"].state_dict())
    people.fit(poses)
    return people


def architecture(module: LifterModule, completion: CompletionModule | None) -> PeopleArchitecture:
    """The architecture of trained modules as a lifter's file has it."""
    completer = None
    if completion is not None:
        completer = CompleterArchitecture(completion.hparams["width"], completion.hparams["blocks"])
    return PeopleArchitecture(
        skeleton=module.skeleton.name,
        lifter=module.architecture,
        c=module.normalisation.c,
        centring=module.normalisation.centring,
        flip=module.flip_test,
        completer=completer,
    )


def pack_run(config: Config) -> list[Path]:
    """Write a file for each of a run's trained lifters.

    Raises:
        InputError: the run has no trained lifter.
    """
    folder = Path(config.runs) / config.run
    files = []
    for lifter in trained_lifters(folder):
        completed, completion = folder / f"completion-{lifter}", None
        if (completed / "metrics.json").exists():
            teacher = load_lifter(folder / lifter / "last.ckpt", config.data.skeleton)
            completion = load_completion(completed / "last.ckpt", teacher)
        files.append(folder / f"{lifter}.safetensors")
        pack(config, lifter, completion).save(files[-1])
    return files


def main(arguments: Sequence[str]) -> None:
    named = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    run = Path(named.get("runs", "runs")) / named.get("run", "default")
    for file in pack_run(load_run(run / "config.yaml", arguments)):
        print(f"{file}, for duolift lift --checkpoint")


if __name__ == "__main__":
    command(main)
