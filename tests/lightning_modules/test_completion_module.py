"""Properties of the completion stage: its networks learn, keep no lifter, and are trained and measured once."""

import json
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from conftest import C, fit, lifter_module, some_poses, trainer
from torch import Tensor
from torch.utils.data import TensorDataset

from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import PAPER19
from duolift.errors import InputError
from duolift.geometry.mirroring import mirrored
from duolift.networks.architecture import Architecture
from duolift.networks.completion import STRATEGIES, strategies_of
from duolift.networks.occlusions import occlusions, visibility_masks
from duolift.networks.partners import Partners
from duolift.networks.splits import SPLITS
from experiments import complete
from experiments.checkpoints import load_completion
from experiments.config import load
from experiments.runs import Stage
from lightning_modules.completion import CompletionModule
from lightning_modules.lifter import LifterModule

LOGGED = {*(f"{strategy}_head_pct" for strategy in STRATEGIES), "noise_left_pct"}
DATA = SyntheticConfig(takes=1, frames=6)
SMALL = [
    *("experiment=quick", "run=small", "lifter=legs_torso", "wandb.mode=disabled", "compute.accelerator=cpu"),
    *(f"data.synthetic.{key}={value}" for key, value in asdict(DATA).items()),
    *("data.held_out=64", "flows.blocks=1", "flows.width=8", "flows.epochs=1", "flows.batch_size=64"),
    *("lifting.width=8", "lifting.blocks=1", "lifting.epochs=1", "lifting.batch_size=64"),
    "lifting.likelihoods=[whole]",
    *("completion.width=8", "completion.blocks=1", "completion.epochs=2", "completion.batch_size=64"),
]


def some_pairs(count: int) -> TensorDataset:
    """People, and beside each another, a head length or so away, as a completion learns from."""
    stack = some_poses(PAPER19, count) + torch.tensor([1.0, 0.1]) / C
    return TensorDataset(some_poses(PAPER19, count), stack, torch.ones(count, dtype=torch.bool))


def teacher(split: str = "links") -> LifterModule:
    return lifter_module(split=split, width=16, blocks=1)


def untaught(split: str = "links", **options: Any) -> CompletionModule:
    strategies = strategies_of(Architecture(split=split))
    return CompletionModule("paper19", strategies, **{"width": 32, "blocks": 1, **options})


def completion(split: str = "links", **options: Any) -> CompletionModule:
    return untaught(split, **options).attach_teacher(teacher(split))


def mean_errors(module: CompletionModule, pairs: TensorDataset, noise: float = 0.4) -> dict[str, float]:
    """The errors over every named occlusion, seen with some noise beside partners who are wholly seen."""
    torch.manual_seed(1)
    poses, stack, _ = pairs.tensors
    masks = visibility_masks(PAPER19)
    visible, told = masks[torch.arange(len(poses)) % len(masks)], torch.full((len(poses),), noise)
    with torch.no_grad():
        errors = module.errors(poses, visible, told, Partners(stack, torch.ones_like(visible)))
    return {name: error.item() for name, error in errors.items()}


# The module -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_training_makes_hidden_joints_and_noise_less_wrong() -> None:
    module, poses = completion(learning_rate=1e-2, mirror=False, noise=0.5), some_pairs(512)
    before = mean_errors(module, poses)
    fit(module, poses, trainer(25))
    after = mean_errors(module, poses)
    assert before.keys() == LOGGED
    assert all(after[f"{strategy}_head_pct"] < 0.5 * before[f"{strategy}_head_pct"] for strategy in STRATEGIES)
    assert after["noise_left_pct"] < min(90, before["noise_left_pct"])


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("mirror", [False, True])
def test_a_step_trains_every_completer_and_nothing_of_the_lifter(split: str, mirror: bool) -> None:
    module = completion(split, mirror=mirror)
    module.training_step(some_pairs(64).tensors, 0).backward()
    assert module.teacher is not None and not module.teacher.training
    assert tuple(module.completers) == strategies_of(Architecture(split=split))
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in module.teacher.parameters())
    for name, parameter in module.completers.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_people_and_partners_are_mirrored_together_and_some_seen_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module, seen = completion(alone=0.5, dropped=0.0), []

    def errors(poses: Tensor, visible: Tensor, noise: Tensor, partners: Partners) -> dict[str, Tensor]:
        seen.append((poses, partners))
        return {"fill_lift_head_pct": poses.sum()}

    monkeypatch.setattr(module, "errors", errors)
    *pairs, near = some_pairs(400).tensors
    near[::2] = False
    module.training_step((*pairs, near), 0)
    ((poses, partners),) = seen
    kept, flipped = (
        torch.stack(
            [(found == wanted).all((1, 2)) for found, wanted in zip((poses, partners.poses), given, strict=True)]
        )
        for given in (pairs, [mirrored(some, PAPER19) for some in pairs])
    )
    assert (kept.all(0) ^ flipped.all(0)).all() and 0.4 < flipped.float().mean() < 0.6
    assert 0.4 < partners.visible[near].any(-1).float().mean() < 0.6 and not partners.visible[~near].any()


