"""A bar with the time that is left, for work on files."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def tracked(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """The items, with a bar on standard error while they are worked on; silent where that is no terminal."""
    console = Console(stderr=True)
    yield from track(items, description, total, console=console, disable=not console.is_terminal)
