"""Cameras and rotations, against numpy and scipy."""

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from duolift.geometry.cameras import CalibratedCamera, Intrinsics, elevation
from duolift.geometry.rotations import facing, levelling, rotate, rotation_x, rotation_y

ANGLES = torch.linspace(-3, 3, 12, dtype=torch.float64).view(3, 4)
CHI3D = Intrinsics(
    focal=torch.tensor([1145.0, 1144.0], dtype=torch.float64),
    principal=torch.tensor([452.0, 448.0], dtype=torch.float64),
    radial=torch.tensor([-0.2083, 0.2555, -0.0025], dtype=torch.float64),
    tangential=torch.tensor([-0.00076, -0.0014], dtype=torch.float64),
)
"""A lens as the data set has them; its images are 900 pixels wide and high."""


def random_camera(*batch: int, distortion: float = 0.1) -> CalibratedCamera:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*batch, *shape, dtype=torch.float64)

    rotation = torch.linalg.qr(normal(3, 3)).Q
    return CalibratedCamera(
        rotation=rotation * torch.linalg.det(rotation)[..., None, None],
        centre=3 * normal(3),
        focal=1000 + 100 * normal(2),
        principal=450 + 20 * normal(2),
        radial=distortion * normal(3),
        tangential=distortion * normal(2),
    )


def points_in_front(*batch: int) -> Tensor:
    return torch.randn(*batch, 3, dtype=torch.float64) * torch.tensor([1, 1, 0.5]) + torch.tensor([0, 0, 4])


def homogeneous(rays: Tensor) -> Tensor:
    """Slopes (..., 2) as the points (..., 3) at depth 1."""
    return torch.cat([rays, torch.ones_like(rays[..., :1])], dim=-1)


def pixels_in(image: float, step: float) -> Tensor:
    """A grid of pixels (pixel, 2) with the image's edges and corners."""
    side = torch.arange(0, image + step, step, dtype=torch.float64)
    return torch.cartesian_prod(side, side)


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


def test_an_ideal_lens_is_a_pinholes_both_ways() -> None:
    focal, principal = 1000 + 100 * torch.randn(8, 2).double(), 450 + 20 * torch.randn(8, 2).double()
    lenses, points = Intrinsics.ideal(focal, principal), points_in_front(8, 20)
    assert (lenses.radial.shape, lenses.tangential.shape) == ((8, 3), (8, 2))
    slopes = points[..., :2] / points[..., 2:]
    pixels = focal[:, None] * slopes + principal[:, None]
    torch.testing.assert_close(lenses.project(points), pixels)
    torch.testing.assert_close(lenses.rays(pixels), slopes)


@pytest.mark.parametrize(("dtype", "worst"), [(torch.float64, 1e-4), (torch.float32, 1e-3)], ids=["float64", "float32"])
def test_rays_undo_the_data_sets_distortion_all_over_the_image(dtype: torch.dtype, worst: float) -> None:
    lens, pixels = CHI3D.map(lambda field: field.to(dtype)), pixels_in(900, step=10).to(dtype)
    rays = lens.rays(pixels)
    assert (lens.project(homogeneous(rays)) - pixels).norm(dim=-1).max() < worst  # pixels
    pinholes = Intrinsics.ideal(lens.focal, lens.principal).rays(pixels)
    assert (lens.focal * (pinholes - rays)).norm(dim=-1).max() > 10, "there is something to undo"


def test_rays_are_those_a_root_finder_finds() -> None:
    pixels = 900 * torch.rand(20, 2, dtype=torch.float64)
    lens = [field.numpy() for field in (CHI3D.focal, CHI3D.principal, CHI3D.radial, CHI3D.tangential)]

    def beside(slopes: Any, pixel: Any) -> Any:
        return chi3d_pixel(np.array([*slopes, 1]), *lens) - pixel

    for pixel, ray in zip(pixels.numpy(), CHI3D.rays(pixels).numpy(), strict=True):
        np.testing.assert_allclose(ray, scipy.optimize.fsolve(beside, [0, 0], args=(pixel,)), atol=1e-7)


