"""Gradients are those of what is computed: by finite differences, in double precision.

Not differentiable, by design: which of a sequence's tilts makes sizes constant (one of 33), who is whose nearest, the
lowest joint where two are as low, and everything that is clamped, at its ends.
"""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from conftest import C, some_people
from torch import Tensor
from torch.autograd import gradcheck

from duolift.body.skeleton import PAPER19, WHOLE
from duolift.geometry.lifted import Lifted
from duolift.geometry.projection import lift, project
from duolift.learning import losses
from duolift.learning.cycle import cycle, random_views
from duolift.metrics.fast_alignment import align, align_scene, nearest_rotation
from duolift.networks.architecture import Architecture
from duolift.networks.completer import Completer, CompleterArchitecture
from duolift.networks.completion import STRATEGIES, Completion, strategies_of
from duolift.networks.flows import PoseFlow
from duolift.networks.part_networks import PartNetworks
from duolift.placement.ground import GroundPlacement
from duolift.placement.interface import SceneCameras
from duolift.placement.paper import SCALE_ABOUT, TABLE_1, PaperPlacement

SCENES, PEOPLE = 2, 2


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def lifted() -> tuple[Tensor, Tensor, Tensor]:
    """Bodies, elevations and slopes of roots' rays of people who differ in everything."""
    people = some_people(SCENES, PEOPLE)
    roots = people[..., PAPER19.root_index, :]
    theta = -0.3 + 0.1 * torch.randn(SCENES, PEOPLE)
    return people - roots.unsqueeze(-2), theta, roots[..., :2] / roots[..., 2:]


def right(function: Callable[..., Tensor], *arguments: Tensor) -> bool:
    """Along random directions, which a hundred coordinates would take too long one by one."""
    given = tuple(argument.detach().clone().requires_grad_() for argument in arguments)
    return bool(gradcheck(function, given, fast_mode=True, atol=1e-6, rtol=1e-4))


def bodies(count: int = 4) -> Tensor:
    return some_people(count, 1)[:, 0] - some_people(count, 1)[:, 0, PAPER19.root_index, None]


def test_losses() -> None:
    one, other, bones = bodies(), bodies(), torch.tensor([PAPER19.indices(bone) for bone in PAPER19.bones])
    angle = torch.randn(4)
    assert right(losses.reprojection, one[..., :2], other[..., :2])
    assert right(losses.consistency, one, other)
    assert right(losses.deformation, one, other)
    assert right(lambda body: losses.bone_ratios(body, bones), one)
    assert right(lambda body: losses.bone_prior(body, bones, torch.ones(len(bones))), one)
    for term in ("pose", "elevation"):
        assert right(lambda *given, term=term: losses.known(*given)[term], one, other, angle, angle + 0.1)


def test_lifting_and_its_cycle() -> None:
    body = 0.3 * bodies()
    poses, offsets = project(body, C), body[..., 2]
    views = random_views(torch.full((4,), -0.2))
    assert right(lambda points: project(points, C), body)
    assert right(lambda seen, depths: lift(seen, depths, C), poses, offsets)
    for field in ("body", "turned", "seen", "relifted", "returned", "back"):

        def run(seen: Tensor, depths: Tensor, field: str = field) -> Tensor:
            found = cycle(lambda x: x.square().sum(-1), seen, depths[None], views, C)
            return torch.as_tensor(getattr(found, field))

        assert right(run, poses, offsets)


@pytest.mark.parametrize("part", [WHOLE, "legs"])
def test_flows(part: str) -> None:
    flow = PoseFlow(PAPER19, part, 3, 8, 2.0).double()
    for parameter in flow.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    poses = project(0.3 * bodies(), C)
    flow.standardise(project(0.3 * bodies(64), C))
    assert right(flow.log_prob, poses)
    weights = [parameter for parameter in flow.parameters() if parameter.requires_grad]
    assert gradcheck(lambda *_: flow.log_prob(poses), tuple(weights), fast_mode=True)
    transform = flow.flow._transform
    for output in (0, 1):
        noise = torch.randn(4, flow.dimensions)
        assert right(lambda x, output=output: transform.inverse(x)[output], noise)


@pytest.mark.parametrize("split", ["whole", "links"])
def test_networks_and_completion(split: str) -> None:
    architecture = Architecture(split=split, width=8, blocks=1, elevation_bound=1.0)
    network, poses = PartNetworks(PAPER19, architecture).double(), project(0.3 * bodies(), C)
    visible = torch.rand(4, len(PAPER19)) > 0.3
    visible[:, PAPER19.root_index] = True
    for strategy in strategies_of(architecture):
        completer = Completer(PAPER19, STRATEGIES[strategy], CompleterArchitecture(8, 1)).double()
        completion = Completion(network, completer, C, flip=True)
        # the networks' answers are taken in single precision, which differences of 1e-6 do not survive
        found, theta = completion.predict(poses.requires_grad_(), visible, 0.02)
        assert torch.autograd.grad(found.sum() + theta.sum(), poses)[0].isfinite().all()


@pytest.mark.parametrize(
    "placement", [*TABLE_1.values(), *(PaperPlacement(scale_about=point) for point in SCALE_ABOUT)], ids=str
)
def test_the_papers_placement(placement: PaperPlacement, lifted: tuple[Tensor, Tensor, Tensor]) -> None:
    rows = torch.tensor([[100.0, 120.0], [100.0, 300.0]])
    assert right(lambda body, theta, roots: placement.place(body, theta, C * roots, rows, C, PAPER19.feet), *lifted)


GROUNDS = {
    "default": GroundPlacement(),
    "one tilt": GroundPlacement(tilt=True),
    "smooth": GroundPlacement(tilt=True, smooth=1.0),
    "roll": GroundPlacement(tilt=True, roll=True),
    "contact": GroundPlacement(contact=True),
    "no lean": GroundPlacement(lean=0.0),
    "perfect lifts": GroundPlacement(size_sigma=0.0),
}


@pytest.mark.parametrize("placement", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("field", ["people", "up", "height", "depth", "confidence", "tilt"])
def test_ground_placement(placement: GroundPlacement, field: str, lifted: tuple[Tensor, Tensor, Tensor]) -> None:
    sequence = torch.zeros(SCENES, dtype=torch.long)

    def place(*given: Tensor) -> Tensor:
        return torch.as_tensor(getattr(placement(Lifted.of(PAPER19, *given, C), SceneCameras(sequence)), field))

    assert right(place, *lifted)


def test_alignment() -> None:
    points, target = torch.randn(3, 2, 19, 3), torch.randn(3, 2, 19, 3)
    assert right(align, points, target)
    assert right(align_scene, points, target)
    assert right(nearest_rotation, torch.randn(5, 3, 3))
    assert right(partial(align, target=target), points)
