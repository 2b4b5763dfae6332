"""Checkpoints of training stages, written whole and read without running anything that is in them.

Each carries a stamp: the version of duolift that made it, the format, the kind of module, and the settings of its
stage, the data's fingerprint among them. Hyper-parameters as version 0.1.0 had them are converted.
"""

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import nn

from duolift import __version__
from duolift.errors import InputError
from duolift.files import regular, write_bytes
from duolift.networks.people_lifter import PeopleLifter
from experiments.settings import LIFTERS
from lightning_modules.completion import CompletionModule
from lightning_modules.distillation import DistillationModule
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule
from lightning_modules.older import lifter_hyperparameters
from lightning_modules.supervised import SupervisedLifterModule

M = TypeVar("M", bound=pl.LightningModule)

STAMP, FORMAT = "duolift", 1
"""The stamp's key, and the number that goes up where checkpoints of before can no longer be read."""

KINDS: dict[type[pl.LightningModule], str] = {
    FlowPriorModule: "flows",
    LifterModule: "a lifter",
    SupervisedLifterModule: "a lifter",
    CompletionModule: "a completion",
    DistillationModule: "a distillation",
}


CONVERTERS: dict[type[pl.LightningModule], Callable[[dict[str, Any]], dict[str, Any]]] = {
    LifterModule: lifter_hyperparameters
}
"""What makes today's hyper-parameters of those of earlier versions, where they differ."""


class WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints that appear whole or not at all.

    Lightning writes to the system's folder of temporary files and moves the file from there. To another disk that is a
    copy, and a process that is killed on the way leaves half a file.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        file = io.BytesIO()
        torch.save(checkpoint, file)
        write_bytes(Path(path), file.getvalue())


class Stamp(pl.Callback):
    """Stamps a stage's checkpoints with the stage's settings, which are plain values."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[STAMP] = {
            "format": FORMAT,
            "version": __version__,
            "kind": KINDS[type(pl_module)],
            "settings": self.settings,
        }


def trained_lifters(run: Path, names: Iterable[str] = LIFTERS) -> list[str]:
    """Those of the lifters that a run's folder holds finished. Raises InputError where it holds none."""
    trained = [name for name in names if (run / name / "metrics.json").exists()]
    if not trained:
        raise InputError(f"{run}: holds no trained lifter; expected one of {', '.join(LIFTERS)}")
    return trained


def load_flows(path: Path) -> nn.ModuleDict:
    """Part -> its trained `PoseFlow`. Raises InputError as `load` does."""
    return load(path, FlowPriorModule).flows


def load_lifter(path: Path, skeleton: str) -> LifterModule:
    """A trained lifter. Raises InputError as `load` does, and for a lifter of another skeleton."""
    module = load(path, LifterModule)
    if module.skeleton.name != skeleton:
        raise InputError(f"{path}: lifts the skeleton {module.skeleton.name}; expected {skeleton}")
    return module


def load_completion(path: Path, teacher: LifterModule) -> CompletionModule:
    """The trained networks that complete poses for a lifter. Raises InputError as `load` does."""
    return load(path, CompletionModule).attach_teacher(teacher).eval()


def load_distilled(path: Path) -> PeopleLifter:
    """What a lifter's bodies have taught. Raises InputError as `load` does."""
    return load(path, DistillationModule).people


def load(path: Path, module: type[M]) -> M:
    """A stage's trained module, on the CPU, in evaluation mode.

    Raises:
        InputError: the file is missing or no checkpoint, or of another format or kind.
    """
    kind = KINDS[module]
    content, stamp = _read(path, kind)
    try:
        convert = CONVERTERS.get(module, dict)
        made = module(**convert(content["hyper_parameters"]))
        made.load_state_dict(content["state_dict"])
        return made.eval()
    except Exception as error:  # hyper-parameters and weights may be anything
        maker = f"duolift {stamp['version']}" if stamp else "an early duolift, or by something else"
        raise InputError(
            f"{path}: not a checkpoint of {kind} that duolift {__version__} reads ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}); it was made by {maker}: train it again, or use that version"
        ) from error


def stamp_of(path: Path, kind: str) -> dict[str, Any]:
    """A checkpoint's stamp; empty where it has none.

    Raises:
        InputError: the file is missing or no checkpoint, or of another format or kind.
    """
    return _read(path, kind)[1]


def _read(path: Path, kind: str) -> tuple[Any, dict[str, Any]]:
    """A checkpoint's content and its stamp; raises as `stamp_of` does."""
    try:
        content = torch.load(regular(path), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint of {kind} ({type(error).__name__})") from error
    stamp: dict[str, Any] = content.get(STAMP, {}) if isinstance(content, dict) else {}
    if stamp and not (isinstance(stamp, dict) and {"format", "version", "kind", "settings"} <= stamp.keys()):
        raise InputError(f"{path}: its stamp is not whole; expected format, version, kind and settings")
    if stamp and stamp["format"] != FORMAT:
        raise InputError(
            f"{path}: has format {stamp['format']}, of duolift {stamp['version']}; expected {FORMAT}, of "
            f"{__version__}: train it again, or use that version"
        )
    if stamp and stamp["kind"] != kind:
        raise InputError(f"{path}: not a checkpoint of {kind}, but of {stamp['kind']}")
    return content, stamp
