"""Properties of the Lightning modules: they learn, they keep and show what they should, every part can be trained."""

from dataclasses import asdict, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
import pytorch_lightning as pl
import scipy.stats
import torch
from conftest import C, fit, lifter_module, some_bodies, some_poses, trainer
from torch import Tensor
from torch.utils.data import DataLoader

import lightning_modules.lifter
from duolift.body.skeleton import PAPER19, skeleton_named
from duolift.geometry.mirroring import mirrored
from duolift.geometry.projection import lift, project
from duolift.learning import losses
from duolift.learning.augmentation import Augmentation
from duolift.learning.cycle import Cycle
from duolift.learning.losses import ELEVATION_WEIGHT
from duolift.learning.objective import LossWeights
from duolift.networks.flows import PoseFlow
from duolift.networks.frozen_flows import FrozenFlows
from duolift.networks.splits import SPLITS, parts_of
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule
from lightning_modules.optimisation import WARM_UP, one_cycle, randomly_mirrored
from lightning_modules.supervised import SupervisedLifterModule

TERMS = [field.name for field in fields(LossWeights) if field.name not in ("augmentation", "elevation")]
"""The terms of ElePose and LInKs."""

SMALL: dict[str, Any] = {"width": 32, "blocks": 1, "learning_rate": 2e-3, "weights": {"bone": 1.0}}


def flow_prior(poses: Tensor, skeleton: str = "paper19", **options: Any) -> FlowPriorModule:
    module = FlowPriorModule(skeleton, **{"blocks": 2, "width": 16, "learning_rate": 5e-3, **options})
    module.standardise(poses)
    return module


def lifter(poses: Tensor, skeleton: str = "paper19", split: str = "whole", **options: Any) -> LifterModule:
    parts = {"whole", *parts_of(split), *(options.get("parts") or [])}
    module = lifter_module(skeleton, split=split, **{**SMALL, **options})
    return module.attach_prior(flow_prior(poses, skeleton, parts=parts).flows, poses)


