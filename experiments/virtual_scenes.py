"""Scenes that no camera took: takes before virtual cameras, rolled cameras, and crowds of people set down together."""

import math
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from datamodules.takes import MILLIMETRES_PER_METRE, NOWHERE, Takes
from duolift.body.skeleton import Skeleton
from duolift.geometry.cameras import CalibratedCamera, Intrinsics
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import rotate, rotation_z
from duolift.geometry.scene_batch import SceneBatch


@dataclass(frozen=True)
class VirtualCameras:
    """What virtual cameras are drawn from."""

    cameras: int = 24
    takes: int = 4  # that each camera films
    frames: int = 120  # of each take
    focal: tuple[float, float] = (700.0, 2000.0)  # pixels, evenly in the logarithm
    height: tuple[float, float] = (1.0, 3.5)  # metres
    distance: tuple[float, float] = (3.0, 8.0)  # metres
    tallest: float = 1.9  # metres: a person of this stature ...
    tallest_pixels: float = 850.0  # ... is not seen longer than this, for which the camera steps back


@dataclass(frozen=True)
class Crowd:
    """How people are set down together, and the cameras that see them."""

    scenes: int = 2000
    reach: float = 1.5  # metres from the middle, along either axis
    apart: float = 0.6  # metres between two people, at least
    height: tuple[float, float] = (1.3, 3.0)  # of the camera, metres
    distance: tuple[float, float] = (4.5, 6.5)  # of the camera from the middle, metres
    looked_at: float = 1.0  # metres above the ground
    focal: float = 1145.0  # pixels, about CHI3D's
    principal: float = 450.0  # pixels, CHI3D's


VIRTUAL, CROWD = VirtualCameras(), Crowd()


def filmed(takes: Takes, skeleton: Skeleton, image: tuple[float, float], seed: int = 0) -> SceneBatch:
    """Takes before virtual cameras of many lenses, heights and distances, without distortion."""
    generator = torch.Generator().manual_seed(seed)
    takes, parts = takes.with_joints(skeleton), []

    def draw(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=generator).item()

    for number in range(VIRTUAL.cameras):
        focal, height = math.exp(draw(*(math.log(f) for f in VIRTUAL.focal))), draw(*VIRTUAL.height)
        nearest, furthest = VIRTUAL.distance
        distance = draw(max(nearest, VIRTUAL.tallest * focal / VIRTUAL.tallest_pixels), furthest)
        for take in torch.randperm(len(takes.names), generator=generator)[: VIRTUAL.takes].tolist():
            world = takes.frames(take)[: VIRTUAL.frames]  # (frame, person, joint, 3)
            known = takes.known(take)[: VIRTUAL.frames].all(-1)  # (frame, person)
            if not known.any():
                continue
            roots = world[:, :, skeleton.root_index]
            middle = roots.mean((0, 1)) if takes.valid is None else roots[known].mean(0)
            camera = looking(middle, focal, height, distance, draw(0, 2 * math.pi), image)
            truth = camera.to_camera(world.flatten(0, 1)).unflatten(0, world.shape[:2])
            truth = truth.where(known[..., None, None], truth.new_tensor(NOWHERE))
            frames = len(truth)
            parts.append(
                SceneBatch(
                    pixels=camera.project(truth),
                    intrinsics=camera.intrinsics.map(partial(torch.tile, dims=(frames, 1))),
                    sequence=torch.zeros(frames, dtype=torch.long),
                    sequences=(f"{takes.names[take]}/virtual {number:02d}",),
                    truth=truth * MILLIMETRES_PER_METRE,
                    up=camera.up.expand(frames, -1),
                    valid=None if takes.valid is None else known,
                    present=None if takes.valid is None else known,
                )
            )
    return SceneBatch.concatenate(parts).of_several()


def looking(
    middle: Tensor, focal: float, height: float, distance: float, azimuth: float, image: tuple[float, float]
) -> CalibratedCamera:
    """An ideal camera at a height and a distance, metres, that looks at a point (3,) of the world."""
    level = math.sqrt(max(distance**2 - (height - middle[2].item()) ** 2, 1.0))
    centre = torch.tensor([level * math.cos(azimuth), level * math.sin(azimuth), height])
    centre[:2] += middle[:2]
    ahead = torch.nn.functional.normalize(middle - centre, dim=0)
    right = torch.nn.functional.normalize(torch.linalg.cross(ahead, ahead.new_tensor([0.0, 0.0, 1.0])), dim=0)
    lens = Intrinsics.ideal(torch.full((2,), focal), torch.tensor(image) / 2)
    rotation = torch.stack([right, torch.linalg.cross(ahead, right), ahead])
    return CalibratedCamera(**vars(lens), rotation=rotation, centre=centre)


