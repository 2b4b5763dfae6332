"""The project's W&B workspace, as code.   python -m experiments.dashboard wandb.entity=team

With a key for W&B it is saved there. Without, the offline runs (`run=name`: of one run) open in W&B's view for
terminals, or are listed where nobody watches one.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import wandb
from wandb_workspaces.reports.v2 import BarPlot, LinePlot, MediaBrowser, WeavePanelSummaryTable
from wandb_workspaces.reports.v2.interface import PanelTypes as Panel
from wandb_workspaces.workspaces import Section, SectionLayoutSettings, Workspace, WorkspaceSettings

from callbacks.history import SPEEDS
from callbacks.wandb_run import ELEVATIONS, ROWS, SCENES, TURNING
from duolift.errors import InputError
from duolift.placement.paper import PUBLISHED_METRICS
from experiments.ablation import HEADS, TABLE
from experiments.config import load
from experiments.runs import command, wandb_mode
from experiments.settings import Config, flow_parts

PERSONAL = ("pa_mpjpe_person_mm", "elevation_error_deg", "elevation_correlation")
"""Metrics of people before they are placed."""

TERMS = ("reprojection", "consistency", "deformation", "bone")
"""Terms of the lifter's loss that are no likelihoods."""


COLUMNS = 3
"""Panels beside one another."""


def workspace(config: Config, entity: str) -> Workspace:
    """The workspace of the settings' project, with panels for what runs of these settings log."""
    panels: dict[str, list[Panel]] = {
        "Training health": health(config),
        "Likelihoods": likelihoods(config),
        "Metrics over epochs": [over_epochs(title(name), f"eval/{name}") for name in (*PUBLISHED_METRICS, *PERSONAL)],
        "Ablation": ablation(),
        "Scenes": scenes(),
    }
    sections = [
        Section(
            name=name,
            panels=of,
            is_open=True,
            layout_settings=SectionLayoutSettings(columns=COLUMNS, rows=-(-len(of) // COLUMNS)),
        )
        for name, of in panels.items()
    ]
    settings = WorkspaceSettings(x_axis="epoch", max_runs=20)
    return Workspace(entity, config.wandb.project, "duolift", sections, settings)


def health(config: Config) -> list[Panel]:
    """Whether training goes well: losses, gradients, elevations that neither shrink nor run away, speed."""
    weights = config.lifting.weights
    terms = [term for term in TERMS if getattr(weights, term)]
    terms += ["augmentation"] if weights.augmentation and not config.lifting.labels else []
    return [
        over_epochs("lifter's loss", "train/loss", "val/loss"),
        over_epochs("gradients before their bound", "train/gradient_norm", "train/gradient_norm_max", log=True),
        over_epochs("elevations predicted, degrees", "train/elevation_mean_deg", "train/elevation_std_deg"),
        over_epochs("elevations of held-out poses, degrees", ELEVATIONS),
        *(over_epochs(f"{term}, a term of the loss", f"train/{term}", f"val/{term}") for term in terms),
        *(over_epochs(name.partition("/")[2].replace("_", " "), name) for name in SPEEDS),
    ]


def likelihoods(config: Config) -> list[Panel]:
    """How likely the flows find held-out poses, and what the lifter makes of them from other sides."""
    parts = flow_parts(config)
    scored = config.lifting.likelihoods or parts
    return [
        *(over_epochs(f"flow of the {part}, nats", f"train/nll_{part}_nats", f"val/nll_{part}_nats") for part in parts),
        over_epochs("flows, bits a dimension", *(f"val/bits_per_dimension_{part}" for part in parts)),
        over_epochs("lifter's likelihood, summed", "train/likelihood", "val/likelihood"),
        over_epochs("from other sides in training, nats", *(f"train/likelihood_{part}_nats" for part in scored)),
        over_epochs("from other sides, held out, nats", *(f"val/likelihood_{part}_nats" for part in scored)),
    ]


def ablation() -> list[Panel]:
    """Table 1 by each of its metrics, and whole."""
    names = {name: f"{title(name)}, on one ground" for name in PUBLISHED_METRICS}
    bars: list[Panel] = [BarPlot(title=shown, metrics=[f"final/{name}"]) for name, shown in names.items()]
    return [*bars, WeavePanelSummaryTable(table_name=TABLE), WeavePanelSummaryTable(table_name=ROWS)]


def scenes() -> list[Panel]:
    """What comes out, beside the ground truth: to turn, as pictures, and the best and the worst in numbers."""
    pictures = {
        "best, median and worst": TURNING,
        "evenly picked": "scenes/scenes",
        "by every placement": "scenes/rows",
        "drawn from the flow": "samples/whole",
    }
    media: list[Panel] = [MediaBrowser(title=name, media_keys=[key]) for name, key in pictures.items()]
    return [*media, WeavePanelSummaryTable(table_name=SCENES)]


def over_epochs(title: str, *metrics: str, log: bool = False) -> LinePlot:
    return LinePlot(title=title, x="epoch", y=list(metrics), log_y=log)


def title(metric: str) -> str:
    """What a table calls a metric."""
    return HEADS.get(metric, metric.replace("_", " "))


def offline_runs(runs: Path, run: str = "*") -> list[Path]:
    """The folders of offline W&B runs, earliest first: of one run in the folder of runs, or of all.

    Raises:
        InputError: there are none.
    """
    found = sorted(runs.glob(f"{run}/*/wandb/offline-run-*"), key=lambda path: path.name)
    if not found:
        where = runs if run == "*" else runs / run
        there = sorted({path.parts[len(runs.parts)] for path in runs.glob("*/*/wandb/offline-run-*")})
        expected = f"one of {', '.join(there)}" if there else "those of a trained run (make train-lifter)"
        raise InputError(f"{where}: holds no offline W&B runs; expected {expected}")
    return found


def is_synced(run: Path) -> bool:
    """Whether `wandb sync` has uploaded a run's folder."""
    return any(run.glob("*.wandb.synced"))


def watch(runs: Sequence[Path]) -> None:
    """Open W&B's view for terminals on some runs."""
    with tempfile.TemporaryDirectory() as folder:
        for run in runs:
            (Path(folder) / run.name).symlink_to(run.resolve())
        subprocess.run([sys.executable, "-m", "wandb", "leet", folder], check=False)


def main(arguments: Sequence[str]) -> None:
    config = load(arguments)
    chosen = config.run if any(argument.startswith("run=") for argument in arguments) else "*"
    if wandb_mode(config.wandb.mode) == "online":
        saved = workspace(config, config.wandb.entity or wandb.Api().default_entity or "").save()
        print(f"workspace  {saved.url}")
        waiting = [run for run in Path(config.runs).glob(f"{chosen}/*/wandb/offline-run-*") if not is_synced(run)]
    else:
        waiting = offline_runs(Path(config.runs), chosen)
        if sys.stdout.isatty():
            watch(waiting)
        for run in waiting:
            print(f"{run}{'  (synced)' if is_synced(run) else ''}")
    if waiting:
        print(f"to upload offline runs: wandb login, then wandb sync {config.runs}/{chosen}/*/wandb/offline-run-*")


if __name__ == "__main__":
    command(main)
