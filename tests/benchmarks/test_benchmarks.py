"""The benchmarks run, say what they measured, and compare like with like."""

import json
import re
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from conftest import C, lifter_module, some_bodies, some_poses

from benchmarks import measure, soak
from benchmarks.__main__ import main
from benchmarks.baselines import FreiaFlow, PublishedTraining, procrustes_loop, stock_flow
from benchmarks.bench import TINY
from benchmarks.measure import Line, flops, interleaved, peak_memory, resident_peak
from benchmarks.report import page
from benchmarks.soak import Memory
from benchmarks.suite import BENCHMARKS
from duolift.body.skeleton import PAPER19
from duolift.errors import InputError
from duolift.learning.losses import bone_ratios
from duolift.learning.objective import LossWeights
from duolift.metrics.definitions import score
from lightning_modules.flow_prior import FlowPriorModule
from tests.quick_export import Still

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stem = tmp_path_factory.mktemp("bench") / "bench"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("duolift.export.ImageLifter", Still)  # else two lifters' export takes as long as all the rest
        main(["--tiny", "--output", str(stem)])
    return stem


def test_every_number_is_a_ratio_of_two_times_of_one_run(measured: Path) -> None:
    found = json.loads(measured.with_suffix(".json").read_text())
    assert {line["benchmark"] for line in found["lines"]} == set(BENCHMARKS)
    assert found["rounds"] == TINY.rounds
    for line in found["lines"]:
        assert line["seconds"] > 0
        assert line["baseline_seconds"] > 0
        assert line["ratio"] == pytest.approx(line["baseline_seconds"] / line["seconds"])


def test_memory_is_stated_of_training_steps_and_of_evaluation(measured: Path) -> None:
    lines = json.loads(measured.with_suffix(".json").read_text())["lines"]
    stated = [line for line in lines if line["memory"] is not None]
    assert {line["benchmark"] for line in stated} == {"published", "default", "evaluation"}
    assert all(line["memory"] > 50 for line in stated), "MiB, torch itself among them"
    assert any(line["baseline_memory"] is not None for line in stated)


def test_the_machines_limit_stands_beside_the_ratios(measured: Path) -> None:
    found = json.loads(measured.with_suffix(".json").read_text())
    limits = found["machine"]["products_tflops"]
    assert set(limits) == {"float32", "bfloat16"}
    assert all(rate > 0 for by_shape in limits.values() for rate in by_shape.values())


def test_the_page_has_a_line_of_its_table_for_every_line(measured: Path) -> None:
    page = measured.with_suffix(".md").read_text()
    for line in json.loads(measured.with_suffix(".json").read_text())["lines"]:
        (row,) = [row for row in page.splitlines() if row.startswith(f"| {line['what']} | {line['baseline']} |")]
        assert f"**{line['ratio']:.2f}**" in row


def test_one_benchmark_can_be_chosen(tmp_path: Path) -> None:
    main(["data", "--tiny", "--output", str(tmp_path / "some")])
    lines = json.loads((tmp_path / "some.json").read_text())["lines"]
    assert {line["benchmark"] for line in lines} == {"data"}


def test_arrows_run_one_way() -> None:
    """No file of the benchmarks imports one that imports it, however far round."""
    files = {file.stem: file.read_text() for file in Path(measure.__file__).parent.glob("*.py")}
    needs = {name: set(re.findall(r"^from benchmarks\.(\w+) import", text, re.M)) for name, text in files.items()}
    assert needs["__main__"] and list(TopologicalSorter(needs).static_order())


