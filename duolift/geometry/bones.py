"""How long bones are, in an image or in space."""

from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.constants import constant


def bone_lengths(points: Tensor, skeleton: Skeleton) -> Tensor:
    """Lengths (..., bone) of the bones between points (..., joint, 2|3), in their unit and the skeleton's order.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> points = torch.zeros(5, 19, 2)
    >>> points[:, PAPER19.index("left_ankle"), 1] = 0.5
    >>> bone_lengths(points, PAPER19)[0, PAPER19.bones.index(("left_ankle", "left_knee"))]
    tensor(0.5000)
    """
    children, parents = (constant(tuple(ends), points.device) for ends in skeleton.bone_ends)
    return (points[..., children, :] - points[..., parents, :]).norm(dim=-1)


def either_side(skeleton: Skeleton) -> list[int]:
    """For every bone, the lower index of it and its mirror image's: what is indexed so is the same left and right.

    >>> from duolift.body.skeleton import PAPER19
    >>> sides = dict(zip(PAPER19.bones, either_side(PAPER19)))
    >>> sides["left_ankle", "left_knee"] == sides["right_ankle", "right_knee"]
    True
    """
    number = {skeleton.index(child): number for number, (child, _) in enumerate(skeleton.bones)}
    return [min(of, number[skeleton.mirror[joint]]) for joint, of in number.items()]
