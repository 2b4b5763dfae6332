"""What every stage shares: its folder, its trainer, its log, and how a command ends.

A stage is a folder in `runs/<run>/`. `settings.json` says what decides its result and `metrics.json` is
written last: together they tell a finished stage, which is not run again, from one to go on with, and
from one that was made with other settings, which is never overwritten.
"""

import json
import logging
import netrc
import os
import secrets
import socket
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytorch_lightning as pl
import wandb
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger

from callbacks.gradients import Gradients, TrainingError
from callbacks.history import History
from callbacks.progress import StageProgress
from callbacks.wandb_run import WandbRun, data_artifact, model_artifact
from duolift.errors import InputError
from duolift.files import locked, write_text
from duolift.progress import shown
from experiments.checkpoints import KINDS, Stamp, WholeCheckpoints, stamp_of
from experiments.config import plain
from experiments.origin import origin
from experiments.processes import OwnNoise, is_first, trainer_of, wait
from experiments.settings import LIFTERS, Config
from lightning_modules.optimisation import StageModule


@dataclass(frozen=True)
class Stage:
    """A folder, and the settings that decide what ends up in it.

    Raises:
        InputError: the folder holds the work of other settings.
    """

    folder: Path
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        path = self.folder / "settings.json"
        if not path.exists():
            if is_first():
                write_text(path, json.dumps(self.settings, indent=1))
            return
        refuse_other(self.folder, json.loads(path.read_text()), self.settings)

    @property
    def checkpoint(self) -> Path:
        return self.folder / "last.ckpt"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.json"

    @property
    def finished(self) -> bool:
        return self.metrics.exists() and self.checkpoint.exists()

    def finish(self, measured: dict[str, Any]) -> None:
        """Write what was measured, which makes the stage a finished one for every process."""
        if is_first():
            write_text(self.metrics, json.dumps(measured, indent=1))
        wait()


