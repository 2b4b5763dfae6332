"""Coverage-guided fuzzing of every reader.   python -m fuzzing [reader ...] [--inputs 100000] [--workers 1]

Prints a table of results. Inputs on which a reader fails are left in runs/fuzzing/<reader>/failures; the exit code is
then 1. Each reader runs in a process of its own (`fuzzing.one`); where an input ends it, by taking too long or too much
memory, another process goes on with the remaining inputs.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from duolift.files import write_text
from experiments.tables import markdown_table

FOLDER = Path("runs/fuzzing")

IN_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""A folder in memory, where files are quick to write, if there is one."""


@dataclass(frozen=True)
class FuzzingLimits:
    """What a reader may take before it counts as failed.

    Attributes:
        seconds: for an input.
        memory: MiB of the process, half of which its libraries take.
        length: bytes of an input.
        ended: a reader whose process was ended so often is given up.
    """

    seconds: int = 20
    memory: int = 2048
    length: int = 16384
    ended: int = 20


LIMITS = FuzzingLimits()

HEAD = ("reader", "inputs", "a second", "failures", "branches", "peak memory, MiB")


@dataclass
class Result:
    """What came of a reader.

    Attributes:
        reader: its name.
        inputs: how many it was given.
        seconds: that they took.
        failures: exceptions of different kinds or places, and inputs that ended the process.
        branches: of the instrumented modules that inputs reached.
        memory: MiB, the peak of any process.
    """

    reader: str
    inputs: int = 0
    seconds: float = 0.0
    failures: int = 0
    branches: int = 0
    memory: int = 0


def fuzz(reader: str, inputs: int, folder: Path = FOLDER) -> Result:
    """Give a reader so many inputs, in one process after another where one is ended."""
    corpus, failures = (folder / reader.replace(" ", "-") / kind for kind in ("corpus", "failures"))
    for made in (corpus, failures):
        made.mkdir(parents=True, exist_ok=True)
    result, ended = Result(reader), 0
    while result.inputs < inputs and ended < LIMITS.ended:
        options = [
            f"-runs={inputs - result.inputs}",
            f"-max_len={LIMITS.length}",
            "-len_control=0",
            "-print_final_stats=1",
            f"-timeout={LIMITS.seconds}",
            f"-report_slow_units={LIMITS.seconds}",
            f"-rss_limit_mb={LIMITS.memory}",
            f"-artifact_prefix={failures}/ended-",
        ]
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fuzzing-", dir=IN_MEMORY) as scratch:
            run = subprocess.run(
                [sys.executable, "-m", "fuzzing.one", reader, str(corpus), str(failures), *options],
                capture_output=True,
                text=True,
                errors="replace",
                env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": scratch},
            )
        log = run.stderr
        write_text(corpus.parent / "last.log", log)
        done = _last(r"stat::number_of_executed_units:\s*(\d+)", log) or _last(r"^#(\d+)", log)
        result.inputs += done
        result.seconds += _last(r"Done \d+ runs in (\d+) second", log) or time.monotonic() - began
        result.branches = max(result.branches, _last(r"cov: (\d+)", log))
        result.memory = max(result.memory, _last(r"stat::peak_rss_mb:\s*(\d+)", log))
        ended += run.returncode != 0
        if not done:
            break
    kept = [path for path in failures.iterdir() if path.suffix != ".txt"]
    result.failures = len(kept) + (result.inputs < inputs)
    write_text(corpus.parent / "result.json", json.dumps(asdict(result)))
    return result


def _last(pattern: str, text: str) -> int:
    """The number that a pattern finds last, 0 where it finds none."""
    matches = re.findall(pattern, text, re.MULTILINE)
    return int(matches[-1]) if matches else 0


def table(results: Sequence[Result]) -> str:
    rows = [
        (r.reader, r.inputs, round(r.inputs / max(r.seconds, 1e-9)), r.failures, r.branches, r.memory) for r in results
    ]
    return markdown_table(HEAD, *([str(cell) for cell in row] for row in rows))


def main(given: Sequence[str]) -> int:
    from fuzzing.readers import READERS

    parser = argparse.ArgumentParser(prog="python -m fuzzing", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("readers", nargs="*", metavar="reader", help=f"of {', '.join(READERS)}; default: all")
    parser.add_argument("--inputs", type=int, default=100_000, help="of every reader (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="readers at a time (%(default)s)")
    chosen = parser.parse_args(given)
    if unknown := [name for name in chosen.readers if name not in READERS]:
        parser.error(f"reader {unknown[0]!r} is unknown; expected {', '.join(READERS)}")
    with ThreadPoolExecutor(chosen.workers) as pool:
        results = []
        for result in pool.map(partial(fuzz, inputs=chosen.inputs), chosen.readers or READERS):
            print(f"{result.reader}: {result.inputs} inputs, {result.failures} failures", file=sys.stderr, flush=True)
            results.append(result)
    print(table(results))
    return int(any(result.failures for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
