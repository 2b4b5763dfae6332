"""What ground placement bears: unknown lenses, rolled cameras, more people, level people, and how sure it is.

python -m experiments.ground run=default data.root=data/chi3d data.evaluate=[s04]

Prints the tables of `docs/ground.md` for a trained run on the evaluation subjects, in seconds to minutes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.figures import rows_sheet, save_figure
from callbacks.lifting import (
    estimated_focal,
    lift_by_camera,
    lift_scenes,
    perfect_lift,
    through_default_lens,
    through_estimated_lens,
)
from callbacks.rows import rows_of
from callbacks.scene_errors import depths_apart
from callbacks.scoring import evaluate, score_masked
from callbacks.together import aligned
from datamodules.recordings import scored_scenes
from datamodules.takes import Takes
from duolift.body.skeleton import Skeleton, skeleton_named
from duolift.geometry.cameras import elevation
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.rotations import facing, levelling, rotate
from duolift.geometry.scene_batch import SceneBatch
from duolift.levelled import lifted_level
from duolift.metrics.batched import Truth
from duolift.placement.fit import FitPlacement
from duolift.placement.ground import EVERYTHING, GroundPlacement, per_person_up, robust_mean
from duolift.placement.interface import Placement, SceneCameras
from duolift.placement.paper import LEVEL_PIXELS, PaperPlacement
from duolift.progress import tracked
from experiments.checkpoints import load_lifter
from experiments.config import load_run
from experiments.data import image_size, read_embedded, read_takes
from experiments.runs import command
from experiments.settings import Config
from experiments.tables import markdown_table
from experiments.virtual_scenes import crowds, filmed, noisy, rolled
from lightning_modules.lifter import LifterModule

ROLLS_DEG = (0.0, 5.0, 10.0)
CROWDS = (2, 3, 4, 6)

Table = list[list[str]]


def scored(people: Tensor, scenes: SceneBatch, root: int) -> dict[str, Tensor]:
    assert scenes.truth is not None
    return Truth(scenes.truth, root).score(people) if scenes.valid is None else score_masked(people, scenes, root)


def placed(placement: Placement, lifted: Lifted, scenes: SceneBatch, up: Tensor | None = None) -> Tensor:
    """The people of scenes, placed: (scene, person, joint, 3)."""
    return placement(lifted, SceneCameras(scenes.sequence, up)).people


def numbers(metrics: dict[str, Tensor], chosen: Tensor | slice = slice(None)) -> list[str]:
    """PA-MPJPE, SE % and RDE as a table shows them."""
    names = ("pa_mpjpe_mm", "scale_error_pct", "root_displacement_error_mm")
    return [f"{metrics[name][chosen].mean():.1f}" for name in names]


# Focal lengths --------------------------------------------------------------------------------------------------------


def perfect_focal(scenes: SceneBatch, skeleton: Skeleton, assumed: SceneBatch) -> Tensor:
    """The focal lengths (scene,) that people tell whom a lifter without error lifts, seen through assumed lenses."""
    lifted = perfect_lift(scenes, skeleton, Normalisation.fitted(scenes, skeleton, None, "ray"))
    nearer = scenes.intrinsics.focal[:, 0] / assumed.intrinsics.focal[:, 0]  # they look as if, and so are as small
    rays = assumed.rays_to(skeleton.root_index)
    smaller = replace(lifted, bodies=lifted.bodies * nearer[:, None, None, None], root_rays=rays)
    return estimated_focal(smaller, assumed).pixels[scenes.camera]


def focal_table(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, image: tuple[float, float]) -> Table:
    """The lifter's scenes through known, estimated and default lenses, a head length a camera."""
    table = [["focal length", "PA-MPJPE mm", "SE %", "RDE mm", "focal length off by, %", "median"]]
    lenses = {
        "known": scenes,
        "from the people": through_estimated_lens(module, scenes, skeleton, image)[0],
        "default": through_default_lens(scenes, image),
    }
    for name, some in lenses.items():
        lifted = lift_by_camera(module, some, skeleton)
        metrics = scored(placed(EVERYTHING, lifted, some), some, skeleton.root_index)
        wrong = 100 * (some.intrinsics.focal[:, 0] / scenes.intrinsics.focal[:, 0] - 1).abs()
        table.append([name, *numbers(metrics), f"{wrong.mean():.1f}", f"{wrong.median():.1f}"])
    wrong = 100 * (perfect_focal(scenes, skeleton, lenses["default"]) / scenes.intrinsics.focal[:, 0] - 1).abs()
    table.append(["from the people, perfect lifts", *[""] * 3, f"{wrong.mean():.1f}", f"{wrong.median():.1f}"])
    return table


