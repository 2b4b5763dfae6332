"""The script for a GPU: every step runs, on a CPU as well, and none keeps the others from running."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from benchmarks.gpu.__main__ import main
from benchmarks.gpu.child import measure
from benchmarks.gpu.options import Options, Skip
from benchmarks.gpu.runner import run_all, stages_of
from benchmarks.gpu.steps import STEPS, Step

Part = dict[str, Any]


def tiny(folder: Path) -> Options:
    return Options("cpu", "tiny", None, str(folder))


# Steps for these tests, run in processes of their own -----------------------------------------------------------------


def works(options: Options) -> Iterator[Part]:
    yield {"first": 1}
    yield {"second": 2, "line": "both"}


def breaks(options: Options) -> Iterator[Part]:
    yield {"first": 1}
    raise ValueError("no such thing\nat all")


def lacks(options: Options) -> Iterator[Part]:
    import no_such_library  # type: ignore[import-not-found]

    yield {"first": no_such_library}


def skips(options: Options) -> Iterator[Part]:
    yield {}
    raise Skip("not here")


def dies(options: Options) -> Iterator[Part]:
    yield {"first": 1}
    os._exit(7)


def sleeps(options: Options) -> Iterator[Part]:
    """Sleeps, and starts a process that does too."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield {"process": other.pid}
    time.sleep(600)


def step(name: str, limit: float = 60) -> Step:
    return Step(name, f"{__name__}:{name}", limit)


def run(folder: Path, steps: list[Step], seconds: float = 60) -> dict[str, Any]:
    return dict(run_all(steps, tiny(folder / "work"), folder / "gpu.json", seconds))


def goes_on(process: int) -> bool:
    """Whether a process still does anything; one that is dead may wait for somebody to ask how it ended."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# The script -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_fails_stops_nothing_else_and_says_why(tmp_path: Path) -> None:
    records = run(tmp_path, [step(name) for name in ("breaks", "lacks", "skips", "dies", "works")])
    told = {name: (record["status"], record.get("error")) for name, record in records.items()}
    assert told == {
        "breaks": ("failed", "ValueError: no such thing"),
        "lacks": ("failed", "lacks the library no_such_library"),
        "skips": ("skipped", "not here"),
        "dies": ("failed", "its process ended without a word"),
        "works": ("done", None),
    }
    assert "Traceback" in records["breaks"]["log"] and records["breaks"]["result"]["first"] == 1
    assert records["dies"]["result"]["first"] == 1, "what was measured before stays"
    assert records["works"]["result"].items() >= {"first": 1, "second": 2, "line": "both"}.items()


@pytest.mark.slow
def test_a_step_that_takes_too_long_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    records = run(tmp_path, [step("sleeps", limit=20), step("works")])
    assert time.monotonic() - began < 90
    assert records["sleeps"]["status"] == "out of time" and records["sleeps"]["error"] == "stopped after 20 s"
    assert not goes_on(records["sleeps"]["result"]["process"])
    assert records["works"]["status"] == "done"


def test_all_steps_together_keep_to_the_time(tmp_path: Path) -> None:
    began = time.monotonic()
    records = run(tmp_path, [step("sleeps"), step("works")], seconds=4)
    assert time.monotonic() - began < 8
    assert [record["status"] for record in records.values()] == ["out of time", "not begun"]


@pytest.mark.slow
def test_the_file_is_whole_after_every_step_and_keeps_what_others_measured(tmp_path: Path) -> None:
    seen = []
    for _ in run_all([step("works"), step("breaks")], tiny(tmp_path / "work"), tmp_path / "gpu.json", 60):
        seen.append(list(json.loads((tmp_path / "gpu.json").read_text())["steps"]))
    assert seen == [["works"], ["works", "breaks"]]
    run(tmp_path, [step("skips")])
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert list(report["steps"]) == ["works", "breaks", "skips"]
    assert set(report) == {*asdict(tiny(tmp_path)), "seconds", "steps"}
    for record in report["steps"].values():
        assert {"status", "seconds", "limit", "result"} <= set(record)


def test_the_epochs_of_a_training_are_known_though_it_was_stopped(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "history.json").write_text(json.dumps([{"seconds": s} for s in (9.0, 2.0, 4.0)]))
    assert stages_of(tmp_path) == {"flows": {"epochs": 3, "seconds": 15.0, "seconds_an_epoch": 3.0}}


@pytest.mark.slow
def test_the_command_runs_the_steps_that_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--device", "cpu", "--size", "tiny", "--only", "machine", "--output", str(tmp_path), "--seconds", "300"])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("machine: done, ") and line.endswith(" TFLOP/s")
    steps = json.loads((tmp_path / "gpu.json").read_text())["steps"]
    rates = steps["machine"]["result"]["products_tflops"]
    assert list(steps) == ["machine"] and all(rate > 0 for by_shape in rates.values() for rate in by_shape.values())


def test_an_unknown_step_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "machine,machines"])
    assert "step 'machines' is unknown" in capsys.readouterr().err


# Its steps, small and on a CPU ----------------------------------------------------------------------------------------

RESULTS = {
    "machine": {"processor", "products_tflops"},
    "default": {"start_up_s", "seconds", "person_mm", "scene_mm", "rows"},
    "paper_steps": {"epoch_s", "whole_s", "links_epoch_s", "steps", "links"},
    "bulk": {"people_a_second", "best", "parquet"},
    "evaluation": {"scenes", "rows", "seconds", "largest_difference_mm"},
    "same_bytes": {"tensors", "unequal", "largest_difference", "not_deterministic"},
    "tests": {"largest_differences", "synchronisations", "pytest"},
    "paper": {"flows", "seconds", "person_mm", "scene_mm", "rows", "history"},
}
"""What each step measures; those that are not here are skipped where there is nothing for them to measure."""


DEVICE_TESTS = """
import pytest

