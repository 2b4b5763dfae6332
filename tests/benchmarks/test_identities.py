"""Who keeps their number: what the benchmark counts, and whom it loses."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_shelf import write_shelf

from benchmarks import identities
from benchmarks.identities import TRIALS, Counts, Trial, behind, counted, for_long, nobody
from benchmarks.live import Film
from duolift.camera import Camera
from duolift.inputs.keypoints import FORMATS

FRAMES = 60


@pytest.fixture
def film() -> Film:
    """Two people of 17 joints who walk past each other, the second one behind."""
    random = np.random.default_rng(0)
    body = random.uniform(0, 200, (len(FORMATS["coco17"].joints), 2))
    across = np.linspace(100, 900, FRAMES)
    places = np.stack([across, np.full(FRAMES, 300), across[::-1], np.full(FRAMES, 310)], axis=-1)
    pixels = body + places.reshape(FRAMES, 2, 1, 2)  # (frame, person, joint, 2)
    keypoints = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
    truth = torch.zeros(FRAMES, 2, 19, 3)
    truth[:, 0, :, 2], truth[:, 1, :, 2] = 3000, 5000
    return Film(keypoints, truth, Camera(1000, (1000, 800)))


def test_whoever_is_behind_is_lost_where_the_two_are_near(film: Film) -> None:
    lost = behind(film, np.random.default_rng(0))
    assert not lost[:, 0].any()
    assert lost[FRAMES // 2, 1] and not lost[[0, -1], 1].any()


def test_one_at_a_time_is_lost_for_long(film: Film) -> None:
    lost = for_long(5)(film, np.random.default_rng(0))
    assert lost.any() and not lost.all(1).any()
    somebody = lost[:, 0] | lost[:, 1]
    begins = np.flatnonzero(np.diff(somebody.astype(int)) == 1)
    assert all(somebody[first + 1 : first + 6].all() for first in begins if first + 6 < FRAMES)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_trial_counts_everybody_who_is_found(film: Film, trial: Trial) -> None:
    found = counted(trial, [film])
    lost = trial.lost(film, np.random.default_rng(0))
    assert found.seen == (~lost).sum() and found.own <= found.seen
    assert found.changed + found.other == 0 or found.own < found.seen


def test_joints_that_stray_are_those_of_who_is_hidden(film: Film) -> None:
    trial = Trial("all limbs", behind, exact=True, stray=1.0)
    hidden = [frame for who, frame in trial.film(film, np.random.default_rng(0)) if who == [0]]
    exact = [frame for who, frame in Trial("", behind, exact=True).film(film, np.random.default_rng(0)) if who == [0]]
    apart = [np.abs(one.keypoints - other.keypoints).max() for one, other in zip(hidden, exact, strict=True)]
    assert hidden and min(apart) > 5


def test_a_number_that_changes_and_one_that_goes_to_somebody_else_are_counted() -> None:
    counts = Counts()
    counts.add([[0, 1], [0, 1], [0], [0, 1]], [[1, 2], [2, 1], [2], [2, 3]])
    assert (counts.seen, counts.changed, counts.back, counts.other) == (7, 2, 1, 1)
    assert counts.own == 4  # three times 2, once 1 or 3


def test_a_film_without_anybody_has_nothing_to_count() -> None:
    counts = Counts()
    counts.add([[], []], [[], []])
    assert counts == Counts()


def test_exact_people_keep_their_numbers(film: Film) -> None:
    found = counted(Trial("exact", nobody, exact=True), [film])
    assert (found.own, found.changed) == (2 * FRAMES, 0)


def test_shelfs_people_are_counted_in_scenes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identities.main(["--shelf", str(write_shelf(tmp_path / "shelf"))])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all("| 6 | 100.0 % | 0 in 6 | 0 of 0 |" in line for line in lines[2:])