# Rolled cameras -------------------------------------------------------------------------------------------------------


def roll_table(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton) -> Table:
    """Sequences by rolled cameras: roll not looked for, looked for, and up known; and by the fit, with people lifted as
    the cameras see them, and as level ones would."""
    table = [["roll", "taken for upright", "roll looked for", "up known", "fit, lifted once", "fit"]]
    for degrees in ROLLS_DEG:
        some = rolled(scenes, degrees)
        once, level = lift_scenes(module, some, skeleton), lift_level(module, some, skeleton)
        people = [
            placed(EVERYTHING, once, some),
            placed(replace(EVERYTHING, roll=True), once, some),
            placed(EVERYTHING, once, some, some.up),
            placed(FitPlacement(), once, some),
            placed(FitPlacement(), level, some),
        ]
        errors = [scored(each, some, skeleton.root_index)["pa_mpjpe_mm"] for each in people]
        table.append([f"{degrees:.0f}°", *(f"{error.mean():.1f}" for error in errors)])
    return table


def lift_level(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton) -> Lifted:
    """Scenes by ideal cameras, their people lifted as level ones would see them."""

    def lift(rays: Tensor) -> Lifted:
        lens = scenes.intrinsics[:, None]
        return lift_scenes(
            module, replace(scenes, pixels=lens.project(torch.nn.functional.pad(rays, (0, 1), value=1.0))), skeleton
        )

    lifted, _ = lifted_level(lift, scenes.rays, lambda found: SceneCameras(scenes.sequence))
    return replace(lifted, root_rows=scenes.pixels[:, :, skeleton.root_index, 1])


# More people ----------------------------------------------------------------------------------------------------------


def pairs_of(people: Tensor) -> Tensor:
    """Every two people of scenes (scene, person, joint, 3) as a scene of their own: (scene * pair, 2, joint, 3)."""
    first, second = torch.triu_indices(people.shape[1], people.shape[1], offset=1)
    return torch.stack([people[:, first], people[:, second]], dim=2).flatten(0, 1)


def crowd_table(takes: Takes, skeleton: Skeleton) -> Table:
    """Scenes of two to six, an image each: errors of every pair in them, and of the whole."""
    heads = ["PA-MPJPE of a pair mm", "SE %", "RDE mm", "PA-MPJPE of the scene mm"]
    table = [["people", "lifts", *heads]]
    for exact in (True, False):
        for people in CROWDS:
            scenes = crowds(takes, skeleton, people)
            assert scenes.truth is not None
            lifted = perfect_lift(scenes, skeleton, Normalisation.fitted(scenes, skeleton, None, "ray"))
            if not exact:
                lifted = noisy(lifted, torch.Generator().manual_seed(0))
            placement = GroundPlacement(size_sigma=0.0 if exact else GroundPlacement().size_sigma)
            together = placed(placement, lifted, scenes)
            pairs = Truth(pairs_of(scenes.truth), skeleton.root_index).score(pairs_of(together))
            whole = scored(together, scenes, skeleton.root_index)["pa_mpjpe_mm"].mean()
            table.append([str(people), "perfect" if exact else "with noise", *numbers(pairs), f"{whole:.1f}"])
    return table


# Level people, confidence, subjects -----------------------------------------------------------------------------------


def of_one_tilt(lifted: Lifted) -> Tensor:
    """The elevations (scene, person) of people whom a camera sees whose tilt is what all of theirs agree on."""
    turn = facing(lifted.root_rays).mT
    up = robust_mean(per_person_up(lifted.elevation, turn), valid=lifted.valid.to(turn))
    return elevation(turn[..., :, 2], up.unsqueeze(1))


