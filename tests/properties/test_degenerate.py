"""People as they never should be: all numbers stay finite, forward and backward, or an error says what is wrong."""

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

import pytest
import torch
from conftest import C, some_people, some_poses
from torch import Tensor

from duolift.body.skeleton import PAPER19, WHOLE
from duolift.export import ImageLifter
from duolift.geometry.cameras import elevation
from duolift.geometry.lifted import Lifted
from duolift.geometry.projection import lift, project
from duolift.learning.augmentation import Augmentation
from duolift.learning.cycle import cycle, random_views
from duolift.learning.losses import bone_prior, bone_ratios, consistency, deformation, known, reprojection
from duolift.metrics import definitions
from duolift.metrics.batched import Truth
from duolift.metrics.fast_alignment import align, align_scene
from duolift.networks.architecture import Architecture
from duolift.networks.completer import Completer, CompleterArchitecture
from duolift.networks.completion import STRATEGIES, Completion, strategies_of
from duolift.networks.flows import PoseFlow
from duolift.networks.part_networks import PartNetworks
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement import ground
from duolift.placement.focal import focal_from_people
from duolift.placement.ground import EVERYTHING, GroundPlacement
from duolift.placement.interface import SceneCameras
from duolift.placement.paper import SCALE_ABOUT, TABLE_1, PaperPlacement
from duolift.placement.stature import in_metres, on_ground_of

SCENES, PEOPLE = 3, 2
BONES = torch.tensor([PAPER19.indices(bone) for bone in PAPER19.bones])
DOWN = torch.tensor([0.0, 1.0, 0.0])
LEAST = 1e-3


def root_of(people: Tensor) -> Tensor:
    return people[..., PAPER19.root_index, None, :]


def feet_of(people: Tensor) -> Tensor:
    return people[..., PAPER19.feet, 1].amax(-1)[..., None, None]


LINE = torch.linspace(-1, 1, len(PAPER19)).unsqueeze(-1)

CASES: dict[str, Callable[[Tensor], Tensor]] = {
    "ordinary": lambda people: people,
    "one spot": lambda people: people[:, :1].expand_as(people),
    "all joints equal": lambda people: root_of(people).expand_as(people),
    "one point": lambda people: torch.zeros_like(people) + torch.tensor([0.0, 0.0, 5.0]),
    "behind the camera": lambda people: people * torch.tensor([1.0, 1.0, -1.0]),
    "feet above the head": lambda people: 2 * root_of(people) * DOWN + people * (1 - 2 * DOWN),
    "the horizon through the feet": lambda people: people - feet_of(people) * DOWN,
    "above the camera": lambda people: people - 5 * DOWN,
    "on the line of sight": lambda people: root_of(people) * (1 + LINE / 5),
    "on a vertical line": lambda people: root_of(people) + LINE * DOWN,
    "far": lambda people: people * 1e4,
    "tiny": lambda people: people * 1e-4,
    "in the camera": lambda people: people - root_of(people),
    "straight below the camera": lambda people: people * (1 + 999 * DOWN),
}
NO_SIZE = ("all joints equal", "one point")

ELEVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "as seen": lambda rays: -rays[..., 1].atan(),
    "90 degrees": lambda rays: torch.full_like(rays[..., 0], math.pi / 2),
    "-90 degrees": lambda rays: torch.full_like(rays[..., 0], -math.pi / 2),
    "nearly -90 degrees": lambda rays: torch.full_like(rays[..., 0], 1e-6 - math.pi / 2),
    "beyond 90 degrees": lambda rays: torch.full_like(rays[..., 0], 2.5),
    "opposed": lambda rays: torch.linspace(-math.pi / 2, math.pi / 2, rays.shape[-2]).expand_as(rays[..., 0]),
}

GROUNDS = {
    "default": GroundPlacement(),
    "everything": EVERYTHING,
    "roll": GroundPlacement(tilt=True, sizes=True, smooth=2.0, roll=True),
    "contact": GroundPlacement(contact=True),
    "perfect lifts": GroundPlacement(lean=0.0, size_sigma=0.0),
}
PAPERS = [*TABLE_1.values(), *(PaperPlacement(scale_about=point) for point in SCALE_ABOUT)]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def people(case: str) -> Tensor:
    """(scene, person, joint, 3), head lengths."""
    return CASES[case](some_people(SCENES, PEOPLE)).clone()


def slopes(points: Tensor) -> Tensor:
    """Of rays to points (..., 3), finite ones."""
    depth = points[..., 2:]
    return points[..., :2] / torch.where(depth.abs() < LEAST, LEAST, depth)


def tensors(value: Any) -> Iterator[Tensor]:
    """All of floating point, wherever they are in what a function gives."""
    if isinstance(value, Tensor):
        yield from [value] if value.is_floating_point() else []
    elif isinstance(value, dict):
        yield from (tensor for part in value.values() for tensor in tensors(part))
    elif isinstance(value, tuple | list):
        yield from (tensor for part in value for tensor in tensors(part))
    elif is_dataclass(value):
        yield from (tensor for field in fields(value) for tensor in tensors(getattr(value, field.name)))


