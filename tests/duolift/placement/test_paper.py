"""The paper's placement: exact on scenes that obey its model, and a loop over people whatever the scene."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import rotate, rotation_x
from duolift.metrics.definitions import score
from duolift.placement.interface import SceneCameras
from duolift.placement.paper import LARGEST_SCALE, SCALE_ABOUT, PaperPlacement, group_mean, level_groups
from duolift.placement.paper import TABLE_1 as NAMED_ROWS

C = 10.0
FEET, ROOT = PAPER19.feet, PAPER19.root_index

READINGS = pytest.mark.parametrize("reading", SCALE_ABOUT)
TABLE_1 = tuple(NAMED_ROWS.values())
ROWS = pytest.mark.parametrize("row", TABLE_1, ids=NAMED_ROWS)


@dataclass
class Given:
    """What placement is given: people lifted one at a time, (..., person)."""

    bodies: Tensor
    theta: Tensor
    places: Tensor
    rows: Tensor

    def placed(self, placement: PaperPlacement) -> Tensor:
        return placement.place(self.bodies, self.theta, self.places, self.rows, C, FEET)

    def __getitem__(self, index: tuple[int, ...]) -> "Given":
        return Given(self.bodies[index], self.theta[index], self.places[index], self.rows[index])


@pytest.fixture
def standing(random_bodies: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`standing(*batch)`: upright bodies, (*batch, joint, 3), both ankles well below the root."""

    def make(*batch: int) -> Tensor:
        bodies = 0.3 * random_bodies(PAPER19, *batch, dtype=torch.float64)
        bodies[..., FEET, 1] += 1.5
        return bodies

    return make


@pytest.fixture
def lifted(standing: Callable[..., Tensor]) -> Callable[..., Given]:
    """`lifted(*batch, person)`: any people anywhere; their elevations, places and rows owe nothing to each other."""

    def make(*batch: int) -> Given:
        theta = -0.1 + 0.1 * torch.randn(batch, dtype=torch.float64)
        places = torch.tensor([2.5, 0.75]) * torch.randn(*batch, 2, dtype=torch.float64)
        return Given(standing(*batch), theta, places, 440 + 60 * torch.randn(batch, dtype=torch.float64))

    return make


def on_one_ground(bodies: Tensor, height: float) -> tuple[Tensor, Tensor, Tensor]:
    """People of equal size who stand on one plane, as the paper's model has them before they are scaled.

    Seen by a level camera `height` above the plane, person i stands k_i times as far away as depth c.

    Returns:
        the people in their true places, k_i (body + root), their roots at depth c, and their thetas:
        root i is at (x_i, -c tan(theta_i), c).
    """
    k = 0.7 + 0.7 * torch.rand(bodies.shape[:-2], dtype=torch.float64)
    x = 2 * torch.randn_like(k)
    y = height / k - bodies[..., FEET, 1].amax(-1)
    roots = torch.stack([x, y, torch.full_like(x, C)], dim=-1)
    return k[..., None, None] * (bodies + roots.unsqueeze(-2)), roots, torch.atan(-y / C)


def in_rows(places: Tensor) -> Tensor:
    """The rows of pixels of roots at these places (..., 2), in an image of 80 pixels a head length."""
    return 440 + 80 * places[..., 1]


def assert_the_same_scene(placed: Tensor, truth: Tensor) -> None:
    """Equal up to the unit of length, about the camera."""
    unit = truth[..., :1, ROOT, 2] / placed[..., :1, ROOT, 2]
    torch.testing.assert_close(placed * unit[..., None, None], truth)
    assert score(placed, truth, ROOT)["pa_mpjpe_mm"].max() < 1e-9


@pytest.mark.parametrize("people", [2, 3, 4])
def test_the_image_alone_is_exact_under_a_level_camera(standing: Callable[..., Tensor], people: int) -> None:
    truth, roots, theta = on_one_ground(bodies := standing(20, people), height=2.0)
    places = roots[..., :2]
    assert_the_same_scene(Given(bodies, theta, places, in_rows(places)).placed(TABLE_1[0]), truth)


