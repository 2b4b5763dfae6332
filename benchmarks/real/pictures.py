"""Pictures of scenes of real people: the 2D poses that went in, and the estimate over the truth in grey."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.real.capture import Truth
from benchmarks.real.protocol import chosen, estimated, seen
from benchmarks.real.run import Compared
from benchmarks.real.scoring import aligned
from callbacks.figures import scene_sheet
from duolift.body.skeleton import Skeleton
from duolift.geometry.rotations import levelling, rotate

PICTURED = 10
"""Scenes of a sheet."""


def sheet(compared: Sequence[Compared], truth: Truth, count: int = PICTURED) -> Figure:
    """Scenes with two people or more whose places are compared, picked at even distances and not by how they look.

    Raises:
        ValueError: there is no such scene.
    """
    scenes = [image for image in compared if len(image.matched) >= 2]
    if not scenes:
        raise ValueError("no image with two people whose estimate and truth are known; expected one at least")
    picked = [scenes[number] for number in torch.linspace(0, len(scenes) - 1, count).long().tolist()]
    skeleton = drawn_skeleton(truth, picked[0].scene.skeleton)
    drawn = [drawn_people(image, truth, skeleton) for image in picked]
    titles = [f"camera {image.view.name}, frame {image.true_frame}" for image in picked]
    pixels, predicted, true = (list(of) for of in zip(*drawn, strict=True))
    reach = max(float((people - people.nanmean((0, 1))).nan_to_num().abs().max()) for people in true)
    return scene_sheet(pixels, predicted, true, skeleton, titles, reach=1.05 * reach)


def drawn_skeleton(truth: Truth, lifted: Skeleton) -> Skeleton:
    """The joints that the truth and the lifter both have."""
    return Skeleton.person("drawn", [joint for joint in lifted.joints if joint in truth.joints])


def drawn_people(image: Compared, truth: Truth, skeleton: Skeleton) -> tuple[Tensor, Tensor, Tensor]:
    """One image's people who are compared.

    Returns:
        the 2D poses (person, joint, 2), NaN where the detector saw nothing; the estimate, aligned as a whole, and the
        truth, NaN where it is not known, (person, joint, 3), millimetres, level: x right, y down, z away.
    """
    ours, theirs = (list(of) for of in zip(*image.matched.pairs, strict=True))
    estimate = estimated(image.scene, image.frame, skeleton.joints)[ours]
    true = seen(image.view, truth.frames[image.true_frame], chosen(skeleton.joints, truth.joints))[theirs]
    level, known = levelling(image.matched.up), true.points.where(true.valid.unsqueeze(-1), torch.nan)
    moved = aligned(estimate.points, true.points, true.valid)
    return estimate.keypoints, rotate(level, moved), rotate(level, known)
