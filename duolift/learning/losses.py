"""The loss terms of ElePose and LInKs, one pure function each; every one is a mean over the batch."""

from torch import Tensor

ELEVATION_WEIGHT = 10.0
"""A squared radian of elevation weighs as much as so many head lengths of the whole pose."""

SMALLEST = 1e-6
"""Mean bone length that nobody falls below, in whatever unit."""


def reprojection(poses: Tensor, back: Tensor) -> Tensor:
    """L1 distance between input and cycled 2D poses `(..., joint, 2)`, summed over the pose."""
    return (poses - back).abs().sum((-1, -2)).mean()


def consistency(turned: Tensor, relifted: Tensor) -> Tensor:
    """L2 distance between the turned and the re-lifted pose `(..., joint, 3)`, over the whole pose."""
    return _norm(turned - relifted).mean()


def deformation(body: Tensor, returned: Tensor) -> Tensor:
    """How much the difference between two poses of the batch changes over the cycle.

    Poses `(..., batch, joint, 3)` are paired with their neighbour; a batch of one has no pairs and scores 0.
    """
    before, after = (
        poses[..., 1::2, :, :] - poses[..., : poses.shape[-3] // 2 * 2 : 2, :, :] for poses in (body, returned)
    )
    return _norm(before - after).mean() if before.numel() else body.new_zeros(())


def bone_ratios(body: Tensor, bones: Tensor) -> Tensor:
    """Bone lengths over their mean: poses (..., joint, 3), bones (bone, 2) -> (..., bone)."""
    lengths = (body[..., bones[:, 0], :] - body[..., bones[:, 1], :]).norm(dim=-1)
    return lengths / lengths.mean(dim=-1, keepdim=True).clamp(min=SMALLEST)


def bone_prior(body: Tensor, bones: Tensor, ratios: Tensor) -> Tensor:
    """Squared deviation of the bones' ratios from fixed ones (bone,), summed over the bones."""
    return (bone_ratios(body, bones) - ratios).square().sum(-1).mean()


def known(body: Tensor, target: Tensor, theta: Tensor, target_theta: Tensor) -> dict[str, Tensor]:
    """How far bodies (..., joint, 3) and elevations (...) are from known ones: two terms, to be added as they are."""
    elevation = ELEVATION_WEIGHT * (theta - target_theta).square().mean()
    return {"pose": consistency(target, body), "elevation": elevation}


def _norm(difference: Tensor) -> Tensor:
    """L2 norm over joints and axes, with a gradient at zero."""
    return (difference.square().sum((-1, -2)) + 1e-12).sqrt()
