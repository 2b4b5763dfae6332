"""Single people scored by the protocols: what is known of a perfect lifter, of sizes, and of movements."""

import math
from dataclasses import replace

import pytest
import torch
from small_benchmarks import H36M_SUBJECTS, h36m_root

from callbacks.alone import (
    bodies_in_camera,
    by_action,
    in_millimetres,
    mean_size,
    pieces,
    score_alone,
    sequences_of,
    true_depths,
)
from callbacks.lifting import perfect_lift
from datamodules.sources.h36m.reader import read
from datamodules.sources.h36m.settings import H36mConfig
from duolift.body.skeleton import H36M17
from duolift.geometry.bones import bone_lengths
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.table import PROTOCOLS

ROOT = H36M17.root_index


@pytest.fixture(scope="module")
def scenes() -> SceneBatch:
    return read(h36m_root(), H36M_SUBJECTS, settings=H36mConfig(every=1)).scenes(H36M17)


@pytest.mark.parametrize("centring", ["ray"])
def test_a_perfect_lift_turned_back_and_sized_has_no_error(scenes: SceneBatch, centring: str) -> None:
    assert scenes.truth is not None
    lifted = perfect_lift(scenes, H36M17, Normalisation.fitted(scenes, H36M17, None, centring))
    bodies = bodies_in_camera(lifted, centring)
    scores = score_alone(bodies, scenes, ROOT, consecutive=True)
    assert scores["n_mpjpe_mm"] < 0.1 and scores["pa_mpjpe_mm"] < 0.1
    sized = (
        bodies * (bone_lengths(scenes.truth, H36M17).sum(-1) / bone_lengths(bodies, H36M17).sum(-1))[..., None, None]
    )
    scores = score_alone(sized, scenes, ROOT, consecutive=True)
    for key, value in scores.items():
        best = 100 if "pck" in key else 96.774 if "auc" in key else 0
        assert value == pytest.approx(best, abs=0.2), key
    assert score_alone(lifted.bodies, scenes, ROOT, False, ["n_mpjpe_mm"])["n_mpjpe_mm"] > 5  # not turned back


def test_everybody_is_as_large_as_people_on_average(scenes: SceneBatch) -> None:
    assert scenes.truth is not None
    size = mean_size(scenes, H36M17)
    bodies = in_millimetres(torch.randn(3, 1, 17, 3), H36M17, size)
    torch.testing.assert_close(bone_lengths(bodies, H36M17).sum(-1), torch.full((3, 1), size))
    assert 4000 < size < 7000


def test_true_depths_are_off_by_what_the_2d_poses_are(scenes: SceneBatch) -> None:
    assert scenes.truth is not None
    exact = score_alone(true_depths(scenes, ROOT), scenes, ROOT, consecutive=False)
    assert exact["mpjpe_mm"] < 0.1
    moved = replace(scenes, pixels=scenes.pixels + 5 * torch.randn_like(scenes.pixels))
    noisy = score_alone(true_depths(moved, ROOT), moved, ROOT, consecutive=False)
    depth, focal = scenes.truth[..., 2].mean().item(), scenes.intrinsics.focal.mean().item()
    expected = 5 * depth / focal * math.sqrt(2) * math.sqrt(math.pi / 2)  # of two joints, joint and root
    assert noisy["mpjpe_mm"] == pytest.approx(expected * 16 / 17, rel=0.1)


def test_movements_are_scored_within_sequences_alone(scenes: SceneBatch) -> None:
    assert scenes.truth is not None
    bodies = scenes.truth + 20 * torch.randn_like(scenes.truth)
    without = score_alone(bodies, scenes, ROOT, consecutive=False)
    scores = score_alone(bodies, scenes, ROOT, consecutive=True)
    assert scores.keys() - without.keys() == {"mpjve_mm_per_frame", "acceleration_error_mm_per_frame2"}
    for key in scores.keys() - without.keys():
        parts = [
            PROTOCOLS[key].scores(bodies[scenes.sequence == n], scenes.truth[scenes.sequence == n], ROOT)
            for n in range(len(scenes.sequences))
        ]
        assert scores[key] == pytest.approx(torch.cat(parts).mean().item(), rel=1e-5)
    one = scenes[:1]
    assert "mpjve_mm_per_frame" not in score_alone(bodies[:1], one, ROOT, consecutive=True)


def test_the_means_over_actions_weigh_actions_alike(scenes: SceneBatch) -> None:
    assert scenes.truth is not None
    few = scenes[(scenes.sequence > 3) | (torch.arange(len(scenes)) % 2 == 0)]  # fewer of one action
    assert few.truth is not None
    bodies = few.truth + 50 * torch.randn_like(few.truth)
    found = by_action(bodies, few, ROOT)
    assert list(found) == ["Directions", "Eating", "mean over actions"]
    for key, mean in found["mean over actions"].items():
        assert mean == pytest.approx((found["Directions"][key] + found["Eating"][key]) / 2)
    assert score_alone(bodies, few, ROOT, False)["mpjpe_mm"] == pytest.approx(
        found["mean over actions"]["mpjpe_mm"], rel=0.1
    )


def test_runs_cover_everything_once() -> None:
    assert [some for run in pieces(5000) for some in range(5000)[run]] == list(range(5000))
    assert sequences_of(torch.tensor([3, 3, 1, 1, 1, 2]), 3) == [slice(2, 5)]
