"""Lifters side by side on one data set, with what is sure and what is chance.

python -m experiments.compare data.source=h36m data.root=folder --lifters a.safetensors b.safetensors

Every lifter scores the same images, as it is used: on 2D poses alone, everybody in a size of their own. Intervals are
bootstrapped over takes, all cameras of a take together, and differences are taken between scores of the same draws.
"""

import argparse
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from callbacks.alone import bodies_in_camera
from callbacks.figures import interval_chart, save_figure
from callbacks.rows import product_row, rows_of
from callbacks.scoring import LiftedScenes, score_masked
from datamodules.recordings import LEAST_PEOPLE, Recordings, scored_scenes
from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.files import write_text
from duolift.geometry.lifted import Lifted
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.batched import Truth
from duolift.metrics.bootstrap import Interval, bootstrapped, interval
from duolift.metrics.table import PROTOCOLS
from duolift.networks.people_lifter import PeopleLifter
from duolift.predictor import Lifter
from duolift.progress import tracked
from experiments.config import load
from experiments.data import read_recordings
from experiments.runs import command
from experiments.tables import markdown_table

SHIPPED = "shipped"
"""Stands for the lifter that comes with the package."""

LIFTED_AT_ONCE = 512
"""Scenes that go through a network together."""

FEW_TAKES = 10
"""Of fewer, the bootstrap makes intervals that contain the true mean less often than they say."""

PERSONAL = ("pa_mpjpe_mm", "n_mpjpe_mm", "n_pck_pct")
"""Protocols by which people are scored by themselves; none needs to know how large they are."""

OF_SCENES = {
    "scene_pa_mpjpe_mm": ("pa_mpjpe_mm", "PA-MPJPE of the scene mm"),
    "scale_error_pct": ("scale_error_pct", "SE %"),
    "root_displacement_error_mm": ("root_displacement_error_mm", "RDE mm"),
}
"""Metrics of people together -> (their names in `duolift.metrics.definitions.score`, their heads)."""

HEADS = {key: PROTOCOLS[key].title for key in PERSONAL} | {key: head for key, (_, head) in OF_SCENES.items()}


