"""The field's protocols against the same computed by NumPy and SciPy in loops, and what they must and must not see."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.metrics.protocols import AUC_MM, pck, procrustes, velocity_errors
from duolift.metrics.table import PROTOCOLS, Metric, Metrics

Array = NDArray[np.float64]
ROOT, FRAMES = PAPER19.root_index, 7


@pytest.fixture
def poses(random_bodies: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
    """Predictions and truth, (frame, joint, 3), millimetres, in a camera's frame."""
    truth = 700 * random_bodies(PAPER19, FRAMES, dtype=torch.float64) + torch.tensor([300.0, 0.0, 4000.0])
    return 0.9 * truth + 90 * torch.randn_like(truth), truth


def rooted(pose: Array) -> Array:
    return np.array([joint - pose[ROOT] for joint in pose])


def by_kabsch(p: Array, t: Array, reflected: bool = False) -> Array:
    """SciPy's rotation of centred vectors, then the scale by a search on a line."""
    x, y = p - p.mean(0), t - t.mean(0)
    x = x * [-1, 1, 1] if reflected else x
    turned = Rotation.align_vectors(y, x)[0].apply(x)
    scale = minimize_scalar(lambda s: float(((s * turned - y) ** 2).sum()), bracket=(0, 1), tol=1e-12).x
    return scale * turned + t.mean(0)


def distances(p: Array, t: Array) -> Array:
    return np.array([np.sqrt(((a - b) ** 2).sum()) for a, b in zip(p, t, strict=True)])


def best_scaled(p: Array, t: Array) -> Array:
    p, t = rooted(p), rooted(t)
    return p * minimize_scalar(lambda s: float(((s * p - t) ** 2).sum()), bracket=(0, 1), tol=1e-12).x


