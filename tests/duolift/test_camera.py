"""Cameras and rotations, against numpy and scipy."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from duolift.camera import Camera, elevation, levelling, rotate, rotation_x, rotation_y

ANGLES = torch.linspace(-3, 3, 12, dtype=torch.float64).view(3, 4)


def random_camera(*batch: int, distortion: float = 0.1) -> Camera:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*batch, *shape, dtype=torch.float64)

    rotation = torch.linalg.qr(normal(3, 3)).Q
    return Camera(
        rotation=rotation * torch.linalg.det(rotation)[..., None, None],
        centre=3 * normal(3),
        focal=1000 + 100 * normal(2),
        principal=450 + 20 * normal(2),
        radial=distortion * normal(3),
        tangential=distortion * normal(2),
    )


def points_in_front(*batch: int) -> Tensor:
    return torch.randn(*batch, 3, dtype=torch.float64) * torch.tensor([1, 1, 0.5]) + torch.tensor([0, 0, 4])


def chi3d_pixel(point: Any, f: Any, c: Any, k: Any, p: Any) -> Any:
    """One point, as CHI3D's official tools write it."""
    x = point[:2] / point[2]
    r2 = x @ x
    q = p[[1, 0]]
    return f * (x * (1 + k @ np.array([r2, r2**2, r2**3]) + x @ q) + r2 * q) + c


@pytest.mark.parametrize(("axis", "turn"), [("x", rotation_x), ("y", rotation_y)])
def test_rotations_agree_with_scipy_and_are_rotations(axis: str, turn: Any) -> None:
    rotations = turn(ANGLES)
    expected = Rotation.from_euler(axis, ANGLES.reshape(-1, 1).numpy()).as_matrix().reshape(3, 4, 3, 3)
    torch.testing.assert_close(rotations, torch.tensor(expected))
    torch.testing.assert_close(rotations @ rotations.mT, torch.eye(3, dtype=torch.float64).expand(3, 4, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(3, 4, dtype=torch.float64))


def test_rotate_turns_every_joint_of_every_pose() -> None:
    rotations, poses = rotation_x(ANGLES) @ rotation_y(ANGLES), torch.randn(3, 4, 5, 3, dtype=torch.float64)
    turned = rotate(rotations, poses)
    for index in np.ndindex(3, 4, 5):
        torch.testing.assert_close(turned[index], rotations[index[:2]] @ poses[index])


def test_projection_is_chi3ds_on_random_cameras() -> None:
    cameras, points = random_camera(8), points_in_front(8, 6)
    pixels = cameras.project(points).numpy()
    for i, j in np.ndindex(8, 6):
        camera = cameras[i]
        expected = chi3d_pixel(
            points[i, j].numpy(),
            *(t.numpy() for t in (camera.focal, camera.principal, camera.radial, camera.tangential)),
        )
        np.testing.assert_allclose(pixels[i, j], expected)


def test_projection_without_distortion_is_a_pinholes() -> None:
    camera, points = random_camera(distortion=0), points_in_front(20)
    expected = camera.focal * points[:, :2] / points[:, 2:] + camera.principal
    torch.testing.assert_close(camera.project(points), expected)


def test_world_points_in_the_cameras_frame() -> None:
    cameras, world = random_camera(4), torch.randn(4, 7, 3, dtype=torch.float64)
    moved = cameras.to_camera(world)
    for i in range(4):
        expected = (world[i].numpy() - cameras.centre[i].numpy()) @ cameras.rotation[i].numpy().T
        np.testing.assert_allclose(moved[i], expected)


def test_a_batch_of_cameras_broadcasts_and_equals_a_loop() -> None:
    cameras, points = random_camera(3, 1), points_in_front(3, 5, 6)
    for method in ("project", "to_camera"):
        together = getattr(cameras, method)(points)
        loop = [[getattr(cameras[i, 0], method)(points[i, j]) for j in range(5)] for i in range(3)]
        torch.testing.assert_close(together, torch.stack([torch.stack(row) for row in loop]))


def test_up_is_the_worlds_z_axis_in_the_cameras_frame() -> None:
    camera, point = random_camera(), torch.randn(1, 3, dtype=torch.float64)
    above = point + torch.tensor([0, 0, 1])
    torch.testing.assert_close(camera.up, (camera.to_camera(above) - camera.to_camera(point))[0])


@pytest.mark.parametrize("down", [-0.7, 0.0, 0.3, 1.2])
def test_a_camera_that_looks_down_by_e_sees_its_axis_at_minus_e(down: float) -> None:
    """The camera stands on the world's y axis, looks along it and is pitched down by `down`."""
    forward = torch.tensor([0, np.cos(down), -np.sin(down)])
    right = torch.tensor([1.0, 0, 0], dtype=torch.float64)
    rotation = torch.stack([right, torch.linalg.cross(forward, right), forward])
    up = rotation @ torch.tensor([0, 0, 1.0], dtype=torch.float64)
    theta = elevation(torch.tensor([0, 0, 5.0], dtype=torch.float64), up)
    assert theta.item() == pytest.approx(-down)
    torch.testing.assert_close(rotation_x(theta) @ up, torch.tensor([0, -1.0, 0], dtype=torch.float64))


def test_elevation_levels_a_body_seen_by_a_camera_turned_to_it() -> None:
    """Whatever the ray and the up: in a frame without roll whose z axis is the ray, Rx(theta) turns up to -y."""
    rays, up = points_in_front(50), torch.nn.functional.normalize(torch.randn(50, 3, dtype=torch.float64), dim=-1)
    theta = elevation(rays, up)
    forward = torch.nn.functional.normalize(rays, dim=-1)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=-1)
    frame = torch.stack([right, torch.linalg.cross(forward, right), forward], dim=-2)
    level_up = rotate(rotation_x(theta) @ frame, up.unsqueeze(-2)).squeeze(-2)
    torch.testing.assert_close(level_up, torch.tensor([0, -1.0, 0], dtype=torch.float64).expand(50, 3))


def test_levelling_turns_up_to_minus_y_and_keeps_the_heading() -> None:
    up = torch.nn.functional.normalize(torch.randn(200, 3, dtype=torch.float64), dim=-1)
    turns = levelling(up)
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3, dtype=torch.float64).expand_as(turns))
    assert (torch.linalg.det(turns) > 0).all()
    minus_y, zeros = torch.tensor([0, -1.0, 0], dtype=torch.float64).expand(200, 3), torch.zeros(200)
    torch.testing.assert_close((turns @ up[..., None])[..., 0], minus_y)
    torch.testing.assert_close(turns[:, 0, 2], zeros.double())  # the forward axis is turned neither left nor right
    assert (turns[:, 2, 2] > 0).all()


def test_levelling_a_camera_without_roll_is_a_turn_by_the_elevation_of_its_axis() -> None:
    angle = torch.linspace(-1.4, 1.4, 9, dtype=torch.float64)  # upwards; 0 is level
    up = torch.stack([torch.zeros(9), -angle.cos(), angle.sin()], dim=-1)
    torch.testing.assert_close(elevation(torch.tensor([0, 0, 2.0]), up), angle)
    torch.testing.assert_close(levelling(up), rotation_x(angle))


def test_elevation_of_a_ray_along_up_is_finite_whatever_the_rounding() -> None:
    up = torch.nn.functional.normalize(torch.randn(1000, 3), dim=-1)
    assert torch.isfinite(elevation(3 * up, up)).all()
