"""What tests share: a fixed seed, random people, Lightning's trainer without its trappings, and no advice from it."""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from callbacks.lifting import perfect_lift
from duolift.body.skeleton import PAPER19, Skeleton, skeleton_named
from duolift.geometry.cameras import Intrinsics
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import project
from duolift.geometry.rotations import rotate, rotation_x, rotation_y
from duolift.geometry.scene_batch import SceneBatch
from duolift.learning.objective import Objective
from duolift.networks.architecture import Architecture
from duolift.networks.completer import CompleterArchitecture
from duolift.networks.detection_network import DetectionArchitecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import PeopleLifter
from duolift.predictor import Lifter
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import OptimiserSettings

REPOSITORY = Path(__file__).parents[1]

SHARED = REPOSITORY.parent / "shared"
"""Data that is not ours to pass on: what needs it is skipped where it is not."""

C = 5.0
"""Head lengths from the camera to the root of the poses that tests make up."""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

FRAMES = 12
"""Of each sequence of `scenes`."""

ADVICE = (
    "exists and is not empty",
    "smaller than the logging interval",
    "in eval mode",
    "LeafSpec",
    "dirpath has changed",
    "self.log",
)
"""What Lightning warns of in small and short runs."""

os.environ.setdefault("CI", "true")  # quiet, in the processes that tests start as well

torch.set_num_threads(1)  # small tensors: threads cost more than they gain, and one gives the same sums everywhere


def pytest_configure(config: pytest.Config) -> None:
    for advice in ADVICE:
        config.addinivalue_line("filterwarnings", f"ignore:.*{advice}.*")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def random_bodies() -> Callable[..., Tensor]:
    """`random_bodies(skeleton, *batch)`: bodies (*batch, joint, 3) about a head length in size, centred on the root."""

    def make(skeleton: Skeleton, *batch: int, dtype: torch.dtype = torch.float32) -> Tensor:
        bodies = 0.5 * torch.randn(*batch, len(skeleton), 3, dtype=dtype)
        return bodies - bodies[..., skeleton.root_index, None, :]

    return make


def some_bodies(skeleton: Skeleton, count: int) -> Tensor:
    """One lopsided body seen from all round and a little above: (count, joint, 3)."""
    body = 0.4 * torch.randn(len(skeleton), 3)
    views = rotation_x(torch.full((count,), 0.2)) @ rotation_y(6.28 * torch.rand(count))
    bodies = rotate(views, body + 0.02 * torch.randn(count, len(skeleton), 3))
    return bodies - bodies[:, skeleton.root_index, None]


def some_poses(skeleton: Skeleton, count: int) -> Tensor:
    """The same as poses (count, joint, 2)."""
    return project(some_bodies(skeleton, count), C)


def some_people(*batch: int, skeleton: Skeleton = PAPER19) -> Tensor:
    """Upright people some metres in front of a camera, feet at one height: (*batch, joint, 3), head lengths."""
    bodies = some_bodies(skeleton, int(torch.tensor(batch).prod())).view(*batch, len(skeleton), 3)
    bodies[..., skeleton.feet, 1] += 1.2
    places = torch.stack([6 * torch.rand(batch) - 3, torch.full(batch, 1.0), 6 + 4 * torch.rand(batch)], dim=-1)
    return bodies + places.unsqueeze(-2)


@pytest.fixture
def some_rays() -> Callable[..., Tensor]:
    """`some_rays(*batch)`: slopes (*batch, joint, 2) of the joints of people in front of a camera."""

    def make(*batch: int, skeleton: Skeleton = PAPER19) -> Tensor:
        people = some_people(*batch, skeleton=skeleton)
        return people[..., :2] / people[..., 2:]

    return make


@pytest.fixture
def people_lifter() -> Callable[..., PeopleLifter]:
    """`people_lifter(skeleton)`: small untrained networks that know how large the people of `some_poses` look."""

    def make(
        skeleton: str = "paper19",
        completing: bool = False,
        centring: str = "ray",
        flip: bool = False,
        detecting: bool = False,
    ) -> PeopleLifter:
        network = None if detecting else Architecture(width=16, blocks=1, elevation_bound=1.0)
        completer = CompleterArchitecture(16, 1) if completing else None
        detection = DetectionArchitecture(16, 1) if detecting else None
        lifter = PeopleLifter(PeopleArchitecture(skeleton, network, C, centring, flip, completer, detection))
        bodies = some_bodies(skeleton_named(skeleton), 64)
        lifter.fit(project(bodies, C), bodies if detecting else None)
        return lifter.eval().requires_grad_(False)

    return make


