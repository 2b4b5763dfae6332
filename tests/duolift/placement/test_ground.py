"""Ground placement: exact on perfect lifts of people who stand on one ground, sensible on the others."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
import torch
from conftest import SHARED
from torch import Tensor

from callbacks.lifting import perfect_lift
from datamodules.sources.chi3d import read
from duolift.body.skeleton import PAPER23
from duolift.geometry.alignment import align_scene
from duolift.geometry.cameras import elevation
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import project
from duolift.geometry.rotations import facing, rotate, rotation_x
from duolift.metrics.definitions import score
from duolift.placement.ground import (
    BELIEVED,
    LARGER,
    SIZE_SPREAD,
    SOFTNESS,
    TOUCH_ACROSS,
    TOUCH_ALONG,
    GroundPlacement,
    camera_roll,
    contacts,
    over_time,
    per_person_up,
    plausible,
    robust_mean,
)
from duolift.placement.interface import Placed, SceneCameras
from duolift.placement.posed import drop, log_size, pitched
from duolift.placement.sequences import sequence_quantiles, smoothed

C = 10.0
ROOT, FEET, HANDS = PAPER23.root_index, PAPER23.feet, PAPER23.hands
MILLIMETRES = 700.0
"""In a head length."""

EXACT = GroundPlacement(size_sigma=0.0, lean=0.0)
EVERYTHING = GroundPlacement(tilt=True, sizes=True, smooth=2.0, contact=True)
OPTIONS = {
    "image": GroundPlacement(),
    "tilt": GroundPlacement(tilt=True),
    "sizes": GroundPlacement(tilt=True, sizes=True),
    "smooth": GroundPlacement(tilt=True, sizes=True, smooth=2.0),
    "contact": EVERYTHING,
    "roll": GroundPlacement(tilt=True, roll=True),
}
WITHOUT_CONTACT = {name: row for name, row in OPTIONS.items() if not row.contact}
ROWS = pytest.mark.parametrize("row", OPTIONS.values(), ids=OPTIONS)
NUMBERS = pytest.mark.parametrize("people", [2, 3, 6])
PAIRS = SHARED / "data" / "pairs"


@dataclass
class Scene:
    """What a perfect lifter makes of people in front of a camera, and the truth: scenes along the leading axis.

    Attributes:
        truth: (scene, person, joint, 3), camera frame.
        up: (scene, 3).
        bodies, theta, roots: `bodies`, `elevation` and `root_rays` of `Lifted`.
    """

    truth: Tensor
    up: Tensor
    bodies: Tensor
    theta: Tensor
    roots: Tensor

    @property
    def depth(self) -> Tensor:
        """Of the roots, (scene, person)."""
        depth: Tensor = self.truth[..., ROOT, :].norm(dim=-1)
        return depth

    @property
    def tilt(self) -> Tensor:
        """(scene,), radians."""
        return self.up[..., 2].asin()

    def placed(
        self,
        row: GroundPlacement,
        sequence: Tensor | None = None,
        up: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Placed:
        valid = None if valid is None else valid.bool()
        lifted = Lifted.of(PAPER23, self.bodies, self.theta, self.roots, C, valid)
        return row(lifted, SceneCameras(sequence, up))

    def map(self, change: Callable[[Tensor], Tensor]) -> "Scene":
        return Scene(**{f.name: change(getattr(self, f.name)) for f in fields(self)})

    def __getitem__(self, index: Any) -> "Scene":
        return self.map(lambda tensor: tensor[index])


def joined(*scenes: Scene) -> Scene:
    return Scene(**{f.name: torch.cat([getattr(scene, f.name) for scene in scenes]) for f in fields(Scene)})


def photographed(people: Tensor, tilt: Tensor | float, roll: float = 0.0) -> Scene:
    """People (scene, person, joint, 3) in the frame of a level camera, seen by one that is tilted (radians)."""
    pitch = rotation_x(-torch.as_tensor(tilt, dtype=people.dtype).expand(len(people)))
    cos, sin = math.cos(roll), math.sin(roll)
    camera = people.new_tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ pitch
    truth, up = rotate(camera.unsqueeze(1), people), -camera[..., 1]
    root = truth[..., ROOT, :]
    roots = root[..., :2] / root[..., 2:]
    faced = rotate(facing(roots), truth)
    bodies = (faced - faced[..., ROOT, None, :]) * (C / faced[..., ROOT, 2])[..., None, None]
    return Scene(truth, up, bodies, elevation(root, up.unsqueeze(-2)), roots)


def on_the_ground(bodies: Tensor, x: Tensor, z: Tensor, height: Tensor | float) -> Tensor:
    """Bodies moved to (x, z), their lowest joints `height` below the camera."""
    return bodies + torch.stack([x, height - bodies[..., 1].amax(-1), z], dim=-1).unsqueeze(-2)


def uniform(low: float, high: float, *batch: int) -> Tensor:
    return low + (high - low) * torch.rand(batch, dtype=torch.float64)


def random_tilts(scenes: int) -> Tensor:
    return uniform(-35, 5, scenes).deg2rad()


def angle(first: Tensor, second: Tensor) -> Tensor:
    """Between unit vectors (..., 3), degrees; exact for small ones."""
    chord: Tensor = (first - second).norm(dim=-1)
    return 2 * (chord / 2).asin().rad2deg()


def ratios(depth: Tensor) -> Tensor:
    """Logarithms of depths (scene, person) over the scene's mean: what is left of them without a unit."""
    return depth.log() - depth.log().mean(-1, keepdim=True)