def learn(module: Any, poses: Tensor, steps: int) -> list[float]:
    """The loss at every step."""
    optimiser, values = module.configure_optimizers()["optimizer"], []
    for step in range(steps):
        loss = module.training_step(poses, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    return values


@pytest.mark.parametrize("make", [flow_prior, lifter])
def test_a_few_steps_reduce_the_loss(make: Any) -> None:
    poses = some_poses(PAPER19, 128)
    values = learn(make(poses), poses, 30)
    assert sum(values[-5:]) < sum(values[:5]) - 5


@pytest.mark.parametrize(
    ("skeleton", "split"),
    [*(("paper19", split) for split in SPLITS), ("paper19_pair", "whole"), ("chi3d25", "left_right")],
)
@pytest.mark.parametrize("options", [{}, {"elevation_bound": 1.0, "half": True, "sampling": 0.2}])
def test_every_lifter_trains_every_parameter(skeleton: str, split: str, options: dict[str, Any]) -> None:
    poses = some_poses(skeleton_named(skeleton), 16)
    module = lifter(poses, skeleton, split, **options)
    module.training_step(poses, 0).backward()
    for name, parameter in module.lifter.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name
    assert module.flows is not None
    assert all(parameter.grad is None for parameter in module.flows.parameters())


def test_known_elevations_pull_predicted_ones_towards_them() -> None:
    torch.manual_seed(0)
    poses = some_poses(PAPER19, 64)
    module = lifter(poses, elevations=(0.5, 0.1), weights={"likelihood": 0.0, "elevation": 10.0}, elevation_bound=1.0)
    learn(module, poses, 60)
    assert module(poses)[1].mean().item() == pytest.approx(0.5, abs=0.1)
    unknown = lifter(poses, weights={"elevation": 10.0})
    assert "elevation" not in unknown.loss(poses)[1]


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
    module, run = lifter(poses, split="legs_torso"), trainer()
    fit(module, poses, run)
    run.save_checkpoint(tmp_path / "last.ckpt")
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert content["state_dict"].keys() == {f"lifter.{name}" for name in module.lifter.state_dict()}
    assert content["hyper_parameters"]["architecture"]["split"] == "legs_torso"
    loaded = LifterModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    for ours, theirs in zip(module(poses), loaded(poses), strict=True):
        assert torch.equal(ours, theirs)


def test_loaded_flows_score_as_they_did(tmp_path: Path) -> None:
    poses = some_poses(PAPER19, 64)
    module, run = flow_prior(poses, parts=["whole", "legs"]), trainer()
    fit(module, poses, run)
    run.save_checkpoint(tmp_path / "last.ckpt")
    loaded = FlowPriorModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    for part, value in module.nll(poses).items():
        assert torch.equal(value, loaded.nll(poses)[part])


def test_without_flows_the_lifter_says_what_it_misses() -> None:
    poses = some_poses(PAPER19, 8)
    with pytest.raises(RuntimeError, match="call attach_prior"):
        lifter_module(width=8, blocks=1).training_step(poses, 0)


# What a training step sees --------------------------------------------------------------------------------------------


def calls_of(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[tuple[Any, Any]]:
    """A list that grows by (first argument, result) with every call of a function, which works as before."""
    function, calls = getattr(owner, name), []

    def call(first: Any, *rest: Any) -> Any:
        calls.append((first, function(first, *rest)))
        return calls[-1][1]

    monkeypatch.setattr(owner, name, call)
    return calls


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
    poses = some_poses(PAPER19, 64)
    module = flow_prior(poses, sampling=0.2, parts=("whole", "legs"))
    seen = {part: calls_of(monkeypatch, module.flow(part), "log_prob") for part in module.flows}
    module.training_step(poses, 0)
    assert [torch.equal(x, poses) for x, _ in seen["whole"]] == [True]
    assert [torch.equal(x, poses) for x, _ in seen["legs"]] == [True, False]
    assert_neighbours(seen["legs"][1][0], poses)


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


# What the networks of a lifter see ------------------------------------------------------------------------------------


def seen_by_networks(
    module: LifterModule, poses: Tensor, monkeypatch: pytest.MonkeyPatch
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """What a loss lifts and lifts again: (batch, joint, 2) and (way, batch, joint, 2), each with what the networks see
    of it.
    """
    with monkeypatch.context() as patched:
        lifted, relifted = (calls_of(patched, module.lifter, name) for name in ("forward", "relift"))
        cycles = calls_of(patched, lightning_modules.lifter, "cycle")
        module.loss(poses)
    (((seen, _),), ((seen_again, _),), ((_, closed),)) = lifted, relifted, cycles
    return (poses, seen), (closed.seen, seen_again)


@pytest.mark.parametrize("split", ["whole", "links"])
def test_in_training_the_networks_see_other_poses_at_every_call(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poses = some_poses(PAPER19, 64)
    module = lifter(poses, split=split, noise=0.1)
    first, second = (seen_by_networks(module, poses, monkeypatch) for _ in range(2))
    for given, seen in (*first, *second):
        assert seen.shape == given.shape
        changed = (seen != given).any(-1).all(dim=tuple(range(seen.ndim - 2)))
        assert changed.tolist() == [joint != PAPER19.root for joint in PAPER19.joints], "poses stay centred"
        assert (seen - given).abs().max() < 0.25
    for (_, seen), (_, seen_again) in zip(first, second, strict=True):
        free = [joint for joint in range(len(PAPER19)) if joint != PAPER19.root_index]
        assert (seen != seen_again)[..., free, :].all()


@pytest.mark.parametrize(("noise", "training"), [(0.0, True), (0.1, False)], ids=["without noise", "in evaluation"])
def test_without_noise_and_outside_training_the_networks_see_the_poses(
    noise: float, training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter(poses, noise=noise).train(training)
    for given, seen in seen_by_networks(module, poses, monkeypatch):
        assert torch.equal(seen, given)


def test_noise_changes_no_prediction() -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter(poses, noise=0.3)
    for first, again in zip(module(poses), module(poses), strict=True):
        assert torch.equal(first, again)


def test_the_noises_deviation_is_uniform_up_to_what_is_asked_for_in_head_lengths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A head length is 1/c long in a pose; all joints of a pose have one deviation, and the root's moves them all."""
    poses = torch.zeros(2000, 19, 2)
    module = lifter(some_poses(PAPER19, 16), noise=0.3)
    (_, seen), _ = seen_by_networks(module, poses, monkeypatch)
    free = C * seen[:, PAPER19.indices(joint for joint in PAPER19.joints if joint != PAPER19.root)]
    deviations = free.var(1).mean(1).sqrt()
    asked = scipy.stats.uniform(0, 0.3)
    assert deviations.mean().item() == pytest.approx(asked.mean(), rel=0.05)
    assert deviations.std().item() == pytest.approx(asked.std(), rel=0.05)
    normal = ((free - free.mean(1, keepdim=True)) / deviations[:, None, None]).flatten()
    assert scipy.stats.kstest(normal[:5000], scipy.stats.norm.cdf).pvalue > 1e-3


def test_losses_compare_with_the_poses_without_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter(poses, noise=0.3)
    cycles = calls_of(monkeypatch, losses, "reprojection")
    module.loss(poses)
    ((compared, _),) = cycles
    assert torch.equal(compared, poses)


# Which flows are asked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("parts", [None, ["whole"], ["legs", "torso", "whole"]])
def test_the_flows_asked_are_those_wanted_or_the_lifters_own(
    split: str, parts: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter(poses, split=split, parts=parts)
    assert module.prior is not None
    asked = calls_of(monkeypatch, module.prior, "log_prob")
    module.loss(poses)
    assert len(asked) == 1
    assert module.nll.keys() == set(parts or parts_of(split))
    views, _ = asked[0]
    for part, nll in module.nll.items():
        baseline, found = (module._flow(part).log_prob(x).mean(-1) for x in (poses, views))
        torch.testing.assert_close(nll, (baseline - found).sum(), rtol=1e-4, atol=1e-4)


def test_the_likelihood_is_the_sum_over_parts_and_ways() -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter(poses, split="links", parts=["whole", "legs"])
    views, bodies = torch.stack([poses, 1.1 * poses, 0.9 * poses]), torch.randn(3, 16, 19, 3)
    flat = Cycle(body=bodies, turned=bodies, seen=views, relifted=bodies, returned=bodies, back=views)
    expected = 0.0
    for part in ("whole", "legs"):
        baseline = module._flow(part).log_prob(poses).mean()
        expected += sum((baseline - module._flow(part).log_prob(way).mean()).item() for way in views)
    assert module._cycle_terms(poses, flat, TERMS)["likelihood"].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("split", "parts", "missing"), [("whole", ["whole", "legs"], "legs"), ("left_right", None, "left")]
)
def test_a_flow_that_is_asked_for_and_missing_is_named(split: str, parts: list[str] | None, missing: str) -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter_module(split=split, parts=parts, **SMALL)
    with pytest.raises(RuntimeError, match=f"no flow of the part '{missing}'"):
        module.attach_prior(flow_prior(poses, parts=["whole"]).flows, poses)


# The flip test --------------------------------------------------------------------------------------------------------


def test_a_flip_test_makes_a_mirrored_pose_the_mirrored_body() -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter(poses, split="links", flip_test=True)
    (bodies, theta), (turned, same_theta) = module(poses), module(mirrored(poses, PAPER19))
    torch.testing.assert_close(turned, bodies[:, PAPER19.mirror] * torch.tensor([-1.0, 1, 1]))
    torch.testing.assert_close(same_theta, theta)


def test_a_flip_test_changes_predictions_and_no_loss() -> None:
    poses = some_poses(PAPER19, 16)
    flipping, plain = lifter(poses, flip_test=True), lifter(poses)
    flipping.lifter.load_state_dict(plain.lifter.state_dict())
    flipping.attach_prior(plain.flows, poses)  # type: ignore[arg-type]
    for ours, theirs in zip(flipping(poses), plain(poses), strict=True):
        assert not torch.allclose(ours, theirs)
    torch.testing.assert_close(*(gradient(module, asdict(LossWeights()), poses) for module in (flipping, plain)))


# The loss -------------------------------------------------------------------------------------------------------------


def gradient(module: LifterModule, weights: dict[str, float], poses: Tensor) -> Tensor:
    module.objective = replace(module.objective, weights=LossWeights(**weights))
    module.zero_grad()
    torch.manual_seed(1)
    module.loss(poses)[0].backward()
    parameters = [*module.lifter.parameters()]
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])


@pytest.mark.parametrize("term", TERMS)
def test_a_weight_of_0_takes_exactly_that_terms_gradient_out(term: str) -> None:
    poses = some_poses(PAPER19, 16)
    module, everything = lifter(poses, split="left_right"), asdict(LossWeights(bone=1.0))
    without = gradient(module, {**everything, term: 0.0}, poses)
    alone = gradient(module, {**dict.fromkeys(TERMS, 0.0), term: 1.0}, poses)
    everything_else = gradient(module, everything, poses) - alone
    assert alone.norm() > 0
    assert (without - everything_else).norm() < 1e-4 * max(without.norm(), alone.norm())


EVALUATED = {
    "likelihood": (FrozenFlows, "log_prob"),
    "bone": (losses, "bone_prior"),
    "augmentation": (Augmentation, "__call__"),
    **{term: (losses, term) for term in ("reprojection", "consistency", "deformation")},
}
"""Term -> what is called to evaluate it."""


@pytest.mark.parametrize("term", EVALUATED)
def test_a_term_of_weight_0_is_not_evaluated_but_held_out(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poses = some_poses(PAPER19, 16)
    weights = asdict(LossWeights(augmentation=1.0))
    everything, without = lifter(poses, weights=weights), lifter(poses, weights={**weights, term: 0.0})
    held_out = without.held_out(poses)
    owner, name = EVALUATED[term]

    def refuse(*_: Any) -> Any:
        raise InterruptedError

    with monkeypatch.context() as patched:
        if term == "consistency":  # which measures augmentation as well
            patched.setattr(losses, "known", lambda *_: {"pose": torch.zeros(())})
        patched.setattr(owner, name, refuse)
        with pytest.raises(InterruptedError):
            everything.loss(poses)
        _, terms, _ = without.loss(poses)
    assert terms.keys() == {*TERMS, "augmentation"} - {term}
    assert held_out.keys() == {*TERMS, "total"}


def test_without_a_likelihood_no_flows_are_needed() -> None:
    lifter_module(width=8, blocks=1, weights={"likelihood": 0.0}).loss(some_poses(PAPER19, 8))[0].backward()


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
            {f"val/{name}" for name in ("loss", "likelihood_whole_nats", *TERMS)},
            {
                f"train/{name}"
                for name in ("loss", "likelihood_whole_nats", "elevation_mean_deg", "elevation_std_deg", *TERMS)
            },
        ),
    ],
)
def test_what_is_logged_and_how_the_learning_rate_decays(make: Any, validation: set[str], training: set[str]) -> None:
    poses = some_poses(PAPER19, 64)
    module, run = make(poses), trainer(epochs=3)
    fit(module, poses, run)
    assert run.callback_metrics.keys() == validation | training
    assert all(value.isfinite() for value in run.callback_metrics.values())
    (group,) = run.optimizers[0].param_groups
    assert group["lr"] == pytest.approx(module.optimiser.learning_rate * 0.95**3)


def test_what_is_logged_of_training_is_the_mean_over_the_steps_of_an_epoch() -> None:
    class Steps(pl.Callback):
        losses: ClassVar[list[float]] = []

        def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            self.losses.clear()

        def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, *_: Any) -> None:
            self.losses.append(float(outputs["loss"]))

    poses = some_poses(PAPER19, 128)
    run = fit(lifter(poses), poses, trainer(2, [Steps()]))
    assert len(Steps.losses) == 4
    assert float(run.callback_metrics["train/loss"]) == pytest.approx(sum(Steps.losses) / 4)


