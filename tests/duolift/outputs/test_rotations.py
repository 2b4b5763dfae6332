"""Rotations that turn vectors into others, against roma and by their properties."""

import numpy as np
import pytest
import roma
import torch

from duolift.outputs.rotations import axis_angle, best_rotation, quaternions, shortest_rotation, zxy_angles

AXES = np.eye(3)


def random_rotations(count: int) -> np.ndarray:
    return roma.random_rotmat(count, dtype=torch.float64).numpy()


def random_vectors(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(*shape, 3))


def test_the_shortest_rotation_is_about_an_axis_across_both() -> None:
    rest, targets = np.array([0.0, 2.0, 0.0]), random_vectors(50)
    rotation = shortest_rotation(rest, targets)
    lengths = np.linalg.norm(targets, axis=-1, keepdims=True)
    assert (rotation @ rest) == pytest.approx(2 * targets / lengths, abs=1e-9)
    angle = roma.rotmat_to_rotvec(torch.from_numpy(rotation)).norm(dim=-1).numpy()
    assert angle == pytest.approx(np.arccos(targets[:, 1] / lengths[:, 0]), abs=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_same_direction_and_the_opposite_have_rotations_too(sign: float) -> None:
    for rest in AXES:
        rotation = shortest_rotation(rest, sign * rest[None])
        assert (rotation @ rest)[0] == pytest.approx(sign * rest, abs=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(np.ones(1))


def test_a_vector_of_no_length_is_not_turned() -> None:
    up = np.array([0.0, 1.0, 0.0])
    assert shortest_rotation(up, 0 * up[None])[0] == pytest.approx(AXES)
    assert shortest_rotation(0 * up, up[None])[0] == pytest.approx(AXES)


def test_the_best_rotation_recovers_a_rotation_from_two_vectors() -> None:
    rest, rotation = random_vectors(2), random_rotations(20)
    assert best_rotation(rest, rest @ rotation.swapaxes(-1, -2)) == pytest.approx(rotation, abs=1e-6)


def test_the_best_rotation_of_any_vectors_is_that_of_roma_and_no_reflection() -> None:
    rest, targets = random_vectors(4), random_vectors(100, 4)
    found = best_rotation(rest, targets)
    expected = roma.special_procrustes(torch.from_numpy(targets).mT @ torch.from_numpy(rest))
    assert found == pytest.approx(expected.numpy(), abs=1e-9)
    assert np.linalg.det(found) == pytest.approx(np.ones(100))


def test_a_rotation_about_an_axis_is_that_of_roma() -> None:
    vectors = random_vectors(50)
    angles = np.linalg.norm(vectors, axis=-1, keepdims=True)
    expected = roma.rotvec_to_rotmat(torch.from_numpy(vectors)).numpy()
    assert axis_angle(vectors / angles, angles) == pytest.approx(expected, abs=1e-12)


def test_angles_give_the_rotation_back_at_gimbal_lock_too() -> None:
    locked = np.array([[30.0, 90.0, 20.0], [30.0, -90.0, 20.0], [0.0, 90.0, 0.0], [0.0, 0.0, 0.0]])
    rotations = np.concatenate(
        [random_rotations(100), roma.euler_to_rotmat("ZXY", torch.from_numpy(locked), degrees=True).numpy()]
    )
    back = roma.euler_to_rotmat("ZXY", torch.from_numpy(zxy_angles(rotations)), degrees=True).numpy()
    assert back == pytest.approx(rotations, abs=1e-9)


def test_quaternions_give_the_rotation_back_at_half_a_turn_too() -> None:
    rotations = np.concatenate([random_rotations(100), axis_angle(AXES, np.full((3, 1), np.pi)), AXES[None]])
    found = quaternions(rotations)
    assert np.linalg.norm(found, axis=-1) == pytest.approx(np.ones(104))
    assert roma.unitquat_to_rotmat(torch.from_numpy(found)).numpy() == pytest.approx(rotations, abs=1e-9)