@pytest.mark.parametrize("people", [2, 3, 4])
@pytest.mark.parametrize("pitch", [0.0, 0.25], ids=["level", "tilted"])
def test_elevation_and_rotation_are_exact_however_the_camera_is_tilted(
    standing: Callable[..., Tensor], people: int, pitch: float
) -> None:
    """A lift is tilted by its own theta; a tilted camera sees roots in other places, which must not matter."""
    bodies = standing(20, people)
    truth, roots, theta = on_one_ground(bodies, height=2.0)
    places = roots[..., :2] + torch.tensor([0, C * math.tan(pitch)])
    scene = Given(rotate(rotation_x(-theta), bodies), theta, places, in_rows(places))
    exact = PaperPlacement(rule=False)
    assert_the_same_scene(scene.placed(exact), truth)
    for wrong in (replace(exact, rotation=False), replace(exact, scale_about="root")):
        assert score(scene.placed(wrong), truth, ROOT)["pa_mpjpe_mm"].mean() > 1e-3
    by_image = score(scene.placed(replace(exact, elevation=False)), truth, ROOT)["pa_mpjpe_mm"]
    assert by_image.mean() > 1e-3 if pitch else by_image.max() < 1e-9


def test_the_roots_heights_differ_by_equation_2(lifted: Callable[..., Given]) -> None:
    scene = lifted(2)
    scene.theta = torch.tensor([-0.30, -0.10], dtype=torch.float64)
    roots = scene.placed(PaperPlacement(rule=False, scale_about="root"))[:, ROOT]
    upwards = roots[1, 1] - roots[0, 1]  # of person 1 over person 2; y is down
    assert upwards.item() == pytest.approx(10 * (math.tan(-0.30) - math.tan(-0.10)))
    assert upwards.item() == pytest.approx(-2.0900, abs=1e-4)
    assert roots[0, 1].item() == pytest.approx(3.0934, abs=1e-4), "below a camera that looks down"


def test_people_stay_right_or_left_where_they_are_and_start_at_depth_c(lifted: Callable[..., Given]) -> None:
    scene = lifted(3)
    for row in TABLE_1:
        roots = scene.placed(replace(row, scale_about="root"))[:, ROOT]
        assert roots[:, 0].tolist() == pytest.approx(scene.places[:, 0].tolist())
        assert roots[:, 2].tolist() == [C, C, C]


def test_heights_are_the_images_unless_they_follow_from_the_elevation(lifted: Callable[..., Given]) -> None:
    scene = lifted(3)
    for elevation, rotation in itertools.product((False, True), repeat=2):
        row = PaperPlacement(elevation=elevation, rotation=rotation, rule=False, scale_about="root")
        expected = -C * scene.theta.tan() if elevation else scene.places[:, 1]
        assert scene.placed(row)[:, ROOT, 1].tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([0, 50], [0, 0]),
        ([0, 51], [0, 1]),
        ([51, 0], [1, 0]),
        ([80, 0, 40], [0, 0, 0]),
        ([80, 300, 0, 40, 260], [0, 1, 0, 0, 1]),
        ([0, 60, 120], [0, 1, 2]),
        ([7], [0]),
    ],
)
def test_people_are_level_within_50_pixels_of_each_other_or_of_somebody_between(
    heights: list[int], expected: list[int]
) -> None:
    assert level_groups(torch.tensor(heights).float()).tolist() == expected


def test_a_groups_mean_replaces_its_values() -> None:
    values = torch.tensor([[1.0, 5.0, 3.0, 7.0], [1.0, 2.0, 3.0, 4.0]])
    group = torch.tensor([[0, 1, 0, 1], [2, 0, 1, 2]])
    assert group_mean(values, group).tolist() == [[2, 6, 2, 6], [2.5, 2, 3, 2.5]]


@ROWS
@pytest.mark.parametrize(("apart", "level"), [(50, True), (51, False)])
def test_the_rule_at_50_and_51_pixels(
    lifted: Callable[..., Given], row: PaperPlacement, apart: int, level: bool
) -> None:
    scene = lifted(2)
    scene.rows[:] = torch.tensor([400.0, 400.0 + apart])
    row = replace(row, scale_about="root")
    heights = scene.placed(row)[:, ROOT, 1]
    applies = row.rule and level
    assert torch.isclose(heights[0], heights[1]) == applies
    assert torch.allclose(scene.placed(row), scene.placed(replace(row, rule=False))) == (not applies)


