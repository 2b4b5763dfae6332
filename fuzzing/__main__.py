"""Every reader on inputs that coverage guides.   python -m fuzzing [reader ...] [--inputs 100000] [--workers 1]

Prints a table; what fails is left in runs/fuzzing/<reader>/failures, and the exit code is then 1. A reader that was
ended, by too long a time or too much memory, goes on with the inputs that are left.
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
"""Where files are quick to write, if there is such a place."""

SLOWEST, MOST_MEMORY = 20, 2048
"""Seconds that an input may take, and MiB that a process may: half of it are its libraries."""

LONGEST = 16384
"""Bytes of an input."""

MOST_ENDS = 20
"""A reader that is ended so often is given up."""

HEAD = ("reader", "inputs", "a second", "failures", "branches", "peak memory, MiB")


@dataclass
class Result:
    """What became of a reader: `failures` are of different kinds, or inputs that ended the process."""

    reader: str
    inputs: int = 0
    seconds: float = 0.0
    failures: int = 0
    branches: int = 0
    memory: int = 0


def fuzz(reader: str, inputs: int, folder: Path = FOLDER) -> Result:
    """Give a reader so many inputs, in a process after another where one is ended."""
    corpus, failures = (folder / reader.replace(" ", "-") / kind for kind in ("corpus", "failures"))
    for made in (corpus, failures):
        made.mkdir(parents=True, exist_ok=True)
    result, ends = Result(reader), 0
    while result.inputs < inputs and ends < MOST_ENDS:
        options = [f"-runs={inputs - result.inputs}", f"-max_len={LONGEST}", "-len_control=0", "-print_final_stats=1"]
        options += [
            f"-timeout={SLOWEST}",
            f"-report_slow_units={SLOWEST}",
            f"-rss_limit_mb={MOST_MEMORY}",
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
        told = run.stderr
        write_text(corpus.parent / "last.log", told)
        done = _last(r"stat::number_of_executed_units:\s*(\d+)", told) or _last(r"^#(\d+)", told)
        result.inputs += done
        result.seconds += _last(r"Done \d+ runs in (\d+) second", told) or time.monotonic() - began
        result.branches = max(result.branches, _last(r"cov: (\d+)", told))
        result.memory = max(result.memory, _last(r"stat::peak_rss_mb:\s*(\d+)", told))
        if run.returncode:
            ends += 1
        if not done:
            break
    kept = [path for path in failures.iterdir() if path.suffix != ".txt"]
    result.failures = len(kept) + (result.inputs < inputs)
    write_text(corpus.parent / "result.json", json.dumps(asdict(result)))
    return result


def _last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


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
