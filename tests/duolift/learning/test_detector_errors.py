"""A detector that is made up: how far off it is, what it misses, what it takes for what."""

from dataclasses import replace

import pytest
import torch
from conftest import some_poses
from torch import Tensor

from duolift.body.skeleton import PAPER19, SKELETONS, skeleton_named
from duolift.inputs.keypoints import FORMATS
from duolift.learning.detector_errors import SELDOM_DETECTED, DetectorErrors, rules_within, swaps
from duolift.networks.people_lifter import FEWEST_JOINTS

COUNT = 4000
PERFECT = DetectorErrors(exact=1.0, hidden=0.0, cut=0.0, missing=0.0, real=0.0)
SIZE = torch.full((COUNT,), 0.2)


@pytest.fixture
def rays() -> Tensor:
    return some_poses(PAPER19, COUNT)


def index(*joints: str) -> list[int]:
    return PAPER19.indices(joints)


def test_a_perfect_detector_sees_everything_exactly(rays: Tensor) -> None:
    seen = PERFECT(rays, SIZE, PAPER19)
    assert torch.equal(seen.rays, rays) and seen.visible.all() and not seen.noise.any()


def test_noise_is_as_large_as_is_told_of_each_person(rays: Tensor) -> None:
    seen = replace(PERFECT, exact=0.25, noise=0.1, outliers=0.0)(rays, SIZE, PAPER19)
    off = (seen.rays - rays) / SIZE[:, None, None]
    exact = seen.noise == 0
    assert exact.float().mean() == pytest.approx(0.25, abs=0.03) and not off[exact].any()
    ratio = off[~exact].square().mean((-1, -2)).sqrt() / seen.noise[~exact]
    assert ratio.mean() == pytest.approx(1.0, abs=0.03) and seen.noise.max() <= 0.1


def test_outliers_are_so_many_and_so_far_off(rays: Tensor) -> None:
    seen = replace(PERFECT, exact=0.0, outliers=0.1, far=1000.0)(rays, SIZE, PAPER19)
    off = (seen.rays - rays).norm(dim=-1) / SIZE[:, None] / seen.noise[:, None]
    assert (off > 20).float().mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("skeleton", SKELETONS)
@pytest.mark.parametrize("real", [0.0, 1.0])
def test_enough_is_always_seen_to_be_lifted(skeleton: str, real: float) -> None:
    poses = some_poses(skeleton_named(skeleton), COUNT)
    worst = DetectorErrors(hidden=1.0, cut=1.0, missed=0.9, missing=1.0, real=real)
    seen = worst(poses, SIZE, skeleton_named(skeleton))
    assert (seen.visible.sum(-1) >= FEWEST_JOINTS).all() and seen.rays.isfinite().all()


def test_what_is_cut_off_lies_lower_than_all_that_is_seen(rays: Tensor) -> None:
    seen = replace(PERFECT, cut=1.0)(rays, SIZE, PAPER19)
    rows = rays[..., 1]
    lowest_seen = torch.where(seen.visible, rows, -torch.inf).amax(-1)
    highest_cut = torch.where(seen.visible, torch.inf, rows).amin(-1)
    whole = seen.visible.all(-1)
    assert (lowest_seen <= highest_cut)[~whole].all() and (~whole).float().mean() > 0.05


def test_a_real_detector_sees_no_joint_that_most_formats_lack(rays: Tensor) -> None:
    assert {"spine"} == SELDOM_DETECTED
    assert "spine" in FORMATS["coco17"].missing
    seen = replace(PERFECT, real=1.0, swapped=0.0)(rays, SIZE, PAPER19)
    assert not seen.visible[:, index("spine")].any()


def test_limbs_are_taken_for_the_other_side_as_a_whole(rays: Tensor) -> None:
    seen = replace(PERFECT, real=1.0, swapped=1.0, derived=0.0)(rays, SIZE, PAPER19)
    arm = index("left_shoulder", "left_elbow"), index("right_shoulder", "right_elbow")
    torch.testing.assert_close(seen.rays[:, arm[0]], rays[:, arm[1]])
    wrist = index("left_wrist"), index("right_wrist")  # swapped with the arm, and once more alone
    torch.testing.assert_close(seen.rays[:, wrist[0]], rays[:, wrist[0]])
    assert [len(left) for left, _ in swaps(PAPER19)] == [4, 3, 2, 1]


def test_derived_joints_are_where_rules_put_them(rays: Tensor) -> None:
    seen = replace(PERFECT, real=1.0, swapped=0.0, derived=1.0)(rays, SIZE, PAPER19)
    for middle, joint in (("pelvis", "hip"), ("neck", "shoulder")):
        ends = seen.rays[:, index(f"left_{joint}", f"right_{joint}")]
        torch.testing.assert_close(seen.rays[:, PAPER19.index(middle)], ends.mean(1))
    elbow, wrist, hand = seen.rays[:, index("left_elbow", "left_wrist", "left_hand")].unbind(1)
    assert ((hand - wrist).norm(dim=-1) < (wrist - elbow).norm(dim=-1)).all()
    assert "left_hip" not in {rule.joint for rule in rules_within(PAPER19)}


def test_a_derived_joint_is_not_seen_where_its_sources_are_not(rays: Tensor) -> None:
    seen = replace(PERFECT, real=1.0, swapped=0.0, derived=1.0, missing=1.0, missed=0.9)(rays, SIZE, PAPER19)
    hips = seen.visible[:, index("left_hip", "right_hip")].all(-1)
    some = seen.visible.sum(-1) < len(PAPER19) - 1  # those who show too little are shown whole
    assert torch.equal(seen.visible[some][:, PAPER19.root_index], hips[some])