def rolled(scenes: SceneBatch, degrees: float) -> SceneBatch:
    """The scenes by cameras that are turned about their line of sight, without distortion."""
    assert scenes.truth is not None
    assert scenes.up is not None
    turn = rotation_z(torch.tensor(math.radians(degrees)))
    lens = Intrinsics.ideal(scenes.intrinsics.focal, scenes.intrinsics.principal)
    truth = rotate(turn, scenes.truth)
    return replace(scenes, pixels=lens[:, None].project(truth), intrinsics=lens, truth=truth, up=scenes.up @ turn.mT)


def crowds(takes: Takes, skeleton: Skeleton, people: int, seed: int = 0) -> SceneBatch:
    """Scenes of many: bodies of random takes set down on one ground, 0.6 m apart or more, before random cameras."""
    generator = torch.Generator().manual_seed(seed)
    takes = takes.with_joints(skeleton)
    bodies = takes.world.flatten(0, 1) if takes.valid is None else takes.world[takes.valid.all(-1)]  # (body, joint, 3)
    bodies = bodies[torch.randint(len(bodies), (CROWD.scenes, people), generator=generator)]
    bodies = bodies - bodies[:, :, skeleton.root_index, None] * torch.tensor([1.0, 1.0, 0.0])
    spots = torch.zeros(CROWD.scenes, people, 2)
    for person in range(people):
        free = torch.zeros(CROWD.scenes, dtype=torch.bool)
        while not free.all():
            drawn = 2 * CROWD.reach * torch.rand(CROWD.scenes, 2, generator=generator) - CROWD.reach
            spots[:, person] = spots[:, person].where(free[:, None], drawn)
            apart = (spots[:, :person] - spots[:, person : person + 1]).norm(dim=-1)
            free = apart.amin(-1) > CROWD.apart if person else torch.ones_like(free)
    bodies[..., :2] += spots.unsqueeze(2)
    height, distance = (
        low + (high - low) * torch.rand(CROWD.scenes, generator=generator)
        for low, high in (CROWD.height, CROWD.distance)
    )
    drop = (height - CROWD.looked_at) / distance
    down, ahead = drop / (1 + drop**2).sqrt(), 1 / (1 + drop**2).sqrt()
    zero, one = torch.zeros_like(down), torch.ones_like(down)
    rotation = torch.stack([one, zero, zero, zero, -down, -ahead, zero, ahead, -down], dim=-1).unflatten(-1, (3, 3))
    centre = torch.stack([zero, -distance, height], dim=-1)
    lens = Intrinsics.ideal(torch.full((CROWD.scenes, 2), CROWD.focal), torch.full((CROWD.scenes, 2), CROWD.principal))
    camera = CalibratedCamera(**vars(lens), rotation=rotation, centre=centre)
    truth = camera.to_camera(bodies.flatten(1, 2)).unflatten(1, bodies.shape[1:3])
    return SceneBatch(
        pixels=lens[:, None].project(truth),
        intrinsics=lens,
        sequence=torch.arange(CROWD.scenes),
        sequences=tuple(f"crowd/{i}/virtual" for i in range(CROWD.scenes)),
        truth=truth * MILLIMETRES_PER_METRE,
        up=camera.up,
    )


def noisy(
    lifted: Lifted, generator: torch.Generator, depth_noise: float = 0.05, elevation_noise_deg: float = 3.0
) -> Lifted:
    """Lifts with Gaussian errors of joints along the line of sight, head lengths, and of elevations, degrees."""
    along = depth_noise * torch.randn(lifted.bodies.shape[:-1], generator=generator)
    along[..., lifted.skeleton.root_index] = 0
    bodies = lifted.bodies.clone()
    bodies[..., 2] += along
    wrong = math.radians(elevation_noise_deg) * torch.randn(lifted.elevation.shape, generator=generator)
    return replace(lifted, bodies=bodies, elevation=lifted.elevation + wrong)
