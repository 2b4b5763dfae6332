"""A key of a scene's file: how it is written, read and checked. `duolift.outputs.schema` has the table of all keys."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.scene import Scene

Rule = tuple[Callable[[Any], Any], str]
"""What a value has to fulfil, and how a message says what was expected."""


ROWS = 1000
"""Of an array that are Python's numbers at once."""


def expect(holds: bool, source: str, key: str, found: Any, expected: str) -> None:
    """Raise InputError that names the file, the key, what was found and what was expected, unless `holds`."""
    if not holds:
        text = repr(found)
        raise InputError(f"{source}: {key} is {text if len(text) <= 60 else text[:57] + '...'}; expected {expected}")


@dataclass(frozen=True)
class Value:
    """A key that holds text, a number, or a list of them.

    Attributes:
        key: its name in the file.
        shape: what docs/scene.md says of its shape.
        meaning: what docs/scene.md says of it.
        rules: checked in order; each takes the whole value.
        of: the value that a scene has.
        convert: a checked value as `Scene` keeps it.
        json_only: not in `.npz`, and not needed for reading.
        since: the first version of the layout that has it.
        before: what it is in files of before.
    """

    key: str
    shape: str
    meaning: str
    rules: tuple[Rule, ...] = ()
    of: Callable[[Scene], Any] | None = None
    convert: Callable[[Any], Any] = lambda value: value
    json_only: bool = False
    since: int = 1
    before: Any = None

    def written(self, scene: Scene) -> Any:
        """The scene's value as JSON holds it: lists for tuples."""
        value = self.of(scene) if self.of else getattr(scene, self.key)
        return list(value) if isinstance(value, tuple) else value

    def read(self, value: Any, source: str) -> Any:
        """The value as `Scene` keeps it. Raises InputError unless all rules hold."""
        for holds, expected in self.rules:
            expect(bool(holds(value)), source, self.key, value, expected)
        try:
            return self.convert(value)
        except InputError as error:
            raise InputError(f"{source}: {error}") from error


