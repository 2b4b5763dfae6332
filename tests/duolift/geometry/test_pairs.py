"""Two people as one body."""

import pytest
import torch

from duolift.body.skeleton import CHI3D25, PAPER19, Skeleton
from duolift.geometry.pairs import join_pair, split_pair


@pytest.mark.parametrize("skeleton", [PAPER19, CHI3D25], ids=lambda s: s.name)
def test_two_people_as_one_body_and_back(skeleton: Skeleton) -> None:
    pixels, pair = torch.randn(6, 2, len(skeleton), 2), skeleton.pair()
    joined = join_pair(pixels, skeleton)
    assert joined.shape == (6, 1, len(pair), 2)
    roots = pixels[:, :, skeleton.root_index]
    torch.testing.assert_close(joined[:, 0, pair.root_index], (roots[:, 0] + roots[:, 1]) / 2)
    assert torch.equal(joined[:, 0, pair.index("2.left_wrist")], pixels[:, 1, skeleton.index("left_wrist")])
    assert torch.equal(split_pair(joined), pixels)
