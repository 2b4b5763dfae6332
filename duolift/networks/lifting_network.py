"""What every lifting network is: 2D poses in, depth offsets and the camera's elevation out.

To add a network, write a subclass of `LiftingNetwork` in a file of its own and enter it in `duolift.networks.NETWORKS`.
Only `__init__` and `forward` have to be written; training, packing, export and use know no more than this class.

Camera frame: x right, y down, z forward; head lengths. 2D poses are `(..., joint, 2)` as `Normalisation` makes them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton
from duolift.geometry.mirroring import mirror_order, mirrored
from duolift.networks.architecture import Architecture


class LiftingNetwork(nn.Module, ABC):
    """The base of lifting networks.

    A network may know several *ways* to lift a pose, such as from its left and right half with either side's spine.
    The losses of training are summed over all ways, and a prediction is their mean, weighted with `share`.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> class Linear(LiftingNetwork):
    ...     def __init__(self, skeleton, architecture):
    ...         super().__init__(skeleton, architecture)
    ...         self.layer = nn.Linear(2 * len(skeleton), len(skeleton) + 1)
    ...
    ...     def forward(self, poses):
    ...         outputs = self.layer(poses.flatten(-2))
    ...         return (outputs[..., :-1] * self.free).unsqueeze(0), self.bounded(outputs[..., -1])
    >>> offsets, elevation = Linear(PAPER19, Architecture()).predict(torch.zeros(5, 19, 2), flip=True)
    >>> offsets.shape, elevation.shape
    (torch.Size([5, 19]), torch.Size([5]))

    Args:
        skeleton: of the poses.
        architecture: what the network is built from.
        share: weight of every way in a prediction; sums to 1.

    Attributes:
        low_precision: run matrix products in bfloat16 on the way through the network; geometry stays in float32.
        share: (way,).
        free: (joint,), 0 at the root, whose depth offset is 0 by definition, and 1 elsewhere.
    """

    share: Tensor
    free: Tensor

    def __init__(self, skeleton: Skeleton, architecture: Architecture, share: Sequence[float] = (1.0,)) -> None:
        super().__init__()
        self.skeleton, self.architecture, self.low_precision = skeleton, architecture, False
        self.register_buffer("share", torch.tensor(share), persistent=False)
        free = torch.ones(len(skeleton))
        free[skeleton.root_index] = 0
        self.register_buffer("free", free, persistent=False)

    @property
    def ways(self) -> int:
        """How many ways the network knows to lift a pose."""
        return len(self.share)

    @abstractmethod
    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Lift poses in every way.

        Args:
            poses: (..., joint, 2).

        Returns:
            depth offsets from the root (way, ..., joint), head lengths, 0 at the root; and elevations (...), radians,
            negative where the camera looks down.
        """

    def relift(self, poses: Tensor) -> Tensor:
        """Lift each pose in the way that it came from: poses (way, ..., joint, 2) -> offsets (way, ..., joint)."""
        return torch.stack([self(of_way)[0][way] for way, of_way in enumerate(poses)])

    def predict(self, poses: Tensor, flip: bool = False) -> tuple[Tensor, Tensor]:
        """Lift poses as in use: the mean over the ways.

        Args:
            poses: (..., joint, 2).
            flip: lift the mirrored pose as well, and take the mean of both (the field's flip test).

        Returns:
            offsets (..., joint) in head lengths, and elevations (...) in radians.
        """
        both = torch.stack([poses, mirrored(poses, self.skeleton)]) if flip else poses.unsqueeze(0)
        of_ways, elevation = self(both)  # (way, 1 or 2, ..., joint), (1 or 2, ...)
        offsets = torch.einsum("w,w...->...", self.share, of_ways)
        if not flip:
            return offsets[0], elevation[0]
        order = mirror_order(self.skeleton, offsets.device)
        return (offsets[0] + offsets[1][..., order]) / 2, elevation.mean(0)

    def bounded(self, raw: Tensor) -> Tensor:
        """A raw output as an elevation within the architecture's bound, radians."""
        bound = self.architecture.elevation_bound
        return raw if bound is None else bound * raw.tanh()

    def precision(self, poses: Tensor) -> torch.autocast:
        """The precision of matrix products, as a context."""
        return torch.autocast(poses.device.type, torch.bfloat16, enabled=self.low_precision)

    @staticmethod
    def shared_casts(poses: Tensor) -> torch.autocast:
        """While this context lasts, each weight is brought to low precision once, however often networks are used."""
        return torch.autocast(poses.device.type, enabled=False)


def fast_bfloat16(accelerator: str = "auto") -> bool:
    """Whether this machine multiplies bfloat16 matrices in hardware.

    >>> fast_bfloat16() in (True, False)
    True

    Args:
        accelerator: as Lightning names it: `cpu` asks about the processor, anything else about the GPU if there is one.
    """
    if accelerator != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check is not None and check() for check in checks)
