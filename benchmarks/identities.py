"""Do people keep their number? In real videos, and as a detector sees couples who loses them now and then.

    python -m benchmarks.identities --shelf /data/shelf
    python -m benchmarks.identities --root /data/pairs --every 12

Shelf's people are those of 4d_association, seen by OpenPose in each of five cameras (`benchmarks.real`). Couples are
motion capture; they come in random order in every frame, and a detector with COCO's joints is 5 pixels off and misses a
fifth of them, but for the first row.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmarks.live import Film, films
from benchmarks.real import shelf
from benchmarks.real.protocol import compare
from benchmarks.real.variants import VARIANTS, lifted, truth_of
from datamodules.sources import chi3d
from duolift.inputs import Frame
from duolift.inputs.keypoints import FORMATS, to_joints
from duolift.inputs.similarity import size_of
from duolift.inputs.tracking import TRACKING, Tracker
from duolift.predictor import Lifter
from duolift.progress import tracked
from experiments.runs import command
from experiments.tables import markdown_table

NOISE = 5.0
"""Pixels."""

MISSING = 0.2
"""Share of the joints."""

LOST = 0.05
"""Share of the frames in which a person is lost at random."""

NEAR = 0.35
"""Sizes of the larger person by which joints of two are apart, on the mean, where one hides the other."""

STRAY = 0.1
"""Share of the limbs of who hides somebody that are taken to be where the other's are."""

LIMBS = [
    [FORMATS["coco17"].joints.index(f"{side}_{joint}") for joint in joints]
    for side in ("left", "right")
    for joints in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
]

Bools = NDArray[np.bool_]
Losing = Callable[[Film, np.random.Generator], Bools]
"""In which frames somebody is lost, (frame, person)."""


@dataclass
class Counts:
    """How often people have another number than when they were last seen.

    Attributes:
        seen: people, over all frames.
        own: of these, under the number that is theirs: everybody has one, nobody another's, and so that they are as
            many as possible in a film. The field's identity recall, of those who are found.
        changed: of those who were there a frame before, another number.
        back: of how many who were not.
        other: of these, another number.
    """

    seen: int = 0
    own: int = 0
    changed: int = 0
    back: int = 0
    other: int = 0

    def add(self, there: Sequence[Sequence[int]], numbers: Sequence[Sequence[int]]) -> None:
        """Count a film.

        Args:
            there: who is in each frame.
            numbers: that they were given.

        >>> counts = Counts()
        >>> counts.add([[0, 1], [1], [0, 1]], [[1, 2], [1], [3, 1]])
        >>> counts
        Counts(seen=5, own=3, changed=1, back=1, other=1)
        """
        self.own += _own(there, numbers)
        known: dict[int, int] = {}
        before: Sequence[int] = ()
        for people, given in zip(there, numbers, strict=True):
            for person, number in zip(people, given, strict=True):
                self.seen += 1
                other = known.get(person, number) != number
                self.changed += other and person in before
                self.back += person in known and person not in before
                self.other += other and person not in before
                known[person] = number
            before = people


def _own(there: Sequence[Sequence[int]], numbers: Sequence[Sequence[int]]) -> int:
    """How many people of a film's frames are under the number that is theirs."""
    pairs = Counter(pair for both in zip(there, numbers, strict=True) for pair in zip(*both, strict=True))
    people, given = {person for person, _ in pairs}, {number for _, number in pairs}
    together = np.array([[pairs[person, number] for number in given] for person in people])
    return int(together[linear_sum_assignment(together, maximize=True)].sum()) if pairs else 0


def nobody(film: Film, random: np.random.Generator) -> Bools:
    return np.zeros(film.keypoints.shape[:2], dtype=bool)


def now_and_then(film: Film, random: np.random.Generator) -> Bools:
    return random.random(film.keypoints.shape[:2]) < LOST


def for_long(frames: int) -> Losing:
    """One of them for so many frames, again and again."""

    def lost(film: Film, random: np.random.Generator) -> Bools:
        gone, first = nobody(film, random), int(random.integers(5, 5 + 2 * frames))
        while first < len(gone):
            gone[first : first + frames, random.integers(gone.shape[1])] = True
            first += frames + int(random.integers(frames, 3 * frames))
        return gone

    return lost


def behind(film: Film, random: np.random.Generator) -> Bools:
    """Whoever is the farther one of two that are near each other in the image."""
    gone = nobody(film, random)
    depths = film.truth[..., 2].mean(-1).numpy()  # (frame, person)
    for number, (one, other) in enumerate(film.keypoints[..., :2]):
        size = max(size_of(one, np.ones(len(one))), size_of(other, np.ones(len(other))))
        if np.linalg.norm(one - other, axis=-1).mean() < NEAR * size:
            gone[number, depths[number].argmax()] = True
    return gone


