"""The loss terms of ElePose (https://arxiv.org/abs/2112.07088) and LInKs (https://arxiv.org/abs/2309.07243), one pure
function each; every one is a mean over the batch. `duolift.learning.cycle.Cycle` has what they compare.
"""

from torch import Tensor

ELEVATION_WEIGHT = 10.0
"""How many head lengths of the whole pose a squared radian of elevation weighs in `known`. No study varies
it."""

SMALLEST_LENGTH = 1e-6
"""Mean bone lengths are taken to be at least this, in any unit, so that a pose of one point has finite ratios."""


def reprojection(poses: Tensor, back: Tensor) -> Tensor:
    """L1 distance between input and cycled 2D poses (..., joint, 2), summed over the pose.

    >>> import torch
    >>> reprojection(torch.zeros(5, 19, 2), torch.full((5, 19, 2), 0.1))  # 38 coordinates, each off by 0.1
    tensor(3.8000)
    """
    return (poses - back).abs().sum((-1, -2)).mean()


def consistency(turned: Tensor, relifted: Tensor) -> Tensor:
    """L2 distance between the turned and the relifted poses (..., joint, 3), over the whole pose.

    >>> import torch
    >>> consistency(torch.zeros(5, 4, 3), torch.ones(5, 4, 3))  # sqrt(12)
    tensor(3.4641)
    """
    return _norm(turned - relifted).mean()


def deformation(body: Tensor, returned: Tensor) -> Tensor:
    """How much the difference between two poses of the batch changes over the cycle.

    >>> import torch
    >>> bodies = torch.randn(6, 19, 3)
    >>> round(deformation(bodies, bodies + 1.0).item(), 3)  # the same change of all poses is no deformation
    0.0

    Args:
        body, returned: (..., batch, joint, 3). Each pose of the batch is paired with its neighbour; a batch of one has
            no pairs, and scores 0.
    """
    before, after = (  # second of each pair minus the first, (..., pair, joint, 3); an odd pose at the end is left out
        poses[..., 1::2, :, :] - poses[..., : poses.shape[-3] // 2 * 2 : 2, :, :] for poses in (body, returned)
    )
    return _norm(before - after).mean() if before.numel() else body.new_zeros(())


def bone_ratios(body: Tensor, bones: Tensor) -> Tensor:
    """Bone lengths over their mean.

    >>> import torch
    >>> body = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 3.0, 0.0]])
    >>> bone_ratios(body, bones=torch.tensor([[1, 0], [2, 1]]))
    tensor([0.5000, 1.5000])

    Args:
        body: (..., joint, 3).
        bones: (bone, 2), indices of the joints at both ends.

    Returns:
        (..., bone).
    """
    lengths = (body[..., bones[:, 0], :] - body[..., bones[:, 1], :]).norm(dim=-1)
    return lengths / lengths.mean(dim=-1, keepdim=True).clamp(min=SMALLEST_LENGTH)


def bone_prior(body: Tensor, bones: Tensor, ratios: Tensor) -> Tensor:
    """Squared deviation of the bones' ratios from fixed ones (bone,), summed over the bones.

    >>> import torch
    >>> body = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 3.0, 0.0]])
    >>> bone_prior(body, torch.tensor([[1, 0], [2, 1]]), ratios=torch.ones(2))
    tensor(0.5000)
    """
    return (bone_ratios(body, bones) - ratios).square().sum(-1).mean()


def elevation_prior(theta: Tensor, mean: float, deviation: float) -> Tensor:
    """How unlike a known distribution the elevations (batch,) of a batch are: KL divergence of Gaussians, in nats.

    >>> import torch
    >>> elevations = torch.tensor([-0.3, 0.1])  # mean -0.1, deviation 0.2
    >>> round(elevation_prior(elevations, mean=-0.1, deviation=0.2).item(), 4)
    0.0
    >>> round(elevation_prior(elevations + 0.2, mean=-0.1, deviation=0.2).item(), 4)  # one deviation away
    0.5

    Args:
        mean, deviation: of the known distribution, radians.
    """
    variance = theta.var(correction=0).clamp(min=1e-8) / deviation**2
    return 0.5 * (variance + ((theta.mean() - mean) / deviation).square() - 1 - variance.log())


def known(body: Tensor, target: Tensor, theta: Tensor, target_theta: Tensor) -> dict[str, Tensor]:
    """How far bodies and elevations are from known ones: two terms, to be added as they are.

    >>> import torch
    >>> bodies, elevations = torch.zeros(5, 19, 3), torch.zeros(5)
    >>> known(bodies, bodies, elevations, elevations + 0.1)
    {'pose': tensor(1.0000e-06), 'elevation': tensor(0.1000)}

    Args:
        body, target: (..., joint, 3), head lengths.
        theta, target_theta: (...), radians.
    """
    elevation = ELEVATION_WEIGHT * (theta - target_theta).square().mean()
    return {"pose": consistency(target, body), "elevation": elevation}


def _norm(difference: Tensor) -> Tensor:
    """L2 norm over joints and axes, with a gradient at zero."""
    return (difference.square().sum((-1, -2)) + 1e-12).sqrt()
