"""A rolled camera: people come out as a level one has them, turned."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import some_people
from small_greeting import greeting
from torch import Tensor

from benchmarks.real.capture import Turn
from duolift import Camera, Lifter, Scene
from duolift.body.skeleton import PAPER19
from duolift.demo import FOCAL, RATE
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing, in_plane, rotate, rotation_z
from duolift.inputs.detections import Frame
from duolift.levelled import LOOKS, lifted_level
from duolift.placement.interface import SceneCameras
from duolift.placement.up import roll_by

FRAMES = 40


@pytest.fixture(scope="module")
def shipped() -> Lifter:
    return Lifter.load()


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Two people before a level camera."""
    return greeting(tmp_path_factory.mktemp("demo"), FRAMES)


def turned(frames: list[Frame], degrees: float) -> list[Frame]:
    """The frames of a camera that is rolled by so much, its images as large."""
    rotation = rotation_z(torch.tensor(degrees, dtype=torch.float64).deg2rad())[:2, :2].numpy()
    return [replace(f, keypoints=Turn(rotation, f.image or (0, 0), f.image or (0, 0))(f.keypoints)) for f in frames]


def lifted(lifter: Lifter, frames: list[Frame], video: bool) -> Scene:
    camera = Camera(focal=FOCAL, rate=RATE, image=frames[0].image)
    some = frames if video else [replace(frames[0], video="")]
    ((_, scene),) = lifter.lift_frames(some, camera)
    return scene


def rolls(scene: Scene) -> np.ndarray:
    return torch.rad2deg(roll_by(torch.from_numpy(scene.up))).numpy()


@pytest.mark.parametrize("degrees", [-12.0, 25.0])
@pytest.mark.parametrize("video", [False, True])
def test_a_rolled_camera_sees_the_people_whom_a_level_one_sees(
    shipped: Lifter, frames: list[Frame], degrees: float, video: bool
) -> None:
    level, rolled = (lifted(shipped, some, video) for some in (frames, turned(frames, degrees)))
    # how far is said by two people, who may be wrong, and is drawn towards a level camera
    assert np.abs(rolls(rolled) - rolls(level) - degrees).max() < 2.5
    off = np.linalg.norm(rolled.world() - level.world(), axis=-1)
    assert np.nanmedian(off) < 0.05
    assert np.abs(rolled.height / level.height - 1).max() < 0.05


def test_a_stream_finds_the_same_roll(shipped: Lifter, frames: list[Frame]) -> None:
    some = turned(frames, 25.0)
    stream = shipped.stream(Camera(focal=FOCAL, rate=RATE, image=some[0].image))
    scenes = [scene for frame in some for scene in stream.add_frame(frame)]
    whole = lifted(shipped, some, video=True)
    assert abs(rolls(scenes[-1])[0] - rolls(whole)[0]) < 1.5
    off = scenes[-1].world() - whole.world()[len(scenes) - 1]
    assert np.linalg.norm(off, axis=-1).mean() < 0.15


def test_a_level_camera_is_looked_at_once(shipped: Lifter) -> None:
    looks = []

    def lift(rays: Tensor) -> Lifted:
        looks.append(rays)
        return shipped.people(rays, torch.ones(rays.shape[:-1], dtype=torch.bool))

    standing = torch.from_numpy(Scene.example().people[:1])
    rays = standing[..., :2] / standing[..., 2:]
    lifted_level(lift, rays, lambda found: SceneCameras())
    assert len(looks) == 1
    lifted_level(lift, in_plane(rays, torch.tensor(0.4)), lambda found: SceneCameras())
    assert 1 < len(looks) - 1 <= LOOKS


def test_a_known_camera_is_turned_as_it_is_known_to_be() -> None:
    looks = []

    def lift(rays: Tensor) -> Lifted:
        looks.append(rays)
        return Lifted.of(PAPER19, torch.zeros(2, 1, 19, 3), torch.zeros(2, 1), rays[:, :, 0], 10.0)

    angle = torch.tensor([0.3, 0.0])  # of two frames of a camera that moves
    up = torch.stack([angle.sin(), -angle.cos(), torch.zeros(2)], dim=-1)
    level = torch.rand(2, 1, 19, 2)
    found, _ = lifted_level(lift, in_plane(level, angle[:, None, None]), lambda found: SceneCameras(up=up))
    torch.testing.assert_close(looks[-1], level)
    torch.testing.assert_close(found.root_rays, in_plane(level, angle[:, None, None])[:, :, 0])


def test_rolled_people_are_the_same_people_turned() -> None:
    people = some_people(3, 2).double()  # before the camera
    rays = people[..., PAPER19.root_index, :2] / people[..., PAPER19.root_index, 2:]
    turn, angle = facing(rays), torch.tensor([0.0, 0.5, -2.0], dtype=torch.float64)
    bodies = rotate(turn, people - people[:, :, PAPER19.root_index, None])
    up = rotate(turn, torch.tensor([[0.1, -0.9, 0.2]], dtype=torch.float64).expand(3, 2, 1, 3)).squeeze(2)
    said = torch.stack([up[..., 2].asin(), torch.atan2(up[..., 0], -up[..., 1])], dim=-1)
    told = torch.stack([said, torch.ones_like(said)], dim=-1)
    before = replace(Lifted.of(PAPER19, bodies, said[..., 0], rays, 10.0), up=told)
    after = before.rolled(angle)
    camera = rotation_z(angle).unsqueeze(1)
    torch.testing.assert_close(
        rotate(facing(after.root_rays).mT, after.bodies), rotate(camera, rotate(turn.mT, bodies))
    )
    # up as the turned cameras have it
    seen = (facing(after.root_rays) @ camera @ turn.mT @ up.unsqueeze(-1)).squeeze(-1)
    assert after.up is not None
    torch.testing.assert_close(after.up[..., 1, 0].sin(), torch.atan2(seen[..., 0], -seen[..., 1]).sin())
    torch.testing.assert_close(after.rolled(-angle).bodies, bodies)
