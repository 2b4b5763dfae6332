"""Two people of the embedded set in two frames, from which the seeds are made."""

import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.sources.chi3d import CAMERAS, read
from datamodules.synthetic.writer import SyntheticConfig, write_subject
from duolift.body.skeleton import CHI3D25

SUBJECT, CAMERA = "s02", CAMERAS[0]
FRAMES = 2
SIZE = 900
"""Width and height of the image, pixels."""


@cache
def take() -> tuple[bytes, bytes]:
    """A take's joints and its camera, as files of CHI3D's layout."""
    with tempfile.TemporaryDirectory() as folder:
        action = next(write_subject(Path(folder), SUBJECT, SyntheticConfig(takes=1, frames=FRAMES)))
        joints = Path(folder) / "joints3d_25" / f"{action}.json"
        camera = Path(folder) / "camera_parameters" / CAMERA / f"{action}.json"
        return joints.read_bytes(), camera.read_bytes()


def write_tree(root: Path, joints: bytes, camera: bytes, info: bytes) -> Path:
    """A tree in CHI3D's layout with one take before one camera."""
    subject = root / "train" / SUBJECT
    for path, content in (
        (subject / "joints3d_25" / "Grab 1.json", joints),
        (subject / "camera_parameters" / CAMERA / "Grab 1.json", camera),
        (root / "info.json", info),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


INFO = json.dumps({"train_subj_names": [SUBJECT], "all_camera_names": [CAMERA]}).encode()


@cache
def pixels() -> NDArray[np.float64]:
    """(frame, person, joint of `CHI3D25`, 2)."""
    with tempfile.TemporaryDirectory() as folder:
        scenes = read(write_tree(Path(folder), *take(), INFO), [SUBJECT]).scenes(CHI3D25)
    return scenes.pixels.double().numpy()


def people(joints: tuple[str, ...], frame: int = 0) -> list[NDArray[np.float64]]:
    """x, y and confidence (joint, 3) of both people, 0 for joints that are not known."""
    known = [CHI3D25.joints.index(joint) if joint in CHI3D25.joints else None for joint in joints]
    return [
        np.array([[0, 0, 0] if at is None else [*person[at].round(1), 0.9] for at in known])
        for person in pixels()[frame]
    ]


def flat(joints: tuple[str, ...], frame: int = 0) -> list[list[float]]:
    return [person.ravel().tolist() for person in people(joints, frame)]
