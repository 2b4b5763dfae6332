"""Training steps and placement on a device that holds no numbers: nothing is made elsewhere, nothing is read back.

On such a device reading a number is an error. What is made on the CPU and brought over is found by `Crossings`; tensors
made of a list of Python's, or indexed by one, by `Lists`: the list is copied to a GPU, which the host waits for.

Lifting a file and evaluation decide by their numbers: they run on a device that is pretended (`tests.pretended`), and,
where there is one, on a GPU.
"""

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from conftest import C, lifter_module, some_people, some_poses, trainer
from pretended import NAME, Pretended, moved
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from callbacks.evaluation import MultiPersonEvaluation
from callbacks.gradients import Gradients
from callbacks.lifting import lift_scenes
from callbacks.rows import rows_of
from callbacks.scoring import LiftedScenes, evaluate, portions, robustness, score_scenes
from duolift.body.skeleton import PAPER19, WHOLE
from duolift.camera import Camera
from duolift.geometry.lifted import Lifted
from duolift.geometry.scene_batch import SceneBatch
from duolift.inputs.detections import JOINTS, Detections
from duolift.networks.completion import strategies_of
from duolift.networks.detection_network import DetectionArchitecture, DetectionNetwork
from duolift.networks.lifting_network import LiftingNetwork
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.splits import SPLITS, parts_of
from duolift.placement.ground import GroundPlacement
from duolift.placement.interface import SceneCameras
from duolift.placement.paper import SCALE_ABOUT, TABLE_1, PaperPlacement
from duolift.placement.stature import in_metres, on_ground_of
from duolift.predictor import Lifter
from duolift.scene import Scene
from lightning_modules.completion import CompletionModule
from lightning_modules.distillation import DistillationModule
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule
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
    monkeypatch.setattr(DetectionNetwork, "precision", lambda *_: nullcontext())


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
        self.gradients.on_train_start(self.trainer, module)
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


@pytest.mark.slow
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


def test_a_step_of_the_distillation_stays_on_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    teacher, detection = lifter_module(width=8, blocks=1, flip_test=True), DetectionArchitecture(width=8, blocks=1)
    module = DistillationModule(PeopleArchitecture("paper19", None, C, detection=detection))
    module = nowhere(module.attach_teachers([teacher, teacher], some_poses(PAPER19, 16)))  # type: ignore[assignment]
    assert found_in_a_step(module, torch.empty(16, 19, 2, device=NOWHERE), monkeypatch) == []


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


@pytest.mark.parametrize("options", [{"roll": True}, {"contact": True}, {"smooth": 5.0, "tilt": True}])
def test_every_option_of_ground_placement_stays_on_its_device(options: dict[str, Any]) -> None:
    bodies, theta, roots = (torch.empty(4, 3, *shape, device=NOWHERE) for shape in ((19, 3), (), (2,)))
    valid = torch.empty(4, 3, device=NOWHERE, dtype=torch.bool)
    with Crossings() as crossings:
        placed = GroundPlacement(**options)(Lifted.of(PAPER19, bodies, theta, roots, C, valid), SceneCameras())
        metric = in_metres(placed, valid, PAPER19, static=True)
        people = on_ground_of(placed, metric, valid, PAPER19, static=True)
    assert people.shape == bodies.shape and people.device == NOWHERE and crossings.found == []


# Lifting files and evaluation -----------------------------------------------------------------------------------------

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

ARRAYS = ("people", "by_paper", "up", "height", "confidence", "keypoints", "seen")

IMAGE = (1200.0, 900.0)


def film(frames: int, people: int, video: str = "film") -> Detections:
    """People before a static camera of whom nothing is known, one of them not there in the first frame."""
    points = some_people(frames, people, skeleton=JOINTS).double().numpy()
    pixels = 1000 * points[..., :2] / points[..., 2:] + np.array(IMAGE) / 2
    confidence = np.ones(pixels.shape[:-1])
    confidence[0, 1], confidence[-1, 0, :5] = 0, 0
    names = tuple(f"{number}.png" for number in range(frames))
    return Detections(video, names, pixels, confidence, tuple(range(1, people + 1)), None, None)


def assert_same_scene(found: Scene, expected: Scene, metres: float) -> None:
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=0, atol=metres, err_msg=name)
    assert (found.focal_source, found.notes) == (expected.focal_source, expected.notes)


def test_a_pretended_device_tells_what_mixes_devices_and_what_waits() -> None:
    with Pretended() as device:
        here = torch.arange(6.0, device=NAME).view(2, 3)
        here[0] += 1
        with pytest.raises(RuntimeError, match="tensors of the CPU"):
            here + torch.ones(3)
        with pytest.raises(RuntimeError, match="numpy"):
            here.numpy()
        assert not device.waits
        assert (here.sum().item(), here.cpu().tolist(), here[here > 3].tolist()) == (18, [[1, 2, 3], [3, 4, 5]], [4, 5])
        assert here[:, [2, 0]].shape == (2, 2) and here.new_tensor([1.0, 2.0]).device == NAME
    assert device.waits == {"_local_scalar_dense": 1, "_to_copy": 1, "index": 1, "tolist": 1, "from Python": 2}


