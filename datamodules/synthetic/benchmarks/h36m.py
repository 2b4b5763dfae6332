"""Human3.6M's files as VideoPose3D writes them, of synthetic people: see `datamodules.sources.h36m.reader`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.sources.h36m.cameras import CAMERAS, SUBJECTS, camera_of
from datamodules.sources.h36m.reader import ALL_JOINTS, KEPT, POSES_2D, POSES_3D
from datamodules.synthetic.benchmarks.singles import DETECTOR_PIXELS, people_alone
from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import H36M17
from duolift.files import whole_file, writing

ACTIONS = (
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting"),
    *("SittingDown", "Smoking", "Waiting", "WalkDog", "WalkTogether", "Walking"),
)
"""The data set's actions. Who acts here does what the embedded set's people do."""


def write(
    root: Path, config: SyntheticConfig, subjects: Sequence[str] = SUBJECTS, actions: Sequence[str] = ACTIONS
) -> Path:
    """Write all files; returns `root`. The same settings give the same poses.

    Args:
        config: `takes` of every action of every subject, `frames` of a take.
        subjects, actions: those to write.

    Raises:
        InputError: a file cannot be written.
    """
    poses: dict[str, dict[str, NDArray[np.float32]]] = {}
    seen: dict[str, dict[str, dict[str, list[NDArray[np.float32]]]]] = {"gt": {}, "cpn_ft_h36m_dbb": {}}
    for subject in subjects:
        number = SUBJECTS.index(subject)
        names = [f"{action} {take}" for take in range(1, config.takes + 1) for action in actions]
        views = [camera_of(subject, name) for name in CAMERAS]
        rng = np.random.default_rng([config.seed, number, 1])
        poses[subject], exact, detected = {}, {}, {}
        for name, people in zip(names, people_alone(number, len(names), config), strict=True):
            points = torch.from_numpy(people).float()
            poses[subject][name] = with_all_joints(points.numpy())
            exact[name] = [view.project(view.to_camera(points)).numpy() for view in views]
            detected[name] = [p + rng.normal(0, DETECTOR_PIXELS, p.shape).astype(np.float32) for p in exact[name]]
        seen["gt"][subject], seen["cpn_ft_h36m_dbb"][subject] = exact, detected
    about = {
        "layout_name": "h36m",
        "num_joints": len(H36M17),
        "keypoints_symmetry": [
            [H36M17.index(joint) for joint in H36M17.joints if joint.startswith(side)] for side in ("left", "right")
        ],
    }
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        save(root / POSES_3D, positions_3d=poses)
        for name, positions in seen.items():
            save(root / POSES_2D.format(name), positions_2d=positions, metadata=about)
    return root


def with_all_joints(people: NDArray[np.float32]) -> NDArray[np.float32]:
    """(frame, 17, 3) -> (frame, 32, 3): the joints that do not move lie where the one before them does."""
    before = [max(place for place, joint in enumerate(KEPT) if joint <= number) for number in range(ALL_JOINTS)]
    return people[:, before]


def save(path: Path, **content: object) -> None:
    """An archive of pickled objects, as programs write it that trust their readers."""
    arrays: dict[str, Any] = {name: np.array(value, dtype=object) for name, value in content.items()}
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)
