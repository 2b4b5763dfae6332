"""The camera's lens as it is used: given, told by the people who are seen, solved for every frame, or assumed."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from duolift.calibration.lens import Lens as SolvedLens
from duolift.calibration.lens import rays_of
from duolift.geometry.lifted import Lifted
from duolift.placement.focal import focal_from_people
from duolift.placement.interface import FocalSource


@dataclass(frozen=True)
class Lens:
    """The camera's lens as it is used.

    Attributes:
        image: width and height, pixels; the principal point is taken to be the image's centre.
        focal: pixels.
        source: where the focal length comes from.
        deviation: of its logarithm: 0.1 is 10 %.
        notes: what was assumed, in words.
        lenses: of a calibrated camera, one a frame; empty for an ideal lens.

    >>> lens = Lens((1920.0, 1080.0), 1000.0, FocalSource.KNOWN)
    >>> lens.rays(torch.tensor([960.0, 640.0]))  # 100 pixels below the middle
    tensor([0.0000, 0.1000])
    """

    image: tuple[float, float]
    focal: float
    source: FocalSource
    deviation: float = 0.0
    notes: tuple[str, ...] = ()
    lenses: tuple[SolvedLens, ...] = ()

    def rays(self, pixels: Tensor) -> Tensor:
        """Slopes (..., 2) of the rays through pixels (..., 2); NaN where a calibrated lens shows nothing.

        The first axis is that of the frames, where each has a lens of its own.
        """
        if self.lenses:
            found = rays_of(self._shared or self.lenses, pixels.cpu().double().numpy())
            return torch.as_tensor(found, dtype=pixels.dtype, device=pixels.device)
        return (pixels - pixels.new_tensor(self.image) / 2) / self.focal

    def told(self, lifted: Lifted, interval: float) -> Self:
        """The lens by everybody who is seen, where they tell the focal length.

        Args:
            lifted: people of one static camera, with this lens.
            interval: seconds from a frame to the next.
        """
        some = lifted[lifted.valid.any(-1)]
        if not len(some):
            return self
        one = torch.zeros_like(some.valid[:, 0], dtype=torch.long)
        found = focal_from_people(some, some.bodies.new_tensor([self.focal]), one, one, interval)
        return replace(self, focal=float(found.pixels[0]), source=found.source[0], deviation=float(found.deviation[0]))

    def usual_rays(self, pixels: Tensor) -> Tensor:
        """The same of pixels (..., 2) of any frame, by the first one's lens."""
        return replace(self, lenses=self.lenses[:1]).rays(pixels)

    def rows(self, rays: Tensor) -> Tensor:
        """Pixel rows (...) of rays (..., 2)."""
        return rays[..., 1] * self.focal + self.image[1] / 2

    @property
    def _shared(self) -> tuple[SolvedLens, ...]:
        """The one lens of all frames; empty where frames have several."""
        return self.lenses[:1] if len({*self.lenses}) == 1 else ()

    @property
    def kept(self) -> tuple[SolvedLens, ...]:
        """What a scene keeps of the lenses: one for all frames, where they have one."""
        return self._shared or self.lenses
