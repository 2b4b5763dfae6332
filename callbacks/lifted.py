"""Lifted people before they are placed: by a trained lifter, or without error; by known cameras, or by unknown ones."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.cameras import Intrinsics
from duolift.geometry.normalisation import Normalisation, join_pair, split_pair
from duolift.geometry.scene_batch import SceneBatch
from duolift.placement.focal import DEFAULT, FOCAL_PRIOR, FocalLength, default_focal, focal_from_people
from duolift.progress import tracked
from lightning_modules.lifter import LifterModule

S = TypeVar("S")
T = TypeVar("T")

LIFTED_AT_ONCE = 512
"""Scenes that go through a network together, which bounds its memory and fits a processor's cache."""


@dataclass(frozen=True)
class Lifted:
    """Lifted people before they are placed.

    Attributes:
        bodies: (scene, person, joint, 3), head lengths, each centred on its root; two people lifted as
            one body are centred on the mid-point of their pelvises.
        theta: (scene, person), radians; (scene, 1) for people lifted as one body.
        normalisation: the units of `bodies`.
    """

    bodies: Tensor
    theta: Tensor
    normalisation: Normalisation

    def __getitem__(self, index: slice | Tensor) -> Self:
        """What was lifted of some of the scenes."""
        return replace(self, bodies=self.bodies[index], theta=self.theta[index])


@torch.no_grad()
def lift_scenes(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, scale: float | None = None) -> Lifted:
    """Lift everybody in the scenes with a trained module, as one body where it was trained so.

    Args:
        skeleton: of the scenes' people.
        scale: a head length in these images, as `Normalisation` counts it; None takes the training set's.
    """
    normalisation = replace(module.normalisation, scale=scale or module.normalisation.scale)
    together = module.skeleton.name != skeleton.name
    seen = normalisation.coordinates(scenes)
    seen = join_pair(seen, skeleton) if together else seen
    poses = normalisation(seen, seen[..., module.skeleton.root_index, :])
    lifted = on_all_cores(lambda some: module(some.to(module.device)), poses.split(LIFTED_AT_ONCE), "lifting")
    bodies, theta = (torch.cat(parts).to(seen.device) for parts in zip(*lifted, strict=True))
    return Lifted(split_pair(bodies) if together else bodies, theta, normalisation)


def on_all_cores(work: Callable[[S], T], parts: Sequence[S], what: str = "scoring") -> list[T]:
    """The work on every part, without gradients: as many parts at a time as torch has threads, each on one core. What
    fits a processor's cache is too small for several.

    Args:
        what: the work is called while it lasts.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(tracked(pool.map(torch.no_grad()(work), parts), what, len(parts)))
    finally:
        torch.set_num_threads(threads)


def perfect_lift(scenes: SceneBatch, skeleton: Skeleton, normalisation: Normalisation) -> Lifted:
    """What a lifter would give that makes no error."""
    bodies = normalisation.true_bodies(scenes, skeleton)
    return Lifted(bodies, scenes.elevations(skeleton.root_index), normalisation)


@torch.no_grad()
def lift_by_camera(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton) -> Lifted:
    """Lift what each camera saw by a head length of its own: unknown cameras are in no common unit.

    Sizes are brought to the unit of the first.
    """
    camera, bodies, theta, normalisation = scenes.camera, [], [], None
    order = camera.argsort(stable=True)
    for number in camera.unique():
        some = scenes[camera == number]
        scale = Normalisation.fitted(some, skeleton, None, module.normalisation.centring).scale
        lifted = lift_scenes(module, some, skeleton, scale)
        normalisation = normalisation or lifted.normalisation
        bodies.append(lifted.bodies * (scale / normalisation.scale))
        theta.append(lifted.theta)
    assert normalisation is not None
    return Lifted(torch.cat(bodies)[order.argsort()], torch.cat(theta)[order.argsort()], normalisation)


def through(scenes: SceneBatch, focal: Tensor | float, image: tuple[float, float]) -> SceneBatch:
    """The scenes as if ideal lenses of this focal length, (scene,) or one number of pixels, had taken them."""
    pixels = torch.as_tensor(focal, dtype=scenes.pixels.dtype, device=scenes.pixels.device).expand(len(scenes))
    centre = scenes.pixels.new_tensor(image) / 2
    return replace(
        scenes, intrinsics=Intrinsics.ideal(pixels.unsqueeze(-1).repeat(1, 2), centre.repeat(len(scenes), 1))
    )


def by_default(scenes: SceneBatch, image: tuple[float, float]) -> SceneBatch:
    """The scenes through normal lenses."""
    return through(scenes, default_focal(scenes.pixels.new_tensor(image) / 2), image)


def by_people(
    module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, image: tuple[float, float]
) -> tuple[SceneBatch, FocalLength]:
    """The scenes through the lenses that the people in them tell, and which those are, a camera of `scenes.cameras`."""
    assumed = by_default(scenes, image)
    found = told_focal(lift_by_camera(module, assumed, skeleton), assumed, skeleton)
    return through(scenes, found.pixels[scenes.camera], image), found


def told_focal(lifted: Lifted, assumed: SceneBatch, skeleton: Skeleton) -> FocalLength:
    """The focal lengths, a camera, that people tell who were lifted through lenses assumed to be all alike."""
    focal, distance, camera = assumed.intrinsics.focal[0, 0], lifted.normalisation.distance(assumed), assumed.camera

    def told(number: Tensor) -> FocalLength:
        """By what one camera saw."""
        chosen = camera == number
        some, people = assumed[chosen], lifted[chosen]
        roots, alike = some.rays_to(skeleton.root_index), torch.zeros_like(some.sequence)
        return focal_from_people(
            people.bodies, people.theta, roots, distance, focal.expand(1), skeleton, some.sequence, alike
        )

    seen = camera.unique()
    found = dict(zip(seen.tolist(), on_all_cores(told, seen.unbind(), "focal lengths"), strict=True))
    unseen = FocalLength(focal.expand(1), focal.new_full((1,), FOCAL_PRIOR), (DEFAULT,))
    by_camera = [found.get(number, unseen) for number in range(len(assumed.cameras))]
    return FocalLength(
        torch.cat([one.pixels for one in by_camera]),
        torch.cat([one.deviation for one in by_camera]),
        tuple(source for one in by_camera for source in one.source),
    )
