"""Properties of both Lightning modules: they learn, they keep and show what they should, every part can be trained."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from duolift.camera import rotate, rotation_x, rotation_y
from duolift.flows import PoseFlow
from duolift.lifters import SPLITS
from duolift.lifting import project
from duolift.normalisation import mirrored
from duolift.skeleton import PAPER19, Skeleton, skeleton_named
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule, LossWeights
from lightning_modules.optimisation import randomly_mirrored

pytestmark = [pytest.mark.filterwarnings(f"ignore:.*{advice}.*") for advice in ("in eval mode", "LeafSpec")]
C = 5.0
TERMS = [field.name for field in fields(LossWeights)]


def some_poses(skeleton: Skeleton, count: int) -> Tensor:
    """One lopsided body seen from all round and a little above: (count, joint, 2)."""
    body = 0.4 * torch.randn(len(skeleton), 3)
    views = rotation_x(torch.full((count,), 0.2)) @ rotation_y(6.28 * torch.rand(count))
    bodies = rotate(views, body + 0.02 * torch.randn(count, len(skeleton), 3))
    return project(bodies - bodies[:, skeleton.root_index, None], C)


def flow_prior(poses: Tensor, skeleton: str = "paper19", **options: Any) -> FlowPriorModule:
    module = FlowPriorModule(skeleton, **{"blocks": 2, "width": 16, "learning_rate": 5e-3, **options})
    module.standardise(poses)
    return module


def lifter(poses: Tensor, skeleton: str = "paper19", split: str = "whole", **options: Any) -> LifterModule:
    bones = [1.0] * len(skeleton_named(skeleton).bones)
    small = {"width": 32, "blocks": 1, "learning_rate": 2e-3, "weights": {"bone": 1.0}}
    module = LifterModule(skeleton, 200.0, C, bones, split, **{**small, **options})
    return module.learn_from(flow_prior(poses, skeleton, parts={"whole", *SPLITS[split]}).flows, poses)


def learn(module: pl.LightningModule, poses: Tensor, steps: int) -> list[float]:
    """The loss at every step."""
    optimiser, losses = module.configure_optimizers()["optimizer"], []
    for step in range(steps):
        loss = module.training_step(poses, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def trainer(folder: Path, epochs: int = 1, callbacks: list[pl.Callback] | None = None) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        callbacks=callbacks,
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def fit(module: pl.LightningModule, poses: Tensor, run: pl.Trainer) -> None:
    loader: DataLoader[Any] = DataLoader(poses, 32)  # type: ignore[arg-type]
    run.fit(module, loader, loader)


@pytest.mark.filterwarnings("ignore:.*self.log.*")
@pytest.mark.parametrize("make", [flow_prior, lifter])
def test_a_few_steps_reduce_the_loss(make: Any) -> None:
    poses = some_poses(PAPER19, 128)
    losses = learn(make(poses), poses, 30)
    assert sum(losses[-5:]) < sum(losses[:5]) - 5


@pytest.mark.filterwarnings("ignore:.*self.log.*")
@pytest.mark.parametrize(
    ("skeleton", "split"),
    [*(("paper19", split) for split in SPLITS), ("paper19_pair", "whole"), ("chi3d25", "left_right")],
)
@pytest.mark.parametrize("options", [{}, {"elevation_bound": 1.0, "knee": 20.0, "half": True, "sampling": 0.2}])
def test_every_lifter_trains_every_parameter(skeleton: str, split: str, options: dict[str, Any]) -> None:
    poses = some_poses(skeleton_named(skeleton), 16)
    module = lifter(poses, skeleton, split, **options)
    module.training_step(poses, 0).backward()
    for name, parameter in module.lifter.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name
    assert module.flows is not None
    assert all(parameter.grad is None for parameter in module.flows.parameters())


@pytest.mark.filterwarnings("ignore:.*self.log.*")
@pytest.mark.parametrize("parts", [["whole"], ["whole", "legs", "torso", "left", "right"]])
def test_every_flow_trains_every_parameter(parts: list[str]) -> None:
    poses = some_poses(PAPER19, 16)
    module = flow_prior(poses, parts=parts, noise=0.04, mirror=True, sampling=0.2)
    learn(module, poses, 1)  # the couplings' last layers start at 0, and pass no gradient on yet
    module.zero_grad()
    module.training_step(poses, 0).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_a_lifters_checkpoint_holds_no_flows_and_plain_values(tmp_path: Path) -> None:
    poses = some_poses(PAPER19, 64)
    module, run = lifter(poses, split="legs_torso"), trainer(tmp_path)
    fit(module, poses, run)
    run.save_checkpoint(tmp_path / "last.ckpt")
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert content["state_dict"].keys() == {f"lifter.{name}" for name in module.lifter.state_dict()}
    assert content["hyper_parameters"]["split"] == "legs_torso"
    loaded = LifterModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    for ours, theirs in zip(module(poses), loaded(poses), strict=True):
        assert torch.equal(ours, theirs)


def test_loaded_flows_score_as_they_did(tmp_path: Path) -> None:
    poses = some_poses(PAPER19, 64)
    module, run = flow_prior(poses, parts=["whole", "legs"]), trainer(tmp_path)
    fit(module, poses, run)
    run.save_checkpoint(tmp_path / "last.ckpt")
    loaded = FlowPriorModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    for part, value in module.nll(poses).items():
        assert torch.equal(value, loaded.nll(poses)[part])


def test_without_flows_the_lifter_says_what_it_misses() -> None:
    poses = some_poses(PAPER19, 8)
    with pytest.raises(RuntimeError, match="call learn_from"):
        LifterModule("paper19", 200.0, C, [1.0] * 18, width=8, blocks=1).training_step(poses, 0)


# What a training step sees --------------------------------------------------------------------------------------------


def seen_by(module: pl.LightningModule, method: str, poses: Tensor, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """The poses that a training step hands on to `method`."""
    seen = []

    def record(batch: Tensor) -> Any:
        seen.append(batch)
        raise InterruptedError

    monkeypatch.setattr(module, method, record)
    with pytest.raises(InterruptedError):
        module.training_step(poses, 0)
    return seen[0]


SEES = [(flow_prior, "nll"), (lifter, "loss")]


@pytest.mark.parametrize(("make", "method"), SEES)
def test_without_options_a_step_sees_the_batch_as_it_is(make: Any, method: str, monkeypatch: Any) -> None:
    poses = some_poses(PAPER19, 16)
    assert torch.equal(seen_by(make(poses), method, poses, monkeypatch), poses)


def assert_neighbours(drawn: Tensor, poses: Tensor) -> None:
    assert (drawn[:, PAPER19.root_index] == 0).all()
    apart = (drawn - poses).norm(dim=(1, 2)) / poses.norm(dim=(1, 2))
    assert (apart > 0).all() and apart.mean() < 0.5


def test_sampling_doubles_the_lifters_batch_with_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    poses = some_poses(PAPER19, 64)
    own, drawn = seen_by(lifter(poses, sampling=0.2), "loss", poses, monkeypatch).chunk(2)
    assert torch.equal(own, poses)
    assert_neighbours(drawn, poses)


def test_flows_of_parts_learn_neighbours_and_the_whole_real_poses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    poses, seen = some_poses(PAPER19, 64), {}
    module = flow_prior(poses, sampling=0.2, parts=("whole", "legs"))
    for part in module.flows:
        learn, seen[part] = module.flow(part).log_prob, []
        monkeypatch.setattr(module.flow(part), "log_prob", lambda x, part=part, f=learn: seen[part].append(x) or f(x))
    module.training_step(poses, 0)
    assert [torch.equal(x, poses) for x in seen["whole"]] == [True]
    assert [torch.equal(x, poses) for x in seen["legs"]] == [True, False]
    assert_neighbours(seen["legs"][1], poses)


@pytest.mark.parametrize(("make", "method"), SEES)
def test_mirroring_turns_about_half_of_the_batch(make: Any, method: str, monkeypatch: Any) -> None:
    poses = some_poses(PAPER19, 400)
    seen = seen_by(make(poses, mirror=True), method, poses, monkeypatch)
    kept, turned = ((seen == other).all((1, 2)) for other in (poses, mirrored(poses, PAPER19)))
    assert (kept ^ turned).all() and 0.4 < turned.float().mean() < 0.6


def test_mirroring_a_pair_keeps_who_is_who() -> None:
    pair = PAPER19.pair()
    poses = some_poses(pair, 50)
    turned = randomly_mirrored(poses, pair)
    wrist, other = pair.indices(["1.left_wrist", "1.right_wrist"])
    flipped = (turned != poses).any((1, 2))
    torch.testing.assert_close(turned[flipped, wrist], poses[flipped, other] * torch.tensor([-1.0, 1.0]))


def test_noise_is_in_units_of_each_coordinates_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    poses = some_poses(PAPER19, 4000)
    noise = seen_by(flow_prior(poses, noise=0.1), "nll", poses, monkeypatch) - poses
    torch.testing.assert_close(noise.std(0), 0.1 * poses.std(0), rtol=0.1, atol=1e-6)


# The loss -------------------------------------------------------------------------------------------------------------


def gradient(module: LifterModule, weights: dict[str, float], poses: Tensor) -> Tensor:
    module.weights = LossWeights(**weights)
    module.zero_grad()
    torch.manual_seed(1)
    module.loss(poses)[0].backward()
    return torch.cat([p.grad.flatten() for p in module.lifter.parameters() if p.grad is not None])


@pytest.mark.parametrize("term", TERMS)
def test_a_weight_of_0_takes_exactly_that_terms_gradient_out(term: str) -> None:
    poses = some_poses(PAPER19, 16)
    module, everything = lifter(poses, split="left_right"), asdict(LossWeights(bone=1.0))
    without = gradient(module, {**everything, term: 0.0}, poses)
    alone = gradient(module, {**dict.fromkeys(TERMS, 0.0), term: 1.0}, poses)
    everything_else = gradient(module, everything, poses) - alone
    assert alone.norm() > 0
    assert (without - everything_else).norm() < 1e-4 * max(without.norm(), alone.norm())


def test_an_unlikely_pose_costs_less_where_the_tail_is_tempered() -> None:
    poses = some_poses(PAPER19, 16)
    tempered, plain = lifter(poses, knee=10.0), lifter(poses)
    tempered.flows, tempered.typical = plain.flows, plain.typical
    far = 5 * poses.unsqueeze(0)
    assert 10 < tempered._surprise("whole", far) < 30 < plain._surprise("whole", far)
    torch.testing.assert_close(plain._surprise("whole", poses[None]), torch.zeros(()), atol=1e-4, rtol=0)


# Wiring ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "validation", "training"),
    [
        (
            flow_prior,
            {"val/nll_whole_nats", "val/bits_per_dimension_whole"},
            {"train/nll_whole_nats"},
        ),
        (
            lifter,
            {"val/loss", *(f"val/{term}" for term in TERMS)},
            {"train/loss", "train/elevation_mean_deg", "train/elevation_std_deg", *(f"train/{t}" for t in TERMS)},
        ),
    ],
)
def test_what_is_logged_and_how_the_learning_rate_decays(
    make: Any, validation: set[str], training: set[str], tmp_path: Path
) -> None:
    poses = some_poses(PAPER19, 64)
    module, run = make(poses), trainer(tmp_path, epochs=3)
    fit(module, poses, run)
    assert run.callback_metrics.keys() == validation | training
    assert all(value.isfinite() for value in run.callback_metrics.values())
    (group,) = run.optimizers[0].param_groups
    assert group["lr"] == pytest.approx(module.learning_rate * 0.95**3)


def test_bits_and_nats_are_one_measure(tmp_path: Path) -> None:
    poses = some_poses(PAPER19, 64)
    module, run = flow_prior(poses, parts=["whole", "legs"]), trainer(tmp_path)
    fit(module, poses, run)
    for part in ("whole", "legs"):
        flow = module.flow(part)
        assert isinstance(flow, PoseFlow)
        bits = run.callback_metrics[f"val/bits_per_dimension_{part}"] * flow.dimensions
        assert bits * torch.tensor(2.0).log() == pytest.approx(float(run.callback_metrics[f"val/nll_{part}_nats"]))
