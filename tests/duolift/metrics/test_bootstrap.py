"""The bootstrap over groups against one written as a loop, and how often its intervals hold the truth."""

import numpy as np
import pytest

from duolift.metrics.bootstrap import Interval, bootstrapped, interval


def test_means_are_those_of_a_loop_that_draws_the_same_groups() -> None:
    rng = np.random.default_rng(1)
    groups = [str(g) for g in rng.integers(0, 6, 60)]
    values = rng.normal(size=(60, 2))
    values[rng.random((60, 2)) < 0.1] = np.nan
    means = bootstrapped(values, groups, samples=50, seed=3)
    order = list(dict.fromkeys(groups))
    drawn = np.random.default_rng(3).multinomial(6, [1 / 6] * 6, 50)
    for sample in range(50):
        for column in range(2):
            taken = [
                value
                for group, times in zip(order, drawn[sample], strict=True)
                for _ in range(times)
                for value, of in zip(values[:, column], groups, strict=True)
                if of == group and not np.isnan(value)
            ]
            assert means[sample, column] == pytest.approx(np.mean(taken))


def test_intervals_hold_the_true_mean_about_as_often_as_they_say() -> None:
    """Of groups whose means differ, which single values would be too sure of."""
    rng, held, naive = np.random.default_rng(0), 0, 0
    for _ in range(300):
        offsets = rng.normal(size=25)
        values = (offsets[:, None] + 0.3 * rng.normal(size=(25, 40))).ravel()[:, None]
        groups = np.repeat(np.arange(25), 40).tolist()
        for which, of in (("groups", groups), ("values", list(range(1000)))):
            found = interval(values[:, 0], bootstrapped(values, of, 200)[:, 0])
            holds = found.low <= 0 <= found.high
            held, naive = held + (holds and which == "groups"), naive + (holds and which == "values")
    assert 0.88 < held / 300 <= 0.98 and naive / 300 < 0.5


def test_differences_are_of_the_same_draws() -> None:
    rng = np.random.default_rng(0)
    hard = np.repeat(rng.normal(50, 20, 12), 5)
    values = np.stack([hard, hard + 1 + 0.1 * rng.normal(size=60)], axis=1)
    groups = np.repeat(np.arange(12), 5).tolist()
    means = bootstrapped(values, groups, 2000)
    one, other = (interval(values[:, n], means[:, n]) for n in range(2))
    between = interval(values[:, 1] - values[:, 0], means[:, 1] - means[:, 0])
    assert one.high > other.low  # each by itself leaves it open
    assert between.sure and 0.9 < between.low < between.high < 1.1
    assert not Interval(0.1, -0.2, 0.4).sure and Interval(-0.3, -0.4, -0.2).sure


@pytest.mark.parametrize(
    ("groups", "message"),
    [(["a"] * 3, "1 group; expected two or more"), (["a", "b"], "3 values and 2 groups; expected a group for each")],
)
def test_what_cannot_be_drawn_is_refused(groups: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrapped(np.zeros((3, 1)), groups, 10)
