"""Killed at any moment, the same command goes on, and ends with what it would have ended with."""

import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import limit_files

KILLS = int(os.environ.get("KILLS", "3"))
"""How often runs are killed: `KILLS=20 python -m pytest tests/test_interruption.py` for more."""

SEED = 0

SETTINGS = [
    "data.synthetic.takes=1",
    "data.synthetic.frames=24",
    "data.held_out=64",
    "flows.width=16",
    "flows.blocks=2",
    "flows.epochs=4",
    "flows.batch_size=128",
    "lifting.width=16",
    "lifting.blocks=1",
    "lifting.epochs=4",
    "lifting.batch_size=128",
    "evaluation.every=2",
    "evaluation.few=50",
    "compute.threads=1",
    "wandb.mode=disabled",
]


def arguments(folder: Path) -> list[str]:
    """Of the whole pipeline in a folder."""
    return [
        *SETTINGS,
        f"data.root={folder / 'data'}",
        f"data.cache={folder / 'cache'}",
        f"runs={folder / 'runs'}",
        "run=one",
    ]


@dataclass(frozen=True)
class Started:
    """A run that has been started, in a process group of its own, and the file of what it says of errors."""

    process: BaseProcess
    errors: Path

    def ended_within(self, seconds: float | None) -> bool:
        """Whether it ends by itself; if not, it is killed with all that it has started."""
        self.process.join(seconds)
        if self.process.is_alive():
            os.killpg(self.process.pid or 0, signal.SIGKILL)
            self.process.join()
            return False
        return True


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkServerContext]:
    """Starts processes that have imported the pipeline already, which takes as long as the pipeline here."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OMP_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["experiments.ablation"])
        yield context


def started(context: ForkServerContext, folder: Path, largest: int = resource.RLIM_INFINITY) -> Started:
    """The whole pipeline in a folder, in which no file may grow beyond so many bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    ready = context.Event()
    run = Started(context.Process(target=in_process, args=(folder, largest, ready)), folder / "errors.txt")
    run.process.start()
    assert ready.wait(60)
    return run


def in_process(folder: Path, largest: int, ready: Event) -> None:
    """What `python -m experiments.ablation` does."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.dup2(os.open(folder / "errors.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    limit_files(largest)
    sys.argv[1:] = arguments(folder)
    ready.set()
    from experiments.ablation import main
    from experiments.runs import command

    command(main)


def assert_ends_well(run: Started) -> None:
    assert run.ended_within(None) and run.process.exitcode == 0, run.errors.read_text()


def outcome(folder: Path) -> dict[str, Any]:
    """Everything that was measured, by file; times and places apart."""
    found = {}
    for path in sorted((folder / "runs" / "one").rglob("*.json")):
        content = json.loads(path.read_text())
        if path.name == "history.json":
            content = [{k: v for k, v in record.items() if "second" not in k} for record in content]
        if path.name == "ablation.json":
            content["data"].pop("root")
        if path.name in ("metrics.json", "settings.json", "history.json", "ablation.json"):
            found[str(path.relative_to(folder))] = content
    return found


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbs: its folder, what it ends with, and the seconds that it takes."""

    folder: Path
    outcome: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> Undisturbed:
    folder = tmp_path_factory.mktemp("whole")
    run, began = started(processes, folder), time.monotonic()
    assert_ends_well(run)
    assert len(outcome(folder)) >= 9
    return Undisturbed(folder, outcome(folder), time.monotonic() - began)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_whenever_it_is_killed_a_run_ends_with_the_same_metrics(
    tmp_path: Path, whole: Undisturbed, processes: ForkServerContext
) -> None:
    moments, killed = random.Random(SEED), 0
    while killed < KILLS:
        folder = tmp_path / str(killed)
        run = started(processes, folder)
        while killed < KILLS and not run.ended_within(moments.uniform(0, whole.seconds)):
            killed += 1
            run = started(processes, folder)
        assert_ends_well(run)
        assert outcome(folder) == whole.outcome
        run = folder / "runs" / "one"
        assert [part for part in folder.rglob(".*.part") if part.parent != run] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("largest", "there", "fails"),
    [
        (20_000, [], "data"),
        (100_000, [], r"cache/\w+\.npz"),
        (50_000, ["data", "cache"], r"runs/one/.*last\.ckpt"),
    ],
    ids=["data", "cache", "checkpoint"],
)
def test_a_disk_that_is_full_is_told_of_in_a_line_and_nothing_is_lost(
    tmp_path: Path, whole: Undisturbed, processes: ForkServerContext, largest: int, there: list[str], fails: str
) -> None:
    folder = tmp_path / "one"
    for name in there:
        shutil.copytree(whole.folder / name, folder / name)
    full = started(processes, folder, largest)
    assert full.ended_within(None) and full.process.exitcode == 2
    lines = full.errors.read_text().splitlines()
    assert re.fullmatch(rf"error: {folder}/{fails}: cannot be written \(File too large\)", lines[-1]), lines[-1]
    assert not any("Traceback" in line for line in lines)
    assert list(tmp_path.rglob(".*.part")) == []
    assert_ends_well(started(processes, folder))
    assert outcome(folder) == whole.outcome


HOUR, YEAR = 3600, 365 * 86400

CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long back(void) { return atol(getenv("SECONDS_BACK")); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec -= back();
    return failed;
}

time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told) *told = now.tv_sec;
    return now.tv_sec;
}
"""
"""A clock that is behind, for a process that loads it before anything else."""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("gcc") is None, reason="needs Linux and gcc")
@pytest.mark.parametrize("back", [HOUR, YEAR], ids=["hour", "year"])
def test_a_clock_that_goes_back_between_two_starts_changes_nothing(
    tmp_path: Path, whole: Undisturbed, processes: ForkServerContext, back: int
) -> None:
    library = tmp_path / "clock.so"
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "clock.c", "-ldl"], check=True)
    clock = {"LD_PRELOAD": str(library), "SECONDS_BACK": str(back)}
    asked = [sys.executable, "-c", "import time; print(time.time())"]
    told = float(subprocess.run(asked, env=os.environ | clock, capture_output=True, check=True).stdout)
    assert abs(time.time() - back - told) < 600
    folder = tmp_path / "one"
    started(processes, folder).ended_within(0.7 * whole.seconds)
    again = [sys.executable, "-m", "experiments.ablation", *arguments(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | clock
    ended = subprocess.run(again, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert ended.returncode == 0, ended.stderr.decode()
    assert outcome(folder) == whole.outcome