def test_bits_and_nats_are_one_measure() -> None:
    poses = some_poses(PAPER19, 64)
    module, run = flow_prior(poses, parts=["whole", "legs"]), trainer()
    fit(module, poses, run)
    for part in ("whole", "legs"):
        flow = module.flow(part)
        assert isinstance(flow, PoseFlow)
        bits = run.callback_metrics[f"val/bits_per_dimension_{part}"] * flow.dimensions
        assert bits * torch.tensor(2.0).log() == pytest.approx(float(run.callback_metrics[f"val/nll_{part}_nats"]))


# The learning rate over time ------------------------------------------------------------------------------------------

RATE = 0.003


class Rates(pl.Callback):
    """The learning rate at every batch."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        (group,) = trainer.optimizers[0].param_groups
        self.rates.append(group["lr"])


def rates_of(make: Any, batches: int, epochs: int, **options: Any) -> list[float]:
    poses, rates = some_poses(PAPER19, 32 * batches), Rates()
    module = make(poses, learning_rate=RATE, width=4, **options)
    fit(module, poses, trainer(epochs, [rates]))
    assert len(rates.rates) == batches * epochs
    return rates.rates


@pytest.mark.parametrize("make", [flow_prior, lifter])
def test_one_cycle_warms_up_to_the_learning_rate_and_ends_near_0_a_step_a_batch(make: Any) -> None:
    rates = rates_of(make, batches=20, epochs=4, schedule="one_cycle")
    top = rates.index(max(rates))
    assert rates[top] == pytest.approx(RATE) and top + 1 == WARM_UP * len(rates)
    assert rates[0] == pytest.approx(RATE / (top + 1)) and rates[-1] < RATE / 1000
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a > b for a, b in pairwise(rates[top:]))
    left = np.arange(len(rates) - top) / (len(rates) - top - 1)
    np.testing.assert_allclose(rates[top:], RATE * (1 + np.cos(np.pi * left)) / 2, atol=1e-5 * RATE)


@pytest.mark.parametrize("steps", [1, 2, 3, 19, 20, 21, 1000])
def test_one_cycle_of_any_length_reaches_its_top_and_no_more(steps: int) -> None:
    shares = [one_cycle(step, steps) for step in range(steps)]
    assert max(shares) == 1
    assert all(0 <= share <= 1 for share in shares)
    assert steps == 1 or shares[-1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("make", [flow_prior, lifter])
def test_the_exponential_schedule_takes_a_step_an_epoch(make: Any) -> None:
    rates = rates_of(make, batches=3, epochs=4, schedule="exponential", decay=0.5)
    assert rates == pytest.approx([RATE * 0.5 ** (batch // 3) for batch in range(12)])


@pytest.mark.parametrize("split", SPLITS)
def test_the_likelihood_is_the_sum_of_its_parts(split: str) -> None:
    poses = some_poses(PAPER19, 16)
    module = lifter(poses, split=split)
    _, terms, _ = module.loss(poses)
    assert module.nll.keys() == set(parts_of(split))
    assert sum(value.item() for value in module.nll.values()) == pytest.approx(terms["likelihood"].item(), rel=1e-5)


# People unlike those seen ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", SPLITS)
def test_augmentation_teaches_the_networks_and_leaves_other_terms_alone(split: str) -> None:
    poses = some_poses(PAPER19, 32)
    weights = {**dict.fromkeys(TERMS, 0.0), "augmentation": 1.0}
    module = lifter(poses, split=split, weights=weights)
    loss, terms, _ = module.loss(poses)
    assert terms.keys() == {"augmentation"} and loss.item() == pytest.approx(terms["augmentation"].item())
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.lifter.parameters())


def test_augmentation_moves_the_answers_and_not_what_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The people shown again are the bodies lifted before, whatever the network now says of them."""
    poses, shown = some_poses(PAPER19, 8), []
    module = lifter(poses, weights={"augmentation": 1.0})
    monkeypatch.setattr(
        Augmentation,
        "__call__",
        lambda _, bodies, theta, skeleton: shown.append(bodies) or (bodies, theta),
    )
    _, terms, _ = module.loss(poses)
    (bodies,) = shown
    assert not bodies.requires_grad
    assert torch.allclose(bodies, module(poses)[0], atol=1e-6)
    assert terms["augmentation"].item() == pytest.approx(0.0, abs=1e-4), "the same people are lifted the same"


