"""SoMoF's files of 3DPW, with synthetic pairs in them: see `datamodules.sources.somof`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datamodules.sources.somof import JOINTS, PARTS
from datamodules.synthetic.actions import ACTIONS
from datamodules.synthetic.benchmarks.companies import bodies_of, company
from datamodules.synthetic.writer import SyntheticConfig, write_json
from duolift.body.skeleton import CHI3D25
from duolift.files import writing

BEFORE, AFTER = 16, 14
"""Frames of a scene that are given, and that are to be forecast."""

STEP = 3
"""Frames of the embedded set, 50 a second, from one to the next."""


def write(root: Path, config: SyntheticConfig, parts: Sequence[str] = PARTS) -> Path:
    """Write the files of some parts; returns `root`. The same settings give the same files.

    Args:
        config: `takes` scenes of every kind of action and part.
        parts: those to write.

    Raises:
        InputError: a file cannot be written.
    """
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(parts):
            scenes, names = [], []
            for at, kind in enumerate([*ACTIONS] * config.takes):
                rng = np.random.default_rng([config.seed, number, at])
                people = company(kind, bodies_of(2, rng), STEP * (BEFORE + AFTER), rng)[::STEP][
                    :, :, CHI3D25.indices(JOINTS)
                ]
                y_up = people[..., [1, 2, 0]]  # 3DPW's world is not ours
                scenes.append(y_up.swapaxes(0, 1).reshape(2, BEFORE + AFTER, -1).round(5))
                names.append([f"{kind.lower()}_{at:02d}/image_{2 * frame:05d}.jpg" for frame in range(BEFORE)])
            written = np.stack(scenes)
            write_json(root / f"3dpw_{part}_in.json", written[:, :, :BEFORE].tolist())
            write_json(root / f"3dpw_{part}_out.json", written[:, :, BEFORE:].tolist())
            write_json(root / f"3dpw_{part}_frames_in.json", names)
    return root
