"""The schema of a scene's file, version 1: one table of fields.

From the table follow what `.json` and `.npz` hold, how each key is written, read and checked, and the table in
docs/scene.md, which a test compares. To add a field: a row here, an attribute of `Scene`, a row there.

A schema library was measured and not taken. jsonschema needs 1.3 s for the positions of 1,000 frames of two people,
which NumPy converts in 0.01 s. pydantic takes 0.13 s to import, against 0.01 s of all that a scene needs here. Neither
knows arrays or sizes that several keys share (`frame`, `person`, `joint`), so that most of this file would remain.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.camera import LARGEST_QUANTITY
from duolift.errors import InputError
from duolift.outputs.cameras import lens_object, lens_of, reference_object, reference_of
from duolift.outputs.fields import Array, Rule, Value, expect
from duolift.scene import Scene, to_camera

SCENE_FORMAT = "duolift scene"
"""A scene's JSON says so within its first bytes."""

SCENE_VERSION = 4
"""Of the layout that is written. Version 1 had no deviations, version 2 those of joints alone, version 3 no world but
the camera's own."""

READABLE_VERSIONS = (1, 2, 3, 4)

UNIT_TOLERANCE = 1e-3
"""By how much the length of a unit vector may differ from 1."""

FOCAL_SOURCES = ("known", "people", "default")


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
    Value("format", "text", f'`"{SCENE_FORMAT}"`', of=lambda _: SCENE_FORMAT, json_only=True),
    Value(
        "version",
        "number",
        f"`{SCENE_VERSION}`; others are refused, but for 1 to 3",
        of=lambda _: SCENE_VERSION,
    ),
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
    Array(
        "deviation",
        ("frame", "person", "joint"),
        (),
        "how far off a joint is expected to be in its body, metres; null where it is not known",
        ((lambda values: np.isnan(values) | ((values >= 0) & _is_small(values)), "metres, or none"),),
        decimals=4,
        null_axes=1,
        since=2,
    ),
    Array(
        "distance_deviation",
        ("frame", "person"),
        (),
        "how far off a person's distance from the camera is expected to be, metres; null where it is not known",
        ((lambda values: np.isnan(values) | ((values >= 0) & _is_small(values)), "metres, or none"),),
        decimals=4,
        null_axes=0,
        since=3,
    ),
    Array(
        "tilt_deviation",
        ("frame",),
        (),
        "how far off the camera's tilt is expected to be, degrees; null where it is not known",
        ((lambda values: np.isnan(values) | ((values >= 0) & _is_small(values)), "degrees, or none"),),
        decimals=3,
        null_axes=0,
        since=3,
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
    Array(
        "heading",
        ("frame",),
        (),
        "radians by which the camera is turned to the left from looking along -z; 0 where the world is its own",
        ((_is_small, "radians"),),
        decimals=7,
        since=4,
        before=0.0,
    ),
    Array(
        "place",
        ("frame",),
        ("x", "z"),
        "where the camera is in the world, beside `height`, metres; 0 where the world is its own",
        ((lambda places: _is_small(places).all(-1), "metres"),),
        decimals=4,
        since=4,
        before=0.0,
    ),
    Value(
        "lenses",
        "lens, or frame",
        "of a calibrated camera, one for all frames or one each, see below; else empty",
        (LIST,),
        of=lambda scene: [lens_object(lens) for lens in scene.lenses],
        convert=lambda lenses: tuple(map(lens_of, lenses)),
        since=4,
        before=[],
    ),
    Value(
        "reference",
        "object",
        "how the world of a calibration becomes the scene's, see below; null where the world is the camera's own",
        of=lambda scene: None if scene.reference is None else reference_object(scene.reference),
        convert=reference_of,
        since=4,
    ),
    Value("notes", "texts", "what was assumed or is doubtful, in words", (LIST, (TEXTS, "sentences")), convert=tuple),
)
"""Every key of a scene's file, in the order of the JSON."""

VALUE_FIELDS = tuple(field for field in FIELDS if isinstance(field, Value))
ARRAY_FIELDS = tuple(field for field in FIELDS if isinstance(field, Array))
ARRAYS = {array.key: array for array in ARRAY_FIELDS}


def check_version(found: Mapping[str, Any], source: str) -> None:
    """Raise InputError for a layout of a version that is not in `READABLE_VERSIONS`, of which no more is read."""
    version, expected = found.get("version"), " or ".join(map(str, READABLE_VERSIONS))
    expect(type(version) is int and version in READABLE_VERSIONS, source, "version", version, expected)


def scene_of(found: Mapping[str, Any], source: str, as_json: bool) -> Scene:
    """The scene that a file holds; nothing of it is taken on trust.

    Args:
        found: by key; arrays as arrays, or as JSON has them.
        source: what messages call the file.
        as_json: whether arrays are nested lists, and those of people in world coordinates.

    Raises:
        InputError: naming the file, the key, what was found and what was expected.
    """
    present = [array for array in ARRAY_FIELDS if array.since <= found["version"]]
    needed = sorted(
        [
            *(value.key for value in VALUE_FIELDS if not value.json_only and value.since <= found["version"]),
            *(array.key for array in present),
        ]
    )
    missing = [key for key in needed if key not in found]
    if missing:
        raise InputError(f"{source}: {missing[0]} is missing; expected the keys {', '.join(needed)}")
    values: dict[str, Any] = {
        value.key: value.read(found[value.key] if value.since <= found["version"] else value.before, source)
        for value in VALUE_FIELDS
        if not value.json_only
    }
    name, joints = values.pop("skeleton"), values.pop("joints")
    del values["version"]
    try:
        skeleton = Skeleton.person(name, joints)
    except ValueError as error:
        raise InputError(f"{source}: joints: {error}") from error
    sizes = {"frame": len(values["names"]), "person": len(values["identities"]), "joint": len(skeleton)}
    arrays = {array.key: array.unknown(sizes) for array in ARRAY_FIELDS if array not in present}
    for field in present:
        content = field.unpacked(found[field.key], sizes, source) if as_json else found[field.key]
        arrays[field.key] = field.read(content, sizes, source)
    for field in present:
        if as_json and field.world:
            arrays[field.key] = to_camera(arrays[field.key], *(arrays[k] for k in ("up", "height", "heading", "place")))
    if len(values["lenses"]) not in (0, 1, sizes["frame"]):
        raise InputError(f"{source}: lenses are {len(values['lenses'])}; expected none, one, or {sizes['frame']}")
    for key, array in arrays.items():
        values[key] = array if array.dtype == np.bool_ else array.astype(np.float32)
    return Scene(skeleton=skeleton, **values)


def markdown_table() -> str:
    """The table of keys in docs/scene.md."""
    rows = [f"| `{field.key}` | {field.shape} | {field.meaning} |" for field in FIELDS]
    return "\n".join(["| key | shape | meaning |", "|---|---|---|", *rows])
