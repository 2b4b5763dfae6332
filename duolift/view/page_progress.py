"""How far a file that was dropped onto the page has got, for the page to ask."""

from threading import Lock
from typing import Any

from duolift.progress import Step


class PageProgress:
    """A display (`duolift.progress.Display`) that remembers the steps that are open.

    >>> from duolift.progress import shown, tracked
    >>> progress = PageProgress()
    >>> with shown(progress):
    ...     for frame in tracked("abc", "frames", 3):
    ...         last = progress.told()
    >>> last, progress.told()
    ({'what': 'frames', 'done': 2, 'total': 3}, None)
    """

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._lock = Lock()

    def begin(self, step: Step) -> None:
        with self._lock:
            self._steps.append(step)

    def update(self, step: Step, line: bool) -> None:
        """Nothing is shown until it is asked for."""

    def end(self, step: Step) -> None:
        with self._lock:
            self._steps.remove(step)

    def told(self) -> dict[str, Any] | None:
        """The outermost step: what it is, how much is done, and of how much; None where nothing is done."""
        with self._lock:
            if not self._steps:
                return None
            step = self._steps[0]
            return {"what": step.what, "done": int(step.done), "total": step.total}
