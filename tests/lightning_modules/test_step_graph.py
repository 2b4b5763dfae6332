"""A captured step does what the step does, with every batch; an optimiser can be part of it, wherever it comes from."""

from typing import Any

import pytest
import torch
from conftest import lifter_module, some_poses, trainer
from torch import Tensor, nn

from duolift.body.skeleton import PAPER19
from lightning_modules.compilation import AUTO
from lightning_modules.step_graph import WARM_UP, StepGraph, at_home

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def adam(device: str) -> torch.optim.Adam:
    weights = nn.Parameter(torch.ones(3, device=device))
    weights.grad = torch.ones(3, device=device)
    optimiser = torch.optim.Adam([weights], 0.1, fused=True)
    at_home(optimiser, torch.device(device))
    optimiser.step()
    return optimiser


def state(optimiser: torch.optim.Optimizer) -> list[Any]:
    return [
        value.tolist() if isinstance(value, Tensor) else value
        for kept in optimiser.state.values()
        for value in kept.values()
    ]


def test_on_a_cpu_an_optimiser_is_as_torch_makes_it() -> None:
    optimiser = adam("cpu")
    assert optimiser.param_groups[0]["lr"] == 0.1 and not optimiser.param_groups[0]["capturable"]


def test_an_optimiser_from_a_gpu_goes_on_on_a_cpu() -> None:
    content = adam("cpu").state_dict()
    content["param_groups"][0] |= {"lr": torch.tensor(0.1), "capturable": True}  # as one that was on a GPU has them
    expected, found = adam("cpu"), adam("cpu")
    found.load_state_dict(content)
    at_home(found, torch.device("cpu"))
    for optimiser in (expected, found):
        optimiser.step()
    assert found.param_groups[0]["lr"] == pytest.approx(0.1) and isinstance(found.param_groups[0]["lr"], float)
    assert state(found) == state(expected)


def test_on_a_cpu_no_step_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cuda, "CUDAGraph")
    poses = some_poses(PAPER19, 16)
    module = lifter_module(width=8, blocks=1, weights={"likelihood": 0.0}).compiled(AUTO)
    run = trainer(2)
    run.fit(module, torch.utils.data.DataLoader(poses, 4))  # type: ignore[arg-type]
    assert run.global_step == 8


@GPU
def test_an_optimiser_goes_from_a_cpu_to_a_gpu_and_back() -> None:
    there = adam("cuda")
    there.load_state_dict(adam("cpu").state_dict())
    at_home(there, torch.device("cuda"))
    there.step()
    back = adam("cpu")
    back.load_state_dict(there.state_dict())
    at_home(back, torch.device("cpu"))
    back.step()
    (expected,) = adam("cpu").param_groups[0]["params"]
    (found,) = there.param_groups[0]["params"]
    torch.testing.assert_close(found.cpu(), expected - 0.1, rtol=1e-5, atol=1e-5)


@GPU
def test_a_graph_steps_as_the_code_does_with_every_batch_and_learning_rate() -> None:
    batches = torch.randn(8, 2, 5, device="cuda")
    ends = []
    for graph in (None, StepGraph()):
        weights = nn.Parameter(torch.zeros(5, device="cuda"))
        optimiser = torch.optim.Adam([weights], 0.1, fused=True)
        at_home(optimiser, weights.device)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5**step)

        def step(batch: Tensor) -> None:
            optimiser.zero_grad()  # noqa: B023
            noise = torch.rand(2, 5, device="cuda")
            ((weights - batch - noise) ** 2).sum().backward()  # noqa: B023
            optimiser.step()  # noqa: B023

        torch.manual_seed(0)
        for number, batch in enumerate(batches):
            if graph is None:
                step(batch)
            else:
                graph.take(batch)
                graph.run(lambda: step(graph.batch))  # noqa: B023
                assert graph.captured == (number >= WARM_UP)
            schedule.step()
        ends.append(weights.detach().clone())
    assert torch.equal(*ends)