def mean_of(errors: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return lambda p, t: float(np.mean([errors(a, b).mean() for a, b in zip(p, t, strict=True)]))


def about_root(p: Array, t: Array) -> Array:
    return distances(rooted(p), rooted(t))


def about_root_scaled(p: Array, t: Array) -> Array:
    return distances(best_scaled(p, t), rooted(t))


def aligned(p: Array, t: Array) -> Array:
    return distances(by_kabsch(p, t), t)


def aligned_or_mirrored(p: Array, t: Array) -> Array:
    both = [by_kabsch(p, t, reflected) for reflected in (False, True)]
    return distances(min(both, key=lambda some: float(((some - t) ** 2).sum())), t)


def found(errors: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return mean_of(lambda p, t: np.array([100.0 if e < 150 else 0.0 for e in errors(p, t)]))


def area(errors: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return mean_of(lambda p, t: np.array([100 * np.mean([e < 5 * i for i in range(31)]) for e in errors(p, t)]))


def moving(order: int) -> Callable[[Array, Array], float]:
    def error(p: Array, t: Array) -> float:
        here, there = (np.array([rooted(pose) for pose in some]) for some in (p, t))
        kernel = {1: (-1, 1), 2: (1, -2, 1)}[order]
        moved = [
            sum(weight * (here[frame + k] - there[frame + k]) for k, weight in enumerate(kernel))
            for frame in range(len(here) - order)
        ]
        return float(np.mean([np.linalg.norm(m, axis=-1).mean() for m in moved]))

    return error


INDEPENDENT: dict[str, Callable[[Array, Array], float]] = {
    "mpjpe_mm": mean_of(about_root),
    "n_mpjpe_mm": mean_of(about_root_scaled),
    "pa_mpjpe_mm": mean_of(aligned),
    "pa_mpjpe_reflected_mm": mean_of(aligned_or_mirrored),
    "pck_pct": found(about_root),
    "auc_pct": area(about_root),
    "n_pck_pct": found(about_root_scaled),
    "n_auc_pct": area(about_root_scaled),
    "pa_pck_pct": found(aligned),
    "pa_auc_pct": area(aligned),
    "mpjve_mm_per_frame": moving(1),
    "acceleration_error_mm_per_frame2": moving(2),
    "pck_abs_pct": found(distances),
    "root_error_mm": mean_of(lambda p, t: distances(p[[ROOT]], t[[ROOT]])),
}


def test_every_protocol_has_an_independent_computation() -> None:
    assert INDEPENDENT.keys() == PROTOCOLS.keys()


@pytest.mark.parametrize("key", PROTOCOLS)
def test_it_is_what_numpy_and_scipy_make_of_it(key: str, poses: tuple[Tensor, Tensor]) -> None:
    predicted, truth = poses
    scores = PROTOCOLS[key].scores(predicted, truth, ROOT)
    assert scores.mean().item() == pytest.approx(INDEPENDENT[key](predicted.numpy(), truth.numpy()), rel=1e-6)


@pytest.mark.parametrize("key", PROTOCOLS)
def test_a_perfect_prediction_has_no_error(key: str, poses: tuple[Tensor, Tensor]) -> None:
    protocol, (_, truth) = PROTOCOLS[key], poses
    predicted = truth if protocol.absolute else truth + 500 if protocol.sized else truth / 700 + 3
    best = {True: 100 * (1 - 1 / len(AUC_MM)) if "auc" in key else 100.0, False: 0.0}[protocol.higher]
    assert protocol.scores(predicted, truth, ROOT).mean().item() == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("key", [key for key, protocol in PROTOCOLS.items() if not protocol.sized])
def test_the_unit_of_the_prediction_does_not_matter_where_a_scale_is_found(
    key: str, poses: tuple[Tensor, Tensor]
) -> None:
    predicted, truth = poses
    scores = PROTOCOLS[key].scores
    torch.testing.assert_close(scores(predicted / 700, truth, ROOT), scores(predicted, truth, ROOT))


def test_only_a_named_protocol_forgives_a_reflection(poses: tuple[Tensor, Tensor]) -> None:
    _, truth = poses
    mirrored = truth * torch.tensor([1.0, 1.0, -1.0])
    for key in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm"):
        assert PROTOCOLS[key].scores(mirrored, truth, ROOT).mean() > 10, key
    assert PROTOCOLS["pa_mpjpe_reflected_mm"].scores(mirrored, truth, ROOT).mean() < 1e-6


def test_what_has_no_size_is_put_where_the_truth_is(poses: tuple[Tensor, Tensor]) -> None:
    _, truth = poses
    for key in ("n_mpjpe_mm", "pa_mpjpe_mm", "pa_mpjpe_reflected_mm"):
        assert PROTOCOLS[key].scores(torch.zeros_like(truth), truth, ROOT).isfinite().all(), key
    assert procrustes(torch.zeros_like(truth), truth, reflection=True).isfinite().all()


@pytest.mark.parametrize("key", PROTOCOLS)
def test_batches_add_up_to_all_of_them(key: str, poses: tuple[Tensor, Tensor]) -> None:
    predicted, truth = poses
    protocol = PROTOCOLS[key]
    metric = Metric(protocol, ROOT)
    with pytest.raises(ValueError, match=f"{key}: nothing was scored"):
        metric.compute()
    step = 3
    for start in range(0, FRAMES, step):  # consecutive frames belong together, so batches overlap by what a score takes
        some = slice(start, start + step + protocol.frames - 1)
        if len(truth[some]) >= protocol.frames:
            metric.update(predicted[some], truth[some])
    assert metric.compute() == pytest.approx(protocol.scores(predicted, truth, ROOT).mean().item())
    metric.reset()
    metric.update(truth, truth)
    assert metric.compute() == pytest.approx(protocol.scores(truth, truth, ROOT).mean().item())


def test_joints_that_are_not_visible_do_not_count(poses: tuple[Tensor, Tensor]) -> None:
    predicted, truth = poses
    visible = torch.rand(truth.shape[:-1]) > 0.3
    for key in ("mpjpe_mm", "mpjve_mm_per_frame", "acceleration_error_mm_per_frame2"):
        protocol = PROTOCOLS[key]
        metric = Metric(protocol, ROOT)
        metric.update(predicted, truth, visible)
        scores = protocol.scores(predicted, truth, ROOT).numpy()
        counted = [
            scores[frame, joint]
            for frame in range(len(scores))
            for joint in range(len(PAPER19))
            if all(visible[frame + k, joint] for k in range(protocol.frames))
        ]
        assert metric.compute() == pytest.approx(np.mean(counted)), key


def test_several_protocols_at_once_leave_out_what_has_too_few_frames(poses: tuple[Tensor, Tensor]) -> None:
    predicted, truth = poses
    metrics = Metrics.of(ROOT)
    metrics.update(predicted[:2], truth[:2])
    assert metrics.compute().keys() == PROTOCOLS.keys() - {"acceleration_error_mm_per_frame2"}
    metrics.reset()
    assert metrics.compute() == {}


def test_people_who_are_not_found_are_wrong_joints() -> None:
    assert pck(torch.tensor([[10.0, 20.0], [torch.inf, torch.inf]])).mean() == 50


def test_arrays_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"points \(2, 17, 3\) and target \(3, 17, 3\)"):
        velocity_errors(torch.zeros(2, 17, 3), torch.zeros(3, 17, 3))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [("mpjpe_mm", 36.66, "36.7"), ("pck_pct", 85.0, "85.0"), ("mpjve_mm_per_frame", 2.789, "2.79")],
)
def test_values_are_rounded_as_the_field_does(key: str, value: float, text: str) -> None:
    assert PROTOCOLS[key].text(value) == text