def refuse_other(made: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise InputError where what was made with some settings is wanted with others."""
    before, now = _flat(before), _flat(json.loads(json.dumps(now)))
    changed = [
        f"{key} {before.get(key)!r} -> {now.get(key)!r}"
        for key in sorted(before | now)
        if before.get(key) != now.get(key)
    ]
    if changed:
        shown = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        raise InputError(f"{made}: was made with other settings ({shown}); give another RUN=name, or remove it")


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(settings, dict):
        return {prefix: settings}
    return {
        k: v
        for key, value in settings.items()
        for k, v in _flat(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def fit(
    config: Config,
    stage: Stage,
    build: Callable[[], StageModule],
    data: pl.LightningDataModule,
    epochs: int,
    callbacks: Sequence[pl.Callback],
    watched: dict[str, str],
    gradient_clip: float | None = None,
) -> dict[str, float]:
    """Train a stage to its end, from its last finished epoch where it was interrupted; all processes end together.

    Returns:
        what the last epoch logged.

    Raises:
        InputError: another command trains this stage, or its checkpoint is spoilt or of other settings.
        TrainingError: the training leads nowhere.
    """
    with locked(stage.folder) if is_first() else nullcontext():
        if is_first():
            settings = OmegaConf.to_yaml(OmegaConf.create(plain(config)))
            write_text(Path(config.runs) / config.run / "config.yaml", settings)
            write_text(stage.folder / "origin.json", json.dumps(origin(), indent=1))
        pl.seed_everything(config.seed, workers=True, verbose=False)
        module = build().compiled(config.compute.compile)
        before = stage.checkpoint if stage.checkpoint.exists() else None
        if before:
            stamp = stamp_of(before, KINDS[type(module)])
            refuse_other(before, stamp.get("settings", {}), stage.settings)
        logger = wandb_logger(config, stage.folder, stage.settings, before is not None)
        history = History(stage.folder / "history.json")
        everything = [
            *callbacks,
            Gradients(stage.checkpoint),
            history,
            *([WandbRun()] if logger else []),
            Stamp(stage.settings),
            StageProgress(stage.folder.name, watched),
        ]
        trainer = stage_trainer(config, stage, epochs, everything, logger, gradient_clip)
        try:
            trainer.fit(module, datamodule=data, ckpt_path=before, weights_only=True)
            wait()
            if logger:
                model = model_artifact(f"{config.run}-{stage.folder.name}", stage.checkpoint, stage.settings)
                for artifact in (data_artifact(stage.settings["data"]), model):
                    logger.experiment.log_artifact(artifact)
            return history.last
        except SystemExit as interrupted:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from interrupted
        finally:
            if logger:
                wandb.finish(exit_code=int(sys.exc_info()[0] is not None))  # a stage cut off is no finished run


def stage_trainer(
    config: Config,
    stage: Stage,
    epochs: int,
    callbacks: Sequence[pl.Callback],
    logger: WandbLogger | None,
    gradient_clip: float | None,
) -> pl.Trainer:
    """Lightning's trainer of a stage, which keeps the last epoch's checkpoint."""
    checkpoint = ModelCheckpoint(
        dirpath=stage.folder, filename=stage.checkpoint.stem, save_on_train_epoch_end=True, enable_version_counter=False
    )
    return trainer_of(
        config.compute,
        max_epochs=epochs,
        gradient_clip_val=gradient_clip,
        logger=logger or False,
        callbacks=[OwnNoise(config.seed), *callbacks, checkpoint],
        plugins=[WholeCheckpoints()],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=50,
    )


def wandb_logger(config: Config, folder: Path, settings: dict[str, Any], goes_on: bool = False) -> WandbLogger | None:
    """A W&B run for a stage's folder, in the run's group, with everything it stages kept in that folder.

    None where W&B is disabled, in all processes but the first, and for what comes before the lifter in a W&B sweep,
    whose runs are one lifter's each.

    Args:
        goes_on: the stage was interrupted, and goes on; see `wandb_identity`.
    """
    mode = wandb_mode(config.wandb.mode)
    swept = os.environ.get("WANDB_SWEEP_ID") and folder.name not in LIFTERS
    if mode == "disabled" or not is_first() or swept:
        return None
    own = folder.resolve() / "wandb"
    os.environ["WANDB_DATA_DIR"] = os.environ["WANDB_ARTIFACT_DIR"] = str(own)
    os.environ["WANDB_CACHE_DIR"] = str(own / "cache")
    wandb.setup(wandb.Settings(silent=True))
    identity, follows = wandb_identity(folder, mode, goes_on)
    return WandbLogger(
        project=config.wandb.project,
        entity=config.wandb.entity,
        group=config.run,
        id=identity,
        name=f"{config.run}/{folder.name}",
        job_type=folder.name,
        save_dir=str(folder),
        config={**plain(config), "stage": settings, "follows": follows},
        mode=mode,
        settings=wandb.Settings(silent=True, console="off"),
    )


def wandb_identity(folder: Path, mode: str, goes_on: bool) -> tuple[str, str | None]:
    """Which W&B run a stage's folder has now, and which earlier one that follows, as `wandb/run.json` keeps them.

    A stage that goes on online is the same run, which W&B continues. It continues no run that was offline, or is: that
    is another, which follows the one before.

    Raises:
        InputError: what the folder keeps is spoilt.
    """
    path, before = folder / "wandb" / "run.json", dict[str, Any]()
    if goes_on and path.exists():
        try:
            before = {key: json.loads(path.read_text())[key] for key in ("id", "mode", "follows")}
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not the record of a W&B run ({error}); remove it to begin another") from error
    if before and before["mode"] == mode == "online":
        return before["id"], before["follows"]
    swept = os.environ.get("WANDB_RUN_ID") if os.environ.get("WANDB_SWEEP_ID") else None
    identity, follows = swept or secrets.token_hex(4), before.get("id")
    write_text(path, json.dumps({"id": identity, "mode": mode, "follows": follows}))
    return identity, follows


def wandb_mode(wanted: str) -> str:
    """`auto` resolved: online with a key and a network that answers, offline otherwise."""
    wanted = os.environ.get("WANDB_MODE", wanted) if wanted == "auto" else wanted
    if wanted != "auto":
        return wanted
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    return "online" if _has_key(host.hostname or "") and _answers(host.hostname or "", host.port or 443) else "offline"


def _has_key(host: str) -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _answers(host: str, port: int, seconds: float = 2.0) -> bool:
    try:
        with socket.create_connection((host, port), seconds):
            return True
    except OSError:
        return False


def quiet() -> None:
    """Keep the libraries' advice off the terminal; errors and the project's own lines stay."""
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.ERROR)
    for advice in (
        "does not have many workers",
        "exists and is not empty",
        "smaller than the logging interval",
        "module.s. in eval mode",
        "LeafSpec",
        "accumulate the metric across devices",
        "torch.distributed.nn.functional",
    ):
        warnings.filterwarnings("ignore", f".*{advice}.*")


def command(main: Callable[[Sequence[str]], None]) -> None:
    """Run a command on the process's arguments; bad input is one line and exit code 2, a training that
    went astray exit code 3.

    Of several processes the first alone prints.
    """
    quiet()
    with ExitStack() as around:
        if not is_first():
            for redirected in (redirect_stdout, redirect_stderr):
                around.enter_context(redirected(around.enter_context(open(os.devnull, "w"))))
        around.enter_context(shown())
        try:
            main(sys.argv[1:])
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except TrainingError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(3)
        except OSError as error:
            if error.filename is None and error.errno is None:
                raise
            print(f"error: {error.filename or 'files'}: {error.strerror}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("interrupted; the same command goes on from the last finished epoch", file=sys.stderr)
            sys.exit(130)
