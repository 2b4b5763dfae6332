"""Writes a made-up data set of two-person interactions in CHI3D's layout on disk.

Two kinematic people (`bodies.py`, `choreography.py`) act out eight kinds of action (`actions.py`) before four cameras.
World frame: z up, metres; 50 frames a second; pixels. The same settings give the same bytes.

    python -m datamodules.synthetic --root data/synthetic --takes 3 --frames 48
"""

import argparse
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from datamodules.actions import ACTIONS, compose
from datamodules.bodies import SIDES, Array, Body, dot, human, unit
from datamodules.choreography import FPS, Scene, play
from duolift.body.skeleton import CHI3D25
from duolift.errors import InputError
from duolift.files import locked, writing
from duolift.geometry.cameras import CalibratedCamera
from duolift.progress import tracked

FORMAT = 1
SUBJECTS = ("s02", "s03", "s04")
BUILDS = {"s02": ("man", "woman"), "s03": ("man", "man"), "s04": ("woman", "man")}
CAMERA_IDS = ("50591643", "58860488", "60457274", "65906101")
IMAGE = 900
RADIAL, TANGENTIAL = (-0.2083, 0.2555, -0.0025), (-0.00076, -0.0014)
HEIGHTS, DISTANCES, AZIMUTHS = (1.35, 1.70, 2.20, 2.70), (4.2, 4.4, 4.3, 4.5), (20.0, 115.0, 200.0, 290.0)
TRUNK, LIMBS, TRUNK_RADIUS = ("pelvis", "spine", "neck"), ("elbow", "wrist", "knee", "ankle"), 0.08
SHORTEST_SCENE, MISS = 160, 0.03
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class SyntheticConfig:
    """What to write.

    Attributes:
        seed: of every random draw.
        takes: takes of each kind of action for each pair of subjects.
        frames: frames kept of each take.
    """

    seed: int = 0
    takes: int = 3
    frames: int = 48


@dataclass(frozen=True)
class Take:
    """`joints (2, frame, 25, 3)` in metres, and the first and last frame of contact, if there is any."""

    joints: Array
    contact: tuple[int, int] | None


# Cameras --------------------------------------------------------------------------------------------------------------


def place_cameras(rng: np.random.Generator) -> CalibratedCamera:
    """Four cameras round the origin, like CHI3D's: low to high, about 90 degrees apart, aimed at the pair's waist."""
    four = len(CAMERA_IDS)
    azimuth = np.deg2rad(np.array(AZIMUTHS) + rng.uniform(0, 360) + rng.uniform(-12, 12, four))
    height = np.array(HEIGHTS) + rng.uniform(-0.06, 0.06, four)
    away = np.array(DISTANCES) + rng.uniform(-0.15, 0.15, four)
    level = np.sqrt(away**2 - (height - 1.0) ** 2)
    centre = np.column_stack([level * np.cos(azimuth), level * np.sin(azimuth), height])
    aim = np.array([0.0, 0.0, 1.0]) + rng.uniform(-0.05, 0.05, (four, 3))
    forward = unit(aim - centre)
    right = unit(np.cross(forward, [0.0, 0.0, 1.0]))
    frames = np.stack([right, np.cross(forward, right), forward], axis=1)
    roll = Rotation.from_euler("z", rng.normal(0, 0.012, (four, 1))).as_matrix()
    values = {
        "rotation": roll @ frames,
        "centre": centre,
        "focal": 1145.0 + rng.uniform(-4, 4, (four, 1)) + rng.uniform(-1, 1, (four, 2)),
        "principal": IMAGE / 2 + rng.uniform(-8, 8, (four, 2)),
        "radial": np.tile(RADIAL, (four, 1)),
        "tangential": np.tile(TANGENTIAL, (four, 1)),
    }
    return CalibratedCamera(**{name: torch.from_numpy(np.round(value, 8)) for name, value in values.items()})


def camera_file(camera: CalibratedCamera) -> dict[str, dict[str, list]]:
    """One camera in the shape of `camera_parameters/<camera>/<action>.json`."""
    f, c, k, p = (x.tolist() for x in (camera.focal, camera.principal, camera.radial, camera.tangential))
    return {
        "extrinsics": {"R": camera.rotation.tolist(), "T": [camera.centre.tolist()]},
        "intrinsics_w_distortion": {"f": [f], "c": [c], "k": [k], "p": [p]},
        "intrinsics_wo_distortion": {"f": f, "c": c},
    }


