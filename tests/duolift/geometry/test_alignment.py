"""Procrustes alignment: the best similarity there is, and never a reflection."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import roma
import scipy.optimize
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from duolift.geometry import alignment
from duolift.metrics import fast_alignment
from duolift.metrics.fast_alignment import nearest_rotation

Align = Callable[[Tensor, Tensor], Tensor]


@pytest.fixture(params=[alignment, fast_alignment], ids=["definition", "fast"])
def module(request: pytest.FixtureRequest) -> Any:
    """Either implementation."""
    return request.param


@pytest.fixture
def align(module: Any) -> Align:
    function: Align = module.align
    return function


@pytest.fixture
def align_scene(module: Any) -> Align:
    function: Align = module.align_scene
    return function


def similar(points: Tensor) -> Tensor:
    """The points moved by a random similarity a batch entry."""
    batch = points.shape[:-2]
    rotation = roma.random_rotmat(batch, dtype=points.dtype)
    scale = torch.rand(*batch, 1, 1, dtype=points.dtype) * 20 + 0.1
    return scale * points @ rotation.mT + 3 * torch.randn(*batch, 1, 3, dtype=points.dtype)


def squared(points: Tensor, target: Tensor) -> Tensor:
    return (points - target).square().sum((-1, -2))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_a_random_similarity_is_recovered(dtype: torch.dtype, tolerance: float, align: Align) -> None:
    target = torch.randn(50, 4, 19, 3, dtype=dtype)
    torch.testing.assert_close(align(similar(target), target), target, atol=tolerance, rtol=0)


def test_what_is_aligned_is_moved_by_a_similarity_without_reflection(align: Align) -> None:
    points, target = torch.randn(2, 200, 8, 3, dtype=torch.float64)
    before, after = points - points.mean(-2, keepdim=True), align(points, target)
    after = after - after.mean(-2, keepdim=True)
    matrix = torch.linalg.lstsq(before, after).solution  # scale times rotation
    scale = torch.linalg.det(matrix).sign() * torch.linalg.det(matrix).abs() ** (1 / 3)
    assert (scale > 0).all()
    square = torch.eye(3, dtype=torch.float64) * scale.square()[:, None, None]
    torch.testing.assert_close(matrix @ matrix.mT, square)


def test_a_mirrored_pose_scores_worse(align: Align) -> None:
    target = torch.randn(50, 19, 3)
    mirrored = target * torch.tensor([-1, 1, 1])
    assert (squared(align(mirrored, target), target) > 1).all()
    assert (squared(align(similar(target), target), target) < 1e-6).all()


def test_the_result_does_not_depend_on_the_frame_or_unit_of_the_points(align: Align) -> None:
    points, target = torch.randn(2, 50, 19, 3, dtype=torch.float64)
    torch.testing.assert_close(align(similar(points), target), align(points, target))


def test_the_result_moves_with_the_target(align: Align) -> None:
    points, target = torch.randn(2, 50, 19, 3, dtype=torch.float64)
    seed = torch.get_rng_state()
    moved_target = similar(target)
    torch.set_rng_state(seed)
    torch.testing.assert_close(align(points, moved_target), similar(align(points, target)))


def test_no_perturbed_similarity_is_better(align: Align) -> None:
    points, target = torch.randn(2, 200, 8, 3, dtype=torch.float64)
    best = align(points, target)
    for _ in range(20):
        turn = roma.rotvec_to_rotmat(0.05 * torch.randn(200, 3, dtype=torch.float64))
        scale, shift = 1 + 0.05 * torch.randn(200, 1, 1), 0.05 * torch.randn(200, 1, 3, dtype=torch.float64)
        assert (squared(best, target) < squared(scale * best @ turn.mT + shift, target)).all()


def test_it_is_what_a_general_optimiser_finds(align: Align) -> None:
    points, target = torch.randn(2, 6, 3, dtype=torch.float64).numpy()

    def residuals(parameters: np.ndarray) -> np.ndarray:
        rotation = Rotation.from_rotvec(parameters[:3])
        return (np.exp(parameters[3]) * rotation.apply(points) + parameters[4:] - target).ravel()

    starts = [np.concatenate([r.as_rotvec(), np.zeros(4)]) for r in Rotation.random(20, random_state=0)]
    best = min(2 * scipy.optimize.least_squares(residuals, start).cost for start in starts)
    result = align(torch.tensor(points), torch.tensor(target))
    assert squared(result, torch.tensor(target)).item() == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("place", [0.0, 0.1, 1234.5])
def test_points_that_coincide_move_to_the_targets_centroid_with_a_finite_gradient(place: float, align: Align) -> None:
    points, target = torch.randn(2, 3, 19, 3)
    others = align(points, target)
    points[1] = place
    points.requires_grad_()
    aligned = align(points, target)
    torch.testing.assert_close(aligned[1], target[1].mean(0).expand(19, 3), atol=1e-2, rtol=0)
    torch.testing.assert_close(aligned[[0, 2]], others[[0, 2]])
    aligned.square().sum().backward()
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


def test_a_target_that_coincides_is_reached(align: Align) -> None:
    aligned = align(torch.randn(19, 3), torch.full((19, 3), 2.0))
    torch.testing.assert_close(aligned, torch.full((19, 3), 2.0))


def test_gradients_are_the_numerical_ones(align: Align) -> None:
    points, target = (torch.randn(2, 7, 3, dtype=torch.float64).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(align, (points, target))


def test_a_scene_is_moved_as_one(align: Align, align_scene: Align) -> None:
    people, target = torch.randn(2, 5, 3, 19, 3, dtype=torch.float64)
    together = align_scene(people, target)
    for i in range(5):
        one = align(torch.cat([*people[i]]), torch.cat([*target[i]]))
        torch.testing.assert_close(torch.cat([*together[i]]), one)
    assert (squared(together, target) > squared(align(people, target), target)).all()


@pytest.mark.parametrize(
    ("points", "target"), [((5, 3), (6, 3)), ((5, 2), (5, 2)), ((2, 5, 3), (5, 3))], ids=["count", "axes", "batch"]
)
def test_wrong_shapes_are_refused(points: tuple[int, ...], target: tuple[int, ...], align: Align) -> None:
    with pytest.raises(ValueError, match="expected the same shape"):
        align(torch.randn(points), torch.randn(target))


@pytest.mark.parametrize("noise", [0.0, 0.3, 30.0])
@pytest.mark.parametrize("thickness", [1.0, 1e-3, 0.0], ids=["solid", "thin", "flat"])
def test_the_rotation_is_the_one_of_the_singular_values(noise: float, thickness: float) -> None:
    points = torch.randn(2000, 19, 3) * torch.tensor([1.0, 1.0, thickness])
    target = points @ roma.random_rotmat(2000).mT + noise * torch.randn_like(points)
    correlation = target.mT @ points
    expected = roma.special_procrustes(correlation.double()).float()
    torch.testing.assert_close(nearest_rotation(correlation), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("spread", [(1.0, 1e-8, 1e-8), (1.0, 0.0, 0.0)], ids=["next to a line", "on a line"])
def test_where_the_rotation_is_undetermined_a_best_one_is_found(spread: tuple[float, ...], align: Align) -> None:
    points, target = torch.randn(2, 50, 19, 3, dtype=torch.float64)
    points = points * points.new_tensor(spread)
    middle, centre = points.mean(-2, keepdim=True), target.mean(-2, keepdim=True)
    correlation = (target - centre).mT @ (points - middle)
    rotation = nearest_rotation(correlation)
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3, dtype=torch.float64).expand(50, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(50, dtype=torch.float64))
    best = (roma.special_procrustes(correlation) * correlation).sum((-1, -2))
    torch.testing.assert_close((rotation * correlation).sum((-1, -2)), best)
    assert torch.isfinite(align(points, target)).all()
