"""Score a lifter behind cameras that move.   python -m benchmarks.moving --root FOLDER [--subject s04] [--every 8]

Motion capture of couples (a data set in CHI3D's layout) is seen by a hand-held virtual camera that turns, walks
sideways or walks towards the people, as a detector with COCO's joints sees them that is 3 pixels off. Each take is
lifted frame by frame, as without a solved camera, and with it: its world known, or as COLMAP has it, of any orientation
and scale.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from datamodules.sources import chi3d
from datamodules.synthetic.cameras import aimed
from duolift.calibration.calibration import Calibration, World
from duolift.calibration.lens import Lens
from duolift.camera import Camera
from duolift.geometry.alignment import align
from duolift.predictor import Lifter
from duolift.scene import Scene
from experiments.runs import command
from experiments.tables import markdown_table

Array = NDArray[np.float64]

COCO = (
    *(("nose", "head"), ("left_eye", "head"), ("right_eye", "head"), ("left_ear", "head"), ("right_ear", "head")),
    *(
        (f"{side}_{joint}", f"{side}_{joint}")
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ),
)
"""COCO's joints in their order, and the captured joint that is nearest to each; the face's are left out."""


@dataclass(frozen=True)
class Filming:
    """How a virtual camera moves.

    Attributes:
        focal, image: pixels.
        distance: at the beginning, metres.
        height: metres.
        aim: height of what it looks at, metres.
        frames: of a take, at most.
        rate: frames a second.
        noise: of detections, pixels.
        shake: deviations of a hand's shaking: degrees, metres; and for how many frames it lasts.
        pan: degrees that it turns beside the people, to either side, in `pan_seconds`.
        speed: metres a second, of a slow walk.
        nearest: metres, where a walk towards the people ends.
    """

    focal: float = 1100.0
    image: tuple[float, float] = (1920.0, 1080.0)
    distance: float = 5.5
    height: float = 1.6
    aim: float = 1.0
    frames: int = 240
    rate: float = 30.0
    noise: float = 3.0
    shake: tuple[float, float, float] = (0.4, 0.015, 4.0)
    pan: float = 15.0
    pan_seconds: float = 4.0
    speed: float = 0.6
    nearest: float = 2.8


FILMING = Filming()

WAYS = ("turns", "walks sideways", "walks towards")
"""How the camera moves."""


@dataclass(frozen=True)
class Film:
    """A take as a moving camera sees it.

    Attributes:
        world: (frame, person, joint, 3), metres, z up.
        rotation: (frame, 3, 3), from the world to the camera.
        position: (frame, 3).
        keypoints: (frame, person, 17, 2), pixels; NaN where nothing is seen.
    """

    world: Array
    rotation: Array
    position: Array
    keypoints: Array


def filmed(world: Array, joints: Sequence[str], way: str, random: np.random.Generator) -> Film:
    """A take (frame, person, joint, 3) before a camera that moves in one of `WAYS`."""
    time = np.arange(len(world)) / FILMING.rate
    middle = gaussian_filter1d(world.mean((1, 2)), FILMING.rate, axis=0, mode="nearest")
    middle[:, 2] = FILMING.aim
    azimuth = random.uniform(0, 2 * np.pi)
    out = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    across = np.array([-out[1], out[0], 0.0])
    walked = FILMING.speed * time[:, None]
    away = np.full((len(time), 1), FILMING.distance)
    if way == "walks towards":
        away = np.maximum(FILMING.distance - walked, FILMING.nearest)
    position = middle[:1] * [1.0, 1.0, 0.0] + away * out + [0.0, 0.0, FILMING.height]
    if way == "walks sideways":
        position = position + (walked - walked.mean()) * across
    degrees, metres, lasts = FILMING.shake

    def shaking(deviation: float) -> Array:
        smooth = gaussian_filter1d(random.normal(size=(len(time) + 40, 3)), lasts, axis=0)[20:-20]
        return np.asarray(deviation * smooth / smooth.std())

    position = position + shaking(metres)
    turned = shaking(degrees)
    if way == "turns":
        turned[:, 1] += FILMING.pan * np.sin(2 * np.pi * time / FILMING.pan_seconds)
    straight = aimed(position, middle, np.zeros(len(time)))
    rotation = Rotation.from_euler("xyz", turned, degrees=True).as_matrix() @ straight
    seen = [joints.index(joint) for _, joint in COCO]
    points = np.einsum("fij,fpkj->fpki", rotation, world[:, :, seen] - position[:, None, None])
    pixels = FILMING.focal * points[..., :2] / points[..., 2:] + np.array(FILMING.image) / 2
    pixels += random.normal(0, FILMING.noise, pixels.shape)
    outside = ((pixels < 0) | (pixels > FILMING.image)).any(-1) | (points[..., 2] < 0.2)
    pixels[outside] = np.nan
    pixels[:, :, [0, 1, 2]] = np.nan  # no capture has a face
    return Film(world, rotation, position, pixels)


def calibration_of(film: Film, known: bool, random: np.random.Generator) -> Calibration:
    """The film's cameras, in its own world or in one as COLMAP's."""
    lens = Lens((FILMING.focal, FILMING.focal), (FILMING.image[0] / 2, FILMING.image[1] / 2))
    rotation, position, world = film.rotation, film.position, World((0.0, 0.0, 1.0), 0.0, 1.0)
    if not known:
        turn, scale, shift = (
            Rotation.random(random_state=random).as_matrix(),
            random.uniform(0.2, 5),
            random.normal(size=3),
        )
        rotation, position, world = rotation @ turn.T, scale * (position @ turn.T + shift), World()
    return Calibration("virtual", (lens,), rotation, position, image=FILMING.image, world=world)


def in_world(scene: Scene, film: Film) -> Array:
    """Everybody (frame, person, joint, 3) in the film's world: by the true cameras where the scene has none."""
    if scene.reference is not None:
        return scene.world().astype(np.float64)
    return np.asarray(scene.people @ film.rotation[:, None] + film.position[:, None, None], np.float64)