# Takes ----------------------------------------------------------------------------------------------------------------


def record(
    kind: str, bodies: tuple[Body, Body], cameras: CalibratedCamera, frames: int, rng: np.random.Generator
) -> Take:
    """One take of `kind`: scenes are drawn until one is sound."""
    for _ in range(LONGEST_SEARCH):
        scene = compose(kind, bodies, max(frames + 40, SHORTEST_SCENE), rng)
        joints, touching, reached = stage(scene)
        if not reached:
            continue
        start = cut(touching, frames, rng)
        joints, touching = joints[:, start : start + frames], touching[start : start + frames]
        joints = settle(joints, rng)
        if human(joints, FPS) and sound(joints, cameras) and touching.any() == bool(scene.touches):
            contact = np.flatnonzero(touching)
            return Take(joints, (int(contact[0]), int(contact[-1])) if len(contact) else None)
    raise RuntimeError(f"no sound take of {kind} in {LONGEST_SEARCH} scenes")


def stage(scene: Scene) -> tuple[Array, NDArray[np.bool_], bool]:
    """Play a scene: joints (2, frame, 25, 3), where the two touch, (frame,), and whether all hands got there."""
    figures = play(scene)
    touching, reached = np.zeros(scene.frames, dtype=bool), True
    for touch in scene.touches:
        limb = figures[touch.person].joints[f"{touch.side}_{'hand' if touch.limb == 'hand' else 'toe'}"]
        miss = np.linalg.norm(limb - touch.target(figures), axis=-1)
        there = touch.weight > 0.999
        touching |= there
        reached &= bool(miss[there].max(initial=0) < MISS)
    return np.stack([figure.stack() for figure in figures]), touching, reached


def cut(touching: NDArray[np.bool_], frames: int, rng: np.random.Generator) -> int:
    """The first frame of a stretch of `frames`; it shows some of the contact, if there is any."""
    last = len(touching) - frames
    contact = np.flatnonzero(touching)
    if not len(contact):
        return int(rng.integers(0, last + 1))
    some = min(12, len(contact), frames)
    low, high = np.clip([contact[0] + some - frames, contact[-1] - some + 1], 0, last)
    return int(rng.integers(low, high + 1))


def settle(joints: Array, rng: np.random.Generator) -> Array:
    """Put the pair near the middle of the stage, facing anywhere."""
    middle = joints[:, :, CHI3D25.root_index].mean((0, 1)) * [1.0, 1.0, 0.0]
    turn = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi)).as_matrix()
    return (joints - middle) @ turn.T + [*rng.uniform(-0.12, 0.12, 2), 0.0]


def sound(joints: Array, cameras: CalibratedCamera) -> bool:
    """Whether everybody is in the picture and nobody stands in the other."""
    points = cameras.to_camera(torch.from_numpy(joints.reshape(1, -1, 3)))
    pixels = cameras.project(points)
    seen = bool(((pixels > 6) & (pixels < IMAGE - 6)).all() and (points[..., 2] > 1.0).all())
    trunks = joints[:, :, CHI3D25.indices(TRUNK)]
    pelvises = np.linalg.norm(trunks[0, :, 0] - trunks[1, :, 0], axis=-1).min()
    apart = np.linalg.norm(trunks[0, :, :, None] - trunks[1, :, None], axis=-1).min()
    return seen and pelvises > 0.27 and apart > 0.20 and depth_in_trunks(joints) < 0.0


def depth_in_trunks(joints: Array) -> float:
    """How deep the deepest elbow, wrist, knee or ankle is inside anybody's trunk, a tube of 8 cm; metres."""
    limbs = joints[:, :, CHI3D25.indices(f"{side}_{name}" for side in SIDES for name in LIMBS)]
    points = limbs.transpose(1, 0, 2, 3).reshape(1, joints.shape[1], -1, 1, 3)
    trunks = joints[:, :, None, CHI3D25.indices((*TRUNK, "head_top"))]  # (person, frame, 1, joint, 3)
    start, bone = trunks[..., :-1, :], np.diff(trunks, axis=-2)
    along = np.clip(dot(points - start, bone) / dot(bone, bone), 0, 1)
    return float(TRUNK_RADIUS - np.linalg.norm(points - start - along * bone, axis=-1).min())


# Files ----------------------------------------------------------------------------------------------------------------