@pytest.fixture
def standing(random_bodies: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`standing(*batch)`: upright bodies of one size, (*batch, joint, 3), feet lowest and level with nobody's."""

    def make(*batch: int) -> Tensor:
        bodies = 0.3 * random_bodies(PAPER23, *batch, dtype=torch.float64)
        bodies[..., FEET, 1] += 1.7
        return bodies * (math.log(0.45) - log_size(bodies, PAPER23)).exp()[..., None, None]

    return make


@pytest.fixture
def crowd(standing: Callable[..., Tensor]) -> Callable[..., Scene]:
    """`crowd(scenes, people)`: people of one size on one ground, somewhere in front of a camera of random tilt.

    Args:
        aside: how far right or left of the camera they stand, at most.
        tilt: of the camera, radians; None for a random one a scene.
        roll: of the camera, radians.
    """

    def make(
        scenes: int, people: int, aside: float = 2.5, tilt: float | Tensor | None = None, roll: float = 0.0
    ) -> Scene:
        x, z = uniform(-aside, aside, scenes, people), uniform(6, 12, scenes, people)
        bodies = on_the_ground(standing(scenes, people), x, z, uniform(2, 4, scenes, 1))
        return photographed(bodies, random_tilts(scenes) if tilt is None else tilt, roll)

    return make


@pytest.fixture
def walk(standing: Callable[..., Tensor]) -> Callable[..., Scene]:
    """`walk(frames, people)`: a static camera's view of people who walk nearer and farther without moving a limb.

    Args:
        jump: how high the first person is in each frame, (frame,).
        tilt: radians.
    """

    def make(frames: int, people: int, jump: Tensor | None = None, tilt: float = -0.25) -> Scene:
        time = torch.linspace(0, 2 * math.pi, frames, dtype=torch.float64).unsqueeze(-1)
        z = uniform(8, 9, people) + 2 * (time + uniform(0, 6, people)).sin()
        bodies = on_the_ground(standing(people).expand(frames, -1, -1, -1), torch.zeros_like(z), z, 3.0).clone()
        if jump is not None:
            bodies[:, 0, :, 1] -= jump.unsqueeze(-1)
        return photographed(bodies, tilt)

    return make


def assert_the_same_scene(placed: Placed, scene: Scene) -> None:
    """Equal up to the unit of length, about the camera: and so are depths and the camera's height."""
    unit = (scene.depth[:, 0] / placed.depth[:, 0]).unsqueeze(-1)
    torch.testing.assert_close(placed.people * unit[..., None, None], scene.truth)
    torch.testing.assert_close(placed.depth * unit, scene.depth)
    torch.testing.assert_close(placed.up, scene.up)
    torch.testing.assert_close(placed.tilt, scene.tilt)
    torch.testing.assert_close(placed.height.unsqueeze(-1) * unit, drop(scene.truth, scene.up)[:, :1])
    torch.testing.assert_close(placed.people[..., ROOT, :].norm(dim=-1), placed.depth)


def assert_equal(placed: Placed, expected: Placed, scenes: Any = slice(None)) -> None:
    for name, value in told(expected).items():
        torch.testing.assert_close(getattr(placed, name)[scenes], value)


def told(placed: Placed) -> dict[str, Tensor]:
    """What a placement says: it need not say how sure it is."""
    return {name: value for name, value in vars(placed).items() if value is not None}


def test_up_vectors_that_cancel_out_leave_a_level_camera() -> None:
    opposite = torch.tensor([[[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], [[0.0, -1.0, 0.0], [0.0, -1.0, 0.0]]])
    opposite.requires_grad_()
    mean = robust_mean(opposite)
    torch.testing.assert_close(mean, torch.tensor([[0.0, -1.0, 0.0]] * 2))
    mean.sum().backward()
    assert opposite.grad is not None and opposite.grad.isfinite().all()


# Who is not in an image -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("anything", [0.5, 1e30, math.inf, math.nan])
@ROWS
def test_a_person_who_is_never_valid_changes_nothing(
    row: GroundPlacement, anything: float, walk: Callable[..., Scene]
) -> None:
    three, sequence = walk(30, 3), torch.zeros(30, dtype=torch.long)
    three.bodies[:, 2], three.roots[:, 2], three.theta[:, 2] = anything, -anything, anything
    valid = torch.tensor([True, True, False]).expand(30, -1)
    placed = three.placed(row, sequence, valid=valid)
    two = Scene(three.truth[:, :2], three.up, three.bodies[:, :2], three.theta[:, :2], three.roots[:, :2])
    expected = two.placed(row, sequence)
    for name in ("people", "depth", "confidence"):
        torch.testing.assert_close(getattr(placed, name)[:, :2], getattr(expected, name))
    torch.testing.assert_close(placed.up, expected.up)
    torch.testing.assert_close(placed.height, expected.height)
    assert (placed.confidence[:, 2] == 0).all()


@ROWS
def test_people_who_come_and_go_stay_in_place(row: GroundPlacement, walk: Callable[..., Scene]) -> None:
    scene, sequence = walk(40, 3), torch.zeros(40, dtype=torch.long)
    valid = torch.ones(40, 3, dtype=torch.bool)
    valid[:15, 2] = valid[25:, 1] = False
    distance = scene.bodies.masked_fill(~valid[..., None, None], 0.1)
    placed = replace(scene, bodies=distance).placed(
        replace(row, contact=False, size_sigma=0.0, lean=0.0), sequence, valid=valid
    )
    unit = scene.depth[:, :1] / placed.depth[:, :1]
    wrong = (placed.depth * unit / scene.depth - 1).abs()[valid]
    assert wrong.max() < (0.05 if row.smooth else 1e-3)
    assert placed.people.isfinite().all()


def test_nobody_is_there(crowd: Callable[..., Scene]) -> None:
    placed = crowd(4, 2).placed(GroundPlacement(), valid=torch.zeros(4, 2))
    assert all(value.isfinite().all() for value in told(placed).values())
    assert (placed.confidence == 0).all()


# Perfect lifts in one image -------------------------------------------------------------------------------------------


@NUMBERS
@pytest.mark.parametrize(
    ("aside", "tilt"),
    [(0.0, None), (2.5, 0.0), (2.5, None)],
    ids=["ahead", "level", "anywhere"],
)
def test_a_perfect_lift_gives_the_scene_exactly(
    crowd: Callable[..., Scene], people: int, aside: float, tilt: float | None
) -> None:
    scene = crowd(20, people, aside=aside, tilt=tilt)
    placed = scene.placed(EXACT)
    assert_the_same_scene(placed, scene)
    assert placed.confidence.min() > 0.99
    assert score(placed.people, MILLIMETRES * scene.truth, ROOT)["pa_mpjpe_mm"].max() < 1e-9


@NUMBERS
@pytest.mark.parametrize("roll", [0.0, 0.1], ids=["upright", "rolled"])
def test_a_known_up_is_used_as_given_and_makes_any_camera_exact(
    crowd: Callable[..., Scene], people: int, roll: float
) -> None:
    scene = crowd(20, people, roll=roll)
    scene.theta += 0.2 * torch.randn_like(scene.theta)  # is not needed then
    for row in (EXACT, replace(EXACT, tilt=True), replace(EXACT, tilt=True, sizes=True)):
        placed = scene.placed(row, up=scene.up)
        assert torch.equal(placed.up, scene.up)
        assert_the_same_scene(placed, scene)


@NUMBERS
@pytest.mark.parametrize("aside", [0.0, 2.5], ids=["ahead", "anywhere"])
def test_a_roll_is_not_seen_but_costs_little_more_than_itself(
    crowd: Callable[..., Scene], people: int, aside: float
) -> None:
    scene = crowd(50, people, aside=aside, roll=math.radians(3))
    assert angle(scene.placed(EXACT).up, scene.up).max() < 4


@NUMBERS
def test_who_disagrees_on_the_tilt_leans_by_half_of_it_and_joints_stay_on_their_rays(
    crowd: Callable[..., Scene], people: int
) -> None:
    """Bodies pitched by half of what their elevations are off are put right, but for the square of the angle."""
    scene = crowd(50, people)
    wrong = 0.05 * torch.randn_like(scene.theta)
    off = replace(scene, bodies=pitched(scene.bodies, -wrong, C), theta=scene.theta + 2 * wrong)
    torch.testing.assert_close(project(off.bodies, C), project(scene.bodies, C))
    errors = {}
    for lean in (0.0, 0.5):
        placed = off.placed(replace(EXACT, lean=lean), up=scene.up)
        aligned = align_scene(placed.people, scene.truth)
        errors[lean] = (aligned - scene.truth).norm(dim=-1).mean().item()
    assert errors[0.5] < 0.15 * errors[0.0]


def test_nobody_is_pitched_without_end(crowd: Callable[..., Scene]) -> None:
    """Who lies has an elevation that is far off: that is no error of their lean."""
    scene = crowd(20, 2)
    row = replace(EXACT, lean=0.5)
    far, farther = (replace(scene, theta=scene.theta + off).placed(row, up=scene.up) for off in (0.4, 0.6))
    torch.testing.assert_close(far.people, farther.people)
    assert not torch.allclose(far.people, scene.placed(row, up=scene.up).people, atol=1e-3)


def upright(frames: int, lean: float) -> Tensor:
    """Two people who stand straight, (frame, 2, joint, 3), level, and lean by `lean` degrees at random."""
    heights = {"pelvis": 0.0, "neck": -0.75, "head_top": -1.0, "hip": 0.0, "knee": 0.6, "ankle": 1.2, "toe": 1.3}
    bodies = 0.02 * torch.randn(frames, 2, len(PAPER23), 3, dtype=torch.float64)
    for joint, name in enumerate(PAPER23.joints):
        bodies[..., joint, 1] += heights.get(name.rpartition("_")[2] if name != "head_top" else name, 0.0)
    angle = math.radians(lean) * torch.randn(frames, 2, dtype=torch.float64)
    across = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=-1).unflatten(-1, (2, 2))
    return torch.cat([bodies[..., :2] @ across.mT, bodies[..., 2:]], dim=-1)


@pytest.mark.parametrize("roll", [-12.0, -5.0, 0.0, 3.0, 10.0])
def test_people_who_stand_tell_a_cameras_roll(roll: float) -> None:
    x, z = uniform(-1, 1, 200, 2), uniform(7, 10, 200, 2)
    scene = photographed(on_the_ground(upright(200, 5.0), x, z, 2.5), -0.2, math.radians(roll))
    sequence = torch.zeros(200, dtype=torch.long)
    seen, blind = (scene.placed(replace(EXACT, tilt=True, roll=option), sequence) for option in (True, False))
    assert angle(seen.up, scene.up).max() < 1.0 + 0.1 * abs(roll)
    if abs(roll) > 2:
        assert angle(seen.up, scene.up).max() < 0.5 * angle(blind.up, scene.up).min()


def test_people_who_lie_or_crouch_say_nothing_of_a_roll() -> None:
    sequence = torch.zeros(100, dtype=torch.long)
    standing = upright(100, 5.0)
    lying = torch.stack([standing[..., 1], standing[..., 0], standing[..., 2]], dim=-1)
    crouching = standing.clone()
    crouching[..., PAPER23.indices(["left_ankle", "right_ankle"]), 1] -= 0.8
    crouching[..., 0] += 0.3 * crouching[..., 1]  # and leaning
    for bodies in (lying, crouching):
        assert camera_roll(bodies, PAPER23, sequence).abs().max().rad2deg() < 0.3
    half = torch.cat([standing[:, :1], lying[:, 1:]], dim=1)
    assert camera_roll(half, PAPER23, sequence).abs().max().rad2deg() < 1


@pytest.mark.parametrize("roll", [-0.2, 0.1])
def test_with_the_cameras_roll_everybody_says_exactly_where_up_is(crowd: Callable[..., Scene], roll: float) -> None:
    scene = crowd(20, 3, roll=roll)
    rolled = torch.atan2(scene.up[:, 0], -scene.up[:, 1])
    found = per_person_up(scene.theta, facing(scene.roots).mT, rolled)
    torch.testing.assert_close(found, scene.up.unsqueeze(1).expand_as(found))


def test_somebody_alone_is_placed_at_depth_c_and_believed(crowd: Callable[..., Scene]) -> None:
    scene = crowd(20, 1, aside=0.0)
    placed = scene.placed(EXACT)
    assert_the_same_scene(placed, scene)
    torch.testing.assert_close(placed.depth, torch.full_like(placed.depth, C))
    assert placed.confidence.min() > 0.99


def test_somebody_in_a_push_up_rests_on_the_hands(standing: Callable[..., Tensor]) -> None:
    bodies = standing(20, 2)
    bodies[:, 0, HANDS, 1] = bodies[:, 0, FEET, 1].amax(-1, keepdim=True) + uniform(0.3, 0.5, 20, len(HANDS))
    bodies[:, 0] *= (log_size(bodies[:, 1], PAPER23) - log_size(bodies[:, 0], PAPER23)).exp()[..., None, None]
    ground = on_the_ground(bodies, torch.zeros(20, 2), uniform(6, 12, 20, 2), 3.0)
    scene = photographed(ground, random_tilts(20))
    assert (ground[:, 0, HANDS, 1].amax(-1) > ground[:, 0, FEET, 1].amax(-1) + 0.1).all()
    assert_the_same_scene(scene.placed(EXACT), scene)


def test_people_of_unlike_sizes_stay_unlike(standing: Callable[..., Tensor]) -> None:
    bodies = standing(50, 3) * uniform(0.9, 1.0, 50, 3)[..., None, None]
    scene = photographed(on_the_ground(bodies, torch.zeros(50, 3), uniform(6, 12, 50, 3), 3.0), random_tilts(50))
    torch.testing.assert_close(ratios(scene.placed(EXACT).depth), ratios(scene.depth), rtol=0, atol=2e-3)


def test_a_wrong_elevation_among_five_moves_up_by_less_than_the_mean_would(crowd: Callable[..., Scene]) -> None:
    scene = crowd(50, 5, aside=0.0)
    truth = scene.up.unsqueeze(1).repeat(1, 5, 1)
    wrong = truth.clone()
    wrong[:, 0] = rotate(rotation_x(torch.tensor(0.6).double()), truth[:, 0])
    image = torch.arange(50)
    mean = torch.nn.functional.normalize(wrong.mean(1), dim=-1)
    assert (angle(robust_mean(wrong, image), scene.up) < 0.5 * angle(mean, scene.up)).all()
    torch.testing.assert_close(robust_mean(truth, image), scene.up)
    scene.theta[:, 0] += 0.6
    placed = scene.placed(EXACT)
    assert (angle(placed.up, scene.up) < 0.5 * angle(mean, scene.up)).all()
    assert placed.confidence[:, 0].max() < 0.05, "whoever disagrees is not believed"
    assert placed.confidence[:, 1:].min() > 0.7


def test_somebody_held_up_beside_a_standing_person_is_told_and_takes_their_size(crowd: Callable[..., Scene]) -> None:
    level = crowd(20, 2, aside=0.0, tilt=0.0).truth
    level[:, 0, :, 1] -= 0.4 * level[:, 0, :, 1].amax(-1, keepdim=True)  # comes out 1 / 0.6 times as large
    scene = photographed(level, random_tilts(20))
    placed = scene.placed(EXACT)
    assert placed.confidence[:, 0].max() < 0.05
    assert placed.confidence[:, 1].min() > 0.99
    size = log_size(placed.people, PAPER23)
    torch.testing.assert_close(size[:, 0], size[:, 1], rtol=0, atol=0.01)
    torch.testing.assert_close(ratios(placed.depth), ratios(scene.depth), rtol=0, atol=0.01)
    torch.testing.assert_close(  # and the height is the standing person's
        placed.height, drop(placed.people, placed.up)[:, 1], rtol=0.01, atol=0
    )


def plausible_in_a_loop(sizes: list[float], size_sigma: float) -> tuple[list[float], list[float]]:
    smallest = min(sizes)
    grounded = [1 / (1 + math.exp((size - smallest - LARGER) / SOFTNESS)) for size in sizes]
    told = [smallest + p * (size - smallest) for p, size in zip(grounded, sizes, strict=True)]
    mean = sum(told) / len(told)
    return grounded, [mean + (size - mean) / (1 + (size_sigma / SIZE_SPREAD) ** 2) for size in told]


@pytest.mark.parametrize("size_sigma", [0.0, 0.025, 0.2])
@pytest.mark.parametrize("people", [1, 2, 5])
def test_plausible_sizes_are_a_loop_over_people(people: int, size_sigma: float) -> None:
    sizes = 0.2 * torch.randn(20, people, dtype=torch.float64)
    grounded, settled = plausible(sizes, size_sigma)
    for i, own in enumerate(sizes.tolist()):
        expected = torch.tensor(plausible_in_a_loop(own, size_sigma), dtype=torch.float64)
        torch.testing.assert_close(torch.stack([grounded[i], settled[i]]), expected)


# What must not matter -------------------------------------------------------------------------------------------------


@ROWS
def test_a_batch_of_images_is_a_loop(crowd: Callable[..., Scene], row: GroundPlacement) -> None:
    scenes = crowd(6, 3)
    together = scenes.placed(row)
    for i in range(6):
        assert_equal(together, scenes[i : i + 1].placed(row), slice(i, i + 1))


@ROWS
def test_the_order_of_people_does_not_matter(walk: Callable[..., Scene], row: GroundPlacement) -> None:
    scene, order, sequence = walk(12, 4), [2, 0, 3, 1], torch.zeros(12, dtype=torch.long)
    scene.theta += 0.1 * torch.randn_like(scene.theta)
    other = replace(scene, bodies=scene.bodies[:, order], theta=scene.theta[:, order], roots=scene.roots[:, order])
    expected, placed = scene.placed(row, sequence), other.placed(row, sequence)
    for name in ("people", "depth", "confidence"):
        torch.testing.assert_close(getattr(placed, name), getattr(expected, name)[:, order])
    torch.testing.assert_close(placed.up, expected.up)
    torch.testing.assert_close(placed.height, expected.height)


@pytest.mark.parametrize("row", WITHOUT_CONTACT.values(), ids=WITHOUT_CONTACT)
@pytest.mark.parametrize("unit", [0.3, 5.0])
def test_the_unit_of_length_does_not_matter(walk: Callable[..., Scene], row: GroundPlacement, unit: float) -> None:
    scene, sequence = walk(12, 3), torch.zeros(12, dtype=torch.long)
    expected = scene.placed(row, sequence)
    lifted = Lifted.of(PAPER23, unit * scene.bodies, scene.theta, scene.roots, unit * C)
    placed = row(lifted, SceneCameras(sequence))
    for name in ("people", "depth", "height"):
        torch.testing.assert_close(getattr(placed, name), unit * getattr(expected, name))
    torch.testing.assert_close(placed.confidence, expected.confidence)


@ROWS
def test_sequences_do_not_leak_into_each_other_however_their_frames_are_mixed(
    walk: Callable[..., Scene], row: GroundPlacement
) -> None:
    takes = {5: walk(7, 2, tilt=-0.5), 0: walk(30, 2, tilt=-0.1), 2: walk(1, 2, tilt=0.0), 9: walk(12, 2, tilt=-0.3)}
    for take in takes.values():
        take.theta += 0.03 * torch.randn_like(take.theta)
    sequence = torch.cat([torch.full((len(take.up),), number) for number, take in takes.items()])
    place = torch.randperm(len(sequence))
    for number in takes:  # a sequence's own frames stay in order
        place[sequence == number] = place[sequence == number].sort().values
    mixed = place.argsort()
    together = joined(*takes.values())[mixed].placed(row, sequence[mixed])
    for number, take in takes.items():
        alone = take.placed(row, torch.zeros(len(take.up), dtype=torch.long))
        assert_equal(together, alone, sequence[mixed] == number)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@ROWS
def test_dtype_and_device_are_kept(walk: Callable[..., Scene], row: GroundPlacement, dtype: torch.dtype) -> None:
    scene = walk(9, 2).map(lambda tensor: tensor.to(dtype))
    for up in (None, scene.up):
        placed = scene.placed(row, torch.zeros(9, dtype=torch.long), up)
        for value in told(placed).values():
            assert value.dtype == dtype and value.device == scene.bodies.device


# Sequences ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [replace(row, size_sigma=0.0) for row in OPTIONS.values()][:3], ids=list(OPTIONS)[:3])
def test_a_perfect_sequence_is_exact(walk: Callable[..., Scene], row: GroundPlacement) -> None:
    scene = walk(30, 3)
    assert_the_same_scene(scene.placed(row, torch.zeros(30, dtype=torch.long)), scene)


@pytest.mark.parametrize("row", [OPTIONS["tilt"], OPTIONS["sizes"]], ids=["tilt", "sizes"])
def test_a_perfect_sequence_is_believed(walk: Callable[..., Scene], row: GroundPlacement) -> None:
    assert walk(30, 3).placed(row, torch.zeros(30, dtype=torch.long)).confidence.min() > 0.95


def test_a_static_camera_has_one_up_over_a_sequence_and_noise_averages_out(walk: Callable[..., Scene]) -> None:
    first, second = walk(60, 2, tilt=-0.4), walk(60, 2, tilt=-0.1)
    scenes = joined(first, second)
    scenes.theta += math.radians(3) * torch.randn_like(scenes.theta)
    sequence = torch.arange(2).repeat_interleave(60)
    shared, single = (scenes.placed(replace(EXACT, tilt=tilt), sequence) for tilt in (True, False))
    for frames in (slice(None, 60), slice(60, None)):
        torch.testing.assert_close(shared.up[frames], shared.up[frames][:1].expand(60, 3))
        assert angle(single.up[frames], single.up[frames][:1]).max() > 1
    assert angle(shared.up[:1], shared.up[60:61]) > 15
    assert angle(shared.up, scenes.up).max() < 0.25 * angle(single.up, scenes.up).mean()


@pytest.mark.parametrize("bias", [-5, -3, -1.5, 1.5, 3, 5])
@pytest.mark.parametrize("people", [1, 2, 3])
def test_constant_sizes_correct_a_biased_tilt(walk: Callable[..., Scene], people: int, bias: float) -> None:
    scene, sequence = walk(60, people), torch.zeros(60, dtype=torch.long)
    scene.theta += math.radians(bias)
    before, after = (scene.placed(replace(EXACT, tilt=True, sizes=sizes), sequence) for sizes in (False, True))
    assert angle(before.up, scene.up).mean() == pytest.approx(abs(bias), abs=0.01)
    assert angle(after.up, scene.up).max() < 0.5 * abs(bias)
    if people > 1:
        wrong, right = ((ratios(placed.depth) - ratios(scene.depth)).abs().mean() for placed in (before, after))
        assert right < 0.5 * wrong


def test_people_who_stay_where_they_are_leave_the_tilt_alone(standing: Callable[..., Tensor]) -> None:
    still = on_the_ground(standing(2), torch.zeros(2), torch.tensor([7.0, 9.0]), 3.0).expand(20, -1, -1, -1)
    scene, sequence = photographed(still, -0.2), torch.zeros(20, dtype=torch.long)
    scene.theta += 0.05
    before, after = (scene.placed(replace(EXACT, tilt=True, sizes=sizes), sequence) for sizes in (False, True))
    torch.testing.assert_close(after.up, before.up)


@pytest.mark.parametrize("known", [False, True])
def test_a_jump_in_a_sequence_does_not_move_anybody_in_depth(walk: Callable[..., Scene], known: bool) -> None:
    jump = torch.zeros(40, dtype=torch.float64)
    jump[18:24] = torch.tensor([0.4, 0.6, 0.7, 0.7, 0.6, 0.4])
    scene, sequence = walk(40, 2, jump=jump), torch.zeros(40, dtype=torch.long)
    up = scene.up if known else None
    moved, kept = (scene.placed(replace(EXACT, tilt=True, sizes=sizes), sequence, up) for sizes in (False, True))
    error, left = ((ratios(p.depth) - ratios(scene.depth)).abs()[18:24].amax(-1) for p in (moved, kept))
    assert error.min() > 0.03
    assert left.max() < 0.01
    assert kept.confidence[18:24, 0].max() < 0.1 < 0.5 < kept.confidence[:18, 0].min()
    assert kept.confidence[:, 1].min() > 0.5


def test_most_of_a_change_of_size_is_believed_unless_somebody_seems_to_leave_the_ground() -> None:
    sizes = torch.zeros(20, 2, dtype=torch.float64)
    sizes[5, 0], sizes[6, 0] = -0.2, 0.2
    _, settled = over_time(sizes, torch.zeros(20, dtype=torch.long), size_sigma=0.0)
    expected = torch.zeros_like(sizes)
    expected[5, 0] = -0.2 * BELIEVED
    torch.testing.assert_close(settled, expected, rtol=0, atol=2e-3)


def test_somebody_held_up_all_the_time_is_told_as_well(walk: Callable[..., Scene]) -> None:
    scene, sequence = walk(20, 2, jump=torch.full((20,), 1.2, dtype=torch.float64)), torch.zeros(20, dtype=torch.long)
    assert scene.placed(OPTIONS["image"]).confidence[:, 0].max() < 0.1
    assert scene.placed(OPTIONS["sizes"], sequence, scene.up).confidence[:, 0].max() < 0.1


# Smoothing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("deviation", [0.5, 3.0, 10.0])
def test_smoothing_keeps_constants_and_straight_lines_but_for_their_ends(
    dtype: torch.dtype, tolerance: float, deviation: float
) -> None:
    together, reach = torch.zeros(100, dtype=torch.long), math.ceil(3 * deviation)
    constant = torch.tensor([[1.0, -0.3]], dtype=dtype).repeat(100, 1)
    torch.testing.assert_close(smoothed(constant, together, deviation), constant, rtol=0, atol=tolerance)
    line = torch.linspace(-1, 1, 100, dtype=dtype).unsqueeze(-1) * torch.tensor([1.0, -0.5], dtype=dtype)
    inside = slice(reach, -reach)
    torch.testing.assert_close(smoothed(line, together, deviation)[inside], line[inside], rtol=0, atol=tolerance)


@pytest.mark.parametrize("deviation", [0.5, 2.0, 7.0])
def test_smoothing_does_not_lag(deviation: float) -> None:
    pulse = torch.zeros(61, 1, dtype=torch.float64)
    pulse[30] = 1
    spread = smoothed(pulse, torch.zeros(61, dtype=torch.long), deviation)
    torch.testing.assert_close(spread, spread.flip(0))
    assert spread.argmax() == 30
    assert spread.sum().item() == pytest.approx(1)
    assert (spread[30:].diff(dim=0) <= 0).all()


@pytest.mark.parametrize("order", ["one after the other", "mixed"])
def test_sequences_are_smoothed_apart_from_each_other(order: str) -> None:
    sequence = torch.tensor([7, 2, 4]).repeat_interleave(torch.tensor([40, 1, 13]))
    if order == "mixed":
        sequence = sequence[torch.randperm(len(sequence))]
    values, valid = torch.randn(len(sequence), 3), (torch.rand(len(sequence), 3) > 0.3).float()
    together = smoothed(values, sequence, 3.0, valid)
    for number in sequence.unique():
        some = sequence == number
        alone = smoothed(values[some], torch.zeros_like(sequence[some]), 3.0, valid[some])
        torch.testing.assert_close(together[some], alone)


def test_images_that_stand_alone_are_not_smoothed() -> None:
    values = torch.randn(5, 2)
    assert torch.equal(smoothed(values, None, 3.0), values)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_quantiles_of_sequences_are_those_of_each(share: float) -> None:
    sequence = torch.tensor([3, 0, 5])[torch.randint(3, (60,))]
    values = torch.randn(60, 2).masked_fill(torch.rand(60, 2) < 0.3, torch.nan)
    values[sequence == 5, 1] = torch.nan  # never there
    quantiles = sequence_quantiles(values, sequence, share)
    for number in (0, 3, 5):
        expected = values[sequence == number].nanquantile(share, dim=0)
        torch.testing.assert_close(quantiles[number], expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("deviation", [0.4, 2.0, 5.0])
@pytest.mark.parametrize("frames", [1, 2, 30])
def test_smoothing_is_a_weighted_mean_over_frames_whose_ends_go_on(frames: int, deviation: float) -> None:
    values = torch.randn(frames, 3, dtype=torch.float64)
    expected, reach = torch.empty_like(values), int(3 * deviation + 0.5)
    for frame, person in itertools.product(range(frames), range(3)):
        near = range(frame - reach, frame + reach + 1)
        weights = [math.exp(-0.5 * ((other - frame) / deviation) ** 2) for other in near]
        terms = [w * values[min(max(other, 0), frames - 1), person] for w, other in zip(weights, near, strict=True)]
        expected[frame, person] = torch.stack(terms).sum() / sum(weights)
    torch.testing.assert_close(
        smoothed(values, torch.zeros(frames, dtype=torch.long), deviation), expected, rtol=1e-6, atol=1e-6
    )


def test_smoothing_takes_the_noise_out_of_depths(walk: Callable[..., Scene]) -> None:
    scene, sequence = walk(200, 2), torch.zeros(200, dtype=torch.long)
    scene.bodies[..., FEET, 1] += 0.1 * torch.randn(200, 2, 1, dtype=torch.float64)
    rough, smooth = (
        ratios(scene.placed(GroundPlacement(tilt=True, smooth=deviation), sequence, scene.up).depth)
        - ratios(scene.depth)
        for deviation in (0.0, 3.0)
    )
    assert smooth.square().mean() < 0.25 * rough.square().mean()


# Contact --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def touching(standing: Callable[..., Tensor]) -> Callable[..., Scene]:
    """`touching(along)`: two people whose right hands coincide in the image, the second's farther by `along`."""

    def make(along: float) -> Scene:
        x = torch.tensor([[-1.0, 1.0]], dtype=torch.float64)
        people = on_the_ground(standing(1, 2), x, torch.full((1, 2), 8.0, dtype=torch.float64), 3.0)
        meeting = torch.tensor([0.0, 1.2, 8.0], dtype=torch.float64)
        people[:, 0, HANDS[-1]] = meeting
        people[:, 1, HANDS[-1]] = meeting * (1 + along / meeting.norm())
        return photographed(people, -0.15)

    return make


def gap(people: Tensor) -> Tensor:
    """How much farther from the camera the second's right hand is than the first's."""
    distance: Tensor = people[:, :, HANDS[-1]].norm(dim=-1)
    return distance[:, 1] - distance[:, 0]


@pytest.mark.parametrize("along", [-0.1, -0.05, 0.05, 0.1])
def test_hands_that_meet_in_the_image_are_pulled_together(touching: Callable[..., Scene], along: float) -> None:
    scene = touching(along)
    without, pulled = (scene.placed(GroundPlacement(contact=contact), up=scene.up) for contact in (False, True))
    before, after = gap(without.people), gap(pulled.people)
    assert (after.abs() < before.abs()).all()
    assert (after * before > 0).all(), "not past each other"
    torch.testing.assert_close(pulled.depth.log().sum(-1), without.depth.log().sum(-1))  # each does its share


@pytest.mark.parametrize("along", [-2.0, 2.0])
def test_hands_that_only_cover_each_other_in_the_image_are_left_alone(
    touching: Callable[..., Scene], along: float
) -> None:
    scene = touching(along)
    without, with_contact = (scene.placed(GroundPlacement(contact=contact), up=scene.up) for contact in (False, True))
    torch.testing.assert_close(with_contact.people, without.people)


def test_people_far_apart_are_left_alone(standing: Callable[..., Tensor]) -> None:
    x = torch.tensor([-3.0, 0.0, 3.0], dtype=torch.float64).expand(10, 3)
    scene = photographed(on_the_ground(standing(10, 3), x, uniform(8, 10, 10, 3), 3.0), -0.2)
    without, with_contact = (scene.placed(GroundPlacement(contact=contact)) for contact in (False, True))
    torch.testing.assert_close(with_contact.people, without.people)


def test_contact_is_a_loop_over_people_and_joints(crowd: Callable[..., Scene]) -> None:
    people = crowd(3, 3, aside=0.4).truth
    people = people * (9 / people[..., ROOT, :].norm(dim=-1))[..., None, None]  # close to each other
    scale = 0.01 * torch.randn(3, 3, dtype=torch.float64)
    placed, expected = scale.exp()[..., None, None] * people, scale.clone()
    for scene, (i, j) in itertools.product(range(3), itertools.combinations(range(3), 2)):
        total, weights = 0.0, 1.0
        for a, b in itertools.product(range(len(PAPER23)), repeat=2):
            if a in HANDS or b in HANDS:
                first, second = placed[scene, i, a], placed[scene, j, b]
                along = (second.norm() - first.norm()).item()
                apart = (first / first.norm() - second / second.norm()).norm()
                across = ((first.norm() + second.norm()) / 2 * apart).item()
                weight = math.exp(-0.5 * ((across / TOUCH_ACROSS) ** 2 + (along / TOUCH_ALONG) ** 2))
                total, weights = total + weight * along, weights + weight
        closer = total / weights / (placed[scene, i, ROOT].norm() + placed[scene, j, ROOT].norm()) / 2
        expected[scene, i] += closer
        expected[scene, j] -= closer
    pulled = contacts(people, scale, PAPER23)
    assert (pulled - scale).abs().max() > 5e-4
    torch.testing.assert_close(pulled, expected)


# Gradients and degenerate scenes --------------------------------------------------------------------------------------


def assert_finite(scene: Scene, row: GroundPlacement) -> None:
    """Results, and gradients by everything that is lifted."""
    scene = scene.map(lambda tensor: tensor.clone().requires_grad_())
    placed = scene.placed(row, torch.zeros(len(scene.up), dtype=torch.long))
    results = [*told(placed).values()]
    assert all(torch.isfinite(result).all() for result in results)
    total = torch.stack([result.square().sum() for result in results]).sum()
    for gradient in torch.autograd.grad(total, (scene.bodies, scene.theta, scene.roots)):
        assert torch.isfinite(gradient).all()


@ROWS
@pytest.mark.parametrize("people", [1, 2, 3])
def test_results_and_gradients_are_finite(walk: Callable[..., Scene], row: GroundPlacement, people: int) -> None:
    assert_finite(walk(8, people), row)


@pytest.mark.parametrize("row", [GroundPlacement(), GroundPlacement(contact=True)], ids=["image", "contact"])
def test_gradients_of_an_images_placement_are_right(crowd: Callable[..., Scene], row: GroundPlacement) -> None:
    scene = crowd(1, 3)
    scene.theta += 0.02 * torch.randn_like(scene.theta)
    inputs = tuple(tensor.clone().requires_grad_() for tensor in (scene.bodies, scene.theta, scene.roots))

    def placed(bodies: Tensor, theta: Tensor, roots: Tensor) -> tuple[Tensor, ...]:
        result = row(Lifted.of(PAPER23, bodies, theta, roots, C), SceneCameras())
        return tuple(told(result).values())

    assert torch.autograd.gradcheck(placed, inputs)


def one_spot(scene: Scene) -> Scene:
    return scene.map(lambda tensor: tensor[:, :1].expand_as(tensor).clone() if tensor.ndim > 2 else tensor)


def above_the_camera(scene: Scene) -> Scene:
    return replace(scene, theta=torch.full_like(scene.theta, 1.2))


def somebody_above_the_camera(scene: Scene) -> Scene:
    scene.bodies[:, 0, :, 1] -= 20
    return scene


def looked_down_upon(scene: Scene) -> Scene:
    return replace(scene, theta=torch.full_like(scene.theta, -math.pi / 2), roots=torch.zeros_like(scene.roots))


def upside_down(scene: Scene) -> Scene:
    """The two disagree entirely: their mean has no direction."""
    scene.theta[:, 0], scene.theta[:, 1:] = math.pi / 2, -math.pi / 2
    return replace(scene, roots=torch.zeros_like(scene.roots))


def one_point_a_person(scene: Scene) -> Scene:
    return replace(scene, bodies=torch.zeros_like(scene.bodies))


def one_point_for_somebody(scene: Scene) -> Scene:
    scene.bodies[:, 0] = 0
    return scene


@ROWS
@pytest.mark.parametrize(
    "degenerate",
    [
        one_spot,
        above_the_camera,
        somebody_above_the_camera,
        looked_down_upon,
        upside_down,
        one_point_a_person,
        one_point_for_somebody,
    ],
    ids=lambda degenerate: degenerate.__name__,
)
def test_degenerate_scenes_have_finite_results_and_gradients(
    walk: Callable[..., Scene], row: GroundPlacement, degenerate: Callable[[Scene], Scene]
) -> None:
    assert_finite(degenerate(walk(6, 2)), row)


def test_a_thousand_people_are_placed_like_two(crowd: Callable[..., Scene]) -> None:
    scene = crowd(2, 1000, aside=0.0)
    assert_the_same_scene(scene.placed(EXACT), scene)
    assert_finite(scene, replace(EVERYTHING, contact=False))


# A real capture, where it is at hand ----------------------------------------------------------------------------------


@pytest.mark.skipif(not PAIRS.is_dir(), reason="the capture is not at hand")
def test_perfect_lifts_of_the_real_capture_are_placed_within_6_mm() -> None:
    scenes = read(PAIRS, ["s04"]).scenes(PAPER23)[::20]
    normalisation = Normalisation.fitted(scenes, PAPER23, None, "ray")
    lifted = perfect_lift(scenes, PAPER23, normalisation)
    placed = EXACT(lifted, SceneCameras())
    assert scenes.truth is not None
    assert score(placed.people, scenes.truth, ROOT)["pa_mpjpe_mm"].mean() < 6
