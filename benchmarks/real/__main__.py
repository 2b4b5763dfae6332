"""Score lifters on real people.   python -m benchmarks.real --root FOLDER [--lifter FILE ...] [--variants NAME ...]"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.real.capture import Capture
from benchmarks.real.pictures import sheet
from benchmarks.real.report import Line, tables, write_report
from benchmarks.real.rolled import rolled
from benchmarks.real.run import Run, run
from benchmarks.real.sets import SETS, set_named
from benchmarks.real.summary import summary
from benchmarks.real.variants import VARIANTS, Variant, truth_of, variants_named
from callbacks.figures import save_figure
from duolift.errors import InputError
from duolift.predictor import SHIPPED, Lifter
from experiments.runs import command


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the data set's folder")
    parser.add_argument("--set", default="shelf", metavar="NAME", help=f"of {', '.join(SETS)}; default: shelf")
    parser.add_argument("--lifter", type=Path, nargs="+", metavar="FILE", help="default: the one of the package")
    parser.add_argument("--variants", nargs="+", metavar="NAME", help=f"of {', '.join(VARIANTS)}; default: all")
    parser.add_argument("--output", type=Path, help="the report's path without its suffix; default: runs/real/NAME")
    parser.add_argument("--roll", type=float, default=0.0, metavar="DEGREES", help="turn every picture by so much")
    given = parser.parse_args(arguments)
    data, lifters = set_named(given.set), lifters_of(given.lifter or [SHIPPED])
    stem = given.output or Path("runs/real") / given.set
    stem.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        capture = data.read(given.root, Path(work))
        capture = rolled(capture, given.roll) if given.roll else capture
        lines: list[Line] = []
        for name, variant in variants_named(given.variants or data.variants, capture).items():
            for label, lifter in lifters.items():
                done = scored(lifter, capture, variant, given.root)
                if not lines:
                    save_figure(sheet(done.compared, truth_of(capture, variant)), stem.with_suffix(".png"))
                lines.append(Line(label, name, done.seconds, summary(done.scores)))
    write_report(stem, f"{data.title}: {capture.title}", lines)
    print(tables(lines))
    print(f"\ntables  {stem.with_suffix('.md')}, .json, and ten scenes, .png")


def lifters_of(files: Sequence[Path]) -> dict[str, Lifter]:
    """Lifters by their files' names, or by their whole paths where two files are called alike.

    Raises:
        InputError: a file is missing, or no lifter's, or is given twice.

    >>> [*lifters_of([SHIPPED])]
    ['shipped']
    """
    stems = [file.stem for file in files]
    labels = stems if len({*stems}) == len(stems) else [str(file) for file in files]
    if len({*labels}) < len(labels):
        raise InputError(f"--lifter names a file twice: {', '.join(labels)}; expected different files")
    return {label: Lifter.load(file) for label, file in zip(labels, files, strict=True)}


def scored(lifter: Lifter, capture: Capture, variant: Variant, root: Path) -> Run:
    """A run with scenes in it. Raises InputError where the detections are not of the people whose truth is known."""
    done = run(lifter, capture, variant)
    if not done.scores.scenes:
        raise InputError(f"{root}: in no image two true people are found by the detections; expected some")
    return done


if __name__ == "__main__":
    command(main)
