"""Evaluation scenes lifted: by a trained lifter or without error, by known cameras or by unknown ones."""

from dataclasses import replace

import torch
from torch import Tensor

from callbacks.parallel import on_all_cores
from duolift.body.skeleton import Skeleton
from duolift.geometry.cameras import Intrinsics
from duolift.geometry.lifted import Lifted
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.pairs import join_pair, split_pair
from duolift.geometry.rotations import facing, rotate
from duolift.geometry.scene_batch import SceneBatch
from duolift.placement.focal import FOCAL_PRIOR, FocalLength, default_focal, focal_from_people
from duolift.placement.interface import FocalSource
from lightning_modules.lifter import LifterModule

LIFTED_AT_ONCE = 512
"""Scenes that go through a network together, which bounds its memory and fits a processor's cache."""

LIFTED_AT_ONCE_ON_DEVICE = 16_384
"""The same where there is no such cache: enough to keep a GPU busy, and 1 GB for the hidden layers of a network of
1024 units, with the flip test."""


def lifted_people(
    scenes: SceneBatch, bodies: Tensor, elevation: Tensor, normalisation: Normalisation, skeleton: Skeleton
) -> Lifted:
    """Bodies (scene, person, joint, 3) and elevations (scene, person) with what placements need of the scenes."""
    root = skeleton.root_index
    return Lifted.of(
        skeleton,
        bodies,
        elevation.expand(bodies.shape[:2]),
        scenes.rays_to(root),
        normalisation.distance(scenes),
        root_rows=scenes.pixels[:, :, root, 1],
        valid=scenes.valid,
        common_distance=normalisation.c,
        root_places=normalisation.places(scenes, root),
    )


@torch.no_grad()
def lift_scenes(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, scale: float | None = None) -> Lifted:
    """Lift everybody in the scenes with a trained module.

    Two people who are lifted as one body (Figure 1's baseline) are centred on the mid-point of their pelvises and share
    one elevation.

    Args:
        skeleton: of the scenes' people.
        scale: a head length in these images, as `Normalisation` counts it; None takes the training set's.
    """
    normalisation = unit_of(module, scale)
    together = module.skeleton.name != skeleton.name
    seen = normalisation.coordinates(scenes)  # (scene, person, joint, 2)
    seen = join_pair(seen, skeleton) if together else seen
    poses = normalisation(seen, seen[..., module.skeleton.root_index, :])
    device = module.device
    at_once = poses.split(LIFTED_AT_ONCE if device.type == "cpu" else LIFTED_AT_ONCE_ON_DEVICE)
    parts = on_all_cores(lambda some: module(some.to(device)), at_once, "lifting", device)
    bodies, elevation = (torch.cat(part).to(seen.device) for part in zip(*parts, strict=True))
    return lifted_people(scenes, split_pair(bodies) if together else bodies, elevation, normalisation, skeleton)


def unit_of(module: LifterModule, scale: float | None = None) -> Normalisation:
    """The module's normalisation, with another head length in the image where one is given."""
    return replace(module.normalisation, scale=scale or module.normalisation.scale)


def perfect_lift(scenes: SceneBatch, skeleton: Skeleton, normalisation: Normalisation) -> Lifted:
    """What a lifter without error would give."""
    bodies = normalisation.true_bodies(scenes, skeleton)
    return lifted_people(scenes, bodies, scenes.elevations(skeleton.root_index), normalisation, skeleton)


def bodies_in_camera(lifted: Lifted, centring: str) -> Tensor:
    """Everybody as the real camera sees them, about their roots: (scene, person, joint, 3), the bodies' unit.

    Args:
        centring: of the lifter's poses. By `ray` people are lifted before cameras that face them, and turned back here.
    """
    return rotate(facing(lifted.root_rays).mT, lifted.bodies) if centring == "ray" else lifted.bodies