def rule_picture(scenes: SceneBatch, skeleton: Skeleton) -> Figure:
    """Perfect lifts of the scenes that the rule spoils most, of three takes: with it, without it, and on the ground."""
    assert scenes.truth is not None
    assert scenes.up is not None
    perfect = perfect_lift(scenes, skeleton, Normalisation.fitted(scenes, skeleton, None, "ray"))
    placements: dict[str, Placement] = {
        "the paper's full row": PaperPlacement(),
        "without the rule": PaperPlacement(rule=False),
        "ground": GroundPlacement(size_sigma=0.0),
    }
    by = {name: placed(placement, perfect, scenes) for name, placement in placements.items()}
    errors = [scored(people, scenes, skeleton.root_index)["pa_mpjpe_mm"] for people in by.values()]
    worst = (errors[0] - errors[1]).argsort(descending=True).tolist()
    takes = [scenes.sequences[i].rpartition("/")[0] for i in scenes.sequence[worst].tolist()]
    chosen = torch.tensor([worst[takes.index(take)] for take in list(dict.fromkeys(takes))[:3]])
    level, truth = levelling(scenes.up[chosen]).unsqueeze(1), scenes.truth[chosen]
    some = scenes[chosen]
    pictures = {
        name: some.unseen_as_nan(rotate(level, aligned(people[chosen], truth, some.valid)))
        for name, people in by.items()
    }
    pixels, true = (some.unseen_as_nan(values) for values in (some.pixels, rotate(level, truth)))
    return rows_sheet(pixels, pictures, true, skeleton)


def rule_table(lifted: Lifted, perfect: Lifted, scenes: SceneBatch, skeleton: Skeleton) -> Table:
    """The paper's full row with and without its rule of 50 pixels, and ground placement, which has none."""
    assert scenes.truth is not None
    rows, absent = scenes.pixels[:, :, skeleton.root_index, 1], ~scenes.everybody
    lowest, highest = rows.masked_fill(absent, -torch.inf).amax(-1), rows.masked_fill(absent, torch.inf).amin(-1)
    level = lowest - highest <= LEVEL_PIXELS
    near = depths_apart(scenes, skeleton.root_index) < 0.3
    groups = {
        "within 50 pixels, depths within 0.3 m": level & near,
        "within 50 pixels, depths farther apart": level & ~near,
        "farther apart, depths within 0.3 m": ~level & near,
        "farther apart, depths farther apart": ~level & ~near,
        "all": torch.ones_like(level),
    }
    full = PaperPlacement()
    one_tilt = replace(lifted, elevation=of_one_tilt(lifted))
    sources: dict[str, tuple[Lifted, Placement]] = {
        "with the rule": (lifted, full),
        "without": (lifted, replace(full, rule=False)),
        "one tilt, with": (one_tilt, full),
        "one tilt, without": (one_tilt, replace(full, rule=False)),
        "ground": (lifted, GroundPlacement()),
        "perfect lift, with": (perfect, full),
        "perfect, without": (perfect, replace(full, rule=False)),
        "perfect, ground": (perfect, GroundPlacement(size_sigma=0.0)),
    }
    errors = [
        scored(placed(placement, source, scenes), scenes, skeleton.root_index)["pa_mpjpe_mm"]
        for source, placement in sources.values()
    ]
    table = [["roots in the image, and in depth", "scenes", *sources]]
    for name, chosen in groups.items():
        table.append([name, str(int(chosen.sum())), *(f"{error[chosen].mean():.1f}" for error in errors)])
    return table


def confidence_table(lifted: Lifted, perfect: Lifted, scenes: SceneBatch, skeleton: Skeleton) -> Table:
    """Whether the least confident scenes are the worst."""
    table = [["row", "rank correlation with PA-MPJPE", "least confident quarter mm", "most confident quarter mm"]]
    for name, source, placement in (
        ("ground, each image by itself", lifted, GroundPlacement()),
        ("everything", lifted, EVERYTHING),
        ("perfect lift", perfect, GroundPlacement(size_sigma=0.0)),
    ):
        together = placement(source, SceneCameras(scenes.sequence))
        error = scored(together.people, scenes, skeleton.root_index)["pa_mpjpe_mm"]
        sure = together.confidence.masked_fill(~scenes.everybody, torch.inf).amin(-1)
        order, quarter = sure.argsort(), len(error) // 4
        ranks = torch.stack([sure.argsort().argsort().float(), error.argsort().argsort().float()])
        values = (error[order[:quarter]].mean(), error[order[-quarter:]].mean())
        table.append([name, f"{torch.corrcoef(ranks)[0, 1]:.2f}", *(f"{value:.1f}" for value in values)])
    return table


