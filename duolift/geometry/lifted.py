"""People lifted one by one, before they share a scene: what a lifter gives and a placement takes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.rotations import facing, in_plane, rotate, rotation_z


@dataclass(frozen=True)
class Lifted:
    """People of several scenes, each lifted without regard to the others.

    Every person was lifted in a virtual camera that faces the root (the pelvis), where a head length has its usual size
    in the image. That size fixes a distance, which is a first guess: a small person nearby looks like a tall one far
    away. Camera frame: x right, y down, z forward; head lengths.

    Attributes:
        skeleton: of the people.
        bodies: (scene, person, joint, 3), in the cameras that face the roots, centred on the roots.
        elevation: (scene, person), radians: the angle of the ray to the root above the horizon, as the lifter sees it
            in the pose; negative where the camera looks down.
        root_rays: (scene, person, 2), slopes x/z and y/z of the rays to the roots in the real camera.
        distance: (scene, person), from the camera to the roots, by the people's size in the image.
        valid: (scene, person), whether the person is in the image and could be lifted. The other values of a person who
            is not valid may be anything, NaN included.
        deviation: (scene, person, joint), how far off a joint is expected to be in its body, in the bodies' unit; None
            where the lifter does not say.
        up: (scene, person, 2, 2), of the elevation, and of the roll by which up leans to the right in the image of the
            camera that faces the root: what the pose alone says, whatever is usual of cameras, and its standard
            deviation; radians; None where the lifter does not say.
        root_rows: (scene, person), the pixel rows of the roots, for the paper's 50-pixel rule; None where unknown.
        common_distance: the one distance c of the paper and of LInKs, at which everybody was lifted (equation 1); None
            where everybody has a distance of their own.
        root_places: (scene, person, 2), right of and below the optical axis, of the roots at `common_distance`; None
            as above.

    Example:
        >>> from duolift.body.skeleton import PAPER19
        >>> people = Lifted.of(PAPER19, torch.zeros(1, 2, 19, 3), torch.zeros(1, 2), torch.zeros(1, 2, 2), 10.0)
        >>> people.distance
        tensor([[10., 10.]])
        >>> people[0:0].bodies.shape
        torch.Size([0, 2, 19, 3])
    """

    skeleton: Skeleton
    bodies: Tensor
    elevation: Tensor
    root_rays: Tensor
    distance: Tensor
    valid: Tensor
    deviation: Tensor | None = None
    up: Tensor | None = None
    root_rows: Tensor | None = None
    common_distance: float | None = None
    root_places: Tensor | None = None

    @classmethod
    def of(
        cls,
        skeleton: Skeleton,
        bodies: Tensor,
        elevation: Tensor,
        root_rays: Tensor,
        distance: Tensor | float,
        valid: Tensor | None = None,
        **paper: Any,
    ) -> Self:
        """People of whom all are valid unless told otherwise, at one distance or each at their own."""
        distance = torch.as_tensor(distance, dtype=bodies.dtype, device=bodies.device).expand(bodies.shape[:-2])
        valid = torch.ones_like(distance, dtype=torch.bool) if valid is None else valid
        return cls(skeleton, bodies, elevation, root_rays, distance, valid, **paper)

    def __len__(self) -> int:
        """How many scenes there are."""
        return len(self.bodies)

    def __getitem__(self, index: Any) -> Self:
        """Some of the scenes, or some of the people of some scenes: an index of the leading axes of every tensor."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        chosen: dict[str, Any] = {name: t[index] for name, t in tensors.items() if isinstance(t, Tensor)}
        return replace(self, **chosen)

    def to(self, device: torch.device | str) -> Self:
        """The same people on a device."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {name: t.to(device) for name, t in tensors.items() if isinstance(t, Tensor)}
        return replace(self, **moved)

    def without_invalid(self) -> Self:
        """The same people, with harmless numbers in place of whatever is given of those who are not valid.

        0 times NaN is NaN: values that are to count for nothing must not be there before anything is multiplied.
        """
        person, point = self.valid, self.valid.unsqueeze(-1)
        return replace(
            self,
            bodies=torch.where(point.unsqueeze(-1), self.bodies, 0.0),
            elevation=torch.where(person, self.elevation, 0.0),
            root_rays=torch.where(point, self.root_rays, 0.0),
            distance=torch.where(person, self.distance, 1.0),
            deviation=None if self.deviation is None else torch.where(point, self.deviation, 0.0),
            up=None if self.up is None else torch.where(point.unsqueeze(-1), self.up, 1.0),
        )

    def rolled(self, angle: Tensor) -> Self:
        """The same people before cameras that are turned about their optical axes: up leans further to the right.

        Args:
            angle: (scene,), radians.

        >>> from duolift.body.skeleton import PAPER19
        >>> below = torch.tensor([[[0.0, 0.5], [0.0, 0.5]]])
        >>> level = Lifted.of(PAPER19, torch.randn(1, 2, 19, 3), torch.zeros(1, 2), below, 10.0)
        >>> level.rolled(torch.tensor([torch.pi / 2])).root_rays[0, 0].round(decimals=3) + 0.0
        tensor([-0.5000,  0.0000])
        """
        every = angle.unsqueeze(-1)  # (scene, 1)
        rays = in_plane(self.root_rays, every)
        turn = facing(rays) @ rotation_z(every) @ facing(self.root_rays).mT  # (scene, person, 3, 3)
        further = torch.atan2(turn[..., 1, 0], turn[..., 0, 0])  # both cameras have the root on their optical axis
        up, places = self.up, self.root_places
        if up is not None:
            said = up[..., 0] + torch.stack([torch.zeros_like(further), further], dim=-1)
            up = torch.stack([said, up[..., 1]], dim=-1)
        return replace(
            self,
            bodies=rotate(turn, self.bodies),
            root_rays=rays,
            up=up,
            root_places=None if places is None else in_plane(places, every),
        )

    def at_one_distance(self) -> Self:
        """The same people as the paper has them: everybody as if lifted at one distance from the camera.

        That is how they were lifted where `common_distance` says so. Else it is the geometric mean of the valid
        people's distances, at which everybody keeps their size in the image.
        """
        if self.common_distance is not None and self.root_places is not None:
            return self
        known = self.distance[self.valid]
        common = float(known.log().mean().exp()) if len(known) else 1.0
        nearer = (common / self.distance).unsqueeze(-1)
        return replace(
            self,
            bodies=self.bodies * nearer.unsqueeze(-1),
            deviation=None if self.deviation is None else self.deviation * nearer,
            distance=torch.full_like(self.distance, common),
            common_distance=common,
            root_places=common * self.root_rays,
        )


def together(parts: Sequence[Lifted]) -> Lifted:
    """The scenes of several, which were lifted alike, one after the other.

    >>> from duolift.body.skeleton import PAPER19
    >>> one = Lifted.of(PAPER19, torch.zeros(3, 2, 19, 3), torch.zeros(3, 2), torch.zeros(3, 2, 2), 10.0)
    >>> len(together([one, one]))
    6
    """
    names = [f.name for f in fields(Lifted) if isinstance(getattr(parts[0], f.name), Tensor)]
    joined: dict[str, Any] = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return replace(parts[0], **joined)
