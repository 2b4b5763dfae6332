"""Level axes: one definition for NumPy and PyTorch, with finite gradients for cameras that look straight down too."""

import numpy as np
import pytest
import torch

from duolift.geometry.level import VERTICAL, level_axes
from duolift.geometry.rotations import levelling
from duolift.scene import world_axes

STRAIGHT = {"down": (0.0, 0.0, -1.0), "up": (0.0, 0.0, 1.0)}
"""Where a camera looks -> the up vector in its coordinates."""


def random_up(count: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(count, 3, dtype=torch.float64), dim=-1)


def test_arrays_and_tensors_have_the_same_axes_as_scenes() -> None:
    up = torch.cat([random_up(100), torch.tensor([*STRAIGHT.values()], dtype=torch.float64)])
    levels = levelling(up).numpy()
    np.testing.assert_allclose(level_axes(up.numpy(), np), levels, atol=1e-12)
    np.testing.assert_allclose(world_axes(up.numpy()), levels * [[1], [-1], [-1]], atol=1e-12)
    np.testing.assert_allclose(world_axes(3 * up.numpy()), world_axes(up.numpy()), atol=1e-12)


@pytest.mark.parametrize("up", STRAIGHT.values(), ids=STRAIGHT)
@pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("tilt", [0.0, 1e-12, 0.1 * VERTICAL, 10 * VERTICAL, 1e-3])
def test_a_camera_that_looks_straight_up_or_down_has_axes_and_finite_gradients(
    up: tuple[float, float, float], kind: torch.dtype, tilt: float
) -> None:
    vertical = torch.tensor(up, dtype=kind) + tilt * torch.tensor([0.6, 0.8, 0.0], dtype=kind)
    vertical = torch.nn.functional.normalize(vertical, dim=-1).requires_grad_()
    axes = levelling(vertical)
    torch.testing.assert_close(axes @ axes.mT, torch.eye(3, dtype=kind), atol=1e-5, rtol=0)
    assert torch.linalg.det(axes).item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(axes @ vertical, torch.tensor([0.0, -1.0, 0.0], dtype=kind), atol=1e-5, rtol=0)
    if tilt < VERTICAL:
        assert axes[0].tolist() == [1, 0, 0], "its own x axis"
    axes.square().sum().backward()
    assert vertical.grad is not None and torch.isfinite(vertical.grad).all()
    (gradient,) = torch.autograd.grad(levelling(vertical)[2].sum(), vertical)
    assert torch.isfinite(gradient).all()


def test_gradients_are_those_of_finite_differences() -> None:
    assert torch.autograd.gradcheck(levelling, random_up(10).requires_grad_())


def test_vertical_and_other_cameras_share_a_batch() -> None:
    up = torch.stack([torch.tensor(STRAIGHT["down"]).double(), *random_up(3)]).requires_grad_()
    levelling(up).sum().backward()
    assert up.grad is not None and torch.isfinite(up.grad).all()
    for one, axes in zip(up, levelling(up), strict=True):
        torch.testing.assert_close(levelling(one), axes)
