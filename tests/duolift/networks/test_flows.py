"""Every flow: a density of 2D poses with an inverse, that can be learned, stored and sampled."""

import io
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import CHI3D25, PAPER19, Skeleton
from duolift.networks.flows import CouplingBlock, PoseFlow, random_rotation

POINT = Skeleton.person("point", ["pelvis", "head_top"])
LINE = Skeleton.person("line", ["pelvis", "spine", "head_top"])
FLOWS = [(PAPER19, part) for part in PAPER19.parts] + [(CHI3D25, "torso"), (PAPER19.pair(), "whole"), (POINT, "whole")]
EVERY_FLOW = pytest.mark.parametrize(
    ("skeleton", "part"), FLOWS, ids=[f"{skeleton.name}-{part}" for skeleton, part in FLOWS]
)


def untrained(skeleton: Skeleton, part: str, scatter: float = 0.1) -> PoseFlow:
    """A flow whose parameters are random instead of the identity's."""
    flow = PoseFlow(skeleton, part, blocks=3, width=16, clamp=1.5)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=scatter)
    flow.standardise(0.3 + 2 * torch.randn(500, len(skeleton), 2))
    return flow


def centred(skeleton: Skeleton, *batch: int, dtype: torch.dtype = torch.float32) -> Tensor:
    poses = torch.randn(*batch, len(skeleton), 2, dtype=dtype)
    return poses - poses[..., skeleton.root_index, None, :]


@EVERY_FLOW
def test_log_prob_is_one_number_a_pose_whatever_the_batch(skeleton: Skeleton, part: str) -> None:
    flow, poses = untrained(skeleton, part), centred(skeleton, 3, 4)
    together = flow.log_prob(poses)
    assert together.shape == (3, 4)
    loop = [[flow.log_prob(poses[i, j]) for j in range(4)] for i in range(3)]
    torch.testing.assert_close(together, torch.stack([torch.stack(row) for row in loop]))


@EVERY_FLOW
def test_every_parameter_has_a_gradient(skeleton: Skeleton, part: str) -> None:
    flow = untrained(skeleton, part)
    flow.log_prob(centred(skeleton, 5)).mean().backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


@EVERY_FLOW
def test_inverse_undoes_the_flow_and_its_determinant(skeleton: Skeleton, part: str) -> None:
    flow = untrained(skeleton, part).double()
    x = torch.randn(6, flow.dimensions, dtype=torch.float64)
    z, log_det = flow.flow._transform(x)
    back, inverse_log_det = flow.flow._transform.inverse(z)
    assert (z - x).abs().mean() > 0.1
    torch.testing.assert_close(back, x, atol=1e-5, rtol=0)
    torch.testing.assert_close(inverse_log_det, -log_det, atol=1e-5, rtol=0)


@EVERY_FLOW
def test_log_prob_is_the_change_of_variables_with_autograds_jacobian(skeleton: Skeleton, part: str) -> None:
    flow = untrained(skeleton, part).double()
    poses = centred(skeleton, 2, dtype=torch.float64)
    joints = [j for j in skeleton.part(part) if j != skeleton.root_index]
    for pose in poses:
        x = pose[joints].flatten()
        jacobian = torch.autograd.functional.jacobian(lambda x: flow.flow._transform(x[None])[0][0], x)
        z = flow.flow._transform(x[None])[0][0]
        expected = -0.5 * (z @ z + len(z) * math.log(2 * math.pi)) + torch.linalg.slogdet(jacobian).logabsdet
        torch.testing.assert_close(flow.log_prob(pose[None])[0], expected, atol=1e-5, rtol=1e-6)


@EVERY_FLOW
def test_only_the_parts_joints_and_never_the_root_influence_the_density(skeleton: Skeleton, part: str) -> None:
    flow, poses = untrained(skeleton, part), centred(skeleton, 4).requires_grad_()
    flow.log_prob(poses).sum().backward()
    assert poses.grad is not None
    seen = set(poses.grad.abs().amax((0, 2)).nonzero().flatten().tolist())
    assert seen == set(skeleton.part(part)) - {skeleton.root_index}


@EVERY_FLOW
def test_samples_and_perturbed_poses(skeleton: Skeleton, part: str) -> None:
    flow, poses = untrained(skeleton, part), centred(skeleton, 40)
    joints = [j for j in skeleton.part(part) if j != skeleton.root_index]
    others = [j for j in range(len(skeleton)) if j not in joints]
    samples, same, near, far = flow.sample(40), *(flow.perturb(poses, strength) for strength in (0.0, 0.01, 0.2))
    for result in (samples, same, near, far):
        assert result.shape == poses.shape
        assert result[:, others].abs().sum() == 0
        assert not result.requires_grad
    torch.testing.assert_close(same[:, joints], poses[:, joints], atol=1e-4, rtol=1e-4)
    moved_near, moved_far = ((result - poses)[:, joints].norm() for result in (near, far))
    assert 0 < 4 * moved_near < moved_far


