"""Poses in the memory of the device that they are used on, served a batch at a time."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset


class PoseDataset(Dataset[Any]):
    """Normalised poses (pose, joint, 2), and tensors that go with them, such as labels, with one entry a pose.

    Indexing with a tensor of indices gives a batch: one gather a tensor, no collation, and nothing that crosses to
    another device if the indices are where the poses are.

    >>> import torch
    >>> poses, elevations = PoseDataset(torch.zeros(8, 19, 2), torch.zeros(8))[torch.tensor([3, 5])]
    >>> poses.shape, elevations.shape
    (torch.Size([2, 19, 2]), torch.Size([2]))

    Args:
        poses: (pose, joint, 2).
        others: (pose, ...).
        device: to hold them on; None leaves them where they are.
    """

    def __init__(self, poses: Tensor, *others: Tensor, device: torch.device | None = None) -> None:
        self.tensors = tuple(tensor.to(device) for tensor in (poses, *others))

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> Any:
        chosen = tuple(tensor[index] for tensor in self.tensors)
        return chosen if len(chosen) > 1 else chosen[0]
