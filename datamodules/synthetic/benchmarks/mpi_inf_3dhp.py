"""MPI-INF-3DHP's files as of P-STMO, with synthetic people in them: see `datamodules.sources.mpi_inf_3dhp.reader`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules.sources.mpi_inf_3dhp.reader import EVALUATE, FILES, JOINTS, MILLIMETRES_PER_METRE, TRAIN
from datamodules.synthetic.benchmarks.h36m import save
from datamodules.synthetic.benchmarks.singles import people_alone
from datamodules.synthetic.bodies import Array
from datamodules.synthetic.cameras import place_cameras
from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import H36M17
from duolift.files import writing
from duolift.geometry.cameras import CalibratedCamera, Intrinsics

CAMERAS = ("0", "2", "7", "8")
"""Cameras of every training video; the data set has eight that are used."""

ACTS = 4
"""Acts that make a video, one after the other."""

FOCAL, PRINCIPAL = 1500.0, 1024.0
"""Of all lenses, pixels, about as the data set's."""

VALID = 0.8
"""Share of the frames of test videos that are valid."""


def write(
    root: Path, config: SyntheticConfig, train: Sequence[str] = TRAIN, evaluate: Sequence[str] = EVALUATE
) -> Path:
    """Write both files; returns `root`. The same settings give the same poses.

    Args:
        config: `takes` and `frames` of every act of a video.
        train, evaluate: the people of training videos, and the test videos.

    Raises:
        InputError: a file cannot be written.
    """
    trained: dict[str, list[dict[str, dict[str, Array]]]] = {}
    for number, subject in enumerate(train):
        for sequence in (1, 2):
            world = _video(2 * number + sequence, config)
            cameras = place_cameras(np.random.default_rng([config.seed, number, sequence]))
            views = {name: _seen(world, cameras[index]) for index, name in enumerate(CAMERAS)}
            trained[f"{subject} Seq{sequence}"] = [views]
    tested: dict[str, dict[str, Array]] = {}
    for number, name in enumerate(evaluate, start=len(TRAIN)):
        rng = np.random.default_rng([config.seed, number])
        world = _video(2 * number + 1, config)
        valid: Array = (rng.random(len(world)) < VALID).astype(np.float64)
        valid[0] = 1.0
        tested[name] = {**_seen(world, place_cameras(rng)[0]), "valid": valid}
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        for kind, videos in (("train", trained), ("test", tested)):
            save(root / FILES[kind], data=videos)
    return root


def _video(number: int, config: SyntheticConfig) -> Array:
    """Somebody's acts, (frame, joint of `JOINTS`, 3), world, metres."""
    acts = list(people_alone(number, ACTS * config.takes, config))
    return np.concatenate(acts)[:, H36M17.indices(JOINTS)]


def _seen(world: Array, camera: CalibratedCamera) -> dict[str, Any]:
    points = camera.map(torch.Tensor.double).to_camera(torch.from_numpy(world))
    lens = Intrinsics.ideal(torch.full((2,), FOCAL).double(), torch.full((2,), PRINCIPAL).double())
    return {
        "data_2d": lens.project(points).numpy().astype(np.float32),
        "data_3d": (points * MILLIMETRES_PER_METRE).numpy().astype(np.float32),
    }