def test_perturbing_scales_the_noise_of_the_latent() -> None:
    """With the identity's flow the latent is the pose: `x' = x (1 + strength eps)`, eps ~ N(0, 1)."""
    flow = PoseFlow(PAPER19, "whole", blocks=0, width=4, clamp=1.0)
    poses = centred(PAPER19, 500)
    ratio = (flow.perturb(poses, 0.3) / poses)[:, 1:].flatten()
    assert ratio.mean().item() == pytest.approx(1, abs=0.02)
    assert ratio.std().item() == pytest.approx(0.3, abs=0.02)


def test_samples_follow_the_density() -> None:
    """The mean log-density of a flow's own samples is minus its entropy: that of its base less its log-volume."""
    flow = untrained(LINE, "whole", scatter=0.4)
    samples = flow.sample(20_000)
    z, log_det = flow.flow._transform(flow._flatten(samples))
    assert z.mean(0).abs().max() < 0.05
    assert (z.std(0) - 1).abs().max() < 0.05
    entropy = 0.5 * flow.dimensions * math.log(2 * math.pi * math.e) - log_det.mean()
    torch.testing.assert_close(-flow.log_prob(samples).mean(), entropy, atol=0.05, rtol=0)


def test_standardising_gives_mean_0_and_deviation_1_and_survives_a_constant_joint() -> None:
    flow, poses = PoseFlow(PAPER19, "legs", 0, 4, 1.0), 5 + 3 * centred(PAPER19, 1000)
    poses[:, PAPER19.index("left_hip")] = 7
    flow.standardise(poses)
    z = flow.flow.transform_to_noise(flow._flatten(poses)).unflatten(-1, (-1, 2))
    constant = PAPER19.part("legs").index(PAPER19.index("left_hip")) - 1  # the root is left out
    torch.testing.assert_close(z.mean(0), torch.zeros(6, 2), atol=1e-4, rtol=0)
    expected = torch.ones(6, 2)
    expected[constant] = 0
    torch.testing.assert_close(z.std(0), expected, atol=1e-4, rtol=0)


def test_a_stored_flow_gives_the_same_density() -> None:
    flow, other, poses = untrained(PAPER19, "left"), untrained(PAPER19, "left"), centred(PAPER19, 8)
    assert not torch.allclose(flow.log_prob(poses), other.log_prob(poses))
    file = io.BytesIO()
    torch.save(flow.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(flow.log_prob(poses), other.log_prob(poses))


def test_the_scale_can_grow_and_shrink_up_to_the_clamp() -> None:
    block = CouplingBlock(4, width=8, clamp=2.0, rotation=torch.eye(4))
    changes = []
    for raw in (-100.0, 0.0, 100.0):
        torch.nn.init.constant_(list(block.subnet.parameters())[-1][:2], raw)
        changes.append((block(torch.ones(1, 4))[0][0, 2:]).tolist())
    assert changes == [pytest.approx([math.exp(log)] * 2) for log in (-2, 0, 2)]


@pytest.mark.parametrize("dimensions", [2, 5, 36])
def test_random_rotations_are_rotations(dimensions: int) -> None:
    for rotation in (random_rotation(dimensions) for _ in range(10)):
        torch.testing.assert_close(rotation @ rotation.mT, torch.eye(dimensions), atol=1e-5, rtol=0)
        assert torch.linalg.det(rotation).item() == pytest.approx(1, abs=1e-4)


def correlated(count: int) -> tuple[Tensor, float]:
    """A Gaussian of spreads from 0.1 to 5, correlated; its samples and its entropy in nats."""
    factor = torch.diag(torch.tensor([0.1, 0.5, 2.0, 5.0])) + 0.3 * torch.ones(4, 4).tril(-1)
    entropy = 2 * math.log(2 * math.pi * math.e) + torch.linalg.slogdet(factor).logabsdet.item()
    return torch.randn(count, 4) @ factor.mT, entropy


def conditional(count: int) -> tuple[Tensor, float]:
    """y | x is 4 times as wide as a unit Gaussian where x > 0 and 1/4 as wide elsewhere: the scale must do both."""
    x = torch.randn(count, 2)
    width = torch.where(x > 0, 4.0, 0.25)
    return torch.cat([x, width * torch.randn(count, 2)], dim=-1), 2 * math.log(2 * math.pi * math.e)


@pytest.mark.slow
@pytest.mark.parametrize(("density", "tolerance"), [(correlated, 0.05), (conditional, 0.2)])
def test_training_approaches_the_true_entropy(density: Callable[[int], tuple[Tensor, float]], tolerance: float) -> None:
    def poses(count: int) -> tuple[Tensor, float]:
        samples, entropy = density(count)
        return torch.cat([torch.zeros(count, 1, 2), samples.unflatten(-1, (2, 2))], dim=1), entropy

    flow = PoseFlow(LINE, "whole", blocks=3, width=32, clamp=2.0)
    optimiser = torch.optim.Adam(flow.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 300)
    for _ in range(300):
        optimiser.zero_grad()
        (-flow.log_prob(poses(512)[0]).mean()).backward()
        optimiser.step()
        schedule.step()
    fresh, entropy = poses(20_000)
    loss = -flow.log_prob(fresh).mean().item()
    assert loss == pytest.approx(entropy, abs=tolerance)
