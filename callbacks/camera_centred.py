"""Placed people scored in their cameras' frames by the field's protocols, with nothing aligned.

No image tells how large people are. All people of a scene are scaled together about the camera, until they are as large
on average as the training subjects are: distances in the image stay as they are.
"""

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.bones import bone_lengths
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.table import PROTOCOLS

CAMERA_CENTRED = (
    *("mpjpe_mm", "pck_pct", "pck_abs_pct", "root_error_mm"),
    *("mpjve_mm_per_frame", "acceleration_error_mm_per_frame2"),
)
"""Protocols that need people in the camera's frame, in millimetres."""


def scenes_in_millimetres(people: Tensor, valid: Tensor, skeleton: Skeleton, size: float) -> Tensor:
    """Scenes (scene, person, joint, 3) of any unit, scaled about their cameras.

    Args:
        people: in the cameras' frames.
        valid: (scene, person), who counts.
        size: the sum of the bones' lengths that the valid people of every scene get on average, millimetres.

    >>> from duolift.body.skeleton import PAPER19
    >>> people = torch.randn(4, 2, 19, 3)
    >>> scaled = scenes_in_millimetres(people, torch.ones(4, 2, dtype=torch.bool), PAPER19, size=5000.0)
    >>> bone_lengths(scaled, PAPER19).sum(-1).mean(-1).round()
    tensor([5000., 5000., 5000., 5000.])
    """
    lengths = bone_lengths(people, skeleton).sum(-1).masked_fill(~valid, 0.0)  # (scene, person)
    mean = lengths.sum(-1) / valid.sum(-1).clamp(min=1)
    return people * (size / mean.clamp(min=torch.finfo(mean.dtype).tiny))[:, None, None, None]


def camera_scores(people: Tensor, scenes: SceneBatch, skeleton: Skeleton, size: float) -> dict[str, Tensor]:
    """What the protocols' means are taken of, by their keys: a number for every valid person of every scene, (score,).

    Of movements it is one for every valid person of every so many consecutive frames.

    Args:
        people: (scene, person, joint, 3), in the cameras' frames, any unit.
        scenes: with ground truth.
        size: as of `scenes_in_millimetres`.
    """
    assert scenes.truth is not None
    placed = scenes_in_millimetres(people, scenes.everybody, skeleton, size)
    found = {}
    for key in CAMERA_CENTRED:
        protocol = PROTOCOLS[key]
        scores = protocol.scores(placed, scenes.truth, skeleton.root_index)  # (scene, person), or of every joint
        of_people = scores if scores.ndim == 2 else scores.mean(-1)
        found[key] = of_people[scenes.consecutive(protocol.frames)]
    return found