def test_without_a_weight_there_is_no_augmentation() -> None:
    poses = some_poses(PAPER19, 8)
    assert "augmentation" not in lifter(poses).loss(poses)[1]


# A criterion without 3D -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("flip", [False, True])
def test_the_criterion_is_the_same_at_every_call_and_better_after_training(split: str, flip: bool) -> None:
    poses = some_poses(PAPER19, 128)
    module = lifter(poses, split=split, flip_test=flip)
    state = torch.random.get_rng_state()
    before = module.held_out(poses)
    assert torch.equal(torch.random.get_rng_state(), state) and module.held_out(poses) == before
    weights = asdict(module.objective.weights)
    assert before.keys() == {*TERMS, "total"}
    assert before["total"] == pytest.approx(sum(weights[term] * before[term] for term in TERMS), rel=1e-4)
    fit(module, poses, trainer(epochs=4))
    assert module.held_out(poses)["total"] < before["total"]


def test_without_flows_there_is_no_criterion() -> None:
    assert supervised().held_out(some_poses(PAPER19, 4)) == {}


# The supervised reference ---------------------------------------------------------------------------------------------


def supervised(**options: Any) -> SupervisedLifterModule:
    return cast(SupervisedLifterModule, lifter_module(kind=SupervisedLifterModule, **{**SMALL, **options}))