def test_the_optimiser_has_the_completers_alone() -> None:
    module = completion()
    run = fit(module, some_pairs(64), trainer())
    (optimiser,) = run.optimizers
    held = {id(parameter) for group in optimiser.param_groups for parameter in group["params"]}
    assert held == {id(parameter) for parameter in module.completers.parameters()}


def test_nothing_hidden_and_no_noise_costs_nothing() -> None:
    module = completion()
    poses, everything = some_poses(PAPER19, 8), torch.ones(8, len(PAPER19), dtype=torch.bool)
    errors = module.errors(poses, everything, torch.zeros(8), Partners.none(poses))
    assert errors["fill_lift_head_pct"] == errors["lift_fill_head_pct"] == 0
    assert errors["noise_left_pct"] < 110


def test_what_an_untrained_network_leaves_of_the_noise_is_about_all_of_it() -> None:
    module = completion()
    for parameter in module.completers["fill_lift"].parameters():
        torch.nn.init.zeros_(parameter)
    assert mean_errors(module, some_pairs(90))["noise_left_pct"] == pytest.approx(100, abs=1e-3)


def test_a_checkpoint_holds_no_lifter_and_gives_the_same_completions(tmp_path: Path) -> None:
    pairs, module = some_pairs(90), completion()
    poses, partners = pairs.tensors[0], Partners(pairs.tensors[1], visibility_masks(PAPER19).repeat(10, 1))
    fit(module, pairs, trainer()).save_checkpoint(tmp_path / "last.ckpt")
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert content["state_dict"].keys() == {f"completers.{name}" for name in module.completers.state_dict()}
    assert any(name.startswith("teacher.") for name in module.state_dict())  # what the checkpoint leaves out
    assert module.teacher is not None
    loaded = CompletionModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert loaded.teacher is None
    loaded.attach_teacher(module.teacher)
    visible = visibility_masks(PAPER19).repeat(10, 1)
    for strategy in STRATEGIES:
        ours, theirs = (m.completion(strategy).predict(poses, visible, 0.05, partners) for m in (module, loaded))
        assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_every_error_is_logged_in_training_and_validation() -> None:
    run = fit(completion(), some_pairs(64), trainer())
    assert run.callback_metrics.keys() == {f"{s}/{name}" for s in ("train", "val", "val/alone") for name in LOGGED}
    assert all(value.isfinite() for value in run.callback_metrics.values())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_a_lifter_there_is_no_completion(strategy: str) -> None:
    with pytest.raises(RuntimeError, match="no lifter to complete: call attach_teacher"):
        untaught().completion(strategy)


@pytest.mark.parametrize("flip", [False, True])
def test_a_completion_is_of_the_lifter_in_its_own_units(flip: bool) -> None:
    lifter = lifter_module(split="links", width=16, blocks=1, flip_test=flip)
    module = untaught().attach_teacher(lifter)
    for strategy in STRATEGIES:
        found = module.completion(strategy)
        assert (found.lifter, found.completer) == (lifter.lifter, module.completers[strategy])
        assert (found.c, found.flip) == (C, flip)


# The command ----------------------------------------------------------------------------------------------------------


