"""Properties of the completion stage: it learns from the lifter, keeps none of it, and is done once."""

import json
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from test_modules import fit, learn, some_poses, trainer
from test_pipeline import arguments, files

from duolift.completion import STRATEGIES, occlusions, random_presence, strategies_of
from duolift.errors import InputError
from duolift.skeleton import PAPER19
from experiments import complete
from experiments.config import load
from lightning_modules.completion import CompletionModule
from lightning_modules.lifter import LifterModule

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{advice}.*")
    for advice in (
        "exists and is not empty",
        "smaller than the logging interval",
        "in eval mode",
        "LeafSpec",
        "self.log",
    )
]
SMALL = ["completion.width=8", "completion.blocks=1", "completion.epochs=2", "completion.batch_size=64"]


def completion(split: str = "links", **options: Any) -> CompletionModule:
    teacher = LifterModule("paper19", 200.0, 5.0, [1.0] * 18, split, width=16, blocks=1)
    module = CompletionModule("paper19", strategies_of(split), **{"width": 32, "blocks": 1, **options})
    return module.learn_from(teacher)


def given(folder: Path, *more: str) -> list[str]:
    """A small run of the lifter of two parts, and its completion."""
    return arguments(folder, "lifter=legs_torso", "lifting.likelihoods=[whole]", "lifting.epochs=1", *SMALL, *more)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and the finished run `small`."""
    folder = tmp_path_factory.mktemp("done")
    complete.main(given(folder))
    return folder


# The module -----------------------------------------------------------------------------------------------------------


def test_a_step_trains_every_completer_and_nothing_of_the_lifter() -> None:
    module = completion()
    module.training_step(some_poses(PAPER19, 64), 0).backward()
    assert module.teacher is not None
    assert module.completers.keys() == STRATEGIES.keys()
    assert all(parameter.grad is None for parameter in module.teacher.parameters())
    for name, parameter in module.completers.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_what_the_lifter_makes_of_whole_poses_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    module, poses = completion(learning_rate=5e-3), some_poses(PAPER19, 256)
    monkeypatch.setattr(
        module, "configure_optimizers", lambda: {"optimizer": torch.optim.Adam(module.completers.parameters(), 5e-3)}
    )
    present = random_presence(module.get_buffer("masks"), 256, 0.05, PAPER19.root_index)
    before = module.errors(poses, present)
    learn(module, poses, 150)
    after = module.errors(poses, present)
    assert all(after[name] < 0.5 * before[name] for name in before)


def test_nothing_hidden_costs_nothing_but_where_all_depths_are_the_completers() -> None:
    module, poses = completion(), some_poses(PAPER19, 8)
    errors = module.errors(poses, torch.ones(8, 19, dtype=torch.bool))
    assert errors["fill_lift_head_pct"] == errors["lift_fill_head_pct"] == 0 < errors["direct_head_pct"]


def test_a_checkpoint_holds_no_lifter_and_gives_the_same_completions(tmp_path: Path) -> None:
    poses = some_poses(PAPER19, 64)
    module, run = completion(), trainer(tmp_path)
    fit(module, poses, run)
    run.save_checkpoint(tmp_path / "last.ckpt")
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert content["state_dict"].keys() == {f"completers.{name}" for name in module.completers.state_dict()}
    assert module.teacher is not None and not module.teacher.training
    loaded = CompletionModule.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True).learn_from(module.teacher)
    present = random_presence(module.get_buffer("masks"), 64, 0.05, PAPER19.root_index)
    for strategy in STRATEGIES:
        for ours, theirs in zip(
            *(m.completion(strategy).predict(poses, present) for m in (module, loaded)), strict=True
        ):
            assert torch.equal(ours, theirs)
    logged = {f"{stage}/{strategy}_head_pct" for stage in ("train", "val") for strategy in STRATEGIES}
    assert run.callback_metrics.keys() == logged


def test_without_a_lifter_the_completion_says_what_it_misses() -> None:
    with pytest.raises(RuntimeError, match="call learn_from"):
        CompletionModule("paper19", ["direct"], width=8, blocks=1).training_step(some_poses(PAPER19, 8), 0)


# The baseline ---------------------------------------------------------------------------------------------------------


def test_the_mean_body_laid_onto_the_present_joints_recovers_a_similar_body(random_bodies: Any) -> None:
    body, others = random_bodies(PAPER19), random_bodies(PAPER19, 1)
    turn = torch.linalg.qr(torch.randn(4, 3, 3))[0]
    turn = turn * turn.det()[:, None, None]
    similar = torch.tensor([0.5, 1.0, 1.5, 2.0])[:, None, None] * body @ turn.mT + torch.randn(4, 1, 3)
    present = torch.ones(4, 19, dtype=torch.bool)
    present[:, PAPER19.indices(occlusions(PAPER19)["left_arm"])] = False
    spoilt = torch.where(present.unsqueeze(-1), similar, others)
    torch.testing.assert_close(complete.laid_onto(body, spoilt, present), similar, atol=1e-4, rtol=1e-4)


# The command ----------------------------------------------------------------------------------------------------------


def test_the_command_leaves_its_stage_and_tables(done: Path) -> None:
    run = done / "runs" / "small"
    names = {"last.ckpt", "metrics.json", "settings.json"}
    assert {path.name for path in (run / "completion-legs_torso").iterdir()} == names
    result = json.loads((run / "completion.json").read_text())
    measured = result["lifters"]["legs_torso"]
    assert measured["scenes"] == 8 * 6 * 4
    methods = ["nothing hidden", "mean pose", *STRATEGIES]
    wanted = [(name, method) for name in occlusions(PAPER19) for method in methods]
    assert [(row["occlusion"], row["method"]) for row in measured["rows"]] == wanted
    assert all(isfinite(value) for row in measured["rows"] for value in row["metrics"].values())
    whole = {row["metrics"]["pa_mpjpe_person_mm"] for row in measured["rows"] if row["method"] == "nothing hidden"}
    assert len(whole) == 1
    text = (run / "completion.md").read_text()
    assert all(name.replace("_", " ") in text for name in occlusions(PAPER19))
    assert f"({whole.pop():.1f})" in text and "## legs_torso" in text


def test_the_unoccluded_lifter_scores_as_it_did_when_it_was_trained(done: Path) -> None:
    run = done / "runs" / "small"
    row = json.loads((run / "completion-legs_torso" / "metrics.json").read_text())["rows"][0]
    trained = json.loads((run / "legs_torso" / "metrics.json").read_text())["rows"][-1]["metrics"]
    for name in ("pa_mpjpe_person_mm", "elevation_error_deg"):
        assert row["metrics"][name] == pytest.approx(trained[name], rel=1e-4)


def test_nothing_is_done_twice(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pl.Trainer, "fit", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(complete, "score", lambda *_: pytest.fail("scored again"))
    before = files(done / "runs")
    table = (done / "runs" / "small" / "completion.json").read_text()
    complete.main(given(done))
    after = files(done / "runs")
    assert {path.name for path in after if after[path] != before.get(path)} == {"completion.json", "completion.md"}
    assert (done / "runs" / "small" / "completion.json").read_text() == table


def test_other_settings_in_the_same_run_are_refused(done: Path) -> None:
    with pytest.raises(InputError, match=r"completion-legs_torso.*completion\.dropped 0\.05 -> 0\.1"):
        complete.main(given(done, "completion.dropped=0.1"))


@pytest.mark.parametrize("setting", ["width=0", "epochs=0", "learning_rate=-1", "dropped=-0.1", "dropped=1"])
def test_settings_out_of_range_are_refused_by_name(setting: str) -> None:
    with pytest.raises(InputError, match=f"setting completion.{setting.partition('=')[0]} is "):
        load([f"completion.{setting}"])
