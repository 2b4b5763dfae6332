"""MuPoTS-3D's files, with two or three synthetic people in them: see `datamodules.sources.mupots`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.io import savemat

from datamodules.sources.mupots import ANNOTATIONS, IMAGES, INDOORS, JOINTS, METRES_PER_MILLIMETRE, SEQUENCES
from datamodules.synthetic.actions import ACTIONS
from datamodules.synthetic.benchmarks.companies import bodies_of, company
from datamodules.synthetic.bodies import Array
from datamodules.synthetic.cameras import aimed
from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import CHI3D25
from duolift.files import whole_file, writing
from duolift.geometry.cameras import CalibratedCamera

FOCAL = (1500.0, 1450.0)
"""Of lenses indoors and outdoors, pixels."""

VALID = 0.9
"""Share of people who are annotated."""


def write(root: Path, config: SyntheticConfig, sequences: Sequence[str] = SEQUENCES) -> Path:
    """Write sequences; returns `root`. The same settings give the same annotations.

    Args:
        config: `takes` acts of a sequence, `frames` of each.
        sequences: their names.

    Raises:
        InputError: a file cannot be written.
    """
    with writing(root):
        for number, sequence in enumerate(sequences):
            rng = np.random.default_rng([config.seed, number])
            outdoors = int(SEQUENCES.index(sequence) >= INDOORS)
            camera = _camera(rng, outdoors)
            bodies = bodies_of(2 + number % 2, rng)  # the same people throughout a sequence
            acts = [
                company(tuple(ACTIONS)[(number + act) % len(ACTIONS)], bodies, config.frames, rng)
                for act in range(config.takes)
            ]
            (root / sequence).mkdir(parents=True, exist_ok=True)
            with whole_file(root / sequence / "annot.mat") as part:
                content = {ANNOTATIONS: annotations(np.concatenate(acts), camera, rng)}
                savemat(str(part), content, appendmat=False)
    return root


def annotations(people: Array, camera: CalibratedCamera, rng: np.random.Generator) -> Any:
    """People (frame, person, 25, 3) as the file's cell array (frame, person) of structures."""
    world = torch.from_numpy(people[:, :, CHI3D25.indices(JOINTS)])  # (frame, person, joint, 3)
    points = camera.to_camera(world.flatten(0, 2)).view(world.shape)
    pixels = camera.project(points.flatten(0, 2)).view(*world.shape[:3], 2)
    cells = np.empty(people.shape[:2], dtype=object)
    valid = rng.random(cells.shape) < VALID
    valid[0] = True
    for at in np.ndindex(cells.shape):
        millimetres = points[at].numpy().T / METRES_PER_MILLIMETRE
        cells[at] = {
            "annot2": pixels[at].numpy().T,
            "annot3": millimetres,
            "univ_annot3": millimetres,
            "isValidFrame": np.array([[int(valid[at])]]),
        }
    return cells


def _camera(rng: np.random.Generator, outdoors: int) -> CalibratedCamera:
    """An ideal camera that looks at people from a few metres."""
    turn, height = rng.uniform(0, 2 * np.pi), rng.uniform(1.2, 1.8)
    centre = np.array([[5.0 * np.cos(turn), 5.0 * np.sin(turn), height]])
    rotation = aimed(centre, np.array([[0.0, 0.0, 0.95]]), np.zeros(1))
    nothing = torch.zeros(3, dtype=torch.float64)
    return CalibratedCamera(
        focal=torch.full((2,), FOCAL[outdoors], dtype=torch.float64),
        principal=torch.tensor(IMAGES[outdoors], dtype=torch.float64) / 2,
        radial=nothing,
        tangential=nothing[:2],
        rotation=torch.from_numpy(rotation[0]),
        centre=torch.from_numpy(centre[0]),
    )