def arguments(folder: Path, *more: str) -> list[str]:
    places = [f"runs={folder}/runs", f"data.root={folder}/data", f"data.cache={folder}/cache"]
    return [*SMALL, *places, *more]


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and the completed run `small`."""
    folder = tmp_path_factory.mktemp("done")
    complete.main(arguments(folder))
    return folder


@pytest.mark.slow
def test_a_finished_run_completes_any_number_of_people_in_an_image(done: Path) -> None:
    run = done / "runs" / "small"
    lifter = LifterModule.load_from_checkpoint(run / "legs_torso" / "last.ckpt", weights_only=True)
    module = CompletionModule.load_from_checkpoint(run / "completion-legs_torso" / "last.ckpt", weights_only=True)
    unit, root = lifter.normalisation, lifter.skeleton.root_index
    rays = 0.3 * torch.randn(4, 3, 1, 2) + 0.1 * torch.randn(4, 3, len(PAPER19), 2)
    visible = visibility_masks(PAPER19)[:8].view(4, 2, 19)[:, [0, 1, 0]]
    rays[~visible] = torch.nan
    partners = Partners.of(rays, visible, unit, lifter.skeleton)
    for strategy in STRATEGIES:
        completion = module.attach_teacher(lifter).completion(strategy)
        bodies, theta = completion.predict(unit(rays, rays[:, :, root]), visible, 0.01, partners)
        assert bodies.shape == (4, 3, 19, 3) and theta.shape == (4, 3)
        assert bodies.isfinite().all() and theta.isfinite().all()


def test_the_command_measures_every_occlusion_method_and_noise(done: Path) -> None:
    run = done / "runs" / "small"
    stage = run / "completion-legs_torso"
    files = {"history.json", "last.ckpt", "metrics.json", "origin.json", "settings.json"}
    assert {path.name for path in stage.iterdir()} == files
    result = json.loads((run / "completion.json").read_text())
    assert (result["run"], result["experiment"], result["seed"]) == ("small", "quick", 0)
    assert result["lifters"] == {"legs_torso": json.loads((stage / "metrics.json").read_text())}
    measured = result["lifters"]["legs_torso"]
    methods = ["nothing hidden", "mean pose", complete.FILLED_ALONE, complete.BOTH_HIDDEN, *STRATEGIES]
    wanted = [(name, method) for name in occlusions(PAPER19) for method in methods]
    assert [(row["occlusion"], row["method"]) for row in measured["rows"]] == wanted
    assert all(isfinite(value) for row in measured["rows"] for value in row["metrics"].values())
    assert [row["pixels"] for row in measured["noise"]] == [0, 2, 5, 10]
    assert all(isfinite(e) for row in measured["noise"] for e in row["pa_mpjpe_person_mm"].values())
    assert measured["held_out"].keys() >= {f"{stage}/{name}" for stage in ("val", "val/alone") for name in LOGGED}


def test_with_nothing_hidden_and_no_noise_the_lifter_is_alone(done: Path) -> None:
    measured = json.loads((done / "runs" / "small" / "completion-legs_torso" / "metrics.json").read_text())
    rows = [row["metrics"] for row in measured["rows"] if row["method"] == "nothing hidden"]
    assert len({row["pa_mpjpe_person_mm"] for row in rows}) == 1 and len({r["pa_mpjpe_hidden_mm"] for r in rows}) > 1
    exact, *noisy = (row["pa_mpjpe_person_mm"] for row in measured["noise"])
    assert exact["lifter alone"] == exact["fill_lift"] == pytest.approx(rows[0]["pa_mpjpe_person_mm"], rel=1e-5)
    assert exact[complete.FILLED_ALONE] == exact["lifter alone"]
    assert all(len({*errors.values()}) == len(errors) for errors in noisy)


def test_the_text_holds_the_numbers_of_the_table(done: Path) -> None:
    text = (done / "runs" / "small" / "completion.md").read_text()
    measured = json.loads((done / "runs" / "small" / "completion.json").read_text())["lifters"]["legs_torso"]
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}
    for row in measured["rows"]:
        hidden, person = (row["metrics"][f"pa_mpjpe_{which}_mm"] for which in ("hidden", "person"))
        assert f"{hidden:.1f} ({person:.1f})" in lines[row["occlusion"].replace("_", " ")]
    for row in measured["noise"]:
        assert all(f"{e:.1f}" in lines[f"{row['pixels']:g} px"] for e in row["pa_mpjpe_person_mm"].values())
    limbs = [row["metrics"] for row in measured["rows"] if row["occlusion"].endswith(("_arm", "_leg"))]
    limbs = limbs[:: len(measured["rows"]) // len(occlusions(PAPER19))]  # those of the first method
    mean = sum(metrics["pa_mpjpe_hidden_mm"] for metrics in limbs) / 4
    assert f"| {mean:.1f} (" in lines[complete.LIMB]
    assert text.startswith("## legs_torso\n") and text.endswith(complete.NOTE + "\n")


def test_the_same_command_again_trains_nothing_and_leaves_files_as_they_are(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("fit", "validate"):
        monkeypatch.setattr(pl.Trainer, kind, lambda *_, **__: pytest.fail("trained again"))
    for name in ("score", "score_detections"):
        monkeypatch.setattr(complete, name, lambda *_: pytest.fail("scored again"))
    before = contents(done)
    complete.main(arguments(done))
    assert contents(done) == before


def test_other_settings_in_the_same_run_are_refused(done: Path) -> None:
    before = contents(done / "runs")
    with pytest.raises(InputError, match=r"completion-legs_torso.*completion\.noise 0\.05 -> 0\.1.*another RUN"):
        complete.main(arguments(done, "completion.noise=0.1"))
    assert contents(done / "runs") == before


def test_a_spoilt_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "completion-links", {})
    stage.checkpoint.write_bytes(b"spoilt")
    with pytest.raises(InputError, match=r"completion-links/last\.ckpt: not a checkpoint of a completion"):
        load_completion(stage.checkpoint, teacher())


def test_the_mean_body_laid_onto_the_present_joints_recovers_a_similar_body(random_bodies: Any) -> None:
    body, others = random_bodies(PAPER19), random_bodies(PAPER19, 1)
    turn = torch.linalg.qr(torch.randn(4, 3, 3))[0]
    turn = turn * turn.det()[:, None, None]
    similar = torch.tensor([0.5, 1.0, 1.5, 2.0])[:, None, None] * body @ turn.mT + torch.randn(4, 1, 3)
    visible = torch.ones(4, 19, dtype=torch.bool)
    visible[:, PAPER19.indices(occlusions(PAPER19)["left_arm"])] = False
    spoilt = torch.where(visible.unsqueeze(-1), similar, others)
    torch.testing.assert_close(complete.laid_onto(body, spoilt, visible), similar, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("setting", ["width=0", "epochs=0", "learning_rate=-1", "dropped=-0.1", "dropped=1", "alone=1"])
def test_settings_out_of_range_are_refused_by_name(setting: str) -> None:
    with pytest.raises(InputError, match=f"setting completion.{setting.partition('=')[0]} is "):
        load([f"completion.{setting}"])