@pytest.mark.parametrize(
    ("arguments", "complaint"), [(["flows"], "did you mean flow"), (["--rounds", "3"], "expected 5 or more")]
)
def test_what_is_not_there_is_refused_before_anything_is_timed(arguments: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        main(arguments)


def test_candidates_take_turns() -> None:
    turns: list[str] = []
    seconds = interleaved({name: lambda name=name: turns.append(name) for name in "ab"}, rounds=3, calls=2)
    assert turns == ["a", "b", *["a", "a", "b", "b"] * 3]
    assert set(seconds) == {"a", "b"}


def test_memory_is_that_of_the_work_and_not_of_whoever_starts_it() -> None:
    held = torch.ones(400 * 2**18)  # 400 MiB
    idle, busy = (peak_memory(torch.ones, size) for size in (1, 200 * 2**18))
    assert busy - idle > 150
    assert resident_peak() > idle + 200, f"{held.nbytes} bytes are held here, and counted here alone"


def test_products_are_counted_forwards_and_back() -> None:
    left, right = torch.randn(3, 5, requires_grad=True), torch.randn(5, 7, requires_grad=True)
    assert flops(lambda: (left @ right).sum().backward()) == 3 * 2 * 3 * 5 * 7


def test_the_ratio_says_how_many_times_as_long_the_baseline_takes() -> None:
    assert Line("a", "b", "c", seconds=2.0, baseline_seconds=6.0).ratio == 3


@pytest.mark.parametrize("kind", ["FrEIA", "nflows"])
def test_the_flows_compared_with_are_densities(kind: str) -> None:
    """log p(x) is that of the normal where f(x) lies, and the log-determinant of f's Jacobian there."""
    flow = FreiaFlow(6, 2, 16, 2.0) if kind == "FrEIA" else stock_flow(6, 2, 16)
    for parameter in flow.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn_like(parameter)
    flow = flow.double().eval()

    def normal(x: torch.Tensor) -> torch.Tensor:
        z: torch.Tensor = (flow.couplings(x)[0] if isinstance(flow, FreiaFlow) else flow.transform_to_noise(x))[0]
        return z

    x = torch.randn(1, 6, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(normal, x)[:, 0]
    density = torch.distributions.Normal(0, 1).log_prob(normal(x)).sum() + jacobian.det().abs().log()
    torch.testing.assert_close(flow.log_prob(x)[0], density, atol=1e-5, rtol=1e-5)


def test_the_published_arithmetic_gives_this_librarys_losses() -> None:
    """With the same weights and the same views, every term but the likelihood, whose flows are others."""
    bodies = some_bodies(PAPER19, 32)
    ratios = bone_ratios(bodies, torch.tensor([PAPER19.indices(bone) for bone in PAPER19.bones])).mean(0)
    poses = some_poses(PAPER19, 32)
    sizes = {"network": "published", "split": "left_right", "width": 16, "blocks": 2}
    module = lifter_module(bone_ratios=ratios.tolist(), scale=1.0, **sizes)
    module.attach_prior(FlowPriorModule(PAPER19.name, ["left", "right"], 1, 8).flows, poses)
    published = PublishedTraining(PAPER19, 16, 2, 1, 8, ratios, C, sampling=0.2)
    published.lifters.load_state_dict(module.lifter.networks.state_dict())
    torch.manual_seed(0)
    _, ours, _ = module.loss(poses)
    torch.manual_seed(0)
    theirs = published.terms(poses)
    weights = LossWeights()
    for name in set(theirs) - {"likelihood"}:
        torch.testing.assert_close(getattr(weights, name) * ours[name], theirs[name], atol=1e-4, rtol=1e-4)


def test_the_published_step_learns() -> None:
    published = PublishedTraining(PAPER19, 16, 1, 1, 8, torch.ones(len(PAPER19.bones)), C, sampling=0.2)
    before = {name: weight.clone() for name, weight in published.lifters.state_dict().items()}
    assert torch.isfinite(published.step(some_poses(PAPER19, 16)))
    assert all((weight != before[name]).any() for name, weight in published.lifters.state_dict().items())


def test_the_published_step_stays_on_its_device() -> None:
    """On a device that holds no numbers, nothing can be read back, and nothing of the CPU's can be mixed in."""
    ratios = torch.ones(len(PAPER19.bones), device="meta")
    published = PublishedTraining(PAPER19, 16, 1, 1, 8, ratios, C, sampling=0.2)
    assert published.step(torch.empty(16, 19, 2, device="meta")).device.type == "meta"


def test_a_device_that_is_not_here_is_refused() -> None:
    with pytest.raises(InputError, match="--device is tpu; expected cpu"):
        main(["data", "--tiny", "--device", "tpu"])


def test_the_page_of_a_gpu_names_it_and_its_own_rates() -> None:
    """By a description of a GPU, which need not be here."""
    gpu = {"name": "Some GPU", "memory_gib": 79.6, "driver": "555.1"}
    rates = {precision: {"8192 x 8192 x 8192": 400.0} for precision in ("float32", "tf32", "bfloat16")}
    here = {"processor": "Some CPU", "threads": 2, "cores": 4, "torch": "2.11", "gpu": gpu, "products_tflops": rates}
    shown = page(here, 5, [Line("a", "b", "c", 1.0, 2.0)])
    assert "one Some GPU of 80 GiB (driver 555.1) beside Some CPU, 2 of 4 cores, torch 2.11" in shown
    assert "this GPU's matrix products" in shown and "| tf32 | 400.000 |" in shown


def test_the_loop_over_frames_scores_as_the_library_does() -> None:
    truth = 300 * torch.randn(5, 2, 19, 3, dtype=torch.float64)
    predicted = truth + 100 * torch.randn_like(truth)
    predicted[0] *= torch.tensor([-1.0, 1.0, 1.0])
    scene, person = procrustes_loop(predicted.numpy(), truth.numpy())
    found = score(predicted, truth, PAPER19.root_index)
    assert scene == pytest.approx(found["pa_mpjpe_mm"].mean().item())
    assert person == pytest.approx(found["pa_mpjpe_person_mm"].mean().item())


# Use without end ------------------------------------------------------------------------------------------------------


def memory_of(mebibytes: list[float]) -> Memory:
    return Memory(psutil.Process(), [36.0 * number for number in range(len(mebibytes))], mebibytes)


def test_a_leak_is_told_from_memory_that_stays_once_it_is_warm() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 100)
    warm = [100 + 10 * min(number, 10) + noise[number] for number in range(100)]
    slope, low, high = memory_of(warm).growth
    assert low < 0 < high and abs(slope) < 2
    leaking = [value + 0.5 * number for number, value in enumerate(warm)]
    slope, low, high = memory_of(leaking).growth
    assert slope == pytest.approx(50, abs=3) and low > 40


def test_what_is_used_without_end_answers_every_request(capsys: pytest.CaptureFixture[str]) -> None:
    soak.main(["--minutes", "0.05", "--pause", "0"])
    told = json.loads(capsys.readouterr().out)
    assert told["images"] == told["files dropped"] == told["malformed files"] == told["pages"] >= 2
    for name in ("lifting", "the page"):
        assert 50 < told[name]["last_mib"] < 4000 and len(told[name]["growth_mib_an_hour"]) == 3
