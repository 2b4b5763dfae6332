"""People whose joints are in another order than said look like nobody, and the right order is found by their looks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from callbacks.figures import STANDING
from duolift.camera import Camera
from duolift.inputs.keypoints import FORMATS, formats_with
from duolift.predictor import Lifter

CAMERA = Camera(image=(1000, 800), focal=1000)

ALIKE = {("coco17", "posetrack17"), ("posetrack17", "coco17"), ("body25b", "chi3d25")}
"""Formats as which the first is taken for the second without a doubt: all but the face or the feet is in its place, or
is near it in somebody who stands."""


def people(joints: str, count: int = 8) -> NDArray[np.float64]:
    """(person, joint, 3): people who stand, leaning a little this way and that, in the order of a format."""
    rng = np.random.default_rng(0)
    figure = np.array([STANDING.get(joint, (np.nan, np.nan)) for joint in FORMATS[joints].joints]) * 2.0
    shears = rng.uniform(-0.1, 0.1, (count, 1))
    leaning = figure + np.stack([shears * figure[:, 1], np.zeros((count, len(figure)))], axis=-1)
    placed = leaning + rng.uniform(300, 600, (count, 1, 2))
    return np.concatenate([placed, np.full((*placed.shape[:2], 1), 0.9)], axis=-1)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(a, b) for count in (17, 25) for a in formats_with(count) for b in formats_with(count) if a != b],
)
def test_the_order_that_fits_best_is_named_where_bodies_look_like_nobodys(right: str, wrong: str) -> None:
    lifter = Lifter.load()
    scene = lifter.lift(people(right), format=wrong, camera=CAMERA)
    doubts = [note for note in scene.notes if "in another order than the format's" in note]
    assert (right, wrong) in ALIKE or doubts
    found = (right, *(other for one, other in ALIKE if one == right))
    assert all(note.endswith(tuple(f"(--joints {name})" for name in found)) for note in doubts)


@pytest.mark.parametrize("joints", [name for count in (17, 25) for name in formats_with(count)])
def test_the_right_order_is_not_doubted(joints: str) -> None:
    assert not any(note.startswith("half") for note in Lifter.load().lift(people(joints), format=joints).notes)
