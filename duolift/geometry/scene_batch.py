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
        valid: (scene, person), who is in the image from head to foot; None where everybody is, in every image. Whatever
            else is given of the others is finite, and means nothing.
        present: (scene, person), of whom at least a joint is in the image; None where all are valid.
        image: (scene, 2), width and height, pixels, where images differ in size; None where one size is everybody's.
        frame: (scene,), which frame of its sequence each scene is, where some are left out; None where none are.

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
    valid: Tensor | None = None
    present: Tensor | None = None
    image: Tensor | None = None
    frame: Tensor | None = None

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
    def everybody(self) -> Tensor:
        """Who is in the image from head to foot, (scene, person), where all are as well."""
        return torch.ones_like(self.pixels[..., 0, 0], dtype=torch.bool) if self.valid is None else self.valid

    def consecutive(self, frames: int) -> Tensor:
        """Who is valid in so many consecutive frames of a sequence, (scene - frames + 1, person): by the first of them.

        >>> import torch
        >>> lenses = Intrinsics.ideal(torch.full((4, 2), 1000.0), torch.full((4, 2), 450.0))
        >>> scenes = SceneBatch(torch.rand(4, 1, 19, 2), lenses, torch.tensor([0, 0, 1, 1]), ("a/b/1", "a/b/2"))
        >>> scenes.consecutive(2).flatten()
        tensor([ True, False,  True])
        """
        valid, count = self.everybody, max(0, len(self) - frames + 1)
        together = torch.stack([valid[start : start + count] for start in range(frames)]).all(0)
        first, last = slice(0, count), slice(frames - 1, None)
        follows = self.sequence[first] == self.sequence[last]
        if self.frame is not None:
            follows &= self.frame[last] - self.frame[first] == frames - 1
        return together & follows.unsqueeze(-1)

    def of_people(self, values: Tensor) -> Tensor:
        """Values (scene, person, ...) of the valid people, (pose, ...), scene by scene."""
        return values.flatten(0, 1) if self.valid is None else values[self.valid]

    def of_several(self, least: int = 2) -> Self:
        """The scenes of so many valid people or more; these themselves where everybody is valid."""
        return self if self.valid is None else self[self.valid.sum(-1) >= least]

    def unseen_as_nan(self, values: Tensor) -> Tensor:
        """Values (scene, person, joint, ...) with NaN for people who are not valid: they are in no picture."""
        if self.valid is None:
            return values
        return values.masked_fill(~self.valid.view(*self.valid.shape, *[1] * (values.ndim - 2)), torch.nan)

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
            ValueError: some of them have ground truth, sizes of images or numbers of frames, and some have none.
        """
        if len({(p.truth is None, p.up is None, p.image is None, p.frame is None) for p in parts}) > 1:
            raise ValueError("some scenes have what others lack (truth, up, image, frame); expected all or none")
        offsets = torch.tensor([0, *(len(p.sequences) for p in parts)]).cumsum(0)
        joined: dict[str, Tensor | None] = {}
        for name in ("pixels", "truth", "up", "image", "frame"):
            tensors = [getattr(p, name) for p in parts]
            joined[name] = None if tensors[0] is None else torch.cat(tensors)
        masked = any(p.valid is not None for p in parts)
        joined["valid"] = torch.cat([p.everybody for p in parts]) if masked else None
        present = [p.everybody if p.present is None else p.present for p in parts]
        joined["present"] = torch.cat(present) if masked else None
        lenses = [p.intrinsics for p in parts]
        return cls(
            intrinsics=Intrinsics(
                **{f.name: torch.cat([getattr(lens, f.name) for lens in lenses]) for f in fields(Intrinsics)}
            ),
            sequence=torch.cat([p.sequence + offset for p, offset in zip(parts, offsets, strict=False)]),
            sequences=tuple(name for p in parts for name in p.sequences),
            **joined,  # type: ignore[arg-type]
        )
