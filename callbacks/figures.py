"""Pictures, as functions from data to a matplotlib figure."""

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from duolift.skeleton import Skeleton

SIDE_COLOURS = {"left": "#d1495b", "right": "#00798c"}
MIDLINE_COLOUR = "#444444"


def bone_colour(joint: str) -> str:
    """Left and right limbs differ at a glance, whoever they belong to."""
    side = joint.rpartition(".")[2].partition("_")[0]
    return SIDE_COLOURS.get(side, MIDLINE_COLOUR)


def pose_grid(poses: Tensor, skeleton: Skeleton, columns: int = 8, joints: list[int] | None = None) -> Figure:
    """2D poses (pose, joint, 2) side by side, left limbs red and right limbs blue.

    Args:
        joints: only bones between these are drawn; None draws all.
    """
    shown = set(range(len(skeleton)) if joints is None else joints)
    bones = [
        (child, parent) for child, parent in skeleton.bones if {skeleton.index(child), skeleton.index(parent)} <= shown
    ]
    points = poses.detach().cpu().numpy()
    rows = -(-len(points) // columns)
    figure = Figure(figsize=(1.5 * columns, 1.9 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis, pose in zip(axes.flat, points, strict=False):
        for child, parent in bones:
            ends = pose[[skeleton.index(child), skeleton.index(parent)]]
            axis.plot(ends[:, 0], ends[:, 1], color=bone_colour(child), linewidth=2)
    for axis in axes.flat:
        axis.set_aspect("equal")
        axis.axis("off")
    axes[0, 0].invert_yaxis()
    limit = float(np.quantile(np.abs(points), 0.999)) * 1.1
    axes[0, 0].set(xlim=(-limit, limit), ylim=(limit, -limit))
    return figure
