"""The schema of a scene's file, version 1: one table of fields.

From the table follow what `.json` and `.npz` hold, how each key is written, read and checked, and the table in
docs/scene.md, which a test compares. To add a field: a row here, an attribute of `Scene`, a row there.

A schema library was measured and not taken. jsonschema needs 1.3 s for the positions of 1,000 frames of two people,
which NumPy converts in 0.01 s. pydantic takes 0.13 s to import, against 0.01 s of all that a scene needs here. Neither
knows arrays or sizes that several keys share (`frame`, `person`, `joint`), so that most of this file would remain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.camera import LARGEST_QUANTITY
from duolift.errors import InputError
from duolift.scene import Scene, to_camera

FORMAT = "duolift scene"
"""A scene's JSON says so within its first bytes."""

VERSION = 1
"""Of the layout; a reader refuses any other."""

UNIT_TOLERANCE = 1e-3
"""By how much the length of a unit vector may differ from 1."""

FOCAL_SOURCES = ("known", "people", "default")

Rule = tuple[Callable[[Any], Any], str]
"""What a value has to fulfil, and how a message says what was expected."""


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
    """

    key: str
    shape: str
    meaning: str
    rules: tuple[Rule, ...] = ()
    of: Callable[[Scene], Any] | None = None
    convert: Callable[[Any], Any] = lambda value: value
    json_only: bool = False

    def written(self, scene: Scene) -> Any:
        """The scene's value as JSON holds it: lists for tuples."""
        value = self.of(scene) if self.of else getattr(scene, self.key)
        return list(value) if isinstance(value, tuple) else value

    def read(self, value: Any, source: str) -> Any:
        """The value as `Scene` keeps it. Raises InputError unless all rules hold."""
        for holds, expected in self.rules:
            expect(bool(holds(value)), source, self.key, value, expected)
        return self.convert(value)


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
        null_axes: how many of the last axes one null in JSON stands for, NaN in arrays; 0 allows no null.
        world: whether JSON has it in world coordinates; `Scene` and `.npz` have camera coordinates.
    """

    key: str
    axes: tuple[str, ...]
    components: tuple[str, ...]
    meaning: str
    rules: tuple[Rule, ...] = ()
    decimals: int | None = None
    null_axes: int = 0
    world: bool = False

    @property
    def shape(self) -> str:
        """What docs/scene.md says of its shape."""
        return ", ".join([*self.axes, *([f"[{', '.join(self.components)}]"] if self.components else [])])

    def written(self, scene: Scene) -> list[Any]:
        """The scene's array as nested lists, None for null."""
        values: NDArray[Any] = getattr(scene, self.key)
        if self.world:
            values = scene.world(values)
        if self.decimals is None:
            return values.tolist()
        rounded = np.round(values.astype(np.float64), self.decimals)  # float64 first: a float32 prints too many digits
        if not self.null_axes:
            return rounded.tolist()
        first = values.ndim - self.null_axes
        cells = np.empty(values.shape[:first], dtype=object)
        for place in np.ndindex(cells.shape):
            cells[place] = rounded[place].tolist() if np.isfinite(rounded[place]).all() else None
        return cells.tolist()

    def unpacked(self, value: Any, sizes: Mapping[str, int], source: str) -> NDArray[Any]:
        """JSON's nested lists as an array of any type and shape; NaN for null."""
        shape = self._shape(sizes)
        first = len(shape) - self.null_axes
        if self.null_axes:
            value = _filled(value, first, np.full(shape[first:], np.nan).tolist())
        try:
            found = np.array(value)
        except ValueError as error:
            message = f"{source}: {self.key} is a ragged list; expected lists as long as one another"
            raise InputError(message) from error
        return found.reshape(shape) if not found.size and 0 in shape else found

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

    def _shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        return (*(sizes[axis] for axis in self.axes), *([len(self.components)] if self.components else []))


def _filled(value: Any, levels: int, missing: list[Any]) -> Any:
    """Nested lists in which None, `levels` lists deep, is replaced."""
    if levels and isinstance(value, list):
        return [_filled(item, levels - 1, missing) for item in value]
    return missing if value is None and not levels else value


# What may stand in a file ---------------------------------------------------------------------------------------------


