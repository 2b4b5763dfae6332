"""From pixels to centred poses, pairs as one body, mirrors."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from duolift.lifting import lift, project
from duolift.normalisation import Normalisation, head_to_root, join_pair, mirrored, split_pair
from duolift.skeleton import CHI3D25, PAPER19, Skeleton

BOTH = pytest.mark.parametrize("skeleton", [PAPER19, CHI3D25], ids=lambda s: s.name)


def random_pixels(*shape: int) -> Tensor:
    return 450 + 100 * torch.randn(*shape, 2, dtype=torch.float64)


@BOTH
@pytest.mark.parametrize("c", [10.0, 5.3])
def test_the_mean_head_to_root_distance_becomes_one_over_c(skeleton: Skeleton, c: float) -> None:
    pixels = random_pixels(40, 2, len(skeleton))
    normalisation = Normalisation(head_to_root(pixels, skeleton).item(), c)
    poses = normalisation(pixels, pixels[..., skeleton.root_index, :])
    assert head_to_root(poses, skeleton).item() == pytest.approx(1 / c)
    assert poses[..., skeleton.root_index, :].abs().max() == 0
    flat = lift(poses, torch.zeros(40, 2, len(skeleton)), c)
    assert flat[..., skeleton.head_index, :].norm(dim=-1).mean().item() == pytest.approx(1)


def test_normalising_keeps_directions_and_proportions() -> None:
    pixels, root = random_pixels(5, 19), random_pixels(5)
    torch.testing.assert_close(Normalisation(80.0, 10.0)(pixels, root) * 800 + root[:, None], pixels)


def test_calibrated_c_is_the_true_distance_in_head_lengths() -> None:
    """People of `head` metres from root to head, `distance` metres away, seen side on."""
    head, distance, focal = 0.7, 4.2, 1145.0
    normalisation = Normalisation.calibrated(focal * head / distance, focal)
    assert normalisation.c == pytest.approx(distance / head)
    assert normalisation.scale == pytest.approx(focal * head / distance)


@BOTH
def test_two_people_as_one_body_and_back(skeleton: Skeleton) -> None:
    pixels, pair = random_pixels(6, 2, len(skeleton)), skeleton.pair()
    joined = join_pair(pixels, skeleton)
    assert joined.shape == (6, 1, len(pair), 2)
    roots = pixels[:, :, skeleton.root_index]
    torch.testing.assert_close(joined[:, 0, pair.root_index], (roots[:, 0] + roots[:, 1]) / 2)
    assert torch.equal(joined[:, 0, pair.index("2.left_wrist")], pixels[:, 1, skeleton.index("left_wrist")])
    assert torch.equal(split_pair(joined), pixels)


@pytest.mark.parametrize("skeleton", [PAPER19, CHI3D25, PAPER19.pair()], ids=lambda s: s.name)
def test_mirrored_twice_is_the_pose_and_mirrored_bodies_project_to_mirrored_poses(
    skeleton: Skeleton, random_bodies: Callable[..., Tensor]
) -> None:
    bodies = random_bodies(skeleton, 7)
    poses = project(bodies, 10.0)
    assert torch.equal(mirrored(mirrored(poses, skeleton), skeleton), poses)
    in_a_mirror = bodies[:, skeleton.mirror] * torch.tensor([-1, 1, 1])
    torch.testing.assert_close(project(in_a_mirror, 10.0), mirrored(poses, skeleton))