@torch.no_grad()
def lift_by_camera(module: LifterModule, scenes: SceneBatch, skeleton: Skeleton) -> Lifted:
    """Lift what each camera saw by a head length of its own, since unknown cameras have no common unit.

    Sizes are brought to the unit of the first camera.
    """
    camera, bodies, elevation, normalisation = scenes.camera, [], [], None
    order = camera.argsort(stable=True)
    for number in camera.unique():
        some = scenes[camera == number]
        scale = Normalisation.fitted(some, skeleton, None, module.normalisation.centring).scale
        normalisation = normalisation or unit_of(module, scale)
        lifted = lift_scenes(module, some, skeleton, scale)
        bodies.append(lifted.bodies * (scale / normalisation.scale))
        elevation.append(lifted.elevation)
    assert normalisation is not None
    back = order.argsort()
    return lifted_people(scenes, torch.cat(bodies)[back], torch.cat(elevation)[back], normalisation, skeleton)


# Unknown lenses -------------------------------------------------------------------------------------------------------


def through_lens(scenes: SceneBatch, focal: Tensor | float, image: tuple[float, float]) -> SceneBatch:
    """The scenes as if ideal lenses of this focal length, (scene,) or one number of pixels, had taken them.

    Args:
        image: width and height, pixels; where the scenes say their own, those are taken.
    """
    pixels = torch.as_tensor(focal, dtype=scenes.pixels.dtype, device=scenes.pixels.device).expand(len(scenes))
    lenses = Intrinsics.ideal(pixels.unsqueeze(-1).repeat(1, 2), centres(scenes, image).repeat(1, 1))
    return replace(scenes, intrinsics=lenses)


def through_default_lens(scenes: SceneBatch, image: tuple[float, float]) -> SceneBatch:
    """The scenes through normal lenses."""
    return through_lens(scenes, default_focal(centres(scenes, image)), image)


def centres(scenes: SceneBatch, image: tuple[float, float]) -> Tensor:
    """The images' centres, (scene, 2), by the scenes' own sizes where they differ."""
    return (scenes.pixels.new_tensor(image).expand(len(scenes), 2) if scenes.image is None else scenes.image) / 2


def through_estimated_lens(
    module: LifterModule, scenes: SceneBatch, skeleton: Skeleton, image: tuple[float, float]
) -> tuple[SceneBatch, FocalLength]:
    """The scenes through the lenses that the people in them tell, and those lenses, one each of `scenes.cameras`."""
    assumed = through_default_lens(scenes, image)
    focal = estimated_focal(lift_by_camera(module, assumed, skeleton), assumed)
    return through_lens(scenes, focal.pixels[scenes.camera], image), focal


def estimated_focal(lifted: Lifted, assumed: SceneBatch) -> FocalLength:
    """The focal lengths, one a camera, that people tell who were lifted through lenses assumed to be all alike.

    On the CPU every camera is one core's; another device gets all of them at once, and so a fraction of the commands.
    """
    camera = assumed.camera
    each = assumed.intrinsics.focal[:, 0]  # (scene,), alike for one camera
    focal = each[:1].repeat(len(assumed.cameras)).index_copy(0, camera, each)
    if focal.device.type != "cpu":
        return focal_from_people(lifted, focal, assumed.sequence, camera)

    def of_camera(number: Tensor) -> FocalLength:
        chosen = (camera == number).nonzero().squeeze(-1)
        sequence = assumed.sequence[chosen]
        return focal_from_people(lifted[chosen], focal[number].expand(1), sequence, torch.zeros_like(sequence))

    seen = camera.unique()
    found = dict(zip(seen.tolist(), on_all_cores(of_camera, seen.unbind(), "focal lengths"), strict=True))
    unseen = FocalLength(focal[:1], focal.new_full((1,), FOCAL_PRIOR), (FocalSource.DEFAULT,))
    by_camera = [found.get(number, unseen) for number in range(len(assumed.cameras))]
    return FocalLength(
        torch.cat([one.pixels for one in by_camera]),
        torch.cat([one.deviation for one in by_camera]),
        tuple(source for one in by_camera for source in one.source),
    )
