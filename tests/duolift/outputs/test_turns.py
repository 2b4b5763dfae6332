"""Rotations that turn vectors into others."""

import pytest
import roma
import torch

from duolift.outputs.turns import best_turn, shortest_turn


def test_the_shortest_turn_is_about_an_axis_across_both() -> None:
    rest, aims = torch.tensor([0.0, 2.0, 0.0]).double(), torch.randn(50, 3).double()
    turn = shortest_turn(rest, aims)
    assert (turn @ rest) == pytest.approx(2 * aims / aims.norm(dim=-1, keepdim=True), abs=1e-9)
    angle = roma.rotmat_to_rotvec(turn).norm(dim=-1)
    assert angle == pytest.approx(torch.acos(aims[:, 1] / aims.norm(dim=-1)), abs=1e-6)


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_the_same_way_and_the_opposite_have_turns_too(way: float) -> None:
    for rest in torch.eye(3).double():
        turn = shortest_turn(rest, way * rest[None])
        assert (turn @ rest)[0] == pytest.approx(way * rest, abs=1e-9)
        assert torch.linalg.det(turn) == pytest.approx(torch.ones(1))


def test_a_vector_of_no_length_is_not_turned() -> None:
    up = torch.tensor([0.0, 1.0, 0.0]).double()
    assert shortest_turn(up, 0 * up[None])[0] == pytest.approx(torch.eye(3))
    assert shortest_turn(0 * up, up[None])[0] == pytest.approx(torch.eye(3))


def test_the_best_turn_recovers_a_rotation_from_two_vectors() -> None:
    rest, turn = torch.randn(2, 3).double(), roma.random_rotmat(20).double()
    assert best_turn(rest, (turn[:, None] @ rest[..., None])[..., 0]) == pytest.approx(turn, abs=1e-6)