@READINGS
@ROWS
@pytest.mark.parametrize("people", [2, 3, 5])
def test_everybodys_lower_foot_is_on_one_plane(
    lifted: Callable[..., Given], row: PaperPlacement, reading: str, people: int
) -> None:
    scene = lifted(20, people)
    scene.theta /= 4
    scene.places[..., 1] = 0.75 * torch.rand(20, people)  # all feet well below every point of scaling
    ground = scene.placed(replace(row, scale_about=reading))[..., FEET, 1].amax(-1)
    torch.testing.assert_close(ground, ground[:, :1].expand_as(ground))


def placed_in_a_loop(scene: Given, placement: PaperPlacement) -> list[Tensor]:
    """One scene, person by person; groups by following everybody's level neighbours."""
    people = range(len(scene.theta))
    places, rows, theta = scene.places.tolist(), scene.rows.tolist(), scene.theta.tolist()
    groups = [{i} for i in people]
    if placement.rule:
        for _, i, j in itertools.product(people, people, people):
            if any(abs(rows[a] - rows[b]) <= 50 for a in groups[i] for b in groups[j]):
                groups[i] = groups[j] = groups[i] | groups[j]

    def mean(values: list[float], i: int) -> float:
        return sum(values[j] for j in groups[i]) / len(groups[i])

    angles = [mean(theta, i) for i in people]
    heights = [height for _, height in places]
    y = [-C * math.tan(angles[i]) if placement.elevation else mean(heights, i) for i in people]
    bodies = [scene.bodies[i] @ rotation_x(scene.theta.new_tensor(angles[i])).T for i in people]
    bodies = bodies if placement.rotation else list(scene.bodies)
    roots = [torch.tensor([places[i][0], y[i], C], dtype=torch.float64) for i in people]
    origins = {
        "camera": [torch.zeros(3) for _ in people],
        "root": roots,
        "origin": [torch.stack(roots).mean(0) for _ in people],
    }[placement.scale_about]
    feet = [max(bodies[i][foot, 1].item() for foot in FEET) + y[i] for i in people]
    ground = sum(feet) / len(feet)
    result = []
    for i in people:
        above = origins[i][1].item()
        scale = 1.0
        if feet[i] > above and ground > above:
            scale = min(max((ground - above) / (feet[i] - above), 1 / LARGEST_SCALE), LARGEST_SCALE)
        result.append(torch.stack([origins[i] + scale * (joint + roots[i] - origins[i]) for joint in bodies[i]]))
    return result


@READINGS
@pytest.mark.parametrize("people", [2, 3, 4, 5])
def test_any_number_of_people_in_any_row_is_a_loop_and_a_batch_is_one_too(
    lifted: Callable[..., Given], reading: str, people: int
) -> None:
    scenes = lifted(4, 5, people)
    for row in (*TABLE_1, PaperPlacement(rotation=False), PaperPlacement(rule=False)):
        placement = replace(row, scale_about=reading)
        together = scenes.placed(placement)
        for i, j in itertools.product(range(4), range(5)):
            torch.testing.assert_close(together[i, j], torch.stack(placed_in_a_loop(scenes[i, j], placement)))
            torch.testing.assert_close(scenes[i, j].placed(placement), together[i, j])


def above_the_camera(scene: Given) -> Given:
    """Person 0 hovers over the camera's height, everybody else stands well below it."""
    scene.theta[..., 0], scene.theta[..., 1:] = 0.3, -0.3
    return scene


def test_a_person_whose_feet_reach_no_ground_keeps_size_and_place(lifted: Callable[..., Given]) -> None:
    scene = above_the_camera(lifted(6, 3))
    placed = scene.placed(PaperPlacement(rule=False, rotation=False))
    expected = torch.stack([scene.places[:, 0, 0], torch.full((6,), -C * math.tan(0.3))], dim=-1)
    torch.testing.assert_close(placed[:, 0, ROOT, :2], expected)
    torch.testing.assert_close(placed[:, 0] - placed[:, 0, ROOT, None], scene.bodies[:, 0])


@pytest.mark.parametrize(("reach", "factor"), [(0.01, LARGEST_SCALE), (40.0, 1 / LARGEST_SCALE)])
def test_nobody_is_scaled_out_of_bounds(lifted: Callable[..., Given], reach: float, factor: float) -> None:
    scene = lifted(6)
    scene.places[:] = 0
    scene.bodies[1:, FEET, 1], scene.bodies[0, FEET, 1] = 1.5, reach
    placed = scene.placed(replace(TABLE_1[0], scale_about="root"))
    torch.testing.assert_close(placed[0] - placed[0, ROOT], factor * scene.bodies[0])


