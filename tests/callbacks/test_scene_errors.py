"""Properties of the errors of scenes: they are the ablation's, and scenes are chosen by rule."""

import numpy as np
import pytest
import torch

from callbacks.lifting import perfect_lift
from callbacks.rows import paper_row, product_row, rows_of
from callbacks.scene_errors import (
    BIN_METRES,
    MOST_BINS,
    SHOWN,
    SceneErrors,
    action_of,
    actions,
    binned,
    by_joint,
    cameras,
    deep_scenes,
    depths_apart,
    distances,
    grouped,
    shown,
)
from callbacks.scoring import LiftedScenes, score_rows
from duolift.body.skeleton import PAPER19, WHOLE
from duolift.geometry.alignment import align_scene
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.definitions import mpjpe

ROWS = rows_of(WHOLE)


@pytest.fixture(params=[paper_row, product_row], ids=["paper", "ground"])
def errors(request: pytest.FixtureRequest, scenes: SceneBatch, lifted: Lifted) -> SceneErrors:
    return SceneErrors.of(LiftedScenes(scenes, lifted), request.param(ROWS))


def test_errors_are_those_of_the_ablation(errors: SceneErrors) -> None:
    (metrics,) = score_rows([errors.row], [errors.lift])
    assert errors.scene.mean().item() == pytest.approx(metrics["pa_mpjpe_mm"], rel=1e-4)
    assert errors.person.mean().item() == pytest.approx(errors.lift.alone.mean().item(), rel=1e-4)
    assert errors.scene.std() > 0


def test_scenes_turned_level_are_as_far_off_as_before(errors: SceneErrors) -> None:
    chosen = torch.tensor([17, 3, 4])
    people, truth = errors.level(chosen)
    torch.testing.assert_close(mpjpe(people, truth), errors.scene[chosen], rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(mpjpe(align_scene(people, truth), truth), errors.scene[chosen], rtol=1e-4, atol=1e-2)


def test_a_perfect_lift_makes_no_error_alone(scenes: SceneBatch, lifted: Lifted) -> None:
    exact = perfect_lift(scenes, PAPER19, Normalisation.fitted(scenes, PAPER19, None, "ray"))
    perfect = LiftedScenes(scenes, exact)
    assert SceneErrors.of(perfect, paper_row(ROWS)).alone.max() < 0.1


def test_groups_hold_every_scene_once(errors: SceneErrors) -> None:
    some, root = errors.lift.scenes, PAPER19.root_index
    for groups in (actions(some), cameras(some, root), binned(distances(some, root))):
        found = grouped(errors.scene, groups)
        together = np.sort(np.concatenate(list(found.values())))
        assert together == pytest.approx(np.sort(errors.scene.numpy()))
    joints = by_joint(errors.together, PAPER19)
    assert list(joints) == [joint.replace("_", " ") for joint in PAPER19.joints]
    assert np.mean([*joints.values()]) == pytest.approx(errors.scene.mean().item(), rel=1e-4)
    pelvis = errors.together[..., PAPER19.root_index].flatten().numpy()
    assert (joints["pelvis"] == pelvis).all()


def test_a_camera_is_named_with_how_steeply_it_looks(scenes: SceneBatch) -> None:
    root = PAPER19.root_index
    names = cameras(scenes, root)
    assert {name.split(",")[0] for name in names} == {"left", "right"}, "the third saw nothing"
    steep = scenes.elevations(root)[: len(scenes) // 2].rad2deg().mean()
    assert names[0] == f"left, {steep:.0f}°"


@pytest.mark.parametrize(
    ("take", "action"),
    [("Grab 1", "Grab"), ("HighFive 12", "HighFive"), ("salsa_03", "salsa"), ("Push", "Push"), ("7", "7")],
)
def test_an_action_is_its_take_without_the_number(take: str, action: str) -> None:
    assert action_of(f"s04/{take}/50591643") == action


@pytest.mark.parametrize("most", [0.3, 0.9, 3.0, 11.0])
def test_bins_are_few_in_order_and_hold_their_distances(most: float) -> None:
    metres = torch.linspace(0.21, most, 50)
    names = binned(metres)
    assert 1 < len(set(names)) <= MOST_BINS
    assert list(dict.fromkeys(names)) == sorted(set(names), key=lambda name: float(name.split()[0]))
    for distance, name in zip(metres.tolist(), names, strict=True):
        low, high = (float(word) for word in name.removesuffix(" m").split(" to "))
        assert low - 1e-6 <= distance <= high + 1e-6 and high - low in [pytest.approx(width) for width in BIN_METRES]


def test_the_best_the_median_and_the_worst_are_shown_and_others_by_their_place_alone() -> None:
    errors = torch.randperm(101).float()
    chosen = shown(errors)
    assert len(chosen) == SHOWN
    assert [errors[chosen[why]].item() for why in ("best", "median", "worst")] == [0, 50, 100]
    others = [scene for why, scene in chosen.items() if why.startswith("evenly")]
    assert others == [scene for why, scene in shown(errors.flip(0)).items() if why.startswith("evenly")]
    assert len({*others, 0, 101}) == SHOWN - 1
    assert np.diff([0, *others, 101]).max() <= 2 * 101 / len(others), "no large part of the scenes is left out"


def test_deep_scenes_are_deep_and_neither_the_best_nor_the_worst(scenes: SceneBatch) -> None:
    root = PAPER19.root_index
    many = SceneBatch.concatenate([scenes] * 5)
    errors = torch.rand(len(many))
    chosen = deep_scenes(many, errors, root)
    apart = depths_apart(many, root)
    deep = apart >= apart.quantile(0.85)
    assert deep[chosen].all()
    assert errors[chosen].tolist() == sorted(errors[chosen].tolist())
    assert errors[deep].min() < errors[chosen].min() and errors[chosen].max() < errors[deep].max()
