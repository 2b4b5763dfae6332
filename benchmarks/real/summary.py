"""From the errors of all images to the numbers of a table: medians, some of them by groups, and rank correlations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.real.scoring import SIGNALS, PersonErrors, SceneErrors

HIDDEN: dict[str, Callable[[int], bool]] = {
    "0": lambda count: count == 0,
    "1-2": lambda count: 1 <= count <= 2,
    "3-4": lambda count: 3 <= count <= 4,
    "5 or more": lambda count: count >= 5,
}
"""Name of a group of people -> whether somebody with so many hidden joints belongs to it."""

ERRORS = tuple(field.name for field in fields(PersonErrors) if field.name.endswith(("_mm", "_deg")))
"""Fields of `PersonErrors` of which medians are taken."""

EXPECTED = ("pa_mpjpe_mm", "root_mm")
"""Errors that a signal may tell: of the body, and of the place."""


@dataclass(frozen=True)
class Scores:
    """Everything that was compared.

    Attributes:
        people: of all images.
        scenes: of the images with two people or more.
        unmatched: how many true people who take part were not found.
    """

    people: Sequence[PersonErrors]
    scenes: Sequence[SceneErrors]
    unmatched: int

    def of_view(self, view: str) -> "Scores":
        """Those of one camera, without who was not found."""
        people = [person for person in self.people if person.view == view]
        return Scores(people, [scene for scene in self.scenes if scene.view == view], 0)


def summary(scores: Scores) -> dict[str, Any]:
    """All numbers of a run, as they go into JSON; None where there is nothing to take a median of."""
    groups = {name: [p for p in scores.people if belongs(p.hidden)] for name, belongs in HIDDEN.items()}
    views = dict.fromkeys(person.view for person in scores.people)
    return {
        **medians(scores),
        "unmatched": scores.unmatched,
        "by_hidden_joints": {name: medians(Scores(people, (), 0))["person"] for name, people in groups.items()},
        "rank_correlation": correlations(scores.people),
        "by_view": {view: medians(scores.of_view(view)) for view in views},
    }


def medians(scores: Scores) -> dict[str, Any]:
    """Medians over people, and over scenes by arrangement.

    >>> medians(Scores((), (), 0))["person"]["people"]
    0
    """
    person: dict[str, Any] = {"people": len(scores.people)}
    person |= {name: median([getattr(errors, name) for errors in scores.people]) for name in ERRORS}
    scene: dict[str, Any] = {"scenes": len(scores.scenes)}
    for arrangement, errors in (scores.scenes[0].arrangements if scores.scenes else {}).items():
        scene[arrangement] = {
            name: median([found.arrangements[arrangement][name] for found in scores.scenes]) for name in errors
        }
    return {"person": person, "scene": scene}


def median(values: Sequence[float]) -> float | None:
    """The median of what is a number; None where nothing is.

    >>> median([1.0, float("nan"), 2.0]), median([])
    (1.5, None)
    """
    finite = [value for value in values if np.isfinite(value)]
    return float(np.median(finite)) if finite else None


def correlations(people: Sequence[PersonErrors]) -> dict[str, dict[str, float | None]]:
    """Rank correlation (Spearman's) of each signal with each error that it may tell.

    -1 would be perfect, and 1 of the expected error.
    """
    return {
        signal: {
            error: rank_correlation([p.signals[signal] for p in people], [getattr(p, error) for p in people])
            for error in EXPECTED
        }
        for signal in SIGNALS
    }


def rank_correlation(signal: Sequence[float], error: Sequence[float]) -> float | None:
    """Spearman's correlation of what is a number in both; None where one of them is constant.

    >>> rank_correlation([0.9, 0.5, 0.1], [10.0, 20.0, 300.0]), rank_correlation([1.0, 1.0], [1.0, 2.0])
    (-1.0, None)
    """
    pairs = np.array([signal, error])
    pairs = pairs[:, np.isfinite(pairs).all(0)]
    if not pairs.size or (np.ptp(pairs, axis=1) == 0).any():
        return None
    return round(float(spearmanr(*pairs).statistic), 6)