@READINGS
@ROWS
@pytest.mark.parametrize("hovering", [False, True])
def test_gradients_are_finite(lifted: Callable[..., Given], row: PaperPlacement, reading: str, hovering: bool) -> None:
    scene = lifted(6, 3)
    scene = above_the_camera(scene) if hovering else scene
    scene.bodies.requires_grad_()
    scene.theta.requires_grad_()
    scene.placed(replace(row, scale_about=reading)).square().sum().backward()
    assert scene.bodies.grad is not None
    assert torch.isfinite(scene.bodies.grad).all()
    assert scene.bodies.grad.abs().sum() > 0
    if row.elevation or row.rotation:
        assert scene.theta.grad is not None
        assert torch.isfinite(scene.theta.grad).all()
        assert scene.theta.grad.abs().sum() > 0


def test_gradients_are_finite_where_a_foot_is_level_with_the_point_of_scaling(lifted: Callable[..., Given]) -> None:
    scene = lifted(2)
    scene.places[:] = 0
    scene.bodies[0, FEET, 1] = 0
    scene.bodies.requires_grad_()
    scene.placed(replace(TABLE_1[0], scale_about="root")).square().sum().backward()
    assert scene.bodies.grad is not None
    assert torch.isfinite(scene.bodies.grad).all()


def test_the_rows_are_the_papers() -> None:
    flags = [(row.elevation, row.rotation, row.rule) for row in TABLE_1]
    assert flags == [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)]


def test_an_unknown_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="'floor'; expected one of camera, root, origin"):
        PaperPlacement(scale_about="floor")


@pytest.mark.parametrize("anything", [1e30, math.inf, math.nan])
def test_people_who_are_not_valid_change_nothing(lifted: Callable[..., Given], anything: float) -> None:
    given = lifted(6, 3)
    valid = torch.tensor([[True, True, True]] * 2 + [[True, False, True]] * 3 + [[False, False, False]])
    people = Lifted.of(
        PAPER19,
        given.bodies.masked_fill(~valid[..., None, None], anything),
        given.theta.masked_fill(~valid, anything),
        given.places.masked_fill(~valid[..., None], anything) / C,
        C,
        valid,
        root_rows=given.rows.masked_fill(~valid, anything),
    )
    placed = PaperPlacement()(people, SceneCameras()).people
    torch.testing.assert_close(placed[:2], given[(slice(0, 2),)].placed(PaperPlacement()))
    two = given[(slice(2, 5), torch.tensor([0, 2]))]
    torch.testing.assert_close(placed[2:5][:, [0, 2]], two.placed(PaperPlacement()))


def test_people_at_distances_of_their_own_are_brought_to_one(lifted: Callable[..., Given]) -> None:
    """Twice as far away and twice as large is the same in the image, and to the paper's placement."""
    given = lifted(5, 2)
    near = Lifted.of(PAPER19, given.bodies, given.theta, given.places / C, C, root_rows=given.rows)
    further = torch.tensor([1.0, 2.0], dtype=torch.float64)
    far = replace(near, bodies=near.bodies * further[:, None, None], distance=C * further.expand(5, 2))
    expected, placed = (PaperPlacement()(people, SceneCameras()).people for people in (near, far))
    torch.testing.assert_close(placed, 2**0.5 * expected)
    without_rows = replace(near, root_rows=None)
    assert PaperPlacement(rule=False)(without_rows, SceneCameras()).people.isfinite().all()
    with pytest.raises(ValueError, match="rows is None"):
        PaperPlacement()(without_rows, SceneCameras())


def test_scenes_are_placed_in_parts_as_they_are_all_at_once(
    random_bodies: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = torch.tensor([[True, True, False], [True, True, True], [False, True, True], [True, True, True]] * 2)
    bodies, elevation = random_bodies(PAPER19, 8, 3), torch.linspace(-0.3, 0.2, 24).view(8, 3)
    rays = torch.linspace(-0.4, 0.4, 48).view(8, 3, 2)
    lifted = Lifted.of(PAPER19, bodies, elevation, rays, torch.linspace(5, 15, 24).view(8, 3), valid)
    placement = PaperPlacement(rule=False)
    whole = placement(lifted, SceneCameras()).people
    monkeypatch.setattr("duolift.placement.paper.AT_ONCE", 3)
    assert torch.equal(placement(lifted, SceneCameras()).people, whole)
