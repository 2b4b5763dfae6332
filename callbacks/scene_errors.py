"""The error of every scene, and how it depends on the action, the camera, the distance between people and the joint."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from callbacks.parallel import on_all_cores
from callbacks.rows import Row
from callbacks.scene_pictures import level_pair
from callbacks.scoring import LiftedScenes, portions
from callbacks.together import aligned
from duolift.body.skeleton import Skeleton
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.definitions import root_displacements
from duolift.metrics.fast_alignment import align

Grouped = dict[str, NDArray[np.float32]]

MOST_BINS = 8
BIN_METRES = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Widths of bins: the first is taken that makes no more bins than `MOST_BINS`."""

SHOWN = 8
"""Scenes that a report shows: the best, the median, the worst, and the rest evenly picked."""

GOLDEN = (5**0.5 - 1) / 2

DEEP_SHARE = 0.1
"""The scenes whose people are furthest apart in depth, as a share of all: they show what a method makes of depth."""


@dataclass(frozen=True)
class SceneErrors:
    """Scenes placed by one row of the ablation, and their errors.

    Attributes:
        lift, row: lifted scenes with ground truth, and the row that places them.
        together: (scene, person, joint), millimetres, all people of a scene aligned by one similarity.
        alone: (scene, person, joint), each aligned alone, as lifted; both NaN of people who are not valid.
    """

    lift: LiftedScenes
    row: Row
    together: Tensor
    alone: Tensor

    @classmethod
    def of(cls, lift: LiftedScenes, row: Row) -> Self:
        """Place the scenes and compare them with their ground truth."""

        def off(run: slice) -> tuple[Tensor, Tensor]:
            some = lift[run]
            truth = some.scenes.truth
            assert truth is not None
            bodies, placed = align(some.lifted.bodies, truth), aligned(some.placed(row), truth, some.scenes.valid)
            together, alone = (some.scenes.unseen_as_nan((people - truth).norm(dim=-1)) for people in (placed, bodies))
            return together, alone

        runs = on_all_cores(off, portions(lift.scenes.sequence))
        together, alone = (torch.cat(parts) for parts in zip(*runs, strict=True))
        return cls(lift, row, together, alone)

    @cached_property
    def scene(self) -> Tensor:
        """PA-MPJPE of every scene, (scene,), millimetres."""
        return self.together.nanmean((1, 2))

    @cached_property
    def person(self) -> Tensor:
        """PA-MPJPE of every scene's people, each aligned alone: (scene,), millimetres."""
        return self.alone.nanmean((1, 2))

    def level(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Some scenes, aligned, and their ground truth, both turned level: (scene, person, joint, 3), millimetres.

        Whole sequences are placed, since a placement may use all frames of a sequence.
        """
        pairs = []
        for number in chosen.tolist():
            sequence = self.lift.scenes.sequence
            same = (sequence == sequence[number]).nonzero().flatten()
            pairs.append(level_pair(self.row, self.lift[same], (same == number).nonzero().flatten()))
        people, truth = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        return people, truth


def by_joint(errors: Tensor, skeleton: Skeleton) -> Grouped:
    """Errors (scene, person, joint) by the joint's name, a number a person."""
    people = errors.flatten(0, 1)
    columns = people[~people[:, 0].isnan()].numpy().T
    return {joint.replace("_", " "): column for joint, column in zip(skeleton.joints, columns, strict=True)}


def action_of(sequence: str) -> str:
    """The action of a sequence `s04/Grab 1/50591643`: its take without numbers, or a date before it, `Grab`.

    >>> action_of("haggling/160422_haggling1 2/00_16")
    'haggling'
    """
    take = sequence.split("/")[-2]
    return re.sub(r"^\d{6}_|(?:[ _-]*\d+)+$", "", take) or take


def actions(scenes: SceneBatch) -> list[str]:
    """The action of each scene."""
    names = [action_of(name) for name in scenes.sequences]
    return [names[number] for number in scenes.sequence.tolist()]


def cameras(scenes: SceneBatch, root: int) -> list[str]:
    """The camera of each scene, by name and by how steeply it looks: the mean true elevation of its people."""
    camera, elevations = scenes.camera, scenes.unseen_as_nan(scenes.elevations(root)).rad2deg().nanmean(-1)
    names = [
        f"{name}, {elevations[camera == number].mean():.0f}°" if (camera == number).any() else name
        for number, name in enumerate(scenes.cameras)
    ]
    return [names[number] for number in camera.tolist()]


def distances(scenes: SceneBatch, root: int) -> Tensor:
    """How far apart the nearest two people of each scene are, pelvis to pelvis: (scene,), metres."""
    assert scenes.truth is not None
    apart = root_displacements(scenes.unseen_as_nan(scenes.truth), root).norm(dim=-1)
    return apart.nan_to_num(torch.inf).amin(-1) / 1000


def depths_apart(scenes: SceneBatch, root: int) -> Tensor:
    """How far apart in depth the nearest and the furthest person of each scene are: (scene,), metres."""
    assert scenes.truth is not None
    depth = scenes.truth[:, :, root, 2]
    furthest = depth.masked_fill(~scenes.everybody, -torch.inf).amax(-1)
    return (furthest - depth.masked_fill(~scenes.everybody, torch.inf).amin(-1)) / 1000


def binned(metres: Tensor) -> list[str]:
    """Each distance's bin, as text."""
    low, high = metres.min().item(), metres.max().item()
    width = next((w for w in BIN_METRES if high // w - low // w < MOST_BINS), BIN_METRES[-1])
    decimals = 0 if width >= 1 else 2 if width == 0.25 else 1
    starts = (metres / width).floor() * width
    return [f"{start:.{decimals}f} to {start + width:.{decimals}f} m" for start in starts.tolist()]


def grouped(values: Tensor, groups: Sequence[str]) -> Grouped:
    """Values (scene,) by their group's name, names in order."""
    names = np.array(groups)
    return {str(name): values.numpy()[names == name] for name in np.unique(names)}


def shown(errors: Tensor) -> dict[str, int]:
    """The scenes to show, by why: of errors (scene,) the best, the median and the worst, the others evenly picked.

    These lie at multiples of the golden ratio, which coincide with no take's length and no camera.
    """
    order, others = errors.argsort(stable=True), SHOWN - 3
    ranked = {"best": int(order[0]), "median": int(order[(len(order) - 1) // 2]), "worst": int(order[-1])}
    places = sorted(GOLDEN * number % 1 for number in range(1, others + 1))
    picked = {f"evenly picked {number}": int(place * len(errors)) for number, place in enumerate(places, start=1)}
    return ranked | picked


def deep_scenes(scenes: SceneBatch, errors: Tensor, root: int, count: int = 3) -> Tensor:
    """Indices (count,) of scenes that show what a method makes of depth.

    Of the tenth whose people are furthest apart in depth, those at the quartiles of its errors (scene,).
    """
    deepest = depths_apart(scenes, root).argsort(descending=True, stable=True)
    some = deepest[: max(count, round(DEEP_SHARE * len(scenes)))]
    ordered = some[errors[some].argsort(stable=True)]
    return ordered[torch.linspace(0, len(ordered) - 1, count + 2).long()[1:-1]]