def kind_table(scenes_of: Callable[[Skeleton], SceneBatch]) -> Table:
    """Perfect lifts by kind of action, with and without toes, an image by itself and a sequence."""
    table = [["action", "scenes", "19 joints", "a sequence", "23 joints, toes", "a sequence"]]
    errors, kinds = [], Tensor()
    for name in ("paper19", "paper23"):
        skeleton = skeleton_named(name)
        scenes = scenes_of(skeleton).of_several()
        perfect = perfect_lift(scenes, skeleton, Normalisation.fitted(scenes, skeleton, None, "ray"))
        names = [sequence.split("/")[1].rstrip("0123456789 ") for sequence in scenes.sequences]
        known = sorted(set(names))
        kinds = torch.tensor([known.index(kind) for kind in names])[scenes.sequence]
        for placement in (GroundPlacement(size_sigma=0.0), replace(EVERYTHING, size_sigma=0.0)):
            people = placed(placement, perfect, scenes)
            errors.append(scored(people, scenes, skeleton.root_index)["pa_mpjpe_mm"])
    for number, kind in enumerate([*known, "all"]):
        chosen = kinds == number if kind != "all" else torch.ones_like(kinds, dtype=torch.bool)
        table.append([kind, str(int(chosen.sum())), *(f"{error[chosen].mean():.1f}" for error in errors)])
    return table


def rows_table(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, image: tuple[float, float]) -> Table:
    """Every row of ground placement."""
    rows = [row for row in rows_of("lifted") if isinstance(row.placement, GroundPlacement)]
    keys = ("pa_mpjpe_mm", "scale_error_pct", "root_displacement_error_mm", "contact_distance_error_mm")
    table = [["lifter", "row", "PA-MPJPE mm", "SE %", "RDE mm", "contact mm", "focal length off by, %"]]
    for result in evaluate(module, rows, scenes, skeleton, image=image):
        values = [f"{result['metrics'][key]:.1f}" if key in result["metrics"] else "" for key in keys]
        table.append(
            [result["lifter"], result["name"], *values, f"{result['metrics'].get('focal_error_pct', 0.0):.1f}"]
        )
    return table


def tables(config: Config, folder: Path) -> dict[str, Table]:
    """Every table by its title; draws `rule.png` beside the run, of the embedded set."""
    skeleton = skeleton_named(config.data.skeleton)
    module = load_lifter(folder / "whole" / "last.ckpt", skeleton.name)
    takes = read_takes(config, config.data.evaluate)
    image = image_size(config, takes.image)
    scenes = scored_scenes(takes.scenes(skeleton), config.data.root)
    lifted = lift_scenes(module, scenes, skeleton)
    perfect = perfect_lift(scenes, skeleton, module.normalisation)
    synthetic = read_embedded(config)
    save_figure(rule_picture(synthetic.of(["s04"]).scenes(skeleton), skeleton), folder / "rule.png")
    made: dict[str, Callable[[], Table]] = {
        "Every row": lambda: rows_table(module, scenes, skeleton, image),
        "Focal length, virtual cameras": lambda: focal_table(module, filmed(takes, skeleton, image), skeleton, image),
        "Rolled cameras, PA-MPJPE mm": lambda: roll_table(module, scenes, skeleton),
        "More people, the embedded set's bodies": lambda: crowd_table(synthetic, skeleton),
        "The rule of 50 pixels, PA-MPJPE mm": lambda: rule_table(lifted, perfect, scenes, skeleton),
        "Confidence": lambda: confidence_table(lifted, perfect, scenes, skeleton),
        "Perfect lifts, PA-MPJPE mm": lambda: kind_table(takes.scenes),
    }
    return {title: table() for title, table in tracked(made.items(), "tables", len(made))}


def main(arguments: Sequence[str]) -> None:
    named = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    folder = Path(named.get("runs", "runs")) / named.get("run", "default")
    for title, table in tables(load_run(folder / "config.yaml", arguments), folder).items():
        print(f"\n### {title}\n\n{markdown_table(*table)}")


if __name__ == "__main__":
    command(main)
