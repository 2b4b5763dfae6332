"""Scenes: the 2D poses of several people in one image, and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scenes:
    """A batch of images in memory, one entry an image along the leading axis.

    Attributes:
        pixels: (scene, person, joint, 2).
        focal: (scene, 2), pixels.
        principal: (scene, 2), pixels; the image's centre where nobody calibrated the camera.
        sequence: (scene,), an index into `sequences`.
        sequences: names such as `s04/Grab 1/50591643`, a camera's view of a take.
        truth: (scene, person, joint, 3), camera frame, millimetres. Evaluation only, None in training.
        up: (scene, 3), the world's up in the camera frame. Evaluation only, None in training.
    """

    pixels: Tensor
    focal: Tensor
    principal: Tensor
    sequence: Tensor
    sequences: tuple[str, ...]
    truth: Tensor | None = None
    up: Tensor | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def _map(self, change) -> Self:  # type: ignore[no-untyped-def]
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: change(t) for name, t in tensors.items() if isinstance(t, Tensor)})

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Some of the scenes."""
        return self._map(lambda tensor: tensor[index])

    def to(self, device: torch.device | str) -> Self:
        return self._map(lambda tensor: tensor.to(device))

    def without_truth(self) -> Self:
        """The same scenes with nothing but what an unsupervised method may see."""
        return replace(self, truth=None, up=None)

    @classmethod
    def concatenate(cls, parts: Sequence["Scenes"]) -> "Scenes":
        """One batch of several, sequence names and indices joined; all of them with truth, or none."""
        if len({(p.truth is None, p.up is None) for p in parts}) > 1:
            raise ValueError("some scenes have ground truth and some have none: expected one or the other")
        offsets = torch.tensor([0, *(len(p.sequences) for p in parts)]).cumsum(0)
        joined: dict[str, Tensor | None] = {}
        for name in ("pixels", "focal", "principal", "truth", "up"):
            tensors = [getattr(p, name) for p in parts]
            joined[name] = None if tensors[0] is None else torch.cat(tensors)
        return cls(
            sequence=torch.cat([p.sequence + offset for p, offset in zip(parts, offsets, strict=False)]),
            sequences=tuple(name for p in parts for name in p.sequences),
            **joined,  # type: ignore[arg-type]
        )
