"""Scenes: the 2D poses of several people in one image, and what is known of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor

from duolift.geometry.cameras import Intrinsics, elevation


@dataclass(frozen=True)
class SceneBatch:
    """A batch of images in memory, one entry an image along the leading axis.

    Attributes:
        pixels: (scene, person, joint, 2).
        intrinsics: of the camera that took each, with a leading axis (scene,).
        sequence: (scene,), an index into `sequences`.
        sequences: names such as `s04/Grab 1/50591643`, a camera's view of a take.
        truth: (scene, person, joint, 3), camera frame, millimetres. Evaluation only, None in training.
        up: (scene, 3), the world's up in the camera frame. Evaluation only, None in training.
    """

    pixels: Tensor
    intrinsics: Intrinsics
    sequence: Tensor
    sequences: tuple[str, ...]
    truth: Tensor | None = None
    up: Tensor | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def rays(self) -> Tensor:
        """The slopes of the joints' rays, (scene, person, joint, 2): pixels without the camera that took them."""
        return self.intrinsics[:, None].rays(self.pixels)

    def rays_to(self, joint: int) -> Tensor:
        """The slopes of one joint's rays, (scene, person, 2)."""
        return self.intrinsics.rays(self.pixels[:, :, joint])

    def elevations(self, root: int) -> Tensor:
        """True elevations of the people, (scene, person), radians; scenes with ground truth.

        Args:
            root: index of the root joint.
        """
        assert self.truth is not None
        assert self.up is not None
        return elevation(self.truth[:, :, root], self.up.unsqueeze(1))

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras: what a sequence's name ends in."""
        return tuple(sorted({name.rpartition("/")[2] for name in self.sequences}))

    @property
    def camera(self) -> Tensor:
        """Which camera took each scene, (scene,), an index into `cameras`."""
        cameras = self.cameras
        numbers = [cameras.index(name.rpartition("/")[2]) for name in self.sequences]
        return torch.tensor(numbers, device=self.sequence.device)[self.sequence]

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        changed: dict[str, Any] = {name: change(t) for name, t in tensors.items() if isinstance(t, Tensor)}
        return replace(self, intrinsics=self.intrinsics.map(change), **changed)

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Some of the scenes."""
        return self._map(lambda tensor: tensor[index])

    def to(self, device: torch.device | str) -> Self:
        return self._map(lambda tensor: tensor.to(device))

    def noisy(self, deviation: float, generator: torch.Generator) -> Self:
        """The same scenes as a detector sees them that is off by Gaussian noise of so many pixels, on every joint.

        Args:
            generator: on the CPU, so that every device sees the same noise.
        """
        noise = deviation * torch.randn(self.pixels.shape, generator=generator)
        return replace(self, pixels=self.pixels + noise.to(self.pixels.device))

    def without_truth(self) -> Self:
        """The same scenes with nothing but what an unsupervised method may see."""
        return replace(self, truth=None, up=None)

    @classmethod
    def concatenate(cls, parts: Sequence["SceneBatch"]) -> "SceneBatch":
        """One batch of several, sequence names and indices joined; all of them with truth, or none."""
        if len({(p.truth is None, p.up is None) for p in parts}) > 1:
            raise ValueError("some scenes have ground truth and some have none: expected one or the other")
        offsets = torch.tensor([0, *(len(p.sequences) for p in parts)]).cumsum(0)
        joined: dict[str, Tensor | None] = {}
        for name in ("pixels", "truth", "up"):
            tensors = [getattr(p, name) for p in parts]
            joined[name] = None if tensors[0] is None else torch.cat(tensors)
        lenses = [p.intrinsics for p in parts]
        return cls(
            intrinsics=Intrinsics(
                **{f.name: torch.cat([getattr(lens, f.name) for lens in lenses]) for f in fields(Intrinsics)}
            ),
            sequence=torch.cat([p.sequence + offset for p, offset in zip(parts, offsets, strict=False)]),
            sequences=tuple(name for p in parts for name in p.sequences),
            **joined,  # type: ignore[arg-type]
        )
