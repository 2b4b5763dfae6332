"""Killed at any moment, the same command goes on, and ends with what it would have ended with."""

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import limit_files

KILLS = int(os.environ.get("KILLS", "3"))
"""How often runs are killed: `KILLS=20 python -m pytest tests/test_interruption.py` for more."""

SEED = 0

SETTINGS = [
    "data.synthetic.takes=1",
    "data.synthetic.frames=40",
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


def start(
    folder: Path, largest: int = resource.RLIM_INFINITY, clock: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """The whole pipeline in a folder, in which no file may grow beyond so many bytes.

    Args:
        clock: variables that set the clock back.
    """
    places = [f"data.root={folder / 'data'}", f"data.cache={folder / 'cache'}", f"runs={folder / 'runs'}", "run=one"]
    command = [sys.executable, "-m", "experiments.ablation", *SETTINGS, *places]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | (clock or {})
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=partial(limit_files, largest),
    )


def killed_after(seconds: float | None, process: subprocess.Popen[bytes]) -> bool:
    """Whether it takes longer than that, and is killed with all that it has started; if not, it has to end well."""
    try:
        errors = process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, errors.decode()
    return False


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
def whole(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    began, folder = time.monotonic(), tmp_path_factory.mktemp("whole")
    killed_after(None, start(folder))
    assert len(outcome(folder)) >= 9
    return Undisturbed(folder, outcome(folder), time.monotonic() - began)


@pytest.mark.timeout(3600)
def test_whenever_it_is_killed_a_run_ends_with_the_same_metrics(tmp_path: Path, whole: Undisturbed) -> None:
    moments, killed = random.Random(SEED), 0
    while killed < KILLS:
        folder = tmp_path / str(killed)
        while killed_after(moments.uniform(0, whole.seconds) if killed < KILLS else None, start(folder)):
            killed += 1
        assert outcome(folder) == whole.outcome
        run = folder / "runs" / "one"
        assert [part for part in folder.rglob(".*.part") if part.parent != run] == []


@pytest.mark.parametrize(
    ("largest", "there", "fails"),
    [
        (30_000, [], "data"),
        (100_000, [], r"cache/\w+\.npz"),
        (50_000, ["data", "cache"], r"runs/one/.*last\.ckpt"),
    ],
    ids=["data", "cache", "checkpoint"],
)
def test_a_disk_that_is_full_is_told_of_in_a_line_and_nothing_is_lost(
    tmp_path: Path, whole: Undisturbed, largest: int, there: list[str], fails: str
) -> None:
    folder = tmp_path / "one"
    for name in there:
        shutil.copytree(whole.folder / name, folder / name)
    full = start(folder, largest)
    lines = full.communicate()[1].decode().splitlines()
    assert full.returncode == 2
    assert re.fullmatch(rf"error: {folder}/{fails}: cannot be written \(File too large\)", lines[-1]), lines[-1]
    assert not any("Traceback" in line for line in lines)
    assert list(tmp_path.rglob(".*.part")) == []
    killed_after(None, start(folder))
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


@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("gcc") is None, reason="needs Linux and gcc")
@pytest.mark.parametrize("back", [HOUR, YEAR], ids=["hour", "year"])
def test_a_clock_that_goes_back_between_two_starts_changes_nothing(
    tmp_path: Path, whole: Undisturbed, back: int
) -> None:
    library = tmp_path / "clock.so"
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "clock.c", "-ldl"], check=True)
    clock = {"LD_PRELOAD": str(library), "SECONDS_BACK": str(back)}
    asked = [sys.executable, "-c", "import time; print(time.time())"]
    told = float(subprocess.run(asked, env=os.environ | clock, capture_output=True, check=True).stdout)
    assert abs(time.time() - back - told) < 600
    folder = tmp_path / "one"
    killed_after(0.7 * whole.seconds, start(folder))
    killed_after(None, start(folder, clock=clock))
    assert outcome(folder) == whole.outcome
