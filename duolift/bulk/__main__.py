"""The command: `python -m duolift.bulk keypoints/ people/`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from duolift.bulk.folders import lift_files
from duolift.errors import InputError
from duolift.progress import shown


def main(arguments: Sequence[str]) -> int:
    """Lift a folder and print a line for each file; returns the exit code, 2 where a file could not be lifted."""
    parser = argparse.ArgumentParser(prog="python -m duolift.bulk", description="Lift folders of Parquet files.")
    parser.add_argument("source", type=Path, help="folder of keypoints")
    parser.add_argument("target", type=Path, help="folder of people, made where it is missing")
    parser.add_argument("--weights", type=Path, help="the lifter's file; default: the one of the package")
    parser.add_argument(
        "--workers", type=int, default=0, help="Ray actors, a core each; 0, the default, is without Ray"
    )
    parser.add_argument("--gpus", type=float, default=0.0, help="GPUs of every worker")
    given, failed = parser.parse_args(arguments), 0
    try:
        with shown():
            for outcome in lift_files(given.source, given.target, given.weights, given.workers, given.gpus):
                failed += bool(outcome.error)
                if outcome.error:
                    print(f"error: {outcome.error}", file=sys.stderr)
                    continue
                print(f"{outcome.file}: {outcome.people} people in {outcome.images} images, {outcome.seconds:.1f} s")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