def is_text(value: Any) -> bool:
    """Whether it is text that can be written: JSON can hold halves of characters."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LARGEST_QUANTITY


def _is_small(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(values) <= LARGEST_QUANTITY


def _each(holds: Callable[[Any], bool]) -> Callable[[list[Any]], bool]:
    return lambda values: all(holds(value) for value in values)


LIST: Rule = (lambda value: isinstance(value, list), "a list")
TEXTS = _each(is_text)
UNIT_LENGTH: Rule = (
    lambda vectors: np.abs(np.linalg.norm(vectors, axis=-1) - 1) < UNIT_TOLERANCE,
    "a vector of length 1",
)
WHOLE_PERSONS: Rule = (
    lambda people: _is_small(people).all((-1, -2)) | np.isnan(people).all((-1, -2)),
    "metres for all joints of a person, or for none",
)
WHOLE_POINTS: Rule = (
    lambda points: _is_small(points).all(-1) | np.isnan(points).all(-1),
    "two numbers of pixels, or none",
)
XYZ = ("x", "y", "z")


FIELDS: tuple[Value | Array, ...] = (
    Value("format", "text", f'`"{FORMAT}"`', of=lambda _: FORMAT, json_only=True),
    Value("version", "number", f"`{VERSION}`; a reader refuses any other", of=lambda _: VERSION),
    Value(
        "skeleton",
        "text",
        "the skeleton's name",
        ((is_text, "the skeleton's name"),),
        of=lambda scene: scene.skeleton.name,
    ),
    Value(
        "joints",
        "joint",
        "their names, all of `duolift.body.skeleton`",
        (LIST, (_each(lambda joint: isinstance(joint, str)), "the joints' names")),
        of=lambda scene: scene.skeleton.joints,
    ),
    Value(
        "bones",
        "[child, parent]",
        "names of joints; follows from `joints`, for readers' convenience",
        of=lambda scene: [list(bone) for bone in scene.skeleton.bones],
        json_only=True,
    ),
    Value("names", "frame", "of the images", (LIST, (TEXTS, "the images' names")), convert=tuple),
    Value(
        "identities",
        "person",
        "whole numbers that tell people apart",
        (
            LIST,
            (_each(lambda number: type(number) is int), "whole numbers"),
            (lambda numbers: len(set(numbers)) == len(numbers), "a number of their own for everybody"),
        ),
        convert=tuple,
    ),
    Array(
        "people",
        ("frame", "person", "joint"),
        XYZ,
        "metres, **world** coordinates; null for a person who is not in the frame",
        (WHOLE_PERSONS,),
        decimals=4,
        null_axes=2,
        world=True,
    ),
    Array(
        "by_paper",
        ("frame", "person", "joint"),
        XYZ,
        "the same people, placed as in the paper",
        (WHOLE_PERSONS,),
        decimals=4,
        null_axes=2,
        world=True,
    ),
    Array("seen", ("frame", "person", "joint"), (), "false where a joint was filled in"),
    Array(
        "confidence",
        ("frame", "person"),
        (),
        "of a person's place, 0 to 1",
        ((lambda values: (values >= 0) & (values <= 1), "0 to 1"),),
        decimals=3,
    ),
    Array("up", ("frame",), XYZ, "unit vector, **camera** coordinates", (UNIT_LENGTH,), decimals=7),
    Array("height", ("frame",), (), "of the camera above the ground, metres", ((_is_small, "metres"),), decimals=4),
    Array(
        "keypoints",
        ("frame", "person", "joint"),
        ("u", "v"),
        "the 2D poses, pixels; null where nothing was seen",
        (WHOLE_POINTS,),
        decimals=2,
        null_axes=1,
    ),
    Value(
        "image",
        "[width, height]",
        "pixels",
        (
            LIST,
            (lambda sides: len(sides) == 2 and all(map(_is_positive, sides)), "a width and a height in pixels"),
        ),
        convert=lambda sides: (float(sides[0]), float(sides[1])),
    ),
    Value("focal", "number", "focal length, pixels", ((_is_positive, "a length in pixels"),), convert=float),
    Value(
        "focal_source",
        "text",
        "`known`, `people` (estimated from them) or `default`",
        ((lambda source: source in FOCAL_SOURCES, f"one of {', '.join(FOCAL_SOURCES)}"),),
    ),
    Value(
        "rate",
        "number",
        "frames a second; null for images that stand alone",
        ((lambda rate: rate is None or _is_positive(rate), "frames a second, or nothing"),),
        convert=lambda rate: None if rate is None else float(rate),
    ),
    Value("notes", "texts", "what was assumed or is doubtful, in words", (LIST, (TEXTS, "sentences")), convert=tuple),
)
"""Every key of a scene's file, in the order of the JSON."""

VALUES = tuple(field for field in FIELDS if isinstance(field, Value))
ARRAYS = tuple(field for field in FIELDS if isinstance(field, Array))


def check_version(found: Mapping[str, Any], source: str) -> None:
    """Raise InputError for a layout of another version, of which no more is read."""
    expect(found.get("version") == VERSION, source, "version", found.get("version"), str(VERSION))


def scene_of(found: Mapping[str, Any], source: str, as_json: bool) -> Scene:
    """The scene that a file holds; nothing of it is taken on trust.

    Args:
        found: by key; arrays as arrays, or as JSON has them.
        source: what messages call the file.
        as_json: whether arrays are nested lists, and those of people in world coordinates.

    Raises:
        InputError: naming the file, the key, what was found and what was expected.
    """
    needed = sorted(field.key for field in FIELDS if not (isinstance(field, Value) and field.json_only))
    missing = [key for key in needed if key not in found]
    if missing:
        raise InputError(f"{source}: {missing[0]} is missing; expected the keys {', '.join(needed)}")
    values: dict[str, Any] = {
        value.key: value.read(found[value.key], source) for value in VALUES if not value.json_only
    }
    name, joints = values.pop("skeleton"), values.pop("joints")
    del values["version"]
    try:
        skeleton = Skeleton.person(name, joints)
    except ValueError as error:
        raise InputError(f"{source}: joints: {error}") from error
    sizes = {"frame": len(values["names"]), "person": len(values["identities"]), "joint": len(skeleton)}
    arrays: dict[str, NDArray[Any]] = {}
    for field in ARRAYS:
        content = field.unpacked(found[field.key], sizes, source) if as_json else found[field.key]
        arrays[field.key] = field.read(content, sizes, source)
    for field in ARRAYS:
        if as_json and field.world:
            arrays[field.key] = to_camera(arrays[field.key], arrays["up"], arrays["height"])
    for key, array in arrays.items():
        values[key] = array if array.dtype == np.bool_ else array.astype(np.float32)
    return Scene(skeleton=skeleton, **values)


def markdown_table() -> str:
    """The table of keys in docs/scene.md."""
    rows = [f"| `{field.key}` | {field.shape} | {field.meaning} |" for field in FIELDS]
    return "\n".join(["| key | shape | meaning |", "|---|---|---|", *rows])