@dataclass(frozen=True)
class Array:
    """A key that holds an array: nested lists in JSON, an array in `.npz`.

    Attributes:
        key: its name in the file, and of the attribute of `Scene`.
        axes: of `frame`, `person` and `joint`, which count as `names`, `identities` and `joints` do.
        components: names of the numbers on a last axis of their own; none for a single number.
        meaning: what docs/scene.md says of it.
        rules: checked in order; each takes the array and returns whether it holds, for some of the leading axes.
        decimals: of numbers in JSON; None for true and false.
        null_axes: how many of the last axes one null in JSON stands for, NaN in arrays, 0 for a number; None allows no
            null.
        since: the first version of the layout that has it.
        before: what it is throughout in files of before.
        world: whether JSON has it in world coordinates; `Scene` and `.npz` have camera coordinates.
    """

    key: str
    axes: tuple[str, ...]
    components: tuple[str, ...]
    meaning: str
    rules: tuple[Rule, ...] = ()
    decimals: int | None = None
    null_axes: int | None = None
    world: bool = False
    since: int = 1
    before: float = np.nan

    @property
    def shape(self) -> str:
        """What docs/scene.md says of its shape."""
        return ", ".join([*self.axes, *([f"[{', '.join(self.components)}]"] if self.components else [])])

    def written(self, scene: Scene) -> list[Any]:
        """The scene's array as nested lists, None for null."""
        return self._lists(self._values(scene))

    def parts(self, scene: Scene) -> Iterator[list[Any]]:
        """The same, some rows at a time: as Python's, the numbers of a long video take many times the memory.

        >>> scene = Scene.example()
        >>> field = Array("seen", ("frame", "person", "joint"), (), "which joints the detector saw")
        >>> sum(field.parts(scene), []) == field.written(scene)
        True
        """
        values = self._values(scene)
        for first in range(0, len(values), ROWS):
            yield self._lists(values[first : first + ROWS])

    def _values(self, scene: Scene) -> NDArray[Any]:
        values: NDArray[Any] = getattr(scene, self.key)
        return scene.world(values) if self.world else values

    def _lists(self, values: NDArray[Any]) -> list[Any]:
        """Some of the rows as JSON holds them."""
        if self.decimals is None:
            return values.tolist()
        rounded = np.round(values.astype(np.float64), self.decimals)  # float64 first: a float32 prints too many digits
        if self.null_axes is None:
            return rounded.tolist()
        first = values.ndim - self.null_axes
        valid = np.isfinite(rounded).all(tuple(range(first, values.ndim)))  # of what one null stands for
        cells = np.empty(valid.size, dtype=object)
        for place, content in enumerate(rounded.reshape(valid.size, *values.shape[first:]).tolist()):
            cells[place] = content
        cells[~valid.ravel()] = None
        return cells.reshape(valid.shape).tolist()

    def unpacked(self, value: Any, sizes: Mapping[str, int], source: str) -> NDArray[Any]:
        """JSON's nested lists, or what `compact` made of them, as an array of any type and shape; NaN for null."""
        shape = self._shape(sizes)
        if isinstance(value, np.ndarray):
            return value.reshape(shape) if not value.size and 0 in shape else value
        if self.null_axes is not None:
            first = len(shape) - self.null_axes
            value = _filled(value, first, np.full(shape[first:], np.nan).tolist())
        try:
            found = np.array(value)
        except ValueError as error:
            message = f"{source}: {self.key} is a ragged list; expected lists as long as one another"
            raise InputError(message) from error
        return found.reshape(shape) if not found.size and 0 in shape else found

    def compact(self, value: list[Any]) -> NDArray[Any] | list[Any]:
        """JSON's nested lists as an array where they make one before it is known how many of each there are.

        NaN stands for null, and as many of them as the first value that is not null has.

        >>> field = Array("people", ("frame", "person"), ("x", "y"), "where they are", null_axes=1)
        >>> field.compact([[[0.5, 1.5], None]]).tolist()
        [[[0.5, 1.5], [nan, nan]]]
        >>> field.compact([[[0.5, 1.5], "nobody"]])
        [[[0.5, 1.5], 'nobody']]
        """
        content: Any = value
        if self.null_axes is not None:
            first = len(self.axes) + bool(self.components) - self.null_axes
            known = _first_known(value, first)
            if known is None:
                return value
            try:
                content = _filled(value, first, np.full(np.shape(known), np.nan).tolist())
            except ValueError:
                return value
        try:
            found = np.array(content)
        except (ValueError, OverflowError):
            return value
        return found if found.dtype.kind in "bif" else value

    def read(self, value: Any, sizes: Mapping[str, int], source: str) -> NDArray[Any]:
        """The array, of float64 or bool. Raises InputError for another type or shape, or if a rule does not hold."""
        found, shape = np.asarray(value), self._shape(sizes)
        kinds, content = ("b", "true and false") if self.decimals is None else ("iuf", "numbers")
        if found.shape != shape or (found.size and found.dtype.kind not in kinds):
            described = f"an array {found.shape} of {found.dtype}"
            raise InputError(f"{source}: {self.key} is {described}; expected {shape} of {content}")
        found = found.astype(np.bool_ if self.decimals is None else np.float64)
        for rule, expected in self.rules:
            holds = rule(found)
            if not holds.all():
                place = tuple(np.argwhere(~holds)[0].tolist())
                expect(False, source, f"{self.key}{list(place)}", found[place].tolist(), expected)
        return found

    def unknown(self, sizes: Mapping[str, int]) -> NDArray[Any]:
        """The array of a file of before there was one."""
        return np.full(self._shape(sizes), self.before)

    def _shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        return (*(sizes[axis] for axis in self.axes), *([len(self.components)] if self.components else []))


def _first_known(value: Any, levels: int) -> Any:
    """The first value, `levels` lists deep, that is not None; None where there is none."""
    if levels and isinstance(value, list):
        return next((found for item in value if (found := _first_known(item, levels - 1)) is not None), None)
    return None if levels else value


def _filled(value: Any, levels: int, missing: list[Any]) -> Any:
    """Nested lists in which None, `levels` lists deep, is replaced."""
    if not levels:
        return missing if value is None else value
    if not isinstance(value, list):
        return value
    if levels == 1:  # without a call for each, of which a long video has millions
        return [missing if item is None else item for item in value]
    return [_filled(item, levels - 1, missing) for item in value]
