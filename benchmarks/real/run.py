"""One lifter on one variant of a data set: lifted, matched and scored."""

import time
from dataclasses import dataclass

from benchmarks.real.capture import Capture, View
from benchmarks.real.mean_pose import mean_pose
from benchmarks.real.protocol import Matched, compare
from benchmarks.real.scoring import person_errors
from benchmarks.real.summary import Scores
from benchmarks.real.variants import Variant, lifted, truth_of
from duolift.predictor import Lifter
from duolift.progress import tracked
from duolift.scene import Scene


@dataclass(frozen=True)
class Compared:
    """An image with true people in it.

    Attributes:
        view: its camera.
        true_frame: its frame of the truth.
        scene, frame: where its people were estimated.
        matched: whose estimate and truth are known.
    """

    view: View
    true_frame: int
    scene: Scene
    frame: int
    matched: Matched


@dataclass(frozen=True)
class Run:
    """What came of it.

    Attributes:
        compared: every image with people who take part.
        scores: their errors.
        seconds: that lifting took.
    """

    compared: tuple[Compared, ...]
    scores: Scores
    seconds: float


def run(lifter: Lifter, capture: Capture, variant: Variant) -> Run:
    """Lift every view and compare everybody with the truth."""
    truth, began = truth_of(capture, variant), time.perf_counter()
    images = [
        (view, *image)
        for view in tracked(capture.views, variant.title, len(capture.views))
        for image in lifted(lifter, view, capture, variant)
    ]
    seconds, mean = time.perf_counter() - began, mean_pose(truth)
    compared = [
        Compared(view, true_frame, scene, frame, compare(scene, frame, view, truth, true_frame))
        for view, true_frame, scene, frame in images
    ]
    scored = [person_errors(image.matched, image.view, mean) for image in compared if len(image.matched)]
    scores = Scores(
        people=[person for people, _ in scored for person in people],
        scenes=[scene for _, scene in scored if scene],
        unmatched=sum(image.matched.unmatched for image in compared),
    )
    return Run(tuple(compared), scores, seconds)
