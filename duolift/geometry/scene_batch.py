"""A batch of images with the 2D poses of everybody in them, their cameras and, for evaluation, the ground truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor

from duolift.geometry.cameras import Intrinsics, elevation


@dataclass(frozen=True)
class SceneBatch:
    """Images of several people; a scene is one image, and the leading axis of every tensor.

    Attributes:
        pixels: (scene, person, joint, 2).
        intrinsics: of the camera that took each image, with a leading axis (scene,).
        sequence: (scene,), an index into `sequences`.
        sequences: names such as `s04/Grab 1/50591643`: a take, and the camera that filmed it.
        truth: (scene, person, joint, 3), camera frame, millimetres. For evaluation only, None in training.
        up: (scene, 3), the world's up in the camera frame. For evaluation only, None in training.

    >>> import torch
    >>> lenses = Intrinsics.ideal(torch.full((4, 2), 1000.0), torch.full((4, 2), 450.0))
    >>> scenes = SceneBatch(torch.rand(4, 2, 19, 2), lenses, torch.zeros(4, dtype=torch.long), ("s04/Grab 1/50591643",))
    >>> len(scenes[1:]), scenes.rays.shape, scenes.cameras
    (3, torch.Size([4, 2, 19, 2]), ('50591643',))
    >>> len(SceneBatch.concatenate([scenes, scenes]))
    8
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
        """Slopes of the rays to all joints, (scene, person, joint, 2): pixels with the camera's lens taken out."""
        return self.intrinsics[:, None].rays(self.pixels)

    def rays_to(self, joint: int) -> Tensor:
        """Slopes of the rays to one joint, (scene, person, 2)."""
        return self.intrinsics.rays(self.pixels[:, :, joint])

    def elevations(self, root: int) -> Tensor:
        """True elevation of every person, (scene, person), radians, for scenes with ground truth.

        Args:
            root: index of the root joint.
        """
        assert self.truth is not None
        assert self.up is not None
        return elevation(self.truth[:, :, root], self.up.unsqueeze(1))

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras, sorted: the last part of the sequences' names."""
        return tuple(sorted({name.rpartition("/")[2] for name in self.sequences}))

    @property
    def camera(self) -> Tensor:
        """The camera of each scene, (scene,), as an index into `cameras`."""
        cameras = self.cameras
        numbers = [cameras.index(name.rpartition("/")[2]) for name in self.sequences]
        return torch.tensor(numbers, device=self.sequence.device)[self.sequence]

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        changed: dict[str, Any] = {name: change(t) for name, t in tensors.items() if isinstance(t, Tensor)}
        return replace(self, intrinsics=self.intrinsics.map(change), **changed)

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Some of the scenes, in the order of the index."""
        return self._map(lambda tensor: tensor[index])

    def to(self, device: torch.device | str) -> Self:
        """The same scenes on a device; these themselves, with all that is known of them, where they are there."""
        there = self.pixels.device == torch.device(device)
        return self if there else self._map(lambda tensor: tensor.to(device))

    def noisy(self, sigma: float, generator: torch.Generator) -> Self:
        """The same scenes with Gaussian noise on every joint, as if a detector had found them.

        Args:
            sigma: standard deviation, pixels.
            generator: on the CPU, so that the noise is the same whatever the device.
        """
        noise = sigma * torch.randn(self.pixels.shape, generator=generator)
        return replace(self, pixels=self.pixels + noise.to(self.pixels.device))

    def without_truth(self) -> Self:
        """The same scenes without the ground truth: what an unsupervised method may see."""
        return replace(self, truth=None, up=None)

    @classmethod
    def concatenate(cls, parts: Sequence["SceneBatch"]) -> "SceneBatch":
        """Several batches as one; sequences are renumbered.

        Raises:
            ValueError: some of them have ground truth and some have none.
        """
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
