"""Training steps and placement on a device that holds no numbers: nothing is made elsewhere, nothing is read back.

On such a device reading a number is an error; what is made on the CPU and brought over is found by `Crossings`. What is
indexed by a list of Python's is not: its indices are made on the device here, and brought to a GPU there.
"""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from conftest import C, lifter_module, some_poses
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from duolift.body.skeleton import PAPER19
from duolift.geometry.lifted import Lifted
from duolift.networks.lifting_network import LiftingNetwork
from duolift.networks.splits import SPLITS, parts_of
from duolift.placement.ground import GroundPlacement
from duolift.placement.interface import SceneCameras
from duolift.placement.paper import SCALE_ABOUT, TABLE_1, PaperPlacement
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.supervised import SupervisedLifterModule

NOWHERE = torch.device("meta")


class Crossings(TorchDispatchMode):
    """Names every operation that takes a tensor of the CPU, but for single numbers, or gives one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        result = operation(*arguments, **(named or {}))
        tensors = [t for t in tree_leaves((arguments, named, result)) if isinstance(t, Tensor)]
        moved = len({t.device for t in tensors}) > 1 and operation is torch.ops.aten._to_copy.default
        if moved or any(t.device != NOWHERE and t.ndim for t in tensors):
            self.found.append(str(operation))
        return result


def nowhere(module: nn.Module) -> nn.Module:
    """The module with parameters and buffers that hold no numbers."""
    return module.to(NOWHERE)


def flows(poses: Tensor, **options: Any) -> FlowPriorModule:
    module = FlowPriorModule("paper19", ["whole", "legs", "torso", "left", "right"], blocks=2, width=8, **options)
    module.standardise(poses)
    return module


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no autocast on a device that is none."""
    for name in ("precision", "shared_casts"):
        monkeypatch.setattr(LiftingNetwork, name, lambda *_: nullcontext())


def step(module: Any, batch: Any) -> list[str]:
    """What crosses in a training step and its gradients, which have to arrive."""
    module.log = module.log_dict = lambda *_, **__: None
    with Crossings() as crossings:
        module.training_step(batch, 0).backward()
    assert all(p.grad.device == NOWHERE for p in module.parameters() if p.requires_grad)
    return crossings.found


def test_what_is_made_on_the_cpu_is_found() -> None:
    with Crossings() as crossings:
        torch.ones(3).to(NOWHERE) + torch.ones(3, device=NOWHERE)
    assert crossings.found == ["aten.ones.default", "aten._to_copy.default"]
    with pytest.raises(RuntimeError):
        torch.ones((), device=NOWHERE).item()


def test_a_step_of_the_flows_stays_on_its_device() -> None:
    module = nowhere(flows(some_poses(PAPER19, 16), noise=0.04, mirror=True, sampling=0.2))
    assert step(module, torch.empty(16, 19, 2, device=NOWHERE)) == []


@pytest.mark.parametrize("split", SPLITS)
def test_a_step_of_the_lifter_stays_on_its_device(split: str) -> None:
    poses = some_poses(PAPER19, 16)
    options: dict[str, Any] = {"elevation_bound": 1.0, "mirror": True, "noise": 0.05, "sampling": 0.2}
    options |= {"weights": {"augmentation": 1.0}, "width": 8, "blocks": 1}
    scored = ["whole", *parts_of(split)]
    module = lifter_module(split=split, parts=scored, **options)
    module = nowhere(module.attach_prior(flows(poses).flows, poses))  # type: ignore[assignment]
    places = torch.empty(16, 19, 2, device=NOWHERE)
    step(module, places)  # constants come over once
    module.zero_grad()
    assert step(module, places) == []


def test_a_step_with_labels_stays_on_its_device() -> None:
    module = lifter_module(kind=SupervisedLifterModule, width=8, blocks=1, mirror=True, noise=0.01)
    batch = tuple(torch.empty(16, *shape, device=NOWHERE) for shape in ((19, 2), (19,), ()))
    assert step(nowhere(module), batch) == []


@pytest.mark.parametrize("about", SCALE_ABOUT)
@pytest.mark.parametrize("row", TABLE_1.values(), ids=TABLE_1)
def test_the_papers_placement_stays_on_its_device(row: PaperPlacement, about: str) -> None:
    bodies, theta, places = (torch.empty(4, 3, *shape, device=NOWHERE) for shape in ((19, 3), (), (2,)))
    placement = PaperPlacement(row.elevation, row.rotation, row.rule, about)
    with Crossings() as crossings:
        people = placement.place(bodies, theta, places, theta, C, PAPER19.feet)
    assert people.shape == bodies.shape and people.device == NOWHERE and crossings.found == []


def test_ground_placement_of_images_stays_on_its_device() -> None:
    bodies, theta, roots = (torch.empty(4, 3, *shape, device=NOWHERE) for shape in ((19, 3), (), (2,)))
    with Crossings() as crossings:
        people = GroundPlacement()(Lifted.of(PAPER19, bodies, theta, roots, C), SceneCameras()).people
    assert people.shape == bodies.shape and people.device == NOWHERE and crossings.found == []
