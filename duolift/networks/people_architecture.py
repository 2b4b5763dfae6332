"""What a `PeopleLifter` is built from: plain values, which a lifter's file holds beside the weights."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from duolift.geometry.normalisation import CENTRINGS
from duolift.geometry.projection import NEAREST
from duolift.networks.architecture import Architecture, is_number
from duolift.networks.completer import CompleterArchitecture


@dataclass(frozen=True)
class PeopleArchitecture:
    """Everything of a `duolift.networks.people_lifter.PeopleLifter` but its weights.

    >>> architecture = PeopleArchitecture("paper19", Architecture(width=8, blocks=1), c=10.0)
    >>> PeopleArchitecture.from_plain(architecture.plain()) == architecture
    True

    Attributes:
        skeleton: its name, see `duolift.body.skeleton.skeleton_named`.
        lifter: of the lifting network.
        c: head lengths from the camera to every root, see `duolift.geometry.normalisation.Normalisation`.
        centring: how poses are centred, `shift` or `ray`; see there.
        flip: use the flip test.
        completer: of the network that completes poses; None where there is none.

    Raises:
        ValueError: a value of another type, or out of its range.
    """

    skeleton: str
    lifter: Architecture
    c: float
    centring: str = "ray"
    flip: bool = False
    completer: CompleterArchitecture | None = None

    def __post_init__(self) -> None:
        if not (is_number(self.c) and NEAREST < self.c < math.inf):
            raise ValueError(f"c is {self.c!r}; expected head lengths above {NEAREST:.0f}")
        if not isinstance(self.skeleton, str):
            raise ValueError(f"skeleton is {self.skeleton!r}; expected a name")
        if self.centring not in CENTRINGS:
            raise ValueError(f"centring is {self.centring!r}; expected one of {', '.join(CENTRINGS)}")

    def plain(self) -> dict[str, Any]:
        """The same as dictionaries and numbers, such as JSON can hold."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Self:
        """What `plain` has made plain.

        Raises:
            TypeError, ValueError: other keys, or values of another type or out of their range.
        """
        nested: dict[str, Any] = {"lifter": Architecture(**values["lifter"])}
        if values.get("completer") is not None:
            nested["completer"] = CompleterArchitecture(**values["completer"])
        return cls(**values | nested)