def test_a_batch_of_lenses_gives_the_rays_of_each_with_and_without_distortion() -> None:
    """An ideal lens beside a distorted one stays ideal."""
    lenses = CHI3D.map(lambda field: (1 + 0.05 * torch.randn(3, 1, *field.shape)) * field)
    lenses.radial[1], lenses.tangential[1] = 0, 0
    pixels = 900 * torch.rand(3, 5, 6, 2, dtype=torch.float64)
    together = lenses.rays(pixels)
    for i, j in np.ndindex(3, 5):
        torch.testing.assert_close(together[i, j], lenses[i, 0].rays(pixels[i, j]))
    torch.testing.assert_close(together[1], (pixels[1] - lenses.principal[1]) / lenses.focal[1])


def test_choosing_cameras_chooses_every_field_and_a_camera_stays_one() -> None:
    cameras = random_camera(4, 2)
    for index in (2, slice(1, 3), (slice(None), None), torch.tensor([3, 0])):
        chosen = cameras[index]
        assert type(chosen) is CalibratedCamera
        for name in ("focal", "principal", "radial", "tangential", "rotation", "centre"):
            assert torch.equal(getattr(chosen, name), getattr(cameras, name)[index])


def test_the_lens_of_a_camera_projects_as_the_camera_does() -> None:
    cameras, points = random_camera(4), points_in_front(4, 7)
    lenses = cameras.intrinsics
    assert type(lenses) is Intrinsics
    assert torch.equal(lenses.project(points), cameras.project(points))
    assert torch.equal(lenses.rays(cameras.project(points)), cameras.rays(cameras.project(points)))


def test_mapping_a_camera_changes_every_field() -> None:
    single = random_camera(3).map(lambda field: field.float())
    assert type(single) is CalibratedCamera
    assert {getattr(single, name).dtype for name in vars(single)} == {torch.float32}


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


# A camera that faces somebody -----------------------------------------------------------------------------------------


def some_rays(*batch: int) -> Tensor:
    """Slopes (*batch, 2) up to far off the axis."""
    return 2 * torch.randn(*batch, 2, dtype=torch.float64)


def test_facing_is_a_rotation_that_takes_the_ray_forward() -> None:
    rays = some_rays(300)
    turns = facing(rays)
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3, dtype=torch.float64).expand_as(turns))
    torch.testing.assert_close(torch.linalg.det(turns), torch.ones(300, dtype=torch.float64))
    along = homogeneous(rays)
    ahead = torch.stack([torch.zeros(300), torch.zeros(300), along.norm(dim=-1)], dim=-1)
    torch.testing.assert_close(rotate(turns, along.unsqueeze(-2)).squeeze(-2), ahead)


def test_facing_turns_right_or_left_and_then_up_or_down_as_scipy_does() -> None:
    rays = some_rays(5, 6)
    turns = facing(rays)
    for i, j in np.ndindex(5, 6):
        x, y = rays[i, j].tolist()
        expected = Rotation.from_euler("yx", [-np.arctan2(x, 1), np.arctan2(y, np.hypot(x, 1))])  # the fixed axes'
        np.testing.assert_allclose(turns[i, j], expected.as_matrix(), atol=1e-12)


def test_facing_does_not_roll() -> None:
    """The turned camera's x axis, in the frame of the camera before, stays level and points right."""
    right = facing(some_rays(300)).mT @ torch.tensor([1.0, 0, 0], dtype=torch.float64)
    assert right[:, 1].abs().max() < 1e-12
    assert (right[:, 0] > 0).all()


def test_facing_what_is_straight_ahead_is_no_turn() -> None:
    assert torch.equal(facing(torch.zeros(4, 2)), torch.eye(3).expand(4, 3, 3))


# Up and down ----------------------------------------------------------------------------------------------------------


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
