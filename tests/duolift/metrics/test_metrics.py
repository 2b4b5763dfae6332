"""The paper's metrics, as defined and in batches, against loops in numpy; what must and must not change them."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import roma
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.geometry.alignment import align_scene
from duolift.metrics import definitions
from duolift.metrics.batched import Truth
from duolift.metrics.definitions import CONTACT, mpjpe, root_displacements

ROOT = PAPER19.root_index
Scene = tuple[Tensor, Tensor]
Score = Callable[..., dict[str, Tensor]]


def batched(predicted: Tensor, truth: Tensor, root: int, hands: Sequence[int] = ()) -> dict[str, Tensor]:
    return Truth(truth, root, hands).score(predicted)


@pytest.fixture(params=[definitions.score, batched], ids=["definitions", "batched"])
def score(request: pytest.FixtureRequest) -> Score:
    """Either implementation of the metrics."""
    implementation: Score = request.param
    return implementation


def procrustes(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Kabsch and Umeyama, one set of points."""
    x, y = points - points.mean(0), target - target.mean(0)
    u, d, vt = np.linalg.svd(y.T @ x)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    return (d * signs).sum() / (x**2).sum() * x @ (u * signs @ vt).T + target.mean(0)


def scored_in_a_loop(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """All metrics of one scene (person, joint, 3)."""
    people = range(len(truth))
    aligned = procrustes(np.concatenate(predicted), np.concatenate(truth)).reshape(truth.shape)
    alone = [procrustes(predicted[i], truth[i]) for i in people]
    size = [np.linalg.norm(aligned[i] - aligned[i][ROOT]) for i in people]
    true = [np.linalg.norm(truth[i] - truth[i][ROOT]) for i in people]
    pairs = [
        (aligned[i][ROOT] - aligned[j][ROOT], truth[i][ROOT] - truth[j][ROOT])
        for i, j in itertools.combinations(people, 2)
    ]
    norm = np.linalg.norm
    axes = [np.mean([abs(aligned[i][ROOT][axis] - truth[i][ROOT][axis]) for i in people]) for axis in range(3)]
    values = {
        "pa_mpjpe_mm": np.mean([norm(p - q) for i in people for p, q in zip(aligned[i], truth[i], strict=True)]),
        "pa_mpjpe_person_mm": np.mean([norm(p - q) for i in people for p, q in zip(alone[i], truth[i], strict=True)]),
        "scale_error_mm": np.mean([abs(size[i] - true[i]) for i in people]),
        "scale_error_pct": np.mean([100 * abs(size[i] / true[i] - 1) for i in people]),
        "scene_scale_error_mm": abs(sum(size) - sum(true)),
        "scene_scale_error_pct": 100 * abs(np.sum(size) / np.sum(true) - 1),
        "translation_error_mm": norm(axes),
        "root_displacement_error_mm": np.mean([norm(a - b) for a, b in pairs]),
        "root_distance_error_mm": np.mean([abs(norm(a) - norm(b)) for a, b in pairs]),
    }
    return {name: float(value) for name, value in values.items()}


@pytest.fixture
def scenes(random_bodies: Callable[..., Tensor]) -> Callable[[int], Scene]:
    """Predictions in head lengths and truths in mm, of any number of people."""

    def make(people: int) -> Scene:
        truth = 700 * random_bodies(PAPER19, 6, people, dtype=torch.float64)
        truth += 1000 * torch.randn(6, people, 1, 3, dtype=torch.float64)
        return (truth + 100 * torch.randn_like(truth)) / 700, truth

    return make


@pytest.mark.parametrize("people", [2, 3, 5])
def test_every_metric_of_every_scene_is_the_loops(scenes: Callable[[int], Scene], people: int, score: Score) -> None:
    predicted, truth = scenes(people)
    scores = score(predicted, truth, ROOT)
    for i in range(len(truth)):
        expected = scored_in_a_loop(predicted[i].numpy(), truth[i].numpy())
        assert {name: values[i].item() for name, values in scores.items()} == pytest.approx(expected)
        assert {n: v.item() for n, v in score(predicted[i], truth[i], ROOT).items()} == pytest.approx(expected)


def test_the_frame_and_unit_of_the_prediction_do_not_matter(scenes: Callable[[int], Scene], score: Score) -> None:
    predicted, truth = scenes(2)
    rotation = roma.random_rotmat((6, 1), dtype=torch.float64)
    moved = 5 * predicted @ rotation.mT + torch.randn(6, 1, 1, 3)
    torch.testing.assert_close(score(moved, truth, ROOT), score(predicted, truth, ROOT))


@pytest.mark.parametrize("people", [2, 3])
def test_a_perfect_prediction_scores_zero(scenes: Callable[[int], Scene], people: int, score: Score) -> None:
    _, truth = scenes(people)
    for name, values in score(truth / 700 + 3, truth, ROOT).items():
        assert values.max() < 1e-6, name


def test_a_mirrored_scene_scores_worse(scenes: Callable[[int], Scene], score: Score) -> None:
    _, truth = scenes(2)
    scores = score(truth * torch.tensor([1, 1, -1]), truth, ROOT)
    for name in ("pa_mpjpe_mm", "pa_mpjpe_person_mm", "root_displacement_error_mm", "translation_error_mm"):
        assert scores[name].min() > 1, name


def test_only_the_scenes_metrics_see_where_people_are(scenes: Callable[[int], Scene], score: Score) -> None:
    _, truth = scenes(2)
    displaced = truth.clone()
    displaced[:, 1] += 300
    scores = score(displaced, truth, ROOT)
    assert scores["pa_mpjpe_person_mm"].max() < 1e-6
    assert scores["pa_mpjpe_mm"].min() > 10
    assert scores["root_displacement_error_mm"].min() > 10


def test_two_people_each_of_the_wrong_size_can_have_the_right_total(score: Score) -> None:
    """Sizes of 1.2 and 0.8 where both are 1: the scale error sees it, the scene's does not."""
    person = torch.randn(len(PAPER19), 3, dtype=torch.float64)
    far = torch.tensor([[[0.0, 0.0, 0.0]], [[1e6, 0.0, 0.0]]]).double()  # apart: no other scale suits
    scores = score(torch.stack([1.2 * person, 0.8 * person]) + far, torch.stack([person, person]) + far, ROOT)
    assert scores["scale_error_pct"].item() == pytest.approx(20, abs=0.01)
    assert scores["scene_scale_error_pct"].item() == pytest.approx(0, abs=0.01)


def test_known_values() -> None:
    truth = torch.zeros(3, 2, 3)
    predicted = truth.clone()
    predicted[0, 0], predicted[2, 0] = torch.tensor([3.0, 0, 0]), torch.tensor([-3.0, 4, 0])
    assert mpjpe(predicted, truth).item() == pytest.approx((3 + 5) / 6)
    assert root_displacements(predicted, 0).tolist() == [[-3, 0, 0], [-6, 4, 0], [-3, 4, 0]]


@pytest.mark.parametrize("people", [2, 4])
def test_contact_is_measured_between_the_joints_that_touch_and_nowhere_else(people: int, score: Score) -> None:
    truth = 200 * torch.randn(3, people, len(PAPER19), 3, dtype=torch.float64)
    truth += 5000 * torch.arange(people)[:, None, None]
    hand, elbow = PAPER19.index("left_hand"), PAPER19.index("right_elbow")
    truth[1:, 0, hand] = truth[1:, 1, elbow] + torch.tensor([0.0, 40.0, 30.0])  # 50 mm apart
    predicted = truth.clone()
    predicted[2, 0, hand] += torch.tensor([0.0, 80.0, 60.0])
    error = score(predicted / 700, truth, ROOT, PAPER19.hands)[CONTACT]
    assert error[0].isnan(), "nobody touches anybody"
    moved = align_scene(predicted, truth)[2]
    expected = (moved[0, hand] - moved[1, elbow]).norm().item() - 50
    assert expected == pytest.approx(100, abs=10)
    assert error[1:].tolist() == pytest.approx([0, expected], abs=1e-6)
    turned = score(predicted.flip(1), truth.flip(1), ROOT, PAPER19.hands)[CONTACT]
    torch.testing.assert_close(turned[1:], error[1:])


def test_many_predictions_of_a_truth_score_as_each_alone(scenes: Callable[[int], Scene], score: Score) -> None:
    predicted, truth = scenes(2)
    known = Truth(truth.view(2, 3, *truth.shape[1:]), ROOT)
    for people in (predicted, truth + 1, 3 * predicted):
        expected = score(people, truth, ROOT)
        found = known.score(people.view(known.shape))
        torch.testing.assert_close({name: value.flatten() for name, value in found.items()}, expected)
        alone = torch.rand(2, 3)
        told = known.score(people.view(known.shape), alone)
        torch.testing.assert_close(told, found | {"pa_mpjpe_person_mm": alone})


@pytest.mark.parametrize("people", [3, 5])
def test_displacements_of_many_people_are_a_mean_over_pairs(people: int, score: Score) -> None:
    truth = 500 * torch.randn(4, people, len(PAPER19), 3, dtype=torch.float64)
    predicted = align_scene(truth + 50 * torch.randn_like(truth), truth)
    pairs = [(i, j) for i in range(people) for j in range(i + 1, people)]
    expected = torch.stack(
        [
            ((predicted[:, j, ROOT] - predicted[:, i, ROOT]) - (truth[:, j, ROOT] - truth[:, i, ROOT])).norm(dim=-1)
            for i, j in pairs
        ]
    ).mean(0)
    torch.testing.assert_close(score(predicted, truth, ROOT)["root_displacement_error_mm"], expected)


def test_all_people_are_aligned_by_one_similarity(scenes: Callable[[int], Scene], score: Score) -> None:
    predicted, truth = scenes(3)
    scores = score(predicted, truth, ROOT)
    torch.testing.assert_close(scores["pa_mpjpe_mm"], mpjpe(align_scene(predicted, truth), truth))
    assert (scores["pa_mpjpe_mm"] > scores["pa_mpjpe_person_mm"]).all()


@pytest.mark.parametrize(
    ("predicted", "truth"), [((2, 19, 3), (2, 18, 3)), ((1, 19, 3), (1, 19, 3)), ((19, 3), (19, 3))]
)
def test_wrong_shapes_are_refused(predicted: tuple[int, ...], truth: tuple[int, ...], score: Score) -> None:
    with pytest.raises(ValueError, match=r"expected .*\(\.\.\., person, joint, 3\)"):
        score(torch.randn(predicted), torch.randn(truth), ROOT)


@pytest.mark.parametrize("people", [2, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_batches_score_as_defined(scenes: Callable[[int], Scene], people: int, dtype: torch.dtype) -> None:
    """To a hundredth of a thousandth of a millimetre in double precision; hands of neighbours touch in some scenes."""
    predicted, truth = (tensor.to(dtype) for tensor in scenes(people))
    truth[::2, 0, PAPER19.hands[0]] = truth[::2, 1, PAPER19.hands[1]] + 20
    expected = definitions.score(predicted, truth, ROOT, PAPER19.hands)
    found = Truth(truth, ROOT, PAPER19.hands).score(predicted)
    assert found.keys() == expected.keys() and expected[CONTACT].isfinite().any() and expected[CONTACT].isnan().any()
    for name, values in found.items():
        torch.testing.assert_close(
            values, expected[name], atol=1e-5 if dtype == torch.float64 else 0.05, rtol=0, equal_nan=True
        )
