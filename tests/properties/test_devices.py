"""Training steps and placement on a device that holds no numbers: nothing is made elsewhere, nothing is read back.

On such a device reading a number is an error. What is made on the CPU and brought over is found by `Crossings`; tensors
made of a list of Python's, or indexed by one, by `Lists`: the list is copied to a GPU, which the host waits for.
"""

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import C, lifter_module, some_poses
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from callbacks.gradients import Gradients
from duolift.body.skeleton import PAPER19
from duolift.geometry.lifted import Lifted
from duolift.networks.completion import strategies_of
from duolift.networks.lifting_network import LiftingNetwork
from duolift.networks.splits import SPLITS, parts_of
from duolift.placement.ground import GroundPlacement
from duolift.placement.interface import SceneCameras
from duolift.placement.paper import SCALE_ABOUT, TABLE_1, PaperPlacement
from lightning_modules.completion import CompletionModule
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


class Lists(TorchFunctionMode):
    """Names every call that makes a tensor of a list, or indexes one with a list."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_function__(self, call: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        makes = call in (torch.tensor, torch.as_tensor, Tensor.new_tensor) and not isinstance(arguments[-1], Tensor)
        indexed = arguments[1] if call in (Tensor.__getitem__, Tensor.__setitem__) else None
        indices = indexed if isinstance(indexed, tuple) else (indexed,)
        if makes or any(isinstance(index, list) for index in indices):
            self.found.append(call.__name__)
        return call(*arguments, **(named or {}))


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


class Trained:
    """Makes training steps as Lightning does: loss, gradients, what looks at them, their bound, the optimiser."""

    def __init__(self, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        module.log = module.log_dict = lambda *_, **__: None
        module.trainer = self.trainer = SimpleNamespace(is_last_batch=False, estimated_stepping_batches=100)
        fusing = ["cpu", "cuda", NOWHERE.type]  # or else the optimiser's first steps would be counted on the CPU
        optimisers = import_module("torch.optim.optimizer")
        monkeypatch.setattr(optimisers, "_get_fused_kernels_supported_devices", lambda: fusing)
        self.module, self.optimiser = module, module.configure_optimizers()["optimizer"]
        self.gradients = Gradients(Path("nowhere"))
        self.gradients.on_train_epoch_start(self.trainer, module)

    def step(self, batch: Any) -> None:
        loss = self.module.training_step(batch, 0)
        self.optimiser.zero_grad()
        loss.backward()
        self.gradients.on_before_optimizer_step(self.trainer, self.module, self.optimiser)
        nn.utils.clip_grad_norm_([p for p in self.module.parameters() if p.requires_grad], 5.0)
        self.optimiser.step()
        self.gradients.on_train_batch_end(self.trainer, self.module, {"loss": loss.detach()}, batch, 0)


def found_in_a_step(module: Any, batch: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What crosses in a training step, whose gradients have to arrive, once constants have come over."""
    trained = Trained(module, monkeypatch)
    trained.step(batch)
    with Crossings() as crossings, Lists() as lists:
        trained.step(batch)
    assert all(p.grad.device == NOWHERE for p in module.parameters() if p.requires_grad)
    return crossings.found + lists.found


def test_what_is_made_on_the_cpu_is_found() -> None:
    with Crossings() as crossings:
        torch.ones(3).to(NOWHERE) + torch.ones(3, device=NOWHERE)
    assert crossings.found == ["aten.ones.default", "aten._to_copy.default"]
    with pytest.raises(RuntimeError):
        torch.ones((), device=NOWHERE).item()
    places = torch.empty(3, 2, device=NOWHERE)
    with Lists() as lists:
        places[..., [1, 0]] += torch.tensor([1.0, 2.0], device=NOWHERE)
    assert lists.found == ["__getitem__", "tensor", "__setitem__"]


def test_a_step_of_the_flows_stays_on_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nowhere(flows(some_poses(PAPER19, 16), noise=0.04, mirror=True, sampling=0.2))
    assert found_in_a_step(module, torch.empty(16, 19, 2, device=NOWHERE), monkeypatch) == []


@pytest.mark.parametrize("split", SPLITS)
def test_a_step_of_the_lifter_stays_on_its_device(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poses = some_poses(PAPER19, 16)
    options: dict[str, Any] = {"elevation_bound": 1.0, "mirror": True, "noise": 0.05, "sampling": 0.2}
    options |= {"weights": {"augmentation": 1.0}, "width": 8, "blocks": 1}
    scored = ["whole", *parts_of(split)]
    module = lifter_module(split=split, parts=scored, **options)
    module = nowhere(module.attach_prior(flows(poses).flows, poses))  # type: ignore[assignment]
    assert found_in_a_step(module, torch.empty(16, 19, 2, device=NOWHERE), monkeypatch) == []


def test_a_step_with_labels_stays_on_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    module = lifter_module(kind=SupervisedLifterModule, width=8, blocks=1, mirror=True, noise=0.01)
    batch = tuple(torch.empty(16, *shape, device=NOWHERE) for shape in ((19, 2), (19,), ()))
    assert found_in_a_step(nowhere(module), batch, monkeypatch) == []


@pytest.mark.parametrize("split", SPLITS)
def test_a_step_of_the_completion_stays_on_its_device(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = lifter_module(split=split, width=8, blocks=1, flip_test=True)
    strategies = strategies_of(teacher.architecture)
    module = nowhere(CompletionModule("paper19", strategies, width=8, blocks=1).attach_teacher(teacher))
    places, near = torch.empty(2, 16, 19, 2, device=NOWHERE), torch.empty(16, dtype=torch.bool, device=NOWHERE)
    assert found_in_a_step(module, (*places, near), monkeypatch) == []


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
