"""What was observed is found again in answers that are drawn to what is usual."""

import pytest
import torch
from torch import Tensor

from duolift.learning.views import Views
from duolift.networks.told_alone import AT_MOST, BINS, angles, bell, without_usual

DEGREE = torch.pi / 180
USUAL = Views().frequencies()[0]
"""Elevations that the lifter of the package has learned from: half of the cameras look down by up to 25 degrees."""

OBSERVED = torch.arange(-55.0, 20.0, 5.0) * DEGREE
"""Where cameras are that are not next to the edge of all."""


def answered(observed: Tensor, unsure: Tensor, usual: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the deviation of whoever has observed an angle and knows what is usual, by a finer sum."""
    fine = torch.linspace(-torch.pi / 2, torch.pi / 2, 20 * BINS)
    prior = usual.clamp(min=1e-9)[torch.linspace(0, BINS - 0.001, len(fine)).long()].log()
    shares = (prior - ((fine - observed.unsqueeze(-1)) / unsure.unsqueeze(-1)).square() / 2).softmax(-1)
    mean = (shares * fine).sum(-1)
    return mean, (shares * (fine - mean.unsqueeze(-1)).square()).sum(-1).sqrt()


@pytest.mark.parametrize("degrees", [2.0, 4.0, 6.0, 8.0])
def test_the_observation_is_found_that_gave_the_answer(degrees: float) -> None:
    unsure = torch.full_like(OBSERVED, degrees * DEGREE)
    found, deviation = without_usual(*answered(OBSERVED, unsure, USUAL), USUAL).unbind(-1)
    assert (found - OBSERVED).abs().median() < 0.5 * DEGREE
    assert (deviation / unsure - 1).abs().median() < 0.1


def test_people_seen_from_above_are_not_drawn_to_level_cameras() -> None:
    """Many who are seen by a camera that looks down by 30 degrees, each a little wrong."""
    torch.manual_seed(0)
    true, unsure = torch.full((4000,), -30.0 * DEGREE), torch.full((4000,), 6.0 * DEGREE)
    said, deviation = answered(true + unsure * torch.randn(4000), unsure, USUAL)
    answers = together(said, deviation)
    found = together(*without_usual(said, deviation, USUAL).unbind(-1))
    assert answers > -27 * DEGREE
    assert found < answers - 2 * DEGREE and found == pytest.approx(-30 * DEGREE, abs=1.5 * DEGREE)


def together(said: Tensor, deviation: Tensor) -> float:
    """The mean of what many say, by how sure they are."""
    weight = 1 / deviation.square()
    return float((weight * said).sum() / weight.sum())


def test_where_the_usual_is_a_gaussian_precisions_are_told_apart() -> None:
    mean, spread, unsure = torch.tensor(-0.2), torch.tensor(0.3), torch.full_like(OBSERVED, 0.1)
    after = 1 / (1 / unsure.square() + 1 / spread.square())
    said = after * (OBSERVED / unsure.square() + mean / spread.square())
    found, deviation = without_usual(said, after.sqrt(), bell(mean, spread)).unbind(-1)
    torch.testing.assert_close(found, OBSERVED, rtol=0, atol=0.01)
    torch.testing.assert_close(deviation, unsure, rtol=0.05, atol=0)


def test_nothing_usual_changes_nothing() -> None:
    said, deviation = torch.tensor([-0.5, 0.3]), torch.tensor([0.05, 0.1])
    found = without_usual(said, deviation, torch.full((BINS,), 1 / BINS))
    torch.testing.assert_close(found, torch.stack([said, deviation], dim=-1), rtol=0, atol=1e-3)


def test_whatever_is_answered_stays_within_bounds() -> None:
    """Also answers that no observation could have given."""
    said, deviation = torch.meshgrid(torch.linspace(-1.5, 1.5, 31), torch.logspace(-4, 4, 17), indexing="ij")
    found, wide = without_usual(said, deviation, USUAL).unbind(-1)
    assert found.isfinite().all() and found.abs().max() <= torch.pi / 2
    assert ((found - said).abs() <= AT_MOST * deviation.clamp(min=0.02) + 1e-6).all()
    assert (wide <= AT_MOST * deviation.clamp(min=0.02) * 1.001).all() and (wide > 0).all()


def test_each_angle_has_its_own_usual() -> None:
    said, deviation = torch.tensor([-0.4, 0.4]), torch.tensor([0.1, 0.1])
    both = torch.stack([bell(torch.tensor(0.0), torch.tensor(0.2)), torch.full((BINS,), 1 / BINS)])
    for row, found in enumerate(without_usual(said, deviation, both)):
        torch.testing.assert_close(found, without_usual(said[row], deviation[row], both[row]))


def test_bins_cover_everything_evenly() -> None:
    at = angles(torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(at.diff(), torch.full((BINS - 1,), torch.pi / BINS, dtype=torch.float64))
    torch.testing.assert_close(at + at.flip(0), torch.zeros(BINS, dtype=torch.float64))
