"""CMU Panoptic's files, with three synthetic people who come and go: see `datamodules.sources.panoptic`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.sources.panoptic import CENTIMETRES, EVALUATE, JOINTS, POSES, RATE, TO_Z_UP, TRAIN
from datamodules.synthetic.actions import ACTIONS
from datamodules.synthetic.benchmarks.companies import bodies_of, company
from datamodules.synthetic.bodies import Array
from datamodules.synthetic.cameras import aimed
from datamodules.synthetic.choreography import FPS
from datamodules.synthetic.detected import on_joints
from datamodules.synthetic.writer import SyntheticConfig, write_json
from duolift.body.skeleton import CHI3D25
from duolift.files import writing
from duolift.inputs.keypoints import COCO17

HD_CAMERAS = 31
"""Of the dome."""

IMAGE = (1920, 1080)
FOCAL = 1400.0
DISTORTION = (-0.28, 0.19, -0.0004, 0.0005, -0.05)
"""k1 k2 p1 p2 k3, about those of the dome's lenses."""

LOST = 0.02
"""Share of joints that the dome did not find."""


def write(root: Path, config: SyntheticConfig, sequences: Sequence[str] = (*TRAIN, *EVALUATE)) -> Path:
    """Write sequences; returns `root`. The same settings give the same files.

    Two people act, a third stands by, who comes after a quarter of an act and leaves before its last.

    Args:
        config: `takes` acts of a sequence, `frames` of each.
        sequences: their names.

    Raises:
        InputError: a file cannot be written.
    """
    with writing(root):
        for number, sequence in enumerate(sequences):
            folder = root / sequence / POSES
            folder.mkdir(parents=True, exist_ok=True)
            rng = np.random.default_rng([config.seed, number])
            write_json(root / sequence / f"calibration_{sequence}.json", calibration(rng))
            frame = 0
            for act in range(config.takes):
                kind = tuple(ACTIONS)[(number + act) % len(ACTIONS)]
                people = company(kind, bodies_of(3, rng), round(config.frames * FPS / RATE) + 1, rng)
                people = people[np.round(np.arange(config.frames) * FPS / RATE).astype(int)]  # (frame, person, 25, 3)
                for step, joints in enumerate(nineteen(people)):
                    third = config.frames <= 4 * step < 3 * config.frames
                    present = range(3 if third else 2)
                    bodies = [body(3 * act + person, joints[person], rng) for person in present]
                    write_json(folder / f"body3DScene_{frame:08d}.json", scene(frame, bodies))
                    frame += 1
    return root


def scene(frame: int, bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """A frame's file.

    >>> scene(0, [])["bodies"]
    []
    """
    return {"version": 0.7, "univTime": round(1000 * frame / RATE, 3), "fpsType": "hd_29_97", "bodies": bodies}


def body(identity: int, joints: Array, rng: np.random.Generator) -> dict[str, Any]:
    """Somebody (19, 3), metres, z up, as a file has them: centimetres, y down, each joint with its confidence.

    >>> len(body(0, np.zeros((19, 3)), np.random.default_rng(0))["joints19"])
    76
    """
    places = joints @ TO_Z_UP / CENTIMETRES
    confidence = rng.uniform(0.3, 0.7, len(JOINTS))
    lost = rng.random(len(JOINTS)) < LOST
    rows = np.where(lost[:, None], [0.0, 0.0, 0.0, -1.0], np.column_stack([places, confidence]))
    return {"id": identity, "joints19": [round(float(number), 4) for number in rows.ravel()]}


def nineteen(people: Array) -> Array:
    """People (..., 25, 3) with the joints of the files, (..., 19, 3)."""
    face = on_joints(people)
    named = {
        joint: people[..., CHI3D25.index(joint), :]
        if joint in CHI3D25.joints
        else face[..., COCO17.joints.index(joint), :]
        for joint in JOINTS
    }
    return np.stack([named[joint] for joint in JOINTS], axis=-2)


def calibration(rng: np.random.Generator) -> dict[str, Any]:
    """31 HD cameras all round people, as the dome's calibration has them.

    >>> found = calibration(np.random.default_rng(0))
    >>> len(found["cameras"]), found["cameras"][16]["name"]
    (31, '00_16')
    """
    azimuth = np.deg2rad(360 * 0.618 * np.arange(HD_CAMERAS) + rng.uniform(0, 360))
    height, distance = rng.uniform(0.8, 2.6, HD_CAMERAS), rng.uniform(3.6, 4.6, HD_CAMERAS)
    centre = np.column_stack([distance * np.cos(azimuth), distance * np.sin(azimuth), height])
    aim = np.array([0.0, 0.0, 0.95]) + rng.uniform(-0.1, 0.1, (HD_CAMERAS, 3))
    rotation = aimed(centre, aim, rng.normal(0, 0.03, HD_CAMERAS)) @ TO_Z_UP
    cameras = []
    for number in range(HD_CAMERAS):
        focal, middle = FOCAL + rng.uniform(-20, 20), np.array(IMAGE) / 2 + rng.uniform(-15, 15, 2)
        matrix = np.array([[focal, 0.0, middle[0]], [0.0, focal, middle[1]], [0.0, 0.0, 1.0]])
        place = TO_Z_UP.T @ centre[number] / CENTIMETRES
        cameras.append(
            {
                "name": f"00_{number:02d}",
                "type": "hd",
                "resolution": list(IMAGE),
                "panel": 0,
                "node": number,
                "K": matrix.tolist(),
                "distCoef": list(DISTORTION),
                "R": rotation[number].tolist(),
                "t": (-rotation[number] @ place)[:, None].tolist(),
            }
        )
    return {"calibDataSource": "synthetic", "cameras": cameras}
