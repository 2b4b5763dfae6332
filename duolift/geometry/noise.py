"""A detector's errors on centred poses."""

import torch
from torch import Tensor


def centred_noise(poses: Tensor, sigma: Tensor, root: int) -> Tensor:
    """What Gaussian errors of a detector add to poses that are centred on their root.

    Every joint has an error of its own. The root's moves all the others the other way, as they are measured from it.

    Args:
        poses: (..., joint, 2), of which only the shape, type and device count.
        sigma: (...), the standard deviation of each joint's error, in the poses' unit.
        root: index of the root joint.

    Returns:
        (..., joint, 2), 0 at the root.

    >>> import torch
    >>> noise = centred_noise(torch.zeros(10_000, 19, 2), torch.full((10_000,), 0.1), root=0)
    >>> bool((noise[:, 0] == 0).all()), round(noise[:, 1:].std().item(), 2)  # 0.1 times the square root of 2
    (True, 0.14)
    """
    noise = sigma[..., None, None] * torch.randn_like(poses)  # (..., joint, 2)
    return noise - noise[..., root, None, :]
