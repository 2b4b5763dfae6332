"""Bounds that the fields of a dataclass keep: written beside their types, checked when an instance is made.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Network:
    ...     width: Positive[int] = 128
    ...     dropout: Fraction = 0.0
    ...     activation: Annotated[str, OneOf(("relu", "gelu"))] = "relu"
    ...
    ...     def __post_init__(self) -> None:
    ...         check_bounds(self)
    >>> Network(width=0)
    Traceback (most recent call last):
    ...
    ValueError: width is 0; expected a positive number
    >>> Network(activation="glu")
    Traceback (most recent call last):
    ...
    ValueError: activation is 'glu' (did you mean gelu?); expected one of relu, gelu

A field that may be None is checked where it is not.
"""

from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from math import inf
from typing import Annotated, Any, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints

Number = TypeVar("Number", int, float)


class Bound(Protocol):
    """What a value of a field has to be."""

    def objection(self, value: Any) -> str | None:
        """None for a value within the bound; else what stands behind the value in the message."""


@dataclass(frozen=True)
class Range:
    """Numbers for which `holds` is true.

    Attributes:
        expected: the range in words.
    """

    holds: Callable[[float], bool]
    expected: str

    def objection(self, value: float) -> str | None:
        return None if self.holds(value) else f"; expected {self.expected}"


@dataclass(frozen=True)
class OneOf:
    """The keys of a table, or the words of a collection; looked up at the time of the check, so a table may grow.

    Attributes:
        known: the table.
        more: words beside it.
    """

    known: Collection[str]
    more: tuple[str, ...] = ()

    def objection(self, value: str) -> str | None:
        words = (*self.known, *self.more)
        return None if value in words else f"{nearest(value, words)}; expected one of {', '.join(words)}"


@dataclass(frozen=True)
class Interval:
    """Two numbers, the lower one first, neither of them beyond a least and a largest one.

    >>> Interval(-90, 90).objection([-15.0, 60.0])
    >>> Interval(-90, 90).objection([60.0, -15.0])
    '; expected two numbers between -90 and 90, the lower one first'
    """

    least: float
    largest: float

    def objection(self, value: list[float]) -> str | None:
        ordered = len(value) == 2 and self.least <= value[0] <= value[1] <= self.largest
        return (
            None if ordered else f"; expected two numbers between {self.least} and {self.largest}, the lower one first"
        )


Positive = Annotated[Number, Range(lambda value: 0 < value < inf, "a positive number")]
NotNegative = Annotated[Number, Range(lambda value: 0 <= value < inf, "0 or more, and finite")]
Fraction = Annotated[float, Range(lambda value: 0 <= value <= 1, "a share of at least 0 and at most 1")]
PartialFraction = Annotated[float, Range(lambda value: 0 <= value < 1, "a share of at least 0 and less than 1")]


def check_bounds(made: object) -> None:
    """Refuse a dataclass's instance whose fields are not within the bounds that their types state.

    Raises:
        ValueError: names the field, what it is and what was expected.
    """
    for name, bounds in _bounds(cast(Hashable, type(made))).items():
        value = getattr(made, name)
        for bound in bounds if value is not None else ():
            if objection := bound.objection(value):
                raise ValueError(f"{name} is {value!r}{objection}")


def nearest(word: str, known: Collection[str]) -> str:
    """` (did you mean ...?)` with the most similar of the known words; nothing where none is similar."""
    close = get_close_matches(word, known, n=1, cutoff=0.4)
    return f" (did you mean {close[0]}?)" if close else ""


@cache
def _bounds(kind: Hashable) -> dict[str, tuple[Bound, ...]]:
    """Field -> the bounds of its type."""
    return {name: tuple(_stated(hint)) for name, hint in get_type_hints(kind, include_extras=True).items()}


def _stated(hint: Any) -> Iterator[Bound]:
    """The bounds in a type such as `Positive[int] | None`."""
    if get_origin(hint) is Annotated:
        yield from (bound for bound in hint.__metadata__ if isinstance(bound, Range | OneOf | Interval))
    else:
        for part in get_args(hint):
            yield from _stated(part)
