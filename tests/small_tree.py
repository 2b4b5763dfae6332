"""A small tree in CHI3D's layout, written by hand: two people who sway, before level-headed cameras."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.sources.chi3d import CAMERAS
from duolift.body.skeleton import CHI3D25

Array = NDArray[np.float64]
SUBJECTS = ("s02", "s03", "s04")
FRAMES = {"Grab 1": 3, "Hug 2": 2}
"""Takes of every subject, and their frames."""

MIDLINE = {"pelvis": (0, 0, 1.0), "spine": (0, 0.02, 1.2), "neck": (0, 0, 1.5), "head": (0, 0.05, 1.6)}
LEFT = {
    "hip": (-0.1, 0, 0.95),
    "knee": (-0.1, 0.02, 0.5),
    "ankle": (-0.1, -0.02, 0.1),
    "foot": (-0.1, 0.1, 0.03),
    "toe": (-0.1, 0.18, 0.02),
    "shoulder": (-0.18, 0, 1.45),
    "elbow": (-0.25, -0.05, 1.2),
    "wrist": (-0.25, 0.1, 1.0),
    "hand": (-0.25, 0.2, 0.95),
    "thumb": (-0.2, 0.18, 0.97),
}
"""A standing figure that faces +y, z up, metres: its left is -x."""


def standing() -> Array:
    """(25, 3)."""
    right = {f"right_{name}": (-x, y, z) for name, (x, y, z) in LEFT.items()}
    figure = {**MIDLINE, "head_top": (0, 0.02, 1.75), **{f"left_{name}": at for name, at in LEFT.items()}, **right}
    return np.array([figure[joint] for joint in CHI3D25.joints])


def people(frames: int, phase: float) -> Array:
    """Two figures face to face who sway a little: (2, frame, 25, 3). No two poses are alike."""
    sway = 0.02 * np.sin(phase + np.arange(1, frames + 1))[:, None, None] * standing()[:, 2:] * [1.0, 0.7, 0.3]
    first, turn = standing() + sway + [0, -0.4, 0], np.array([-1, -1, 1])
    second = 1.1 * (standing() + 0.5 * sway) * turn + [0.1, 0.4, 0]
    return np.stack([first, second])


def camera(number: int, distorted: bool) -> dict[str, Any]:
    """A level-headed camera 4 m away that looks at the stage's middle from 60 degrees further round."""
    around, height = np.deg2rad(20 + 60 * number), 1.5 + 0.3 * number
    centre = np.array([4 * np.cos(around), 4 * np.sin(around), height])
    forward = np.array([0, 0, 1.0]) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    focal, principal = [1100.0 + number, 1102.0 + number], [448.0, 452.0 + number]
    k, p = ([-0.2, 0.25, -0.01], [-0.001, 0.002]) if distorted else ([0.0] * 3, [0.0] * 2)
    return {
        "extrinsics": {"R": np.stack([right, np.cross(forward, right), forward]).tolist(), "T": [centre.tolist()]},
        "intrinsics_w_distortion": {"f": [focal], "c": [principal], "k": [k], "p": [p]},
        "intrinsics_wo_distortion": {"f": focal, "c": principal},
    }


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_tree(root: Path, subjects: Sequence[str] = SUBJECTS, cameras: Sequence[str] = CAMERAS[:2]) -> Path:
    """CHI3D's layout with two takes a subject; the second camera has an ideal lens."""
    for subject in subjects:
        for number, (action, frames) in enumerate(FRAMES.items()):
            joints = people(frames, phase=SUBJECTS.index(subject) + 5 * number)
            write_json(root / "train" / subject / "joints3d_25" / f"{action}.json", {"joints3d_25": joints.tolist()})
            for place, name in enumerate(cameras):
                parameters = camera(place + number, distorted=place != 1)
                write_json(root / "train" / subject / "camera_parameters" / name / f"{action}.json", parameters)
    write_json(root / "info.json", {"train_subj_names": list(subjects), "all_camera_names": list(cameras)})
    return root


def load(path: Path) -> Any:
    return json.loads(path.read_text())
