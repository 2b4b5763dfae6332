"""Properties of distillation: what a perfect network would give, that it learns, and that it is done once."""

import json
import shutil
from dataclasses import asdict
from math import isfinite
from pathlib import Path

import pytest
import torch
from conftest import C, lifter_module, some_bodies, some_poses
from torch.utils.data import TensorDataset

from datamodules.synthetic.writer import SyntheticConfig
from duolift.body.skeleton import PAPER19
from duolift.errors import InputError
from duolift.geometry.projection import lift
from duolift.geometry.scene_batch import SceneBatch
from duolift.learning.detector_errors import DetectorErrors
from duolift.learning.views import View, Views
from duolift.networks.detection_network import DetectionArchitecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import PeopleLifter
from duolift.predictor import Lifter
from experiments import distil, pack
from experiments.checkpoints import load_distilled
from experiments.runs import Stage
from lightning_modules.distillation import DistillationModule, in_frame
from lightning_modules.lifter import LifterModule

EXACT = DetectorErrors(exact=1.0, hidden=0.0, cut=0.0, missing=0.0, real=0.0)
LEVEL = Views(elevation_deg=[-1.0, 1.0], usual=0.0, roll_deg=0.0, uncalibrated=0.0)
TERMS = ("joints", "deviation", "up", "up_deviation")
DATA = SyntheticConfig(takes=1, frames=6)
SMALL = [
    *("experiment=quick", "run=small", "wandb.mode=disabled", "compute.accelerator=cpu", "data.held_out=64"),
    *(f"data.synthetic.{key}={value}" for key, value in asdict(DATA).items()),
    *("flows.blocks=1", "flows.width=8", "flows.epochs=1", "flows.batch_size=64", "lifting.likelihoods=[whole]"),
    *("lifting.width=8", "lifting.blocks=1", "lifting.epochs=1", "lifting.batch_size=64"),
    *("distillation.width=8", "distillation.blocks=1", "distillation.epochs=2", "distillation.batch_size=64"),
]


def teacher() -> LifterModule:
    return lifter_module(width=16, blocks=1)


def untaught(width: int = 32, detector: DetectorErrors = EXACT, rate: float = 1e-2) -> DistillationModule:
    architecture = PeopleArchitecture("paper19", None, C, flip=True, detection=DetectionArchitecture(width, 1))
    return DistillationModule(architecture, views=LEVEL, detector=detector, learning_rate=rate)


def taught(**options: object) -> DistillationModule:
    return untaught(**options).attach_teachers([teacher(), teacher()], some_poses(PAPER19, 64))  # type: ignore[arg-type]


def poses(count: int) -> TensorDataset:
    return TensorDataset(some_poses(PAPER19, count))


# The module -----------------------------------------------------------------------------------------------------------


