"""The protocols by which the field scores 3D poses: pure functions, each defined once, with its source.

A protocol is two steps. First a prediction is brought to the truth, by one of the functions `at_root`, `scaled`,
`procrustes` or by none of them. Then the distances of its joints (`joint_errors`) become a number: their mean, the
share of them below a threshold (`pck`), or that share over a range of thresholds (`auc`). Of videos, what is compared
is how joints move (`velocity_errors`, `acceleration_errors`); of several people, where they are (`root_errors`).

Poses are `(..., joint, 3)`, in millimetres; where a scale is estimated, predictions may be in any unit. A pose that has
no size has no scale, and is put where the truth's root, or its middle, is. What a table shows of each is in
`duolift.metrics.table`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from duolift.geometry.alignment import align, check_points

PCK_MM = 150.0
"""A joint that is nearer to its truth counts as found: about half the size of a head (Mehta et al. 2017)."""

AUC_MM = tuple(range(0, 151, 5))
"""Thresholds of the area under the curve, as MPI-INF-3DHP's own evaluation has them. That of 0 is among them, which no
joint is below, so that a prediction without any error has 96.8 %."""


# From a prediction to the truth ---------------------------------------------------------------------------------------


def at_root(predicted: Tensor, truth: Tensor, root: int) -> Tensor:
    """The prediction moved so that its root is the truth's: what MPJPE, "protocol 1", compares.

    Ionescu et al., "Human3.6M: Large Scale Datasets and Predictive Methods for 3D Human Sensing in Natural
    Environments", TPAMI 2014, https://doi.org/10.1109/TPAMI.2013.248.

    Args:
        predicted, truth: (..., joint, 3).
        root: index of the root joint.

    Raises:
        ValueError: arrays of different shapes, or not of points in 3D.

    >>> at_root(torch.tensor([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), torch.ones(2, 3), root=0)
    tensor([[1., 1., 1.],
            [1., 3., 1.]])
    """
    check_points(predicted, truth)
    return predicted - _joint(predicted, root) + _joint(truth, root)


def scaled(predicted: Tensor, truth: Tensor, root: int) -> Tensor:
    """The prediction moved so that its root is the truth's, and scaled about it to the least squared distance: N-MPJPE.

    Rhodin et al., "Unsupervised Geometry-Aware Representation for 3D Human Pose Estimation", ECCV 2018,
    https://arxiv.org/abs/1804.01110. The scale may be negative, for a prediction that is worse than none.

    Arguments and errors as of `at_root`.

    >>> scaled(torch.tensor([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0], [0.0, 700.0, 0.0]]), 0)
    tensor([[  0.,   0.,   0.],
            [  0., 700.,   0.]])
    """
    check_points(predicted, truth)
    here, there = predicted - _joint(predicted, root), truth - _joint(truth, root)
    spread = here.square().sum((-2, -1), keepdim=True)
    scale = (here * there).sum((-2, -1), keepdim=True) / spread.clamp(min=torch.finfo(spread.dtype).tiny)
    return scale * here + _joint(truth, root)


def procrustes(predicted: Tensor, truth: Tensor, reflection: bool = False) -> Tensor:
    """The prediction moved by the similarity that brings it closest to the truth: PA-MPJPE, "protocol 2".

    Some evaluations let the similarity be a reflection, so that the mirrored pose scores as well as the pose. Those of
    ElePose and LInKs do; every table names that apart.

    Args:
        predicted, truth: (..., joint, 3).
        reflection: whether a reflection is allowed.

    Raises:
        ValueError: arrays of different shapes, or not of points in 3D.

    >>> truth = torch.tensor([[0.0, 0.0, 0.0], [700.0, 0.0, 0.0], [0.0, 400.0, 0.0], [0.0, 0.0, 200.0]])
    >>> mirrored = truth * torch.tensor([1.0, 1.0, -1.0]) / 700
    >>> [round(joint_errors(procrustes(mirrored, truth, which), truth).mean().item(), 1) for which in (False, True)]
    [109.9, 0.0]
    """
    moved = align(predicted, truth)
    if not reflection:
        return moved
    mirrored = align(predicted * predicted.new_tensor([1.0, 1.0, -1.0]), truth)
    squares, others = ((some - truth).square().sum((-2, -1), keepdim=True) for some in (moved, mirrored))
    return torch.where(others < squares, mirrored, moved)


# From distances to a number -------------------------------------------------------------------------------------------


def joint_errors(predicted: Tensor, truth: Tensor) -> Tensor:
    """The distance of every joint from its truth: (..., joint, 3) -> (..., joint). Errors as of `at_root`.

    >>> joint_errors(torch.zeros(2, 3), torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]))
    tensor([5., 1.])
    """
    check_points(predicted, truth)
    return (predicted - truth).norm(dim=-1)


def pck(errors: Tensor, threshold: float = PCK_MM) -> Tensor:
    """Which joints count as found: 100 where the error is below the threshold, else 0; the mean is the PCK in percent.

    Mehta et al., "Monocular 3D Human Pose Estimation In The Wild Using Improved CNN Supervision", 3DV 2017,
    https://arxiv.org/abs/1611.09813. Of errors about the root it is 3DPCK, of those of absolute positions PCK_abs.

    Args:
        errors: (..., joint), millimetres. Infinity for the joints of people who were not found.

    >>> pck(torch.tensor([20.0, 149.9, 150.0, torch.inf])).mean()
    tensor(50.)
    """
    return 100.0 * (errors < threshold).to(errors.dtype)


def auc(errors: Tensor, thresholds: Sequence[float] = AUC_MM) -> Tensor:
    """The mean of `pck` over thresholds, percent: the area under the curve. Source and arguments as of `pck`.

    >>> auc(torch.tensor([0.0, 76.0, 150.0])).round(decimals=1)
    tensor([96.8000, 48.4000,  0.0000])
    """
    return torch.stack([pck(errors, threshold) for threshold in thresholds]).mean(0)


# Videos ---------------------------------------------------------------------------------------------------------------


def velocity_errors(predicted: Tensor, truth: Tensor) -> Tensor:
    """How far the movement of joints from frame to frame is off, millimetres a frame; the mean is the MPJVE.

    Pavllo et al., "3D Human Pose Estimation in Video With Temporal Convolutions and Semi-Supervised Training", CVPR
    2019, https://arxiv.org/abs/1811.11742.

    Args:
        predicted, truth: (frame, ..., joint, 3), of consecutive frames, each brought to its truth.

    Returns:
        (frame - 1, ..., joint).

    >>> velocity_errors(torch.zeros(3, 1, 3), torch.tensor([[[0.0, 0.0, 0.0]], [[3.0, 4.0, 0.0]], [[3.0, 4.0, 0.0]]]))
    tensor([[5.],
            [0.]])
    """
    check_points(predicted, truth)
    return (predicted - truth).diff(dim=0).norm(dim=-1)


def acceleration_errors(predicted: Tensor, truth: Tensor) -> Tensor:
    """How far the acceleration of joints is off, millimetres a frame squared; the mean is the acceleration error.

    Kanazawa et al., "Learning 3D Human Dynamics from Video", CVPR 2019, https://arxiv.org/abs/1812.01601.

    Args:
        predicted, truth: as of `velocity_errors`.

    Returns:
        (frame - 2, ..., joint).

    >>> truth = torch.tensor([[[0.0, 0.0, 0.0]], [[3.0, 4.0, 0.0]], [[3.0, 4.0, 0.0]]])
    >>> acceleration_errors(torch.zeros(3, 1, 3), truth)
    tensor([[5.]])
    """
    check_points(predicted, truth)
    return (predicted - truth).diff(n=2, dim=0).norm(dim=-1)


# Several people -------------------------------------------------------------------------------------------------------


def root_errors(predicted: Tensor, truth: Tensor, root: int) -> Tensor:
    """How far people's roots are from where they are; the mean over people is the MRPE, or root error.

    Moon et al., "Camera Distance-aware Top-down Approach for 3D Multi-person Pose Estimation from a Single RGB Image",
    ICCV 2019, https://arxiv.org/abs/1907.11346.

    Args:
        predicted, truth: (..., joint, 3), in the camera's frame, millimetres: nothing is aligned.
        root: index of the root joint.

    Returns:
        (...).

    >>> root_errors(torch.zeros(2, 3), torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]), root=0)
    tensor(5.)
    """
    check_points(predicted, truth)
    return (predicted[..., root, :] - truth[..., root, :]).norm(dim=-1)


def _joint(poses: Tensor, joint: int) -> Tensor:
    return poses[..., joint : joint + 1, :]
