"""What a `PeopleLifter` is built from: plain values, which a lifter's file holds beside the weights."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from duolift.geometry.normalisation import CENTRINGS
from duolift.geometry.projection import NEAREST
from duolift.networks.architecture import Architecture, is_number
from duolift.networks.completer import CompleterArchitecture
from duolift.networks.detection_network import DetectionArchitecture

NETWORKS_OF_PEOPLE: dict[str, type[Architecture | CompleterArchitecture | DetectionArchitecture]] = {
    "lifter": Architecture,
    "completer": CompleterArchitecture,
    "detection": DetectionArchitecture,
}
"""Attribute of a `PeopleArchitecture` -> what it is an architecture of."""


@dataclass(frozen=True)
class PeopleArchitecture:
    """Everything of a `duolift.networks.people_lifter.PeopleLifter` but its weights.

    >>> architecture = PeopleArchitecture("paper19", Architecture(width=8, blocks=1), c=10.0)
    >>> PeopleArchitecture.from_plain(architecture.plain()) == architecture
    True

    Attributes:
        skeleton: its name, see `duolift.body.skeleton.skeleton_named`.
        lifter: of the lifting network; None where there is a network that lifts detections instead.
        c: head lengths from the camera to every root, see `duolift.geometry.normalisation.Normalisation`.
        centring: how poses are centred, `shift` or `ray`; see there.
        flip: use the flip test.
        completer: of the network that completes poses; None where there is none.
        detection: of the network that lifts detections, as they are; None where there is none.

    Raises:
        ValueError: a value of another type, or out of its range.
    """

    skeleton: str
    lifter: Architecture | None
    c: float
    centring: str = "ray"
    flip: bool = False
    completer: CompleterArchitecture | None = None
    detection: DetectionArchitecture | None = None

    def __post_init__(self) -> None:
        if not (is_number(self.c) and NEAREST < self.c < math.inf):
            raise ValueError(f"c is {self.c!r}; expected head lengths above {NEAREST:.0f}")
        if not isinstance(self.skeleton, str):
            raise ValueError(f"skeleton is {self.skeleton!r}; expected a name")
        if self.centring not in CENTRINGS:
            raise ValueError(f"centring is {self.centring!r}; expected one of {', '.join(CENTRINGS)}")
        if (self.lifter is None) == (self.detection is None):
            raise ValueError("expected either a lifter or a detection network, and one of them")
        if self.completer and self.detection:
            raise ValueError("completer beside a detection network, which completes poses itself; expected none")

    @property
    def blocks(self) -> int:
        """Residual blocks of all networks, each counted once."""
        return sum(network.blocks for network in (self.lifter, self.completer, self.detection) if network)

    def plain(self) -> dict[str, Any]:
        """The same as dictionaries and numbers, such as JSON can hold."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Self:
        """What `plain` has made plain.

        Raises:
            TypeError, ValueError: other keys, or values of another type or out of their range.
        """
        if not isinstance(values, dict):
            raise TypeError(f"architecture is {values!r:.60}; expected an object")
        described = {key: values[key] for key in NETWORKS_OF_PEOPLE if values.get(key) is not None}
        return cls(**values | {key: NETWORKS_OF_PEOPLE[key](**value) for key, value in described.items()})