@dataclass(frozen=True)
class Options:
    """How lifters are compared.

    Attributes:
        samples: draws of the bootstrap.
        confidence: of the intervals.
        pixels: deviation of noise that is put on every joint, which lifters are told.
        seed: of the draws, and of the noise.

    Raises:
        ValueError: an option out of its range.
    """

    samples: int = 10_000
    confidence: float = 0.95
    pixels: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 100 <= self.samples <= 1_000_000:
            raise ValueError(f"samples is {self.samples}; expected 100 to 1000000")
        if not 0.5 <= self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}; expected 0.5 or more, and less than 1")
        if not 0 <= self.pixels < 1000:
            raise ValueError(f"pixels is {self.pixels}; expected 0 or more, and less than 1000")


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Attributes:
        lifters: names, the first of which the others are compared with.
        images, takes: how many there are.
        joints: that all lifters and the data have, which are scored.
        values: metric -> lifter -> interval.
        differences: metric -> lifter, but for the first -> how much more it has than the first.
    """

    lifters: tuple[str, ...]
    images: int
    takes: int
    joints: tuple[str, ...]
    values: Mapping[str, Mapping[str, Interval]]
    differences: Mapping[str, Mapping[str, Interval]]


def compare(lifters: Mapping[str, PeopleLifter], recordings: Recordings, options: Options, root: str) -> Comparison:
    """Score lifters by name on the same images; `root` is where these are from, for messages.

    Raises:
        InputError: lifters and data have too few joints in common, nobody can be scored, or there is one take alone.
    """
    skeletons = [lifter.skeleton for lifter in lifters.values()]
    shared = common(skeletons, joints_of(recordings))
    scenes = scored_scenes(recordings.scenes(shared), root)
    if options.pixels:
        scenes = scenes.noisy(options.pixels, torch.Generator().manual_seed(options.seed))
    take = [scenes.sequences[number].rpartition("/")[0] for number in scenes.sequence.tolist()]
    if len(set(take)) < 2:
        raise InputError(f"the data has one take, {take[0]}; expected two or more, to tell what is chance")
    scores = {
        name: score(lifter, scenes, shared, options.pixels)
        for name, lifter in tracked(lifters.items(), "lifters", len(lifters))
    }
    values: dict[str, dict[str, Interval]] = {}
    differences: dict[str, dict[str, Interval]] = {}
    for metric in next(iter(scores.values())):
        of = np.stack([of_lifter[metric].double().numpy() for of_lifter in scores.values()], axis=1)  # (scene, lifter)
        means = bootstrapped(of, take, options.samples, options.seed)
        values[metric] = {
            name: interval(of[:, number], means[:, number], options.confidence) for number, name in enumerate(lifters)
        }
        differences[metric] = {
            name: interval(of[:, number] - of[:, 0], means[:, number] - means[:, 0], options.confidence)
            for number, name in enumerate(lifters)
            if number
        }
    return Comparison(tuple(lifters), len(scenes), len(set(take)), shared.joints, values, differences)


def joints_of(recordings: Recordings) -> Sequence[str]:
    """The joints that a data set has."""
    joints: Sequence[str] = recordings.joints  # type: ignore[attr-defined]
    return joints


def common(skeletons: Sequence[Skeleton], joints: Sequence[str]) -> Skeleton:
    """The joints that all skeletons and the data have, in the first's order.

    >>> from duolift.body.skeleton import DETECTOR15, H36M17, PAPER19
    >>> len(common([PAPER19, DETECTOR15], H36M17.joints))
    15

    Raises:
        InputError: the pelvis is not among them, or neither the top of the head nor the neck.
    """
    orders = [joints, *(skeleton.joints for skeleton in skeletons)]
    known = [joint for joint in skeletons[0].joints if all(joint in order for order in orders)]
    try:
        return Skeleton.person("common", known)
    except ValueError as error:
        found = ", ".join(known) or "nothing"
        raise InputError(
            f"lifters and data have {found} in common; expected the pelvis, and head top or neck"
        ) from error


@torch.no_grad()
def score(lifter: PeopleLifter, scenes: SceneBatch, shared: Skeleton, pixels: float) -> dict[str, Tensor]:
    """What a lifter scores, a number a scene, (scene,), by metric; NaN where a scene has none.

    Args:
        scenes: with ground truth, of the joints of `shared`.
        pixels: deviation of the joints' noise.
    """
    assert scenes.truth is not None
    own, kept = lifter.skeleton, lifter.skeleton.indices(shared.joints)
    lifted = lift(lifter, scenes, shared, pixels)
    bodies = bodies_in_camera(lifted, lifter.architecture.centring)[:, :, kept]
    everybody = scenes.everybody
    found = {}
    for key in PERSONAL:
        scores = PROTOCOLS[key].scores(bodies, scenes.truth, shared.root_index).mean(-1)  # (scene, person)
        found[key] = scores.where(everybody, torch.nan).nanmean(-1)
    if scenes.pixels.shape[1] >= LEAST_PEOPLE:
        placed = LiftedScenes(scenes, lifted).placed(product_row(rows_of(own.name)))[:, :, kept]
        together = placed_metrics(placed, scenes, shared.root_index)
        found |= {key: together[name] for key, (name, _) in OF_SCENES.items()}
    return found


def placed_metrics(people: Tensor, scenes: SceneBatch, root: int) -> dict[str, Tensor]:
    """The metrics of placed people, (scene,)."""
    assert scenes.truth is not None
    return Truth(scenes.truth, root).score(people) if scenes.valid is None else score_masked(people, scenes, root)


def lift(lifter: PeopleLifter, scenes: SceneBatch, shared: Skeleton, pixels: float) -> Lifted:
    """Everybody by a lifter, which sees the joints that it shares with the data, and nobody who is not valid."""
    own = lifter.skeleton
    rays = scenes.rays.new_zeros(*scenes.rays.shape[:2], len(own), 2)
    visible = torch.zeros(rays.shape[:-1], dtype=torch.bool)
    rays[:, :, own.indices(shared.joints)] = scenes.rays
    visible[:, :, own.indices(shared.joints)] = scenes.everybody.unsqueeze(-1)
    slope = pixels / scenes.intrinsics.focal.mean()
    parts = []
    for start in range(0, len(scenes), LIFTED_AT_ONCE):
        run = slice(start, start + LIFTED_AT_ONCE)
        size = lifter.framed(rays[run], visible[run]).unit
        parts.append(lifter(rays[run], visible[run], slope / size))
    return joined(parts)


def joined(parts: Sequence[Lifted]) -> Lifted:
    """People lifted in several portions as one."""
    tensors = [name for name, value in vars(parts[0]).items() if isinstance(value, Tensor)]
    together: dict[str, Any] = {name: torch.cat([getattr(part, name) for part in parts]) for name in tensors}
    return replace(parts[0], **together)


# What is written ------------------------------------------------------------------------------------------------------


def tables(found: Comparison) -> list[list[list[str]]]:
    """Values and differences, each a head and a line a lifter."""
    metrics = list(found.values)
    heads = [HEADS[metric] for metric in metrics]
    values = [[name, *(text(found.values[metric][name]) for metric in metrics)] for name in found.lifters]
    more = [
        [f"{name} - {found.lifters[0]}", *(text(found.differences[metric][name], True) for metric in metrics)]
        for name in found.lifters[1:]
    ]
    return [[["lifter", *heads], *values], *([[["difference", *heads], *more]] if more else [])]


def text(of: Interval, difference: bool = False) -> str:
    """A value and its interval.

    >>> text(Interval(30.0, 28.0, 32.0)), text(Interval(-1.5, -3.0, 0.5), difference=True)
    ('30.0 [28.0, 32.0]', '-1.5 [-3.0, 0.5] chance')
    """
    told = f"{of.mean:.1f} [{of.low:.1f}, {of.high:.1f}]"
    return f"{told} chance" if difference and not of.sure else told


def note(found: Comparison, options: Options) -> str:
    """What stands below the tables."""
    few = f" {found.takes} takes are few: the intervals are too narrow." if found.takes < FEW_TAKES else ""
    return (
        f"{found.images} images of {found.takes} takes; means, and in brackets {options.confidence:.0%} intervals, "
        f"bootstrapped over takes. `chance`: 0 is within the interval.{few} Scored: {', '.join(found.joints)}."
    )


def write(stem: Path, found: Comparison, options: Options) -> list[Path]:
    """`<stem>.json`, `.csv`, `.md` and `.png`; their paths."""
    lines = tables(found)
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(["metric", "lifter", "minus", "mean", "low", "high"])
    for minus, of in (("", found.values), (found.lifters[0], found.differences)):
        for metric, intervals in of.items():
            for name, one in intervals.items():
                writer.writerow([metric, name, minus, one.mean, one.low, one.high])
    paths = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".json", ".csv", ".md", ".png")]
    written = json.dumps({**asdict(options), **asdict(found)}, indent=1)
    shown = "\n\n".join([*(markdown_table(*table) for table in lines), note(found, options)]) + "\n"
    for path, content in zip(paths, (written, sheet.getvalue(), shown), strict=False):
        write_text(path, content)
    columns = [found.values, *([found.differences] if len(found.lifters) > 1 else [])]
    panels = {HEADS[metric]: [_numbers(of[metric]) for of in columns] for metric in found.values}
    heads = [f"mean, {options.confidence:.0%} interval", f"minus that of {found.lifters[0]}"]
    save_figure(interval_chart(panels, heads[: len(columns)]), paths[-1])
    return paths


def _numbers(of: Mapping[str, Interval]) -> dict[str, tuple[float, float, float]]:
    """Mean, low and high, by name."""
    return {name: (one.mean, one.low, one.high) for name, one in of.items()}


def named(files: Sequence[str]) -> dict[str, PeopleLifter]:
    """The lifters of some files by a short name: the file's, and its folder's where several are called alike.

    Raises:
        InputError: a file is missing or no lifter's, or there twice.
    """
    paths = [Path(file) for file in files]
    if len(set(files)) < len(files):
        raise InputError(f"lifters are {', '.join(files)}; expected each once")
    stems = [path.stem for path in paths]
    names = [path.stem if stems.count(path.stem) == 1 else str(path.with_suffix("")) for path in paths]
    return {
        name: Lifter.load(None if file == SHIPPED else path).people
        for name, file, path in zip(names, files, paths, strict=True)
    }


def main(arguments: Sequence[str]) -> None:
    default = Options()
    parser = argparse.ArgumentParser(prog="make compare", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("settings", nargs="*", help="key=value, as of all commands")
    parser.add_argument("--lifters", nargs="+", required=True, help=f"files, or {SHIPPED}; the first is compared with")
    parser.add_argument("--samples", type=int, default=default.samples, help="draws of the bootstrap (%(default)s)")
    parser.add_argument("--confidence", type=float, default=default.confidence, help="of intervals (%(default)s)")
    parser.add_argument("--pixels", type=float, default=default.pixels, help="noise on every joint (%(default)s)")
    given = parser.parse_args(arguments)
    config = load(given.settings)
    try:
        options = Options(given.samples, given.confidence, given.pixels, config.seed)
    except ValueError as error:
        raise InputError(f"--{error}") from error
    lifters = named(given.lifters)
    found = compare(lifters, read_recordings(config, config.data.evaluate), options, config.data.root)
    for lines in tables(found):
        print(markdown_table(*lines) + "\n")
    print(note(found, options))
    stem = Path(config.runs) / "compare" / f"{config.data.source}-{'-'.join(found.lifters)}"[:120].replace("/", "_")
    print("written     " + ", ".join(map(str, write(stem, found, options))))


if __name__ == "__main__":
    command(main)