def test_who_is_seen_exactly_is_in_the_frame_of_use() -> None:
    module = taught()
    bodies = some_bodies(PAPER19, 20)
    view = View(bodies, torch.full((20,), 8.0), torch.tensor([0.0, -0.8, -0.6]).expand(20, 3))
    points = view.points
    people = module.people.framed(points[..., :2] / points[..., 2:], torch.ones(20, 19, dtype=torch.bool))
    target, up = in_frame(view, people, PAPER19.root_index)
    # a perfect network's depths, on the poses that it is given, are the target
    found = lift(C * people.poses * people.unit[:, None, None], target[..., 2], 1 / people.unit)
    torch.testing.assert_close(found, target, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(target, bodies / (8 * people.unit)[:, None, None], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(up, torch.tensor([-0.6, 0.0]).asin().expand(20, 2), rtol=1e-4, atol=1e-4)


def test_a_rolled_camera_is_told_from_a_tilted_one() -> None:
    bodies, roll = some_bodies(PAPER19, 20), torch.tensor(0.3)
    view = View(bodies, torch.full((20,), 8.0), torch.stack([roll.sin(), -roll.cos(), torch.tensor(0.0)]).expand(20, 3))
    points = view.points
    people = taught().people.framed(points[..., :2] / points[..., 2:], torch.ones(20, 19, dtype=torch.bool))
    torch.testing.assert_close(in_frame(view, people, PAPER19.root_index)[1], torch.tensor([0.0, 0.3]).expand(20, 2))


def test_a_root_that_is_seen_beside_its_place_turns_the_frame_and_nothing_else() -> None:
    module = taught()
    bodies = some_bodies(PAPER19, 20)
    view = View(bodies, torch.full((20,), 8.0), torch.tensor([0.0, -1.0, 0.0]).expand(20, 3))
    points = view.points
    rays = points[..., :2] / points[..., 2:]
    rays[:, PAPER19.root_index] += torch.tensor([0.05, 0.1])
    people = module.people.framed(rays, torch.ones(20, 19, dtype=torch.bool))
    target, up = in_frame(view, people, PAPER19.root_index)
    size = 8 * people.unit
    torch.testing.assert_close(target.norm(dim=-1) * size[:, None], bodies.norm(dim=-1), rtol=1e-4, atol=1e-4)
    below = torch.tensor(0.1 / (1 + 0.05**2 + 0.1**2) ** 0.5).asin()  # the ray to a root that is seen lower looks down
    torch.testing.assert_close(up[:, 0], -below.expand(20), rtol=1e-4, atol=1e-4)


def test_training_makes_joints_elevations_and_expectations_less_wrong() -> None:
    module, level = taught(), some_bodies(PAPER19, 256)
    runs = []
    for steps in (0, 150):
        optimiser = torch.optim.Adam(module.network.parameters(), 3e-3)
        for _ in range(steps):
            optimiser.zero_grad()
            module.lesson(level)[0].backward()
            optimiser.step()
        torch.manual_seed(1)
        runs.append({name: value.item() for name, value in module.lesson(level)[1].items()})
    before, after = runs
    assert after["joints"] < 0.7 * before["joints"] and after["deviation"] < before["deviation"]


def test_a_step_trains_the_network_and_nothing_of_the_teachers() -> None:
    module = taught(detector=DetectorErrors())
    (batch,) = poses(64).tensors
    module.training_step(batch, 0).backward()
    assert len(module.teachers) == 2 and not any(one.training for one in module.teachers)
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in module.teachers.parameters())
    for name, parameter in module.network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_several_teachers_teach_their_mean() -> None:
    batch, some = some_poses(PAPER19, 8), some_poses(PAPER19, 64)
    first, second = teacher(), teacher()
    alone = [untaught().attach_teachers([one], some)._bodies(batch) for one in (first, second)]
    bodies, theta = untaught().attach_teachers([first, second], some)._bodies(batch)
    assert not torch.allclose(alone[0][0], alone[1][0])
    assert torch.allclose(bodies, (alone[0][0] + alone[1][0]) / 2, atol=1e-6)
    assert torch.allclose(theta, (alone[0][1] + alone[1][1]) / 2, atol=1e-6)


def test_people_who_look_far_larger_than_they_are_do_not_count() -> None:
    module = taught()
    view = View(torch.zeros(4, 19, 3), torch.full((4,), 10.0), torch.zeros(4, 3))
    people = module.people.framed(torch.zeros(4, 19, 2), torch.ones(4, 19, dtype=torch.bool))
    sizes = torch.tensor([0.1, 0.3, 0.5, 0.01])
    counts = module._counting(type(people)(**{**vars(people), "unit": sizes}), view)
    assert counts.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_a_checkpoint_holds_no_teacher_and_gives_the_same_people(tmp_path: Path) -> None:
    module = taught()
    rays, visible = 0.1 * torch.randn(3, 2, 19, 2), torch.rand(3, 2, 19) > 0.2
    state = {"state_dict": module.state_dict()}
    assert any(name.startswith("teachers.") for name in state["state_dict"])
    module.on_save_checkpoint(state)
    assert state["state_dict"].keys() == {f"people.{name}" for name in module.people.state_dict()}
    loaded = DistillationModule(**module.hparams)  # type: ignore[arg-type]
    loaded.load_state_dict(state["state_dict"])
    ours, theirs = (m.people(rays, visible) for m in (module, loaded))
    assert torch.equal(ours.bodies, theirs.bodies) and torch.equal(ours.distance, theirs.distance)


def test_without_a_teacher_there_is_no_lesson() -> None:
    with pytest.raises(RuntimeError, match="no lifter to learn from: call attach_teachers"):
        untaught().losses(poses(8).tensors[0])


# The command ----------------------------------------------------------------------------------------------------------


def arguments(folder: Path, *more: str) -> list[str]:
    places = [f"runs={folder}/runs", f"data.root={folder}/data", f"data.cache={folder}/cache"]
    return [*SMALL, *places, *more]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and the distilled run `small`."""
    folder = tmp_path_factory.mktemp("done")
    distil.main(arguments(folder))
    return folder


def test_the_command_scores_network_and_teacher_under_every_condition(done: Path) -> None:
    run = done / "runs" / "small"
    files = {"history.json", "last.ckpt", "metrics.json", "origin.json", "settings.json"}
    assert {path.name for path in (run / "distillation-whole").iterdir()} == files
    measured = json.loads((run / "distillation.json").read_text())["lifters"]["whole"]
    assert [(row["pixels"], row["missed"]) for row in measured["rows"]] == [
        (c.pixels, c.missed) for c in distil.CONDITIONS
    ]
    for row in measured["rows"]:
        assert row["pa_mpjpe_person_mm"].keys() == {distil.TAUGHT, distil.TEACHER}
        assert all(isfinite(error) and error > 0 for error in row["pa_mpjpe_person_mm"].values())
    assert measured["held_out"].keys() >= {f"val/{name}" for name in TERMS}
    text = (run / "distillation.md").read_text()
    assert text.startswith("## whole\n") and text.endswith(distil.NOTE + "\n")
    assert f"{measured['rows'][-1]['pa_mpjpe_person_mm'][distil.TAUGHT]:.1f}" in text


def test_a_distilled_run_is_packed_as_what_was_taught(done: Path) -> None:
    pack.main(["run=small", f"runs={done}/runs"])
    packed = Lifter.load(done / "runs" / "small" / "whole.safetensors").people
    taught = load_distilled(done / "runs" / "small" / "distillation-whole" / "last.ckpt")
    assert packed.architecture == taught.architecture and packed.detection is not None
    for name, weight in taught.state_dict().items():
        torch.testing.assert_close(packed.state_dict()[name], weight, rtol=1e-3, atol=1e-4)


def test_a_finished_distillation_is_not_run_again_and_another_is_refused(done: Path) -> None:
    stage = done / "runs" / "small" / "distillation-whole"
    before = {path: path.stat().st_mtime_ns for path in stage.iterdir()}
    distil.main(arguments(done))
    assert {path: path.stat().st_mtime_ns for path in stage.iterdir()} == before
    with pytest.raises(InputError, match=r"made with other settings \(distillation.detector.noise 0.06 -> 0.1\)"):
        distil.main(arguments(done, "distillation.detector.noise=0.1"))
    assert Stage(stage, json.loads((stage / "settings.json").read_text())).finished


def further(folder: Path, run: str, *settings: str) -> PeopleLifter:
    """What a distillation gives that goes on from the packed run `small`, by the same teacher."""
    runs = folder / "runs"
    pack.main(["run=small", f"runs={runs}"])
    shutil.copytree(runs / "small", runs / run, ignore=shutil.ignore_patterns("distillation*"))
    distil.main(arguments(folder, f"run={run}", f"distillation.start={runs}/small/whole.safetensors", *settings))
    return load_distilled(runs / run / "distillation-whole" / "last.ckpt")


def test_a_packed_network_goes_on_learning_and_what_it_was_is_kept(done: Path) -> None:
    kept, gone_on = further(done, "kept", "distillation.kept=1"), further(done, "gone-on", "distillation.kept=0")
    half = further(done, "half", "distillation.width=16")  # the start's own width is what it has
    before = Lifter.load(done / "runs" / "small" / "whole.safetensors").people
    differ = []
    for (name, was), *others in zip(
        before.named_parameters(), *(p.parameters() for p in (kept, gone_on, half)), strict=True
    ):
        all_of_it, none_of_it, half_of_it = others
        torch.testing.assert_close(all_of_it, was, msg=name)
        torch.testing.assert_close(half_of_it, (was + none_of_it) / 2, rtol=1e-4, atol=1e-5, msg=name)
        differ.append(bool((none_of_it - was).abs().max() > 1e-4))
    assert all(differ)
    settings = json.loads((done / "runs" / "half" / "distillation-whole" / "settings.json").read_text())
    assert settings["distillation"]["kept"] == 0.5
    pack.main(["run=half", f"runs={done}/runs"])
    assert Lifter.load(done / "runs" / "half" / "whole.safetensors").origin["start"]["run"] == "small"


def test_what_is_usual_is_that_of_the_cameras_it_goes_on_learning_from(done: Path) -> None:
    before = Lifter.load(done / "runs" / "small" / "whole.safetensors").people.detection
    assert before is not None
    torch.testing.assert_close(before.usual, Views().frequencies(), rtol=1e-3, atol=1e-5)
    detection = further(done, "elsewhere", "distillation.views.usual=0.0").detection
    assert detection is not None
    assert torch.equal(detection.usual, Views(usual=0.0).frequencies())


def test_another_kind_of_lifter_is_no_start(done: Path, tmp_path: Path, lifter: Lifter) -> None:
    lifter.save(tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"distillation.start: .*a lifting network.*expected.*a detection network"):
        distil.start_of(str(tmp_path / "other.safetensors"), teacher().hparams)
    assert distil.start_of(None, teacher().hparams) is None


def test_scenes_are_lifted_alike_in_any_number_at_a_time(
    done: Path, scenes: SceneBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = load_distilled(done / "runs" / "small" / "distillation-whole" / "last.ckpt")
    visible, noise = torch.rand(scenes.pixels.shape[:-1]) > 0.2, torch.tensor(0.01)
    at_once = distil.lifted(people, scenes, visible, noise)
    monkeypatch.setattr(distil, "LIFTED_AT_ONCE", 3)
    few = distil.lifted(people, scenes, visible, noise)
    torch.testing.assert_close(few, at_once, rtol=1e-3, atol=1e-3)  # an untrained network's bodies are large
