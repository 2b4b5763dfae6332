"""People as they come, against the whole video and against every frame by itself.

    python -m benchmarks.live --root /data/pairs --subjects s03 s04 --every 30

Motion capture of couples in CHI3D's layout before all of its cameras, as a detector would see them: COCO's joints, some
pixels off, the focal length known. Millimetres, and milliseconds that one frame keeps a core busy.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real.couples import COUPLES
from datamodules.sources import chi3d
from datamodules.takes import Takes
from duolift.body.skeleton import PAPER19
from duolift.camera import Camera
from duolift.geometry.alignment import align
from duolift.geometry.cameras import CalibratedCamera
from duolift.inputs.keypoints import FORMATS
from duolift.predictor import Lifter
from duolift.scene import Scene
from duolift.streaming.recording import recorded
from experiments.runs import command

SETTLED = 2.0
"""Seconds after which a stream is taken to know its camera."""


@dataclass(frozen=True)
class Film:
    """What a detector finds in a take before one camera.

    Attributes:
        keypoints: (frame, person, joint of COCO's 17, 3), pixels and confidence.
        truth: (frame, person, joint, 3), millimetres, camera frame, joints of `PAPER19`.
        camera: what is known of it.
    """

    keypoints: NDArray[np.float64]
    truth: torch.Tensor
    camera: Camera


Way = Callable[[Lifter, Film], tuple[Scene, list[float]]]
"""Lifts a film: the scene, and the seconds of every frame."""


def as_it_comes(lag: float) -> Way:
    """Frame by frame, held back by at most `lag` seconds."""

    def lifted(lifter: Lifter, film: Film) -> tuple[Scene, list[float]]:
        stream, scenes, took = lifter.stream(film.camera, "coco17", lag=lag), [], []
        for number, keypoints in enumerate(film.keypoints):
            began = time.process_time()
            scenes += stream.add(keypoints, identities=range(1, len(keypoints) + 1), name=str(number))
            took.append(time.process_time() - began)
        return recorded([*scenes, *stream.finish()]), took

    return lifted


def whole(smooth: bool) -> Way:
    """All frames at once."""

    def lifted(lifter: Lifter, film: Film) -> tuple[Scene, list[float]]:
        began = time.process_time()
        scene = lifter.lift(film.keypoints, format="coco17", camera=replace(film.camera, smooth=smooth))
        return scene, [(time.process_time() - began) / len(film.keypoints)] * len(film.keypoints)

    return lifted


WAYS: dict[str, Way] = {
    "the whole video": whole(True),
    "as it comes, 0.2 s behind": as_it_comes(0.2),
    "as it comes, 0.1 s behind": as_it_comes(0.1),
    "as it comes, at once": as_it_comes(0.0),
    "--frame-by-frame": whole(False),
}


def films(takes: Takes, every: int, noise: float, step: int) -> Iterator[Film]:
    """Every so-manieth take before all cameras, and of its frames every `step`th."""
    random = np.random.default_rng(0)
    near = {"nose": "head", **{f"{side}_{part}": "head" for side in ("left", "right") for part in ("eye", "ear")}}
    captured = [takes.joints.index(near.get(joint, joint)) for joint in FORMATS["coco17"].joints]
    scored = [takes.joints.index(joint) for joint in PAPER19.joints]
    for take in range(0, len(takes.names), every):
        world = takes.world[takes.start[take] : takes.start[take + 1] : step].double()
        for number in range(len(takes.cameras)):
            camera = CalibratedCamera(
                **{name: value[take, number].double() for name, value in vars(takes.views).items()}
            )
            people = camera.to_camera(world)
            pixels = camera.project(people[:, :, captured]).numpy()
            pixels += random.normal(0, noise, pixels.shape)
            keypoints = np.concatenate([pixels, np.ones_like(pixels[..., :1])], -1)
            known = Camera(float(camera.focal.mean()), takes.image or COUPLES.image, rate=30.0 / step)
            yield Film(keypoints, 1000 * people[:, :, scored], known)


def scores(scene: Scene, film: Film) -> dict[str, list[float]]:
    """Errors of every frame by their name, as docs/terms.md has them."""
    people, truth = torch.as_tensor(scene.people).double(), film.truth
    off = {
        "person": (align(people, truth) - truth).norm(dim=-1).mean((1, 2)),
        "scene": (align(people.flatten(1, 2), truth.flatten(1, 2)) - truth.flatten(1, 2)).norm(dim=-1).mean(1),
    }
    start = min(round(SETTLED * (film.camera.rate or 30.0)), len(people) - 3)
    for name, frames in (("sequence", slice(None)), ("after 2 s", slice(start, None))):
        target = truth[frames]
        placed = align(people[frames].flatten(0, 2), target.flatten(0, 2)).view_as(target)
        off[name] = (placed - target).norm(dim=-1).mean((1, 2))
        if name == "sequence":
            off["acceleration"] = (placed - target).diff(n=2, dim=0).norm(dim=-1).mean((1, 2))
    return {name: values.tolist() for name, values in off.items()}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="a data set in CHI3D's layout")
    parser.add_argument("--subjects", nargs="+", default=["s04"], help="whose takes (s04)")
    parser.add_argument("--every", type=int, default=30, help="of how many takes one is lifted (30)")
    parser.add_argument("--noise", type=float, default=COUPLES.noise, help="deviation of a joint in pixels (3)")
    parser.add_argument("--step", type=int, default=1, help="of how many frames one is lifted (1)")
    parser.add_argument("--lifter", type=Path, help="a trained lifter (the one of the package)")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    lifter = Lifter.load(given.lifter)
    for subject in given.subjects:
        found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for film in films(chi3d.read(given.root, [subject]), given.every, given.noise, given.step):
            for name, way in WAYS.items():
                scene, took = way(lifter, film)
                for metric, values in (*scores(scene, film).items(), ("ms a frame", [1000 * t for t in took])):
                    found[name][metric] += values
        metrics = [*found["the whole video"]]
        print(f"\n| {subject} | " + " | ".join([*metrics, "ms, slowest of 100"]) + " |")
        print("|---|" + "---|" * (len(metrics) + 1))
        for name, by_metric in found.items():
            cells = [f"{np.mean(values):.1f}" for values in by_metric.values()]
            print(f"| {name} | " + " | ".join([*cells, f"{np.quantile(by_metric['ms a frame'], 0.99):.0f}"]) + " |")


if __name__ == "__main__":
    command(main)
