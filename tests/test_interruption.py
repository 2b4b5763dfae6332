"""Killed at any moment, the same command goes on, and ends with what it would have ended with."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

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

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then it is an error like that of a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    places = [f"data.root={folder / 'data'}", f"data.cache={folder / 'cache'}", f"runs={folder / 'runs'}", "run=one"]
    command = [sys.executable, "-m", "experiments.ablation", *SETTINGS, *places]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | (clock or {})
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=limited,
    )


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


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """What a run ends with that nobody disturbs, and the seconds that it takes."""
    began, folder = time.monotonic(), tmp_path_factory.mktemp("whole")
    whole = start(folder)
    errors = whole.communicate()[1]
    assert whole.returncode == 0, errors.decode()
    assert len(outcome(folder)) >= 9
    return outcome(folder), time.monotonic() - began


@pytest.fixture
def finished(timed: tuple[dict[str, Any], float]) -> dict[str, Any]:
    return timed[0]


@pytest.mark.timeout(3600)
def test_whenever_it_is_killed_a_run_ends_with_the_same_metrics(
    tmp_path: Path, timed: tuple[dict[str, Any], float]
) -> None:
    (finished, takes), moments, killed = timed, random.Random(SEED), 0
    while killed < KILLS:
        folder = tmp_path / str(killed)
        while True:
            process = start(folder)
            try:
                _, errors = process.communicate(timeout=moments.uniform(0, takes) if killed < KILLS else None)
                break
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                killed += 1
        assert process.returncode == 0, errors.decode()
        assert outcome(folder) == finished
        run = folder / "runs" / "one"
        assert [part for part in folder.rglob(".*.part") if part.parent != run] == []


@pytest.mark.parametrize("largest", [2_000, 30_000], ids=["data", "checkpoint"])
def test_a_disk_that_is_full_is_told_of_in_a_line_and_nothing_is_lost(
    tmp_path: Path, finished: dict[str, Any], largest: int
) -> None:
    full = start(tmp_path / "one", largest)
    lines = full.communicate()[1].decode().splitlines()
    assert full.returncode == 2
    assert lines[-1].startswith("error: ") and lines[-1].endswith("File too large")
    assert not any("Traceback" in line for line in lines)
    assert list(tmp_path.rglob(".*.part")) == []
    again = start(tmp_path / "one")
    assert again.communicate() and again.returncode == 0
    assert outcome(tmp_path / "one") == finished


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
    tmp_path: Path, timed: tuple[dict[str, Any], float], back: int
) -> None:
    (finished, takes), library = timed, tmp_path / "clock.so"
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "clock.c", "-ldl"], check=True)
    clock = {"LD_PRELOAD": str(library), "SECONDS_BACK": str(back)}
    asked = [sys.executable, "-c", "import time; print(time.time())"]
    told = float(subprocess.run(asked, env=os.environ | clock, capture_output=True, check=True).stdout)
    assert abs(time.time() - back - told) < 600
    folder = tmp_path / "one"
    before = start(folder)
    try:
        before.communicate(timeout=0.7 * takes)
    except subprocess.TimeoutExpired:
        os.killpg(before.pid, signal.SIGKILL)
        before.communicate()
    after = start(folder, clock=clock)
    errors = after.communicate()[1]
    assert after.returncode == 0, errors.decode()
    assert outcome(folder) == finished
