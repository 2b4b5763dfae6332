"""Training within Lightning on the device that trains: once it runs, nothing crosses to a GPU and nothing waits for it.

All but compiled training runs on the CPU as well, where there is nothing to wait for: it shows that the test works.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from conftest import C, lifter_module, some_poses
from torch import Tensor

from callbacks.gradients import Gradients
from callbacks.history import History
from datamodules.pose_data_module import PoseDataModule
from datamodules.sources.registry import CHI3D
from duolift.body.skeleton import PAPER19
from duolift.networks.completion import strategies_of
from duolift.networks.detection_network import DetectionArchitecture
from duolift.networks.lifting_network import fast_bfloat16
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.splits import parts_of
from experiments.processes import OwnNoise, trainer_of
from experiments.settings import Compute
from lightning_modules.compilation import AUTO, COMPILED, OFF
from lightning_modules.completion import CompletionModule
from lightning_modules.distillation import DistillationModule
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.optimisation import StageModule

BATCHES, BATCH = 8, 16

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


class Served(PoseDataModule):
    """Poses made up, as `PoseDataModule` serves those that it reads."""

    def __init__(self, partners: bool = False) -> None:
        super().__init__(CHI3D, Path("nowhere"), PAPER19, batch_size=BATCH, partners=partners)
        self.training_poses = some_poses(PAPER19, BATCHES * BATCH)
        self.validation_poses = self.training_poses[:BATCH]
        self.training_partners = self.training_poses.flip(0), torch.ones(BATCHES * BATCH, dtype=torch.bool)
        self.validation_partners = tuple(part[:BATCH] for part in self.training_partners)

    def setup(self, stage: str | None = None) -> None:
        pass


class Unwaiting(pl.Callback):
    """Makes it an error to wait for a GPU from the end of the third step to the end of the last but one."""

    def __init__(self) -> None:
        self.devices: set[str] = set()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.devices.add((batch if isinstance(batch, Tensor) else batch[0]).device.type)
        if pl_module.device.type == "cuda":
            torch.cuda.set_sync_debug_mode("error" if 2 <= batch_idx < BATCHES - 2 else "default")


@contextmanager
def waiting_allowed_afterwards() -> Iterator[None]:
    try:
        yield
    finally:
        if torch.cuda.is_available():
            torch.cuda.set_sync_debug_mode("default")


def flows(data: Served, **options: Any) -> FlowPriorModule:
    parts = ["whole", *dict.fromkeys(["legs", "torso", *parts_of("left_right")])]
    module = FlowPriorModule("paper19", parts, blocks=2, width=8, **options)
    module.standardise(data.training_poses)
    return module


def published_flows(data: Served) -> StageModule:
    return flows(data, sampling=0.2)


def default_flows(data: Served) -> StageModule:
    return flows(data, noise=0.04, mirror=True)


def default_lifter(data: Served) -> StageModule:
    options: dict[str, Any] = {"elevation_bound": 1.0, "attached": False, "mirror": True, "schedule": "one_cycle"}
    options |= {"weights": {"augmentation": 1.0}, "parts": ["whole", "legs", "torso"], "half": fast_bfloat16()}
    return lifter_module(width=8, blocks=1, **options).attach_prior(flows(data).flows, data.training_poses)


def published_lifter(data: Served) -> StageModule:
    options: dict[str, Any] = {"network": "published", "split": "legs_torso", "sampling": 0.2}
    return lifter_module(width=8, blocks=1, **options).attach_prior(flows(data).flows, data.training_poses)


def completion(data: Served) -> StageModule:
    teacher = lifter_module(split="left_right", width=8, blocks=1, flip_test=True)
    strategies = strategies_of(teacher.architecture)
    return CompletionModule("paper19", strategies, width=8, blocks=1).attach_teacher(teacher)


def distillation(data: Served) -> StageModule:
    detection = DetectionArchitecture(width=8, blocks=1)
    module = DistillationModule(PeopleArchitecture("paper19", None, C, detection=detection), half=fast_bfloat16())
    return module.attach_teachers([lifter_module(width=8, blocks=1, flip_test=True)], data.training_poses)


STAGES = [default_flows, published_flows, default_lifter, published_lifter, completion, distillation]


def trained(make: Any, device: str, folder: Path, compilation: str = OFF) -> tuple[StageModule, Unwaiting]:
    """A stage that has trained for two epochs, with what every stage has around it."""
    torch.manual_seed(0)
    data, watch = Served(partners=make is completion), Unwaiting()
    module = make(data).compiled(compilation)
    run = trainer_of(
        Compute(accelerator=device, devices="1"),
        max_epochs=2,
        gradient_clip_val=5.0,
        logger=False,
        callbacks=[OwnNoise(0), Gradients(folder / "last.ckpt"), History(folder / "history.json"), watch],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    with waiting_allowed_afterwards():
        run.fit(module, datamodule=data)
    return module, watch


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make", STAGES)
def test_training_waits_for_nothing_and_gives_the_same_bytes_twice_and_with_graphs(
    make: Any, device: str, tmp_path: Path
) -> None:
    (module, watch), *others = (trained(make, device, tmp_path, way) for way in (OFF, OFF, AUTO, AUTO))
    assert watch.devices == {device}
    for name, value in module.state_dict().items():
        assert value.isfinite().all(), name
        assert all(torch.equal(value, again.state_dict()[name]) for again, _ in others), name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.skipif("DUOLIFT_SLOW" not in os.environ, reason="minutes of the compiler; DUOLIFT_SLOW=1")
@pytest.mark.parametrize("compilation", COMPILED)
@pytest.mark.parametrize("make", STAGES)
def test_compiled_training_waits_for_nothing_once_it_is_compiled(make: Any, compilation: str, tmp_path: Path) -> None:
    module, watch = trained(make, "cuda", tmp_path, compilation)
    assert watch.devices == {"cuda"}
    assert all(value.isfinite().all() for value in module.state_dict().values())


def test_poses_are_brought_to_the_trainers_device_once() -> None:
    data = Served(partners=True)
    data.trainer = pl.Trainer(accelerator="cpu", logger=False)
    nowhere = torch.device("meta")
    data.trainer.strategy._root_device = nowhere  # type: ignore[attr-defined]
    for loader in (data.train_dataloader(), data.val_dataloader()):
        assert all(tensor.device == nowhere for tensor in loader.dataset.tensors)  # type: ignore[attr-defined]
        assert {tensor.device for batch in loader for tensor in batch} == {nowhere}
    assert data.training_poses.device.type == "cpu"
