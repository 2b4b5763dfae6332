"""Constants as tensors, made once for every device that they are used on.

A list of Python's that indexes a tensor of a GPU is copied there at every use, and the host waits for each copy.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor


def constant(values: tuple[Any, ...], device: torch.device, dtype: torch.dtype = torch.long) -> Tensor:
    """Values, or rows of values, as a tensor that nobody changes; compiled code has it as a constant of its own.

    >>> import torch
    >>> order = constant((2, 0, 1), torch.device("cpu"))
    >>> order, constant((2, 0, 1), torch.device("cpu")) is order
    (tensor([2, 0, 1]), True)
    """
    if torch.compiler.is_compiling():  # what is made then only stands for a tensor
        return torch.tensor(values, device=device, dtype=dtype)
    return _kept(values, device, dtype)


@cache
def _kept(values: tuple[Any, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # else it could not take part in training later
        return torch.tensor(values, device=device, dtype=dtype)
