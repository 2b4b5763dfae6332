"""What a lifting network is built from: plain values that training, packed files and exports share."""

import math
from dataclasses import dataclass

from duolift.body.skeleton import WHOLE
from duolift.networks.splits import SPLITS

MAX_SIZE = 2**16
"""Bound on widths and numbers of blocks: a file that asks for more is refused before memory is taken."""


@dataclass(frozen=True)
class Architecture:
    """How a lifting network is built, whatever its class.

    >>> Architecture(split="links", width=64, blocks=2).network
    'parts'
    >>> Architecture(width=0)
    Traceback (most recent call last):
    ValueError: width is 0; expected a whole number from 1 to 65536

    Attributes:
        network: a key of `duolift.networks.NETWORKS`.
        split: a key of `duolift.networks.splits.SPLITS`: the parts that are lifted independently.
        width: units of a hidden layer.
        blocks: residual blocks of a branch.
        elevation_bound: the elevation is `bound * tanh(raw)`, radians; None leaves it unbounded.
        initial_elevation: the elevation that an untrained network predicts, about, in radians. Seen from far away, a
            body and its reversal in depth look alike, with elevations of opposite signs: the sign that training starts
            with decides which of them is learned.

    Raises:
        ValueError: a value of another type, or out of its range.
    """

    network: str = "parts"
    split: str = WHOLE
    width: int = 1024
    blocks: int = 3
    elevation_bound: float | None = None
    initial_elevation: float = 0.0

    def __post_init__(self) -> None:
        check_size("width", self.width)
        check_size("blocks", self.blocks)
        if not isinstance(self.network, str):
            raise ValueError(f"network is {self.network!r}; expected a name")
        if not (isinstance(self.split, str) and self.split in SPLITS):
            raise ValueError(f"split is {self.split!r}; expected one of {', '.join(SPLITS)}")
        bound, initial = self.elevation_bound, self.initial_elevation
        if bound is not None and not (is_number(bound) and 0 < bound < 2):
            raise ValueError(f"elevation_bound is {bound!r}; expected radians, above 0 and below 2, or none")
        if not (is_number(initial) and abs(initial) < (math.pi / 2 if bound is None else bound)):
            raise ValueError(f"initial_elevation is {initial!r}; expected radians within elevation_bound")


def check_size(name: str, value: object) -> None:
    """Raise ValueError where a network's width or number of blocks is no whole number from 1 to `MAX_SIZE`.

    >>> check_size("width", 384)
    >>> check_size("width", 384.0)
    Traceback (most recent call last):
    ValueError: width is 384.0; expected a whole number from 1 to 65536
    """
    if not (type(value) is int and 0 < value <= MAX_SIZE):
        raise ValueError(f"{name} is {value!r}; expected a whole number from 1 to {MAX_SIZE}")


def is_number(value: object) -> bool:
    """Whether a plain value is a finite number; True and False are none.

    >>> is_number(2), is_number(True), is_number(float("nan")), is_number("2")
    (True, False, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
