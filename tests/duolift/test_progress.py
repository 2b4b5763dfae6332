"""What is shown of work that takes long: a bar on a terminal, few lines elsewhere, nothing where `CI` is set."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from itertools import islice

import pytest
from rich.console import Console

from duolift import progress
from duolift.progress import Step, tracked


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`clock(seconds)` lets time pass, which otherwise stands still."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal, and what is on it."""
    monkeypatch.delenv("CI", raising=False)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr(progress, "console", lambda: console)
    return screen


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal, and no continuous integration."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(progress, "console", lambda: Console(file=io.StringIO(), force_terminal=False))


def worked(clock: Callable[[float], None], count: int, seconds: float, total: int | None) -> list[int]:
    """Items of so many seconds each."""
    done = []
    for item in tracked(range(count), "takes", total):
        clock(seconds)
        done.append(item)
    return done


def test_a_bar_has_a_rate_and_the_time_that_is_left(watched: io.StringIO, clock: Callable[[float], None]) -> None:
    with Step("takes", 8, at_once=True) as step:
        step.bars.get_time = progress.time.monotonic
        step.bars.tasks[0].get_time = progress.time.monotonic
        step.bars.tasks[0].start_time = 0.0
        for done in range(1, 5):
            clock(2.0)
            step.update(done, "loss 3.0")
        step.bars.refresh()
    shown = watched.getvalue()
    for part in ("takes", "4/8", "2.0 s each", "left 0:00:08", "loss 3.0"):
        assert part in shown


def test_nothing_is_shown_of_what_is_done_at_once(watched: io.StringIO, clock: Callable[[float], None]) -> None:
    assert worked(clock, 5, 0.1, 5) == [0, 1, 2, 3, 4]
    assert watched.getvalue() == ""
    worked(clock, 5, 0.5, 5)
    assert "takes" in watched.getvalue()


def test_what_begins_within_other_work_joins_its_display(watched: io.StringIO, clock: Callable[[float], None]) -> None:
    with Step("whole", 2, at_once=True) as outer:
        bars = outer.bars
        for _ in tracked(range(2), "lifting", 2):
            clock(2.0)
            assert [task.description for task in bars.tasks] == ["whole", "lifting"]
        assert [task.description for task in bars.tasks] == ["whole"]
    assert not bars.live.is_started and progress._display == [] == progress._open


def test_a_display_ends_with_an_error_and_with_a_loop_that_is_left(watched: io.StringIO) -> None:
    with pytest.raises(ZeroDivisionError), Step("takes", 2, at_once=True):
        raise ZeroDivisionError
    items = tracked(range(9), "takes", 9)
    assert list(islice(items, 2)) == [0, 1]
    items.close()  # type: ignore[attr-defined]
    assert progress._display == [] == progress._open


def test_lines_are_few_and_say_the_same(
    unwatched: None, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    worked(clock, 1000, 4.0, 1000)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and 5 <= len(lines) <= 15
    assert lines[0] == "takes: 3 of 1000, 4.0 s each, 1:06:28 left"


def test_lines_without_a_total_have_no_end(
    unwatched: None, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    worked(clock, 300, 0.05, None)
    assert capsys.readouterr().err == "takes: 200, 20 a second\n"


def test_a_line_can_be_asked_for(unwatched: None, capsys: pytest.CaptureFixture[str]) -> None:
    with Step("whole", 40) as step:
        step.update(0, "loss 3.0", line=True)
    assert capsys.readouterr().err == "whole: 0 of 40, loss 3.0\n"


@pytest.mark.parametrize("ci", ["true", "1"])
def test_continuous_integration_is_quiet(
    ci: str, watched: io.StringIO, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    worked(clock, 5, 100.0, 5)
    assert watched.getvalue() == ""
    monkeypatch.setenv("CI", "false")
    worked(clock, 5, 100.0, 5)
    assert "takes" in watched.getvalue()


def test_a_library_speaks_within_a_command_alone(watched: io.StringIO, clock: Callable[[float], None]) -> None:
    def draw() -> None:
        for _ in tracked(range(3), "drawing", 3, joining=True):
            clock(5.0)

    draw()
    assert watched.getvalue() == ""
    with Step("writing film.mp4"):
        draw()
    assert "drawing" in watched.getvalue()


def test_what_is_silenced_stays_so(
    watched: io.StringIO, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_silent", [])
    progress.silence()
    worked(clock, 5, 100.0, 5)
    assert watched.getvalue() == ""


SLOW = """
import time
from duolift import progress
progress.PATIENCE = 0.0
for number in progress.tracked(range(3), "takes", 3):
    print("result", number)
    time.sleep(0.05)
"""


def test_what_is_piped_on_is_no_part_of_the_display() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"TERM": "xterm"}
    terminal, end = pty.openpty()
    process = subprocess.run([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=end, env=environment)
    os.close(end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert process.returncode == 0 and process.stdout == b"result 0\nresult 1\nresult 2\n"
    assert "takes" in shown and "3/3" in shown and "result" not in shown


def test_rates_and_times_in_words() -> None:
    assert [progress.rate(speed) for speed in (1234.0, 12.3, 2.5, 0.25)] == [
        *("1,234 a second", "12 a second", "2.5 a second", "4.0 s each")
    ]
    assert [progress.clock(seconds) for seconds in (7, 754, 3723)] == ["0:07", "12:34", "1:02:03"]
