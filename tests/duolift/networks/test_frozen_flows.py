"""Frozen flows: the same scores and gradients as each flow gives by itself, which is the oracle here."""

import pytest
import torch
from test_flows import centred, untrained
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.networks.flows import PoseFlow
from duolift.networks.frozen_flows import FrozenFlows


def one_by_one(flows: list[PoseFlow], poses: Tensor) -> Tensor:
    """The definition: every flow scores by itself, (flow, ...)."""
    return torch.stack([flow.log_prob(poses) for flow in flows])


@pytest.mark.parametrize("parts", [["whole"], ["whole", "legs", "torso"], ["left", "right", "legs"]], ids=", ".join)
def test_frozen_flows_score_and_pull_as_each_does(parts: list[str]) -> None:
    flows = [untrained(PAPER19, part).double() for part in parts]
    poses = centred(PAPER19, 2, 5, dtype=torch.float64).requires_grad_()
    expected = one_by_one(flows, poses)
    found = FrozenFlows(flows).log_prob(poses)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(FrozenFlows(flows).log_prob(poses[0, 0]), expected[:, 0, 0])
    weights = torch.randn_like(expected)
    ours, theirs = (torch.autograd.grad((weights * scores).sum(), poses)[0] for scores in (found, expected))
    torch.testing.assert_close(ours, theirs)


def test_flows_of_other_widths_and_clamps_freeze_together_and_of_other_lengths_do_not() -> None:
    flows = [PoseFlow(PAPER19, "whole", 2, 16, 1.5), PoseFlow(PAPER19, "legs", 2, 7, 2.5)]
    for parameter in (parameter for flow in flows for parameter in flow.parameters()):
        torch.nn.init.normal_(parameter, std=0.1)
    poses = centred(PAPER19, 4)
    frozen = FrozenFlows(flows)
    torch.testing.assert_close(frozen.log_prob(poses), one_by_one(flows, poses))
    with pytest.raises(ValueError, match="shorter"):
        FrozenFlows([*flows, PoseFlow(PAPER19, "torso", 1, 16, 1.5)])


def test_frozen_flows_are_copies_that_learn_nothing_and_are_no_part_of_a_checkpoint() -> None:
    flow, poses = untrained(PAPER19, "torso"), centred(PAPER19, 4)
    frozen = FrozenFlows([flow])
    before = frozen.log_prob(poses)
    torch.nn.init.zeros_(flow.couplings[0].shift)
    assert torch.equal(frozen.log_prob(poses), before)
    assert not frozen.state_dict() and not list(frozen.parameters())