def test_here(): pass

@pytest.mark.parametrize("number", range(3))
def test_broken(number): assert number

@pytest.mark.skip
def test_on_a_gpu(): pass
"""
"""Takes the place of the project's own tests of devices."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gpu")


@pytest.fixture(scope="module")
def measured(work: Path) -> Iterator[Callable[[str], dict[str, Any]]]:
    """The record of a step by its name; each is run once, in this process."""
    tests = work / "tests" / "properties" / "test_devices.py"
    tests.parent.mkdir(parents=True)
    tests.write_text(DEVICE_TESTS)
    functions = {one.name: one.function for one in STEPS}

    @cache
    def record(name: str) -> dict[str, Any]:
        measure(functions[name], work / f"{name}.json", tiny(work))
        found: dict[str, Any] = json.loads((work / f"{name}.json").read_text())
        return found

    # the compiler takes minutes, and is tested with the steps that are compiled (tests/lightning_modules)
    plain = partial(torch.compile, backend="eager")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("benchmarks.gpu.device.TESTS", work / "tests")
        patched.setattr(torch, "compile", lambda losses, mode, dynamic: plain(losses, dynamic=dynamic))
        yield record


@pytest.mark.slow
@pytest.mark.parametrize("name", [one.name for one in STEPS])
def test_every_step_measures_what_it_says(name: str, measured: Callable[[str], dict[str, Any]]) -> None:
    record = measured(name)
    if record["status"] == "skipped":
        assert name not in RESULTS and record["error"].startswith("there is no ")
        return
    assert record["status"] == "done", record
    assert RESULTS.get(name, set()) <= set(record["result"]) and record["result"]["line"]


def test_on_one_cpu_the_same_seed_gives_the_same_bytes(measured: Callable[[str], dict[str, Any]]) -> None:
    result = measured("same_bytes")["result"]
    assert result["tensors"] > 20 and result["unequal"] == 0


def test_the_tests_of_devices_are_counted(measured: Callable[[str], dict[str, Any]]) -> None:
    assert measured("tests")["result"]["pytest"] == {"passed": 3, "failed": 1, "skipped": 1}


def test_a_training_goes_on_from_where_it_was_stopped(work: Path, measured: Callable[[str], dict[str, Any]]) -> None:
    first = measured("paper")["result"]
    checkpoint = work / "runs" / "paper" / "legs_torso" / "last.ckpt"
    before = checkpoint.stat().st_mtime_ns
    measure("benchmarks.gpu.training:paper", work / "second.json", tiny(work))
    assert checkpoint.stat().st_mtime_ns == before
    assert json.loads((work / "second.json").read_text())["result"]["rows"] == first["rows"]
