"""What each term of a scene's energy buys: lifted with everything, and with one term left out at a time.

    python -m benchmarks.leave_out --root /data/pairs --subjects s03 s04 --every 30
    python -m benchmarks.leave_out --shelf /data/shelf

Motion capture of couples as in `benchmarks.live`, lifted as whole videos: a person, a scene and a whole sequence under
one similarity, mm, and acceleration, mm a squared frame. Or Shelf's videos and single images: medians of a person and
of a scene, mm, and of how far up is off, degrees. A term is left out by a deviation without end.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.live import Film, films, scores
from benchmarks.real import shelf
from benchmarks.real.capture import Capture
from benchmarks.real.run import run
from benchmarks.real.summary import summary
from benchmarks.real.variants import VARIANTS
from datamodules.sources import chi3d
from duolift.motion.evidence import Evidence
from duolift.motion.quadratic import Array, Quadratic
from duolift.motion.terms import TERMS
from duolift.placement import METHODS
from duolift.placement.fit import FitPlacement
from duolift.predictor import Lifter
from experiments.runs import command
from experiments.tables import markdown_table

ANY = 1e3
"""A deviation, in any unit, that says nothing."""

METRE = 1.0
"""Deviation of a joint of a lifted body that says next to nothing; without any, depths of joints have no start."""

HALF = 0.5
"""Deviation of a distance, as a share of it, that says next to nothing."""

Changes = Callable[[ExitStack], None]


def _constant(place: str, value: object) -> Changes:
    """A constant of a module of `duolift` is another one."""

    def change(stack: ExitStack) -> None:
        stack.enter_context(patch(f"duolift.{place}", value))

    return change


def _placement(**options: float) -> Changes:
    """The fit of places has other options."""

    def change(stack: ExitStack) -> None:
        other = FitPlacement(**options)
        stack.enter_context(patch.dict(METHODS, fit=replace(METHODS["fit"], image=other, video=other)))

    return change


def _term(name: str) -> Changes:
    """A term of the bodies over time is not there."""

    def change(stack: ExitStack) -> None:
        stack.enter_context(patch.dict(TERMS))
        del TERMS[name]

    return change


def _loose_bodies(stack: ExitStack) -> None:
    """Joints are anywhere near where they were lifted."""
    term = TERMS["bodies"]

    def loose(known: Evidence, points: Array, equations: Quadratic) -> None:
        term(replace(known, deviation=np.full_like(known.deviation, METRE)), points, equations)

    stack.enter_context(patch.dict(TERMS, bodies=loose))


def _anywhere(stack: ExitStack) -> None:
    """People are anywhere near where they were placed."""
    stack.enter_context(patch.dict(TERMS["places"].__globals__, SHARE=HALF))


LEFT_OUT: dict[str, Changes] = {
    "everything": lambda stack: None,
    "keypoints over time": _constant("motion.keypoints.DENSITY", ANY**2),
    "bodies": _loose_bodies,
    "up": _constant("placement.upright.SHARED_DEG", (ANY, ANY)),
    "how cameras are held": _constant("placement.upright.HELD_DEG", ((-10.0, ANY), (0.0, ANY))),
    "sizes": _constant("placement.standing.SIZES", ANY),
    "looks": _placement(looks=ANY),
    "ground": _placement(foot=ANY),
    "leans": _placement(lean=0.0),
    "depths as wholes": _placement(settles=0.0),
    "places": _anywhere,
    "bones": _term("bones"),
    "inertia": _term("inertia"),
}
"""What is left out -> how."""

FOCAL: dict[str, Changes] = {
    "nobody gives the focal length": lambda stack: None,
    "lens": _constant("placement.focal.FOCAL_PRIOR", 3.0),
    "the focal length by people": _constant("placement.focal.TOLD", 0.0),
}
"""The same where nobody gives the focal length."""


def some(ways: dict[str, Changes], names: Sequence[str]) -> dict[str, Changes]:
    """Those of some names."""
    return {name: changes for name, changes in ways.items() if name in names}


@contextmanager
def changed(changes: Changes) -> Iterator[None]:
    """With some of it left out."""
    with ExitStack() as stack:
        changes(stack)
        yield


def errors_of(lifter: Lifter, film: Film) -> dict[str, float]:
    """Errors of a film, lifted as a whole, means over frames."""
    scene = lifter.lift(film.keypoints, format="coco17", camera=film.camera)
    return {name: float(np.mean(values)) for name, values in scores(scene, film).items() if name != "after 2 s"}


def couples(
    lifter: Lifter, root: Path, subjects: Sequence[str], every: int, noise: float, names: Sequence[str]
) -> None:
    """Print a table of every subject's takes."""
    for subject in subjects:
        seen = [*films(chi3d.read(root, [subject]), every, noise, 1)]
        rows = []
        for known, ways in ((True, LEFT_OUT), (False, FOCAL)):
            for name, changes in some(ways, names).items():
                found = defaultdict(list)
                with changed(changes):
                    for film in seen:
                        camera = film.camera if known else replace(film.camera, focal=None)
                        for metric, value in errors_of(lifter, replace(film, camera=camera)).items():
                            found[metric].append(value)
                rows.append((name, *(f"{np.mean(values):.1f}" for values in found.values())))
                print(subject, *rows[-1], flush=True)
        print(markdown_table((subject, *found), *rows) + "\n", flush=True)


def real(lifter: Lifter, root: Path, kinds: Sequence[str], names: Sequence[str]) -> None:
    """Print a table of Shelf's videos and images."""
    with TemporaryDirectory() as work:
        capture: Capture = shelf.read(root, Path(work))
        for kind in kinds:
            rows = []
            for variant, ways in ((f"{kind}_focal", LEFT_OUT), (f"{kind}_nofocal", FOCAL)):
                for name, changes in some(ways, names).items():
                    with changed(changes):
                        found = summary(run(lifter, capture, VARIANTS[variant]).scores)
                    person, scene = found["person"], found["scene"]
                    numbers = person["pa_mpjpe_mm"], scene["estimate"]["pa_mpjpe_mm"], person["up_deg"]
                    rows.append((name, *(f"{number:.1f}" for number in numbers)))
                    print(kind, *rows[-1], flush=True)
            print(markdown_table((f"Shelf, {kind}", "person", "scene", "up"), *rows) + "\n", flush=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leave_out", description=__doc__)
    parser.add_argument("--root", type=Path, help="a data set in CHI3D's layout")
    parser.add_argument("--subjects", nargs="+", default=["s04"], help="whose takes (s04)")
    parser.add_argument("--every", type=int, default=30, help="of how many takes one is lifted (30)")
    parser.add_argument("--noise", type=float, default=3.0, help="deviation of a joint in pixels (3)")
    parser.add_argument("--shelf", type=Path, help="Shelf's folder")
    known = [*LEFT_OUT, *FOCAL]
    parser.add_argument("--only", nargs="+", metavar="TERM", choices=known, default=known, help=", ".join(known))
    parser.add_argument("--kinds", nargs="+", choices=("video", "images"), default=("video", "images"), help="both")
    parser.add_argument("--lifter", type=Path, help="a trained lifter (the one of the package)")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    lifter = Lifter.load(given.lifter)
    if given.root:
        couples(lifter, given.root, given.subjects, given.every, given.noise, given.only)
    if given.shelf:
        real(lifter, given.shelf, given.kinds, given.only)


if __name__ == "__main__":
    command(main)
