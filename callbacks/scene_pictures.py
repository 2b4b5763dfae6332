"""Which scenes of an evaluation are shown, and pictures of them."""

from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.figures import rows_sheet, scene_sheet
from callbacks.rows import PERFECT, LiftedBy, Row
from callbacks.scoring import LiftedScenes
from callbacks.together import aligned
from duolift.geometry.rotations import levelling, rotate
from duolift.geometry.scene_batch import SceneBatch

PICTURED_SCENES = 8
"""Evaluation scenes that one row draws, evenly spaced."""

PICTURED_BY_EVERY_ROW = 4
"""Evaluation scenes that every row draws."""


def level_pair(row: Row, lift: LiftedScenes, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """The chosen scenes by a row, aligned, and their ground truth, both turned level: (scene, person, joint, 3).

    In the CPU's memory, wherever the scenes are; NaN of people who are not valid.
    """
    assert lift.scenes.truth is not None
    assert lift.scenes.up is not None
    scenes = lift.scenes[chosen]
    level, truth = levelling(lift.scenes.up[chosen]).unsqueeze(1), lift.scenes.truth[chosen]
    people = aligned(lift.placed(row)[chosen], truth, scenes.valid)
    return scenes.unseen_as_nan(rotate(level, people)).cpu(), scenes.unseen_as_nan(rotate(level, truth)).cpu()


def seen_pixels(scenes: SceneBatch, chosen: Tensor) -> Tensor:
    """The pixels of some scenes (scene, person, joint, 2) in the CPU's memory, NaN of people who are not valid."""
    return scenes[chosen].unseen_as_nan(scenes.pixels[chosen]).cpu()


def scenes_picture(row: Row, lift: LiftedScenes) -> Figure:
    """Some scenes of a row beside their ground truth."""
    chosen = torch.linspace(0, len(lift.scenes) - 1, PICTURED_SCENES).long()
    return scene_sheet(seen_pixels(lift.scenes, chosen), *level_pair(row, lift, chosen), lift.skeleton)


def rows_picture(rows: Sequence[Row], trained: LiftedScenes, perfect: LiftedScenes) -> Figure:
    """A few scenes, placed by every row, from the side and from above: the paper's Figure 3."""
    chosen = torch.linspace(0, len(trained.scenes) - 1, PICTURED_BY_EVERY_ROW + 2).long()[1:-1]
    pictures, truth = {}, torch.empty(0)
    for row in rows:
        lift, mark = (perfect, f", {PERFECT}") if row.lifted_by == LiftedBy.PERFECT else (trained, "")
        pictures[f"{row.name}{mark}"], truth = level_pair(row, lift, chosen)
    return rows_sheet(seen_pixels(trained.scenes, chosen), pictures, truth, trained.skeleton)


def extremes(errors: Tensor, sequence: Tensor, count: int, largest: bool) -> list[int]:
    """The scenes with the smallest errors (scene,), or the largest, in order.

    Of every sequence (scene,) the first alone is taken, since neighbouring frames are alike.
    """
    first: dict[int, int] = {}
    for scene in errors.argsort(descending=largest, stable=True).tolist():
        first.setdefault(int(sequence[scene]), scene)
    return list(first.values())[:count]


def whereabouts(scenes: SceneBatch, scene: int) -> dict[str, Any]:
    """Where a scene comes from: subject, take, camera, and the frame's number from 0, of scenes in their order."""
    sequence = scenes.sequence[scene]
    subject, take, camera = scenes.sequences[sequence].split("/")
    frame = int((scenes.sequence[:scene] == sequence).sum())
    return {"subject": subject, "action": take, "camera": camera, "frame": frame}
