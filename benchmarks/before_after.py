"""Draw what solving for everybody and all frames at once changes, into docs/before-after.png and docs/jump.gif.

python -m benchmarks.before_after --cases FOLDER --root FOLDER

`--cases` holds detections: `lone-jump.json`, one person who jumps 0.40 m, and `hover-coco-196141.json`, four people in
a photograph. `--root` is a data set in CHI3D's layout, one of whose takes is detected as a detector with COCO's joints
would, 3 pixels off. Before is `placement="ground"`, frame by frame; after is what `duolift lift` does.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from datamodules.sources import chi3d
from duolift.body.skeleton import PAPER19
from duolift.camera import Camera
from duolift.geometry.scene_batch import SceneBatch
from duolift.inputs.detections import JOINTS
from duolift.inputs.keypoints import COCO17
from duolift.predictor import Lifter
from duolift.scene import Scene
from experiments.runs import command

Array = NDArray[np.float64]

JUMP, PHOTOGRAPH = "lone-jump.json", "hover-coco-196141.json"

JUMP_HEIGHT = 0.40
"""Metres, by those who made the file."""

RATE, NOISE = 30.0, 3.0
"""Frames a second of the takes and of the jump; pixels that a detector is off."""

FRAMES = 150
"""Of a take, at most."""

BEFORE, AFTER, TRUTH = "tab:red", "tab:blue", "0.3"

FOREARM = ("left_elbow", "left_wrist")


@dataclass(frozen=True)
class Way:
    """How something is lifted, and how it is drawn."""

    name: str
    placement: str
    smooth: bool
    colour: str


WAYS = (Way("before", "ground", False, BEFORE), Way("after", "fit", True, AFTER))


def jumps(lifter: Lifter, cases: Path) -> list[Scene]:
    """The jump, lifted in each of `WAYS`."""
    return [
        lifter.lift_file(
            cases / JUMP, Camera(image=(1920, 1080), rate=RATE, smooth=way.smooth), placement=way.placement
        )
        for way in WAYS
    ]


def detected(scenes: SceneBatch, noise: float) -> Array:
    """What a detector with COCO's joints sees of scenes, (scene, person, joint of `JOINTS`, 2), pixels."""
    pixels = scenes.noisy(noise, torch.Generator().manual_seed(0)).pixels.double().numpy()
    seen = [joint for joint in COCO17.own if joint in PAPER19.joints]
    found = np.full((*pixels.shape[:2], len(JOINTS), 2), np.nan)
    found[:, :, JOINTS.indices(seen)] = pixels[:, :, PAPER19.indices(seen)]
    return found


def draw_jump(height: Axes, depth: Axes, scenes: Sequence[Scene]) -> None:
    """How high the lowest joint is, and how far away the pelvis, over time."""
    for way, scene in zip(WAYS, scenes, strict=True):
        time = np.arange(len(scene.people)) / RATE
        height.plot(time, scene.world()[:, 0, :, 1].min(-1), color=way.colour, label=way.name)
        away = scene.people[:, 0, scene.skeleton.root_index, 2]
        depth.plot(time, away - np.median(away[: int(RATE / 2)]), color=way.colour)
    height.axhline(JUMP_HEIGHT, color=TRUTH, linestyle=":", label="as it was")
    height.set(title="Somebody jumps: lowest joint", xlabel="seconds", ylabel="metres above the ground")
    height.legend(frameon=False)
    depth.axhline(0.0, color=TRUTH, linestyle=":")
    depth.set(title="The same: how much further away", xlabel="seconds", ylabel="metres")


def draw_photograph(axes: Axes, lifter: Lifter, cases: Path) -> None:
    """How high everybody's lowest joint is in a photograph."""
    for number, way in enumerate(WAYS):
        scene = lifter.lift_file(cases / PHOTOGRAPH, placement=way.placement)
        lowest = scene.world()[0, :, :, 1].min(-1)
        axes.bar(np.arange(len(lowest)) + 0.4 * number - 0.2, lowest, 0.38, color=way.colour)
    axes.axhline(0.0, color=TRUTH, linewidth=0.8)
    axes.set(title="A photograph: lowest joints", xlabel="person", ylabel="metres above the ground")
    axes.set_xticks(range(len(lowest)), [str(person + 1) for person in range(len(lowest))])


def draw_take(bone: Axes, moved: Axes, lifter: Lifter, scenes: SceneBatch) -> None:
    """How long a forearm is, and how much joints are accelerated, over a take."""
    assert scenes.truth is not None
    elbow, wrist = PAPER19.indices(FOREARM)
    image = 2 * scenes.intrinsics.principal[0]
    camera = Camera(float(scenes.intrinsics.focal.mean()), (float(image[0]), float(image[1])), rate=RATE)
    keypoints = detected(scenes, NOISE)
    time = np.arange(len(keypoints)) / RATE
    for way in WAYS:
        given = Camera(camera.focal, camera.image, rate=RATE, smooth=way.smooth)
        people = lifter.lift(keypoints, camera=given, placement=way.placement).people.astype(np.float64)
        bone.plot(time, 100 * np.linalg.norm(people[:, 0, wrist] - people[:, 0, elbow], axis=-1), color=way.colour)
        moved.semilogy(time[1:-1], acceleration(people), color=way.colour)
    truth = scenes.truth.double().numpy() / 1000
    bone.plot(time, 100 * np.linalg.norm(truth[:, 0, wrist] - truth[:, 0, elbow], axis=-1), color=TRUTH, linestyle=":")
    moved.semilogy(time[1:-1], acceleration(truth), color=TRUTH, linestyle=":")
    bone.set(title="Two people: somebody's forearm", xlabel="seconds", ylabel="centimetres")
    moved.set(title="Two people: acceleration", xlabel="seconds", ylabel="mm a squared frame")


def acceleration(people: Array) -> Array:
    """Mean second differences of joints (frame, person, joint, 3), metres: (frame - 2,), mm a squared frame."""
    second = people[2:] - 2 * people[1:-1] + people[:-2]
    return np.asarray(1000 * np.linalg.norm(second, axis=-1).mean((1, 2)))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.before_after", description=__doc__)
    parser.add_argument("--cases", type=Path, required=True, help=f"a folder with {JUMP} and {PHOTOGRAPH}")
    parser.add_argument("--root", type=Path, required=True, help="a data set in CHI3D's layout")
    parser.add_argument("--subject", default="s04", help="whose first take is drawn; default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="a folder; default: %(default)s")
    given = parser.parse_args(arguments)
    lifter = Lifter.load()
    scenes = chi3d.read(given.root, [given.subject]).scenes(PAPER19)
    first = scenes[(scenes.sequence == 0).nonzero().flatten()[:FRAMES]]
    figure, ((height, depth, photograph), (bone, moved, empty)) = plt.subplots(2, 3, figsize=(12, 6.2))
    empty.axis("off")
    lifted = jumps(lifter, given.cases)
    draw_jump(height, depth, lifted)
    draw_photograph(photograph, lifter, given.cases)
    draw_take(bone, moved, lifter, first)
    empty.legend(*height.get_legend_handles_labels(), loc="center", frameon=False)
    height.get_legend().remove()
    for axes in (height, depth, photograph, bone, moved):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(given.output / "before-after.png", dpi=110)
    lifted[-1].save(given.output / "jump.gif")


if __name__ == "__main__":
    command(main)
