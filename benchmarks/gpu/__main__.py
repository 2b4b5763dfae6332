"""Measure everything that is to be known of a GPU, within a time limit.   python -m benchmarks.gpu --output FOLDER"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu.options import FULL, SIZES, Options
from benchmarks.gpu.runner import run_all
from benchmarks.gpu.steps import STEPS


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    names = [step.name for step in STEPS]
    parser.add_argument("--seconds", type=float, default=540, help="for everything together; default: 540")
    parser.add_argument("--output", type=Path, default=Path("runs/gpu"), help="folder of gpu.json; default: runs/gpu")
    parser.add_argument("--work", type=Path, help="folder of checkpoints and logs; default: the output's folder work")
    parser.add_argument("--root", type=Path, help="a data set in CHI3D's layout; default: the embedded set")
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"), help="default: cuda")
    parser.add_argument("--size", default=FULL, choices=SIZES, help="tiny: next to nothing, to see that it runs")
    parser.add_argument("--only", default=",".join(names), metavar="NAMES", help=f"of {','.join(names)}; default: all")
    given = parser.parse_args(arguments)
    chosen = given.only.split(",")
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"step {unknown[0]!r} is unknown; expected some of {','.join(names)}")
    root = None if given.root is None else str(given.root.resolve())
    options = Options(given.device, given.size, root, str((given.work or given.output / "work").resolve()))
    steps = [step for step in STEPS if step.name in chosen]
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the step that runs is stopped as well
    try:
        for name, record in run_all(steps, options, given.output / "gpu.json", given.seconds):
            print(told(name, record), flush=True)
    finally:
        signal.signal(signal.SIGTERM, before)


def told(name: str, record: dict[str, Any]) -> str:
    """A step's line.

    >>> told("bulk", {"status": "failed", "seconds": 1.23, "error": "lacks the library torch", "result": {}})
    'bulk: failed, 1.2 s: lacks the library torch'
    """
    words = filter(None, (record.get("error"), record["result"].get("line")))
    return f"{name}: {record['status']}, {record['seconds']:.1f} s: {'; '.join(words)}".removesuffix(": ")


if __name__ == "__main__":
    main(sys.argv[1:])