def write_subject(folder: Path, subject: str, config: SyntheticConfig) -> Iterator[str]:
    """Everything of one pair of people; yields each action's name once its files are there."""
    number = SUBJECTS.index(subject)
    rng = np.random.default_rng([config.seed, number])
    bodies = (Body.draw(rng, BUILDS[subject][0]), Body.draw(rng, BUILDS[subject][1]))
    cameras = place_cameras(rng)
    contacts = {}
    for kind_number, kind in enumerate(ACTIONS):
        for take_number in range(1, config.takes + 1):
            action = f"{kind} {take_number}"
            rng = np.random.default_rng([config.seed, number, kind_number, take_number])
            order = [0, 1] if rng.random() < 0.5 else [1, 0]  # either may be the one who acts
            take = record(kind, (bodies[order[0]], bodies[order[1]]), cameras, config.frames, rng)
            people = take.joints[order]
            write_json(folder / "joints3d_25" / f"{action}.json", {"joints3d_25": np.round(people, 5).tolist()})
            for index, camera in enumerate(CAMERA_IDS):
                write_json(folder / "camera_parameters" / camera / f"{action}.json", camera_file(cameras[index]))
            if take.contact:
                contacts[action] = signature(*take.contact)
            yield action
    write_json(folder / "interaction_contact_signature.json", contacts)


def signature(first: int, last: int) -> dict[str, object]:
    """An entry of `interaction_contact_signature.json`; regions of skin are not modelled."""
    empty: dict[str, list] = {"region_id": [], "face_id": []}
    return {"fr_id": (first + last) // 2, "start_fr": first, "end_fr": last, "smplx_signature": empty}


def write_json(path: Path, value: object) -> None:
    """Write `value`, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value))


def finished(root: Path, settings: dict[str, object]) -> bool:
    """Whether `root` already holds the data set with these settings; InputError if it holds anything else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    mark = root / "synthetic.json"
    found = orjson.loads(mark.read_bytes()) if mark.is_file() else "no synthetic.json"
    if found != settings:
        raise InputError(f"{root}: found {found}, expected a new folder or {settings}")
    return True


def write(root: Path, config: SyntheticConfig) -> Path:
    """Write the data set to `root`, all of it or nothing; returns `root`. A finished folder is left as it is.

    Raises:
        InputError: something else is in `root`, settings that make no data, a place that cannot be written to, or a
            disk that is full.
    """
    root = Path(root)
    settings: dict[str, object] = {"format": FORMAT, "fps": FPS, **asdict(config)}
    if min(config.takes, config.frames) < 1:
        raise InputError(f"takes and frames: found {config.takes} and {config.frames}, expected at least 1")
    if finished(root, settings):
        return root
    with locked(root, wait=True):
        if finished(root, settings):  # by whoever was waited for
            return root
        partial = root.with_name(f".{root.name}.part")
        shutil.rmtree(partial, ignore_errors=True)  # of who was killed
        partial.mkdir()
        try:
            with writing(root):
                write_tree(partial, config)
                write_json(partial / "synthetic.json", settings)
                partial.replace(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return root


def write_tree(root: Path, config: SyntheticConfig) -> None:
    """The whole tree but for its mark of completion."""
    actions = ((s, action) for s in SUBJECTS for action in write_subject(root / "train" / s, s, config))
    total = len(SUBJECTS) * len(ACTIONS) * config.takes
    names: dict[str, list[str]] = {subject: [] for subject in SUBJECTS}
    for subject, action in tracked(actions, "synthetic data", total):
        names[subject].append(action)
    info = {"train_subj_names": list(SUBJECTS), "subj_to_act": names, "all_camera_names": list(CAMERA_IDS)}
    write_json(root / "info.json", info)


def main() -> None:
    """The command line."""
    default = SyntheticConfig()
    parser = argparse.ArgumentParser(prog="python -m datamodules.synthetic", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="folder to write; it must not hold anything else")
    parser.add_argument("--seed", type=int, default=default.seed, help="of every random draw (%(default)s)")
    parser.add_argument("--takes", type=int, default=default.takes, help="takes of each kind of action (%(default)s)")
    parser.add_argument("--frames", type=int, default=default.frames, help="frames of each take (%(default)s)")
    arguments = parser.parse_args()
    try:
        print(write(arguments.root, SyntheticConfig(arguments.seed, arguments.takes, arguments.frames)))
    except InputError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
