"""Progress of long work, on standard error, for commands that ask for it; a library shows nothing of its own accord.

Work reports itself with `Step` or `tracked`, wherever it is done. It is shown while a caller, such as a command, has
opened a display around it:

    with shown():
        for file in tracked(files, "files", len(files)):
            ...

On a terminal the display is a bar for every open step (`Bars`), elsewhere an occasional line (`Lines`). There is none
in continuous integration, where the environment variable `CI` is set. The display is a context variable, so other
threads and other processes have none unless they open one.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

T = TypeVar("T")


class Display(Protocol):
    """Where steps are shown."""

    def begin(self, step: "Step") -> None:
        """A step has begun, perhaps within others."""

    def update(self, step: "Step", line: bool) -> None:
        """A step has got further; `line` asks for a line where lines are written."""

    def end(self, step: "Step") -> None:
        """A step has ended, or failed."""


_display: ContextVar[Display | None] = ContextVar("display", default=None)
"""The display that the current context's steps are shown on."""


@contextmanager
def shown(display: Display | None = None) -> Iterator[None]:
    """Show the steps within on a display; on the one that is open already where there is one.

    Args:
        display: None chooses by where standard error goes, see the head of this module.

    >>> import sys
    >>> with shown(Lines(first=0.0, stream=sys.stdout)), Step("writing", total=2) as step:
    ...     step.update(0)
    writing: 0 of 2
    """
    token = _display.set(_display.get() or display or _suitable())
    try:
        yield
    finally:
        _display.reset(token)


def _suitable() -> Display | None:
    """Bars on a terminal, lines elsewhere, nothing in continuous integration."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return None
    return Bars() if sys.stderr.isatty() else Lines()


class Step:
    """Work that takes long, for as long as a `with` statement lasts.

    Args:
        what: its name on the display.
        total: how much there is to do; None where that is unknown.
        at_once: show its bar from the start instead of after a second.

    Attributes:
        done: how much of the total has been done.
        figures: what else is shown beside it, such as a loss.
    """

    def __init__(self, what: str, total: float | None = None, at_once: bool = False) -> None:
        self.what, self.total, self.at_once = what, total, at_once
        self.done, self.figures = 0.0, ""

    def __enter__(self) -> Self:
        self.began, self.display = time.monotonic(), _display.get()
        if self.display:
            self.display.begin(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self.display:
            self.display.end(self)

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.began

    def update(self, done: float, figures: str = "", line: bool = False) -> None:
        """Report progress.

        Args:
            done: how much of the total has been done by now.
            figures: what else to show, such as `loss 3.0`.
            line: write a line now where lines are written, however recent the last one is.
        """
        self.done, self.figures = done, figures
        if self.display:
            self.display.update(self, line)


def tracked(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items unchanged, as a `Step` that advances as they are consumed.

    Args:
        what: their name on the display.
        total: how many there are; None where that is unknown.

    >>> sum(tracked([1, 2, 3], "numbers", total=3))
    6
    """
    with Step(what, total) as step:
        for number, item in enumerate(items, 1):
            yield item
            step.update(number)


class Bars:
    """A bar for every open step, with its rate and the time that is left; they vanish with the outermost step.

    Args:
        console: of rich; None is standard error.
        after: seconds that a step takes before its bar appears, unless it asks for one at once.
    """

    def __init__(self, console: "Console | None" = None, after: float = 1.0) -> None:
        self.console, self.after = console, after
        self.tasks: dict[Step, TaskID] = {}
        self.bars: Progress | None = None

    def begin(self, step: Step) -> None:
        if self.bars is None:
            self.bars = _bars(self.console)
        self.tasks[step] = self.bars.add_task(step.what, total=step.total, visible=False, figures="")
        if step.at_once:
            self._show(self.bars, step)

    def update(self, step: Step, line: bool) -> None:
        assert self.bars is not None
        self.bars.update(self.tasks[step], completed=step.done, figures=step.figures)
        if step.elapsed >= self.after:
            self._show(self.bars, step)

    def end(self, step: Step) -> None:
        assert self.bars is not None
        task = self.tasks.pop(step)
        if self.tasks:
            self.bars.remove_task(task)
            return
        if self.bars.live.is_started:
            self.bars.stop()
        self.bars = None

    def _show(self, bars: "Progress", step: Step) -> None:
        bars.update(self.tasks[step], visible=True)
        if not bars.live.is_started:
            bars.start()


class Lines:
    """A line of text for a step now and then, for logs: each after twice the time of the one before.

    Args:
        first: seconds until a step's first line.
        longest: seconds between two lines at most.
        stream: what is written to; None is standard error.
    """

    def __init__(self, first: float = 10.0, longest: float = 600.0, stream: Any = None) -> None:
        self.first, self.longest, self.stream = first, longest, stream
        self.due: dict[Step, float] = {}

    def begin(self, step: Step) -> None:
        self.due[step] = self.first

    def update(self, step: Step, line: bool) -> None:
        elapsed = step.elapsed
        if line or elapsed >= self.due[step]:
            self.due[step] = elapsed + min(max(elapsed, self.first), self.longest)
            print(_line(step, elapsed), file=self.stream or sys.stderr, flush=True)

    def end(self, step: Step) -> None:
        del self.due[step]


def _line(step: Step, elapsed: float) -> str:
    """`takes: 3 of 1000, 4.0 s each, 1:06:28 left, loss 3.0`."""
    parts = [f"{step.done:g}" if step.total is None else f"{step.done:g} of {step.total:g}"]
    if step.done:
        parts.append(rate(step.done / max(elapsed, 1e-9)))
    if step.done and step.total is not None and step.done < step.total:
        parts.append(f"{clock(elapsed / step.done * (step.total - step.done))} left")
    return f"{step.what}: {', '.join([*parts, *filter(None, [step.figures])])}"


def rate(speed: float) -> str:
    """A number a second in words.

    >>> rate(12.3), rate(2.5), rate(0.25)
    ('12 a second', '2.5 a second', '4.0 s each')
    """
    if speed < 1:
        return f"{1 / speed:.1f} s each"
    return f"{speed:,.0f} a second" if speed >= 10 else f"{speed:.1f} a second"


def clock(seconds: float) -> str:
    """A duration as a clock shows it.

    >>> clock(7), clock(754), clock(3723)
    ('0:07', '12:34', '1:02:03')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _bars(console: "Console | None") -> "Progress":
    """rich's bars, with a rate and the time that is left."""
    from rich.console import Console
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
        console=console or Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(),  # piped output is no part of the display
    )
