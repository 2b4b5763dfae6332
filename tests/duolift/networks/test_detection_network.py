"""A network that lifts detections: what it is not shown decides nothing, and it treats left and right alike."""

import pytest
import torch
from conftest import some_poses
from torch import Tensor

from duolift.body.skeleton import PAPER19, SKELETONS, skeleton_named
from duolift.geometry.mirroring import mirrored
from duolift.networks.detection_network import LARGEST_LOGARITHM, DetectionArchitecture, DetectionNetwork

SMALL = DetectionArchitecture(width=32, blocks=2)
COUNT = 20


def seen(skeleton: str = "paper19") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Arguments: poses in head lengths, some of whose joints are hidden, sizes and noise."""
    poses = 5 * some_poses(skeleton_named(skeleton), COUNT)
    visible = torch.rand(poses.shape[:-1]) > 0.3
    return poses, visible, 0.05 + 0.1 * torch.rand(COUNT), 0.05 * torch.rand(COUNT)


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_the_root_stays_where_it_is(skeleton: str) -> None:
    network = DetectionNetwork(skeleton_named(skeleton), SMALL)
    found = network.predict(*seen(skeleton), flip=True)
    root = network.skeleton.root_index
    assert not found.poses[:, root].any() and not found.offsets[:, root].any()
    assert found.poses.shape == (COUNT, len(network.skeleton), 2) and found.elevation.shape == (COUNT,)


@pytest.mark.parametrize("anything", [1e30, torch.inf, torch.nan])
def test_hidden_joints_decide_nothing(anything: float) -> None:
    network = DetectionNetwork(PAPER19, SMALL)
    poses, visible, size, noise = seen()
    one = network.predict(poses, visible, size, noise, flip=True)
    two = network.predict(poses.masked_fill(~visible.unsqueeze(-1), anything), visible, size, noise, flip=True)
    for name in vars(one):
        assert torch.equal(getattr(one, name), getattr(two, name)), name


def test_what_is_hidden_how_large_and_how_noisy_it_is_counts() -> None:
    network = DetectionNetwork(PAPER19, SMALL)
    poses, visible, size, noise = seen()
    usual = network(poses, visible, size, noise).offsets
    for other in (
        (poses, ~visible, size, noise),
        (poses, visible, 2 * size, noise),
        (poses, visible, size, noise + 0.1),
    ):
        assert not torch.allclose(network(*other).offsets, usual)


def test_the_flip_test_treats_left_and_right_alike() -> None:
    network = DetectionNetwork(PAPER19, SMALL)
    poses, visible, size, noise = seen()
    one = network.predict(poses, visible, size, noise, flip=True)
    other = network.predict(mirrored(poses, PAPER19), visible[:, PAPER19.mirror], size, noise, flip=True)
    for name in vars(one):
        torch.testing.assert_close(getattr(other.mirrored(PAPER19), name), getattr(one, name))


def test_deviations_and_elevations_stay_within_bounds() -> None:
    network = DetectionNetwork(PAPER19, DetectionArchitecture(width=16, blocks=1, elevation_bound=0.5))
    with torch.no_grad():
        network.layers[-1].bias.fill_(1e4)  # type: ignore[union-attr, operator]
    found = network(*seen())
    assert found.elevation.max() <= 0.5
    torch.testing.assert_close(found.deviation, torch.full_like(found.deviation, LARGEST_LOGARITHM).exp())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0, "blocks": 1}, "width is 0; expected a whole number"),
        ({"width": 8, "blocks": 1.5}, "blocks is 1.5; expected a whole number"),
        ({"width": 8, "blocks": 1, "elevation_bound": 2.5}, "elevation_bound is 2.5; expected radians"),
        ({"width": 8, "blocks": 1, "elevation_bound": None}, "elevation_bound is None; expected radians"),
    ],
)
def test_sizes_that_are_none_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionArchitecture(**values)  # type: ignore[arg-type]