@dataclass(frozen=True)
class Trial:
    """A detector.

    Attributes:
        name: in words.
        lost: whom it loses.
        exact: whether joints are exact and none is missing.
        stray: share of the limbs of who hides somebody that it takes to be the other's.
    """

    name: str
    lost: Losing
    exact: bool = False
    stray: float = 0.0

    def film(self, film: Film, random: np.random.Generator) -> Iterator[tuple[list[int], Frame]]:
        """The frames of a film, and who is in them, in the order in which they come."""
        lost, keypoints = self.lost(film, random), film.keypoints.copy()
        if not self.exact:
            keypoints[..., :2] += random.normal(0, NOISE, keypoints[..., :2].shape)
            keypoints[..., 2] = random.random(keypoints.shape[:-1]) >= MISSING
        for number, people in enumerate(keypoints):
            if lost[number].any():
                here, there = lost[number].argmin(), lost[number].argmax()
                for limb in LIMBS:
                    if random.random() < self.stray:
                        people[here, limb] = people[there, limb]
            order = [int(one) for one in random.permutation(len(people)) if not lost[number, one]]
            places, confidence = to_joints(people[order, :, :2], people[order, :, 2], FORMATS["coco17"])
            yield order, Frame(str(number), "film", places, confidence)


TRIALS = (
    Trial("exact", nobody, exact=True),
    Trial("all are found", nobody),
    Trial("each is lost in a twentieth of the frames", now_and_then),
    *(Trial(f"one is lost for {frames} frames, again and again", for_long(frames)) for frames in (5, 15, 30, 60, 85)),
    Trial("whoever is behind the other is lost", behind),
    Trial("the same, and a tenth of the other's limbs are taken to be theirs", behind, stray=STRAY),
)


def counted(trial: Trial, all_films: Sequence[Film]) -> Counts:
    random, counts = np.random.default_rng(0), Counts()
    for film in all_films:
        tracker = Tracker(TRACKING.gap)
        frames = list(trial.film(film, random))
        counts.add([who for who, _ in frames], [tracker.follow(frame) for _, frame in frames])
    return counts


def of_couples(root: Path, subjects: Sequence[str], every: int, step: int) -> dict[str, Counts]:
    """Trial -> counts, on motion capture."""
    sets = (chi3d.read(root, [subject]) for subject in subjects)
    all_films = list(chain.from_iterable(films(takes, every, 0.0, step) for takes in sets))
    return {trial.name: counted(trial, all_films) for trial in tracked(TRIALS, "following", len(TRIALS))}


def of_shelf(root: Path) -> dict[str, Counts]:
    """Camera -> counts, of the people in the scenes that its videos give."""
    lifter, variant, found = Lifter.load(), replace(VARIANTS["video_focal"], truth="4d"), {}
    with tempfile.TemporaryDirectory() as work:
        capture = shelf.read(root, Path(work))
        truth = truth_of(capture, variant)
        for view in tracked(capture.views, "lifting", len(capture.views)):
            there, numbers = [], []
            for true_frame, scene, frame in lifted(lifter, view, capture, variant):
                pairs = compare(scene, frame, view, truth, true_frame).pairs
                there.append([truth.frames[true_frame].identities[person] for _, person in pairs])
                numbers.append([scene.identities[one] for one, _ in pairs])
            found[f"camera {view.name}"] = counts = Counts()
            counts.add(there, numbers)
    return found


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identities", description=__doc__.split("\n")[0])
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--shelf", type=Path, help="the data set of that name")
    data.add_argument("--root", type=Path, help="a data set in CHI3D's layout")
    parser.add_argument("--subjects", nargs="+", default=["s02", "s03", "s04"], help="whose takes (s02 s03 s04)")
    parser.add_argument("--every", type=int, default=12, help="of how many takes one is followed (12)")
    parser.add_argument("--step", type=int, default=1, help="of how many frames one is seen (1)")
    given = parser.parse_args(arguments)
    found = of_shelf(given.shelf) if given.shelf else of_couples(given.root, given.subjects, given.every, given.step)
    rows = [
        (
            name,
            f"{one.seen:,}",
            f"{100 * one.own / max(one.seen, 1):.1f} %",
            f"{one.changed} in {one.seen - one.back:,}",
            f"{one.other} of {one.back:,}",
        )
        for name, one in found.items()
    ]
    print(
        markdown_table(
            ("", "people", "under their own number", "in sight, another", "came back as somebody else"), *rows
        )
    )


if __name__ == "__main__":
    command(main)