def labelled(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Poses, their true depth offsets, and elevations that nothing decides."""
    bodies = some_bodies(PAPER19, count)
    return project(bodies, C), bodies[..., 2], -0.2 + 0.1 * torch.randn(count)


def test_labels_teach_depths_and_elevations_without_flows() -> None:
    batch, module = labelled(64), supervised(mirror=True, noise=0.01, flip_test=True)
    loader: DataLoader[Any] = DataLoader([batch] * 100, batch_size=None)  # type: ignore[arg-type]
    before, _ = module.supervised_loss(*batch)
    run = trainer()
    run.fit(module, loader, DataLoader([batch], batch_size=None))  # type: ignore[arg-type]
    after, _ = module.supervised_loss(*batch)
    assert after < 0.5 * before
    assert run.callback_metrics.keys() == {
        f"{s}/{term}" for s in ("train", "val") for term in ("pose", "elevation", "loss")
    }
    assert module.flows is None


def test_what_is_right_costs_nothing_and_what_is_wrong_by_its_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    poses, offsets, theta = labelled(8)
    module = supervised()
    for wrong in (0.0, 0.1):
        monkeypatch.setattr(module.lifter, "forward", lambda x, w=wrong: ((offsets + w)[None], theta + w))
        loss, terms = module.supervised_loss(poses, offsets, theta)
        apart = lift(poses, offsets + wrong, C) - lift(poses, offsets, C)
        assert terms["pose"].item() == pytest.approx(apart.flatten(1).norm(dim=1).mean().item(), abs=1e-5)
        assert terms["elevation"].item() == pytest.approx(ELEVATION_WEIGHT * wrong**2)
        assert loss.item() == pytest.approx(terms["pose"].item() + terms["elevation"].item())


def test_labels_are_mirrored_with_their_poses() -> None:
    poses, offsets, theta = labelled(400)
    turned, turned_offsets, same_theta = supervised(mirror=True)._mirrored(poses, offsets, theta)
    bodies, found = lift(poses, offsets, C), lift(turned, turned_offsets, C)
    in_a_mirror = bodies[:, PAPER19.mirror] * torch.tensor([-1.0, 1, 1])
    kept, flipped = (torch.isclose(found, other, atol=1e-6).all((1, 2)) for other in (bodies, in_a_mirror))
    assert (kept ^ flipped).all() and 0.4 < flipped.float().mean() < 0.6
    assert torch.equal(same_theta, theta)


def test_a_supervised_checkpoint_is_a_lifters(tmp_path: Path) -> None:
    batch, module = labelled(8), supervised(split="left_right", centring="ray")
    loader: DataLoader[Any] = DataLoader([batch], batch_size=None)  # type: ignore[arg-type]
    run = trainer()
    run.fit(module, loader, loader)
    run.save_checkpoint(tmp_path / "last.ckpt")
    loaded = LifterModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert loaded.normalisation == module.normalisation
    for ours, theirs in zip(module(batch[0]), loaded(batch[0]), strict=True):
        assert torch.equal(ours, theirs)
