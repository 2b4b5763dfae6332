"""What is shown of work that takes long: a bar on a terminal, few lines elsewhere, nothing where `CI` is set."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
from rich.console import Console

from duolift import progress
from duolift.progress import Bars, Lines, Step, shown, tracked


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`clock(seconds)` lets time pass, which otherwise stands still."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


@pytest.fixture
def screen() -> io.StringIO:
    """What is on the terminal of `terminal`."""
    return io.StringIO()


@pytest.fixture
def terminal(screen: io.StringIO) -> Bars:
    """Bars on a terminal."""
    return Bars(Console(file=screen, force_terminal=True, width=120, color_system=None))


@pytest.fixture
def bars(terminal: Bars) -> Iterator[Bars]:
    """Everything in the test is shown as bars."""
    with shown(terminal):
        yield terminal


@pytest.fixture
def lines() -> Iterator[None]:
    """Everything in the test is shown as lines."""
    with shown(Lines()):
        yield


def worked(clock: Callable[[float], None], count: int, seconds: float, total: int | None) -> list[int]:
    """Items of so many seconds each."""
    done = []
    for item in tracked(range(count), "takes", total):
        clock(seconds)
        done.append(item)
    return done


def test_a_bar_has_a_rate_and_the_time_that_is_left(
    bars: Bars, screen: io.StringIO, clock: Callable[[float], None]
) -> None:
    with Step("takes", 8, at_once=True) as step:
        assert bars.bars
        bars.bars.get_time = progress.time.monotonic
        bars.bars.tasks[0].get_time = progress.time.monotonic
        bars.bars.tasks[0].start_time = 0.0
        for done in range(1, 5):
            clock(2.0)
            step.update(done, "loss 3.0")
        bars.bars.refresh()
    for part in ("takes", "4/8", "2.0 s each", "left 0:00:08", "loss 3.0"):
        assert part in screen.getvalue()


def test_nothing_is_shown_of_what_is_done_at_once(
    bars: Bars, screen: io.StringIO, clock: Callable[[float], None]
) -> None:
    assert worked(clock, 5, 0.1, 5) == [0, 1, 2, 3, 4]
    assert screen.getvalue() == ""
    worked(clock, 5, 0.5, 5)
    assert "takes" in screen.getvalue()


def test_what_begins_within_other_work_joins_its_display(bars: Bars, clock: Callable[[float], None]) -> None:
    with Step("whole", 2, at_once=True):
        assert (rich := bars.bars)
        for _ in tracked(range(2), "lifting", 2):
            clock(2.0)
            assert [task.description for task in rich.tasks] == ["whole", "lifting"]
        assert [task.description for task in rich.tasks] == ["whole"]
    assert not rich.live.is_started and not bars.tasks


def test_a_display_ends_with_an_error_and_with_a_loop_that_is_left(bars: Bars) -> None:
    with pytest.raises(ZeroDivisionError), Step("takes", 2, at_once=True):
        raise ZeroDivisionError
    items = tracked(range(9), "takes", 9)
    assert list(islice(items, 2)) == [0, 1]
    items.close()  # type: ignore[attr-defined]
    assert not bars.tasks and bars.bars is None


def test_lines_are_few_and_say_the_same(
    lines: None, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    worked(clock, 1000, 4.0, 1000)
    out, err = capsys.readouterr()
    written = err.splitlines()
    assert out == "" and 5 <= len(written) <= 15
    assert written[0] == "takes: 3 of 1000, 4.0 s each, 1:06:28 left"


def test_lines_without_a_total_have_no_end(
    lines: None, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    worked(clock, 300, 0.05, None)
    assert capsys.readouterr().err == "takes: 200, 20 a second\n"


def test_a_line_can_be_asked_for(lines: None, capsys: pytest.CaptureFixture[str]) -> None:
    with Step("whole", 40) as step:
        step.update(0, "loss 3.0", line=True)
    assert capsys.readouterr().err == "whole: 0 of 40, loss 3.0\n"


@pytest.mark.parametrize(("ci", "quiet"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_continuous_integration_is_quiet(
    ci: str,
    quiet: bool,
    clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CI", ci)
    with shown():
        worked(clock, 5, 100.0, 5)
    assert (capsys.readouterr().err == "") is quiet


def draw(clock: Callable[[float], None]) -> None:
    """What a library does that takes long."""
    for _ in tracked(range(3), "drawing", 3):
        clock(50.0)


def test_a_library_is_quiet_unless_its_caller_opens_a_display(
    clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    draw(clock)
    assert capsys.readouterr().err == ""
    with shown():
        draw(clock)
    assert capsys.readouterr().err.startswith("drawing: 1 of 3")
    draw(clock)
    assert capsys.readouterr().err == ""


def test_a_display_within_another_is_the_other(
    terminal: Bars, screen: io.StringIO, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with shown(terminal), shown(Lines()):
        draw(clock)
    assert "drawing" in screen.getvalue() and capsys.readouterr().err == ""


def test_other_threads_are_quiet(bars: Bars, screen: io.StringIO, clock: Callable[[float], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(draw, clock).result()
    assert screen.getvalue() == ""


SLOW = """
import time
from duolift.progress import Bars, shown, tracked
with shown(Bars(after=0.0)):
    for number in tracked(range(3), "takes", 3):
        print("result", number)
        time.sleep(0.05)
"""


def test_what_is_piped_on_is_no_part_of_the_display() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"TERM": "xterm"}
    screen, end = pty.openpty()
    process = subprocess.run([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=end, env=environment)
    os.close(end)
    seen = os.read(screen, 100_000).decode()
    os.close(screen)
    assert process.returncode == 0 and process.stdout == b"result 0\nresult 1\nresult 2\n"
    assert "takes" in seen and "3/3" in seen and "result" not in seen


def test_rates_and_times_in_words() -> None:
    assert [progress.rate(speed) for speed in (1234.0, 12.3, 2.5, 0.25)] == [
        *("1,234 a second", "12 a second", "2.5 a second", "4.0 s each")
    ]
    assert [progress.clock(seconds) for seconds in (7, 754, 3723)] == ["0:07", "12:34", "1:02:03"]
