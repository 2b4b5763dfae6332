"""A detector's noise on centred poses."""

import pytest
import torch

from duolift.body.skeleton import PAPER19
from duolift.geometry.noise import centred_noise


def test_noise_leaves_the_root_and_moves_the_others_by_their_own_and_the_roots() -> None:
    sigma = torch.tensor([0.0, 0.1, 2.0])
    offsets = centred_noise(torch.zeros(20000, 3, 19, 2), sigma.expand(20000, 3), PAPER19.root_index)
    assert (offsets[:, :, PAPER19.root_index] == 0).all() and (offsets[:, 0] == 0).all()
    others = [joint for joint in range(19) if joint != PAPER19.root_index]
    found = offsets[:, :, others].std(0)
    torch.testing.assert_close(found, (2**0.5 * sigma)[:, None, None].expand_as(found), rtol=0.03, atol=0)
    assert offsets[:, 1:].mean(0).abs().max() < 0.07


def test_the_roots_noise_is_common_to_all_joints() -> None:
    offsets = centred_noise(torch.zeros(20000, 19, 2), torch.ones(20000), PAPER19.root_index)
    one, other = offsets[:, PAPER19.index("left_wrist"), 0], offsets[:, PAPER19.index("right_ankle"), 0]
    assert torch.corrcoef(torch.stack([one, other]))[0, 1].item() == pytest.approx(0.5, abs=0.03)
