"""How far something is that takes long: a bar where somebody watches a terminal, a line now and then where nobody does.

On standard error alone. Nothing is said of what is done at once, nor in continuous integration, where `CI` is set. A
terminal has room for one display: what begins within other work puts its bar below that one's.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds after which a bar appears."""

FIRST_LINE, LONGEST_SILENCE = 10.0, 600.0
"""Seconds after which a line is written; the next takes twice as long every time, up to so many."""

BAR, LINES, NOTHING = "bar", "lines", "nothing"

_display: "list[Progress]" = []
"""The display, as long as something is shown on it."""

_open: "list[Step]" = []
"""All work that has begun and not ended, whether shown or not."""

_silent: list[bool] = []
"""Holds something once `silence` was called."""


def form() -> str:
    """Which form is shown: `BAR`, `LINES` or `NOTHING`."""
    if _silent or os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return NOTHING
    return BAR if console().is_terminal else LINES


def silence() -> None:
    """Show nothing from now on: for a process that works in the background of another."""
    _silent.append(True)


def console() -> "Console":
    from rich.console import Console

    return Console(stderr=True)


class Step:
    """Something that takes long, as long as a `with` lasts.

    Args:
        what: what it is called.
        total: how much there is to do; None where nobody knows.
        at_once: its bar appears before it has taken a while.
        joining: nothing is shown but within other work: a library's step, of which commands alone speak.
    """

    def __init__(self, what: str, total: float | None = None, at_once: bool = False, joining: bool = False) -> None:
        self.what, self.total, self.at_once, self.joining = what, total, at_once, joining
        self.done = 0.0

    def __enter__(self) -> Self:
        self.form = NOTHING if self.joining and not _open else form()
        self.began, self.silent_until = time.monotonic(), FIRST_LINE
        _open.append(self)
        if self.form == BAR:
            self.within = bool(_display)
            if not self.within:
                _display.append(_progress())
            self.bars = _display[0]
            self.task: TaskID = self.bars.add_task(self.what, total=self.total, visible=False, figures="")
            if self.at_once:
                self._show()
        return self

    def __exit__(self, *_: object) -> None:
        _open.remove(self)
        if self.form != BAR:
            return
        if self.within:
            self.bars.remove_task(self.task)
            return
        _display.clear()
        if self.bars.live.is_started:
            self.bars.stop()

    def update(self, done: float, figures: str = "", line: bool = False) -> None:
        """So much is done by now.

        Args:
            figures: what else there is to say.
            line: where lines are written, write one now, whatever was written before.
        """
        self.done, elapsed = done, time.monotonic() - self.began
        if self.form == BAR:
            self.bars.update(self.task, completed=done, figures=figures)
            if elapsed >= PATIENCE:
                self._show()
        elif self.form == LINES and (line or elapsed >= self.silent_until):
            self.silent_until = elapsed + min(max(elapsed, FIRST_LINE), LONGEST_SILENCE)
            self._write(elapsed, figures)

    def _write(self, elapsed: float, figures: str) -> None:
        parts = [f"{self.done:g}" if self.total is None else f"{self.done:g} of {self.total:g}"]
        if self.done:
            parts.append(rate(self.done / max(elapsed, 1e-9)))
        if self.done and self.total is not None and self.done < self.total:
            parts.append(f"{clock(elapsed / self.done * (self.total - self.done))} left")
        print(f"{self.what}: {', '.join([*parts, *([figures] if figures else [])])}", file=sys.stderr, flush=True)

    def _show(self) -> None:
        self.bars.update(self.task, visible=True)
        if not self.bars.live.is_started:
            self.bars.start()


def tracked(items: Iterable[T], what: str, total: int | None = None, joining: bool = False) -> Iterator[T]:
    """The items, and how many of them have been worked on.

    Args:
        what: what they are called.
        total: how many there are; None where nobody knows.
        joining: see `Step`.
    """
    with Step(what, total, joining=joining) as step:
        for number, item in enumerate(items, 1):
            yield item
            step.update(number)


def rate(speed: float) -> str:
    """A number a second in words: `12 a second`, or `3.0 s each` below one."""
    return (
        f"{speed:,.0f} a second"
        if speed >= 10
        else f"{speed:.1f} a second"
        if speed >= 1
        else f"{1 / speed:.1f} s each"
    )


def clock(seconds: float) -> str:
    """`0:07`, `12:34`, `1:02:03`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _progress() -> "Progress":
    """Bars with a rate and the time that is left."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            speed = task.finished_speed or task.speed
            return Text(rate(speed) if speed else "", style="progress.data.speed")

    return Progress(
        TextColumn("{task.description:11}"),
        BarColumn(20),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=console(),
        redirect_stdout=sys.stdout.isatty(),  # what is piped on is no part of the display
    )
