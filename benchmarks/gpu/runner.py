"""Steps one after the other, each in a process of its own that is stopped when its time is over.

Nothing but Python's own library is imported here, so that the script runs wherever there is any library to measure.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gpu.child import FAILED, save
from benchmarks.gpu.options import Options
from benchmarks.gpu.steps import Step

OUT_OF_TIME, NOT_BEGUN = "out of time", "not begun"

LEAST = 2.0
"""Seconds below which a step is not begun."""


def run_all(steps: Sequence[Step], options: Options, output: Path, seconds: float) -> Iterator[tuple[str, Any]]:
    """Run steps for so many seconds altogether; yields the name and the record of each as soon as it has ended.

    All records are in `output`, which is written after each. Records of other steps that it holds already stay.
    """
    ends = time.monotonic() + seconds
    options.folder.mkdir(parents=True, exist_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    earlier = json.loads(output.read_text())["steps"] if output.exists() else {}
    report: dict[str, Any] = {**asdict(options), "seconds": seconds, "steps": earlier}
    for step in steps:
        limit = min(step.limit, ends - time.monotonic())
        report["steps"][step.name] = run_step(step, options, limit)
        save(output, report)
        yield step.name, report["steps"][step.name]


def run_step(step: Step, options: Options, limit: float) -> dict[str, Any]:
    """Run one step for at most so many seconds.

    Returns:
        its record: `status`, `seconds` and `limit`; `error` where it did not end well; `result`, what it measured;
        and `stages`, see `stages_of`.
    """
    if limit < LEAST:
        return {"status": NOT_BEGUN, "seconds": 0.0, "limit": limit, "error": "no time was left", "result": {}}
    path, log = (options.folder / f"{step.name}.{suffix}" for suffix in ("json", "log"))
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.gpu.child", step.function, str(path), json.dumps(asdict(options))]
    began = time.monotonic()
    stopped = status_of(command, log, limit) is None
    record: dict[str, Any] = {"status": FAILED, "seconds": time.monotonic() - began, "limit": limit}
    record |= json.loads(path.read_text()) if path.exists() else {"result": {}}
    if stopped:
        record |= {"status": OUT_OF_TIME, "error": f"stopped after {limit:.0f} s"}
    elif record["status"] == FAILED:
        record["log"] = log.read_text(errors="replace")[-2000:]
        record.setdefault("error", "its process ended without a word")
    stages = stages_of(options.folder / "runs" / step.name)
    return record | ({"stages": stages} if stages else {})


def status_of(command: Sequence[str], log: Path, limit: float) -> int | None:
    """The exit status of a command, or None where it was stopped, with every process that it had started.

    Its output goes to a file. It can import what this process can.
    """
    path = os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))
    with log.open("w") as written:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        )
        try:
            return process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            return None
        finally:  # whatever ended it, nothing of it goes on
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def stages_of(run: Path) -> dict[str, dict[str, float]]:
    """The stages of a training run by name: epochs that are done, their seconds, and seconds an epoch but the first.

    They are known of a training that was stopped as well.
    """
    stages = {}
    for path in sorted(run.glob("*/history.json")):
        seconds = [record["seconds"] for record in json.loads(path.read_text())]
        later = seconds[1:] or seconds
        stages[path.parent.name] = {
            "epochs": len(seconds),
            "seconds": sum(seconds),
            "seconds_an_epoch": sum(later) / max(1, len(later)),
        }
    return stages