def assert_finite(function: Callable[..., Any], *arguments: Tensor) -> None:
    given = [argument.detach().clone().requires_grad_() for argument in arguments]
    found = [*tensors(function(*given))]
    assert found
    assert all(tensor.isfinite().all() for tensor in found), "forward"
    differentiable = [tensor.sum() for tensor in found if tensor.requires_grad]
    if differentiable:
        total = torch.stack(differentiable).sum()
        gradients = torch.autograd.grad(total, given, allow_unused=True)
        assert all(gradient is None or gradient.isfinite().all() for gradient in gradients), "backward"


def score(predicted: Tensor, truth: Tensor, root: int) -> dict[str, Tensor]:
    return Truth(truth, root).score(predicted)


def lifted(people: Tensor, angle: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Bodies, elevations and slopes of the roots' rays."""
    roots = slopes(root_of(people).squeeze(-2))
    return people - root_of(people), angle(roots), roots


@pytest.mark.parametrize("angle", ELEVATIONS.values(), ids=ELEVATIONS)
def test_the_papers_placement(people: Tensor, angle: Callable[[Tensor], Tensor]) -> None:
    rows = 100 * root_of(people)[..., 0, 1]
    for placement in PAPERS:

        def place(bodies: Tensor, theta: Tensor, roots: Tensor, placement: PaperPlacement = placement) -> Tensor:
            return placement.place(bodies, theta, C * roots, rows, C, PAPER19.feet)

        assert_finite(place, *lifted(people, angle))


@pytest.mark.parametrize("placement", GROUNDS.values(), ids=GROUNDS)
def test_ground_placement(people: Tensor, placement: GroundPlacement) -> None:
    sequence = torch.zeros(SCENES, dtype=torch.long) if placement.tilt else None
    everybody = torch.ones(SCENES, PEOPLE, dtype=torch.bool)
    somebody = everybody & (torch.arange(SCENES) < 1).unsqueeze(-1)

    def place(visible: Tensor, bodies: Tensor, theta: Tensor, roots: Tensor) -> Any:
        placed = placement(Lifted.of(PAPER19, bodies, theta, roots, C, visible), SceneCameras(sequence))
        return placed, placed.tilt, in_metres(placed, visible, PAPER19, static=sequence is not None)

    for angle in ELEVATIONS.values():
        assert_finite(partial(place, everybody), *lifted(people, angle))
    for visible in (somebody, ~everybody):
        assert_finite(partial(place, visible), *lifted(people, ELEVATIONS["as seen"]))


@pytest.mark.slow
@pytest.mark.parametrize("angle", ELEVATIONS.values(), ids=ELEVATIONS)
def test_people_in_metres_focal_lengths_and_horizons(people: Tensor, angle: Callable[[Tensor], Tensor]) -> None:
    rows, one = 100 * root_of(people)[..., 0, 1], torch.zeros(SCENES, dtype=torch.long)

    def others(bodies: Tensor, theta: Tensor, roots: Tensor) -> Any:
        valid = torch.ones_like(theta, dtype=torch.bool)
        valid[1:, 0] = False
        up, height = -DOWN.expand(SCENES, 3), torch.ones(SCENES)
        some = Lifted.of(PAPER19, bodies, theta, roots, C, valid, root_rows=rows)
        paper = PaperPlacement()(some, SceneCameras())
        return (
            on_ground_of(paper, replace(paper, up=up, height=height), valid, PAPER19, static=False),
            [focal_from_people(Lifted.of(PAPER19, bodies, theta, roots, C), torch.tensor([1000.0]), one, one).pixels],
        )

    assert_finite(others, *lifted(people, angle))


PRESENCE: dict[str, list[str]] = {
    "nothing": [],
    "one joint": ["left_wrist"],
    "two joints of no bone": ["left_wrist", "right_ankle"],
    "four joints of no bone": ["left_wrist", "right_ankle", "head_top", "right_hip"],
    "no root": [joint for joint in PAPER19.joints if joint != PAPER19.root],
    "everything": [*PAPER19.joints],
}


@pytest.mark.parametrize("seen", PRESENCE.values(), ids=PRESENCE)
@pytest.mark.parametrize("completing", [False, True])
@pytest.mark.parametrize("centring", ["ray", "shift"])
def test_people_who_are_hardly_seen(
    people: Tensor,
    seen: list[str],
    completing: bool,
    centring: str,
    people_lifter: Callable[..., PeopleLifter],
) -> None:
    lifter = people_lifter(completing=completing, centring=centring, flip=True)
    visible = torch.zeros(people.shape[:-1], dtype=torch.bool)
    visible[..., PAPER19.indices(seen)] = True
    assert_finite(lambda rays: lifter(rays, visible), slopes(people))
    lens = torch.full((SCENES,), 900.0), torch.full((SCENES, 2), 450.0), torch.full((SCENES, PEOPLE), 0.02)
    assert_finite(
        lambda pixels, *camera: ImageLifter(lifter)(pixels, visible, *camera), 450 + 900 * slopes(people), *lens
    )


@pytest.mark.parametrize("function", [align, align_scene, score], ids=["align", "align_scene", "score"])
def test_alignment_and_metrics(case: str, people: Tensor, function: Callable[..., Any]) -> None:
    ordinary, more = some_people(SCENES, PEOPLE), [PAPER19.root_index] if function is score else []
    assert_finite(lambda predicted, truth: function(predicted, truth, *more), people, ordinary)
    for predicted in (ordinary, people):
        if case in NO_SIZE and function is score:
            with pytest.raises(ValueError, match="expected people of some size"):
                function(predicted, people, *more)
        else:
            assert_finite(lambda predicted, truth: function(predicted, truth, *more), predicted, people)


def test_distances_between_hands(people: Tensor) -> None:
    ordinary = 1000 * some_people(SCENES, PEOPLE)
    ordinary[0, 0, PAPER19.hands[0]] = ordinary[0, 1, PAPER19.hands[1]]
    truth = Truth(ordinary, PAPER19.root_index, PAPER19.hands)
    assert truth.score(people)[definitions.CONTACT][0].isfinite()
    assert_finite(lambda predicted: truth.score(predicted)[definitions.CONTACT].nan_to_num(), people)


def test_lifting_and_losses(people: Tensor) -> None:
    bodies = (people - root_of(people)).flatten(0, 1)
    poses, theta = project(bodies, C), torch.zeros(len(bodies))
    views = random_views(theta)
    assert_finite(lambda x: project(x, C), bodies)
    assert_finite(lambda x, depths: lift(x, depths, C), poses, bodies[..., 2])
    assert_finite(lambda x, depths: cycle(lambda seen: seen[..., 0], x, depths[None], views, C), poses, bodies[..., 2])
    assert_finite(lambda x: bone_ratios(x, BONES), bodies)
    assert_finite(lambda x: bone_prior(x, BONES, torch.ones(len(BONES))), bodies)
    assert_finite(lambda x: (consistency(x, x), deformation(x, x), reprojection(x, x)), bodies)
    assert_finite(lambda x, angle: known(x, bodies, angle, theta), bodies, theta)
    assert_finite(lambda x, angle: Augmentation()(x, angle, PAPER19), bodies, theta)
    assert_finite(lambda x: elevation(x, -DOWN), people)


@pytest.mark.parametrize("split", ["whole", "links"])
def test_completion_and_flows(people: Tensor, split: str) -> None:
    poses = project(people - root_of(people), C) / 2
    architecture = Architecture(split=split, width=8, blocks=1, elevation_bound=1.0)
    network = PartNetworks(PAPER19, architecture)
    for visible in (poses[..., 0].isfinite(), poses[..., 0].isnan()):
        for strategy in strategies_of(architecture):
            completer = Completer(PAPER19, STRATEGIES[strategy], CompleterArchitecture(8, 1))
            completion = Completion(network, completer, C, flip=True)
            assert_finite(lambda x, of=completion, valid=visible: of.predict(x, valid, 0.02), poses)
    flow = PoseFlow(PAPER19, WHOLE, 2, 8, 2.0)
    flow.standardise(torch.zeros(5, len(PAPER19), 2))  # poses that are all the same
    flow.standardise(some_poses(PAPER19, 64))
    assert_finite(flow.log_prob, poses.clamp(-1e6, 1e6))


def test_a_thousand_people() -> None:
    people = some_people(1, 1000)
    given = lifted(people, ELEVATIONS["as seen"])
    rows = 100 * root_of(people)[..., 0, 1]
    assert_finite(lambda b, t, r: PaperPlacement().place(b, t, C * r, rows, C, PAPER19.feet), *given)
    assert_finite(lambda b, t, r: GroundPlacement(roll=True)(Lifted.of(PAPER19, b, t, r, C), SceneCameras()), *given)
    assert_finite(lambda predicted: score(predicted, 1000 * people, PAPER19.root_index), people + 0.1)


def test_a_hundred_people_who_touch() -> None:
    given = lifted(some_people(1, 100), ELEVATIONS["as seen"])
    assert_finite(lambda b, t, r: GroundPlacement(contact=True)(Lifted.of(PAPER19, b, t, r, C), SceneCameras()), *given)


def test_contact_is_the_same_pair_by_pair() -> None:
    """Everybody with all who come after, at once or one after the other."""
    people, scale = some_people(2, 4), torch.zeros(2, 4)
    together = ground.contacts(people, scale, PAPER19)
    apart = sum(
        torch.zeros(2, 4).index_copy(
            1, torch.tensor([i, j]), ground.contacts(people[:, [i, j]], scale[:, [i, j]], PAPER19)
        )
        for i in range(4)
        for j in range(i + 1, 4)
    )
    assert together.abs().max() > 0
    torch.testing.assert_close(together, apart, atol=1e-6, rtol=1e-4)