def errors(found: Array, camera: Array, film: Film, joints: Sequence[int], root: int, metric: bool) -> dict[str, float]:
    """Means over a take, millimetres; accelerations in millimetres a squared frame; places in metres.

    Args:
        found: (frame, person, joint, 3), in one world.
        camera: the same in the cameras.
        film: the truth.
        joints: of the truth, those of `found`.
        root: of `found`.
        metric: whether the world is the film's, so that places may be compared as they are.
    """
    truth = film.world[:, :, joints]
    there = np.isfinite(found).all((-1, -2)).all(-1)
    found, camera, truth = found[there], camera[there], truth[there]

    def apart(one: Array, other: Array) -> float:
        return float(1000 * np.linalg.norm(one - other, axis=-1).mean())

    def onto(points: Array, goal: Array) -> Array:
        """Batches (batch, point, 3) moved, turned and scaled as wholes."""
        moved = align(torch.as_tensor(points, dtype=torch.float64), torch.as_tensor(goal))
        return np.asarray(moved.numpy().reshape(truth.shape))

    frames, people = truth.shape[:2]
    whole = onto(found.reshape(1, -1, 3), truth.reshape(1, -1, 3))
    second = [x[2:] - 2 * x[1:-1] + x[:-2] for x in (whole, truth)]
    placed = found @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) if metric else whole  # y up to z up
    roots = np.linalg.norm(placed[:, :, root] - truth[:, :, root], axis=-1)
    return {
        "person": apart(onto(camera.reshape(frames * people, -1, 3), truth.reshape(frames * people, -1, 3)), truth),
        "scene": apart(onto(camera.reshape(frames, -1, 3), truth.reshape(frames, -1, 3)), truth),
        "sequence": apart(whole, truth),
        "acceleration": apart(*second),
        "places": float(roots.mean()),
    }


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.moving", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="a data set in CHI3D's layout")
    parser.add_argument("--subject", default="s04", help="whose takes; default: %(default)s")
    parser.add_argument("--every", type=int, default=8, help="of how many takes one is filmed; default: %(default)s")
    parser.add_argument("--lifter", type=Path, metavar="FILE", help="default: the one of the package")
    given = parser.parse_args(arguments)
    lifter, takes = Lifter.load(given.lifter), chi3d.read(given.root, [given.subject])
    scores: dict[tuple[str, str], list[dict[str, float]]] = {}
    for take in range(0, len(takes.names), given.every):
        world = takes.world[takes.start[take] : takes.start[take + 1]][: FILMING.frames].double().numpy()
        for way in WAYS:
            random = np.random.default_rng(take)
            film = filmed(world, takes.joints, way, random)
            known, unknown = (calibration_of(film, each, random) for each in (True, False))
            cameras = {
                "frame by frame": Camera(FILMING.focal, FILMING.image, static=False, rate=FILMING.rate),
                "solved, world known": Camera(calibration=known, rate=FILMING.rate),
                "solved, as COLMAP": Camera(calibration=unknown, rate=FILMING.rate),
                "solved, lifted frame by frame": Camera(calibration=known, rate=FILMING.rate, smooth=False),
            }
            for name, camera in cameras.items():
                scene = lifter.lift(film.keypoints, format="coco17", camera=camera)
                joints = [takes.joints.index(joint) for joint in scene.skeleton.joints]
                metric = camera.calibration is known
                found = errors(
                    in_world(scene, film),
                    scene.people.astype(np.float64),
                    film,
                    joints,
                    scene.skeleton.root_index,
                    metric,
                )
                scores.setdefault((way, name), []).append(found)
    names = [*next(iter(scores.values()))[0]]
    rows = [
        [*key, *(f"{np.mean([each[name] for each in some]):.{2 if name == 'places' else 1}f}" for name in names)]
        for key, some in scores.items()
    ]
    print(markdown_table(["camera", "lifted", *names], *rows))


if __name__ == "__main__":
    command(main)
