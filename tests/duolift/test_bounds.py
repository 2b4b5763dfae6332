"""Properties of fields that keep bounds: what is refused and how it is told, beside OmegaConf's own types."""

from dataclasses import dataclass, field
from math import inf, nan
from typing import Annotated, Any

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import ValidationError

from duolift.bounds import Fraction, Interval, NotNegative, OneOf, PartialFraction, Positive, check_bounds
from duolift.learning.augmentation import Augmentation
from duolift.learning.objective import LossWeights

TABLE = {"relu": 1, "gelu": 2}


@dataclass
class Inner:
    width: Positive[int] = 8
    bound: Positive[float] | None = 1.0
    noise: NotNegative[float] = 0.0
    share: Fraction = 1.0
    part: PartialFraction = 0.0
    kind: Annotated[str, OneOf(TABLE, ("none",))] = "relu"
    around: Annotated[list[float], Interval(-1, 1)] = field(default_factory=lambda: [-0.5, 0.5])
    free: float = -1.0

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass
class Outer:
    inner: Inner = field(default_factory=Inner)


KEPT = [
    ("width", 1),
    ("bound", None),
    ("noise", 0.0),
    ("share", 0.0),
    ("share", 1.0),
    ("part", 0.999),
    ("around", [1, 1]),
    ("free", nan),
]
REFUSED = [
    ("width", 0, "a positive number"),
    ("bound", -1.0, "a positive number"),
    ("bound", inf, "a positive number"),
    ("noise", -1e-9, "0 or more, and finite"),
    ("noise", nan, "0 or more, and finite"),
    ("noise", inf, "0 or more, and finite"),
    ("share", 1.001, "a share of at least 0 and at most 1"),
    ("part", 1.0, "a share of at least 0 and less than 1"),
    ("part", nan, "a share of at least 0 and less than 1"),
    ("around", [0.5, -0.5], "two numbers between -1 and 1, the lower one first"),
    ("around", [-2.0, 0.0], "two numbers between -1 and 1, the lower one first"),
    ("around", [0.0], "two numbers between -1 and 1, the lower one first"),
    ("around", [0.0, nan], "two numbers between -1 and 1, the lower one first"),
    ("kind", "tanh", "one of relu, gelu, none"),
]


@pytest.mark.parametrize(("name", "value"), [*KEPT, ("kind", "gelu"), ("kind", "none")])
def test_a_value_within_its_bounds_is_taken(name: str, value: Any) -> None:
    assert vars(Inner(**{name: value}))[name] is value


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_any_other_is_refused_with_the_field_the_value_and_the_bounds(name: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is .*; expected {expected}$") as caught:
        Inner(**{name: value})
    assert repr(value) in str(caught.value)


def test_the_nearest_word_is_named_and_a_table_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"kind is 'selu' \(did you mean relu\?\); expected one of relu, gelu, none"):
        Inner(kind="selu")
    monkeypatch.setitem(TABLE, "selu", 3)
    assert Inner(kind="selu").kind == "selu"


def test_bounds_leave_types_to_omegaconf() -> None:
    schema = OmegaConf.structured(Outer)
    assert OmegaConf.to_object(OmegaConf.merge(schema, {"inner": {"width": 3}})) == Outer(Inner(width=3))
    with pytest.raises(ValidationError):
        OmegaConf.merge(schema, {"inner": {"width": "wide"}})
    with pytest.raises(ValidationError):
        OmegaConf.merge(schema, {"inner": {"width": None}})


@pytest.mark.parametrize("make", [lambda: LossWeights(bone=-1.0), lambda: Augmentation(leaning=1.5)])
def test_dataclasses_of_the_library_check_themselves_wherever_they_are_made(make: Any) -> None:
    with pytest.raises(ValueError, match=r"(bone|leaning) is .*; expected"):
        make()
