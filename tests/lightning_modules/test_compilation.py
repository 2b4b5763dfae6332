"""Compiled losses are those of the code as it is written, with their gradients; nothing else is changed by them."""

import os
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
import torch
from conftest import lifter_module, some_poses
from torch import Tensor
from torch._inductor import config as inductor

from duolift.body.skeleton import PAPER19
from lightning_modules.compilation import AUTO, COMPILATIONS, COMPILED, OFF, Step
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.optimisation import StageModule

SLOW = pytest.mark.skipif(
    "DUOLIFT_SLOW" not in os.environ and not torch.cuda.is_available(),
    reason="a minute of the compiler; DUOLIFT_SLOW=1",
)


def flows(poses: Tensor, **options: Any) -> FlowPriorModule:
    module = FlowPriorModule("paper19", ["whole", "legs"], blocks=1, width=4, **options)
    module.standardise(poses)
    return module


def lifter(poses: Tensor) -> StageModule:
    """A lifter with everything that a step may have."""
    objective: dict[str, Any] = {"mirror": True, "noise": 0.05, "sampling": 0.2, "weights": {"augmentation": 1.0}}
    module = lifter_module(width=4, blocks=1, parts=["whole", "legs"], elevation_bound=1.0, **objective)
    return module.attach_prior(flows(poses).flows, poses)


def step(module: StageModule, poses: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and all gradients of a step; compiled code draws the same random numbers here, and only here."""
    module.on_train_epoch_start()
    torch.manual_seed(1)
    with inductor.patch(fallback_random=True):
        loss = module.training_step(poses, 0)
        module.zero_grad()
        loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])


@pytest.mark.parametrize("kind", ["flows", "lifter"])
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=SLOW)])
def test_compiled_losses_and_gradients_are_those_of_the_code(
    kind: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = some_poses(PAPER19, 8)
    torch._dynamo.reset()
    if backend != "inductor":  # takes the code apart as `inductor` does, in one piece, but writes no other
        whole = partial(torch.compile, backend=backend, fullgraph=True)
        monkeypatch.setattr(torch, "compile", lambda losses, mode, dynamic: whole(losses, dynamic=dynamic))
    module = flows(poses, noise=0.04, mirror=True, sampling=0.2) if kind == "flows" else lifter(poses)
    names = [*module.state_dict()]
    expected, gradient = step(module, poses)
    found, compiled = step(module.compiled("reduce-overhead"), poses)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert (compiled - gradient).norm() < 1e-5 * gradient.norm()
    assert [*module.state_dict()] == names
    torch.testing.assert_close(step(module.compiled("off"), poses)[0], expected, rtol=0, atol=0)


def test_every_way_to_compile_is_known_to_torch() -> None:
    assert set(COMPILED) < {*torch._inductor.list_mode_options(), "default"}
    assert {AUTO, OFF, *COMPILED} == {*COMPILATIONS}


@pytest.mark.parametrize("kind", ["flows", "lifter"])
def test_on_a_cpu_there_are_no_graphs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cuda, "make_graphed_callables")
    poses = some_poses(PAPER19, 8)
    module = flows(poses, noise=0.04) if kind == "flows" else lifter(poses)
    for found, expected in zip(step(module.compiled(AUTO), poses), step(module.compiled(OFF), poses), strict=True):
        assert torch.equal(found, expected)


def test_what_is_captured_has_the_trained_parameters_and_one_output_with_gradients() -> None:
    poses = some_poses(PAPER19, 8)
    module = lifter(poses)
    captured = Step(module, module.losses)
    loss, values = captured(poses)
    trained = [parameter for parameter in captured.parameters() if parameter.requires_grad]
    assert trained and all(a is b for a, b in zip(trained, module.lifter.parameters(), strict=True))
    assert loss.requires_grad and values and not any(value.requires_grad for value in values.values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("kind", ["flows", "lifter"])
def test_graphs_give_what_the_code_gives_with_new_batches_new_weights_and_new_places(kind: str) -> None:
    poses, others = some_poses(PAPER19, 16).cuda().chunk(2)
    module = flows(poses.cpu(), noise=0.04, mirror=True, sampling=0.2) if kind == "flows" else lifter(poses.cpu())
    module.cuda()

    def check(batch: Tensor) -> None:
        for found, expected in zip(step(replayed, batch), step(module.compiled(OFF), batch), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)

    replayed = deepcopy(module).compiled(AUTO)
    check(poses)
    check(others)
    with torch.no_grad():
        for one, other in zip(module.parameters(), replayed.parameters(), strict=True):
            one.mul_(0.9)
            other.mul_(0.9)
    check(poses)
    replayed.cpu().cuda()
    check(others)
