"""Lifted people as rows of numbers, one a person and frame, so that any of them can be put together again."""

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duolift.geometry.lifted import Lifted

Row = NDArray[np.float32]


def to_rows(lifted: Lifted) -> Row:
    """Everything that is said of people, (scene, person, number).

    >>> from duolift.body.skeleton import PAPER19
    >>> lifted = Lifted.of(PAPER19, torch.rand(3, 2, 19, 3), torch.zeros(3, 2), torch.zeros(3, 2, 2), 10.0)
    >>> to_rows(lifted).shape  # bodies, elevations, rays and distances
    (3, 2, 61)
    """
    parts = [getattr(lifted, name).reshape(*lifted.valid.shape, -1) for name in _shapes(lifted)]
    return torch.cat(parts, -1).cpu().numpy()


def from_rows(rows: Row, valid: NDArray[np.bool_], like: Lifted) -> Lifted:
    """The people again, in any other arrangement.

    Args:
        rows: (scene, person, number).
        valid: (scene, person).
        like: whoever was lifted in the same way.

    >>> from duolift.body.skeleton import PAPER19
    >>> lifted = Lifted.of(PAPER19, torch.rand(3, 2, 19, 3), torch.zeros(3, 2), torch.zeros(3, 2, 2), 10.0)
    >>> swapped = from_rows(to_rows(lifted)[:, ::-1], np.ones((3, 2), dtype=bool), lifted)
    >>> bool((swapped.bodies == lifted.bodies.flip(1)).all())
    True
    """
    numbers, start, found = torch.as_tensor(np.ascontiguousarray(rows)).to(like.bodies), 0, dict[str, Any]()
    for name, shape in _shapes(like).items():
        size = math.prod(shape)
        found[name] = numbers[..., start : start + size].view(*valid.shape, *shape)
        start += size
    return replace(like, valid=torch.as_tensor(valid, device=like.valid.device), **found)


def _shapes(lifted: Lifted) -> dict[str, tuple[int, ...]]:
    """What is said of one person: name -> shape."""
    named = {field.name: getattr(lifted, field.name) for field in fields(Lifted) if field.name != "valid"}
    return {name: tuple(value.shape[2:]) for name, value in named.items() if isinstance(value, Tensor)}
