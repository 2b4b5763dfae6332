"""People made up, as a detector's files have them."""

import json
from pathlib import Path

import numpy as np
from conftest import some_bodies

from duolift.body.skeleton import PAPER19
from duolift.inputs.keypoints import COCO17


def people(count: int, size: float = 100.0) -> np.ndarray:
    """Upright people as COCO has them, (person, joint, 3); `size` pixels a head length."""
    bodies = some_bodies(PAPER19, count).numpy()
    head = PAPER19.index("head")
    of = {name: PAPER19.index(name) for name in PAPER19.joints}
    seen = np.stack([bodies[:, of.get(name, head), :2] for name in COCO17.joints], axis=1)
    return np.concatenate([500 + size * seen, np.ones((count, len(COCO17), 1))], axis=-1)


def write(path: Path, poses: np.ndarray, at_once: int = 2) -> None:
    """COCO results, some people an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    one = {"category_id": 1, "score": 1.0}
    records = [
        one | {"image_id": f"{7919 * (number // at_once) % 1000} of us.jpg", "keypoints": pose.ravel().tolist()}
        for number, pose in enumerate(poses)
    ]
    path.write_text(json.dumps(records))