@pytest.fixture
def lifter(people_lifter: Callable[..., PeopleLifter]) -> Lifter:
    """An untrained lifter that completes poses."""
    return Lifter(people_lifter(completing=True, flip=True), {"source": "nowhere"})


def tensors_of(arrays: Any) -> list[Tensor]:
    """The tensors of a dataclass of them, such as `Lifted`."""
    values = (getattr(arrays, field.name) for field in fields(arrays))
    return [value for value in values if isinstance(value, Tensor)]


def lifter_module(skeleton: str = "paper19", kind: type[LifterModule] = LifterModule, **changes: Any) -> LifterModule:
    """An untrained module.

    Args:
        changes: fields of `Normalisation`, `Architecture`, `Objective` or `OptimiserSettings`, or other arguments.
    """
    ratios = [1.0] * len(skeleton_named(skeleton).bones)
    settings: dict[type, dict[str, Any]] = {
        Normalisation: {"scale": 200.0, "c": C},
        Architecture: {},
        Objective: {"bone_ratios": ratios},
        OptimiserSettings: {},
    }
    for of, values in settings.items():
        values |= {field.name: changes.pop(field.name) for field in fields(of) if field.name in changes}
    return kind(skeleton, *settings.values(), **changes)


def trainer(epochs: int = 1, callbacks: Sequence[pl.Callback] = ()) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        callbacks=[*callbacks],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def fit(module: pl.LightningModule, data: Any, run: pl.Trainer) -> pl.Trainer:
    """Train, and validate on the same, in batches of 32."""
    loader: DataLoader[Any] = DataLoader(data, 32)
    run.fit(module, loader, loader)
    return run


@pytest.fixture
def scenes() -> SceneBatch:
    """Two people before two cameras of three, a sequence each."""
    count = 2 * FRAMES
    truth = 250 * some_bodies(PAPER19, 2 * count).unflatten(0, (count, 2)) + torch.tensor([0.0, 300.0, 4000.0])
    truth[:, 1] += torch.tensor([800.0, 0.0, 300.0])
    lens = Intrinsics.ideal(torch.full((count, 2), 1000.0), torch.full((count, 2), 450.0))
    pixels = lens[:, None].project(truth)
    up = torch.tensor([0.0, -1.0, 0.0]).expand(count, 3)
    names = ("s04/Hug 1/left", "s04/Hug 1/middle", "s04/Hug 1/right")
    return SceneBatch(pixels, lens, torch.tensor([0, 2]).repeat_interleave(FRAMES), names, truth, up)


@pytest.fixture
def lifted(scenes: SceneBatch) -> Lifted:
    """Bodies and elevations that are somewhat off."""
    exact = perfect_lift(scenes, PAPER19, Normalisation.fitted(scenes, PAPER19, None, "ray"))
    depths = torch.tensor([0.0, 0.0, 0.05]) * torch.randn_like(exact.bodies)
    depths[:, :, PAPER19.root_index] = 0
    elevation = exact.elevation + 0.05 * torch.randn_like(exact.elevation)
    return replace(exact, bodies=exact.bodies + depths, elevation=elevation)


def limit_files(largest: int) -> None:
    """From now on no file of this process and those it starts grows beyond so many bytes: that is an OSError."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # which would end the process
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@contextmanager
def full_disk(largest: int) -> Iterator[None]:
    """No file grows beyond so many bytes; what would is an error like that of a full disk."""
    limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    limit_files(largest)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def browse(url: str, folder: Path, *options: str, seconds: float = 6) -> subprocess.CompletedProcess[str]:
    """What a browser makes of a page after a while: the document on standard output, its console among the errors."""
    assert CHROMIUM
    usual = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--use-gl=angle"]
    usual += ["--use-angle=swiftshader", f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr"]
    usual += [f"--virtual-time-budget={1000 * seconds:.0f}", "--dump-dom"]
    return subprocess.run([CHROMIUM, *usual, *options, url], capture_output=True, text=True, timeout=120)
