"""Compiled losses are those of the code as it is written, with their gradients; nothing else is changed by them."""

import os
from functools import partial
from typing import Any

import pytest
import torch
from conftest import lifter_module, some_poses
from torch import Tensor
from torch._inductor import config as inductor

from duolift.body.skeleton import PAPER19
from lightning_modules.compilation import AUTO, COMPILATIONS, COMPILED, OFF
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.optimisation import StageModule

SLOW = pytest.mark.skipif("DUOLIFT_SLOW" not in os.environ, reason="a minute of the compiler; DUOLIFT_SLOW=1")


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


@pytest.mark.slow
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