@pytest.mark.parametrize("placement", ["ground", "paper"])
@pytest.mark.parametrize("video", ["film", ""], ids=["video", "image"])
def test_lifting_runs_on_a_device_as_on_the_cpu(video: str, placement: str, lifter: Lifter) -> None:
    found = film(12 if video else 1, 3, video)
    for camera in (Camera(focal=1000, image=IMAGE), Camera()):
        expected = lifter.lift_detections(found, camera, placement)
        elsewhere = Lifter(lifter.people.__class__(lifter.people.architecture))
        elsewhere.people.load_state_dict(lifter.people.state_dict())
        moved(elsewhere.people)
        with Pretended() as device:
            assert elsewhere.device == NAME
            scene = elsewhere.lift_detections(found, camera, placement)
        assert_same_scene(scene, expected, metres=1e-6)
        assert device.operations > 500


@pytest.mark.slow
def test_evaluation_runs_on_a_device_as_on_the_cpu(scenes: SceneBatch) -> None:
    rows, image = rows_of(WHOLE), (900.0, 900.0)
    module = lifter_module(centring="ray", scale=0.1, width=8, blocks=1, elevation_bound=1.0).eval()
    expected, noisy = evaluate(module, rows, scenes, PAPER19, image=image), robustness(module, scenes, PAPER19)
    moved(module)
    with Pretended() as device:
        assert evaluate(module, rows, scenes, PAPER19, image=image) == expected
        assert robustness(module, scenes, PAPER19) == noisy
        there = scenes.to(NAME)
        assert there.to(NAME) is there
        lift = LiftedScenes(there, lift_scenes(module, there, PAPER19))
        assert all(value.device.type == "cpu" for value in score_scenes(rows[0], lift).values())
        assert lift.lifted.to(NAME).bodies.device == NAME
    assert sum(device.waits.values()) < 2000, "a wait for each scene, sequence or metric of a row"


@pytest.mark.slow
def test_a_devices_waits_do_not_grow_with_sequences(scenes: SceneBatch) -> None:
    module = lifter_module(centring="ray", scale=0.1, width=8, blocks=1, elevation_bound=1.0).eval()
    moved(module)
    waits = []
    for copies in (1, 20):
        some = SceneBatch.concatenate([scenes] * copies)
        with Pretended() as device:
            evaluate(module, rows_of(WHOLE), some, PAPER19, image=(900.0, 900.0))
        waits.append((device.operations, sum(device.waits.values())))
    assert waits[0] == waits[1]


def test_portions_of_a_device_are_as_few_as_its_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr("callbacks.scoring.SCORED_AT_ONCE_ON_DEVICE", 700)
    sequence = torch.arange(20).repeat_interleave(50)
    with Pretended():
        assert portions(sequence.to(NAME)) == [slice(0, 500), slice(500, 1000)]
        assert portions(sequence[:600].to(NAME)) == [slice(0, 600)]


@GPU
@pytest.mark.parametrize("placement", ["ground", "paper"])
def test_a_gpu_lifts_a_film_as_the_cpu_does(placement: str) -> None:
    found, camera = film(40, 3), Camera(focal=1000, image=IMAGE)
    expected = Lifter.load().lift_detections(found, camera, placement)
    lifter = Lifter.load(device="cuda")
    assert lifter.device.type == "cuda"
    assert_same_scene(lifter.lift_detections(found, camera, placement), expected, metres=1e-3)
    assert_same_scene(lifter.to("cpu").lift_detections(found, camera, placement), expected, metres=0)


@GPU
def test_a_gpu_evaluates_as_the_cpu_does(scenes: SceneBatch) -> None:
    module = lifter_module(centring="ray", scale=0.1, width=8, blocks=1, elevation_bound=1.0).eval()
    expected, found = (
        evaluate(module.to(device), rows_of(WHOLE), scenes, PAPER19, image=(900.0, 900.0)) for device in ("cpu", "cuda")
    )
    for row, other in zip(found, expected, strict=True):
        assert row["metrics"] == pytest.approx(other["metrics"], rel=1e-3, abs=1e-2), row["name"]


def test_the_last_evaluation_is_where_training_was(
    scenes: SceneBatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning brings the module to the CPU before it tells of the end."""
    module = lifter_module(width=8, blocks=1)
    callback = MultiPersonEvaluation(WHOLE, scenes, PAPER19, 1, 8, tmp_path / "metrics.json", (900.0, 900.0))
    run, places = trainer(), list[torch.device]()
    monkeypatch.setattr(type(run.strategy), "root_device", NOWHERE)
    monkeypatch.setattr(callback, "_finish", lambda _, module: places.append(module.device))

    def to(device: torch.device) -> LifterModule:
        places.append(device)
        return module

    monkeypatch.setattr(module, "to", to)
    callback.on_fit_end(run, module)
    assert places == [NOWHERE, torch.device("cpu"), torch.device("cpu")]
